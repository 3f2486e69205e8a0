/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/sha.h>
#include <string.h>

static struct fixture f;
static CK_BYTE bytes[8192], other[8192];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "rsa-2048", "rsa", true);
    (void)fake_engine_add_key(f.engine, "p-256", "ec", true);
    (void)fake_engine_add_key(f.engine, "p-521", "bare", false);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_object, .init = open_all, .fini = close_all);

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class, const char *label)
{
    CK_OBJECT_HANDLE object = find_one(f.session, class, label);
    cr_assert_neq(object, CK_INVALID_HANDLE, "no %s of class %lu", label, class);
    return object;
}

static CK_RV read_one(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG *len)
{
    CK_ATTRIBUTE attribute = {type, value, *len};
    CK_RV rv = C_GetAttributeValue(f.session, object, &attribute, 1);
    *len = attribute.ulValueLen;
    return rv;
}

/* ---- what objects say ---- */

Test(p11_object, certificate_public_and_private_key_share_one_id)
{
    CK_OBJECT_HANDLE objects[] = {find(CKO_CERTIFICATE, "rsa"), find(CKO_PUBLIC_KEY, "rsa"),
                                  find(CKO_PRIVATE_KEY, "rsa")};
    size_t len = get_bytes(f.session, objects[0], CKA_ID, bytes, sizeof(bytes));
    cr_assert_gt(len, 0);
    for (int i = 1; i < 3; i++) {
        cr_expect_eq(get_bytes(f.session, objects[i], CKA_ID, other, sizeof(other)), len);
        cr_expect_eq(memcmp(bytes, other, len), 0);
    }
}

Test(p11_object, a_private_key_says_what_it_is)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        int value;
    } rows[] = {
        {CKA_TOKEN, 1},
        {CKA_PRIVATE, 1},
        {CKA_SENSITIVE, 1},
        {CKA_ALWAYS_SENSITIVE, 1},
        {CKA_EXTRACTABLE, 0},
        {CKA_NEVER_EXTRACTABLE, 1},
        {CKA_LOCAL, 1},
        {CKA_SIGN, 1},
        {CKA_DECRYPT, 0},
        {CKA_UNWRAP, 0},
        {CKA_SIGN_RECOVER, 0},
        {CKA_DERIVE, 0},
        {CKA_MODIFIABLE, 1},
        {CKA_COPYABLE, 1},
        {CKA_DESTROYABLE, 1},
        {CKA_ALWAYS_AUTHENTICATE, 0},
        {CKA_WRAP_WITH_TRUSTED, 0},
    };
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "rsa");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(get_bool(f.session, key, rows[i].type), rows[i].value, "attribute 0x%lx", rows[i].type);
    cr_expect_eq(get_ulong(f.session, key, CKA_CLASS), CKO_PRIVATE_KEY);
    cr_expect_eq(get_ulong(f.session, key, CKA_KEY_TYPE), CKK_RSA);
    cr_expect_eq(get_ulong(f.session, key, CKA_KEY_GEN_MECHANISM), CKM_RSA_PKCS_KEY_PAIR_GEN);
    cr_expect_eq(get_bytes(f.session, key, CKA_MODULUS, bytes, sizeof(bytes)), 256);
    cr_expect_eq(get_bytes(f.session, key, CKA_PUBLIC_EXPONENT, bytes, sizeof(bytes)), 3);
    cr_expect_eq(memcmp(bytes, "\x01\x00\x01", 3), 0);
}

Test(p11_object, a_public_key_says_what_it_is)
{
    CK_OBJECT_HANDLE key = find(CKO_PUBLIC_KEY, "rsa");
    cr_expect_eq(get_bool(f.session, key, CKA_PRIVATE), 0);
    cr_expect_eq(get_bool(f.session, key, CKA_VERIFY), 1);
    cr_expect_eq(get_bool(f.session, key, CKA_ENCRYPT), 0);
    cr_expect_eq(get_bool(f.session, key, CKA_WRAP), 0);
    cr_expect_eq(get_ulong(f.session, key, CKA_MODULUS_BITS), 2048);
    struct tp_bytes spki = fake_engine_spki(f.engine, 0);
    cr_expect_eq(get_bytes(f.session, key, CKA_PUBLIC_KEY_INFO, bytes, sizeof(bytes)), spki.len);
    cr_expect_eq(memcmp(bytes, spki.data, spki.len), 0);
}

