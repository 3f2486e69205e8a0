/* SPDX-License-Identifier: Apache-2.0 */
/* The form's resources and default appearance (ISO 32000-2 §12.7.3, Table 224): new fields bring fonts along. A field that is drawn
 * from its value by a font that was not there looks other than it did. */
#include "pades/change/change.h"

#include <string.h>

#define FONT_NAME_MAX 128

struct search { /* through the fields of the form as it was signed */
    struct tp_pades_comparison *comparison;
    const struct tp_pdf_value *before, *after; /* fonts; both NULL: a field without /DA is looked for */
    struct tp_pades_set seen;
    size_t looked;
    bool found;
};

/* Whether the name (§7.3.5) is that of a font that has come. Names with codes, or too long to be looked up, could be any. */
static bool is_new_font(const struct search *search, struct tp_bytes name)
{
    char text[FONT_NAME_MAX];
    if (name.len >= sizeof text || memchr(name.data, '#', name.len) != NULL)
        return true;
    memcpy(text, name.data, name.len), text[name.len] = '\0';
    return tp_pdf_get(search->after, text) != NULL && tp_pdf_get(search->before, text) == NULL;
}

static bool ends_name(uint8_t c)
{
    return c <= ' ' || strchr("()<>[]{}/%", c) != NULL;
}

static bool names_new_font(const struct search *search, struct tp_bytes text)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t end = at + 1;
        if (text.data[at] != '/')
            continue;
        while (end < text.len && !ends_name(text.data[end]))
            end++;
        if (is_new_font(search, TP_BYTES(text.data + at + 1, end - at - 1)))
            return true;
    }
    return false;
}

static enum tp_rc look_at(struct search *search, const struct tp_pdf_value *dictionary, bool *appears)
{
    const struct tp_pdf_value *appearance;
    TP_TRY(tp_pdf_document_get(search->comparison->before, dictionary, "DA", search->comparison->error, &appearance));
    if (appearance == NULL)
        return TP_OK;
    *appears = true;
    if (search->after != NULL && tp_pdf_kind(appearance) == TP_PDF_STRING && names_new_font(search, tp_pdf_bytes(appearance)))
        search->found = true;
    return TP_OK;
}

static enum tp_rc walk(struct search *search, const struct tp_pdf_value *item, bool appears, unsigned depth)
{
    struct tp_pades_comparison *comparison = search->comparison;
    const struct tp_pdf_value *dictionary, *kids;
    const struct tp_pdf_ref ref = tp_pdf_ref(item);
    if (depth > TP_PADES_FIELD_DEPTH || ++search->looked > TP_PADES_FIELDS_MAX)
        search->found = true; /* nobody knows */
    if (search->found || (ref.id != 0 && tp_pades_set_has(&search->seen, ref.id)))
        return TP_OK;
    if (ref.id != 0)
        TP_TRY(tp_pades_set_add(&search->seen, ref.id));
    TP_TRY(tp_pdf_document_resolve(comparison->before, item, comparison->error, &dictionary));
    TP_TRY(look_at(search, dictionary, &appears));
    TP_TRY(tp_pdf_document_get(comparison->before, dictionary, "Kids", comparison->error, &kids));
    const size_t len = tp_pdf_kind(kids) == TP_PDF_ARRAY ? tp_pdf_len(kids) : 0;
    for (size_t i = 0; i < len; i++)
        TP_TRY(walk(search, tp_pdf_at(kids, i), appears, depth + 1));
    if (len == 0 && !appears && search->after == NULL)
        search->found = !tp_pdf_is_name(tp_pdf_get(dictionary, "FT"), "Sig");
    return TP_OK;
}

static enum tp_rc search_form(struct search *search)
{
    struct tp_pades_comparison *comparison = search->comparison;
    const struct tp_pdf_value *catalog, *form, *fields;
    bool appears = false;
    TP_TRY(tp_pades_catalog(comparison->before, comparison->error, &catalog));
    TP_TRY(tp_pdf_document_get(comparison->before, catalog, "AcroForm", comparison->error, &form));
    TP_TRY(look_at(search, form, &appears));
    TP_TRY(tp_pdf_document_get(comparison->before, form, "Fields", comparison->error, &fields));
    for (size_t i = 0; tp_pdf_kind(fields) == TP_PDF_ARRAY && i < tp_pdf_len(fields); i++)
        TP_TRY(walk(search, tp_pdf_at(fields, i), appears, 0));
    return TP_OK;
}

