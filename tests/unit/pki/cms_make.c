/* SPDX-License-Identifier: Apache-2.0
 *
 * What we make is verified by libcrypto, as `openssl cms -verify -cades` does.
 */
#include "base/crypto.h"
#include "base/der.h"
#include "forge.h"
#include "pki/cms.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <string.h>
#include <time.h>

#define CONTENT "the content"

static const struct row {
    const char *type;
    enum tp_pki_hash hash;
    bool pss;
} rows[] = {
    {"rsa-2048", TP_PKI_SHA256, false}, {"rsa-2048", TP_PKI_SHA384, false}, {"rsa-2048", TP_PKI_SHA512, false},
    {"rsa-3072", TP_PKI_SHA256, false}, {"rsa-2048", TP_PKI_SHA256, true},  {"rsa-2048", TP_PKI_SHA384, true},
    {"rsa-2048", TP_PKI_SHA512, true},  {"P-256", TP_PKI_SHA256, false},    {"P-384", TP_PKI_SHA384, false},
    {"P-521", TP_PKI_SHA512, false},    {"P-256", TP_PKI_SHA512, false},    {"rsa-2048", TP_PKI_SHA3_256, false},
    {"P-256", TP_PKI_SHA3_256, false},  {"rsa-2048", TP_PKI_SHA224, false}, {"ED25519", TP_PKI_SHA512, false},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* A signer with its own certificate, an issuer and the root above. */
struct world {
    struct tp_buf root;
    struct tp_pki_signer *signer;
};

static void world_make(const char *type, const struct tp_pki_signer_calls *calls, struct world *world)
{
    EVP_PKEY *key = forge_key(type), *ca = forge_key("P-256"), *top = forge_key("P-256");
    struct tp_buf own = forge_certificate(&(struct forge_certificate){"signer", "ca", .serial = "0123456789abcdef",
                                                                      .key_usage = "nonRepudiation,digitalSignature",
                                                                      .key = key, .issuer_key = ca});
    struct tp_buf issuer =
        forge_certificate(&(struct forge_certificate){"ca", "root", .is_ca = true, .key = ca, .issuer_key = top});
    world->root =
        forge_certificate(&(struct forge_certificate){"root", "root", .is_ca = true, .key = top, .issuer_key = top});
    const struct tp_bytes chain[] = {tp_buf_bytes(&own), tp_buf_bytes(&issuer), tp_buf_bytes(&world->root)};
    struct tp_buf spki = forge_spki(key);
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 3, calls, key, &error, &world->signer), TP_OK, "%s",
                 tp_error_words(&error));
    tp_buf_clear(&own), tp_buf_clear(&issuer), tp_buf_clear(&spki);
    EVP_PKEY_free(ca), EVP_PKEY_free(top);
}

static void world_clear(struct world *world)
{
    tp_pki_signer_free(world->signer);
    tp_buf_clear(&world->root);
}

static struct tp_pki_cms_order order_of(const struct world *world, const struct row *row,
                                        uint8_t digest[EVP_MAX_MD_SIZE])
{
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(row->hash));
    cr_assert_eq(EVP_Digest(CONTENT, strlen(CONTENT), digest, NULL, md, NULL), 1);
    return (struct tp_pki_cms_order){.signer = world->signer,
                                     .hash = row->hash,
                                     .pss = row->pss,
                                     .digest = TP_BYTES(digest, tp_pki_hash_len(row->hash))};
}

static struct tp_buf make(const struct tp_pki_cms_order *order)
{
    struct tp_buf der = TP_BUF_INIT;
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_cms_make(order, &error, &der), TP_OK, "%s", tp_error_words(&error));
    return der;
}

static CMS_ContentInfo *decode(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    unsigned char *again = NULL;
    CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(tp_crypto_libctx(), NULL);
    cr_assert_not_null(d2i_CMS_ContentInfo(&cms, &at, (long)der.len));
    cr_assert_eq(at, der.data + der.len);
    const int len = i2d_CMS_ContentInfo(cms, &again);
    cr_assert(tp_bytes_equal(der, TP_BYTES(again, (size_t)len)), "it is in DER");
    OPENSSL_free(again);
    return cms;
}

