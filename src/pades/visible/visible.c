/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/visible/look.h"

#include "base/clock.h"
#include "base/text.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MM (72.0 / 25.4)
#define FARTHEST 200000.0 /* points; a page is 14,400 at most (ISO 32000-1 annex C), user units aside */

static const struct {
    const char *name, *lines;
} languages[] = {
    {"en", "Digitally signed by {name}\nDate: {date}\nReason: {reason}\nLocation: {location}"},
    {"ja", "電子署名：{name}\n日時：{date}\n理由：{reason}\n場所：{location}"},
    {"de", "Digital unterschrieben von {name}\nDatum: {date}\nGrund: {reason}\nOrt: {location}"},
    {"fr", "Signé numériquement par {name}\nDate : {date}\nMotif : {reason}\nLieu : {location}"},
    {"es", "Firmado digitalmente por {name}\nFecha: {date}\nMotivo: {reason}\nLugar: {location}"},
    {"zh", "数字签名：{name}\n日期：{date}\n原因：{reason}\n地点：{location}"},
};
#define LANGUAGES (sizeof languages / sizeof languages[0])

/* ---- places ---- */

/* A number with its unit, up to END, which is stepped over; in points. */
static bool take_length(const char **at, char end, double *ret_points)
{
    char *behind;
    double number = strtod(*at, &behind);
    if (behind == *at || !(number >= -FARTHEST && number <= FARTHEST))
        return false;
    if (strncmp(behind, "mm", 2) == 0)
        number *= MM;
    if (strncmp(behind, "mm", 2) == 0 || strncmp(behind, "pt", 2) == 0)
        behind += 2;
    if (*behind != end)
        return false;
    *at = behind + (end != '\0');
    *ret_points = number;
    return true;
}

enum tp_rc tp_pades_rect_parse(const char *text, struct tp_error *error, struct tp_pades_rect *ret_rect)
{
    struct tp_pades_rect rect;
    const char *at = text;
    if (!take_length(&at, ',', &rect.x) || !take_length(&at, ',', &rect.y) || !take_length(&at, ',', &rect.width) ||
        !take_length(&at, '\0', &rect.height) || rect.width <= 0 || rect.height <= 0)
        return tp_error_set(error, TP_USAGE, "'%s' is no rectangle, as in 20mm,20mm,70mm,20mm: left, bottom, width, height", text);
    *ret_rect = rect;
    return TP_OK;
}

enum tp_rc tp_pades_size_parse(const char *text, struct tp_error *error, struct tp_pades_rect *ret_rect)
{
    struct tp_pades_rect rect = *ret_rect;
    const char *at = text;
    if (!take_length(&at, 'x', &rect.width) || !take_length(&at, '\0', &rect.height) || rect.width <= 0 || rect.height <= 0)
        return tp_error_set(error, TP_USAGE, "'%s' is no size, as in 70mmx20mm: width, height", text);
    *ret_rect = rect;
    return TP_OK;
}

/* A number, or "last"; stepped over. */
static bool take_page(const char **at, uint32_t *ret_page)
{
    char *behind;
    if (strncasecmp(*at, "last", 4) == 0) {
        *ret_page = TP_PADES_PAGE_LAST;
        *at += 4;
        return true;
    }
    unsigned long page = **at >= '1' && **at <= '9' ? strtoul(*at, &behind, 10) : 0;
    if (page < 1 || page > TP_PDF_OBJECTS_MAX)
        return false;
    *ret_page = (uint32_t)page;
    *at = behind;
    return true;
}

static bool take_pages(const char **at, struct tp_pades_pages *ret_pages)
{
    if (strncasecmp(*at, "all", 3) == 0) {
        *ret_pages = (struct tp_pades_pages){1, TP_PADES_PAGE_LAST};
        *at += 3;
        return true;
    }
    if (!take_page(at, &ret_pages->first))
        return false;
    ret_pages->last = ret_pages->first;
    if (**at == '-') {
        ++*at;
        return take_page(at, &ret_pages->last) && ret_pages->first <= ret_pages->last;
    }
    return true;
}

enum tp_rc tp_pades_pages_parse(const char *text, struct tp_error *error, struct tp_pades_visible *ret_visible)
{
    const char *at = text;
    ret_visible->pages_len = 0;
    do {
        if (ret_visible->pages_len == TP_PADES_PAGES_MAX)
            return tp_error_set(error, TP_USAGE, "a signature can be seen on %d pages at most", TP_PADES_PAGES_MAX);
        if (!take_pages(&at, &ret_visible->pages[ret_visible->pages_len++]) || (*at != ',' && *at != '\0'))
            return tp_error_set(error, TP_USAGE, "'%s' is no list of pages, as in 1,3,last or 1-3 or all", text);
    } while (*at++ == ',');
    return TP_OK;
}

/* ---- text ---- */

static const char *lines_of(const char *language)
{
    for (size_t i = 0; i < LANGUAGES; i++)
        if (strcasecmp(languages[i].name, language == NULL ? "en" : language) == 0)
            return languages[i].lines;
    return NULL;
}

enum tp_rc tp_pades_language_check(const char *language, struct tp_error *error)
{
    return lines_of(language) != NULL ? TP_OK
                                      : tp_error_set(error, TP_UNSUPPORTED, "there are no lines in '%s'; en, ja, de, fr, es or zh, or "
                                                     "--text with your own", language);
}