static enum tp_rc find(struct tp_pades_comparison *comparison, const struct tp_pdf_value *before, const struct tp_pdf_value *after,
                       bool *ret_found)
{
    struct search search = {.comparison = comparison, .before = before, .after = after};
    const enum tp_rc rc = search_form(&search);
    tp_pades_set_clear(&search.seen);
    *ret_found = search.found;
    return rc;
}

/* Fonts that have come, for fields that lacked them. */
static enum tp_rc check_new(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair, const struct tp_pdf_value *before,
                            const struct tp_pdf_value *after)
{
    bool found;
    TP_TRY(find(comparison, before, after, &found));
    if (found)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "a font was added that form fields lacked: they may look other than they did");
    return TP_OK;
}

/* /DR /Font: what was there must stay; fonts for new fields may come. The resources may be those of pages, too: that they have
 * grown is remembered. */
static enum tp_rc rule_fonts(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    struct tp_bytes key;
    const struct tp_pdf_value *before, *after;
    char name[FONT_NAME_MAX];
    const struct tp_pdf_ref own = tp_pdf_ref(pair->new);
    bool first;
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &before, &after));
    if (tp_pdf_kind(after) != TP_PDF_DICTIONARY || (pair->old != NULL && tp_pdf_kind(before) != TP_PDF_DICTIONARY))
        return tp_pades_compare_same(comparison, pair);
    for (size_t i = 0; i < tp_pdf_len(before); i++) {
        const struct tp_pdf_value *font = tp_pdf_entry(before, i, &key);
        if (key.len >= sizeof name)
            return tp_pades_compare_same(comparison, pair);
        memcpy(name, key.data, key.len), name[key.len] = '\0';
        struct tp_pades_pair fonts = {.old = font, .new = tp_pdf_get(after, name), .ref = pair->ref, .key = pair->key, .path = pair->path};
        TP_TRY(tp_pades_compare_same(comparison, &fonts));
    }
    TP_TRY(tp_pades_stands(comparison, own, TP_PADES_ROLE_FONTS, &first));
    if (tp_pdf_len(after) <= tp_pdf_len(before))
        return TP_OK;
    TP_TRY(tp_pades_set_add(&comparison->grown, own.id));
    TP_TRY(tp_pades_set_add(&comparison->grown, pair->ref.id));
    return check_new(comparison, pair, before, after);
}

static enum tp_rc take_resources(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    const struct tp_pdf_value *resources, *fonts;
    TP_TRY(tp_pdf_document_resolve(comparison->after, pair->new, comparison->error, &resources));
    TP_TRY(tp_pdf_document_get(comparison->after, resources, "Font", comparison->error, &fonts));
    return tp_pdf_kind(fonts) == TP_PDF_DICTIONARY ? check_new(comparison, pair, NULL, fonts) : TP_OK;
}

enum tp_rc tp_pades_rule_form_resources(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    static const struct tp_pades_rule rules[] = {{"Font", rule_fonts}, {NULL, NULL}};
    struct tp_pades_pair both = *pair;
    const struct tp_pdf_ref ref = tp_pdf_ref(pair->new);
    bool first;
    if (pair->old == NULL)
        return take_resources(comparison, pair);
    TP_TRY(tp_pades_both(comparison, pair->old, pair->new, &both.old, &both.new));
    if (tp_pdf_kind(both.old) != TP_PDF_DICTIONARY || tp_pdf_kind(both.new) != TP_PDF_DICTIONARY)
        return tp_pades_compare_same(comparison, pair);
    both.ref = ref.id != 0 ? ref : pair->ref;
    TP_TRY(tp_pades_stands(comparison, ref, TP_PADES_ROLE_RESOURCES, &first));
    return tp_pades_compare_keys(comparison, &both, rules);
}

/* One that comes is for new fields, where each that was there has its own. */
enum tp_rc tp_pades_rule_form_appearance(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair)
{
    bool found;
    if (pair->old != NULL)
        return tp_pades_compare_same(comparison, pair);
    TP_TRY(find(comparison, NULL, NULL, &found));
    if (found)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = pair->ref},
                      "form fields that said nothing of how they look were told so: they may look other than they did");
    return TP_OK;
}