static int verify(const struct world *world, CMS_ContentInfo *cms, const char *content)
{
    const unsigned char *at = world->root.data;
    X509 *root = d2i_X509(NULL, &at, (long)world->root.len);
    X509_STORE *store = X509_STORE_new();
    BIO *bio = BIO_new_mem_buf(content, -1);
    cr_assert_eq(X509_STORE_add_cert(store, root), 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), FORGE_NOT_BEFORE_MS / 1000 + 86400);
    X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_ANY);
    const int done = CMS_verify(cms, NULL, store, content != NULL ? bio : NULL, NULL, CMS_BINARY | CMS_CADES);
    BIO_free(bio);
    X509_STORE_free(store);
    X509_free(root);
    return done;
}

/* libcrypto 3.0 verifies no CMS with Ed25519 (RFC 8419): here by hand, over the attributes as they stand there. */
static int verify_ed25519(const struct world *world, const CMS_ContentInfo *cms, struct tp_bytes der)
{
    unsigned char *attributes = NULL;
    struct tp_bytes signature;
    struct tp_buf set = TP_BUF_INIT;
    EVP_PKEY *key = NULL;
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos((CMS_ContentInfo *)cms), 0);
    size_t mark;
    cr_assert_eq(tp_der_open(&set, TP_DER_SET, &mark), TP_OK);
    for (int i = 0; i < CMS_signed_get_attr_count(info); i++, OPENSSL_free(attributes), attributes = NULL) {
        const int len = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(info, i), &attributes);
        cr_assert_eq(tp_buf_append(&set, TP_BYTES(attributes, (size_t)len)), TP_OK);
    }
    cr_assert_eq(tp_der_close(&set, mark), TP_OK);
    cr_assert_eq(tp_pki_cms_signature(der, NULL, &signature), TP_OK);
    cr_assert_eq(tp_pki_key_load(tp_pki_signer_spki(world->signer), NULL, &key), TP_OK);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const int done = EVP_DigestVerifyInit_ex(context, NULL, NULL, tp_crypto_libctx(), NULL, key, NULL) == 1 &&
                     EVP_DigestVerify(context, signature.data, signature.len, set.data, set.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    tp_buf_clear(&set);
    return done;
}

Test(cms_make, verifies_with_libcrypto_for_every_kind_of_key)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct world world;
        uint8_t digest[EVP_MAX_MD_SIZE];
        world_make(rows[i].type, &forge_true, &world);
        struct tp_pki_cms_order order = order_of(&world, &rows[i], digest);
        struct tp_buf der = make(&order);
        CMS_ContentInfo *cms = decode(tp_buf_bytes(&der));
        cr_assert_eq(CMS_is_detached(cms), 1);
        if (strcmp(rows[i].type, "ED25519") == 0) {
            cr_assert_eq(verify_ed25519(&world, cms, tp_buf_bytes(&der)), 1);
        } else {
            cr_assert_eq(verify(&world, cms, CONTENT), 1, "%s %s: %s", rows[i].type, tp_pki_hash_name(rows[i].hash),
                         ERR_error_string(ERR_peek_last_error(), NULL));
            cr_assert_neq(verify(&world, cms, CONTENT "."), 1, "another content");
        }
        CMS_ContentInfo_free(cms);
        tp_buf_clear(&der);
        world_clear(&world);
    }
}

/* ---- what is in it ---- */

static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms)
{
    cr_assert_eq(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)), 1);
    return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

Test(cms_make, has_no_signing_time_unless_asked_and_no_root)
{
    struct world world;
    uint8_t digest[EVP_MAX_MD_SIZE];
    world_make("P-256", &forge_true, &world);
    struct tp_pki_cms_order order = order_of(&world, &rows[7], digest);
    struct tp_buf der = make(&order);
    CMS_ContentInfo *cms = decode(tp_buf_bytes(&der));
    CMS_SignerInfo *info = only_signer(cms);
    cr_assert_lt(CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1), 0);
    cr_assert_eq(CMS_signed_get_attr_count(info), 4);
    STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    cr_assert_eq(sk_X509_num(certificates), 2, "signer and ca");
    sk_X509_pop_free(certificates, X509_free);
    cr_assert_eq(CMS_unsigned_get_attr_count(info), -1);
    CMS_ContentInfo_free(cms);
    tp_buf_clear(&der);

    order.signing_time_ms = 1767225600123;
    order.commitment = "1.2.840.113549.1.9.16.6.1";
    der = make(&order);
    cms = decode(tp_buf_bytes(&der));
    info = only_signer(cms);
    const ASN1_UTCTIME *time =
        CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_UTCTIME);
    cr_assert_not_null(time);
    cr_assert_str_eq((const char *)ASN1_STRING_get0_data(time), "260101000000Z");
    cr_assert_geq(CMS_signed_get_attr_by_NID(info, NID_id_smime_aa_ets_commitmentType, -1), 0);
    cr_assert_eq(verify(&world, cms, CONTENT), 1);
    CMS_ContentInfo_free(cms);
    tp_buf_clear(&der);

    order.signing_time_ms = 2524608000000; /* 2050-01-01 */
    der = make(&order);
    cms = decode(tp_buf_bytes(&der));
    const ASN1_GENERALIZEDTIME *late =
        CMS_signed_get0_data_by_OBJ(only_signer(cms), OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_GENERALIZEDTIME);
    cr_assert_not_null(late);
    cr_assert_str_eq((const char *)ASN1_STRING_get0_data(late), "20500101000000Z");
    CMS_ContentInfo_free(cms);
    tp_buf_clear(&der);
    world_clear(&world);
}

