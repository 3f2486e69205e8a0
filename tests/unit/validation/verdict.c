/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/verdict.h"

#include <criterion/criterion.h>
#include <string.h>

Test(verdict, each_has_its_name_and_words)
{
    cr_expect_str_eq(tp_indication_name(TP_TOTAL_PASSED), "TOTAL-PASSED");
    cr_expect_str_eq(tp_indication_name(TP_TOTAL_FAILED), "TOTAL-FAILED");
    cr_expect_str_eq(tp_indication_name(TP_INDETERMINATE), "INDETERMINATE");
    cr_expect_str_eq(tp_subindication_name(TP_SUB_NONE), "");
    cr_expect_str_eq(tp_subindication_name(TP_SUB_REVOKED_CA_NO_POE), "REVOKED_CA_NO_POE");
    for (enum tp_subindication sub = TP_SUB_NONE + 1; sub < TP_SUB_COUNT; sub++) {
        cr_expect_gt(strlen(tp_subindication_name(sub)), 0);
        cr_expect_gt(strlen(tp_subindication_words(sub)), 0);
    }
    cr_expect_str_eq(tp_subindication_name(TP_SUB_COUNT), "");
}
