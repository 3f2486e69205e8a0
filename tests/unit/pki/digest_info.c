/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/digest_info.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t digest[64] = {
    0x00, 0x01, 0x80, 0x7f, 0xff, 0x30, 0x04, 0x05, 0x06, 0x20, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
    0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25,
};

static size_t good(enum tp_pki_hash hash, uint8_t der[TP_PKI_DIGEST_INFO_MAX])
{
    size_t der_len = 0;
    cr_assert_eq(tp_pki_digest_info_make(hash, TP_BYTES(digest, tp_pki_hash_len(hash)), der, &der_len), TP_OK);
    return der_len;
}

/* The same without the NULL parameters. */
static size_t good_without_null(enum tp_pki_hash hash, uint8_t der[TP_PKI_DIGEST_INFO_MAX])
{
    const size_t der_len = good(hash, der), at = der_len - tp_pki_hash_len(hash) - 4;
    cr_assert_eq(der[at], 0x05);
    memmove(der + at, der + at + 2, der_len - at - 2);
    der[1] = (uint8_t)(der[1] - 2);
    der[3] = (uint8_t)(der[3] - 2);
    return der_len - 2;
}

static bool accepted(const uint8_t *der, size_t der_len, enum tp_pki_hash *ret_hash)
{
    struct tp_bytes view = TP_BYTES_NONE;
    return tp_pki_digest_info_parse(TP_BYTES(der, der_len), ret_hash, &view) == TP_OK;
}

Test(digest_info, of_sha256_is_what_rfc_8017_prints)
{
    static const uint8_t prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t der[TP_PKI_DIGEST_INFO_MAX];
    cr_assert_eq(good(TP_PKI_SHA256, der), sizeof prefix + 32);
    cr_assert_arr_eq(der, prefix, sizeof prefix);
}

Test(digest_info, of_md5_and_sha1_are_what_rfc_8017_prints)
{
    static const uint8_t md5[] = {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                  0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10};
    static const uint8_t sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                   0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    uint8_t der[TP_PKI_DIGEST_INFO_MAX];
    cr_assert_eq(good(TP_PKI_MD5, der), sizeof md5 + 16);
    cr_assert_arr_eq(der, md5, sizeof md5);
    cr_assert_eq(good(TP_PKI_SHA1, der), sizeof sha1 + 20);
    cr_assert_arr_eq(der, sha1, sizeof sha1);
}

Test(digest_info, round_trips_for_every_hash_with_and_without_null)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        for (int with_null = 0; with_null < 2; with_null++) {
            uint8_t der[TP_PKI_DIGEST_INFO_MAX];
            const size_t der_len = with_null ? good(hash, der) : good_without_null(hash, der);
            enum tp_pki_hash found = TP_PKI_HASH_NONE;
            struct tp_bytes view = TP_BYTES_NONE;
            cr_assert_eq(tp_pki_digest_info_parse(TP_BYTES(der, der_len), &found, &view), TP_OK);
            cr_assert_eq(found, hash);
            cr_assert(tp_bytes_equal(view, TP_BYTES(digest, tp_pki_hash_len(hash))));
            cr_assert_eq(view.data, der + der_len - view.len, "a view into the data, not a copy");
        }
    }
}

/* What is accepted is one of two spellings of (hash, digest), byte for byte. */
static bool is_canonical(const uint8_t *der, size_t der_len, enum tp_pki_hash hash)
{
    uint8_t again[TP_PKI_DIGEST_INFO_MAX];
    size_t again_len = good(hash, again);
    if (again_len != der_len)
        again_len = good_without_null(hash, again);
    const size_t prefix_len = again_len - tp_pki_hash_len(hash);
    return again_len == der_len && memcmp(again, der, prefix_len) == 0;
}

