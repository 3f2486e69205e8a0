/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/numbering.h"
#include "base/crypto.h"
#include "pdf/syntax.h"

#include <stdlib.h>
#include <string.h>

#define SECTIONS_MOST 10000
#define ENTRIES_MOST  (4 * (size_t)TP_PDF_OBJECTS_MAX) /* in all of them together */
#define WIDTH_MOST    8
#define HEADER_MOST   128 /* "4 0 obj", and white space and comments in it */

enum part { TABLE, STREAM_OF_HYBRID, STREAM }; /* of a section */

struct walk {
    struct tp_bytes file; /* from its header on */
    struct tp_pdf_numbering *numbering;
    struct tp_pdf_arena *arena;
    uint64_t at; /* of the section that is read */
    uint32_t section;
    enum part part, above; /* of it; of the one before, which is newer */
    bool doubtful; /* it is */
    size_t entries_left;
};

/* ---- entries ---- */

bool tp_pdf_number_is_used(const struct tp_pdf_number *number)
{
    return number->kind == TP_PDF_ENTRY_USED || number->kind == TP_PDF_ENTRY_COMPRESSED;
}

static bool says_the_same(const struct tp_pdf_number *a, const struct tp_pdf_number *b)
{
    return a->kind == b->kind && (!tp_pdf_number_is_used(a) || (a->at == b->at && a->generation == b->generation && a->index == b->index));
}

/* What one section says besides. §7.5.8.4: what the table of a hybrid has as free, its stream may have. */
static void merge(const struct walk *walk, struct tp_pdf_number *number, struct tp_pdf_number said)
{
    const bool twice = number->twice || (!says_the_same(number, &said) &&
                                         (walk->part != STREAM_OF_HYBRID || (tp_pdf_number_is_used(number) && tp_pdf_number_is_used(&said))));
    uint64_t other = number->other;
    if (walk->part == STREAM_OF_HYBRID && tp_pdf_number_is_used(&said) && !tp_pdf_number_is_used(number))
        *number = said;
    else if (twice && said.kind == TP_PDF_ENTRY_USED && other == 0)
        other = said.at;
    else if (twice && other != said.at && number->at != said.at) /* who says it three times hides something */
        walk->numbering->lost = true;
    number->twice = twice;
    number->other = other;
}

static enum tp_rc note_place(struct walk *walk, uint64_t at)
{
    struct tp_pdf_places *places = &walk->numbering->places;
    if (places->len == places->room) {
        const size_t room = places->room == 0 ? 256 : 2 * places->room;
        uint64_t *more = realloc(places->at, room * sizeof(*more));
        if (more == NULL)
            return TP_MEMORY;
        places->at = more;
        places->room = room;
    }
    places->at[places->len++] = at;
    return TP_OK;
}

/* What stands between FROM and where SYNTAX is. */
static enum tp_rc note_dictionary(struct walk *walk, const struct tp_pdf_syntax *syntax, size_t from, const struct tp_pdf_value *value)
{
    struct tp_pdf_dictionaries *all = &walk->numbering->dictionaries;
    if (all->len == all->room) {
        const size_t room = all->room == 0 ? 16 : 2 * all->room;
        struct tp_pdf_dictionary *more = realloc(all->of, room * sizeof(*more));
        if (more == NULL)
            return TP_MEMORY;
        all->of = more;
        all->room = room;
    }
    all->of[all->len++] = (struct tp_pdf_dictionary){from, syntax->at, value};
    return TP_OK;
}

static enum tp_rc read_dictionary(struct walk *walk, struct tp_pdf_syntax *syntax, const struct tp_pdf_value **ret_dictionary)
{
    const size_t from = syntax->at;
    TP_TRY(tp_pdf_syntax_value(syntax, walk->arena, ret_dictionary));
    return note_dictionary(walk, syntax, from, *ret_dictionary);
}

/* Who finds something else there may mend the file, and show what stands last in it. */
static bool leads_to_object(const struct walk *walk, uint64_t id, const struct tp_pdf_number *said)
{
    struct tp_pdf_ref ref;
    if (said->at >= walk->file.len)
        return false;
    const size_t left = walk->file.len - (size_t)said->at;
    struct tp_pdf_syntax syntax = {.text = TP_BYTES(walk->file.data + said->at, left < HEADER_MOST ? left : HEADER_MOST)};
    return tp_pdf_syntax_object(&syntax, &ref) && ref.id == id && ref.generation == said->generation;
}

