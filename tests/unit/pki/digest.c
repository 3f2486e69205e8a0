/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "pki/digest_info.h"

#include <criterion/criterion.h>

Test(hash, has_a_name_and_a_length_that_libcrypto_agrees_with)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(hash));
        cr_assert_not_null(md, "%s", tp_pki_hash_name(hash));
        cr_assert_eq((size_t)EVP_MD_get_size(md), tp_pki_hash_len(hash));
    }
}

Test(hash, is_found_by_either_name_in_any_case)
{
    for (enum tp_pki_hash hash = TP_PKI_MD5; hash < TP_PKI_HASH_END; hash++) {
        cr_assert_eq(tp_pki_hash_parse(tp_pki_hash_name(hash)), hash);
        cr_assert_eq(tp_pki_hash_parse(tp_pki_hash_libcrypto(hash)), hash);
    }
    cr_assert_eq(tp_pki_hash_parse("sha-256"), TP_PKI_SHA256);
    cr_assert_eq(tp_pki_hash_parse("sha256"), TP_PKI_SHA256);
}

Test(hash, that_is_unknown_has_no_length_and_no_libcrypto_name)
{
    const char *const names[] = {"", "SHA", "SHA-2566", "SHA-512/128", "RIPEMD160", "unknown", NULL};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert_eq(tp_pki_hash_parse(names[i]), TP_PKI_HASH_NONE);
    const enum tp_pki_hash none[] = {TP_PKI_HASH_NONE, TP_PKI_HASH_END, (enum tp_pki_hash)1000};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        cr_assert_eq(tp_pki_hash_len(none[i]), 0);
        cr_assert_null(tp_pki_hash_libcrypto(none[i]));
        cr_assert_str_eq(tp_pki_hash_name(none[i]), "unknown");
    }
}

Test(hash, by_length_is_the_sha_2_of_that_length)
{
    static const enum tp_pki_hash expected[66] = {
        [16] = TP_PKI_MD5,    [20] = TP_PKI_SHA1,   [28] = TP_PKI_SHA224,
        [32] = TP_PKI_SHA256, [48] = TP_PKI_SHA384, [64] = TP_PKI_SHA512,
    };
    for (size_t len = 0; len < sizeof expected / sizeof expected[0]; len++)
        cr_assert_eq(tp_pki_hash_by_len(len), expected[len], "%zu", len);
}