/* RFC 5035 §4: what DER leaves out must not be there. */
Test(cms_make, names_the_certificate_by_its_hash_and_leaves_out_sha_256)
{
    static const size_t some[] = {7, 8};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        uint8_t digest[EVP_MAX_MD_SIZE], hash[EVP_MAX_MD_SIZE];
        world_make(rows[some[i]].type, &forge_true, &world);
        struct tp_pki_cms_order order = order_of(&world, &rows[some[i]], digest);
        struct tp_buf der = make(&order);
        CMS_ContentInfo *cms = decode(tp_buf_bytes(&der));
        const ASN1_STRING *value = CMS_signed_get0_data_by_OBJ(
            only_signer(cms), OBJ_nid2obj(NID_id_smime_aa_signingCertificateV2), -3, V_ASN1_SEQUENCE);
        cr_assert_not_null(value);
        struct tp_bytes at = TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), list, id,
                        algorithm, found;
        cr_assert(tp_der_take(&at, TP_DER_SEQUENCE, NULL, &list) && at.len == 0);
        cr_assert(tp_der_take(&list, TP_DER_SEQUENCE, NULL, &id) && list.len == 0);
        cr_assert(tp_der_take(&id, TP_DER_SEQUENCE, NULL, &algorithm) && id.len == 0);
        cr_assert_eq(tp_der_take(&algorithm, TP_DER_SEQUENCE, NULL, NULL), rows[some[i]].hash != TP_PKI_SHA256);
        cr_assert(tp_der_take(&algorithm, TP_DER_OCTET_STRING, NULL, &found) && algorithm.len == 0);
        const struct tp_bytes certificate = tp_pki_signer_certificate(world.signer, 0);
        cr_assert_eq(EVP_Digest(certificate.data, certificate.len, hash, NULL,
                                tp_crypto_digest(tp_pki_hash_libcrypto(order.hash)), NULL),
                     1);
        cr_assert(tp_bytes_equal(found, TP_BYTES(hash, tp_pki_hash_len(order.hash))));
        CMS_ContentInfo_free(cms);
        tp_buf_clear(&der);
        world_clear(&world);
    }
}

Test(cms_make, holds_a_content_of_another_type)
{
    struct world world;
    uint8_t digest[EVP_MAX_MD_SIZE];
    world_make("P-256", &forge_true, &world);
    struct tp_pki_cms_order order = order_of(&world, &rows[7], digest);
    order.content_type = "1.2.840.113549.1.9.16.1.4"; /* id-ct-TSTInfo */
    order.content = tp_bytes_of_string(CONTENT);
    for (int with_digest = 1; with_digest >= 0; with_digest--) {
        if (with_digest == 0)
            order.digest = TP_BYTES_NONE; /* hashed there */
        struct tp_buf der = make(&order);
        CMS_ContentInfo *cms = decode(tp_buf_bytes(&der));
        cr_assert_eq(CMS_is_detached(cms), 0);
        cr_assert_eq(OBJ_obj2nid(CMS_get0_eContentType(cms)), NID_id_smime_ct_TSTInfo);
        cr_assert_eq(verify(&world, cms, NULL), 1, "%s", ERR_error_string(ERR_peek_last_error(), NULL));
        CMS_ContentInfo_free(cms);
        tp_buf_clear(&der);
    }
    world_clear(&world);
}

/* ---- how large ---- */

