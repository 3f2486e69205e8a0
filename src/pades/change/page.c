/* SPDX-License-Identifier: Apache-2.0 */
/* Pages (ISO 32000-2 §7.7.3): they and all that they show must stay; annotations may come with DocMDP 3, or where nobody has
 * restricted anything. */
#include "pades/change/change.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PAGE_DEPTH 64
#define LIST_MAX   10000 /* annotations of a page whose list has changed */

enum { HIDDEN = 1 << 1 }; /* table 167; what has NoView is printed all the same */

/* Readers take a number that is too large for flags for other flags, or for none. */
static bool is_hidden(const struct tp_pdf_value *flags)
{
    const int64_t number = tp_pdf_integer(flags, 0);
    return number > 0 && number <= INT32_MAX && (number & HIDDEN) != 0;
}

/* Markup (§12.5.6.2) and its pop-ups. Links, media and others that do something are content. */
static const char *const comments[] = {"Text",    "FreeText",  "Line",      "Square",   "Circle", "Polygon", "PolyLine",      "Highlight",
                                       "Underline", "Squiggly", "StrikeOut", "Stamp",    "Caret",  "Ink",     "FileAttachment", "Popup"};

struct page {
    unsigned number;
    struct tp_pdf_ref ref;
    const struct tp_pades_set *annotations; /* those that the newest revision lists */
};

/* False: it cannot be read. */
static bool read_rect(struct tp_pades_comparison *comparison, const struct tp_pdf_value *rect, double ret_rect[4])
{
    const struct tp_pdf_value *number = NULL;
    bool readable = tp_pdf_kind(rect) == TP_PDF_ARRAY && tp_pdf_len(rect) == 4;
    for (size_t i = 0; i < 4; i++) {
        readable = readable && tp_pdf_document_resolve(comparison->after, tp_pdf_at(rect, i), NULL, &number) == TP_OK &&
                   (tp_pdf_kind(number) == TP_PDF_INTEGER || tp_pdf_kind(number) == TP_PDF_REAL);
        ret_rect[i] = readable ? tp_pdf_number(number, 0) : 0;
    }
    return readable;
}

static bool has_area(const double rect[4])
{
    return fabs(rect[2] - rect[0]) > 0 && fabs(rect[3] - rect[1]) > 0;
}

/* VALUE: an appearance, one for each state, or a colour. Without a /BBox that can be read an appearance has no end for Ghostscript. */
static bool is_drawn(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value)
{
    const struct tp_pdf_value *box = NULL;
    double points[4];
    if (tp_pdf_kind(value) != TP_PDF_STREAM)
        return tp_pdf_len(value) > 0;
    return tp_pdf_document_get(comparison->after, value, "BBox", NULL, &box) != TP_OK || !read_rect(comparison, box, points) ||
           has_area(points);
}

/* What an annotation draws by itself. Ghostscript does so where its own points are when it has no area, with another appearance when
 * there is no normal one, and with a border that is wider than nothing. */
static bool draws(struct tp_pades_comparison *comparison, const struct tp_pdf_value *annotation)
{
    static const struct {
        const char *dictionary, *key;
    } looks[] = {{"AP", "N"}, {"AP", "R"}, {"AP", "D"}, {"MK", "BG"}, {"MK", "BC"}};
    const struct tp_pdf_value *dictionary = NULL, *value = NULL;
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (tp_pdf_document_get(comparison->after, annotation, looks[i].dictionary, NULL, &dictionary) != TP_OK ||
            tp_pdf_document_get(comparison->after, dictionary, looks[i].key, NULL, &value) != TP_OK || is_drawn(comparison, value))
            return true;
    return false;
}

bool tp_pades_rect_seen(struct tp_pades_comparison *comparison, const struct tp_pdf_value *annotation, double ret_rect[4])
{
    const struct tp_pdf_value *rect = NULL, *flags = NULL;
    if (tp_pdf_document_get(comparison->after, annotation, "Rect", NULL, &rect) != TP_OK)
        rect = NULL; /* what cannot be read is taken for seen */
    const bool readable = read_rect(comparison, rect, ret_rect);
    if (tp_pdf_document_get(comparison->after, annotation, "F", NULL, &flags) == TP_OK && is_hidden(flags))
        return false;
    return !readable || has_area(ret_rect) || draws(comparison, annotation);
}

