/* SPDX-License-Identifier: Apache-2.0
 *
 * What a target is going to change, step by step: shown first, then done, and undone when a later step fails.
 */
#ifndef TP_CLI_SETUP_PLAN_H
#define TP_CLI_SETUP_PLAN_H

#include "base/bytes.h"
#include "base/error.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define TP_SETUP_STEPS_MAX 64 /* profiles of a browser, twice: a database is made, and the module put into it */
#define TP_SETUP_NOTES_MAX 16

struct tp_setup_step;

struct tp_setup_step_kind {
    enum tp_rc (*act)(const struct tp_setup_step *step, struct tp_error *error);
    void (*undo)(const struct tp_setup_step *step);
    json_t *(*show)(const struct tp_setup_step *step); /* {"where", "change", "added", "removed", "command"} */
};

/* One of: a file with other content (BEFORE and AFTER, as far as they are there); an NSS database that is made in a
 * folder; a module put into one, or taken out. */
struct tp_setup_step {
    const struct tp_setup_step_kind *kind;
    char path[PATH_MAX];
    mode_t mode;          /* of the file */
    unsigned folders;     /* above PATH: to be made, or that had been made for it */
    bool is_there, stays; /* the file before and after */
    struct tp_buf before, after;
    char *module; /* that is put into the database; NULL: taken out */
};

struct tp_setup_plan {
    struct tp_setup_step steps[TP_SETUP_STEPS_MAX];
    size_t steps_len;
    char *notes[TP_SETUP_NOTES_MAX];
    size_t notes_len;
};

void tp_setup_plan_clear(struct tp_setup_plan *plan);
/* The next step, empty but for its kind and path. TP_TOO_LARGE when there are too many. */
TP_MUST_USE enum tp_rc tp_setup_plan_step(struct tp_setup_plan *plan, const struct tp_setup_step_kind *kind,
                                          const char *path, struct tp_setup_step **ret_step);
/* A sentence for people, about what they still have to do or should know. */
TP_MUST_USE enum tp_rc tp_setup_plan_note(struct tp_setup_plan *plan, const char *format, ...) TP_PRINTF(2, 3);
/* All steps, or none: those that were done are undone when one fails. */
TP_MUST_USE enum tp_rc tp_setup_plan_act(const struct tp_setup_plan *plan, struct tp_error *error);

extern const struct tp_setup_step_kind tp_setup_step_file, tp_setup_step_database, tp_setup_step_module;

#endif