Test(p11_object, an_elliptic_key_has_its_curve_and_its_point_in_an_octet_string)
{
    static const CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    const CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    for (int i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE key = find(classes[i], "ec");
        cr_expect_eq(get_ulong(f.session, key, CKA_KEY_TYPE), CKK_EC);
        cr_expect_eq(get_bytes(f.session, key, CKA_EC_PARAMS, bytes, sizeof(bytes)), sizeof(p256));
        cr_expect_eq(memcmp(bytes, p256, sizeof(p256)), 0);
        cr_expect_eq(get_bytes(f.session, key, CKA_EC_POINT, bytes, sizeof(bytes)), 67);
        cr_expect_eq(memcmp(bytes, "\x04\x41\x04", 3), 0);
        struct tp_bytes spki = fake_engine_spki(f.engine, 1);
        cr_expect_eq(memcmp(bytes + 2, spki.data + spki.len - 65, 65), 0);
    }
}

Test(p11_object, a_long_point_has_a_long_length)
{
    CK_OBJECT_HANDLE key = find(CKO_PUBLIC_KEY, "bare");
    cr_expect_eq(get_bytes(f.session, key, CKA_EC_POINT, bytes, sizeof(bytes)), 136);
    cr_expect_eq(memcmp(bytes, "\x04\x81\x85\x04", 4), 0);
}

Test(p11_object, a_certificate_says_what_it_is)
{
    CK_OBJECT_HANDLE certificate = find(CKO_CERTIFICATE, "rsa");
    struct tp_bytes der = fake_engine_certificate(f.engine, 0);
    unsigned char sha1[SHA_DIGEST_LENGTH];
    cr_expect_eq(get_ulong(f.session, certificate, CKA_CERTIFICATE_TYPE), CKC_X_509);
    cr_expect_eq(get_ulong(f.session, certificate, CKA_CERTIFICATE_CATEGORY), CK_CERTIFICATE_CATEGORY_TOKEN_USER);
    cr_expect_eq(get_bool(f.session, certificate, CKA_TRUSTED), 0);
    cr_expect_eq(get_bool(f.session, certificate, CKA_PRIVATE), 0);
    cr_expect_eq(get_bytes(f.session, certificate, CKA_VALUE, bytes, sizeof(bytes)), der.len);
    cr_expect_eq(memcmp(bytes, der.data, der.len), 0);
    (void)SHA1(der.data, der.len, sha1);
    cr_expect_eq(get_bytes(f.session, certificate, CKA_CHECK_VALUE, bytes, sizeof(bytes)), 3);
    cr_expect_eq(memcmp(bytes, sha1, 3), 0);
    cr_expect_eq(get_bytes(f.session, certificate, CKA_START_DATE, bytes, sizeof(bytes)), 8);
    cr_expect_eq(memcmp(bytes, "20260101", 8), 0);
    cr_expect_eq(get_bytes(f.session, certificate, CKA_END_DATE, bytes, sizeof(bytes)), 8);
    cr_expect_eq(memcmp(bytes, "20360401", 8), 0);
    cr_expect_eq(get_bytes(f.session, certificate, CKA_SERIAL_NUMBER, bytes, sizeof(bytes)), 4);
    cr_expect_eq(memcmp(bytes, "\x02\x02\x03\xe9", 4), 0);
}

Test(p11_object, the_subject_of_the_certificate_is_the_keys)
{
    size_t len = get_bytes(f.session, find(CKO_CERTIFICATE, "rsa"), CKA_SUBJECT, bytes, sizeof(bytes));
    cr_expect_eq(get_bytes(f.session, find(CKO_PRIVATE_KEY, "rsa"), CKA_SUBJECT, other, sizeof(other)), len);
    cr_expect_eq(memcmp(bytes, other, len), 0);
    cr_expect_eq(get_bytes(f.session, find(CKO_PRIVATE_KEY, "bare"), CKA_SUBJECT, other, sizeof(other)), 0);
}

Test(p11_object, the_issuer_is_there_once_as_an_authority)
{
    CK_OBJECT_HANDLE issuer = find(CKO_CERTIFICATE, "CN=Test CA"); /* one, though it is in two chains */
    cr_expect_eq(get_ulong(f.session, issuer, CKA_CERTIFICATE_CATEGORY), CK_CERTIFICATE_CATEGORY_AUTHORITY);
    size_t len = get_bytes(f.session, issuer, CKA_SUBJECT, bytes, sizeof(bytes));
    cr_expect_eq(get_bytes(f.session, find(CKO_CERTIFICATE, "rsa"), CKA_ISSUER, other, sizeof(other)), len);
    cr_expect_eq(memcmp(bytes, other, len), 0);
}

static bool allows(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE types[64];
    size_t len = get_bytes(f.session, key, CKA_ALLOWED_MECHANISMS, types, sizeof(types));
    for (size_t i = 0; i < len / sizeof(types[0]); i++)
        if (types[i] == type)
            return true;
    return false;
}

Test(p11_object, allowed_mechanisms_are_those_of_the_keys_type)
{
    CK_OBJECT_HANDLE rsa = find(CKO_PRIVATE_KEY, "rsa"), ec = find(CKO_PRIVATE_KEY, "ec");
    cr_expect(allows(rsa, CKM_RSA_PKCS));
    cr_expect(allows(rsa, CKM_SHA256_RSA_PKCS_PSS));
    cr_expect_not(allows(rsa, CKM_ECDSA));
    cr_expect(allows(ec, CKM_ECDSA_SHA384));
    cr_expect_not(allows(ec, CKM_SHA256));
}

