/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct tp_pdf_document *document;
    struct tp_pades_form *form;
    struct tp_error *error;
};
/* What a field has from those above it (§12.7.4.1). */
struct heritage {
    const char *name; /* full; "": none */
    const struct tp_pdf_value *type, *signature;
    unsigned depth;
};

void tp_pades_form_clear(struct tp_pades_form *form)
{
    for (size_t i = 0; i < form->len; i++)
        free(form->fields[i].name);
    for (size_t i = 0; i < form->names_len; i++)
        free(form->names[i]);
    free(form->fields);
    free(form->names);
    *form = (struct tp_pades_form){.len = 0};
}

static enum tp_rc grow(void **items, size_t *capacity, size_t len, size_t size)
{
    if (len < *capacity)
        return TP_OK;
    size_t more = *capacity == 0 ? 16 : *capacity * 2;
    void *moved = realloc(*items, more * size);
    if (moved == NULL)
        return TP_MEMORY;
    *items = moved;
    *capacity = more;
    return TP_OK;
}

static enum tp_rc add_name(struct tp_pades_form *form, const char *name)
{
    TP_TRY(grow((void **)&form->names, &form->names_capacity, form->names_len, sizeof *form->names));
    char *copy = strdup(name);
    if (copy == NULL)
        return TP_MEMORY;
    form->names[form->names_len++] = copy;
    return TP_OK;
}

/* The full name of the field VALUE under the one called ABOVE. A zero byte would end it early, and let two be one. */
static enum tp_rc full_name(struct walk *walk, const char *above, const struct tp_pdf_value *value, struct tp_buf *ret_name)
{
    const struct tp_pdf_value *text;
    TP_TRY(tp_buf_append_string(ret_name, above));
    TP_TRY(tp_pdf_document_get(walk->document, value, "T", walk->error, &text));
    if (text == NULL || tp_pdf_kind(text) != TP_PDF_STRING)
        return TP_OK;
    if (above[0] != '\0')
        TP_TRY(tp_buf_append_string(ret_name, "."));
    TP_TRY(tp_pdf_text(tp_pdf_bytes(text), ret_name));
    if (memchr(ret_name->data, '\0', ret_name->len) != NULL)
        return tp_error_set(walk->error, TP_MALFORMED, "the name of a form field has a zero byte in it");
    return TP_OK;
}

static void add_widget(struct tp_pades_field *field, struct tp_pdf_ref ref)
{
    if (field->widgets_len < TP_PADES_WIDGETS_MAX && ref.id != 0)
        field->widgets[field->widgets_len++] = ref;
}

static enum tp_rc add_field(struct walk *walk, struct tp_pades_field *field, const struct tp_pdf_value *signature,
                            const char *name)
{
    struct tp_pades_form *form = walk->form;
    const struct tp_pdf_value *resolved = NULL;
    TP_TRY(tp_pdf_document_resolve(walk->document, signature, walk->error, &resolved));
    if (tp_pdf_kind(resolved) == TP_PDF_DICTIONARY) {
        field->signature = resolved;
        field->signature_ref = tp_pdf_ref(signature);
    }
    TP_TRY(grow((void **)&form->fields, &form->capacity, form->len, sizeof *form->fields));
    if ((field->name = strdup(name)) == NULL)
        return TP_MEMORY;
    form->fields[form->len++] = *field;
    return TP_OK;
}

static enum tp_rc visit(struct walk *walk, const struct tp_pdf_value *node, const struct heritage *above);

/* Kids with a name are fields, the others are the widgets of this one (§12.7.4.2). */
static enum tp_rc visit_kids(struct walk *walk, const struct tp_pdf_value *kids, const struct heritage *here,
                             struct tp_pades_field *field, bool *ret_terminal)
{
    for (size_t i = 0; i < tp_pdf_len(kids); i++) {
        const struct tp_pdf_value *kid;
        TP_TRY(tp_pdf_document_resolve(walk->document, tp_pdf_at(kids, i), walk->error, &kid));
        if (tp_pdf_get(kid, "T") == NULL) {
            add_widget(field, tp_pdf_ref(tp_pdf_at(kids, i)));
            continue;
        }
        *ret_terminal = false;
        TP_TRY(visit(walk, tp_pdf_at(kids, i), here));
    }
    return TP_OK;
}

static enum tp_rc check_bounds(struct walk *walk, const struct heritage *above)
{
    if (++walk->form->seen > TP_PADES_FIELDS_MAX)
        return tp_error_set(walk->error, TP_TOO_LARGE, "the form has more than %d fields", TP_PADES_FIELDS_MAX);
    if (above->depth > TP_PADES_FIELD_DEPTH)
        return tp_error_set(walk->error, TP_MALFORMED, "the form's fields are nested more than %d deep, or in a circle",
                            TP_PADES_FIELD_DEPTH);
    return TP_OK;
}

