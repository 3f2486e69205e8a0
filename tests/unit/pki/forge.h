/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys, certificates and CRLs for the tests of this room, made with libcrypto directly. Whatever fails ends the test.
 */
#ifndef TP_TEST_PKI_FORGE_H
#define TP_TEST_PKI_FORGE_H

#include "pki/certificate.h"
#include "pki/signer.h"

#include <openssl/evp.h>

/* "rsa-2048", "rsa-1024", or the name of a curve ("P-256", "secp256k1"), or "ED25519", "ED448", "DSA" (1024 bits). */
EVP_PKEY *forge_key(const char *type);
struct tp_buf forge_spki(EVP_PKEY *key);

struct forge_extension {
    const char *name, *value; /* as in openssl.cnf: "extendedKeyUsage", "critical,timeStamping" */
};
#define FORGE_EXTENSIONS 6

struct forge_certificate {
    const char *subject, *issuer; /* common names */
    const char *serial;           /* hex; default 01 */
    const char *key_usage;        /* as in openssl.cnf; NULL: no extension */
    bool is_ca;
    EVP_PKEY *key, *issuer_key;
    const char *not_before, *not_after; /* "260101000000Z"; by default the year 2026 */
    struct forge_extension extensions[FORGE_EXTENSIONS]; /* up to the first without a name */
    const char *critical_oid;                            /* adds an unknown critical extension */
};
struct tp_buf forge_certificate(const struct forge_certificate *plan);

struct forge_revoked {
    const char *serial; /* hex */
    int reason;         /* CRLReason, or -1 */
    const char *critical_oid; /* adds an unknown critical extension */
    bool of_another;          /* certificateIssuer: another CA's */
};
struct forge_crl {
    const char *issuer;
    EVP_PKEY *issuer_key;
    const struct forge_revoked *revoked;
    size_t revoked_len;
    bool no_next_update;
    bool is_delta;
    const char *number;       /* CRLNumber in hex; NULL: none */
    const char *point;        /* issuingDistributionPoint as in openssl.cnf; NULL: none */
    const char *md;           /* of the signature; NULL: SHA-256 */
    const char *critical_oid; /* adds an unknown critical extension */
};
struct tp_buf forge_crl(const struct forge_crl *plan);

/* Signers over an EVP_PKEY, which is their context and theirs: as an HSM would, that fails with TP_HSM_ABSENT and "the card was
 * pulled", that gives as many bytes as a signature has but others, one byte less, nothing. */
extern const struct tp_pki_signer_calls forge_true, forge_failing, forge_garbage, forge_short, forge_nothing;
/* Takes over KEY; without certificates. */
struct tp_pki_signer *forge_signer(EVP_PKEY *key, const struct tp_pki_signer_calls *calls);

#define FORGE_NOT_BEFORE_MS 1767225600000 /* 2026-01-01T00:00:00Z */
#define FORGE_NOT_AFTER_MS  1798761600000 /* 2027-01-01T00:00:00Z */

#endif
