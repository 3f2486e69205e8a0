/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of mechanisms that have the right length and say what cannot be.
 */
#include "sweep.h"

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

static CK_BYTE iv[16];

static CK_RSA_PKCS_PSS_PARAMS pss[] = {
    {CKM_SHA256, CKG_MGF1_SHA256, ~0ul},
    {CKM_SHA256, CKG_MGF1_SHA256, 1ul << 32},
    {CKM_SHA256, CKG_MGF1_SHA256, 223},
    {CKM_SHA256, 0, 32},
    {CKM_SHA256, ~0ul, 32},
    {0, CKG_MGF1_SHA256, 32},
    {~0ul, CKG_MGF1_SHA256, 32},
    {CKM_SHA256 + (1ul << 32), CKG_MGF1_SHA256, 32},
    {CKM_SHA512, CKG_MGF1_SHA512, 32},
};
static CK_GCM_PARAMS gcm[] = {
    {NULL, 12, 96, NULL, 0, 128}, {iv, ~0ul, 96, NULL, 0, 128}, {iv, 12, 96, NULL, 8, 128},
    {iv, 12, 96, iv, ~0ul, 128},  {iv, 12, 96, NULL, 0, ~0ul},  {iv, 12, 96, NULL, 0, 129},
};
static CK_AES_CTR_PARAMS ctr[] = {{0, {0}}, {129, {0}}, {~0ul, {0}}, {(1ul << 32) + 128, {0}}};

static void judge(const char *name, size_t number, CK_RV rv, bool known)
{
    bool refused = rv == CKR_MECHANISM_PARAM_INVALID ||
                   (!known && (rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_MECHANISM_INVALID));
    if (!refused)
        fail("parameter %zu of %s is answered 0x%lx", number, name, rv);
    if (C_SessionCancel(token.session, CKF_SIGN | CKF_ENCRYPT) != CKR_OK)
        fail("C_SessionCancel");
}

void sweep_parameters(void)
{
    for (size_t i = 0; i < LEN_OF(pss); i++) {
        CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS_PSS, &pss[i], sizeof(pss[i])};
        judge("PSS", i, C_SignInit(token.session, &mechanism, token.key[RSA_PRIVATE]), true);
    }
    for (size_t i = 0; i < LEN_OF(gcm); i++) {
        CK_MECHANISM mechanism = {CKM_AES_GCM, &gcm[i], sizeof(gcm[i])};
        judge("GCM", i, C_EncryptInit(token.session, &mechanism, token.key[SECRET]), false);
    }
    for (size_t i = 0; i < LEN_OF(ctr); i++) {
        CK_MECHANISM mechanism = {CKM_AES_CTR, &ctr[i], sizeof(ctr[i])};
        judge("CTR", i, C_EncryptInit(token.session, &mechanism, token.key[SECRET]), false);
    }
}
