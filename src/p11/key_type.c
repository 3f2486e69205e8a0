/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/key_type.h"

#include <string.h>

static const struct tp_p11_key_type table[] = {
    {"rsa-2048", TP_P11_RSA, 2048}, {"rsa-3072", TP_P11_RSA, 3072}, {"rsa-4096", TP_P11_RSA, 4096},
    {"p-256", TP_P11_EC, 256},      {"p-384", TP_P11_EC, 384},      {"p-521", TP_P11_EC, 521},
    {"ed25519", TP_P11_ED, 255},
};
#define TABLE_LEN (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_LEN <= 8 * sizeof(unsigned), "a set has one bit for each");

const struct tp_p11_key_type *tp_p11_key_type(enum tp_p11_kind kind, CK_ULONG bits)
{
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (table[i].kind == kind && table[i].bits == bits)
            return &table[i];
    return NULL;
}

unsigned tp_p11_key_types_of(char *const *names, size_t count)
{
    unsigned types = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < TABLE_LEN; at++)
            if (strcmp(table[at].name, names[i]) == 0)
                types |= 1u << at;
    return types;
}

bool tp_p11_key_types_have(unsigned types, const struct tp_p11_key_type *type)
{
    return (types & (1u << (size_t)(type - table))) != 0;
}

bool tp_p11_key_types_range(unsigned types, enum tp_p11_kind kind, CK_ULONG *ret_min, CK_ULONG *ret_max)
{
    bool any = false;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        if (table[i].kind != kind || !tp_p11_key_types_have(types, &table[i]))
            continue;
        *ret_min = !any || table[i].bits < *ret_min ? table[i].bits : *ret_min;
        *ret_max = !any || table[i].bits > *ret_max ? table[i].bits : *ret_max;
        any = true;
    }
    return any;
}
