/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tp_setup_plan_clear(struct tp_setup_plan *plan)
{
    for (size_t i = 0; i < plan->steps_len; i++) {
        tp_buf_clear(&plan->steps[i].before);
        tp_buf_clear(&plan->steps[i].after);
        free(plan->steps[i].module);
    }
    for (size_t i = 0; i < plan->notes_len; i++)
        free(plan->notes[i]);
    plan->steps_len = plan->notes_len = 0;
}

enum tp_rc tp_setup_plan_step(struct tp_setup_plan *plan, const struct tp_setup_step_kind *kind, const char *path,
                              struct tp_setup_step **ret_step)
{
    if (plan->steps_len == TP_SETUP_STEPS_MAX || strlen(path) >= PATH_MAX)
        return TP_TOO_LARGE;
    struct tp_setup_step *step = &plan->steps[plan->steps_len++];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    strcpy(step->path, path);
    *ret_step = step;
    return TP_OK;
}

enum tp_rc tp_setup_plan_note(struct tp_setup_plan *plan, const char *format, ...)
{
    va_list args;
    char *note = NULL;
    va_start(args, format);
    int len = vasprintf(&note, format, args);
    va_end(args);
    if (len < 0)
        return TP_MEMORY;
    if (plan->notes_len == TP_SETUP_NOTES_MAX) { /* one more of many: nobody misses it */
        free(note);
        return TP_OK;
    }
    plan->notes[plan->notes_len++] = note;
    return TP_OK;
}

enum tp_rc tp_setup_plan_act(const struct tp_setup_plan *plan, struct tp_error *error)
{
    enum tp_rc rc = TP_OK;
    size_t done = 0;
    while (done < plan->steps_len && rc == TP_OK)
        if ((rc = plan->steps[done].kind->act(&plan->steps[done], error)) == TP_OK)
            done++;
    while (rc != TP_OK && done-- > 0)
        plan->steps[done].kind->undo(&plan->steps[done]);
    return rc;
}
