/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static CK_OBJECT_HANDLE objects[64];

static void open_all(void)
{
    fixture_open(&f, NULL);
    (void)fake_engine_add_key(f.engine, "p-256", "first", true);
    (void)fake_engine_add_key(f.engine, "p-256", "second", false);
}

static void close_all(void)
{
    fixture_close(&f);
}

TestSuite(p11_find, .init = open_all, .fini = close_all);

static CK_ULONG count_class(CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}};
    return find_all(f.session, template, 1, objects, 64);
}

Test(p11_find, certificates_and_public_keys_are_seen_without_login_private_keys_are_not)
{
    cr_expect_eq(count_class(CKO_CERTIFICATE), 2); /* one of them the issuer */
    cr_expect_eq(count_class(CKO_PUBLIC_KEY), 2);
    cr_expect_eq(count_class(CKO_PRIVATE_KEY), 0);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(count_class(CKO_PRIVATE_KEY), 2);
}

Test(p11_find, an_empty_template_finds_everything)
{
    CK_ULONG public = find_all(f.session, NULL, 0, objects, 64);
    cr_assert_eq(login(f.session, FAKE_PIN_CODE), CKR_OK);
    cr_expect_eq(find_all(f.session, NULL, 0, objects, 64), public + 2);
}

Test(p11_find, every_attribute_of_the_template_must_match)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE both[] = {TEXT(CKA_LABEL, "first"), {CKA_CLASS, &class, sizeof(class)}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE one_off[] = {TEXT(CKA_LABEL, "first"), {CKA_CLASS, &class, sizeof(class)}, {CKA_VERIFY, &no, 1}};
    CK_ATTRIBUTE absent[] = {TEXT(CKA_LABEL, "first"), {CKA_CLASS, &class, sizeof(class)}, {CKA_VALUE_BITS, &no, 1}};
    cr_expect_eq(find_all(f.session, both, 3, objects, 64), 1);
    cr_expect_eq(find_all(f.session, one_off, 3, objects, 64), 0);
    cr_expect_eq(find_all(f.session, absent, 3, objects, 64), 0);
}

Test(p11_find, a_value_is_compared_with_its_length)
{
    CK_ATTRIBUTE shorter[] = {TEXT(CKA_LABEL, "firs")}, empty[] = {{CKA_LABEL, NULL, 0}};
    cr_expect_eq(find_all(f.session, shorter, 1, objects, 64), 0);
    cr_expect_eq(find_all(f.session, empty, 1, objects, 64), 0);
}

Test(p11_find, a_certificate_is_found_by_issuer_and_serial_number)
{
    CK_BYTE issuer[256], serial[32];
    CK_OBJECT_HANDLE certificate = find_one(f.session, CKO_CERTIFICATE, "first");
    CK_ATTRIBUTE template[] = {
        {CKA_ISSUER, issuer, get_bytes(f.session, certificate, CKA_ISSUER, issuer, sizeof(issuer))},
        {CKA_SERIAL_NUMBER, serial, get_bytes(f.session, certificate, CKA_SERIAL_NUMBER, serial, sizeof(serial))}};
    cr_assert_eq(find_all(f.session, template, 2, objects, 64), 1);
    cr_expect_eq(objects[0], certificate);
    serial[template[1].ulValueLen - 1] ^= 1;
    cr_expect_eq(find_all(f.session, template, 2, objects, 64), 0);
}

Test(p11_find, vendors_classes_find_nothing_and_do_not_trouble_the_engine)
{
    cr_expect_eq(count_class(CKO_VENDOR_DEFINED | 0x4E534350UL), 0);
    cr_expect_eq(count_class((CKO_VENDOR_DEFINED | 0x4E534350UL) + 3), 0);
    cr_expect_eq(fake_engine_count(f.engine, TP_OP_OBJECTS), 0);
}

Test(p11_find, the_profiles_that_hold_are_there)
{
    CK_ULONG count = count_class(CKO_PROFILE), seen = 0;
    cr_assert_eq(count, 3);
    for (CK_ULONG i = 0; i < count; i++)
        seen |= 1UL << get_ulong(f.session, objects[i], CKA_PROFILE_ID);
    cr_expect_eq(seen,
                 1UL << CKP_BASELINE_PROVIDER | 1UL << CKP_AUTHENTICATION_TOKEN | 1UL << CKP_PUBLIC_CERTIFICATES_TOKEN);
}

