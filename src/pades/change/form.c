/* SPDX-License-Identifier: Apache-2.0 */
/* The form (ISO 32000-2 §12.7): fields may be filled in, and signature fields come along, as DocMDP and FieldMDP allow. */
#include "pades/change/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 96

struct field { /* what a field has of its own and inherits */
    char name[TP_PADES_LINE_MAX];
    bool strange; /* the name could be taken for another: it is longer, has what a line cannot show, or is another by /Parent */
    uint32_t above; /* the field that it is one of the kids of */
    bool has_type, is_signature;
    bool is_button; /* among the types: buttons of any kind */
    int64_t flags;
    bool value_differs; /* its value, or the one that it inherits, is another */
    bool signing;       /* a signature field that was empty */
    bool unseen;        /* signing, where only what is not to be seen may: a document timestamp */
    bool answered;      /* a new one that a signature is in: its signer answers for what it shows */
};

struct kids { /* the context of a field's rules */
    struct field field;
    unsigned depth;
    bool fixed; /* its widget may not look other than it did, though the field is signed */
};

enum { PUSH_BUTTON = 1 << 16 }; /* table 229 */

/* ---- fields ---- */

/* Which readers name a field by: the way down from the form, or the way up by /Parent. */
static bool is_kid_of(const struct tp_pdf_value *dictionary, uint32_t above)
{
    return tp_pdf_ref(tp_pdf_get(dictionary, "Parent")).id == above;
}

static enum tp_rc take_type(struct tp_pades_comparison *comparison, const struct tp_pdf_value *dictionary, struct field *field)
{
    const struct tp_pdf_value *type, *flags;
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "FT", comparison->error, &type));
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "Ff", comparison->error, &flags));
    if (type != NULL) {
        field->is_signature = tp_pdf_is_name(type, "Sig");
        field->is_button = tp_pdf_is_name(type, "Btn");
    }
    field->has_type = field->has_type || type != NULL;
    field->flags = tp_pdf_integer(flags, field->flags);
    return TP_OK;
}

static enum tp_rc take_name(struct tp_pades_comparison *comparison, const struct tp_pdf_value *dictionary, struct field *field)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *part;
    TP_TRY(take_type(comparison, dictionary, field));
    field->strange = field->strange || !is_kid_of(dictionary, field->above);
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "T", comparison->error, &part));
    if (tp_pdf_kind(part) != TP_PDF_STRING)
        return TP_OK;
    TP_TRY(tp_buf_printf(&text, "%s%s", field->name, field->name[0] == '\0' ? "" : "."));
    if (tp_pdf_text(tp_pdf_bytes(part), &text) != TP_OK)
        TP_TRY(tp_buf_append_string(&text, "?"));
    field->strange = !tp_pades_name_line(tp_buf_string(&text), text.len, field->name) || field->strange;
    return TP_OK;
}

static bool is_locked(const struct tp_pades_comparison *comparison, const struct field *field)
{
    const struct tp_pades_locks *locks = &comparison->signature->restriction.locks;
    return locks->kind != TP_PADES_LOCKS_NONE && (field->strange || tp_pades_locks_hold(locks, field->name));
}

static bool is_null(const struct tp_pdf_value *value)
{
    return tp_pdf_kind(value) == TP_PDF_NULL;
}

/* A signature may come to the field. */
static bool may_sign(const struct tp_pades_comparison *comparison, const struct field *field)
{
    return comparison->signature->restriction.permission != 1 && !is_locked(comparison, field);
}

static enum tp_rc is_stamp(struct tp_pades_comparison *comparison, const struct tp_pdf_value *signature, bool *ret_stamp)
{
    const struct tp_pdf_value *type, *filter;
    TP_TRY(tp_pdf_document_get(comparison->after, signature, "Type", comparison->error, &type));
    TP_TRY(tp_pdf_document_get(comparison->after, signature, "SubFilter", comparison->error, &filter));
    *ret_stamp = tp_pdf_is_name(type, "DocTimeStamp") || tp_pdf_is_name(filter, "ETSI.RFC3161");
    return TP_OK;
}

