/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to decrypt by a password: PBES1, PBES2 (RFC 8018), PKCS#12's own (RFC 7292), scrypt (RFC 7914).
 */
#include "pki/internal.h"

#include <openssl/pkcs12.h>

TP_DEFINE_AUTO(PBEPARAM, PBEPARAM_free)
TP_DEFINE_AUTO(PBE2PARAM, PBE2PARAM_free)
TP_DEFINE_AUTO(PBKDF2PARAM, PBKDF2PARAM_free)
TP_DEFINE_AUTO(SCRYPT_PARAMS, SCRYPT_PARAMS_free)

int64_t tp_pki_rounds_of_number(const ASN1_INTEGER *number)
{
    int64_t value = -1;
    if (number == NULL || ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 || value > TP_PKI_ROUNDS_MOST)
        return -1;
    return value;
}

static int64_t rounds_of_pbe(const ASN1_TYPE *parameter)
{
    PBEPARAM *params TP_AUTO(PBEPARAM_free_p) = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);
    return params != NULL ? tp_pki_rounds_of_number(params->iter) : -1;
}

static int64_t rounds_of_scrypt(const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *params TP_AUTO(SCRYPT_PARAMS_free_p) =
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    const int64_t n = params == NULL ? -1 : tp_pki_rounds_of_number(params->costParameter);
    const int64_t r = params == NULL ? -1 : tp_pki_rounds_of_number(params->blockSize);
    const int64_t p = params == NULL ? -1 : tp_pki_rounds_of_number(params->parallelizationParameter);
    if (n < 0 || r < 0 || p < 0 || n * r > 2 * TP_PKI_ROUNDS_MOST || n * r * p > 2 * TP_PKI_ROUNDS_MOST)
        return -1;
    return n * r * p / 2;
}

static int64_t rounds_of_pbkdf2(const ASN1_TYPE *parameter)
{
    PBKDF2PARAM *params TP_AUTO(PBKDF2PARAM_free_p) = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    return params != NULL ? tp_pki_rounds_of_number(params->iter) : -1;
}

static int64_t rounds_of_pbes2(const ASN1_TYPE *parameter)
{
    PBE2PARAM *params TP_AUTO(PBE2PARAM_free_p) = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
    if (params == NULL || params->keyfunc == NULL || params->keyfunc->parameter == NULL)
        return -1;
    return OBJ_obj2nid(params->keyfunc->algorithm) == NID_id_scrypt ? rounds_of_scrypt(params->keyfunc->parameter)
                                                                    : rounds_of_pbkdf2(params->keyfunc->parameter);
}

int64_t tp_pki_rounds(const X509_ALGOR *algorithm)
{
    if (algorithm == NULL || algorithm->parameter == NULL)
        return -1;
    return OBJ_obj2nid(algorithm->algorithm) == NID_pbes2 ? rounds_of_pbes2(algorithm->parameter)
                                                          : rounds_of_pbe(algorithm->parameter);
}