/* ---- C_GetAttributeValue ---- */

Test(p11_object, a_length_is_told_before_the_value)
{
    CK_ULONG len = 0;
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "rsa");
    cr_expect_eq(read_one(key, CKA_LABEL, NULL, &len), CKR_OK);
    cr_expect_eq(len, 3);
    cr_expect_eq(read_one(key, CKA_LABEL, bytes, &len), CKR_OK);
    cr_expect_eq(memcmp(bytes, "rsa", 3), 0);
}

Test(p11_object, a_buffer_that_is_too_small_gets_nothing)
{
    CK_ULONG len = 2;
    memset(bytes, 'x', 4);
    cr_expect_eq(read_one(find(CKO_PRIVATE_KEY, "rsa"), CKA_LABEL, bytes, &len), CKR_BUFFER_TOO_SMALL);
    cr_expect_eq(len, CK_UNAVAILABLE_INFORMATION);
    cr_expect_eq(memcmp(bytes, "xxxx", 4), 0);
}

Test(p11_object, what_a_private_key_is_made_of_is_sensitive)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_COEFFICIENT,
                                              CKA_VALUE};
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "rsa");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        CK_ULONG len = sizeof(bytes);
        cr_expect_eq(read_one(key, types[i], bytes, &len), CKR_ATTRIBUTE_SENSITIVE, "0x%lx", types[i]);
        cr_expect_eq(len, CK_UNAVAILABLE_INFORMATION);
    }
}

Test(p11_object, what_it_does_not_have_is_an_invalid_type)
{
    CK_ULONG len = sizeof(bytes);
    cr_expect_eq(read_one(find(CKO_PRIVATE_KEY, "rsa"), CKA_EC_POINT, bytes, &len), CKR_ATTRIBUTE_TYPE_INVALID);
    cr_expect_eq(len, CK_UNAVAILABLE_INFORMATION);
    len = sizeof(bytes);
    cr_expect_eq(read_one(find(CKO_PUBLIC_KEY, "rsa"), CKA_VALUE, bytes, &len), CKR_ATTRIBUTE_TYPE_INVALID);
}

Test(p11_object, the_whole_template_is_served_whatever_is_wrong_with_a_part)
{
    CK_OBJECT_CLASS class = 0;
    CK_ATTRIBUTE template[] = {{CKA_PRIME_1, bytes, sizeof(bytes)},
                               {CKA_CLASS, &class, sizeof(class)},
                               {CKA_LABEL, bytes, 1},
                               {0x80001234UL, bytes, sizeof(bytes)},
                               {CKA_ID, NULL, 0}};
    CK_RV rv = C_GetAttributeValue(f.session, find(CKO_PRIVATE_KEY, "rsa"), template, 5);
    cr_expect_eq(rv, CKR_ATTRIBUTE_SENSITIVE);
    cr_expect_eq(template[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    cr_expect_eq(class, CKO_PRIVATE_KEY);
    cr_expect_eq(template[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    cr_expect_eq(template[3].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    cr_expect_eq(template[4].ulValueLen, 4);
}

Test(p11_object, no_object_or_no_template_is_refused)
{
    CK_ULONG len = sizeof(bytes);
    cr_expect_eq(read_one(424242, CKA_LABEL, bytes, &len), CKR_OBJECT_HANDLE_INVALID);
    cr_expect_eq(C_GetAttributeValue(f.session, find(CKO_PRIVATE_KEY, "rsa"), NULL, 1), CKR_ARGUMENTS_BAD);
}

Test(p11_object, a_private_object_is_not_there_after_logout)
{
    CK_OBJECT_HANDLE key = find(CKO_PRIVATE_KEY, "rsa"), certificate = find(CKO_CERTIFICATE, "rsa");
    CK_ULONG len = 0;
    cr_assert_eq(C_Logout(f.session), CKR_OK);
    cr_expect_eq(read_one(key, CKA_LABEL, NULL, &len), CKR_OBJECT_HANDLE_INVALID);
    cr_expect_eq(read_one(certificate, CKA_LABEL, NULL, &len), CKR_OK);
}

Test(p11_object, a_size_is_given)
{
    CK_ULONG size = 0;
    cr_expect_eq(C_GetObjectSize(f.session, find(CKO_CERTIFICATE, "rsa"), &size), CKR_OK);
    cr_expect_gt(size, fake_engine_certificate(f.engine, 0).len);
    cr_expect_eq(C_GetObjectSize(f.session, 424242, &size), CKR_OBJECT_HANDLE_INVALID);
}