static enum tp_rc put(struct walk *walk, uint64_t id, struct tp_pdf_number said)
{
    said.section = walk->section;
    if (said.kind == TP_PDF_ENTRY_USED) {
        said.astray = !leads_to_object(walk, id, &said);
        walk->doubtful = walk->doubtful || said.astray;
        TP_TRY(note_place(walk, said.at));
    }
    if (id >= walk->numbering->size) { /* §7.5.5: as if it were not there, for some readers */
        walk->doubtful = walk->doubtful || tp_pdf_number_is_used(&said);
        return TP_OK;
    }
    struct tp_pdf_number *number = &walk->numbering->numbers[id];
    if (number->kind == TP_PDF_ENTRY_NONE)
        *number = said;
    else if (number->section == walk->section)
        merge(walk, number, said);
    return TP_OK;
}

/* ---- tables (§7.5.4) ---- */

/* Some readers count bytes, twenty for an entry or one less, and mend a table where they do not fit: they may show something else
 * then. GAP: white space before it. */
static bool is_by_the_letter(struct tp_bytes entry, size_t gap, bool first)
{
    static const char form[] = "dddddddddd ddddd ";
    const size_t len = sizeof(form) - 1;
    bool good = gap <= (first ? 3 : 2) && entry.len >= len;
    for (size_t i = 0; good && i < len; i++)
        good = form[i] == ' ' ? entry.data[i] == ' ' : entry.data[i] >= '0' && entry.data[i] <= '9';
    return good;
}

static void check_form(struct walk *walk, struct tp_pdf_syntax syntax, bool first)
{
    const size_t from = syntax.at;
    tp_pdf_syntax_skip(&syntax);
    const struct tp_bytes rest = TP_BYTES(syntax.text.data + syntax.at, syntax.text.len - syntax.at);
    walk->doubtful = walk->doubtful || !is_by_the_letter(rest, syntax.at - from, first);
}

static enum tp_rc read_entry(struct walk *walk, struct tp_pdf_syntax *syntax, uint64_t id)
{
    struct tp_pdf_number said = {.kind = TP_PDF_ENTRY_FREE};
    uint64_t at = 0, generation = 0;
    if (walk->entries_left-- == 0)
        return TP_TOO_LARGE;
    if (!tp_pdf_syntax_number(syntax, &at) || !tp_pdf_syntax_number(syntax, &generation) || generation > UINT16_MAX)
        return TP_MALFORMED;
    if (tp_pdf_syntax_word(syntax, "n")) {
        if (at != 0) /* which some write for what is free */
            said = (struct tp_pdf_number){.kind = TP_PDF_ENTRY_USED, .at = at, .generation = (uint16_t)generation};
    } else if (!tp_pdf_syntax_word(syntax, "f")) {
        return TP_MALFORMED;
    } else if (id == 1 && at == 0 && generation == UINT16_MAX) {
        walk->doubtful = true; /* some readers take it for number 0, and count on from there */
    }
    return put(walk, id, said);
}

static enum tp_rc read_table(struct walk *walk, struct tp_pdf_syntax *syntax)
{
    while (!tp_pdf_syntax_word(syntax, "trailer")) {
        uint64_t first = 0, count = 0;
        if (!tp_pdf_syntax_number(syntax, &first) || !tp_pdf_syntax_number(syntax, &count) || first > TP_PDF_OBJECTS_MAX ||
            count > TP_PDF_OBJECTS_MAX)
            return TP_MALFORMED;
        for (uint64_t i = 0; i < count; i++) {
            check_form(walk, *syntax, i == 0);
            TP_TRY(read_entry(walk, syntax, first + i));
        }
    }
    return TP_OK;
}

/* ---- streams (§7.5.8) ---- */

struct widths {
    uint8_t of[3];
    size_t sum;
};

static bool read_widths(const struct tp_pdf_value *dictionary, struct widths *ret_widths)
{
    const struct tp_pdf_value *array = tp_pdf_get(dictionary, "W");
    *ret_widths = (struct widths){.sum = 0};
    if (tp_pdf_kind(array) != TP_PDF_ARRAY || tp_pdf_len(array) != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        const int64_t width = tp_pdf_integer(tp_pdf_at(array, i), -1);
        if (width < 0 || width > WIDTH_MOST)
            return false;
        ret_widths->of[i] = (uint8_t)width;
        ret_widths->sum += (size_t)width;
    }
    return ret_widths->sum > 0;
}

static uint64_t take_number(const uint8_t **at, uint8_t width, uint64_t otherwise)
{
    uint64_t number = 0;
    for (uint8_t i = 0; i < width; i++)
        number = number << 8 | *(*at)++;
    return width == 0 ? otherwise : number;
}