/* The common name in an RFC 4514 text, where a backslash stands before what is special; or all of it. */
static enum tp_rc append_common_name(const char *subject, struct tp_buf *ret_name)
{
    const char *at = strncasecmp(subject, "CN=", 3) == 0 ? subject : strstr(subject, ",CN=");
    if (at == NULL)
        return tp_buf_append_string(ret_name, subject);
    for (at += *at == ',' ? 4 : 3; *at != '\0' && *at != ',' && *at != '+'; at++) {
        at += *at == '\\' && at[1] != '\0';
        TP_TRY(tp_buf_append_u8(ret_name, (uint8_t)*at));
    }
    return TP_OK;
}

static enum tp_rc append_name(const struct tp_pades_order *order, const struct tp_pki_signer *signer, struct tp_error *error,
                              struct tp_buf *ret_name)
{
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {.is_ca = false};
    if (order->name != NULL)
        return tp_buf_append_string(ret_name, order->name);
    TP_TRY(tp_pki_certificate_parse(tp_pki_signer_certificate(signer, 0), error, &certificate));
    return append_common_name(certificate.subject, ret_name);
}

/* "2026-11-28 15:03:12 +09:00": what people read, without the milliseconds. */
static enum tp_rc append_date(const struct tp_pades_order *order, struct tp_buf *ret_text)
{
    char time[TP_TIME_TEXT_LEN];
    tp_time_format(order->time_ms, order->visible->local_time, time);
    const char *zone = time + 19; /* behind the seconds: ".123Z" or ".123+09:00" */
    zone += strcspn(zone, "Z+-");
    return tp_buf_printf(ret_text, "%.10s %.8s %s", time, time + 11, *zone == 'Z' ? "UTC" : zone);
}

struct values {
    const struct tp_pades_order *order;
    const char *name;
};

static enum tp_rc append_value(const struct values *values, const char *key, size_t key_len, struct tp_buf *ret_text)
{
    const struct tp_pades_order *order = values->order;
    const struct {
        const char *key, *value;
    } known[] = {{"name", values->name}, {"reason", order->reason}, {"location", order->location}, {"contact", order->contact}};
    if (key_len == 4 && memcmp(key, "date", 4) == 0)
        return append_date(order, ret_text);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].key) == key_len && memcmp(known[i].key, key, key_len) == 0)
            return known[i].value == NULL ? TP_NOT_FOUND : tp_buf_append_string(ret_text, known[i].value);
    return TP_BAD_ARGUMENT;
}

/* One line of the template. TP_NOT_FOUND: it has values, and none has anything to say. */
static enum tp_rc append_line(const struct values *values, const char *line, size_t len, struct tp_error *error,
                              struct tp_buf *ret_text)
{
    bool told = false, silent = false;
    for (size_t at = 0; at < len;) {
        const char *close = line[at] == '{' ? memchr(line + at, '}', len - at) : NULL;
        if (close == NULL) {
            TP_TRY(tp_buf_append_u8(ret_text, (uint8_t)line[at++]));
            continue;
        }
        const char *key = line + at + 1;
        enum tp_rc rc = append_value(values, key, (size_t)(close - key), ret_text);
        if (rc == TP_BAD_ARGUMENT)
            return tp_error_set(error, rc, "'%.*s' is nothing that a visible signature can show; {name}, {date}, {reason}, "
                                "{location} or {contact}", (int)(close - key + 2), line + at);
        told = told || rc == TP_OK;
        silent = silent || rc == TP_NOT_FOUND;
        if (rc != TP_NOT_FOUND)
            TP_TRY(rc);
        at = (size_t)(close - line) + 1;
    }
    return silent && !told ? TP_NOT_FOUND : TP_OK;
}

static enum tp_rc append_lines(const struct values *values, const char *template, struct tp_error *error, struct tp_buf *ret_text)
{
    while (*template != '\0') {
        struct tp_buf line TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        size_t len = strcspn(template, "\n");
        enum tp_rc rc = append_line(values, template, len, error, &line);
        if (rc != TP_OK && rc != TP_NOT_FOUND)
            return rc;
        if (rc == TP_OK && ret_text->len > 0)
            TP_TRY(tp_buf_append_u8(ret_text, '\n'));
        if (rc == TP_OK)
            TP_TRY(tp_buf_append(ret_text, tp_buf_bytes(&line)));
        template += len + (template[len] == '\n');
    }
    return TP_OK;
}

enum tp_rc tp_pades_visible_text(const struct tp_pades_order *order, const struct tp_pki_signer *signer, struct tp_error *error,
                                 struct tp_buf *ret_text)
{
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pades_visible *visible = order->visible;
    const char *template = visible->text != NULL ? visible->text : lines_of(visible->language);
    if (template == NULL)
        return tp_pades_language_check(visible->language, error);
    TP_TRY(append_name(order, signer, error, &name));
    struct values values = {.order = order, .name = tp_buf_string(&name)};
    TP_TRY(append_lines(&values, template, error, ret_text));
    if (template[0] != '\0' && ret_text->len == 0 && visible->image.len == 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "there is nothing that the visible signature would show: what its text "
                            "speaks of has not been given");
    return TP_OK;
}
