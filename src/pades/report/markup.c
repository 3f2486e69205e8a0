/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/report/markup.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static void put(struct tp_pades_markup *markup, struct tp_bytes bytes)
{
    if (markup->rc == TP_OK)
        markup->rc = tp_buf_append(markup->to, bytes);
}

void tp_pades_raw(struct tp_pades_markup *markup, const char *constant)
{
    put(markup, tp_bytes_of_string(constant));
}

static const char *entity(uint32_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* XML 1.0 §2.2; characters that reverse what is shown are left out, too. */
static bool may_stand(uint32_t character)
{
    bool reverses = (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
    return character != TP_TEXT_NOT_UTF8 && !tp_text_is_control(character) && !reverses && character != 0xfffe && character != 0xffff;
}

static void escape(struct tp_pades_markup *markup, const char *text)
{
    struct tp_bytes bytes = tp_bytes_of_string(text);
    for (size_t at = 0; at < bytes.len;) {
        size_t from = at;
        uint32_t character = tp_text_next(bytes, &at);
        const char *instead = may_stand(character) ? entity(character) : "?";
        put(markup, instead != NULL ? tp_bytes_of_string(instead) : TP_BYTES(bytes.data + from, at - from));
    }
}

void tp_pades_open(struct tp_pades_markup *markup, const char *element, const char *name, const char *value)
{
    if (markup->depth == TP_PADES_MARKUP_DEPTH)
        markup->rc = TP_INTERNAL;
    if (markup->rc != TP_OK)
        return;
    markup->open[markup->depth++] = element;
    tp_pades_raw(markup, "<"), tp_pades_raw(markup, element);
    if (name != NULL && value != NULL) {
        tp_pades_raw(markup, " "), tp_pades_raw(markup, name), tp_pades_raw(markup, "=\"");
        escape(markup, value);
        tp_pades_raw(markup, "\"");
    }
    tp_pades_raw(markup, ">");
}

void tp_pades_close(struct tp_pades_markup *markup)
{
    if (markup->depth == 0)
        markup->rc = TP_INTERNAL;
    if (markup->rc != TP_OK)
        return;
    tp_pades_raw(markup, "</"), tp_pades_raw(markup, markup->open[--markup->depth]), tp_pades_raw(markup, ">\n");
}

void tp_pades_text(struct tp_pades_markup *markup, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    escape(markup, text);
}

void tp_pades_leaf(struct tp_pades_markup *markup, const char *element, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    tp_pades_open(markup, element, NULL, NULL);
    escape(markup, text);
    tp_pades_close(markup);
}

void tp_pades_leaf_time(struct tp_pades_markup *markup, const char *element, int64_t utc_ms)
{
    char text[TP_TIME_TEXT_LEN];
    tp_time_format(utc_ms, false, text);
    tp_pades_leaf(markup, element, text);
}

void tp_pades_leaf_base64(struct tp_pades_markup *markup, const char *element, struct tp_bytes bytes)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = tp_base64_encode(bytes, &text);
    if (rc != TP_OK && markup->rc == TP_OK)
        markup->rc = rc;
    tp_pades_leaf(markup, element, tp_buf_string(&text));
}

enum tp_rc tp_pades_markup_end(struct tp_pades_markup *markup)
{
    while (markup->depth > 0 && markup->rc == TP_OK)
        tp_pades_close(markup);
    return markup->rc;
}
