/* SPDX-License-Identifier: Apache-2.0
 *
 * The two ends of a file: where its header is, and what startxref says (ISO 32000-2 §7.5.2, §7.5.5). QPDF looks a little farther
 * from the end than others, who mend what they do not find and may show something else then: such a file is damaged (reader.c).
 */
#include "pdf/reader.h"

#include <string.h>

#define HEADER_WINDOW 1024
#define TAIL_WINDOW   1024

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0';
}

static size_t skip_space(struct tp_bytes file, size_t at)
{
    while (at < file.len && is_space(file.data[at]))
        at++;
    return at;
}

static bool is_at(struct tp_bytes file, size_t at, const char *word)
{
    const size_t len = strlen(word);
    return at <= file.len && file.len - at >= len && memcmp(file.data + at, word, len) == 0;
}

static size_t find_header(struct tp_bytes file)
{
    for (size_t at = 0; at < HEADER_WINDOW && at < file.len; at++)
        if (is_at(file, at, "%PDF-"))
            return at;
    return 0;
}

/* -1 when no number stands there. */
static int64_t number_at(struct tp_bytes file, size_t at)
{
    int64_t number = -1;
    for (at = skip_space(file, at); at < file.len && file.data[at] >= '0' && file.data[at] <= '9'; at++) {
        if (number > INT64_MAX / 10 - 1)
            return -1;
        number = (number < 0 ? 0 : number) * 10 + (file.data[at] - '0');
    }
    return number;
}

static int64_t find_startxref(struct tp_bytes file)
{
    const size_t least = file.len > TAIL_WINDOW ? file.len - TAIL_WINDOW : 0;
    for (size_t at = file.len; at-- > least;)
        if (is_at(file, at, "startxref") && number_at(file, at + strlen("startxref")) >= 0)
            return number_at(file, at + strlen("startxref"));
    return -1;
}

/* ---- linearized files (Annex F) ---- */

static size_t find(struct tp_bytes text, const char *word)
{
    size_t at = 0;
    while (at < text.len && !is_at(text, at, word))
        at++;
    return at;
}

/* Whether a number of TEXT is NUMBER. */
static bool has_number(struct tp_bytes text, uint64_t number)
{
    for (size_t at = 0; at < text.len; at++) {
        uint64_t found = 0;
        for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++)
            found = found > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10 : 10 * found + (uint64_t)(text.data[at] - '0');
        if (found == number)
            return true;
    }
    return false;
}

/* Where its /L is the file's length, some readers begin behind the file's first object, and not by startxref. */
static bool begins_twice(struct tp_bytes file, size_t header, uint64_t startxref)
{
    const struct tp_bytes body = TP_BYTES(file.data + header, file.len - header);
    const struct tp_bytes head = TP_BYTES(body.data, body.len < HEADER_WINDOW ? body.len : HEADER_WINDOW);
    const size_t end = find(head, "endobj");
    const struct tp_bytes first = TP_BYTES(head.data, end);
    const bool named = find(first, "Linearized") < end || find(first, "#") < end; /* a name may have codes */
    return end < head.len && named && (has_number(first, file.len) || has_number(first, body.len)) &&
           skip_space(body, end + strlen("endobj")) != startxref;
}

void tp_pdf_ends_look(struct tp_bytes file, struct tp_pdf_ends *ret_ends)
{
    const size_t header = find_header(file);
    const int64_t startxref = find_startxref(file);
    const bool inside = startxref >= 0 && (uint64_t)startxref < file.len - header;
    *ret_ends = (struct tp_pdf_ends){
        .header = is_at(file, header, "%PDF-"),
        .header_at = header,
        .startxref = startxref,
        .twofold = inside && begins_twice(file, header, (uint64_t)startxref),
        .table = inside && is_at(file, skip_space(file, header + (size_t)startxref), "xref"),
    };
}
