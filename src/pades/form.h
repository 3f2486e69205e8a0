/* SPDX-License-Identifier: Apache-2.0
 *
 * The signature fields of a document (ISO 32000-2 §12.7.5.5), found through the AcroForm.
 */
#ifndef TP_PADES_FORM_H
#define TP_PADES_FORM_H

#include "pdf/document.h"

#define TP_PADES_FIELDS_MAX  100000 /* nodes of the field tree that are looked at */
#define TP_PADES_FIELD_DEPTH 32
#define TP_PADES_WIDGETS_MAX 64

struct tp_pades_field {
    struct tp_pdf_ref ref; /* id 0: it is no object of its own */
    const struct tp_pdf_value *value;
    char *name;                            /* full: partial names with dots between; UTF-8 */
    const struct tp_pdf_value *signature;  /* the dictionary that /V is; NULL: nothing signed */
    struct tp_pdf_ref signature_ref;
    struct tp_pdf_ref widgets[TP_PADES_WIDGETS_MAX]; /* the field itself, or its kids */
    size_t widgets_len;
};
struct tp_pades_form {
    struct tp_pdf_ref catalog;
    const struct tp_pdf_value *catalog_value, *dictionary; /* of the AcroForm; NULL: there is none */
    struct tp_pades_field *fields; /* signature fields alone, in the order of the tree */
    size_t len, capacity;
    char **names; /* of all fields without a parent */
    size_t names_len, names_capacity;
    size_t seen;
};
/* Values live as long as DOCUMENT. TP_TOO_LARGE, TP_MALFORMED. */
TP_MUST_USE enum tp_rc tp_pades_form_read(struct tp_pdf_document *document, struct tp_error *error,
                                          struct tp_pades_form *ret_form);
void tp_pades_form_clear(struct tp_pades_form *form);
/* By full name; NULL. */
const struct tp_pades_field *tp_pades_form_find(const struct tp_pades_form *form, const char *name);
/* PREFIX and the first number from 1 that makes a name which no field has. */
void tp_pades_form_free_name(const struct tp_pades_form *form, const char *prefix, char *ret_name, size_t ret_name_len);
/* "a, b.c": the signature fields in which nothing is signed, as many as there is room for; "" for none. */
void tp_pades_form_list_empty(const struct tp_pades_form *form, char *ret_list, size_t ret_list_len);
bool tp_pades_form_has_name(const struct tp_pades_form *form, const char *name);

#endif
