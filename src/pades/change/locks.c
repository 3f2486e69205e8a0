/* SPDX-License-Identifier: Apache-2.0 */
/* Which form fields a signature locks (FieldMDP and /Lock, ISO 32000-2 §12.8.2.4, Table 236). */
#include "pades/change/change.h"

#include <stdlib.h>
#include <string.h>

void tp_pades_locks_clear(struct tp_pades_locks *locks)
{
    free(locks->names);
    *locks = (struct tp_pades_locks){0};
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

bool tp_pades_name_line(const struct tp_buf *name, char ret_line[TP_PADES_LINE_MAX])
{
    const char *text = tp_buf_string(name);
    tp_pades_line(text, ret_line, TP_PADES_LINE_MAX);
    const bool defined = strstr(text, "\xef\xbf\xbd") == NULL; /* U+FFFD, of which there may be several */
    return defined && strlen(text) == name->len && strcmp(text, ret_line) == 0;
}

/* What does not stand in a line as it is could be taken for another name: then all fields are locked. */
static void take_name(struct tp_pades_locks *locks, const struct tp_pdf_value *name)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_pdf_kind(name) != TP_PDF_STRING || tp_pdf_text(tp_pdf_bytes(name), &text) != TP_OK ||
        !tp_pades_name_line(&text, locks->names[locks->len]))
        locks->kind = TP_PADES_LOCKS_ALL;
}

static enum tp_rc read_names(struct tp_pdf_document *document, const struct tp_pdf_value *params, struct tp_error *error,
                             struct tp_pades_locks *locks)
{
    const struct tp_pdf_value *names, *name;
    TP_TRY(tp_pdf_document_get(document, params, "Fields", error, &names));
    size_t len = tp_pdf_kind(names) == TP_PDF_ARRAY ? tp_pdf_len(names) : 0;
    if (len > TP_PADES_LOCKS_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "a signature locks more than %d fields by name", TP_PADES_LOCKS_MAX);
    locks->names = len == 0 ? NULL : calloc(len, sizeof *locks->names);
    if (len > 0 && locks->names == NULL)
        return TP_MEMORY;
    for (; locks->len < len; locks->len++) {
        TP_TRY(tp_pdf_document_resolve(document, tp_pdf_at(names, locks->len), error, &name));
        take_name(locks, name);
    }
    return TP_OK;
}

/* Where there are several, nobody can say which of them another program goes by: all fields are locked. */
static enum tp_rc read_params(struct tp_pdf_document *document, const struct tp_pdf_value *params, struct tp_error *error,
                              struct tp_pades_locks *locks)
{
    const struct tp_pdf_value *action;
    TP_TRY(tp_pdf_document_get(document, params, "Action", error, &action));
    const bool several = locks->kind != TP_PADES_LOCKS_NONE;
    tp_pades_locks_clear(locks);
    locks->kind = several                             ? TP_PADES_LOCKS_ALL
                  : tp_pdf_is_name(action, "Include") ? TP_PADES_LOCKS_INCLUDE
                  : tp_pdf_is_name(action, "Exclude") ? TP_PADES_LOCKS_EXCLUDE
                                                      : TP_PADES_LOCKS_ALL;
    return read_names(document, params, error, locks);
}

static enum tp_rc read_references(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                                  struct tp_error *error, struct tp_pades_locks *locks)
{
    const struct tp_pdf_value *references, *reference, *method, *params;
    TP_TRY(tp_pdf_document_get(document, dictionary, "Reference", error, &references));
    const size_t len = tp_pdf_kind(references) == TP_PDF_ARRAY ? tp_pdf_len(references) : 0;
    for (size_t i = 0; i < len && i < TP_PADES_REFERENCES_MAX; i++) {
        TP_TRY(tp_pdf_document_resolve(document, tp_pdf_at(references, i), error, &reference));
        TP_TRY(tp_pdf_document_get(document, reference, "TransformMethod", error, &method));
        TP_TRY(tp_pdf_document_get(document, reference, "TransformParams", error, &params));
        if (tp_pdf_is_name(method, "FieldMDP"))
            TP_TRY(read_params(document, params, error, locks));
    }
    if (len > TP_PADES_REFERENCES_MAX)
        locks->kind = TP_PADES_LOCKS_ALL;
    return TP_OK;
}

enum tp_rc tp_pades_locks_read(struct tp_pdf_document *document, const struct tp_pades_found *found,
                               struct tp_error *error, struct tp_pades_locks *ret_locks, unsigned *ret_permission)
{
    const struct tp_pdf_value *lock, *permission;
    *ret_permission = 0;
    TP_TRY(read_references(document, found->dictionary, error, ret_locks));
    TP_TRY(tp_pdf_document_get(document, found->field_dictionary, "Lock", error, &lock));
    if (tp_pdf_kind(lock) != TP_PDF_DICTIONARY)
        return TP_OK;
    if (ret_locks->kind == TP_PADES_LOCKS_NONE)
        TP_TRY(read_params(document, lock, error, ret_locks));
    TP_TRY(tp_pdf_document_get(document, lock, "P", error, &permission)); /* ISO 32000-2: DocMDP by a lock */
    int64_t number = tp_pdf_integer(permission, 0);
    *ret_permission = number >= 1 && number <= 3 ? (unsigned)number : 0;
    return TP_OK;
}
