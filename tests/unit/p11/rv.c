/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/rv.h"

#include <criterion/criterion.h>

Test(p11_rv, every_code_is_mapped_to_a_failure_that_has_a_name)
{
    for (int rc = TP_OK + 1; rc < TP_RC_COUNT; rc++) {
        CK_RV rv = tp_p11_rv((enum tp_rc)rc);
        cr_expect_neq(rv, CKR_OK, "%s looks like success", tp_rc_name((enum tp_rc)rc));
        cr_expect_str_neq(tp_p11_rv_name(rv), "CKR_?", "%s has no name", tp_rc_name((enum tp_rc)rc));
        if (rc != TP_INTERNAL && rc != TP_CONFIG)
            cr_expect_neq(rv, CKR_GENERAL_ERROR, "%s is not in the table", tp_rc_name((enum tp_rc)rc));
    }
}

Test(p11_rv, success_is_success)
{
    cr_assert_eq(tp_p11_rv(TP_OK), CKR_OK);
}

Test(p11_rv, a_code_that_is_not_known_is_a_failure)
{
    cr_assert_eq(tp_p11_rv(TP_RC_COUNT), CKR_GENERAL_ERROR);
    cr_assert_eq(tp_p11_rv((enum tp_rc)60000), CKR_GENERAL_ERROR);
}

Test(p11_rv, what_consumers_act_on_is_told_apart)
{
    static const struct {
        enum tp_rc rc;
        CK_RV rv;
    } rows[] = {
        {TP_NOT_LOGGED_IN, CKR_USER_NOT_LOGGED_IN},
        {TP_PIN_WRONG, CKR_PIN_INCORRECT},
        {TP_OTP_STALE, CKR_PIN_INCORRECT},
        {TP_PIN_LOCKED, CKR_PIN_LOCKED},
        {TP_PIN_EXPIRED, CKR_PIN_EXPIRED},
        {TP_UNREACHABLE, CKR_DEVICE_REMOVED},
        {TP_TIMEOUT, CKR_DEVICE_ERROR},
        {TP_KEY_UNUSABLE, CKR_KEY_FUNCTION_NOT_PERMITTED},
        {TP_MEMORY, CKR_HOST_MEMORY},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(tp_p11_rv(rows[i].rc), rows[i].rv, "%s", tp_rc_name(rows[i].rc));
}
