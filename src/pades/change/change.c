/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/change/change.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BELOW_DEPTH 8
#define UNSEEN      0.001  /* points: a seventieth of a thousandth of an inch */
#define BELOW_MAX   20000  /* values that are looked at */
#define QUEUE_MAX   500000 /* places that wait to be gone through */

/* ---- digests ---- */

static bool same_in(const struct tp_pdf_digests *a, const struct tp_pdf_digests *b, uint32_t id)
{
    const struct tp_pdf_digest *left = tp_pdf_digests_find(a, id), *right = tp_pdf_digests_find(b, id);
    if (left == NULL || right == NULL)
        return left == right;
    return left->ref.generation == right->ref.generation && memcmp(left->hash, right->hash, sizeof left->hash) == 0;
}

bool tp_pades_differs(const struct tp_pades_comparison *comparison, uint32_t id)
{
    return !same_in(comparison->old, comparison->new, id);
}

/* ---- telling ---- */

/* The first revision in which the object is other than it was when it was signed. */
static unsigned revision_of(const struct tp_pades_comparison *comparison, uint32_t id)
{
    for (size_t i = 0; id != 0 && i < comparison->between_len; i++) {
        const struct tp_pdf_digests *then = i + 1 == comparison->between_len ? comparison->new : &comparison->between[i];
        if (then->len > 0 && !same_in(comparison->old, then, id))
            return comparison->first_revision + (unsigned)i;
    }
    return 0;
}

static bool told_already(const struct tp_pades_signature *signature, const struct tp_pades_change *change)
{
    for (size_t i = 0; i < signature->changes_len; i++)
        if (strcmp(signature->changes[i].words, change->words) == 0 && signature->changes[i].page == change->page &&
            memcmp(signature->changes[i].rect, change->rect, sizeof change->rect) == 0) /* another place is another thing to look at */
            return true;
    return false;
}

/* Those that are not allowed come first, then those to look at; each as they were made. */
static int rank(const struct tp_pades_change *change)
{
    return !change->allowed ? 0 : change->warned ? 1 : 2;
}

static bool comes_before(const struct tp_pades_change *a, const struct tp_pades_change *b)
{
    return rank(a) != rank(b) ? rank(a) < rank(b) : a->revision < b->revision;
}

void tp_pades_tell(struct tp_pades_comparison *comparison, struct tp_pades_told told, const char *format, ...)
{
    struct tp_pades_signature *signature = comparison->signature;
    struct tp_pades_change change = {.nature = told.nature, .allowed = told.allowed, .warned = told.warned,
                                     .page = told.page, .ref = told.ref, .has_rect = told.rect != NULL};
    char words[2 * TP_PADES_LINE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    tp_pades_line(words, change.words, sizeof change.words);
    change.revision = revision_of(comparison, told.ref.id);
    if (told.rect != NULL)
        memcpy(change.rect, told.rect, sizeof change.rect);
    if (told_already(signature, &change))
        return;
    size_t at = signature->changes_len;
    while (at > 0 && comes_before(&change, &signature->changes[at - 1]))
        at--;
    bool full = signature->changes_len == TP_PADES_CHANGES_MAX;
    signature->changes_more += full;
    if (at == TP_PADES_CHANGES_MAX)
        return;
    size_t moved = signature->changes_len - at - (full ? 1 : 0);
    memmove(&signature->changes[at + 1], &signature->changes[at], moved * sizeof change);
    signature->changes[at] = change;
    signature->changes_len += !full;
}

static void tell_content(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, const char *what, const char *path)
{
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = ref}, "%s was %s", path, what);
}

/* ---- values that must stay ---- */

enum tp_rc tp_pades_protect(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value, struct tp_bytes key,
                            const char *path)
{
    enum tp_pdf_kind kind = tp_pdf_kind(value);
    if (kind != TP_PDF_REFERENCE && kind != TP_PDF_ARRAY && kind != TP_PDF_DICTIONARY && kind != TP_PDF_STREAM)
        return TP_OK; /* nothing behind it */
    if (comparison->queue_len == QUEUE_MAX)
        return tp_error_set(comparison->error, TP_TOO_LARGE, "the document has too many objects to be compared");
    if (comparison->queue_len == comparison->queue_room) {
        size_t room = comparison->queue_room == 0 ? 256 : 2 * comparison->queue_room;
        struct tp_pades_protected *more = realloc(comparison->queue, room * sizeof *more);
        if (more == NULL)
            return TP_MEMORY;
        comparison->queue = more, comparison->queue_room = room;
    }
    struct tp_pades_protected *entry = &comparison->queue[comparison->queue_len++];
    entry->value = value;
    entry->key = key;
    tp_pades_line(path, entry->path, sizeof entry->path);
    return TP_OK;
}

