/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/restriction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFERENCES_MAX 16 /* of one signature (Table 255) that are read; one with more allows nothing */

struct reading {
    struct tp_pdf_document *document;
    struct tp_error *error;
    struct tp_pades_restriction *restriction;
};

const char *tp_pades_locking_name(enum tp_pades_locking locking)
{
    static const char *const names[] = {[TP_PADES_LOCKS_NONE] = "", [TP_PADES_LOCKS_ALL] = "all", [TP_PADES_LOCKS_INCLUDE] = "include",
                                        [TP_PADES_LOCKS_EXCLUDE] = "exclude"};
    return names[locking];
}

void tp_pades_locks_list(const struct tp_pades_locks *locks, char *ret_list, size_t ret_list_len)
{
    size_t at = 0;
    ret_list[0] = '\0';
    for (size_t i = 0; i < locks->len && at < ret_list_len; i++)
        at += (size_t)snprintf(ret_list + at, ret_list_len - at, "%s%s", i == 0 ? "" : ", ", locks->names[i]);
}

void tp_pades_restriction_clear(struct tp_pades_restriction *restriction)
{
    free(restriction->locks.names);
    *restriction = (struct tp_pades_restriction){0};
}

bool tp_pades_locks_hold(const struct tp_pades_locks *locks, const char *field)
{
    if (locks->kind == TP_PADES_LOCKS_NONE || locks->kind == TP_PADES_LOCKS_ALL)
        return locks->kind == TP_PADES_LOCKS_ALL;
    for (size_t i = 0; i < locks->len; i++) {
        size_t len = strlen(locks->names[i]); /* a field that is named stands for those below it */
        if (strncmp(locks->names[i], field, len) == 0 && (field[len] == '\0' || field[len] == '.'))
            return locks->kind == TP_PADES_LOCKS_INCLUDE;
    }
    return locks->kind == TP_PADES_LOCKS_EXCLUDE;
}

/* What does not stand in a line as it is could be taken for another name: then all fields are locked. */
static void take_name(struct tp_pades_locks *locks, const struct tp_pdf_value *name)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_pdf_kind(name) != TP_PDF_STRING || tp_pdf_text(tp_pdf_bytes(name), &text) != TP_OK ||
        !tp_pades_name_line(tp_buf_string(&text), text.len, locks->names[locks->len]))
        locks->kind = TP_PADES_LOCKS_ALL;
}

static enum tp_rc get(struct reading *reading, const struct tp_pdf_value *dictionary, const char *key,
                      const struct tp_pdf_value **ret_value)
{
    return tp_pdf_document_get(reading->document, dictionary, key, reading->error, ret_value);
}

static enum tp_rc read_names(struct reading *reading, const struct tp_pdf_value *params)
{
    struct tp_pades_locks *locks = &reading->restriction->locks;
    const struct tp_pdf_value *names, *name;
    TP_TRY(get(reading, params, "Fields", &names));
    size_t len = tp_pdf_kind(names) == TP_PDF_ARRAY ? tp_pdf_len(names) : 0;
    if (len > TP_PADES_LOCKS_MAX)
        return tp_error_set(reading->error, TP_TOO_LARGE, "a signature locks more than %d fields by name", TP_PADES_LOCKS_MAX);
    locks->names = len == 0 ? NULL : calloc(len, sizeof *locks->names);
    if (len > 0 && locks->names == NULL)
        return TP_MEMORY;
    for (; locks->len < len; locks->len++) {
        TP_TRY(tp_pdf_document_resolve(reading->document, tp_pdf_at(names, locks->len), reading->error, &name));
        take_name(locks, name);
    }
    return TP_OK;
}

/* Where there are several, nobody can say which of them another program goes by: all fields are locked. */
static enum tp_rc read_params(struct reading *reading, const struct tp_pdf_value *params)
{
    struct tp_pades_locks *locks = &reading->restriction->locks;
    const struct tp_pdf_value *action;
    TP_TRY(get(reading, params, "Action", &action));
    const bool several = locks->kind != TP_PADES_LOCKS_NONE;
    free(locks->names);
    *locks = (struct tp_pades_locks){.kind = several                             ? TP_PADES_LOCKS_ALL
                                             : tp_pdf_is_name(action, "Include") ? TP_PADES_LOCKS_INCLUDE
                                             : tp_pdf_is_name(action, "Exclude") ? TP_PADES_LOCKS_EXCLUDE
                                                                                 : TP_PADES_LOCKS_ALL};
    return read_names(reading, params);
}

