/* SPDX-License-Identifier: Apache-2.0
 *
 * AlgorithmIdentifiers of the CMS that we make.
 */
#include "pki/cms_internal.h"

#define OID_RSA_PSS "1.2.840.113549.1.1.10"
#define OID_MGF1    "1.2.840.113549.1.1.8"
#define OID_ED25519 "1.3.101.112"

/* RFC 8017 appendix A.2.4, RFC 5758 §3.2, and NIST's CSOR (2.16.840.1.101.3.4.3) for SHA-3. MD5 and SHA-1 are not here:
 * nobody is to sign with them any more. */
static const struct {
    const char *rsa, *ecdsa;
} algorithms[TP_PKI_HASH_END] = {
    [TP_PKI_SHA224] = {"1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1"},
    [TP_PKI_SHA256] = {"1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"},
    [TP_PKI_SHA384] = {"1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"},
    [TP_PKI_SHA512] = {"1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"},
    [TP_PKI_SHA512_224] = {"1.2.840.113549.1.1.15", NULL},
    [TP_PKI_SHA512_256] = {"1.2.840.113549.1.1.16", NULL},
    [TP_PKI_SHA3_224] = {"2.16.840.1.101.3.4.3.13", "2.16.840.1.101.3.4.3.9"},
    [TP_PKI_SHA3_256] = {"2.16.840.1.101.3.4.3.14", "2.16.840.1.101.3.4.3.10"},
    [TP_PKI_SHA3_384] = {"2.16.840.1.101.3.4.3.15", "2.16.840.1.101.3.4.3.11"},
    [TP_PKI_SHA3_512] = {"2.16.840.1.101.3.4.3.16", "2.16.840.1.101.3.4.3.12"},
};

enum tp_pki_scheme tp_pki_cms_scheme(const struct tp_pki_cms_order *order)
{
    const struct tp_pki_key_info *info = tp_pki_signer_info(order->signer);
    if (info->is_rsa)
        return order->pss ? TP_PKI_RSA_PSS : TP_PKI_RSA_PKCS1;
    return info->is_ec ? TP_PKI_ECDSA : TP_PKI_EDDSA;
}

/* Parameters absent, as RFC 5754 §2 wants them of SHA-2; RFC 8702 and CSOR of SHA-3. */
enum tp_rc tp_pki_cms_put_digest_algorithm(enum tp_pki_hash hash, struct tp_buf *buf)
{
    return tp_der_put(buf, TP_DER_SEQUENCE, tp_pki_hash_oid(hash));
}

/* RFC 4055 §2.1 has NULL parameters here. */
static enum tp_rc put_hash_with_null(enum tp_pki_hash hash, struct tp_buf *buf)
{
    size_t mark;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_buf_append(buf, tp_pki_hash_oid(hash)));
    TP_TRY(tp_der_put(buf, TP_DER_NULL, TP_BYTES_NONE));
    return tp_der_close(buf, mark);
}

/* RSASSA-PSS-params (RFC 8017 appendix A.2.3); the trailer is the default one, which DER leaves out. */
static enum tp_rc put_pss_parameters(enum tp_pki_hash hash, struct tp_buf *buf)
{
    size_t all, part, mask;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &all));
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 0, &part));
    TP_TRY(put_hash_with_null(hash, buf));
    TP_TRY(tp_der_close(buf, part));
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 1, &part));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mask));
    TP_TRY(tp_der_put_oid(buf, OID_MGF1));
    TP_TRY(put_hash_with_null(hash, buf));
    TP_TRY(tp_der_close(buf, mask));
    TP_TRY(tp_der_close(buf, part));
    if (tp_pki_hash_len(hash) != 20) { /* the default, which DER leaves out */
        TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 2, &part));
        TP_TRY(tp_der_put_number(buf, tp_pki_hash_len(hash)));
        TP_TRY(tp_der_close(buf, part));
    }
    return tp_der_close(buf, all);
}

enum tp_rc tp_pki_cms_put_signature_algorithm(const struct tp_pki_cms_order *order, uint8_t tag, struct tp_buf *buf)
{
    size_t mark;
    const enum tp_pki_scheme scheme = tp_pki_cms_scheme(order);
    const bool is_ed25519 = tp_pki_signer_info(order->signer)->bits == 256; /* Ed448 wants SHAKE256 (RFC 8419 §3.1) */
    const char *const oids[] = {[TP_PKI_RSA_PKCS1] = algorithms[order->hash].rsa,
                                [TP_PKI_RSA_PSS] = algorithms[order->hash].rsa != NULL ? OID_RSA_PSS : NULL,
                                [TP_PKI_ECDSA] = algorithms[order->hash].ecdsa,
                                [TP_PKI_EDDSA] = is_ed25519 && order->hash == TP_PKI_SHA512 ? OID_ED25519 : NULL};
    if (oids[scheme] == NULL)
        return TP_UNSUPPORTED;
    TP_TRY(tp_der_open(buf, tag, &mark));
    TP_TRY(tp_der_put_oid(buf, oids[scheme]));
    if (scheme == TP_PKI_RSA_PKCS1) /* RFC 5754 §3.2: NULL; §3.3, RFC 8419 §2.1: absent with the others */
        TP_TRY(tp_der_put(buf, TP_DER_NULL, TP_BYTES_NONE));
    if (scheme == TP_PKI_RSA_PSS)
        TP_TRY(put_pss_parameters(order->hash, buf));
    return tp_der_close(buf, mark);
}
