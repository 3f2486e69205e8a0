/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left of a secret key in this process when it has gone: its whole memory is searched. The value is computed
 * byte by byte wherever it is compared, so that the test itself has no copy.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define VALUE_LEN   32
#define SEARCH_MOST ((size_t)1 << 30) /* bytes of one mapping; larger ones are a sanitizer's shadow */

static struct fixture f;
static CK_BYTE out[256];

static void open_all(void)
{
    fixture_open(&f, NULL);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_hygiene, .init = open_all, .fini = close_all);

static CK_BYTE value_at(size_t i)
{
    return (CK_BYTE)(0xc5 ^ (i * 0x6d + 0x31));
}

static void fill(CK_BYTE *bytes)
{
    for (size_t i = 0; i < VALUE_LEN; i++)
        ((volatile CK_BYTE *)bytes)[i] = value_at(i);
}

__attribute__((no_sanitize("address"))) static size_t count_in(const volatile CK_BYTE *from,
                                                               const volatile CK_BYTE *end)
{
    size_t count = 0;
    for (; from + VALUE_LEN <= end; from++) {
        size_t same = 0;
        while (same < VALUE_LEN && from[same] == value_at(same))
            same++;
        count += same == VALUE_LEN;
    }
    return count;
}

/* How often the value is in memory. */
static size_t count_values(void)
{
    char line[512];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert_not_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, end;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &end, rights) == 3 && rights[0] == 'r' && rights[1] == 'w' &&
            strstr(line, "[v") == NULL && end - from <= SEARCH_MOST)
            count += count_in((const volatile CK_BYTE *)from, (const volatile CK_BYTE *)end);
    }
    (void)fclose(maps);
    return count;
}

static CK_OBJECT_HANDLE bring(CK_KEY_TYPE type)
{
    static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE more[] = {
        {CKA_PRIVATE, &no, 1}, {CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    CK_BYTE value[VALUE_LEN];
    fill(value);
    CK_OBJECT_HANDLE key = bring_key(f.session, type, value, sizeof(value), more, 4);
    explicit_bzero(value, sizeof(value));
    return key;
}

/* One operation of each sort begun with the key, and left active. */
static void begin_everything(CK_OBJECT_HANDLE aes, CK_OBJECT_HANDLE generic)
{
    static CK_BYTE iv[16];
    CK_GCM_PARAMS gcm = {iv, 12, 0, NULL, 0, 128};
    CK_MECHANISM encrypt = {CKM_AES_GCM, &gcm, sizeof(gcm)}, decrypt = {CKM_AES_CBC_PAD, iv, 16},
                 hmac = {CKM_SHA256_HMAC, NULL, 0}, cmac = {CKM_AES_CMAC, NULL, 0};
    cr_assert_eq(C_EncryptInit(f.session, &encrypt, aes), CKR_OK);
    cr_assert_eq(C_DecryptInit(f.session, &decrypt, aes), CKR_OK);
    cr_assert_eq(C_SignInit(f.session, &hmac, generic), CKR_OK);
    cr_assert_eq(C_VerifyInit(f.session, &cmac, aes), CKR_OK);
    cr_assert_eq(C_MessageSignInit(f.session, &hmac, generic), CKR_OK);
    cr_assert_eq(C_SignMessageBegin(f.session, NULL, 0), CKR_OK);
}

static void end_everything(void)
{
    CK_ULONG len = sizeof(out);
    cr_assert_eq(C_Encrypt(f.session, out, 40, out, &len), CKR_OK);
    len = sizeof(out);
    cr_expect_eq(C_Decrypt(f.session, out, 32, out, &len), CKR_ENCRYPTED_DATA_INVALID);
    len = sizeof(out);
    cr_assert_eq(C_Sign(f.session, out, 40, out, &len), CKR_OK);
    cr_expect_eq(C_Verify(f.session, out, 40, out, 16), CKR_SIGNATURE_INVALID);
    cr_assert_eq(C_SessionCancel(f.session, CKF_MESSAGE_SIGN), CKR_OK);
}

static void wrap_and_unwrap(CK_OBJECT_HANDLE aes)
{
    CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL no = CK_FALSE;
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)}, {CKA_PRIVATE, &no, 1}};
    CK_ULONG len = sizeof(out);
    cr_assert_eq(C_WrapKey(f.session, &kw, aes, aes, out, &len), CKR_OK);
    cr_assert_eq(C_UnwrapKey(f.session, &kw, aes, out, len, template, 3, &copy), CKR_OK);
    cr_assert_eq(C_DestroyObject(f.session, copy), CKR_OK);
}

Test(p11_hygiene, of_a_destroyed_key_nothing_is_left)
{
    CK_ATTRIBUTE label[] = {TEXT(CKA_LABEL, "changed")};
    CK_OBJECT_HANDLE aes = bring(CKK_AES), generic = bring(CKK_GENERIC_SECRET), copy = CK_INVALID_HANDLE;
    cr_expect_geq(count_values(), 2); /* the search finds what is there */
    cr_assert_eq(C_CopyObject(f.session, aes, NULL, 0, &copy), CKR_OK);
    cr_assert_eq(C_SetAttributeValue(f.session, copy, label, 1), CKR_OK);
    begin_everything(aes, generic);
    end_everything();
    wrap_and_unwrap(aes);
    cr_assert_eq(C_DestroyObject(f.session, copy), CKR_OK);
    cr_assert_eq(C_DestroyObject(f.session, generic), CKR_OK);
    cr_expect_geq(count_values(), 1);
    cr_assert_eq(C_DestroyObject(f.session, aes), CKR_OK);
    cr_expect_eq(count_values(), 0);
}

Test(p11_hygiene, nor_when_its_session_ends_in_the_middle_of_everything)
{
    begin_everything(bring(CKK_AES), bring(CKK_GENERIC_SECRET));
    cr_expect_geq(count_values(), 2);
    cr_assert_eq(C_CloseSession(f.session), CKR_OK);
    cr_expect_eq(count_values(), 0);
}

Test(p11_hygiene, nor_after_c_finalize)
{
    begin_everything(bring(CKK_AES), bring(CKK_GENERIC_SECRET));
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_expect_eq(count_values(), 0);
}
