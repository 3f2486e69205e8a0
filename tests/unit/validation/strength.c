/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/strength.h"

#include <criterion/criterion.h>
#include <string.h>

Test(strength, of_hashes_ends_on_a_day)
{
    static const struct {
        enum tp_pki_hash hash;
        const char *until; /* NULL: not yet */
    } rows[] = {
        {TP_PKI_MD5, "2004-08-01"}, {TP_PKI_SHA1, "2012-08-01"}, {TP_PKI_SHA256, NULL}, {TP_PKI_HASH_NONE, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_validation_weakness weakness;
        int64_t ms = INT64_MAX;
        if (rows[i].until != NULL)
            cr_assert_eq(tp_time_parse(rows[i].until, &ms), TP_OK);
        cr_assert_eq(tp_validation_strength(TP_BYTES_NONE, rows[i].hash, ms - 1, &weakness), TP_OK);
        cr_expect_not(weakness.found, "%zu", i);
        cr_assert_eq(tp_validation_strength(TP_BYTES_NONE, rows[i].hash, ms, &weakness), TP_OK);
        cr_expect_eq(weakness.found, rows[i].until != NULL, "%zu", i);
        cr_expect(!weakness.found || strcmp(weakness.until, rows[i].until) == 0, "%s", weakness.until);
    }
}
