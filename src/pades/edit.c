/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes to a document's objects. Each is written where it is, and no other with it: what an earlier signature covers, and what
 * a later one is compared with, stays as small as it can be.
 */
#include "pades/internal.h"

enum tp_rc tp_pades_edit_set(struct tp_pades_work *work, struct tp_pdf_ref ref, const char *key,
                             const struct tp_pdf_value *value)
{
    const struct tp_pdf_value *object;
    TP_TRY(tp_pdf_update_object(work->update, ref, work->error, &object));
    if (tp_pdf_kind(object) != TP_PDF_DICTIONARY)
        return tp_error_set(work->error, TP_MALFORMED, "object %u, which should have a /%s, is no dictionary", ref.id, key);
    return tp_pdf_update_put(work->update, ref, tp_pdf_with(work->arena, object, key, value), work->error);
}

/* ARRAY, which may not be there, and ITEM behind. */
static enum tp_rc append_to(struct tp_pades_work *work, const struct tp_pdf_value *array, const char *key,
                            const struct tp_pdf_value *item, const struct tp_pdf_value **ret_array)
{
    if (tp_pdf_kind(array) == TP_PDF_NULL)
        array = tp_pdf_new_array(work->arena);
    else if (tp_pdf_kind(array) != TP_PDF_ARRAY)
        return tp_error_set(work->error, TP_MALFORMED, "a /%s of the PDF is no array", key);
    *ret_array = tp_pdf_with_item(work->arena, array, item);
    return TP_OK;
}

enum tp_rc tp_pades_edit_append(struct tp_pades_work *work, struct tp_pdf_ref ref, const char *key,
                                const struct tp_pdf_value *item)
{
    const struct tp_pdf_value *object, *array, *longer;
    TP_TRY(tp_pdf_update_object(work->update, ref, work->error, &object));
    array = tp_pdf_get(object, key);
    struct tp_pdf_ref array_ref = tp_pdf_ref(array);
    if (array_ref.id != 0)
        TP_TRY(tp_pdf_update_object(work->update, array_ref, work->error, &array));
    TP_TRY(append_to(work, array, key, item, &longer));
    return array_ref.id != 0 ? tp_pdf_update_put(work->update, array_ref, longer, work->error)
                             : tp_pades_edit_set(work, ref, key, longer);
}

/* The AcroForm as an object of its own: REF; or direct in the catalog: id 0 and DICTIONARY; or missing: neither. */
static enum tp_rc find_form(struct tp_pades_work *work, struct tp_pdf_ref *ret_ref, const struct tp_pdf_value **ret_dictionary)
{
    const struct tp_pdf_value *catalog;
    TP_TRY(tp_pdf_update_object(work->update, work->catalog, work->error, &catalog));
    const struct tp_pdf_value *form = tp_pdf_get(catalog, "AcroForm");
    *ret_ref = tp_pdf_ref(form);
    if (ret_ref->id != 0)
        TP_TRY(tp_pdf_update_object(work->update, *ret_ref, work->error, &form));
    if (tp_pdf_kind(form) != TP_PDF_DICTIONARY) {
        *ret_ref = (struct tp_pdf_ref){.id = 0};
        form = NULL;
    }
    *ret_dictionary = form;
    return TP_OK;
}

/* SigFlags (Table 225): signatures exist; append only. */
static const struct tp_pdf_value *with_flags(struct tp_pades_work *work, const struct tp_pdf_value *form)
{
    int64_t flags = tp_pdf_integer(tp_pdf_get(form, "SigFlags"), 0);
    return (flags & 3) == 3 ? form : tp_pdf_with(work->arena, form, "SigFlags", tp_pdf_new_integer(work->arena, flags | 3));
}

/* /Fields may be an object of its own; then the form itself changes only for its flags. */
static enum tp_rc add_to_fields(struct tp_pades_work *work, const struct tp_pdf_value *form, const struct tp_pdf_value *item,
                                const struct tp_pdf_value **ret_form)
{
    const struct tp_pdf_value *fields = tp_pdf_get(form, "Fields"), *longer;
    struct tp_pdf_ref ref = tp_pdf_ref(fields);
    if (ref.id != 0)
        TP_TRY(tp_pdf_update_object(work->update, ref, work->error, &fields));
    TP_TRY(append_to(work, fields, "Fields", item, &longer));
    *ret_form = form;
    if (ref.id != 0)
        return tp_pdf_update_put(work->update, ref, longer, work->error);
    *ret_form = tp_pdf_with(work->arena, form, "Fields", longer);
    return TP_OK;
}

static enum tp_rc put_form(struct tp_pades_work *work, struct tp_pdf_ref ref, const struct tp_pdf_value *before,
                           const struct tp_pdf_value *form)
{
    if (form == before)
        return TP_OK;
    return ref.id != 0 ? tp_pdf_update_put(work->update, ref, form, work->error)
                       : tp_pades_edit_set(work, work->catalog, "AcroForm", form);
}

static enum tp_rc new_form(struct tp_pades_work *work, const struct tp_pdf_value *item)
{
    struct tp_pdf_ref ref = tp_pdf_update_new_ref(work->update);
    const struct tp_pdf_value *form = tp_pdf_new_dictionary(work->arena), *fields = tp_pdf_new_array(work->arena);
    form = tp_pdf_with(work->arena, form, "Fields", tp_pdf_with_item(work->arena, fields, item));
    TP_TRY(tp_pdf_update_put(work->update, ref, with_flags(work, form), work->error));
    return tp_pades_edit_set(work, work->catalog, "AcroForm", tp_pdf_new_ref(work->arena, ref));
}

enum tp_rc tp_pades_edit_add_field(struct tp_pades_work *work, struct tp_pdf_ref field)
{
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *before, *form, *item = tp_pdf_new_ref(work->arena, field);
    TP_TRY(find_form(work, &ref, &before));
    if (before == NULL)
        return new_form(work, item);
    TP_TRY(add_to_fields(work, before, item, &form));
    return put_form(work, ref, before, with_flags(work, form));
}

enum tp_rc tp_pades_edit_sig_flags(struct tp_pades_work *work)
{
    struct tp_pdf_ref ref;
    const struct tp_pdf_value *form;
    TP_TRY(find_form(work, &ref, &form));
    return form == NULL ? TP_OK : put_form(work, ref, form, with_flags(work, form));
}

const struct tp_pdf_value *tp_pades_numbers(struct tp_pdf_arena *arena, const double *numbers, size_t count)
{
    const struct tp_pdf_value *array = tp_pdf_new_array(arena);
    for (size_t i = 0; i < count; i++) {
        bool whole = numbers[i] >= -1e9 && numbers[i] <= 1e9 && (double)(int64_t)numbers[i] == numbers[i];
        array = tp_pdf_with_item(arena, array, whole ? tp_pdf_new_integer(arena, (int64_t)numbers[i])
                                                     : tp_pdf_new_real(arena, numbers[i]));
    }
    return array;
}
