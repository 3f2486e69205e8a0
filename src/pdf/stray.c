/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that readers come upon who mend a file: they go through all of it, and the last of a number is what they show. Theirs are
 * the headers that are looked for: signs, points and comments in them, and what any of them takes for white space.
 */
#include "pdf/numbering.h"
#include "pdf/syntax.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_SPACE 128 /* white space and comments between an entry's place and its object */

static int by_place(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* A place may have white space before its object. */
static bool is_led_to(struct tp_bytes file, const struct tp_pdf_places *places, size_t object)
{
    size_t space = object, low = 0, high = places->len;
    while (space > 0 && object - space < HEADER_SPACE && tp_pdf_is_space(file.data[space - 1]))
        space--;
    while (low < high) { /* the first place that is not before SPACE */
        const size_t middle = low + (high - low) / 2;
        if (places->at[middle] < space)
            low = middle + 1;
        else
            high = middle;
    }
    return low < places->len && places->at[low] <= object;
}

/* ---- headers ---- */

/* How far a header has come, by what stands last. Of each stage one is followed, the newest, and several at once: where a comment
 * is none for somebody, another may begin in it. */
enum stage { FIRST, GAP, COMMENT, SECOND, SECOND_GAP, SECOND_COMMENT, STAGES };

struct header {
    bool going;
    bool unclear; /* its number is read in different ways */
    bool done;    /* the number's digits have ended */
    size_t at;
    uint64_t id;
};
enum sort { OTHER, OF_NUMBER, SPACE, PERCENT }; /* of characters */
struct scan {
    uint8_t sorts[256];
    bool open; /* a stage that the next character may end is going */
    struct header of[STAGES];
    struct tp_bytes file;
    const struct tp_pdf_numbering *numbering;
    const struct tp_pdf_stray_asked *asked;
    struct tp_pdf_strays strays;
};

static bool is_space(uint8_t c)
{
    return tp_pdf_is_space(c) || c == '\v' || c == 0x80 || c == 0xff;
}

static bool is_of_number(uint8_t c)
{
    return tp_pdf_is_digit(c) || c == '+' || c == '-' || c == '.';
}

static void move(struct scan *scan, enum stage from, enum stage to)
{
    struct header *header = &scan->of[from], *place = &scan->of[to];
    if (!header->going)
        return;
    const bool unclear = place->going && place->id != header->id;
    *place = *header;
    place->unclear = place->unclear || unclear;
    header->going = false;
}

/* 4, +4 and 4.0; who knows what 4-5 is. */
static void add_to_number(struct header *first, uint8_t c)
{
    if (!tp_pdf_is_digit(c)) {
        first->unclear = first->unclear || (c != '.' && first->id != 0);
        first->done = first->done || c == '.';
    } else if (!first->done && first->id <= TP_PDF_OBJECTS_MAX) {
        first->id = 10 * first->id + (uint64_t)(c - '0');
    }
}

static void take_of_number(struct scan *scan, uint8_t c, size_t at)
{
    move(scan, GAP, SECOND);
    scan->of[SECOND_GAP].going = false;
    if (!scan->of[FIRST].going)
        scan->of[FIRST] = (struct header){.going = true, .at = at};
    add_to_number(&scan->of[FIRST], c);
}

static void take_space(struct scan *scan, uint8_t c)
{
    move(scan, FIRST, GAP);
    move(scan, SECOND, SECOND_GAP);
    if (c == '\r' || c == '\n') {
        move(scan, COMMENT, GAP);
        move(scan, SECOND_COMMENT, SECOND_GAP);
    }
}

static void take_comment(struct scan *scan)
{
    move(scan, FIRST, COMMENT);
    move(scan, GAP, COMMENT);
    move(scan, SECOND, SECOND_COMMENT);
    move(scan, SECOND_GAP, SECOND_COMMENT);
}

static void take_other(struct scan *scan)
{
    static const enum stage ended[] = {FIRST, GAP, SECOND, SECOND_GAP};
    for (size_t i = 0; i < sizeof(ended) / sizeof(*ended); i++)
        scan->of[ended[i]].going = false;
}

/* ---- what is found ---- */

/* Behind what is in use of its number: also where that is not read by QPDF, or is not there. */
static bool is_late(const struct scan *scan, const struct header *header)
{
    if (header->unclear)
        return true;
    if (header->id >= scan->numbering->size)
        return false;
    const uint32_t id = (uint32_t)header->id;
    const uint64_t place = tp_pdf_numbering_place(scan->numbering, id);
    if (place == 0)
        return scan->asked->is_referred(scan->asked->context, id);
    if (header->at <= place || header->at - place > HEADER_SPACE)
        return header->at > place;
    struct tp_pdf_syntax syntax = {.text = TP_BYTES(scan->file.data + place, header->at - (size_t)place)};
    tp_pdf_syntax_skip(&syntax);
    return syntax.at < syntax.text.len; /* something else than white space is between */
}

static void find(struct scan *scan, enum stage stage, size_t end)
{
    const struct header *header = &scan->of[stage];
    if (!header->going)
        return;
    const bool unled = header->unclear || !is_led_to(scan->file, &scan->numbering->places, header->at), late = is_late(scan, header);
    if (unled)
        scan->strays.unled = end;
    if (late)
        scan->strays.late = end;
    if (unled || late)
        scan->asked->note(scan->asked->context, end);
}

static bool is_obj(struct tp_bytes file, size_t at)
{
    return file.data[at] == 'o' && file.len - at >= 3 && file.data[at + 1] == 'b' && file.data[at + 2] == 'j';
}

/* Most characters are of no header: nothing is done for them. */
static void take(struct scan *scan, size_t at)
{
    const uint8_t c = scan->file.data[at];
    const enum sort sort = scan->sorts[c];
    const bool ends_comment = c == '\r' || c == '\n';
    if (!scan->open && sort != OF_NUMBER && !ends_comment)
        return;
    if (is_obj(scan->file, at)) {
        find(scan, SECOND, at + 3);
        find(scan, SECOND_GAP, at + 3);
    }
    if (sort == OF_NUMBER)
        take_of_number(scan, c, at);
    else if (sort == SPACE)
        take_space(scan, c);
    else if (sort == PERCENT)
        take_comment(scan);
    else
        take_other(scan);
    scan->open = sort == OF_NUMBER || sort == SPACE;
}

static void sort_characters(uint8_t sorts[256])
{
    for (unsigned c = 0; c < 256; c++)
        sorts[c] = is_of_number((uint8_t)c) ? OF_NUMBER : is_space((uint8_t)c) ? SPACE : c == '%' ? PERCENT : OTHER;
}

void tp_pdf_strays_find(struct tp_bytes file, struct tp_pdf_numbering *numbering, const struct tp_pdf_stray_asked *asked,
                        struct tp_pdf_strays *ret_strays)
{
    struct scan scan = {.file = file, .numbering = numbering, .asked = asked};
    sort_characters(scan.sorts);
    if (numbering->places.len > 0)
        qsort(numbering->places.at, numbering->places.len, sizeof(*numbering->places.at), by_place);
    for (size_t at = 0; at < file.len; at++)
        take(&scan, at);
    *ret_strays = scan.strays;
}