/* ANNOTATION is of the revision DOCUMENT. */
static enum tp_rc kind_of(struct tp_pades_comparison *comparison, struct tp_pdf_document *document,
                          const struct tp_pdf_value *annotation, const char **ret_name, bool *ret_comment)
{
    const struct tp_pdf_value *subtype;
    TP_TRY(tp_pdf_document_get(document, annotation, "Subtype", comparison->error, &subtype));
    *ret_comment = false, *ret_name = "";
    for (size_t i = 0; i < sizeof comments / sizeof comments[0]; i++)
        if (tp_pdf_is_name(subtype, comments[i])) {
            *ret_name = comments[i];
            *ret_comment = tp_pdf_kind(annotation) == TP_PDF_DICTIONARY && tp_pdf_get(annotation, "A") == NULL &&
                           tp_pdf_get(annotation, "AA") == NULL;
        }
    return TP_OK;
}

/* A window with the words of a comment that stands on the same page: it shows nothing of its own. Ghostscript draws one that is open. */
static enum tp_rc is_window(struct tp_pades_comparison *comparison, const struct page *page, const struct tp_pdf_value *annotation,
                            bool *ret_window)
{
    const struct tp_pdf_value *item = tp_pdf_get(annotation, "Parent"), *open, *parent;
    const char *name;
    bool comment;
    *ret_window = false;
    TP_TRY(tp_pdf_document_get(comparison->after, annotation, "Open", comparison->error, &open));
    if (tp_pdf_get(annotation, "AP") != NULL || tp_pdf_boolean(open, false) ||
        !tp_pades_set_has(page->annotations, tp_pdf_ref(item).id))
        return TP_OK;
    TP_TRY(tp_pdf_document_resolve(comparison->after, item, comparison->error, &parent));
    TP_TRY(kind_of(comparison, comparison->after, parent, &name, &comment));
    *ret_window = comment && strcmp(name, "Popup") != 0;
    return TP_OK;
}

/* BEFORE: what it was in the signed revision; NULL: not there. */
static enum tp_rc tell_annotation(struct tp_pades_comparison *comparison, const struct page *page, struct tp_pdf_ref ref,
                                  const struct tp_pdf_value *before, const struct tp_pdf_value *annotation, const char *what)
{
    const char *name, *old_name = "Popup";
    double rect[4];
    bool comment, was_comment = true, window = false, seen = tp_pades_rect_seen(comparison, annotation, rect);
    if (before != NULL)
        TP_TRY(kind_of(comparison, comparison->before, before, &old_name, &was_comment));
    TP_TRY(kind_of(comparison, comparison->after, annotation, &name, &comment));
    comment = comment && was_comment;
    if (comment && strcmp(name, "Popup") == 0 && strcmp(old_name, "Popup") == 0)
        TP_TRY(is_window(comparison, page, annotation, &window));
    bool allowed = comment && (comparison->signature->restriction.permission == 0 || comparison->signature->restriction.permission == 3);
    struct tp_pades_told told = {.nature = comment ? TP_PADES_CHANGE_ANNOTATION : TP_PADES_CHANGE_CONTENT,
                                 .allowed = allowed, .warned = allowed && !window, /* wherever its rectangle is: some draw by its points */
                                 .page = page->number, .ref = ref, .rect = seen ? rect : NULL};
    tp_pades_tell(comparison, told, "an annotation%s%s%s was %s%s", name[0] == '\0' ? "" : " (", name, name[0] == '\0' ? "" : ")", what,
                  allowed || !comment ? "" : ", which the signature does not allow");
    return TP_OK;
}

/* A new signature field. What it shows is its signer's to answer for; one of nobody, or of a timestamp, may be no more than a frame. */
static void tell_field(struct tp_pades_comparison *comparison, const struct page *page, struct tp_pdf_ref ref,
                       const struct tp_pdf_value *annotation)
{
    double rect[4];
    const bool answered = tp_pades_set_has(&comparison->answered, ref.id);
    struct tp_pades_told told = {.nature = TP_PADES_CHANGE_SIGNATURE, .warned = comparison->signature->restriction.permission != 0 || !answered,
                                 .page = page->number, .ref = ref, .rect = rect};
    if (!tp_pades_rect_seen(comparison, annotation, rect))
        return;
    told.allowed = comparison->signature->restriction.permission != 1 && (answered || !draws(comparison, annotation));
    tp_pades_tell(comparison, told, "a new signature field shows something on the page%s",
                  told.allowed                  ? ""
                  : comparison->signature->restriction.permission == 1 ? ", which the signature does not allow"
                                                : ", and no signer answers for it");
}

