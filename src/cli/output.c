/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"
#include "base/clock.h"
#include "cli/table.h"
#include "cli/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

void tp_cli_put(struct tp_cli *cli, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        cli->memory_out = true;
}

void tp_cli_list_add(struct tp_cli *cli, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        cli->memory_out = true;
}

static json_t *text_value(const char *text)
{
    struct tp_buf clean TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    json_t *value = json_string(text); /* keeps what is valid as it is: --json is for programs, not terminals */
    if (value == NULL && tp_cli_text_clean(text, &clean) == TP_OK)
        value = json_string(tp_buf_string(&clean));
    return value;
}

void tp_cli_put_text(struct tp_cli *cli, json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        tp_cli_put(cli, object, key, text_value(text));
}

void tp_cli_put_number(struct tp_cli *cli, json_t *object, const char *key, int64_t number)
{
    tp_cli_put(cli, object, key, json_integer(number));
}

void tp_cli_put_count(struct tp_cli *cli, json_t *object, const char *key, uint64_t count)
{
    tp_cli_put_number(cli, object, key, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

void tp_cli_put_flag(struct tp_cli *cli, json_t *object, const char *key, bool flag)
{
    tp_cli_put(cli, object, key, json_boolean(flag));
}

void tp_cli_put_time(struct tp_cli *cli, json_t *object, const char *key, int64_t utc_ms, bool local)
{
    char text[TP_TIME_TEXT_LEN];
    if (utc_ms == 0)
        return;
    tp_time_format(utc_ms, local, text);
    tp_cli_put_text(cli, object, key, text);
}

void tp_cli_put_hex(struct tp_cli *cli, json_t *object, const char *key, struct tp_bytes bytes)
{
    char *text = bytes.len == 0 ? NULL : malloc(2 * bytes.len + 1);
    if (text == NULL) {
        cli->memory_out = cli->memory_out || bytes.len > 0;
        return;
    }
    tp_hex_encode(bytes, text);
    tp_cli_put_text(cli, object, key, text);
    free(text);
}

void tp_cli_put_list(struct tp_cli *cli, json_t *object, const char *key, char *const *texts, size_t len)
{
    json_t *list = json_array();
    for (size_t i = 0; i < len; i++)
        tp_cli_list_add(cli, list, text_value(texts[i]));
    tp_cli_put(cli, object, key, list);
}

/* ---- printing ---- */

enum tp_rc tp_cli_output_failed(struct tp_cli *cli)
{
    cli->out_failed = true;
    return tp_error_set(&cli->error, TP_IO, "writing the output failed: %s%s%s", strerror(errno),
                        cli->made == NULL ? "" : "; the result is there all the same: ", cli->made == NULL ? "" : cli->made);
}

static enum tp_rc print_json(struct tp_cli *cli, const json_t *value, size_t flags)
{
    if (cli->memory_out)
        return TP_MEMORY;
    if (json_dumpf(value, cli->out, flags) != 0 || fputc('\n', cli->out) == EOF)
        return tp_cli_output_failed(cli);
    return TP_OK;
}

static enum tp_rc release(json_t *value, enum tp_rc rc)
{
    json_decref(value);
    return rc;
}

enum tp_rc tp_cli_emit_record(struct tp_cli *cli, json_t *object, const struct tp_cli_column *columns)
{
    if (cli->json || cli->memory_out)
        return release(object, print_json(cli, object, JSON_INDENT(2)));
    return release(object, tp_cli_table_record(cli->out, object, columns));
}

enum tp_rc tp_cli_emit_list(struct tp_cli *cli, json_t *list, const struct tp_cli_column *columns, const char *none)
{
    if (cli->json || cli->memory_out)
        return release(list, print_json(cli, list, JSON_INDENT(2)));
    if (json_array_size(list) == 0) {
        (void)fprintf(cli->out, "%s\n", none);
        return release(list, TP_OK);
    }
    return release(list, tp_cli_table_list(cli->out, list, columns));
}

TP_PRINTF(2, 0) static void print_words(FILE *to, const char *format, va_list args)
{
    struct tp_buf clean TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char *words; /* with paths in it, of any length */
    if (vasprintf(&words, format, args) < 0)
        return;
    if (tp_cli_text_clean(words, &clean) == TP_OK)
        (void)fprintf(to, "%s\n", tp_buf_string(&clean));
    free(words);
}

TP_PRINTF(2, 3) static void print_line(FILE *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_words(to, format, args);
    va_end(args);
}

enum tp_rc tp_cli_emit_done(struct tp_cli *cli, json_t *object, const char *format, ...)
{
    if (cli->json || cli->memory_out)
        return release(object, print_json(cli, object, JSON_INDENT(2)));
    va_list args;
    va_start(args, format);
    print_words(cli->out, format, args);
    va_end(args);
    return release(object, TP_OK);
}

enum tp_rc tp_cli_emit_ok(struct tp_cli *cli, const char *format, ...)
{
    if (cli->json) {
        json_t *object = json_object();
        tp_cli_put_flag(cli, object, "done", true);
        return release(object, print_json(cli, object, JSON_INDENT(2)));
    }
    va_list args;
    va_start(args, format);
    print_words(cli->out, format, args);
    va_end(args);
    return TP_OK;
}

enum tp_rc tp_cli_emit_line(struct tp_cli *cli, json_t *object)
{
    return release(object, print_json(cli, object, JSON_COMPACT));
}

void tp_cli_remark(struct tp_cli *cli, const char *format, ...)
{
    if (cli->json)
        return;
    va_list args;
    (void)fflush(cli->out); /* so that both stand in the order in which they were said */
    va_start(args, format);
    print_words(cli->err, format, args);
    va_end(args);
}

void tp_cli_remark_line(struct tp_cli *cli, json_t *object)
{
    if (!cli->memory_out && json_dumpf(object, cli->err, JSON_COMPACT) == 0)
        (void)fputc('\n', cli->err);
    json_decref(object);
}

enum tp_rc tp_cli_emit_version(struct tp_cli *cli)
{
    (void)fprintf(cli->out, "trustp11 %s\n", TP_VERSION);
    return TP_OK;
}

void tp_cli_emit_error(struct tp_cli *cli, const char *advice)
{
    const char *words = tp_error_words(&cli->error);
    if (!cli->json) {
        print_line(cli->err, "trustp11: %s%s%s", words, advice == NULL ? "" : "; ", advice == NULL ? "" : advice);
        return;
    }
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "error", tp_rc_name(cli->error.rc));
    tp_cli_put_text(cli, object, "words", words);
    tp_cli_put_text(cli, object, "advice", advice);
    (void)json_dumpf(object, cli->err, JSON_COMPACT);
    (void)fputc('\n', cli->err);
    json_decref(object);
}
