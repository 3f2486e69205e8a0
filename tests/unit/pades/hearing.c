/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/verify/hearing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Two signatures, neither of which could be looked at: there is no document. */
static struct tp_pades_hearing *hearing_make(struct tp_pades_signature signatures[2])
{
    struct tp_pades_hearing *hearing = calloc(1, sizeof *hearing);
    cr_assert_not_null(hearing);
    for (size_t i = 0; i < 2; i++) {
        hearing->subjects[i].signature = &signatures[i];
        hearing->subjects[i].usable = i == 0;
    }
    tp_pades_subject_refuse(&hearing->subjects[1], "it is broken");
    hearing->len = 2;
    return hearing;
}

Test(hearing, past_its_time_looks_at_no_signature_and_says_so)
{
    struct tp_pades_signature *signatures = calloc(2, sizeof *signatures);
    struct tp_pades_hearing *hearing = hearing_make(signatures);
    hearing->until_ms = 1; /* long ago */
    cr_assert_eq(tp_pades_hearing_examine(hearing), TP_OK);
    cr_expect_not(hearing->subjects[0].usable);
    cr_expect_eq(signatures[0].verdict.indication, TP_INDETERMINATE);
    cr_expect_not_null(strstr(signatures[0].verdict.why, "too long"));
    cr_expect_str_eq(signatures[1].verdict.why, "it is broken", "what was found before stays");
    free(hearing);
    free(signatures);
}
