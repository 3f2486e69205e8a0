/* SPDX-License-Identifier: Apache-2.0
 *
 * What earlier signatures allow: certification (DocMDP, ISO 32000-2 §12.8.2.2) and locked fields (FieldMDP, §12.8.2.4).
 *
 *   P = 1  nothing more, not even a signature
 *   P = 2  a signature in a field that is there; not a new field, which readers judge differently
 *   P = 3  a new field, too: its widget is an annotation
 */
#include "pades/internal.h"

#include <string.h>

struct looking {
    struct tp_pades_work *work;
    int64_t docmdp; /* the strictest; 4: none */
    const char *docmdp_by;
    const char *locked_by; /* the field whose signature locks NAME */
    const char *name;
};

static enum tp_rc get(struct looking *looking, const struct tp_pdf_value *dictionary, const char *key,
                      const struct tp_pdf_value **ret_value)
{
    return tp_pdf_document_get(looking->work->document, dictionary, key, looking->work->error, ret_value);
}

/* "a" covers a.b, as it is the name of a field with all that is under it. */
static bool covers(struct tp_bytes listed, const char *name)
{
    return listed.len > 0 && strncmp((const char *)listed.data, name, listed.len) == 0 &&
           (name[listed.len] == '\0' || name[listed.len] == '.');
}

static enum tp_rc is_listed(struct looking *looking, const struct tp_pdf_value *names, bool *ret_listed)
{
    *ret_listed = false;
    for (size_t i = 0; i < tp_pdf_len(names) && tp_pdf_kind(names) == TP_PDF_ARRAY && !*ret_listed; i++) {
        struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        const struct tp_pdf_value *name;
        TP_TRY(tp_pdf_document_resolve(looking->work->document, tp_pdf_at(names, i), looking->work->error, &name));
        TP_TRY(tp_pdf_text(tp_pdf_bytes(name), &text));
        *ret_listed = covers(tp_buf_bytes(&text), looking->name);
    }
    return TP_OK;
}

static enum tp_rc look_at_lock(struct looking *looking, const struct tp_pdf_value *parameters, const char *by)
{
    const struct tp_pdf_value *action, *names;
    bool listed;
    TP_TRY(get(looking, parameters, "Action", &action));
    TP_TRY(get(looking, parameters, "Fields", &names));
    TP_TRY(is_listed(looking, names, &listed));
    if (tp_pdf_is_name(action, "All") || (tp_pdf_is_name(action, "Include") && listed) ||
        (tp_pdf_is_name(action, "Exclude") && !listed))
        looking->locked_by = by;
    return TP_OK;
}

static enum tp_rc look_at_docmdp(struct looking *looking, const struct tp_pdf_value *parameters, const char *by)
{
    const struct tp_pdf_value *level;
    TP_TRY(get(looking, parameters, "P", &level));
    int64_t value = tp_pdf_integer(level, 2); /* the default of Table 257 */
    if (value < looking->docmdp) {
        looking->docmdp = value;
        looking->docmdp_by = by;
    }
    return TP_OK;
}

static enum tp_rc look_at_reference(struct looking *looking, const struct tp_pdf_value *reference, const char *by)
{
    const struct tp_pdf_value *method, *parameters;
    TP_TRY(get(looking, reference, "TransformMethod", &method));
    TP_TRY(get(looking, reference, "TransformParams", &parameters));
    if (tp_pdf_is_name(method, "FieldMDP"))
        return look_at_lock(looking, parameters, by);
    return tp_pdf_is_name(method, "DocMDP") ? look_at_docmdp(looking, parameters, by) : TP_OK;
}

static enum tp_rc look_at_signature(struct looking *looking, const struct tp_pdf_value *signature, const char *by)
{
    const struct tp_pdf_value *references, *reference;
    TP_TRY(get(looking, signature, "Reference", &references));
    for (size_t i = 0; i < tp_pdf_len(references) && tp_pdf_kind(references) == TP_PDF_ARRAY; i++) {
        TP_TRY(tp_pdf_document_resolve(looking->work->document, tp_pdf_at(references, i), looking->work->error, &reference));
        TP_TRY(look_at_reference(looking, reference, by));
    }
    return TP_OK;
}

/* A lock with /P = 1 forbids all that comes after, as a certification does (Table 236, PDF 2.0). */
static enum tp_rc look_at_field(struct looking *looking, const struct tp_pades_field *field)
{
    const struct tp_pdf_value *lock;
    if (field->signature == NULL)
        return TP_OK;
    TP_TRY(get(looking, field->value, "Lock", &lock));
    if (tp_pdf_get(lock, "P") != NULL)
        TP_TRY(look_at_docmdp(looking, lock, field->name));
    return look_at_signature(looking, field->signature, field->name);
}

/* The certification that counts is the catalog's (§12.8.6), whether its field can be found or not. */
static enum tp_rc look_at_all(struct looking *looking, const struct tp_pades_form *form)
{
    const struct tp_pdf_value *permissions, *certification;
    TP_TRY(get(looking, form->catalog_value, "Perms", &permissions));
    TP_TRY(get(looking, permissions, "DocMDP", &certification));
    if (certification != NULL)
        TP_TRY(look_at_signature(looking, certification, "the catalog"));
    for (size_t i = 0; i < form->len; i++)
        TP_TRY(look_at_field(looking, &form->fields[i]));
    return TP_OK;
}

static enum tp_rc check_certify(struct tp_pades_work *work, const struct tp_pades_form *form)
{
    for (size_t i = 0; i < form->len; i++)
        if (form->fields[i].signature != NULL)
            return tp_error_set(work->error, TP_REFUSED,
                                "it is signed already (field %s), and only the first signature can certify; sign without "
                                "--certify", form->fields[i].name);
    return TP_OK;
}

static enum tp_rc judge(const struct looking *looking, const struct tp_pades_form *form, bool is_new)
{
    struct tp_error *error = looking->work->error;
    char empty[200];
    tp_pades_form_list_empty(form, empty, sizeof empty);
    if (looking->docmdp <= 1)
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified, and its certification (%s) allows no change, not even a further "
                            "signature (DocMDP P=1)", looking->docmdp_by);
    if (looking->docmdp == 2 && is_new && empty[0] == '\0')
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified (%s) to be signed only in fields that it has (DocMDP P=2), and none "
                            "is empty", looking->docmdp_by);
    if (looking->docmdp == 2 && is_new)
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified (%s) to be signed only in fields that it has (DocMDP P=2): --field with "
                            "one of %s", looking->docmdp_by, empty);
    if (looking->locked_by != NULL)
        return tp_error_set(error, TP_REFUSED, "the signature in %s has locked the field %s: signing there would break it",
                            looking->locked_by, looking->name);
    return TP_OK;
}

enum tp_rc tp_pades_permission_check(struct tp_pades_work *work, const struct tp_pades_form *form,
                                     const struct tp_pades_order *order, const struct tp_pades_field *field)
{
    struct looking looking = {.work = work, .docmdp = 4, .name = field == NULL ? order->field : field->name};
    if (order->certify != 0)
        TP_TRY(check_certify(work, form));
    TP_TRY(look_at_all(&looking, form));
    return judge(&looking, form, field == NULL);
}