static void change_every_byte(enum tp_pki_hash hash, const uint8_t *der, size_t der_len)
{
    const size_t hash_at = der_len - tp_pki_hash_len(hash);
    for (size_t at = 0; at < der_len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t changed[TP_PKI_DIGEST_INFO_MAX];
            enum tp_pki_hash found = TP_PKI_HASH_NONE;
            memcpy(changed, der, der_len);
            changed[at] = (uint8_t)value;
            const bool ok = accepted(changed, der_len, &found);
            if (at >= hash_at || changed[at] == der[at])
                cr_assert(ok && found == hash, "byte %zu of the hash of %s", at, tp_pki_hash_name(hash));
            else if (ok) /* the OID of another hash of the same length is one byte away */
                cr_assert(found != hash && tp_pki_hash_len(found) == tp_pki_hash_len(hash) &&
                          is_canonical(changed, der_len, found));
        }
    }
}

Test(digest_info, with_any_byte_changed_is_refused_or_says_exactly_what_it_is)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        uint8_t der[TP_PKI_DIGEST_INFO_MAX];
        change_every_byte(hash, der, good(hash, der));
        change_every_byte(hash, der, good_without_null(hash, der));
    }
}

Test(digest_info, cut_or_extended_is_refused)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        uint8_t der[TP_PKI_DIGEST_INFO_MAX + 256] = {0};
        enum tp_pki_hash found = TP_PKI_HASH_NONE;
        const size_t der_len = good(hash, der);
        cr_assert(accepted(der, der_len, &found));
        for (size_t len = 0; len < sizeof der; len++)
            cr_assert(len == der_len || !accepted(der, len, &found), "%s in %zu bytes", tp_pki_hash_name(hash), len);
    }
}

/* Forms that some parsers take: each must stay out. */
Test(digest_info, in_ber_instead_of_der_is_refused)
{
    static const uint8_t long_length[] = {0x30, 0x81, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b,
                                          0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    static const uint8_t indefinite[] = {0x30, 0x80, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                         0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    static const uint8_t long_null[] = {0x30, 0x22, 0x30, 0x0a, 0x06, 0x05, 0x2b, 0x0e,
                                        0x03, 0x02, 0x1a, 0x05, 0x81, 0x00, 0x04, 0x14};
    static const uint8_t full_parameters[] = {0x30, 0x22, 0x30, 0x0a, 0x06, 0x05, 0x2b, 0x0e,
                                              0x03, 0x02, 0x1a, 0x04, 0x01, 0xaa, 0x04, 0x14};
    const struct tp_bytes forms[] = {TP_BYTES(long_length, sizeof long_length), TP_BYTES(indefinite, sizeof indefinite),
                                     TP_BYTES(long_null, sizeof long_null),
                                     TP_BYTES(full_parameters, sizeof full_parameters)};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint8_t der[64] = {0};
        enum tp_pki_hash found = TP_PKI_HASH_NONE;
        memcpy(der, forms[i].data, forms[i].len);
        for (size_t more = 18; more <= 24; more++)
            cr_assert_not(accepted(der, forms[i].len + more, &found), "form %zu", i);
    }
}

Test(digest_info, of_tls_1_0_md5_and_sha1_without_der_is_refused)
{
    enum tp_pki_hash found = TP_PKI_HASH_NONE;
    cr_assert_not(accepted(digest, 36, &found));
    cr_assert_not(accepted(digest, 32, &found), "a bare hash");
}

Test(digest_info, is_not_made_for_a_hash_of_the_wrong_length_or_no_hash)
{
    uint8_t der[TP_PKI_DIGEST_INFO_MAX];
    size_t der_len = 7;
    cr_assert_eq(tp_pki_digest_info_make(TP_PKI_SHA256, TP_BYTES(digest, 31), der, &der_len), TP_DATA_LENGTH);
    cr_assert_eq(tp_pki_digest_info_make(TP_PKI_SHA256, TP_BYTES(digest, 33), der, &der_len), TP_DATA_LENGTH);
    cr_assert_eq(tp_pki_digest_info_make(TP_PKI_HASH_NONE, TP_BYTES_NONE, der, &der_len), TP_UNSUPPORTED);
    cr_assert_eq(tp_pki_digest_info_make(TP_PKI_HASH_END, TP_BYTES(digest, 32), der, &der_len), TP_UNSUPPORTED);
    cr_assert_eq(der_len, 7, "outputs stay as they were");
}
