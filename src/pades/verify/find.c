/* SPDX-License-Identifier: Apache-2.0 */
/* Signature dictionaries: by the form's fields (§12.7), by /Perms (§12.8.6), and, for those that no field leads to, by looking at every
 * object. */
#include "pades/verify/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    struct tp_pdf_document *document;
    struct tp_error *error;
    struct tp_pades_finds *finds;
    struct tp_pades_set seen;
    size_t fields;
};
struct place { /* what a field inherits (§12.7.4.1) */
    char name[TP_PADES_LINE_MAX];
    bool is_signature;
};

void tp_pades_finds_clear(struct tp_pades_finds *finds)
{
    free(finds->finds);
    *finds = (struct tp_pades_finds){0};
}

enum tp_rc tp_pades_catalog(struct tp_pdf_document *document, struct tp_error *error,
                            const struct tp_pdf_value **ret_catalog)
{
    const struct tp_pdf_value *catalog;
    TP_TRY(tp_pdf_document_get(document, tp_pdf_document_trailer(document), "Root", error, &catalog));
    *ret_catalog = tp_pdf_kind(catalog) == TP_PDF_DICTIONARY ? catalog : NULL;
    return TP_OK;
}

static bool found_already(const struct tp_pades_finds *finds, struct tp_pdf_ref ref)
{
    for (size_t i = 0; ref.id != 0 && i < finds->len; i++)
        if (finds->finds[i].ref.id == ref.id)
            return true;
    return false;
}

static enum tp_rc add(struct tp_pades_finds *finds, const struct tp_pades_found *found)
{
    if (found_already(finds, found->ref))
        return TP_OK;
    if (finds->len == TP_PADES_SIGNATURES_MAX) {
        finds->more = true;
        return TP_OK;
    }
    if (finds->finds == NULL)
        finds->finds = calloc(TP_PADES_SIGNATURES_MAX, sizeof *finds->finds);
    if (finds->finds == NULL)
        return TP_MEMORY;
    finds->finds[finds->len++] = *found;
    return TP_OK;
}

/* "parent.child" (§12.7.4.2). */
static enum tp_rc join_name(struct search *search, const struct tp_pdf_value *field, struct place *place)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *part;
    TP_TRY(tp_pdf_document_get(search->document, field, "T", search->error, &part));
    if (tp_pdf_kind(part) != TP_PDF_STRING)
        return TP_OK;
    TP_TRY(tp_buf_append_string(&text, place->name));
    if (text.len > 0)
        TP_TRY(tp_buf_append_u8(&text, '.'));
    if (tp_pdf_text(tp_pdf_bytes(part), &text) != TP_OK)
        TP_TRY(tp_buf_append_string(&text, "?"));
    tp_pades_line(tp_buf_string(&text), place->name, sizeof place->name);
    return TP_OK;
}

static enum tp_rc take_field(struct search *search, const struct tp_pdf_value *field, struct place *place)
{
    const struct tp_pdf_value *type, *value;
    TP_TRY(join_name(search, field, place));
    TP_TRY(tp_pdf_document_get(search->document, field, "FT", search->error, &type));
    if (type != NULL)
        place->is_signature = tp_pdf_is_name(type, "Sig");
    TP_TRY(tp_pdf_document_get(search->document, field, "V", search->error, &value));
    if (tp_pdf_kind(value) == TP_PDF_NULL || !place->is_signature)
        return TP_OK;
    struct tp_pades_found found = {.ref = tp_pdf_ref(tp_pdf_get(field, "V")),
                                   .dictionary = value,
                                   .field_dictionary = field};
    memcpy(found.field, place->name, sizeof found.field);
    return add(search->finds, &found); /* whatever it is: that it is no dictionary is found out when it is looked at */
}

