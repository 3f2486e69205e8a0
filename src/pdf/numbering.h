/* SPDX-License-Identifier: Apache-2.0
 *
 * What object numbers stand for, as a reader sees it that goes by numbers alone: the newest cross-reference section that has the
 * number says where it is, whatever generation is asked for (ISO 32000-2 §7.5.4, §7.5.8). QPDF goes by number and generation.
 * Where the two can differ, one document shows two things.
 */
#ifndef TP_PDF_NUMBERING_H
#define TP_PDF_NUMBERING_H

#include "base/bytes.h"
#include "base/error.h"
#include "pdf/reader.h"

enum tp_pdf_entry_kind { TP_PDF_ENTRY_NONE, TP_PDF_ENTRY_FREE, TP_PDF_ENTRY_USED, TP_PDF_ENTRY_COMPRESSED };
struct tp_pdf_number {
    uint64_t at;         /* USED: where in the file, from its header; COMPRESSED: the number of the object stream */
    uint32_t index;      /* COMPRESSED: which of the stream's objects */
    uint32_t section;    /* 1: the newest */
    uint16_t generation; /* USED */
    uint8_t kind;
    bool twice;          /* one section says two things of it */
    uint64_t other;      /* where it is besides, then; 0: nowhere */
    bool astray;         /* USED: something else is there */
};
struct tp_pdf_places {
    uint64_t *at; /* from the file's header */
    size_t len, room;
};
bool tp_pdf_number_is_used(const struct tp_pdf_number *number); /* USED or COMPRESSED */
struct tp_pdf_section {
    uint64_t at;   /* from the file's header */
    bool doubtful; /* it can be read in more than one way, or an entry of it leads to something else than its object */
};
struct tp_pdf_dictionary {
    size_t from, to; /* in the file, from its header */
    const struct tp_pdf_value *value;
};
struct tp_pdf_dictionaries {
    struct tp_pdf_dictionary *of;
    size_t len, room;
};
struct tp_pdf_numbering {
    struct tp_pdf_number *numbers; /* by number, below SIZE */
    uint32_t size;
    struct tp_pdf_section *sections; /* the newest first */
    size_t sections_len;
    const struct tp_pdf_value *trailer; /* the newest, as written; NULL: there is none */
    struct tp_pdf_dictionaries dictionaries; /* of all sections: trailers, and those of cross-reference streams */
    struct tp_pdf_arena *arena;         /* of them */
    struct tp_pdf_places places; /* where any section has an object, an older one of a number too; and the sections themselves */
    bool lost;         /* the sections cannot be followed to the oldest */
};
/* The sections of FILE from its startxref on. What they say of numbers from SIZE on is doubtful. TP_MEMORY, or TP_OK: a section
 * that cannot be read makes it LOST. */
TP_MUST_USE enum tp_rc tp_pdf_numbering_read(struct tp_bytes file, const struct tp_pdf_ends *ends, uint32_t size,
                                             struct tp_pdf_numbering *ret_numbering);
void tp_pdf_numbering_clear(struct tp_pdf_numbering *numbering);
/* Over the places of doubtful sections; all 0: there is none. */
TP_MUST_USE enum tp_rc tp_pdf_numbering_doubt(const struct tp_pdf_numbering *numbering, uint8_t ret_doubt[32]);
/* Where the object of a number in use is, or the object stream that it is in; 0: nowhere. */
uint64_t tp_pdf_numbering_place(const struct tp_pdf_numbering *numbering, uint32_t id);

/* ---- stray.c ---- */

/* Ends of "4 0 obj" in a file, from its header on; 0: there is none. */
struct tp_pdf_strays {
    uint64_t unled; /* the last that is at none of the numbering's places */
    uint64_t late;  /* the last that stands behind what is in use of its number */
};
struct tp_pdf_stray_asked {
    bool (*is_referred)(void *context, uint32_t id); /* by number: what is not in use, and yet is referred to, has one, too */
    void (*note)(void *context, size_t end);         /* of each that is either */
    void *context;
};
/* In FILE, from its header on. Sorts the places. */
void tp_pdf_strays_find(struct tp_bytes file, struct tp_pdf_numbering *numbering, const struct tp_pdf_stray_asked *asked,
                        struct tp_pdf_strays *ret_strays);

/* ---- root.c ---- */

/* In FILE, from its header on, the end of the last /Root that is of no section, or of one that names another catalog than the newest; 0:
 * there is none. */
uint64_t tp_pdf_roots_find(struct tp_bytes file, const struct tp_pdf_numbering *numbering);

/* ---- xref_stream.c ---- */

/* The entries of a cross-reference stream (§7.5.8.2): DICTIONARY, and from DATA on what is behind "stream". Filters are none or
 * FlateDecode with predictors of PNG, as everybody writes them. Appended; TP_UNSUPPORTED, TP_MALFORMED, TP_TOO_LARGE. */
TP_MUST_USE enum tp_rc tp_pdf_xref_stream_decode(const struct tp_pdf_value *dictionary, struct tp_bytes data,
                                                 struct tp_buf *ret_entries);

#endif