static enum tp_rc tell_signed(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value, struct tp_pdf_ref ref,
                              const struct field *field, const char *where)
{
    const struct tp_pdf_value *signature;
    bool stamp;
    TP_TRY(tp_pdf_document_resolve(comparison->after, value, comparison->error, &signature));
    TP_TRY(is_stamp(comparison, signature, &stamp));
    struct tp_pades_told told = {.nature = stamp ? TP_PADES_CHANGE_TIMESTAMP : TP_PADES_CHANGE_SIGNATURE, .ref = ref};
    told.allowed = stamp || may_sign(comparison, field);
    if (tp_pdf_kind(signature) != TP_PDF_DICTIONARY)
        told.allowed = is_null(signature) && comparison->signature->restriction.permission != 1;
    const char *what = is_null(signature) ? "an empty signature field" : stamp ? "a document timestamp" : "a signature";
    tp_pades_tell(comparison, told, "%s was added in %s \"%s\"%s", what, where, field->name,
                  told.allowed ? "" : ", which the signature does not allow");
    return TP_OK;
}

static enum tp_rc tell_filled(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, const struct field *field)
{
    const bool locked = is_locked(comparison, field);
    struct tp_pades_told told = {.nature = TP_PADES_CHANGE_FORM, .ref = ref};
    told.allowed = comparison->signature->restriction.permission != 1 && !locked;
    tp_pades_tell(comparison, told, "form field \"%s\" was filled in%s", field->name,
                  locked ? ", which the signature has locked" : told.allowed ? "" : ", which the signature does not allow");
    return TP_OK;
}

/* A kid with a name of its own is another field: it has the value from above only where it has none itself, and is filled in under its
 * own name. A signature is nobody's but its own field's. */
static enum tp_rc inherit_value(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair, struct field *field)
{
    if (field->is_signature)
        field->value_differs = false;
    if (tp_pdf_get(pair->new, "T") == NULL)
        return TP_OK;
    field->signing = field->unseen = false;
    field->value_differs = field->value_differs && tp_pdf_get(pair->old, "V") == NULL && tp_pdf_get(pair->new, "V") == NULL;
    return field->value_differs ? tell_filled(comparison, pair->ref, field) : TP_OK;
}

/* Whether the signature that has come to a field is judged with the others: this field leads to it, or, where pages alone list the
 * field, it was found by looking everywhere. One that was there before is in another field. */
static bool is_judged(const struct tp_pades_comparison *comparison, const struct tp_pdf_value *field)
{
    const struct tp_pdf_ref ref = tp_pdf_ref(tp_pdf_get(field, "V"));
    if (ref.id != 0 && tp_pdf_digests_find(comparison->old, ref.id) != NULL)
        return false;
    for (size_t i = 0; i < comparison->finds->len; i++) {
        const struct tp_pades_found *found = &comparison->finds->finds[i];
        if (found->field_dictionary == field || (found->field_dictionary == NULL && ref.id != 0 && found->ref.id == ref.id))
            return !found->usage_rights;
    }
    return false;
}

/* A field that was empty. Only who is judged answers for what it shows; anybody can get a timestamp. */
static enum tp_rc compare_signed(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair,
                                 const struct tp_pdf_value *value, struct field *field)
{
    const struct tp_pdf_value *signature;
    bool stamp;
    TP_TRY(tp_pdf_document_resolve(comparison->after, value, comparison->error, &signature));
    TP_TRY(is_stamp(comparison, signature, &stamp));
    field->signing = true;
    field->unseen = stamp || !may_sign(comparison, field);
    if (is_null(signature) || is_judged(comparison, pair->new))
        return tell_signed(comparison, value, pair->ref, field, "the field");
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                  "form field \"%s\" was signed: its value is no signature that is judged", field->name);
    return TP_OK;
}

/* /V first: whether anything else of the field may differ depends on it. */
static enum tp_rc compare_value(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair, struct field *field)
{
    const struct tp_pdf_value *old_value = tp_pdf_get(pair->old, "V"), *new_value = tp_pdf_get(pair->new, "V");
    bool differs = false, both = old_value != NULL && new_value != NULL;
    if (both && tp_pdf_equal(old_value, new_value))
        differs = tp_pdf_ref(new_value).id != 0 && tp_pades_differs(comparison, tp_pdf_ref(new_value).id);
    else
        differs = old_value != NULL || new_value != NULL;
    if (!differs)
        return TP_OK;
    if (!field->has_type) { /* only those below it are fields, each with a name that a lock may have */
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "the value that fields below \"%s\" have from it was changed", field->name);
        return TP_OK;
    }
    if (field->is_button && (field->flags & PUSH_BUTTON) != 0) {
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "push button \"%s\" was given a value, and has none", field->name);
        return TP_OK;
    }
    if (!field->is_signature) {
        field->value_differs = true;
        return tell_filled(comparison, pair->ref, field);
    }
    const struct tp_pdf_value *before;
    TP_TRY(tp_pdf_document_resolve(comparison->before, old_value, comparison->error, &before));
    if (is_null(before) && new_value != NULL)
        return compare_signed(comparison, pair, new_value, field);
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                  "the signature in field \"%s\" was %s", field->name, new_value == NULL ? "removed" : "replaced");
    return TP_OK;
}