/* Table 18. */
static enum tp_rc put_fields(struct walk *walk, uint64_t id, const struct widths *widths, const uint8_t *at)
{
    const uint64_t type = take_number(&at, widths->of[0], 1);
    const uint64_t second = take_number(&at, widths->of[1], 0), third = take_number(&at, widths->of[2], 0);
    struct tp_pdf_number said = {.kind = TP_PDF_ENTRY_FREE};
    walk->doubtful = walk->doubtful || type > 2 || (type != 0 && third > (type == 1 ? UINT16_MAX : UINT32_MAX));
    if (type == 1 && second != 0)
        said = (struct tp_pdf_number){.kind = TP_PDF_ENTRY_USED, .at = second, .generation = (uint16_t)third};
    else if (type == 2)
        said = (struct tp_pdf_number){.kind = TP_PDF_ENTRY_COMPRESSED, .at = second, .index = (uint32_t)third};
    return put(walk, id, said);
}

/* COUNT entries for numbers from FIRST on. */
static enum tp_rc put_run(struct walk *walk, const struct widths *widths, int64_t first, int64_t count, struct tp_bytes *left)
{
    if (first < 0 || count < 0 || first > TP_PDF_OBJECTS_MAX || count > TP_PDF_OBJECTS_MAX ||
        (uint64_t)count > left->len / widths->sum || (uint64_t)count > walk->entries_left)
        return TP_MALFORMED;
    walk->entries_left -= (size_t)count;
    for (int64_t i = 0; i < count; i++)
        TP_TRY(put_fields(walk, (uint64_t)(first + i), widths, left->data + (size_t)i * widths->sum));
    *left = TP_BYTES(left->data + (size_t)count * widths->sum, left->len - (size_t)count * widths->sum);
    return TP_OK;
}

static enum tp_rc put_entries(struct walk *walk, const struct tp_pdf_value *dictionary, struct tp_bytes entries)
{
    const struct tp_pdf_value *index = tp_pdf_get(dictionary, "Index");
    struct widths widths;
    if (!read_widths(dictionary, &widths))
        return TP_MALFORMED;
    if (index == NULL)
        return put_run(walk, &widths, 0, tp_pdf_integer(tp_pdf_get(dictionary, "Size"), -1), &entries);
    if (tp_pdf_kind(index) != TP_PDF_ARRAY || tp_pdf_len(index) % 2 != 0)
        return TP_MALFORMED;
    for (size_t i = 0; i < tp_pdf_len(index); i += 2)
        TP_TRY(put_run(walk, &widths, tp_pdf_integer(tp_pdf_at(index, i), -1), tp_pdf_integer(tp_pdf_at(index, i + 1), -1), &entries));
    return TP_OK;
}

static enum tp_rc read_stream(struct walk *walk, struct tp_pdf_syntax *syntax, const struct tp_pdf_value **ret_dictionary)
{
    struct tp_buf entries TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_ref ref;
    if (!tp_pdf_syntax_object(syntax, &ref))
        return TP_MALFORMED;
    TP_TRY(read_dictionary(walk, syntax, ret_dictionary));
    walk->doubtful = walk->doubtful || tp_pdf_get(*ret_dictionary, "XRefStm") != NULL; /* of tables alone; MuPDF goes there all the same */
    if (!tp_pdf_is_name(tp_pdf_get(*ret_dictionary, "Type"), "XRef") || !tp_pdf_syntax_stream(syntax))
        return TP_MALFORMED;
    TP_TRY(tp_pdf_xref_stream_decode(*ret_dictionary, TP_BYTES(syntax->text.data + syntax->at, syntax->text.len - syntax->at),
                                     &entries));
    return put_entries(walk, *ret_dictionary, tp_buf_bytes(&entries));
}

/* ---- sections ---- */

static enum tp_rc open_at(struct walk *walk, int64_t at, struct tp_pdf_syntax *ret_syntax)
{
    if (at < 0 || (uint64_t)at >= walk->file.len)
        return TP_MALFORMED;
    *ret_syntax = (struct tp_pdf_syntax){.text = walk->file, .at = (size_t)at};
    return note_place(walk, (uint64_t)at);
}

static enum tp_rc read_hybrid(struct walk *walk, const struct tp_pdf_value *trailer)
{
    const struct tp_pdf_value *stream = tp_pdf_get(trailer, "XRefStm"), *dictionary = NULL;
    struct tp_pdf_syntax syntax;
    if (stream == NULL)
        return TP_OK;
    walk->part = STREAM_OF_HYBRID;
    TP_TRY(open_at(walk, tp_pdf_integer(stream, -1), &syntax));
    return read_stream(walk, &syntax, &dictionary);
}

