/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/internal.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 character at TEXT (RFC 3629: shortest form, no surrogates), 0 when there is none. */
static size_t utf8_char_len(const uint8_t *text)
{
    static const struct {
        uint8_t first_min, first_max, second_min, second_max;
        size_t len;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    size_t i = 0;
    while (i < sizeof(forms) / sizeof(forms[0]) && !(text[0] >= forms[i].first_min && text[0] <= forms[i].first_max))
        i++;
    if (i == sizeof(forms) / sizeof(forms[0]))
        return 0;
    if (forms[i].len > 1 && (text[1] < forms[i].second_min || text[1] > forms[i].second_max))
        return 0;
    for (size_t at = 2; at < forms[i].len; at++)
        if ((text[at] & 0xC0) != 0x80)
            return 0;
    return forms[i].len;
}

static bool is_control(const uint8_t *text, size_t len)
{
    if (len == 1)
        return text[0] < 0x20 || text[0] == 0x7F;
    return len == 2 && text[0] == 0xC2 && text[1] < 0xA0; /* C1: some terminals obey these too */
}

void tp_base_line_clean(char *text)
{
    uint8_t *at = (uint8_t *)text;
    while (*at != '\0') {
        size_t len = utf8_char_len(at);
        if (len == 0 || is_control(at, len)) {
            len = len == 0 ? 1 : len;
            memset(at, '?', len);
        }
        at += len;
    }
}

/* Cut words end at the end of a character. */
static void drop_cut_char(char *words, size_t capacity)
{
    size_t len = strlen(words);
    if (len + 1 < capacity)
        return;
    size_t start = len;
    while (start > 0 && len - start < 4 && ((uint8_t)words[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && ((uint8_t)words[start - 1] & 0x80) != 0 && utf8_char_len((const uint8_t *)words + start - 1) == 0)
        words[start - 1] = '\0';
}

TP_PRINTF(2, 0) static void format_words(char words[TP_ERROR_WORDS_LEN], const char *format, va_list args)
{
    if (vsnprintf(words, TP_ERROR_WORDS_LEN, format, args) < 0)
        words[0] = '\0';
    drop_cut_char(words, TP_ERROR_WORDS_LEN);
    tp_base_line_clean(words);
}

enum tp_rc tp_error_set(struct tp_error *error, enum tp_rc rc, const char *format, ...)
{
    if (error == NULL)
        return rc;
    char words[TP_ERROR_WORDS_LEN]; /* not in place: the arguments may be the old words */
    va_list args;
    va_start(args, format);
    format_words(words, format, args);
    va_end(args);
    error->rc = rc;
    memcpy(error->words, words, sizeof(words));
    return rc;
}

enum tp_rc tp_error_prefix(struct tp_error *error, enum tp_rc rc, const char *format, ...)
{
    if (error == NULL)
        return rc;
    char prefix[TP_ERROR_WORDS_LEN];
    va_list args;
    va_start(args, format);
    format_words(prefix, format, args);
    va_end(args);
    bool has_words = error->rc != TP_OK && error->words[0] != '\0';
    return tp_error_set(error, rc, "%s: %s", prefix, has_words ? error->words : tp_rc_words(rc));
}

const char *tp_error_words(const struct tp_error *error)
{
    if (error == NULL)
        return tp_rc_words(TP_INTERNAL);
    return error->words[0] != '\0' ? error->words : tp_rc_words(error->rc);
}

void tp_error_clear(struct tp_error *error)
{
    if (error != NULL)
        *error = (struct tp_error){.rc = TP_OK};
}