enum tp_rc tp_pades_compare_same(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    if (pair->old != NULL && pair->new != NULL && tp_pdf_equal(pair->old, pair->new))
        return tp_pades_protect(comparison, pair->new, pair->key, pair->path);
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref}, "%s was changed",
                  pair->path);
    return TP_OK;
}

/* What goes with a value: how it looks, and when it was set. */
static enum tp_rc rule_with_value(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct kids *kids = pair->context;
    return kids->field.value_differs || (kids->field.signing && !kids->fixed) ? TP_OK : tp_pades_compare_same(comparison, pair);
}

/* /F of a widget: signing sets Print and Locked. */
static enum tp_rc rule_with_signing(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct kids *kids = pair->context;
    return kids->field.signing && !kids->fixed ? TP_OK : tp_pades_compare_same(comparison, pair);
}

static enum tp_rc rule_value(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct field *field = &((const struct kids *)pair->context)->field;
    if (field->value_differs || field->signing || pair->new == NULL)
        return TP_OK; /* told already */
    return tp_pades_protect(comparison, pair->new, pair->key, pair->path);
}

static enum tp_rc compare_field(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                                const struct tp_pdf_value *new_item, struct field field, unsigned depth);
static enum tp_rc take_new(struct tp_pades_comparison *comparison, const struct tp_pdf_value *item, struct field field,
                           unsigned depth);

/* Fields, or the kids of one: those that were there in their order, and new ones between them. */
static enum tp_rc compare_lists(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_list,
                                const struct tp_pdf_value *new_list, const struct kids *parent, struct tp_pdf_ref ref)
{
    size_t next = 0, old_len = tp_pdf_kind(old_list) == TP_PDF_ARRAY ? tp_pdf_len(old_list) : 0;
    size_t new_len = tp_pdf_kind(new_list) == TP_PDF_ARRAY ? tp_pdf_len(new_list) : 0;
    for (size_t i = 0; i < new_len; i++) {
        const struct tp_pdf_value *item = tp_pdf_at(new_list, i);
        if (next < old_len && tp_pdf_equal(tp_pdf_at(old_list, next), item))
            TP_TRY(compare_field(comparison, tp_pdf_at(old_list, next++), item, parent->field, parent->depth + 1));
        else
            TP_TRY(take_new(comparison, item, parent->field, parent->depth + 1));
    }
    if (next < old_len)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = ref},
                      "form fields were removed, or put in another order");
    return TP_OK;
}

static enum tp_rc rule_kids(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct kids *kids = pair->context;
    const struct tp_pdf_value *old_kids, *new_kids;
    struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &old_kids, &new_kids));
    if (tp_pdf_kind(new_kids) == TP_PDF_ARRAY)
        TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_LIST, &first));
    const bool known = tp_pdf_kind(old_kids) == TP_PDF_ARRAY && tp_pdf_kind(new_kids) == TP_PDF_ARRAY;
    if (known && (!kids->field.is_signature || tp_pdf_equal(old_kids, new_kids))) /* a signature gets no other appearances */
        return compare_lists(comparison, old_kids, new_kids, kids, pair->ref);
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                  "the parts of form field \"%s\" were changed", kids->field.name);
    return TP_OK;
}

static const struct tp_pades_rule field_rules[] = {
    {"V", rule_value},       {"AP", rule_with_value}, {"AS", rule_with_value}, {"RV", rule_with_value},
    {"I", rule_with_value},  {"TI", rule_with_value}, {"M", rule_with_value},  {"F", rule_with_signing},
    {"Kids", rule_kids},     {NULL, NULL},
};

/* A field that stands in the form twice has two names: nobody knows by which it is locked. */
static enum tp_rc tell_again(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref)
{
    if (comparison->signature->restriction.locks.kind != TP_PADES_LOCKS_NONE && tp_pades_differs(comparison, ref.id))
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = ref},
                      "object %u was changed, and stands in two places of the document", ref.id);
    return TP_OK;
}

