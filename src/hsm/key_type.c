/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key_type.h"

#include <string.h>

#define OID(name, ...) static const uint8_t name[] = {__VA_ARGS__}
OID(oid_p256, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07); /* RFC 5480, 2.1.1.1 */
OID(oid_p384, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22);
OID(oid_p521, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23);
OID(oid_ed25519, 0x06, 0x03, 0x2b, 0x65, 0x70); /* RFC 8410, 3 */

#define RSA(length)                                                                                                    \
    {                                                                                                                  \
        .name = "rsa-" #length, .type = CKK_RSA, .generate = CKM_RSA_PKCS_KEY_PAIR_GEN, .bits = length,                \
        .sign = TP_HSM_RSA_PKCS                                                                                        \
    }
#define EC(length, oid, point)                                                                                         \
    {                                                                                                                  \
        .name = "p-" #length, .type = CKK_EC, .generate = CKM_EC_KEY_PAIR_GEN, .bits = length,                         \
        .ec_params = {.data = oid, .len = sizeof(oid)}, .point_len = point, .group = "P-" #length,                     \
        .sign = TP_HSM_ECDSA                                                                                           \
    }

static const struct tp_hsm_key_kind kinds[TP_HSM_KEY_TYPE_END] = {
    [TP_HSM_RSA_2048] = RSA(2048),
    [TP_HSM_RSA_3072] = RSA(3072),
    [TP_HSM_RSA_4096] = RSA(4096),
    [TP_HSM_P256] = EC(256, oid_p256, 65),
    [TP_HSM_P384] = EC(384, oid_p384, 97),
    [TP_HSM_P521] = EC(521, oid_p521, 133),
    [TP_HSM_ED25519] = {.name = "ed25519",
                        .type = CKK_EC_EDWARDS,
                        .generate = CKM_EC_EDWARDS_KEY_PAIR_GEN,
                        .bits = 255,
                        .ec_params = {.data = oid_ed25519, .len = sizeof(oid_ed25519)},
                        .point_len = 32,
                        .sign = TP_HSM_EDDSA},
};

const struct tp_hsm_key_kind *tp_hsm_key_kind_of(enum tp_hsm_key_type type)
{
    if (type <= 0 || type >= TP_HSM_KEY_TYPE_END)
        return NULL;
    return &kinds[type];
}

const char *tp_hsm_key_type_name(enum tp_hsm_key_type type)
{
    const struct tp_hsm_key_kind *kind = tp_hsm_key_kind_of(type);
    return kind != NULL ? kind->name : "unknown";
}

enum tp_rc tp_hsm_key_type_parse(const char *name, enum tp_hsm_key_type *ret_type)
{
    for (int i = 1; i < TP_HSM_KEY_TYPE_END; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *ret_type = (enum tp_hsm_key_type)i;
            return TP_OK;
        }
    return TP_NOT_FOUND;
}