unsigned tp_pades_stricter(unsigned permission, unsigned other)
{
    return permission == 0 ? other : other == 0 || permission < other ? permission : other;
}

/* DEFAULT_TO: where /P is missing, or says nothing that is known. */
static enum tp_rc read_permission(struct reading *reading, const struct tp_pdf_value *params, unsigned default_to)
{
    const struct tp_pdf_value *value;
    TP_TRY(get(reading, params, "P", &value));
    const int64_t number = tp_pdf_integer(value, 0);
    const unsigned permission = number >= 1 && number <= 3 ? (unsigned)number : default_to;
    reading->restriction->permission = tp_pades_stricter(reading->restriction->permission, permission);
    return TP_OK;
}

static enum tp_rc read_reference(struct reading *reading, const struct tp_pdf_value *item)
{
    const struct tp_pdf_value *reference, *method, *params;
    TP_TRY(tp_pdf_document_resolve(reading->document, item, reading->error, &reference));
    TP_TRY(get(reading, reference, "TransformMethod", &method));
    TP_TRY(get(reading, reference, "TransformParams", &params));
    if (tp_pdf_is_name(method, "FieldMDP"))
        return read_params(reading, params);
    return tp_pdf_is_name(method, "DocMDP") ? read_permission(reading, params, 2) : TP_OK; /* Table 257: the default */
}

static enum tp_rc read_references(struct reading *reading, const struct tp_pdf_value *signature)
{
    const struct tp_pdf_value *references;
    TP_TRY(get(reading, signature, "Reference", &references));
    const size_t len = tp_pdf_kind(references) == TP_PDF_ARRAY ? tp_pdf_len(references) : 0;
    for (size_t i = 0; i < len && i < REFERENCES_MAX; i++)
        TP_TRY(read_reference(reading, tp_pdf_at(references, i)));
    if (len > REFERENCES_MAX) /* the others might forbid more */
        reading->restriction->permission = 1, reading->restriction->locks.kind = TP_PADES_LOCKS_ALL;
    return TP_OK;
}

static enum tp_rc read_lock(struct reading *reading, const struct tp_pdf_value *field)
{
    const struct tp_pdf_value *lock;
    TP_TRY(get(reading, field, "Lock", &lock));
    if (tp_pdf_kind(lock) != TP_PDF_DICTIONARY)
        return TP_OK;
    if (reading->restriction->locks.kind == TP_PADES_LOCKS_NONE)
        TP_TRY(read_params(reading, lock));
    return read_permission(reading, lock, 0); /* PDF 2.0: DocMDP by a lock */
}

enum tp_rc tp_pades_restriction_read(struct tp_pdf_document *document, const struct tp_pdf_value *signature,
                                     const struct tp_pdf_value *field, struct tp_error *error,
                                     struct tp_pades_restriction *ret_restriction)
{
    struct tp_pades_restriction restriction = {0};
    struct reading reading = {.document = document, .error = error, .restriction = &restriction};
    enum tp_rc rc = read_references(&reading, signature);
    if (rc == TP_OK)
        rc = read_lock(&reading, field);
    if (rc == TP_OK)
        *ret_restriction = restriction;
    else
        tp_pades_restriction_clear(&restriction);
    return rc;
}

enum tp_rc tp_pades_certified(struct tp_pdf_document *document, struct tp_error *error, unsigned *ret_permission,
                              struct tp_pdf_ref *ret_ref)
{
    struct tp_pades_restriction restriction = {0};
    const struct tp_pdf_value *catalog, *permissions, *signature;
    *ret_permission = 0, ret_ref->id = 0;
    TP_TRY(tp_pdf_document_get(document, tp_pdf_document_trailer(document), "Root", error, &catalog));
    TP_TRY(tp_pdf_document_get(document, catalog, "Perms", error, &permissions));
    TP_TRY(tp_pdf_document_get(document, permissions, "DocMDP", error, &signature));
    if (signature == NULL)
        return TP_OK;
    TP_TRY(tp_pades_restriction_read(document, signature, NULL, error, &restriction));
    *ret_ref = tp_pdf_ref(tp_pdf_get(permissions, "DocMDP"));
    *ret_permission = restriction.permission == 0 ? 2 : restriction.permission;
    tp_pades_restriction_clear(&restriction);
    return TP_OK;
}
