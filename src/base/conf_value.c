/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of configuration values. What is not acceptable is told in words that say what would be.
 */
#include "base/clock.h"
#include "base/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool in_range(const struct tp_conf_key *row, int64_t number)
{
    bool unlimited = row->min == 0 && row->max == 0;
    return unlimited || (number >= row->min && number <= row->max);
}

static enum tp_rc parse_string(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                               int64_t *ret_number)
{
    (void)row;
    (void)ret_number;
    for (const char *at = text; *at != '\0'; at++) /* NCONF makes "\n" in the file a newline */
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return tp_error_set(error, TP_CONFIG, "holds a control character; write it without \\n, \\r, \\b and \\t");
    return TP_OK;
}

static enum tp_rc parse_integer(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                                int64_t *ret_number)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*digits < '0' || *digits > '9' || *end != '\0' || errno != 0)
        return tp_error_set(error, TP_CONFIG, "\"%s\" is not a whole number", text);
    if (!in_range(row, number))
        return tp_error_set(error, TP_CONFIG, "%s is outside %" PRId64 " to %" PRId64, text, row->min, row->max);
    *ret_number = number;
    return TP_OK;
}

static enum tp_rc parse_boolean(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                                int64_t *ret_number)
{
    (void)row;
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return tp_error_set(error, TP_CONFIG, "\"%s\" is neither yes nor no", text);
    *ret_number = text[0] == 'y';
    return TP_OK;
}

static enum tp_rc parse_duration(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                                 int64_t *ret_number)
{
    int64_t ms = 0;
    if (tp_duration_parse(text, &ms) != TP_OK)
        return tp_error_set(error, TP_CONFIG, "\"%s\" is not a time span such as 90s, 15m, 8h or 30d, of 3653d at most", text);
    if (!in_range(row, ms))
        return tp_error_set(error, TP_CONFIG, "%s is outside %" PRId64 "s to %" PRId64 "s", text, row->min / 1000,
                            row->max / 1000);
    *ret_number = ms;
    return TP_OK;
}

static enum tp_rc parse_path(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                             int64_t *ret_number)
{
    if (text[0] == '\0')
        return tp_error_set(error, TP_CONFIG, "is empty; give a path, or leave the line out");
    return parse_string(row, text, error, ret_number);
}

static enum tp_rc parse_choice(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                               int64_t *ret_number)
{
    (void)ret_number;
    size_t text_len = strlen(text);
    const char *word = row->choices;
    while (word != NULL) {
        size_t word_len = strcspn(word, "|");
        if (word_len == text_len && memcmp(word, text, text_len) == 0)
            return TP_OK;
        word = word[word_len] == '|' ? word + word_len + 1 : NULL;
    }
    return tp_error_set(error, TP_CONFIG, "\"%s\" is not one of %s", text, row->choices);
}

static enum tp_rc (*const parsers[])(const struct tp_conf_key *row, const char *text, struct tp_error *error,
                                     int64_t *ret_number) = {
    [TP_CONF_STRING] = parse_string,     [TP_CONF_INTEGER] = parse_integer, [TP_CONF_BOOLEAN] = parse_boolean,
    [TP_CONF_DURATION] = parse_duration, [TP_CONF_PATH] = parse_path,       [TP_CONF_CHOICE] = parse_choice,
};

static char *text_of(const struct tp_conf_key *row, const char *folder, const char *text)
{
    if (row->type != TP_CONF_PATH || text[0] == '/')
        return strdup(text);
    struct tp_buf path = TP_BUF_INIT;
    if (tp_buf_printf(&path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, text) == TP_OK)
        return (char *)path.data; /* handed over */
    tp_buf_clear(&path);
    return NULL;
}

enum tp_rc tp_conf_value_parse(const struct tp_conf_key *row, const char *folder, const char *text,
                               struct tp_error *error, struct tp_conf_value *ret_value)
{
    struct tp_conf_value value = {0};
    TP_TRY(parsers[row->type](row, text, error, &value.number));
    value.text = text_of(row, folder, text);
    if (value.text == NULL)
        return TP_MEMORY;
    *ret_value = value;
    return TP_OK;
}

void tp_conf_value_clear(struct tp_conf_value *value)
{
    free(value->text);
    *value = (struct tp_conf_value){0};
}
