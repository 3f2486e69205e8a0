/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct tp_evidence *evidence;

static void setup(void)
{
    cr_assert_eq(tp_evidence_new(&evidence), TP_OK);
}

static void teardown(void)
{
    tp_evidence_free(evidence);
}

TestSuite(evidence, .init = setup, .fini = teardown);

Test(evidence, keeps_each_item_once_with_the_earliest_proof)
{
    cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, TP_BYTES("a", 1), "network", INT64_MAX), TP_OK);
    cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, TP_BYTES("b", 1), "DSS", 7), TP_OK);
    cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, TP_BYTES("a", 1), "DSS", 9), TP_OK);
    cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, TP_BYTES("b", 1), "DSS", 8), TP_OK);
    cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES("a", 1), "DSS", 5), TP_OK);
    cr_expect_eq(tp_evidence_len(evidence, TP_EVIDENCE_OCSP), 2);
    cr_expect_eq(tp_evidence_len(evidence, TP_EVIDENCE_CRL), 1, "kinds are apart");
    cr_expect_eq(tp_evidence_len(evidence, TP_EVIDENCE_CERTIFICATE), 0);
    cr_expect_eq(tp_evidence_poe_ms(evidence, TP_EVIDENCE_OCSP, 0), 9);
    cr_expect_eq(tp_evidence_poe_ms(evidence, TP_EVIDENCE_OCSP, 1), 7);
    cr_expect_str_eq(tp_evidence_from(evidence, TP_EVIDENCE_OCSP, 0), "network");
    cr_expect(tp_bytes_equal(tp_evidence_at(evidence, TP_EVIDENCE_OCSP, 1), TP_BYTES("b", 1)));
    cr_expect_eq(tp_evidence_at(evidence, TP_EVIDENCE_OCSP, 2).len, 0);
}

Test(evidence, what_is_preferred_comes_first)
{
    for (uint8_t i = 0; i < 4; i++)
        cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_CERTIFICATE, TP_BYTES(&i, 1), "x", i), TP_OK);
    tp_evidence_prefer(evidence, TP_BYTES("\x02", 1));
    tp_evidence_prefer(evidence, TP_BYTES("\x03", 1));
    tp_evidence_prefer(evidence, TP_BYTES("\x07", 1)); /* is not there */
    static const int64_t expected[] = {3, 2, 0, 1};
    cr_assert_eq(tp_evidence_len(evidence, TP_EVIDENCE_CERTIFICATE), 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(tp_evidence_poe_ms(evidence, TP_EVIDENCE_CERTIFICATE, i), expected[i], "%zu", i);
}

Test(evidence, a_document_fills_its_share_of_each_kind_alone)
{
    const struct tp_bytes more = TP_BYTES("one more", 8);
    for (uint32_t i = 0; i < TP_EVIDENCE_SHARE_ITEMS; i++)
        cr_assert_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_CERTIFICATE, TP_BYTES(&i, sizeof i), "x", INT64_MAX),
                     TP_OK);
    cr_expect_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_CERTIFICATE, more, "x", INT64_MAX), TP_TOO_LARGE);
    const uint32_t known = 7;
    cr_expect_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_CERTIFICATE, TP_BYTES(&known, sizeof known), "x", 3),
                 TP_OK, "is there already");
    cr_expect_eq(tp_evidence_poe_ms(evidence, TP_EVIDENCE_CERTIFICATE, known), 3);
    cr_expect_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_OCSP, more, "x", INT64_MAX), TP_OK, "another kind");
    cr_expect_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_SIGNATURES, TP_EVIDENCE_CERTIFICATE, more, "x", INT64_MAX), TP_OK,
                 "another share");
}

Test(evidence, a_document_fills_its_share_of_bytes_alone)
{
    const size_t len = TP_EVIDENCE_SHARE_BYTES;
    uint8_t *large = calloc(1, len);
    cr_assert_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_CRL, TP_BYTES(large, len), "x", INT64_MAX), TP_OK);
    cr_expect_eq(tp_evidence_add_share(evidence, TP_EVIDENCE_OF_STORE, TP_EVIDENCE_CRL, TP_BYTES("a", 1), "x", INT64_MAX), TP_TOO_LARGE);
    cr_expect_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES("a", 1), "x", INT64_MAX), TP_OK);
    free(large);
}

Test(evidence, is_bounded_in_number)
{
    for (uint32_t i = 0; i < TP_EVIDENCE_ITEMS_MAX; i++)
        cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES(&i, sizeof i), "x", INT64_MAX), TP_OK);
    cr_expect_eq(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, TP_BYTES("one more", 8), "x", INT64_MAX), TP_TOO_LARGE);
    const uint32_t known = 7;
    cr_expect_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES(&known, sizeof known), "x", 3), TP_OK,
                 "is there already");
}

Test(evidence, is_bounded_in_size)
{
    const size_t len = TP_EVIDENCE_BYTES_MAX / 4 + 1;
    uint8_t *large = calloc(1, len);
    for (uint8_t i = 0; i < 3; i++) {
        large[0] = i;
        cr_assert_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES(large, len), "x", INT64_MAX), TP_OK);
    }
    large[0] = 3;
    cr_expect_eq(tp_evidence_add(evidence, TP_EVIDENCE_CRL, TP_BYTES(large, len), "x", INT64_MAX), TP_TOO_LARGE);
    free(large);
}