enum tp_rc tp_pades_both(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                         const struct tp_pdf_value *new_item, const struct tp_pdf_value **ret_old,
                         const struct tp_pdf_value **ret_new)
{
    TP_TRY(tp_pdf_document_resolve(comparison->after, new_item, comparison->error, ret_new));
    struct tp_pdf_ref old_ref = tp_pdf_ref(old_item), new_ref = tp_pdf_ref(new_item);
    if (old_ref.id != 0 && old_ref.id == new_ref.id && !tp_pades_differs(comparison, old_ref.id)) {
        *ret_old = *ret_new; /* not asked for twice */
        return TP_OK;
    }
    return tp_pdf_document_resolve(comparison->before, old_item, comparison->error, ret_old);
}

/* ---- dictionaries ---- */

enum tp_rc tp_pades_rule_ignore(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    (void)comparison, (void)pair;
    return TP_OK;
}

static const struct tp_pades_rule *rule_of(const struct tp_pades_rule *rules, struct tp_bytes key)
{
    for (; rules->key != NULL; rules++)
        if (strlen(rules->key) == key.len && memcmp(rules->key, key.data, key.len) == 0)
            return rules;
    return NULL;
}

static bool is_number(const struct tp_pdf_value *value)
{
    return tp_pdf_kind(value) == TP_PDF_INTEGER || tp_pdf_kind(value) == TP_PDF_REAL;
}

/* Programs that write a dictionary anew write numbers with other digits: what differs by less than anybody can see is equal. */
static bool nearly_equal(const struct tp_pdf_value *a, const struct tp_pdf_value *b)
{
    if (is_number(a) && is_number(b) && !(tp_pdf_kind(a) == TP_PDF_INTEGER && tp_pdf_kind(b) == TP_PDF_INTEGER))
        return fabs(tp_pdf_number(a, 0) - tp_pdf_number(b, 1)) < UNSEEN;
    if (tp_pdf_kind(a) != TP_PDF_ARRAY || tp_pdf_kind(b) != TP_PDF_ARRAY || tp_pdf_len(a) != tp_pdf_len(b))
        return tp_pdf_equal(a, b);
    for (size_t i = 0; i < tp_pdf_len(a); i++)
        if (!nearly_equal(tp_pdf_at(a, i), tp_pdf_at(b, i)))
            return false;
    return true;
}

static enum tp_rc compare_key(struct tp_pades_comparison *comparison, const struct tp_pades_pair *whole,
                              struct tp_bytes key, const struct tp_pades_rule *rules,
                              const struct tp_pdf_value *old_value, const struct tp_pdf_value *new_value)
{
    char path[TP_PADES_PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s /%.*s", whole->path, key.len < 40 ? (int)key.len : 40, (const char *)key.data);
    const struct tp_pades_rule *rule = rule_of(rules, key);
    if (rule != NULL)
        return rule->compare(comparison, &(struct tp_pades_pair){.old = old_value, .new = new_value, .ref = whole->ref, .key = key,
                                                                 .path = path, .context = whole->context});
    if (old_value != NULL && new_value != NULL && nearly_equal(old_value, new_value))
        return tp_pades_protect(comparison, new_value, key, path);
    tell_content(comparison, whole->ref, old_value == NULL ? "added" : new_value == NULL ? "removed" : "changed", path);
    return TP_OK;
}

static int compare_names(struct tp_bytes a, struct tp_bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

enum tp_rc tp_pades_compare_keys(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair,
                                 const struct tp_pades_rule *rules)
{
    size_t i = 0, j = 0, old_len = tp_pdf_len(pair->old), new_len = tp_pdf_len(pair->new);
    while (i < old_len || j < new_len) {
        struct tp_bytes old_key = TP_BYTES_NONE, new_key = TP_BYTES_NONE;
        const struct tp_pdf_value *old_value = i < old_len ? tp_pdf_entry(pair->old, i, &old_key) : NULL;
        const struct tp_pdf_value *new_value = j < new_len ? tp_pdf_entry(pair->new, j, &new_key) : NULL;
        int order = i >= old_len ? 1 : j >= new_len ? -1 : compare_names(old_key, new_key);
        TP_TRY(compare_key(comparison, pair, order <= 0 ? old_key : new_key, rules, order <= 0 ? old_value : NULL,
                           order >= 0 ? new_value : NULL));
        i += order <= 0, j += order >= 0;
    }
    return TP_OK;
}

/* ---- differences below a value ---- */

struct below {
    struct tp_pades_comparison *comparison;
    struct tp_pades_set seen;
    size_t looked;
    bool differs;
};

static enum tp_rc look_below(struct below *below, const struct tp_pdf_value *value, unsigned depth)
{
    struct tp_bytes key;
    struct tp_pdf_ref ref = tp_pdf_ref(value);
    if (below->differs || depth == 0 || ++below->looked > BELOW_MAX || (ref.id != 0 && tp_pades_set_has(&below->seen, ref.id)))
        return TP_OK;
    if (ref.id != 0) {
        below->differs = tp_pades_differs(below->comparison, ref.id);
        TP_TRY(tp_pades_set_add(&below->seen, ref.id));
        TP_TRY(tp_pdf_document_resolve(below->comparison->after, value, below->comparison->error, &value));
    }
    enum tp_pdf_kind kind = tp_pdf_kind(value);
    bool is_array = kind == TP_PDF_ARRAY, is_dictionary = kind == TP_PDF_DICTIONARY || kind == TP_PDF_STREAM;
    for (size_t i = 0; (is_array || is_dictionary) && i < tp_pdf_len(value); i++)
        TP_TRY(look_below(below, is_array ? tp_pdf_at(value, i) : tp_pdf_entry(value, i, &key), depth - 1));
    return TP_OK;
}

enum tp_rc tp_pades_differs_below(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value,
                                  bool *ret_differs)
{
    struct below below = {.comparison = comparison};
    enum tp_rc rc = look_below(&below, value, BELOW_DEPTH);
    tp_pades_set_clear(&below.seen);
    *ret_differs = below.differs;
    return rc;
}

/* ---- trailer and catalog ---- */

static enum tp_rc tell_free(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair,
                            enum tp_pades_nature nature, const char *what)
{
    bool differs = false;
    if (pair->old == NULL || pair->new == NULL || !tp_pdf_equal(pair->old, pair->new))
        differs = true;
    else
        TP_TRY(tp_pades_differs_below(comparison, pair->new, &differs));
    struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    if (differs)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = nature, .allowed = true, .ref = ref.id != 0 ? ref : pair->ref},
                      "%s", what);
    return TP_OK;
}

