/* SPDX-License-Identifier: Apache-2.0
 *
 * The function lists and interfaces: what the library exports. They need no C_Initialize.
 */
#include "p11/entry.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#define MEMBER(name)               .name = name,
#define MEMBER_3(name, parameters) .name = name,

static const CK_FUNCTION_LIST list_2_40 = {.version = {2, 40},
                                           .C_GetInfo = tp_p11_get_info_2_40,
                                           TP_CK_FUNCTIONS_BEFORE_INFO(MEMBER) TP_CK_FUNCTIONS_AFTER_INFO(MEMBER)};

static const CK_FUNCTION_LIST_3_0 list_3_0 = {
    .version = {3, 0},
    .C_GetInfo = tp_p11_get_info_3_0,
    TP_CK_FUNCTIONS_BEFORE_INFO(MEMBER) TP_CK_FUNCTIONS_AFTER_INFO(MEMBER) TP_CK_FUNCTIONS_3_0(MEMBER_3)};

static const CK_FUNCTION_LIST_3_2 list_3_2 = {
    .version = {3, 2},
    TP_CK_FUNCTIONS_2_40(MEMBER) TP_CK_FUNCTIONS_3_0(MEMBER_3) TP_CK_FUNCTIONS_3_2(MEMBER_3)};

/* The first is the default (3.0 §5.4.6). No CKF_INTERFACE_FORK_SAFE: children of fork have to initialise anew.
 * The specification's types are not const; nobody has reason to write to these, and who does meets the MMU. */
static const char interface_name[] = "PKCS 11";
static const CK_INTERFACE interfaces[] = {
    {(CK_UTF8CHAR *)interface_name, (void *)&list_3_2, 0},
    {(CK_UTF8CHAR *)interface_name, (void *)&list_3_0, 0},
    {(CK_UTF8CHAR *)interface_name, (void *)&list_2_40, 0},
};
#define INTERFACES_LEN (sizeof(interfaces) / sizeof(interfaces[0]))

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = (CK_FUNCTION_LIST *)&list_2_40;
    return CKR_OK;
}

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = INTERFACES_LEN;
    if (list == NULL)
        return CKR_OK;
    if (room < INTERFACES_LEN)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

static bool is_wanted(const CK_INTERFACE *interface, const CK_UTF8CHAR *name, const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *own = interface->pFunctionList; /* every list begins with its version */
    if (name != NULL && strcmp((const char *)name, (const char *)interface->pInterfaceName) != 0)
        return false;
    if (version != NULL && (version->major != own->major || version->minor != own->minor))
        return false;
    return (interface->flags & flags) == flags;
}

EXPORT CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < INTERFACES_LEN; i++)
        if (is_wanted(&interfaces[i], name, version, flags)) {
            *interface = (CK_INTERFACE *)&interfaces[i];
            return CKR_OK;
        }
    return CKR_FUNCTION_FAILED; /* 3.0 §5.4.6 */
}