/* An entry that has come to /Annots. */
static enum tp_rc take_new(struct tp_pades_comparison *comparison, const struct page *page, const struct tp_pdf_value *item)
{
    const struct tp_pdf_value *annotation, *subtype, *type, *value;
    bool first;
    struct tp_pdf_ref ref = tp_pdf_ref(item);
    TP_TRY(tp_pdf_document_resolve(comparison->after, item, comparison->error, &annotation));
    TP_TRY(tp_pdf_document_get(comparison->after, annotation, "Subtype", comparison->error, &subtype));
    TP_TRY(tp_pdf_document_get(comparison->after, annotation, "FT", comparison->error, &type));
    TP_TRY(tp_pdf_document_get(comparison->after, annotation, "V", comparison->error, &value));
    if (ref.id != 0 && tp_pdf_is_name(type, "Sig") && tp_pdf_kind(value) == TP_PDF_DICTIONARY)
        TP_TRY(tp_pades_take_field(comparison, item)); /* poppler forgets to list it in some forms */
    if (ref.id != 0 && tp_pades_set_has(&comparison->fresh, ref.id) && tp_pdf_is_name(subtype, "Widget")) {
        tell_field(comparison, page, ref, annotation);
        return TP_OK;
    }
    bool was_there = ref.id != 0 && tp_pdf_digests_find(comparison->old, ref.id) != NULL;
    TP_TRY(tell_annotation(comparison, page, ref, NULL, annotation, was_there ? "moved to this page" : "added"));
    if (was_there)
        return tp_pades_protect(comparison, item, tp_bytes_of_string("Annots"), "an annotation");
    return tp_pades_stands(comparison, ref, TP_PADES_ROLE_ANNOTATION, &first);
}

static enum tp_rc compare_annotation(struct tp_pades_comparison *comparison, const struct page *page,
                                     const struct tp_pdf_value *item)
{
    const struct tp_pdf_value *before, *annotation;
    struct tp_pdf_ref ref = tp_pdf_ref(item);
    bool first;
    if (ref.id == 0 || !tp_pades_differs(comparison, ref.id))
        return tp_pades_protect(comparison, item, tp_bytes_of_string("Annots"), "an annotation");
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_ANNOTATION, &first));
    if (!first)
        return TP_OK; /* a widget, which was compared with its field */
    TP_TRY(tp_pades_both(comparison, item, item, &before, &annotation));
    return tell_annotation(comparison, page, ref, before, annotation, "changed");
}

/* One that is gone from /Annots. */
static enum tp_rc tell_gone(struct tp_pades_comparison *comparison, const struct page *page, const struct tp_pdf_value *item)
{
    const struct tp_pdf_value *annotation;
    const char *name;
    bool comment;
    TP_TRY(tp_pdf_document_resolve(comparison->before, item, comparison->error, &annotation));
    TP_TRY(kind_of(comparison, comparison->before, annotation, &name, &comment));
    bool allowed = comment && (comparison->signature->restriction.permission == 0 || comparison->signature->restriction.permission == 3);
    tp_pades_tell(comparison,
                  (struct tp_pades_told){.nature = comment ? TP_PADES_CHANGE_ANNOTATION : TP_PADES_CHANGE_CONTENT,
                                         .allowed = allowed, .warned = allowed, .page = page->number, .ref = page->ref},
                  "an annotation%s%s%s was removed", name[0] == '\0' ? "" : " (", name, name[0] == '\0' ? "" : ")");
    return TP_OK;
}

static enum tp_rc references_of(const struct tp_pdf_value *list, struct tp_pades_set *ret_set)
{
    for (size_t i = 0; i < tp_pdf_len(list); i++)
        if (tp_pdf_ref(tp_pdf_at(list, i)).id != 0)
            TP_TRY(tp_pades_set_add(ret_set, tp_pdf_ref(tp_pdf_at(list, i)).id));
    return TP_OK;
}

/* REFERENCES: those in ARRAY. */
static bool holds(const struct tp_pdf_value *array, const struct tp_pades_set *references, size_t from, const struct tp_pdf_value *item)
{
    const uint32_t id = tp_pdf_ref(item).id;
    if (id != 0)
        return tp_pades_set_has(references, id);
    for (size_t i = from; i < tp_pdf_len(array); i++)
        if (tp_pdf_equal(tp_pdf_at(array, i), item))
            return true;
    return false;
}

/* Both in their order; what is in one of them alone has come or is gone. */
static enum tp_rc walk_lists(struct tp_pades_comparison *comparison, const struct page *page, const struct tp_pdf_value *old_list,
                             const struct tp_pdf_value *new_list)
{
    size_t i = 0, j = 0, old_len = tp_pdf_len(old_list), new_len = tp_pdf_len(new_list);
    while (i < old_len || j < new_len) {
        const struct tp_pdf_value *old_item = i < old_len ? tp_pdf_at(old_list, i) : NULL;
        const struct tp_pdf_value *new_item = j < new_len ? tp_pdf_at(new_list, j) : NULL;
        if (old_item != NULL && new_item != NULL && tp_pdf_equal(old_item, new_item)) {
            TP_TRY(compare_annotation(comparison, page, new_item));
            i++, j++;
        } else if (old_item != NULL && (new_item == NULL || !holds(new_list, page->annotations, j, old_item))) {
            TP_TRY(tell_gone(comparison, page, old_item));
            i++;
        } else {
            TP_TRY(take_new(comparison, page, new_item));
            j++;
        }
    }
    return TP_OK;
}

