/* SPDX-License-Identifier: Apache-2.0 */
/* A timestamp token that stands by itself, as `trustp11 tsa check` has it. */
#include "pades/verify/internal.h"

enum tp_rc tp_pades_verify_token(struct tp_bytes token, struct tp_bytes digest, const struct tp_pades_trial *trial, struct tp_error *error,
                                 struct tp_pades_stamp *ret_stamp)
{
    struct tp_pades_court court = {.trial = NULL};
    struct tp_error unwanted = {.rc = TP_OK};
    const struct tp_pades_stamped stamped = {.message = digest, .hashed = true};
    enum tp_rc rc = tp_pades_court_open(trial, &court);
    if (rc == TP_OK)
        rc = tp_pades_judge_stamp(&court, token, &stamped, INT64_MAX, error != NULL ? error : &unwanted, ret_stamp);
    tp_pades_court_close(&court);
    return rc;
}