Test(cms_make, is_never_larger_than_was_said)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct world world;
        uint8_t digest[EVP_MAX_MD_SIZE];
        size_t most = 0, largest = 0;
        world_make(rows[i].type, &forge_true, &world);
        struct tp_pki_cms_order order = order_of(&world, &rows[i], digest);
        cr_assert_eq(tp_pki_cms_size(&order, &most), TP_OK);
        for (int n = 0; n < 40; n++) {
            struct tp_buf der = make(&order);
            largest = der.len > largest ? der.len : largest;
            tp_buf_clear(&der);
        }
        cr_assert_leq(largest, most, "%s", rows[i].type);
        cr_assert_geq(largest + 12, most, "%s: no waste either", rows[i].type);
        order.digest = TP_BYTES_NONE;
        size_t again = 0;
        cr_assert_eq(tp_pki_cms_size(&order, &again), TP_OK, "before the content is hashed");
        cr_assert_eq(again, most);
        world_clear(&world);
    }
}

/* ---- refused ---- */

Test(cms_make, an_order_that_cannot_be_is_refused)
{
    struct world rsa, ed25519, ed448;
    static const uint8_t digest[64] = {1};
    size_t size = 7;
    world_make("rsa-2048", &forge_true, &rsa);
    world_make("ED25519", &forge_true, &ed25519);
    world_make("ED448", &forge_true, &ed448);
    struct tp_pki_signer *bare = forge_signer(forge_key("P-256"), &forge_true);
    const struct {
        struct tp_pki_cms_order order;
        enum tp_rc expected;
    } orders[] = {
        {{.signer = rsa.signer, .hash = TP_PKI_SHA1, .digest = TP_BYTES(digest, 20)}, TP_UNSUPPORTED},
        {{.signer = rsa.signer, .hash = TP_PKI_MD5, .digest = TP_BYTES(digest, 16)}, TP_UNSUPPORTED},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA1, .pss = true, .digest = TP_BYTES(digest, 20)}, TP_UNSUPPORTED},
        {{.signer = rsa.signer, .hash = TP_PKI_HASH_NONE}, TP_UNSUPPORTED},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 31)}, TP_DATA_LENGTH},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA256}, TP_DATA_LENGTH},
        {{.signer = ed25519.signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 32)}, TP_UNSUPPORTED},
        {{.signer = ed448.signer, .hash = TP_PKI_SHA512, .digest = TP_BYTES(digest, 64)}, TP_UNSUPPORTED},
        {{.signer = bare, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 32)}, TP_NOT_FOUND},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 32), .content_type = "1.2.x"},
         TP_BAD_ARGUMENT},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 32), .commitment = "3.1"},
         TP_BAD_ARGUMENT},
        {{.signer = rsa.signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(digest, 32), .signing_time_ms = -1},
         TP_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct tp_buf der = TP_BUF_INIT;
        struct tp_error error = {0};
        cr_assert_eq(tp_pki_cms_make(&orders[i].order, &error, &der), orders[i].expected, "order %zu", i);
        cr_assert_eq(error.rc, orders[i].expected, "order %zu has words", i);
        cr_assert_eq(der.len, 0);
        if (orders[i].expected != TP_DATA_LENGTH)
            cr_assert_eq(tp_pki_cms_size(&orders[i].order, &size), orders[i].expected, "order %zu", i);
    }
    cr_assert_eq(size, 7);
    tp_pki_signer_free(bare);
    world_clear(&rsa), world_clear(&ed25519), world_clear(&ed448);
}

Test(cms_make, a_signer_that_fails_leaves_nothing)
{
    static const struct tp_pki_signer_calls *const calls[] = {&forge_failing, &forge_garbage};
    static const enum tp_rc expected[] = {TP_HSM_ABSENT, TP_CRYPTO};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        uint8_t digest[EVP_MAX_MD_SIZE];
        struct tp_buf der = TP_BUF_INIT;
        struct tp_error error = {0};
        world_make("P-256", calls[i], &world);
        struct tp_pki_cms_order order = order_of(&world, &rows[7], digest);
        cr_assert_eq(tp_pki_cms_make(&order, &error, &der), expected[i]);
        cr_assert_eq(error.rc, expected[i]);
        cr_assert_eq(der.len, 0);
        world_clear(&world);
    }
}

/* ---- the timestamp ---- */