static enum tp_rc compare_lists(struct tp_pades_comparison *comparison, const struct page *page,
                                const struct tp_pdf_value *old_list, const struct tp_pdf_value *new_list)
{
    struct tp_pades_set annotations = {0};
    const struct page listed = {.number = page->number, .ref = page->ref, .annotations = &annotations};
    enum tp_rc rc = references_of(new_list, &annotations);
    if (rc == TP_OK)
        rc = walk_lists(comparison, &listed, old_list, new_list);
    tp_pades_set_clear(&annotations);
    return rc;
}

static enum tp_rc rule_annotations(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct tp_pdf_value *old_list, *new_list;
    struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &old_list, &new_list));
    bool known = (pair->old == NULL || tp_pdf_kind(old_list) == TP_PDF_ARRAY) &&
                 (pair->new == NULL || tp_pdf_kind(new_list) == TP_PDF_ARRAY);
    if (!known)
        return tp_pades_protect(comparison, pair->new, pair->key, pair->path);
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_LIST, &first));
    if ((tp_pdf_len(old_list) > LIST_MAX || tp_pdf_len(new_list) > LIST_MAX) && !tp_pdf_equal(old_list, new_list)) {
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "%s was changed, and is too long to be compared", pair->path);
        return TP_OK;
    }
    return compare_lists(comparison, pair->context, old_list, new_list);
}

static const struct tp_pades_rule page_rules[] = {{"Annots", rule_annotations}, {NULL, NULL}};

struct node {
    unsigned depth;
};
static enum tp_rc compare_node(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                               const struct tp_pdf_value *new_item, unsigned depth);

static enum tp_rc rule_kids(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct node *node = pair->context;
    const struct tp_pdf_value *old_kids, *new_kids;
    struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &old_kids, &new_kids));
    if (tp_pdf_kind(old_kids) != TP_PDF_ARRAY || tp_pdf_kind(new_kids) != TP_PDF_ARRAY || !tp_pdf_equal(old_kids, new_kids)) {
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "pages were added, removed, or put in another order");
        return TP_OK;
    }
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_TREE, &first));
    for (size_t i = 0; i < tp_pdf_len(new_kids); i++)
        TP_TRY(compare_node(comparison, tp_pdf_at(old_kids, i), tp_pdf_at(new_kids, i), node->depth + 1));
    return TP_OK;
}

static const struct tp_pades_rule tree_rules[] = {{"Kids", rule_kids}, {NULL, NULL}};

static enum tp_rc compare_node(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                               const struct tp_pdf_value *new_item, unsigned depth)
{
    struct tp_pades_pair pair = {.ref = tp_pdf_ref(new_item)};
    bool first;
    if (depth > PAGE_DEPTH)
        return tp_error_set(comparison->error, TP_TOO_LARGE, "the page tree is too deep to be compared");
    if (pair.ref.id == 0 || pair.ref.id != tp_pdf_ref(old_item).id)
        return tp_pades_protect(comparison, new_item, tp_bytes_of_string("Kids"), "the page tree");
    TP_TRY(tp_pades_both(comparison, old_item, new_item, &pair.old, &pair.new));
    if (tp_pdf_kind(pair.old) != TP_PDF_DICTIONARY || tp_pdf_kind(pair.new) != TP_PDF_DICTIONARY)
        return tp_pades_protect(comparison, new_item, tp_bytes_of_string("Kids"), "the page tree");
    TP_TRY(tp_pades_stands(comparison, pair.ref, TP_PADES_ROLE_TREE, &first));
    if (!first)
        return TP_OK;
    if (tp_pdf_get(pair.new, "Kids") != NULL || tp_pdf_get(pair.old, "Kids") != NULL) {
        pair.path = "the page tree's", pair.context = &(struct node){.depth = depth};
        return tp_pades_compare_keys(comparison, &pair, tree_rules);
    }
    char path[32];
    struct page page = {.number = ++comparison->pages, .ref = pair.ref};
    (void)snprintf(path, sizeof path, "page %u", page.number);
    pair.path = path, pair.context = &page;
    return tp_pades_compare_keys(comparison, &pair, page_rules);
}

enum tp_rc tp_pades_rule_pages(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    if (pair->old != NULL && pair->new != NULL && tp_pdf_equal(pair->old, pair->new))
        return compare_node(comparison, pair->old, pair->new, 0);
    tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                  "the page tree was replaced");
    return TP_OK;
}