static enum tp_rc walk(struct search *search, const struct tp_pdf_value *item, struct place place, unsigned depth)
{
    const struct tp_pdf_value *field, *kids;
    struct tp_pdf_ref ref = tp_pdf_ref(item);
    if (depth > TP_PADES_FIELD_DEPTH || ++search->fields > TP_PADES_FIELDS_MAX)
        return tp_error_set(search->error, TP_TOO_LARGE, "the form is too large or too deep to be searched for signatures");
    if (ref.id != 0 && tp_pades_set_has(&search->seen, ref.id))
        return TP_OK;
    if (ref.id != 0)
        TP_TRY(tp_pades_set_add(&search->seen, ref.id));
    TP_TRY(tp_pdf_document_resolve(search->document, item, search->error, &field));
    if (tp_pdf_kind(field) != TP_PDF_DICTIONARY)
        return TP_OK;
    TP_TRY(take_field(search, field, &place));
    TP_TRY(tp_pdf_document_get(search->document, field, "Kids", search->error, &kids));
    for (size_t i = 0; tp_pdf_kind(kids) == TP_PDF_ARRAY && i < tp_pdf_len(kids); i++)
        TP_TRY(walk(search, tp_pdf_at(kids, i), place, depth + 1));
    return TP_OK;
}

static enum tp_rc search_form(struct search *search, const struct tp_pdf_value *catalog)
{
    const struct tp_pdf_value *form, *fields;
    TP_TRY(tp_pdf_document_get(search->document, catalog, "AcroForm", search->error, &form));
    TP_TRY(tp_pdf_document_get(search->document, form, "Fields", search->error, &fields));
    for (size_t i = 0; tp_pdf_kind(fields) == TP_PDF_ARRAY && i < tp_pdf_len(fields); i++)
        TP_TRY(walk(search, tp_pdf_at(fields, i), (struct place){.is_signature = false}, 0));
    return TP_OK;
}

static enum tp_rc search_permissions(struct search *search, const struct tp_pdf_value *catalog)
{
    static const struct {
        const char *key;
        bool usage_rights;
    } entries[] = {{"DocMDP", false}, {"UR3", true}, {"UR", true}};
    const struct tp_pdf_value *permissions, *value;
    TP_TRY(tp_pdf_document_get(search->document, catalog, "Perms", search->error, &permissions));
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        TP_TRY(tp_pdf_document_get(search->document, permissions, entries[i].key, search->error, &value));
        struct tp_pades_found found = {.ref = tp_pdf_ref(tp_pdf_get(permissions, entries[i].key)),
                                       .dictionary = value,
                                       .usage_rights = entries[i].usage_rights};
        if (tp_pdf_kind(value) == TP_PDF_DICTIONARY)
            TP_TRY(add(search->finds, &found));
    }
    return TP_OK;
}

static enum tp_rc search_objects(struct search *search)
{
    struct tp_pdf_digests reached = {0};
    enum tp_rc rc = tp_pdf_document_digests(search->document, search->error, &reached);
    for (size_t i = 0; rc == TP_OK && i < reached.len; i++) {
        const struct tp_pdf_value *value;
        const struct tp_pdf_ref ref = reached.digests[i].ref;
        rc = tp_pdf_document_object(search->document, ref, search->error, &value);
        struct tp_pades_found found = {.ref = ref, .dictionary = value};
        if (rc == TP_OK && tp_pdf_kind(value) == TP_PDF_DICTIONARY && tp_pdf_get(value, "ByteRange") != NULL &&
            tp_pdf_get(value, "Contents") != NULL)
            rc = add(search->finds, &found);
    }
    tp_pdf_digests_clear(&reached);
    return rc;
}

enum tp_rc tp_pades_find(struct tp_pdf_document *document, bool everywhere, struct tp_error *error,
                         struct tp_pades_finds *ret_finds)
{
    struct tp_pades_finds finds = {0};
    struct search search = {.document = document, .error = error, .finds = &finds};
    const struct tp_pdf_value *catalog = NULL;
    enum tp_rc rc = tp_pades_catalog(document, error, &catalog);
    if (rc == TP_OK)
        rc = search_form(&search, catalog);
    if (rc == TP_OK)
        rc = search_permissions(&search, catalog);
    if (rc == TP_OK && everywhere)
        rc = search_objects(&search);
    tp_pades_set_clear(&search.seen);
    if (rc != TP_OK) {
        tp_pades_finds_clear(&finds);
        return rc;
    }
    *ret_finds = finds;
    return TP_OK;
}
