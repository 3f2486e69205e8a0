/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/internal.h"
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tp_base_line_clean(char *text)
{
    const struct tp_bytes bytes = tp_bytes_of_string(text);
    for (size_t at = 0; at < bytes.len;) {
        size_t begin = at;
        const uint32_t character = tp_text_next(bytes, &at);
        if (character == TP_TEXT_NOT_UTF8)
            at = begin + 1;
        if (character == TP_TEXT_NOT_UTF8 || tp_text_is_control(character))
            memset(text + begin, '?', at - begin);
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
    if (start == 0 || ((uint8_t)words[start - 1] & 0x80) == 0)
        return;
    size_t at = start - 1;
    if (tp_text_next(TP_BYTES(words, len), &at) == TP_TEXT_NOT_UTF8)
        words[start - 1] = '\0';
}

/* ---- long paths: what is wrong stands behind them ---- */

#define ELLIPSIS  "…"
#define PATH_KEPT 200 /* bytes of one: its end, by which it is known */
#define PATH_MOST (PATH_KEPT + sizeof ELLIPSIS - 1)

/* LEN bytes at PATH become an ellipsis and their end, from a slash on if there is one in it, else from a character. */
static void cut_path(char *path, size_t len)
{
    const char *kept = path + len - PATH_KEPT, *end = path + len;
    const char *slash = memchr(kept, '/', PATH_KEPT);
    while (slash == NULL && kept < end && ((uint8_t)*kept & 0xC0) == 0x80)
        kept++;
    memmove(path + sizeof ELLIPSIS - 1, slash != NULL ? slash : kept, strlen(slash != NULL ? slash : kept) + 1);
    memcpy(path, ELLIPSIS, sizeof ELLIPSIS - 1);
}

/* A URL is none: its beginning says whose it is. */
static bool is_long_path(const char *text, size_t len)
{
    return len > PATH_MOST && memchr(text, '/', len) != NULL && memmem(text, len, "://", 3) == NULL;
}

/* The longest that has no spaces in it; when there is none, what is between the first slash and the last. */
static char *find_path(char *words, size_t *ret_len)
{
    char *found = NULL;
    *ret_len = 0;
    for (char *at = words; *at != '\0';) {
        const size_t len = strcspn(at, " ");
        if (len > *ret_len && is_long_path(at, len)) {
            found = at;
            *ret_len = len;
        }
        at += len + (at[len] == ' ');
    }
    char *first = strchr(words, '/');
    if (found != NULL || first == NULL || strstr(words, "://") != NULL)
        return found;
    *ret_len = (size_t)(strrchr(words, '/') - first);
    return is_long_path(first, *ret_len) ? first : NULL;
}

TP_PRINTF(2, 0) static void format_long_words(char words[TP_ERROR_WORDS_LEN], const char *format, va_list args)
{
    char *whole, *path;
    size_t len;
    if (vasprintf(&whole, format, args) < 0)
        return;
    while (strlen(whole) >= TP_ERROR_WORDS_LEN && (path = find_path(whole, &len)) != NULL)
        cut_path(path, len);
    (void)snprintf(words, TP_ERROR_WORDS_LEN, "%s", whole);
    free(whole);
}

TP_PRINTF(2, 0) static void format_words(char words[TP_ERROR_WORDS_LEN], const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(words, TP_ERROR_WORDS_LEN, format, args);
    if (len < 0)
        words[0] = '\0';
    if (len >= TP_ERROR_WORDS_LEN)
        format_long_words(words, format, again);
    va_end(again);
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
