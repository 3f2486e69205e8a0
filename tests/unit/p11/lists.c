/* SPDX-License-Identifier: Apache-2.0 */
#include "trustp11/cryptoki.h"

#include <criterion/criterion.h>
#include <string.h>

/* Every member behind the version is a function. */
static void expect_full(const void *list, size_t len)
{
    const unsigned char *bytes = list;
    void (*function)(void);
    for (size_t at = sizeof(void *); at + sizeof(function) <= len; at += sizeof(function)) {
        memcpy(&function, bytes + at, sizeof(function));
        cr_expect(function != NULL, "no function at %zu", at);
    }
}

Test(p11_lists, the_function_list_is_2_40_and_has_every_function)
{
    CK_FUNCTION_LIST *list = NULL;
    cr_assert_eq(C_GetFunctionList(&list), CKR_OK);
    cr_expect_eq(list->version.major, 2);
    cr_expect_eq(list->version.minor, 40);
    expect_full(list, sizeof(*list));
    cr_expect_eq(list->C_GetFunctionList, C_GetFunctionList);
    cr_expect_eq(list->C_WaitForSlotEvent, C_WaitForSlotEvent);
}

Test(p11_lists, no_place_for_the_list_is_refused)
{
    cr_assert_eq(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_lists, the_default_interface_is_3_2_and_has_every_function)
{
    CK_INTERFACE *interface = NULL;
    cr_assert_eq(C_GetInterface(NULL, NULL, &interface, 0), CKR_OK);
    cr_expect_str_eq((const char *)interface->pInterfaceName, "PKCS 11");
    const CK_FUNCTION_LIST_3_2 *list = interface->pFunctionList;
    cr_expect_eq(list->version.major, 3);
    cr_expect_eq(list->version.minor, 2);
    expect_full(list, sizeof(*list));
    cr_expect_eq(list->C_LoginUser, C_LoginUser);
    cr_expect_eq(list->C_VerifySignatureFinal, C_VerifySignatureFinal);
    cr_expect_eq(list->C_UnwrapKeyAuthenticated, C_UnwrapKeyAuthenticated);
}

Test(p11_lists, the_3_0_interface_has_every_function)
{
    CK_VERSION version = {3, 0};
    CK_INTERFACE *interface = NULL;
    cr_assert_eq(C_GetInterface(NULL, &version, &interface, 0), CKR_OK);
    cr_expect_str_eq((const char *)interface->pInterfaceName, "PKCS 11");
    const CK_FUNCTION_LIST_3_0 *list = interface->pFunctionList;
    cr_expect_eq(list->version.major, 3);
    cr_expect_eq(list->version.minor, 0);
    expect_full(list, sizeof(*list));
    cr_expect_eq(list->C_LoginUser, C_LoginUser);
    cr_expect_eq(list->C_MessageVerifyFinal, C_MessageVerifyFinal);
}

Test(p11_lists, each_version_is_found_by_name)
{
    CK_INTERFACE *interface = NULL;
    CK_VERSION versions[] = {{3, 2}, {3, 0}, {2, 40}};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &versions[i], &interface, 0), CKR_OK);
        cr_expect_eq(memcmp(interface->pFunctionList, &versions[i], sizeof(CK_VERSION)), 0);
    }
}

Test(p11_lists, what_is_not_there_is_not_found)
{
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = {3, 1};
    cr_expect_eq(C_GetInterface((CK_UTF8CHAR *)"PKCS 11", &version, &interface, 0), CKR_FUNCTION_FAILED);
    cr_expect_eq(C_GetInterface((CK_UTF8CHAR *)"Vendor", NULL, &interface, 0), CKR_FUNCTION_FAILED);
    cr_expect_eq(C_GetInterface(NULL, NULL, &interface, CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
    cr_expect_eq(C_GetInterface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
    cr_expect_null(interface);
}

Test(p11_lists, the_interface_list_says_how_many_then_gives_them)
{
    CK_INTERFACE interfaces[4];
    CK_ULONG count = 0;
    cr_assert_eq(C_GetInterfaceList(NULL, &count), CKR_OK);
    cr_assert_eq(count, 3);
    count = 2;
    cr_assert_eq(C_GetInterfaceList(interfaces, &count), CKR_BUFFER_TOO_SMALL);
    cr_assert_eq(count, 3);
    cr_assert_eq(C_GetInterfaceList(interfaces, &count), CKR_OK);
    cr_expect_eq(((const CK_VERSION *)interfaces[0].pFunctionList)->major, 3);
    cr_expect_eq(((const CK_VERSION *)interfaces[0].pFunctionList)->minor, 2);
    cr_expect_eq(((const CK_VERSION *)interfaces[1].pFunctionList)->major, 3);
    cr_expect_eq(((const CK_VERSION *)interfaces[2].pFunctionList)->major, 2);
    cr_expect_eq(C_GetInterfaceList(interfaces, NULL), CKR_ARGUMENTS_BAD);
}