static enum tp_rc rule_dss(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    if (pair->new != NULL)
        return tell_free(comparison, pair, TP_PADES_CHANGE_EVIDENCE, "certificates and revocation data were added (DSS)");
    tell_content(comparison, pair->ref, "removed", "the evidence (DSS)");
    return TP_OK;
}

static enum tp_rc rule_extensions(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    return tell_free(comparison, pair, TP_PADES_CHANGE_EVIDENCE, "the list of extensions was changed");
}

static enum tp_rc rule_metadata(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    return tell_free(comparison, pair, TP_PADES_CHANGE_METADATA, "the metadata (XMP) were changed");
}

static enum tp_rc rule_version(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    return tell_free(comparison, pair, TP_PADES_CHANGE_METADATA, "the PDF version was changed");
}

static const struct tp_pades_rule catalog_rules[] = {
    {"AcroForm", tp_pades_rule_form}, {"Pages", tp_pades_rule_pages}, {"DSS", rule_dss},
    {"Extensions", rule_extensions},  {"Metadata", rule_metadata},    {"Version", rule_version},
    {NULL, NULL},
};

static enum tp_rc compare_catalogs(struct tp_pades_comparison *comparison)
{
    const struct tp_pdf_value *old_root = tp_pdf_get(tp_pdf_document_trailer(comparison->before), "Root"), *old_catalog;
    const struct tp_pdf_value *new_root = tp_pdf_get(tp_pdf_document_trailer(comparison->after), "Root"), *new_catalog;
    struct tp_pdf_ref ref = tp_pdf_ref(new_root);
    bool first;
    if (tp_pdf_ref(old_root).id != ref.id)
        tell_content(comparison, ref, "replaced by another object", "the catalog");
    TP_TRY(tp_pades_both(comparison, old_root, new_root, &old_catalog, &new_catalog));
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_FORM, &first));
    /* Keys come in their order, so that fields come before pages: a page's widgets are known then. */
    return tp_pades_compare_keys(comparison,
                                 &(struct tp_pades_pair){.old = old_catalog, .new = new_catalog, .ref = ref, .path = "the document's"},
                                 catalog_rules);
}

