/* SPDX-License-Identifier: Apache-2.0
 *
 * PDF files for the tests of this room, written byte by byte; and the tools that judge what was made of them. Whatever fails
 * ends the test.
 */
#ifndef TP_TEST_PDF_FORGE_H
#define TP_TEST_PDF_FORGE_H

#include "pdf/document.h"
#include "pdf/update.h"

enum forge_form { FORGE_TABLE, FORGE_STREAM, FORGE_HYBRID };

/* Text that is written as it is, with the places of objects noted. */
struct forge {
    struct tp_buf text;
    uint64_t at[64]; /* of object i; 0: none */
    uint32_t size;
};
void forge_begin(struct forge *forge, const char *version);
void forge_object(struct forge *forge, uint32_t id, const char *content); /* content as in PDF */
void forge_stream(struct forge *forge, uint32_t id, const char *entries, struct tp_bytes data);
/* The cross-references, with TRAILER's entries ("/Root 1 0 R") besides. */
void forge_end(struct forge *forge, enum forge_form form, const char *trailer);
/* A document of two pages ("first", "second") under a tree of two levels, the second object stream when FORM has one. */
struct tp_buf forge_document(const char *version, enum forge_form form);

/* A file whose catalog has CATALOG's entries besides, with one page and OBJECTS from number 4 on, NULL behind them. */
int forge_page(const char *catalog, const char *const *objects);

/* An anonymous file in memory with these bytes. */
int forge_file(struct tp_bytes bytes);
struct tp_buf forge_read(int fd);
/* Runs FORMAT as a shell's command, %s being the path of the file FD; returns its exit status. */
int forge_run(const char *format, int fd);
/* What qpdf --encrypt with OPTIONS makes of DOCUMENT. */
struct tp_buf forge_encrypt(struct tp_bytes document, const char *options);

#endif