static enum tp_rc compare_field(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                                const struct tp_pdf_value *new_item, struct field field, unsigned depth)
{
    struct tp_pades_pair pair = {.ref = tp_pdf_ref(new_item)};
    bool first;
    if (depth > TP_PADES_FIELD_DEPTH)
        return tp_error_set(comparison->error, TP_TOO_LARGE, "the form is too deep to be compared");
    if (pair.ref.id == 0)
        return tp_pades_protect(comparison, new_item, tp_bytes_of_string("Fields"), "a form field");
    TP_TRY(tp_pades_both(comparison, old_item, new_item, &pair.old, &pair.new));
    if (tp_pdf_kind(pair.old) != TP_PDF_DICTIONARY || tp_pdf_kind(pair.new) != TP_PDF_DICTIONARY)
        return tp_pades_protect(comparison, new_item, tp_bytes_of_string("Fields"), "a form field");
    TP_TRY(tp_pades_stands(comparison, pair.ref, TP_PADES_ROLE_ANNOTATION, &first));
    if (!first)
        return tell_again(comparison, pair.ref);
    TP_TRY(take_name(comparison, pair.new, &field));
    field.above = pair.ref.id;
    TP_TRY(inherit_value(comparison, &pair, &field));
    TP_TRY(compare_value(comparison, &pair, &field));
    char path[TP_PADES_PATH_MAX];
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_buf_printf(&text, "form field \"%s\"", field.name));
    tp_pades_line(tp_buf_string(&text), path, sizeof path - 16);
    double rect[4];
    struct kids kids = {.field = field, .depth = depth};
    kids.fixed = field.unseen && (tp_pades_rect_seen(comparison, pair.old, rect) || tp_pades_rect_seen(comparison, pair.new, rect));
    pair.path = path, pair.context = &kids;
    return tp_pades_compare_keys(comparison, &pair, field_rules);
}

/* ---- fields that have come ---- */

static enum tp_rc refuse_field(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, const char *name, const char *why)
{
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = ref},
                  "form field \"%s\" was added: %s", name, why);
    return TP_OK;
}

/* What signature fields and their widgets have, whoever writes them: nothing that does anything, or makes them a part of something else. */
static const char *const field_keys[] = {
    "AP",   "AS", "BS",           "Border",  "Contents", "DA", "DR", "DV",   "F",      "FT",
    "Ff",   "H",  "Kids",         "Lock",    "M",        "MK", "NM", "P",    "Parent", "Q",
    "Rect", "SV", "StructParent", "Subtype", "T",        "TM", "TU", "Type", "V",
};

static bool has_strange_key(const struct tp_pdf_value *dictionary, struct tp_bytes *ret_key)
{
    for (size_t i = 0; i < tp_pdf_len(dictionary); i++) {
        bool known = false;
        (void)tp_pdf_entry(dictionary, i, ret_key);
        for (size_t k = 0; !known && k < sizeof field_keys / sizeof field_keys[0]; k++)
            known = tp_bytes_equal(tp_bytes_of_string(field_keys[k]), *ret_key);
        if (!known)
            return true;
    }
    return false;
}

/* What speaks against a field that has come; "": nothing. */
static enum tp_rc find_fault(struct tp_pades_comparison *comparison, const struct tp_pdf_value *dictionary, const struct field *field,
                             bool has_kids, char ret_why[WHY_MAX])
{
    const struct tp_pdf_value *subtype, *value;
    struct tp_bytes key;
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "Subtype", comparison->error, &subtype));
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "V", comparison->error, &value));
    ret_why[0] = '\0';
    if (!has_kids && !field->is_signature)
        (void)snprintf(ret_why, WHY_MAX, "only signature fields may come");
    else if (!is_null(subtype) && !tp_pdf_is_name(subtype, "Widget"))
        (void)snprintf(ret_why, WHY_MAX, "it is no widget");
    else if (has_strange_key(dictionary, &key))
        (void)snprintf(ret_why, WHY_MAX, "it has /%.*s, which signature fields do not have", key.len < 40 ? (int)key.len : 40,
                       (const char *)key.data);
    else if (field->is_signature && !is_null(value) && !is_judged(comparison, dictionary))
        (void)snprintf(ret_why, WHY_MAX, "its value is no signature that is judged");
    return TP_OK;
}

