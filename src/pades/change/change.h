/* SPDX-License-Identifier: Apache-2.0
 *
 * What was changed in a document after it was signed: the signed revision and the newest one, gone through side by side from the
 * trailer. Every difference is either one that is known and told with its nature, or content.
 *
 * Places where something may change (fields, widgets, annotations, DSS, metadata) are compared key by key. All other values must be equal,
 * and everything that can be reached from them is gone through: a changed object there is content, by whichever other ways
 * it may be reached, too.
 */
#ifndef TP_PADES_CHANGE_CHANGE_H
#define TP_PADES_CHANGE_CHANGE_H

#include "pades/verify/internal.h"

#define TP_PADES_PATH_MAX  96

/* What an object is that is compared key by key, rather than as a whole (role.c). */
enum tp_pades_role {
    TP_PADES_ROLE_NONE,
    TP_PADES_ROLE_FORM, /* the catalog, and its form */
    TP_PADES_ROLE_LIST, /* of fields, of annotations */
    TP_PADES_ROLE_ANNOTATION, /* a field, too */
    TP_PADES_ROLE_RESOURCES,
    TP_PADES_ROLE_FONTS,
    TP_PADES_ROLE_TREE /* pages, and what is above them */
};
struct tp_pades_roles { /* by number */
    uint8_t *of;
    size_t len;
};

struct tp_pades_protected { /* a value that must stay, with everything behind it */
    const struct tp_pdf_value *value;
    struct tp_bytes key; /* of the dictionary that leads to it; of the value of a document's */
    char path[TP_PADES_PATH_MAX];
};

struct tp_pades_comparison {
    struct tp_pdf_document *before, *after;
    const struct tp_pdf_digests *old, *new;
    const struct tp_pdf_digests *between; /* of the revisions from the signed one's next to the newest; an empty one: not known */
    size_t between_len;
    unsigned first_revision;                /* of `between` */
    const struct tp_pades_finds *finds;     /* of AFTER: what is judged */
    struct tp_error *error;
    struct tp_pades_roles roles;           /* of what is compared key by key */
    struct tp_pades_set grown;              /* of those: resources that fonts have come to */
    struct tp_pades_set fresh;              /* of those: widgets of signature fields that are new */
    struct tp_pades_set answered;           /* of those: a signer answers for what they show */
    struct tp_pades_protected *queue;
    size_t queue_len, queue_room;
    unsigned pages;                         /* gone through so far */
    struct tp_pades_signature *signature;   /* its restriction is gone by, its list of changes is written */
};

/* Changes to SIGNATURE's list. The rest of COMPARISON is prepared by the caller, and cleared here on the way out. */
TP_MUST_USE enum tp_rc tp_pades_compare(struct tp_pades_comparison *comparison);

/* ---- among the files of this folder ---- */

struct tp_pades_told { /* how a change is told */
    enum tp_pades_nature nature;
    bool allowed, warned;
    struct tp_pdf_ref ref;
    unsigned page;
    const double *rect;
};
TP_PRINTF(3, 4) void tp_pades_tell(struct tp_pades_comparison *comparison, struct tp_pades_told told, const char *format, ...);
/* Whether the object differs, is gone, or has come. */
bool tp_pades_differs(const struct tp_pades_comparison *comparison, uint32_t id);
/* Whether VALUE refers, within a few steps, to an object that differs. */
TP_MUST_USE enum tp_rc tp_pades_differs_below(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value,
                                              bool *ret_differs);
/* VALUE, to which KEY leads, is gone through when all roles are known. */
TP_MUST_USE enum tp_rc tp_pades_protect(struct tp_pades_comparison *comparison, const struct tp_pdf_value *value,
                                        struct tp_bytes key, const char *path);
/* REF is compared key by key, in ROLE. RET_FIRST: it was not before. One that differs and has another role already is told as
 * content. id 0: a direct value, always the first. */
TP_MUST_USE enum tp_rc tp_pades_stands(struct tp_pades_comparison *comparison, struct tp_pdf_ref ref, enum tp_pades_role role,
                                       bool *ret_first);
enum tp_pades_role tp_pades_role_of(const struct tp_pades_roles *roles, uint32_t id);
bool tp_pades_leads(enum tp_pades_role role, struct tp_bytes key); /* as something that is only referred to */
void tp_pades_roles_clear(struct tp_pades_roles *roles);
void tp_pades_tell_doubts(struct tp_pades_comparison *comparison); /* doubt.c */
/* The values of a reference, or of two direct values, in both documents. */
TP_MUST_USE enum tp_rc tp_pades_both(struct tp_pades_comparison *comparison, const struct tp_pdf_value *old_item,
                                     const struct tp_pdf_value *new_item, const struct tp_pdf_value **ret_old,
                                     const struct tp_pdf_value **ret_new);

struct tp_pades_pair {
    const struct tp_pdf_value *old, *new; /* of one key; NULL: it is not there */
    struct tp_pdf_ref ref;                /* of the object that has the key */
    struct tp_bytes key;
    const char *path;                     /* to the key */
    void *context;
};
/* What to do with a key whose value may change. */
typedef enum tp_rc tp_pades_rule_fn(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);
struct tp_pades_rule {
    const char *key; /* NULL ends a table */
    tp_pades_rule_fn *compare;
};
/* Two dictionaries: keys in RULES by their rule, all others must be equal, and their values are protected. */
TP_MUST_USE enum tp_rc tp_pades_compare_keys(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair,
                                             const struct tp_pades_rule *rules);
/* Content, unless both are the same and lead to what has not changed either. */
TP_MUST_USE enum tp_rc tp_pades_compare_same(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);
enum tp_rc tp_pades_rule_ignore(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);
enum tp_rc tp_pades_rule_form(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);  /* form.c */
enum tp_rc tp_pades_rule_form_resources(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);  /* font.c */
enum tp_rc tp_pades_rule_form_appearance(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair);
/* A signature field that has come, in the form or on a page alone; others are told as content. */
TP_MUST_USE enum tp_rc tp_pades_take_field(struct tp_pades_comparison *comparison, const struct tp_pdf_value *item);
enum tp_rc tp_pades_rule_pages(struct tp_pades_comparison *comparison, const struct tp_pades_pair *pair); /* page.c */
/* /Rect of an annotation; false when nothing of it is to be seen: it has no area, and nor has what it draws, or is hidden. */
bool tp_pades_rect_seen(struct tp_pades_comparison *comparison, const struct tp_pdf_value *annotation, double ret_rect[4]);

#endif