static enum tp_rc look(struct walk *walk, const struct tp_pdf_value *node, const struct tp_pdf_value *value,
                       const struct heritage *here)
{
    struct tp_pades_field field = {.ref = tp_pdf_ref(node), .value = value};
    const struct tp_pdf_value *kids;
    bool terminal = true;
    TP_TRY(tp_pdf_document_get(walk->document, value, "Kids", walk->error, &kids));
    if (tp_pdf_kind(kids) == TP_PDF_ARRAY)
        TP_TRY(visit_kids(walk, kids, here, &field, &terminal));
    else
        add_widget(&field, field.ref);
    return terminal && tp_pdf_is_name(here->type, "Sig") ? add_field(walk, &field, here->signature, here->name) : TP_OK;
}

static enum tp_rc visit(struct walk *walk, const struct tp_pdf_value *node, const struct heritage *above)
{
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *value, *type;
    TP_TRY(check_bounds(walk, above));
    TP_TRY(tp_pdf_document_resolve(walk->document, node, walk->error, &value));
    if (tp_pdf_kind(value) != TP_PDF_DICTIONARY)
        return TP_OK;
    TP_TRY(full_name(walk, above->name, value, &name));
    if (above->depth == 0)
        TP_TRY(add_name(walk->form, tp_buf_string(&name)));
    TP_TRY(tp_pdf_document_get(walk->document, value, "FT", walk->error, &type));
    const struct tp_pdf_value *signature = tp_pdf_get(value, "V");
    struct heritage here = {.name = tp_buf_string(&name),
                            .type = type == NULL ? above->type : type,
                            .signature = signature == NULL ? above->signature : signature,
                            .depth = above->depth + 1};
    return look(walk, node, value, &here);
}

static enum tp_rc read_form(struct walk *walk)
{
    struct tp_pades_form *form = walk->form;
    const struct tp_pdf_value *trailer = tp_pdf_document_trailer(walk->document), *fields;
    form->catalog = tp_pdf_ref(tp_pdf_get(trailer, "Root"));
    TP_TRY(tp_pdf_document_get(walk->document, trailer, "Root", walk->error, &form->catalog_value));
    if (form->catalog.id == 0 || tp_pdf_kind(form->catalog_value) != TP_PDF_DICTIONARY)
        return tp_error_set(walk->error, TP_MALFORMED, "the PDF has no catalog");
    TP_TRY(tp_pdf_document_get(walk->document, form->catalog_value, "AcroForm", walk->error, &form->dictionary));
    if (tp_pdf_kind(form->dictionary) != TP_PDF_DICTIONARY)
        form->dictionary = NULL;
    TP_TRY(tp_pdf_document_get(walk->document, form->dictionary, "Fields", walk->error, &fields));
    struct heritage none = {.name = ""};
    for (size_t i = 0; i < tp_pdf_len(fields) && tp_pdf_kind(fields) == TP_PDF_ARRAY; i++)
        TP_TRY(visit(walk, tp_pdf_at(fields, i), &none));
    return TP_OK;
}

enum tp_rc tp_pades_form_read(struct tp_pdf_document *document, struct tp_error *error, struct tp_pades_form *ret_form)
{
    struct tp_pades_form form TP_AUTO(tp_pades_form_clear) = {.len = 0};
    struct walk walk = {.document = document, .form = &form, .error = error};
    TP_TRY(read_form(&walk));
    *ret_form = form;
    form = (struct tp_pades_form){.len = 0};
    return TP_OK;
}

const struct tp_pades_field *tp_pades_form_find(const struct tp_pades_form *form, const char *name)
{
    for (size_t i = 0; i < form->len; i++)
        if (strcmp(form->fields[i].name, name) == 0)
            return &form->fields[i];
    return NULL;
}

bool tp_pades_form_has_name(const struct tp_pades_form *form, const char *name)
{
    for (size_t i = 0; i < form->names_len; i++)
        if (strcmp(form->names[i], name) == 0)
            return true;
    return false;
}

/* One more than the highest: looking for the lowest would cost a document with many such names their square. */
void tp_pades_form_free_name(const struct tp_pades_form *form, const char *prefix, char *ret_name, size_t ret_name_len)
{
    const size_t len = strlen(prefix);
    unsigned long highest = 0;
    for (size_t i = 0; i < form->names_len; i++) {
        const char *digits = form->names[i] + len;
        if (strncmp(form->names[i], prefix, len) != 0 || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 9)
            continue;
        const unsigned long number = strtoul(digits, NULL, 10);
        highest = number > highest ? number : highest;
    }
    (void)snprintf(ret_name, ret_name_len, "%s%lu", prefix, highest + 1);
}

void tp_pades_form_list_empty(const struct tp_pades_form *form, char *ret_list, size_t ret_list_len)
{
    size_t at = 0;
    ret_list[0] = '\0';
    for (size_t i = 0; i < form->len; i++) {
        if (form->fields[i].signature != NULL)
            continue;
        int put = snprintf(ret_list + at, ret_list_len - at, "%s%s", at == 0 ? "" : ", ", form->fields[i].name);
        if (put < 0 || (size_t)put >= ret_list_len - at)
            return;
        at += (size_t)put;
    }
}
