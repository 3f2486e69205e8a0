/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"
#include "cli/text.h"

#include <string.h>

#define COLUMNS_MAX 16
#define GAP         2

/* Appends a value as people read it; a list's items are separated by commas. */
static enum tp_rc append_value(const json_t *value, struct tp_buf *ret_text)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return tp_cli_text_clean(json_string_value(value), ret_text);
    case JSON_INTEGER:
        return tp_buf_printf(ret_text, "%lld", (long long)json_integer_value(value));
    case JSON_TRUE:
    case JSON_FALSE:
        return tp_buf_append_string(ret_text, json_is_true(value) ? "yes" : "no");
    default:
        break;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            TP_TRY(tp_buf_append_string(ret_text, ", "));
        TP_TRY(append_value(json_array_get(value, i), ret_text));
    }
    return TP_OK;
}

static void pad(FILE *out, size_t width, size_t to)
{
    (void)fprintf(out, "%*s", (int)(to > width ? to - width : 0), "");
}

enum tp_rc tp_cli_table_record(FILE *out, const json_t *object, const struct tp_cli_column *columns)
{
    size_t widest = 0;
    for (const struct tp_cli_column *column = columns; column->key != NULL; column++) {
        size_t width = strlen(column->heading);
        if (json_object_get(object, column->key) != NULL && width > widest)
            widest = width;
    }
    for (const struct tp_cli_column *column = columns; column->key != NULL; column++) {
        const json_t *value = json_object_get(object, column->key);
        struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        if (value == NULL)
            continue;
        TP_TRY(append_value(value, &text));
        (void)fprintf(out, "%s:", column->heading);
        pad(out, strlen(column->heading), widest + GAP);
        (void)fprintf(out, "%s\n", tp_buf_string(&text));
    }
    return TP_OK;
}

static enum tp_rc cell(const json_t *object, const char *key, struct tp_buf *ret_text)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL)
        TP_TRY(append_value(value, ret_text));
    return ret_text->len > 0 ? TP_OK : tp_buf_append_string(ret_text, "-");
}

static enum tp_rc measure(const json_t *list, const struct tp_cli_column *columns, size_t widths[COLUMNS_MAX])
{
    for (size_t c = 0; columns[c].key != NULL; c++) {
        widths[c] = strlen(columns[c].heading);
        for (size_t i = 0; i < json_array_size(list); i++) {
            struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
            TP_TRY(cell(json_array_get(list, i), columns[c].key, &text));
            size_t width = tp_cli_text_width(tp_buf_string(&text));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    return TP_OK;
}

/* The last column is not filled up, so that lines do not end in blanks. */
static void print_cell(FILE *out, const struct tp_cli_column *column, const char *text, size_t widest)
{
    (void)fputs(text, out);
    if (column[1].key != NULL)
        pad(out, tp_cli_text_width(text), widest + GAP);
    else
        (void)fputc('\n', out);
}

static enum tp_rc print_row(FILE *out, const json_t *object, const struct tp_cli_column *columns, const size_t *widths)
{
    for (size_t c = 0; columns[c].key != NULL; c++) {
        struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        TP_TRY(cell(object, columns[c].key, &text));
        print_cell(out, &columns[c], tp_buf_string(&text), widths[c]);
    }
    return TP_OK;
}

enum tp_rc tp_cli_table_list(FILE *out, const json_t *list, const struct tp_cli_column *columns)
{
    size_t widths[COLUMNS_MAX] = {0}, count = 0;
    while (columns[count].key != NULL)
        count++;
    if (count > COLUMNS_MAX)
        return TP_INTERNAL;
    TP_TRY(measure(list, columns, widths));
    for (size_t c = 0; c < count; c++)
        print_cell(out, &columns[c], columns[c].heading, widths[c]);
    for (size_t i = 0; i < json_array_size(list); i++)
        TP_TRY(print_row(out, json_array_get(list, i), columns, widths));
    return TP_OK;
}
