/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"

#include <criterion/criterion.h>
#include <string.h>

Test(rc, every_code_has_a_name_words_and_a_status)
{
    for (int rc = TP_OK; rc < TP_RC_COUNT; rc++) {
        cr_assert_eq(strncmp(tp_rc_name((enum tp_rc)rc), "TP_", 3), 0);
        cr_assert_str_neq(tp_rc_name((enum tp_rc)rc), "TP_?");
        cr_assert_gt(strlen(tp_rc_words((enum tp_rc)rc)), 0);
        cr_assert(tp_rc_status((enum tp_rc)rc) >= 0 && tp_rc_status((enum tp_rc)rc) <= 2);
    }
    cr_assert_str_eq(tp_rc_name(TP_STORE_NEWER), "TP_STORE_NEWER");
}

Test(rc, names_and_words_tell_codes_apart)
{
    for (int a = TP_OK; a < TP_RC_COUNT; a++)
        for (int b = TP_OK; b < a; b++) {
            cr_assert_str_neq(tp_rc_name((enum tp_rc)a), tp_rc_name((enum tp_rc)b));
            cr_assert_str_neq(tp_rc_words((enum tp_rc)a), tp_rc_words((enum tp_rc)b));
        }
}

Test(rc, only_ok_succeeds_and_only_usage_is_2)
{
    for (int rc = TP_OK; rc < TP_RC_COUNT; rc++)
        cr_assert_eq(tp_rc_status((enum tp_rc)rc), rc == TP_OK ? 0 : rc == TP_USAGE ? 2 : 1);
}

Test(rc, a_number_that_is_no_code_is_a_failure)
{
    static const int numbers[] = {-1, TP_RC_COUNT, 1 << 30};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        cr_assert_str_eq(tp_rc_name((enum tp_rc)numbers[i]), "TP_?");
        cr_assert_gt(strlen(tp_rc_words((enum tp_rc)numbers[i])), 0);
        cr_assert_eq(tp_rc_status((enum tp_rc)numbers[i]), 1);
    }
}

static enum tp_rc tries(enum tp_rc rc, int *ret_passed)
{
    TP_TRY(rc);
    *ret_passed = 1;
    return TP_OK;
}

Test(rc, try_goes_on_after_ok_and_returns_anything_else)
{
    int passed = 0;
    cr_assert_eq(tries(TP_BUSY, &passed), TP_BUSY);
    cr_assert_eq(passed, 0);
    cr_assert_eq(tries(TP_OK, &passed), TP_OK);
    cr_assert_eq(passed, 1);
}
