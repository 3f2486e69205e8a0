/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dormant.h"

#include <criterion/criterion.h>

#define DAY ((int64_t)86400000)
#define NOW (1000 * DAY)

static bool is_dormant(int64_t created_ms, int64_t last_login_ms, int64_t renewed_ms)
{
    Tp__Engine__User user = TP__ENGINE__USER__INIT;
    user.created_ms = created_ms;
    user.last_login_ms = last_login_ms;
    user.renewed_ms = renewed_ms;
    return tp_user_is_dormant(&user, 90 * DAY, NOW);
}

Test(dormant, counts_from_whatever_was_last)
{
    const int64_t old = NOW - 91 * DAY, recent = NOW - 89 * DAY;
    cr_expect(is_dormant(old, 0, 0), "never logged in");
    cr_expect_not(is_dormant(recent, 0, 0), "has had no time yet");
    cr_expect(is_dormant(old, old, 0));
    cr_expect_not(is_dormant(old, recent, 0));
    cr_expect_not(is_dormant(old, old, recent), "an officer has let them in again");
    cr_expect(is_dormant(old, old, old));
}

Test(dormant, the_day_itself_counts)
{
    cr_expect(is_dormant(0, NOW - 90 * DAY, 0));
    cr_expect_not(is_dormant(0, NOW - 90 * DAY + 1, 0));
}

Test(dormant, a_closed_account_is_none_and_a_suspended_one_is)
{
    Tp__Engine__User user = TP__ENGINE__USER__INIT;
    user.suspended = true;
    cr_expect(tp_user_is_dormant(&user, 90 * DAY, NOW));
    user.closed = true;
    cr_expect_not(tp_user_is_dormant(&user, 90 * DAY, NOW));
}
