/* SPDX-License-Identifier: Apache-2.0
 *
 * CMS for the tests of the reader: by libcrypto, and by hand with every fault that libcrypto would not make.
 */
#ifndef TP_TEST_PKI_CMS_FORGE_H
#define TP_TEST_PKI_CMS_FORGE_H

#include "base/bytes.h"

#include <openssl/evp.h>

struct cms_forge {
    EVP_PKEY *key;
    struct tp_bytes certificate, other;
    EVP_PKEY *second_key; /* another signer, or NULL */
    struct tp_bytes second;
    struct tp_bytes content;
    const char *md;      /* default SHA256 */
    bool pss, in_pieces; /* PIECES: indefinite lengths */
    int salt_len;        /* PSS; 0: libcrypto's own */
    const char *mask_md; /* PSS; NULL: MD */
    unsigned flags;      /* CMS_… */
};
struct tp_buf cms_forge(const struct cms_forge *plan);

enum cms_fault {
    CMS_GOOD,
    CMS_OUT_OF_ORDER,
    CMS_SIGNED_IN_ORDER,
    CMS_DIGEST_TWICE,
    CMS_DIGEST_TWO_VALUES,
    CMS_NO_DIGEST,
    CMS_NO_TYPE,
    CMS_OTHER_TYPE,
    CMS_OTHER_DIGEST,
    CMS_CHANGED, /* after it was signed */
    CMS_NO_ATTRIBUTES,
    CMS_NO_ATTRIBUTES_OTHER_TYPE,
    CMS_UNKNOWN_HASH,
    CMS_UNKNOWN_ALGORITHM,
    CMS_NO_CERTIFICATE,
    CMS_PROTECTED, /* RFC 6211 */
    CMS_PROTECTED_OTHER_HASH,
    CMS_PROTECTED_OTHER_SIGNATURE
};
enum cms_ess {
    CMS_ESS_V2,
    CMS_ESS_V2_SHA512,
    CMS_ESS_V2_MD5,
    CMS_ESS_V2_SERIAL,
    CMS_ESS_V1,
    CMS_ESS_BOTH,
    CMS_ESS_NONE,
    CMS_ESS_V2_OTHER_HASH,
    CMS_ESS_V2_OTHER_SERIAL,
    CMS_ESS_BOTH_ONE_WRONG
};
enum cms_evidence { CMS_NO_EVIDENCE, CMS_IN_CRLS, CMS_IN_ARCHIVAL, CMS_IN_VALUES };

struct cms_hand {
    EVP_PKEY *key;
    struct tp_bytes certificate;            /* the signer's */
    struct tp_bytes included, included_too; /* instead of it */
    struct tp_bytes content;
    const char *content_type; /* dotted; with it the content goes in. NULL: id-data, detached */
    const char *md;
    enum cms_fault fault;
    enum cms_ess ess;
    enum cms_evidence evidence;
    struct tp_bytes crl, ocsp; /* with CMS_IN_VALUES a BasicOCSPResponse, else an OCSPResponse */
    size_t timestamps;         /* so many empty ones */
};
struct tp_buf cms_hand(const struct cms_hand *plan);

#endif