Test(p11_find, order_of_calls_is_kept)
{
    CK_ULONG count = 0;
    cr_expect_eq(C_FindObjects(f.session, objects, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    cr_expect_eq(C_FindObjectsFinal(f.session), CKR_OPERATION_NOT_INITIALIZED);
    cr_assert_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_OK);
    cr_expect_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_OPERATION_ACTIVE);
    cr_expect_eq(C_FindObjects(f.session, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_FindObjects(f.session, objects, 1, NULL), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_FindObjects(f.session, objects, 1, &count), CKR_OK);
    cr_expect_eq(count, 1);
    cr_expect_eq(C_FindObjectsFinal(f.session), CKR_OK);
    cr_expect_eq(C_FindObjectsInit(f.session, NULL, 3), CKR_ARGUMENTS_BAD);
}

/* ---- as the token changes ---- */

Test(p11_find, what_is_unchanged_keeps_its_handle_and_what_is_new_gets_one_of_its_own)
{
    CK_OBJECT_HANDLE first = find_one(f.session, CKO_PUBLIC_KEY, "first");
    (void)fake_engine_add_key(f.engine, "p-256", "third", true);
    CK_OBJECT_HANDLE third = find_one(f.session, CKO_PUBLIC_KEY, "third");
    cr_expect_neq(third, CK_INVALID_HANDLE);
    cr_expect_neq(third, first);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "first"), first);
}

Test(p11_find, a_changed_object_keeps_its_handle)
{
    CK_OBJECT_HANDLE first = find_one(f.session, CKO_PUBLIC_KEY, "first");
    fake_engine_set_label(f.engine, 0, "renamed");
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "first"), CK_INVALID_HANDLE);
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "renamed"), first);
}

Test(p11_find, a_deleted_credential_is_gone_and_its_handles_with_it)
{
    CK_OBJECT_HANDLE first = find_one(f.session, CKO_PUBLIC_KEY, "first");
    fake_engine_set_state(f.engine, 0, "deleted");
    cr_expect_eq(find_one(f.session, CKO_PUBLIC_KEY, "first"), CK_INVALID_HANDLE);
    cr_expect_eq(get_bool(f.session, first, CKA_VERIFY), -1);
}

Test(p11_find, a_search_that_has_begun_is_not_changed)
{
    CK_ULONG count = 0, before = find_all(f.session, NULL, 0, objects, 64), total = 0;
    CK_SESSION_HANDLE second = open_session(0, 0);
    cr_assert_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_OK);
    cr_assert_eq(C_FindObjects(f.session, objects, 1, &count), CKR_OK);
    (void)fake_engine_add_key(f.engine, "p-256", "third", true);
    cr_expect_neq(find_one(second, CKO_PUBLIC_KEY, "third"), CK_INVALID_HANDLE);
    for (total = count; count > 0; total += count)
        cr_assert_eq(C_FindObjects(f.session, objects, 64, &count), CKR_OK);
    cr_expect_eq(total, before);
    cr_expect_eq(C_FindObjectsFinal(f.session), CKR_OK);
}

Test(p11_find, an_engine_that_is_away_is_said_and_the_search_can_begin_again)
{
    fake_engine_halt(f.engine);
    cr_expect_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_DEVICE_REMOVED);
    fake_engine_resume(f.engine);
    cr_expect_neq(find_one(f.session, CKO_PUBLIC_KEY, "first"), CK_INVALID_HANDLE);
}

Test(p11_find, an_engine_that_fails_is_said)
{
    fake_engine_fail(f.engine, TP_OP_OBJECTS, TP_STORE_DAMAGED);
    cr_expect_eq(C_FindObjectsInit(f.session, NULL, 0), CKR_DEVICE_ERROR);
}

Test(p11_find, among_thousands_the_right_one)
{
    enum { MANY = 3500 };
    CK_BYTE issuer[256], serial[32], id[4];
    fake_engine_add_bulk(f.engine, MANY);
    CK_OBJECT_HANDLE certificate = find_one(f.session, CKO_CERTIFICATE, "bulk-3456");
    cr_assert_neq(certificate, CK_INVALID_HANDLE);
    CK_ATTRIBUTE by_serial[] = {
        {CKA_ISSUER, issuer, get_bytes(f.session, certificate, CKA_ISSUER, issuer, sizeof(issuer))},
        {CKA_SERIAL_NUMBER, serial, get_bytes(f.session, certificate, CKA_SERIAL_NUMBER, serial, sizeof(serial))}};
    cr_expect_eq(find_all(f.session, by_serial, 2, objects, 64), 1);
    cr_expect_eq(objects[0], certificate);
    CK_ATTRIBUTE by_id[] = {{CKA_ID, id, get_bytes(f.session, certificate, CKA_ID, id, sizeof(id))}};
    cr_expect_eq(find_all(f.session, by_id, 1, objects, 64), 2);
    cr_expect_eq(count_class(CKO_PUBLIC_KEY), MANY + 2);
}
