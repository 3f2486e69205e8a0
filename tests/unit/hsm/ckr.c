/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/ckr.h"
#include "hsm/key_type.h"
#include "hsm/public_key.h"

#include <criterion/criterion.h>

Test(hsm_ckr, names_what_it_knows_and_admits_what_it_does_not)
{
    cr_expect_str_eq(tp_hsm_ckr_name(CKR_DEVICE_REMOVED), "CKR_DEVICE_REMOVED");
    cr_expect_str_eq(tp_hsm_ckr_name(CKR_WRAPPED_KEY_LEN_RANGE), "CKR_WRAPPED_KEY_LEN_RANGE");
    cr_expect_str_eq(tp_hsm_ckr_name(CKR_VENDOR_DEFINED | 7), "an unknown CKR");
    cr_expect_eq(tp_hsm_ckr_rc(CKR_VENDOR_DEFINED | 7), TP_HSM);
}

Test(hsm_ckr, tells_a_loss_from_a_failure)
{
    const CK_RV losses[] = {CKR_DEVICE_REMOVED,         CKR_TOKEN_NOT_PRESENT,     CKR_DEVICE_ERROR,
                            CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,        CKR_CRYPTOKI_NOT_INITIALIZED,
                            CKR_USER_NOT_LOGGED_IN,     CKR_OBJECT_HANDLE_INVALID, TP_CKR_NOT_CALLED};
    const CK_RV others[] = {CKR_OK,
                            CKR_GENERAL_ERROR,
                            CKR_FUNCTION_FAILED,
                            CKR_PIN_INCORRECT,
                            CKR_MECHANISM_INVALID,
                            CKR_VENDOR_DEFINED | 1};
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
        cr_expect(tp_hsm_ckr_is_loss(losses[i]), "%s", tp_hsm_ckr_name(losses[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        cr_expect_not(tp_hsm_ckr_is_loss(others[i]), "%s", tp_hsm_ckr_name(others[i]));
}

Test(hsm_key_type, has_a_name_for_each_that_reads_back)
{
    enum tp_hsm_key_type type;
    for (int i = 1; i < TP_HSM_KEY_TYPE_END; i++) {
        cr_assert_eq(tp_hsm_key_type_parse(tp_hsm_key_type_name((enum tp_hsm_key_type)i), &type), TP_OK);
        cr_expect_eq((int)type, i);
    }
    cr_expect_str_eq(tp_hsm_key_type_name(TP_HSM_RSA_2048), "rsa-2048");
    cr_expect_str_eq(tp_hsm_key_type_name(TP_HSM_P256), "p-256");
    cr_expect_str_eq(tp_hsm_key_type_name(TP_HSM_ED25519), "ed25519");
}

Test(hsm_key_type, refuses_names_and_numbers_that_are_none)
{
    enum tp_hsm_key_type type = TP_HSM_P384;
    cr_expect_eq(tp_hsm_key_type_parse("rsa-1024", &type), TP_NOT_FOUND);
    cr_expect_eq(tp_hsm_key_type_parse("", &type), TP_NOT_FOUND);
    cr_expect_eq(type, TP_HSM_P384);
    cr_expect_null(tp_hsm_key_kind_of(TP_HSM_KEY_TYPE_END));
    cr_expect_null(tp_hsm_key_kind_of((enum tp_hsm_key_type)0));
}

Test(hsm_role, has_a_name_for_each)
{
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_KEK), "kek");
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_PIN), "pin");
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_SEAL), "seal");
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_ROW), "row");
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_OTP), "otp");
    cr_expect_str_eq(tp_hsm_role_name(TP_HSM_ROLE_END), "unknown");
}

Test(hsm_point, accepts_a_raw_point_and_one_in_an_octet_string)
{
    uint8_t raw[65] = {0x04}, der[67] = {0x04, 65, 0x04}, long_der[136] = {0x04, 0x81, 133, 0x04};
    struct tp_bytes point;
    cr_assert_eq(tp_hsm_public_key_point(TP_BYTES(raw, 65), 65, &point), TP_OK);
    cr_expect_eq(point.data, raw);
    cr_assert_eq(tp_hsm_public_key_point(TP_BYTES(der, 67), 65, &point), TP_OK);
    cr_expect_eq(point.data, der + 2);
    cr_assert_eq(tp_hsm_public_key_point(TP_BYTES(long_der, 136), 133, &point), TP_OK);
    cr_expect_eq(point.data, long_der + 3);
    cr_expect_eq(point.len, 133);
}

Test(hsm_point, refuses_other_lengths_and_forms)
{
    uint8_t bytes[140] = {0x04, 64};
    struct tp_bytes point;
    cr_expect_eq(tp_hsm_public_key_point(TP_BYTES(bytes, 64), 65, &point), TP_MALFORMED);
    cr_expect_eq(tp_hsm_public_key_point(TP_BYTES(bytes, 67), 65, &point), TP_MALFORMED);
    cr_expect_eq(tp_hsm_public_key_point(TP_BYTES(bytes, 0), 65, &point), TP_MALFORMED);
    bytes[0] = 0x03;
    bytes[1] = 65;
    cr_expect_eq(tp_hsm_public_key_point(TP_BYTES(bytes, 67), 65, &point), TP_MALFORMED);
}
