/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether earlier signatures allow another one (restriction.h).
 *
 *   P = 1  nothing more, not even a signature
 *   P = 2  a signature in a field that is there; not a new field, which readers judge differently
 *   P = 3  a new field, too: its widget is an annotation
 */
#include "pades/internal.h"
#include "pades/restriction.h"

#include <string.h>

struct looking {
    struct tp_pades_work *work;
    unsigned permission; /* DocMDP, the strictest; 0: none */
    const char *permission_by;
    const char *locked_by; /* the field whose signature locks NAME */
    const char *name;
};

static bool is_locked(const struct looking *looking, const struct tp_pades_locks *locks)
{
    char line[TP_PADES_LINE_MAX];
    return locks->kind != TP_PADES_LOCKS_NONE && (!tp_pades_name_line(looking->name, strlen(looking->name), line) || tp_pades_locks_hold(locks, line));
}

static void look_at_permission(struct looking *looking, unsigned permission, const char *by)
{
    const unsigned stricter = tp_pades_stricter(looking->permission, permission);
    if (stricter != looking->permission)
        looking->permission_by = by;
    looking->permission = stricter;
}

static enum tp_rc look_at_field(struct looking *looking, const struct tp_pades_field *field)
{
    struct tp_pades_restriction restriction = {0};
    if (field->signature == NULL)
        return TP_OK;
    TP_TRY(tp_pades_restriction_read(looking->work->document, field->signature, field->value, looking->work->error, &restriction));
    look_at_permission(looking, restriction.permission, field->name);
    if (is_locked(looking, &restriction.locks))
        looking->locked_by = field->name;
    tp_pades_restriction_clear(&restriction);
    return TP_OK;
}

/* The certification that counts is the catalog's (§12.8.6), whether its field can be found or not. */
static enum tp_rc look_at_all(struct looking *looking, const struct tp_pades_form *form)
{
    unsigned permission;
    struct tp_pdf_ref certifying;
    TP_TRY(tp_pades_certified(looking->work->document, looking->work->error, &permission, &certifying));
    look_at_permission(looking, permission, "the catalog");
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
    if (looking->permission == 1)
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified, and its certification (%s) allows no change, not even a further "
                            "signature (DocMDP P=1)", looking->permission_by);
    if (looking->permission == 2 && is_new && empty[0] == '\0')
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified (%s) to be signed only in fields that it has (DocMDP P=2), and none "
                            "is empty", looking->permission_by);
    if (looking->permission == 2 && is_new)
        return tp_error_set(error, TP_REFUSED,
                            "the document is certified (%s) to be signed only in fields that it has (DocMDP P=2): --field with "
                            "one of %s", looking->permission_by, empty);
    if (looking->locked_by != NULL)
        return tp_error_set(error, TP_REFUSED, "the signature in %s has locked the field %s: signing there would break it",
                            looking->locked_by, looking->name);
    return TP_OK;
}

enum tp_rc tp_pades_permission_check(struct tp_pades_work *work, const struct tp_pades_form *form,
                                     const struct tp_pades_order *order, const struct tp_pades_field *field)
{
    struct looking looking = {.work = work, .name = field == NULL ? order->field : field->name};
    if (order->certify != 0)
        TP_TRY(check_certify(work, form));
    TP_TRY(look_at_all(&looking, form));
    return judge(&looking, form, field == NULL);
}