Test(cms_timestamp, is_added_to_those_that_are_there_and_breaks_nothing)
{
    static const uint8_t first[] = {0x30, 0x03, 0x02, 0x01, 0x05}, second[] = {0x30, 0x03, 0x02, 0x01, 0x02};
    struct world world;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_bytes before, after;
    world_make("rsa-2048", &forge_true, &world);
    struct tp_pki_cms_order order = order_of(&world, &rows[0], digest);
    struct tp_buf der = make(&order), one = TP_BUF_INIT, two = TP_BUF_INIT;
    cr_assert_eq(tp_pki_cms_add_timestamp(tp_buf_bytes(&der), TP_BYTES(first, sizeof first), NULL, &one), TP_OK);
    cr_assert_eq(tp_pki_cms_add_timestamp(tp_buf_bytes(&one), TP_BYTES(second, sizeof second), NULL, &two), TP_OK);
    cr_assert_eq(tp_pki_cms_signature(tp_buf_bytes(&der), NULL, &before), TP_OK);
    cr_assert_eq(tp_pki_cms_signature(tp_buf_bytes(&two), NULL, &after), TP_OK);
    cr_assert(tp_bytes_equal(before, after));
    CMS_ContentInfo *cms = decode(tp_buf_bytes(&two));
    CMS_SignerInfo *info = only_signer(cms);
    cr_assert_eq(CMS_unsigned_get_attr_count(info), 2);
    cr_assert_eq(CMS_unsigned_get_attr_by_NID(info, NID_id_smime_aa_timeStampToken, -1), 0);
    const ASN1_STRING *value = X509_ATTRIBUTE_get0_data(CMS_unsigned_get_attr(info, 0), 0, V_ASN1_SEQUENCE, NULL);
    cr_assert(tp_bytes_equal(TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
                             TP_BYTES(second, sizeof second)),
              "in DER's order");
    cr_assert_eq(verify(&world, cms, CONTENT), 1);
    CMS_ContentInfo_free(cms);
    tp_buf_clear(&der), tp_buf_clear(&one), tp_buf_clear(&two);
    world_clear(&world);
}

Test(cms_timestamp, into_something_else_is_refused)
{
    static const uint8_t token[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    struct world world;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_bytes signature;
    world_make("P-256", &forge_true, &world);
    struct tp_pki_cms_order order = order_of(&world, &rows[7], digest);
    struct tp_buf der = make(&order), out = TP_BUF_INIT;
    for (size_t len = 0; len < der.len; len++) {
        cr_assert_eq(tp_pki_cms_add_timestamp(TP_BYTES(der.data, len), TP_BYTES(token, 5), NULL, &out), TP_MALFORMED);
        cr_assert_eq(tp_pki_cms_signature(TP_BYTES(der.data, len), NULL, &signature), TP_MALFORMED);
    }
    for (size_t len = 0; len < 5; len++)
        cr_assert_eq(tp_pki_cms_add_timestamp(tp_buf_bytes(&der), TP_BYTES(token, len), NULL, &out), TP_MALFORMED);
    cr_assert_eq(tp_buf_append_u8(&der, 0), TP_OK);
    cr_assert_eq(tp_pki_cms_add_timestamp(tp_buf_bytes(&der), TP_BYTES(token, 5), NULL, &out), TP_MALFORMED,
                 "something behind it");
    cr_assert_eq(out.len, 0);
    tp_buf_clear(&der);
    world_clear(&world);
}

/* ---- how fast ---- */

static enum tp_rc sign_known(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                             struct tp_buf *ret_signature)
{
    (void)input, (void)error;
    return tp_buf_append(ret_signature, TP_BYTES(context, 256));
}

/* Beside the signature itself: a few tens of microseconds. The limit is far off, for machines that have other things to
 * do. */
Test(cms_make, costs_little_beside_the_signature)
{
    static const struct tp_pki_signer_calls calls = {.sign = sign_known, .own_libcrypto = true};
    static uint8_t known[256];
    EVP_PKEY *key = forge_key("rsa-2048");
    struct tp_buf spki = forge_spki(key);
    struct tp_buf own = forge_certificate(&(struct forge_certificate){"a", "a", .key = key, .issuer_key = key});
    const struct tp_bytes chain[] = {tp_buf_bytes(&own)};
    struct tp_pki_signer *signer = NULL;
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 1, &calls, known, NULL, &signer), TP_OK);
    const struct tp_pki_cms_order order = {.signer = signer, .hash = TP_PKI_SHA256, .digest = TP_BYTES(known, 32)};
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < 1000; i++) {
        struct tp_buf der = make(&order);
        tp_buf_clear(&der);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    const double us = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
    cr_log_info("%.1f us a CMS without the signature", us);
    cr_assert_lt(us, 200.0, "%.1f us", us);
    tp_pki_signer_free(signer);
    tp_buf_clear(&spki), tp_buf_clear(&own);
    EVP_PKEY_free(key);
}