static enum tp_rc take_signature(struct tp_pades_comparison *comparison, const struct tp_pdf_value *dictionary, struct tp_pdf_ref ref,
                                 struct field *field)
{
    const struct tp_pdf_value *value;
    bool stamp;
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "V", comparison->error, &value));
    TP_TRY(is_stamp(comparison, value, &stamp));
    field->answered = field->answered || (!is_null(value) && !stamp);
    if (field->answered)
        TP_TRY(tp_pades_set_add(&comparison->answered, ref.id));
    if (tp_pdf_get(dictionary, "T") != NULL || tp_pdf_get(dictionary, "V") != NULL)
        TP_TRY(tell_signed(comparison, tp_pdf_get(dictionary, "V"), ref, field, "a new field"));
    return TP_OK;
}

static enum tp_rc take_new(struct tp_pades_comparison *comparison, const struct tp_pdf_value *item, struct field field,
                           unsigned depth)
{
    const struct tp_pdf_value *dictionary, *kids;
    char why[WHY_MAX];
    struct tp_pdf_ref ref = tp_pdf_ref(item);
    bool first;
    if (tp_pades_role_of(&comparison->roles, ref.id) == TP_PADES_ROLE_ANNOTATION)
        return TP_OK;
    TP_TRY(tp_pdf_document_resolve(comparison->after, item, comparison->error, &dictionary));
    if (ref.id == 0 || depth > TP_PADES_FIELD_DEPTH || tp_pdf_kind(dictionary) != TP_PDF_DICTIONARY)
        return refuse_field(comparison, ref, field.name, "it is no object of its own");
    TP_TRY(take_name(comparison, dictionary, &field));
    field.above = ref.id;
    if (tp_pdf_digests_find(comparison->old, ref.id) != NULL)
        return tp_pades_differs(comparison, ref.id) ? refuse_field(comparison, ref, field.name, "another object was there")
                                                    : tp_pades_protect(comparison, item, tp_bytes_of_string("Fields"), "a form field");
    TP_TRY(tp_pdf_document_get(comparison->after, dictionary, "Kids", comparison->error, &kids));
    size_t kids_len = tp_pdf_kind(kids) == TP_PDF_ARRAY ? tp_pdf_len(kids) : 0;
    TP_TRY(find_fault(comparison, dictionary, &field, kids_len > 0, why));
    if (why[0] != '\0')
        return refuse_field(comparison, ref, field.name, why);
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_ANNOTATION, &first));
    TP_TRY(tp_pades_set_add(&comparison->fresh, ref.id));
    if (field.is_signature)
        TP_TRY(take_signature(comparison, dictionary, ref, &field));
    for (size_t i = 0; i < kids_len; i++)
        TP_TRY(take_new(comparison, tp_pdf_at(kids, i), field, depth + 1));
    return TP_OK;
}

enum tp_rc tp_pades_take_field(struct tp_pades_comparison *comparison, const struct tp_pdf_value *item)
{
    return take_new(comparison, item, (struct field){.is_signature = false}, 0);
}

static enum tp_rc rule_fields(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct tp_pdf_value *old_fields, *new_fields;
    const struct kids root = {.depth = 0};
    struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &old_fields, &new_fields));
    if (tp_pdf_kind(new_fields) == TP_PDF_ARRAY)
        TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_LIST, &first));
    return compare_lists(comparison, old_fields, new_fields, &root, pair->ref);
}

/* ---- the form itself ---- */

/* Once set, viewers draw fields anew, by whatever fonts and values there are: so it may go, and not come. */
static enum tp_rc rule_need_appearances(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct tp_pdf_value *old_value, *new_value;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &old_value, &new_value));
    if (tp_pdf_boolean(new_value, false) && !tp_pdf_boolean(old_value, false))
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "viewers were told to draw all form fields anew (NeedAppearances)");
    return TP_OK;
}

static const struct tp_pades_rule form_rules[] = {
    {"Fields", rule_fields},
    {"SigFlags", tp_pades_rule_ignore},
    {"DR", tp_pades_rule_form_resources},
    {"DA", tp_pades_rule_form_appearance},
    {"NeedAppearances", rule_need_appearances},
    {NULL, NULL},
};

enum tp_rc tp_pades_rule_form(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    struct tp_pades_pair forms = {.ref = tp_pdf_ref(pair->new), .path = "the form's"};
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &forms.old, &forms.new));
    if (forms.ref.id == 0)
        forms.ref = pair->ref;
    else if (tp_pdf_kind(forms.new) == TP_PDF_DICTIONARY)
        TP_TRY(tp_pades_stands(comparison, forms.ref, TP_PADES_ROLE_FORM, &first));
    return tp_pades_compare_keys(comparison, &forms, form_rules);
}
