/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that are compared key by key, by what they are. One that stands in a second place, too, may mean something else there:
 * what is allowed in the first is not for the second. */
#include "pades/change/change.h"

#include <stdlib.h>
#include <string.h>

/* Keys that lead to such an object without saying anything of what is in it: a page is the target of links, a field belongs to its
 * widgets. /Kids of fields and pages are followed by their own rules: others are those of a tree of names, of scripts too. */
static const char *const to_forms[] = {"Data", NULL}; /* of a signature reference dictionary (table 256) */
static const char *const to_lists[] = {"Annots", "Fields", NULL};
static const char *const to_annotations[] = {"AN", "Annotation", "Annots", "CO", "Fields", "IRT", "Obj",
                                             "Parent", "Popup", "T", "TA", NULL};
static const char *const to_resources[] = {"DR", "Resources", NULL};
static const char *const to_fonts[] = {"Font", NULL};

static const char *const *const leading[] = {
    [TP_PADES_ROLE_FORM] = to_forms,
    [TP_PADES_ROLE_LIST] = to_lists,
    [TP_PADES_ROLE_ANNOTATION] = to_annotations,
    [TP_PADES_ROLE_RESOURCES] = to_resources,
    [TP_PADES_ROLE_FONTS] = to_fonts,
    [TP_PADES_ROLE_TREE] = NULL, /* any: nothing of a page but its list of annotations may change */
};

bool tp_pades_leads(enum tp_pades_role role, struct tp_bytes key)
{
    const char *const *keys = leading[role];
    for (; keys != NULL && *keys != NULL; keys++)
        if (tp_bytes_equal(tp_bytes_of_string(*keys), key))
            return true;
    return leading[role] == NULL;
}

enum tp_pades_role tp_pades_role_of(const struct tp_pades_roles *roles, uint32_t id)
{
    return id < roles->len ? roles->of[id] : TP_PADES_ROLE_NONE;
}

static enum tp_rc grow(struct tp_pades_roles *roles, uint32_t id)
{
    if (id > TP_PDF_OBJECTS_MAX)
        return TP_TOO_LARGE;
    if (id < roles->len)
        return TP_OK;
    const size_t len = 2 * (size_t)id + 64;
    uint8_t *of = realloc(roles->of, len);
    if (of == NULL)
        return TP_MEMORY;
    memset(of + roles->len, TP_PADES_ROLE_NONE, len - roles->len);
    roles->of = of;
    roles->len = len;
    return TP_OK;
}

void tp_pades_roles_clear(struct tp_pades_roles *roles)
{
    free(roles->of);
    *roles = (struct tp_pades_roles){0};
}

enum tp_rc tp_pades_stands(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, enum tp_pades_role role, bool *ret_first)
{
    if (ref.id == 0) { /* a part of another object */
        *ret_first = true;
        return TP_OK;
    }
    TP_TRY(grow(&comparison->roles, ref.id));
    const enum tp_pades_role before = comparison->roles.of[ref.id];
    *ret_first = before == TP_PADES_ROLE_NONE;
    if (*ret_first)
        comparison->roles.of[ref.id] = (uint8_t)role;
    else if (before != role && tp_pades_differs(comparison, ref.id))
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT, .ref = ref},
                      "object %u was changed, and stands in two places of the document", ref.id);
    return TP_OK;
}
