/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/verify/internal.h"

#include <criterion/criterion.h>

#define NOW_MS ((int64_t)1790000000000)

/* One that is a fraction of a second, or both accuracies, behind another may be the later one all the same; what a TSA says of its
 * accuracy is believed up to a minute. */
Test(verify_stamp, precedes_another_beyond_what_accuracy_explains)
{
    static const struct {
        int64_t behind_ms, accuracy_us, other_accuracy_us;
        bool precedes;
    } rows[] = {
        {0, -1, -1, false},          {999, -1, -1, false},          {1000, -1, -1, true},
        {2500, 1000000, -1, true},   {1500, 1000000, -1, false},    {2900, 1000000, 1000000, false},
        {3000, 1000000, 1000000, true}, {61000, INT64_MAX, -1, true}, {60999, INT64_MAX, -1, false},
        {-5000, -1, -1, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tp_pades_stamp stamp = {.time_ms = NOW_MS - rows[i].behind_ms, .accuracy_us = rows[i].accuracy_us};
        const struct tp_pades_stamp other = {.time_ms = NOW_MS, .accuracy_us = rows[i].other_accuracy_us};
        cr_expect_eq(tp_pades_stamp_precedes(&stamp, &other), rows[i].precedes, "row %zu", i);
    }
}