static enum tp_rc read_section(struct walk *walk, const struct tp_pdf_value **ret_trailer)
{
    struct tp_pdf_syntax syntax;
    TP_TRY(open_at(walk, (int64_t)walk->at, &syntax));
    walk->section++;
    walk->doubtful = false;
    walk->part = STREAM;
    if (!tp_pdf_syntax_word(&syntax, "xref"))
        return read_stream(walk, &syntax, ret_trailer);
    walk->part = TABLE;
    TP_TRY(read_table(walk, &syntax));
    TP_TRY(read_dictionary(walk, &syntax, ret_trailer));
    return read_hybrid(walk, *ret_trailer);
}

/* Table 17: what is before a stream is a stream, too. PDFium mends a file that has tables alone there. */
static void note_section(struct walk *walk, const struct tp_pdf_value *trailer)
{
    struct tp_pdf_numbering *numbering = walk->numbering;
    if (walk->above == STREAM && walk->part == TABLE)
        numbering->sections[numbering->sections_len - 1].doubtful = true;
    walk->above = walk->part;
    if (numbering->sections_len == 0)
        numbering->trailer = trailer;
    numbering->sections[numbering->sections_len++] = (struct tp_pdf_section){walk->at, walk->doubtful};
}

/* Older and older ones; a chain that comes back to itself is longer than any. */
static enum tp_rc follow(struct walk *walk)
{
    for (int i = 0; i < SECTIONS_MOST; i++) {
        const struct tp_pdf_value *trailer = NULL;
        TP_TRY(read_section(walk, &trailer));
        note_section(walk, trailer);
        const struct tp_pdf_value *previous = tp_pdf_get(trailer, "Prev");
        if (previous == NULL)
            return TP_OK;
        if (tp_pdf_integer(previous, -1) < 0)
            return TP_MALFORMED;
        walk->at = (uint64_t)tp_pdf_integer(previous, 0);
    }
    return TP_TOO_LARGE;
}

static enum tp_rc walk_sections(struct tp_bytes file, uint64_t at, struct tp_pdf_numbering *numbering)
{
    numbering->numbers = calloc((size_t)numbering->size + 1, sizeof(*numbering->numbers));
    numbering->sections = calloc(SECTIONS_MOST, sizeof(*numbering->sections));
    if (numbering->numbers == NULL || numbering->sections == NULL)
        return TP_MEMORY;
    TP_TRY(tp_pdf_arena_new(&numbering->arena));
    struct walk walk = {.file = file, .numbering = numbering, .arena = numbering->arena, .at = at, .entries_left = ENTRIES_MOST};
    const enum tp_rc rc = follow(&walk);
    numbering->lost = numbering->lost || rc != TP_OK;
    return rc == TP_MEMORY ? rc : TP_OK;
}

enum tp_rc tp_pdf_numbering_read(struct tp_bytes file, const struct tp_pdf_ends *ends, uint32_t size,
                                 struct tp_pdf_numbering *ret_numbering)
{
    *ret_numbering = (struct tp_pdf_numbering){.size = size};
    return walk_sections(TP_BYTES(file.data + ends->header_at, file.len - ends->header_at), (uint64_t)ends->startxref, ret_numbering);
}

void tp_pdf_numbering_clear(struct tp_pdf_numbering *numbering)
{
    free(numbering->numbers);
    free(numbering->places.at);
    free(numbering->sections);
    free(numbering->dictionaries.of);
    tp_pdf_arena_free(numbering->arena);
    *numbering = (struct tp_pdf_numbering){.size = 0};
}

/* ---- what they say together ---- */

static enum tp_rc hash_doubtful(const struct tp_pdf_numbering *numbering, struct tp_buf *places, uint8_t ret_doubt[32])
{
    uint8_t at[8];
    for (size_t i = 0; i < numbering->sections_len; i++) {
        tp_put_be64(at, numbering->sections[i].at);
        if (numbering->sections[i].doubtful)
            TP_TRY(tp_buf_append(places, TP_BYTES(at, sizeof(at))));
    }
    return places->len == 0 ? TP_OK : tp_sha256(tp_buf_bytes(places), TP_BYTES_NONE, TP_BYTES_NONE, ret_doubt);
}

enum tp_rc tp_pdf_numbering_doubt(const struct tp_pdf_numbering *numbering, uint8_t ret_doubt[32])
{
    struct tp_buf places TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    memset(ret_doubt, 0, 32);
    return hash_doubtful(numbering, &places, ret_doubt);
}

uint64_t tp_pdf_numbering_place(const struct tp_pdf_numbering *numbering, uint32_t id)
{
    const struct tp_pdf_number *number = &numbering->numbers[id];
    if (number->kind == TP_PDF_ENTRY_COMPRESSED)
        number = &numbering->numbers[number->at < numbering->size ? number->at : 0];
    return number->kind == TP_PDF_ENTRY_USED ? number->at : 0;
}