static enum tp_rc compare_trailers(struct tp_pades_comparison *comparison)
{
    const struct tp_pdf_value *before = tp_pdf_document_trailer(comparison->before);
    const struct tp_pdf_value *after = tp_pdf_document_trailer(comparison->after);
    const struct tp_pdf_value *old_key = tp_pdf_get(before, "Encrypt"), *new_key = tp_pdf_get(after, "Encrypt");
    if ((old_key != NULL || new_key != NULL) && (old_key == NULL || new_key == NULL || !tp_pdf_equal(old_key, new_key)))
        tell_content(comparison, (struct tp_pdf_ref){0}, "changed", "the encryption dictionary");
    else if (new_key != NULL)
        TP_TRY(tp_pades_protect(comparison, new_key, TP_BYTES_NONE, "the encryption dictionary"));
    const struct tp_pdf_value *old_info = tp_pdf_get(before, "Info"), *new_info = tp_pdf_get(after, "Info");
    if (old_info != NULL || new_info != NULL)
        TP_TRY(tell_free(comparison, &(struct tp_pades_pair){.old = old_info, .new = new_info}, TP_PADES_CHANGE_METADATA,
                         "the document information (title, author, dates) was changed"));
    return TP_OK;
}

/* ---- what no place accounts for ---- */

/* Also objects that have come: something that stays may have referred to a number that was free. */
static bool anything_differs(const struct tp_pades_comparison *comparison)
{
    if (comparison->old->len != comparison->new->len)
        return true;
    for (size_t i = 0; i < comparison->old->len; i++)
        if (tp_pades_differs(comparison, comparison->old->digests[i].ref.id))
            return true;
    return false;
}

/* An object of which more may change than of others, and which is reached from something that must stay. */
static void visit_role(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, enum tp_pades_role role,
                       const struct tp_pades_protected *entry)
{
    if (!tp_pades_leads(role, entry->key)) {
        if (tp_pades_differs(comparison, ref.id))
            tell_content(comparison, ref, "changed, which stands in another place of the document, too", entry->path);
    } else if (tp_pades_set_has(&comparison->grown, ref.id)) { /* text that lacked its font would be drawn with it */
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_FORM, .allowed = true, .warned = true, .ref = ref},
                      "a font was added to resources of the form that pages use, too");
    }
}

static enum tp_rc visit(struct tp_pades_comparison *comparison, struct tp_pades_set *seen, struct tp_pades_protected entry)
{
    struct tp_bytes key;
    const struct tp_pdf_value *value = entry.value;
    struct tp_pdf_ref ref = tp_pdf_ref(value);
    if (ref.id != 0) {
        const enum tp_pades_role role = tp_pades_role_of(&comparison->roles, ref.id);
        if (role != TP_PADES_ROLE_NONE)
            visit_role(comparison, ref, role, &entry);
        if (role != TP_PADES_ROLE_NONE || tp_pades_set_has(seen, ref.id))
            return TP_OK;
        TP_TRY(tp_pades_set_add(seen, ref.id));
        if (tp_pades_differs(comparison, ref.id)) {
            tell_content(comparison, ref, tp_pdf_digests_find(comparison->new, ref.id) == NULL ? "removed" : "replaced", entry.path);
            return TP_OK;
        }
        TP_TRY(tp_pdf_document_object(comparison->after, ref, comparison->error, &value));
    }
    enum tp_pdf_kind kind = tp_pdf_kind(value);
    bool is_array = kind == TP_PDF_ARRAY, is_dictionary = kind == TP_PDF_DICTIONARY || kind == TP_PDF_STREAM;
    for (size_t i = 0; is_array && i < tp_pdf_len(value); i++)
        TP_TRY(tp_pades_protect(comparison, tp_pdf_at(value, i), entry.key, entry.path));
    for (size_t i = 0; is_dictionary && i < tp_pdf_len(value); i++) {
        const struct tp_pdf_value *member = tp_pdf_entry(value, i, &key);
        TP_TRY(tp_pades_protect(comparison, member, key, entry.path));
    }
    return TP_OK;
}

static enum tp_rc visit_protected(struct tp_pades_comparison *comparison)
{
    struct tp_pades_set seen = {0};
    enum tp_rc rc = TP_OK;
    while (rc == TP_OK && comparison->queue_len > 0)
        rc = visit(comparison, &seen, comparison->queue[--comparison->queue_len]);
    tp_pades_set_clear(&seen);
    return rc;
}

enum tp_rc tp_pades_compare(struct tp_pades_comparison *comparison)
{
    tp_pades_tell_doubts(comparison);
    enum tp_rc rc = compare_trailers(comparison);
    if (rc == TP_OK)
        rc = compare_catalogs(comparison);
    if (rc == TP_OK && anything_differs(comparison))
        rc = visit_protected(comparison);
    free(comparison->queue);
    tp_pades_roles_clear(&comparison->roles);
    tp_pades_set_clear(&comparison->grown);
    tp_pades_set_clear(&comparison->fresh);
    tp_pades_set_clear(&comparison->answered);
    return rc;
}
