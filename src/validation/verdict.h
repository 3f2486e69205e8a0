/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of ETSI EN 319 102-1 §5.1.3: indications and sub-indications.
 */
#ifndef TP_VALIDATION_VERDICT_H
#define TP_VALIDATION_VERDICT_H

#include "base/error.h"

enum tp_indication { TP_TOTAL_PASSED, TP_TOTAL_FAILED, TP_INDETERMINATE };

/* name, words for people */
#define TP_SUBINDICATIONS(X)                                                                                           \
    X(NONE, "")                                                                                                        \
    X(FORMAT_FAILURE, "it is not a signature of a known form")                                                         \
    X(HASH_FAILURE, "what was signed has been changed")                                                                \
    X(SIG_CRYPTO_FAILURE, "the signature does not fit the signer's key")                                               \
    X(REVOKED, "the signer's certificate had been revoked")                                                            \
    X(EXPIRED, "signed after the certificate had expired")                                                             \
    X(NOT_YET_VALID, "signed before the certificate became valid")                                                     \
    X(SIG_CONSTRAINTS_FAILURE, "the signature lacks what is required of it")                                           \
    X(CHAIN_CONSTRAINTS_FAILURE, "the certificate chain breaks a rule")                                                \
    X(CERTIFICATE_CHAIN_GENERAL_FAILURE, "the certificate chain could not be judged")                                  \
    X(CRYPTO_CONSTRAINTS_FAILURE, "an algorithm or key is too weak for its time")                                      \
    X(POLICY_PROCESSING_ERROR, "the signature policy could not be processed")                                          \
    X(SIGNATURE_POLICY_NOT_AVAILABLE, "the signature policy is not there")                                             \
    X(TIMESTAMP_ORDER_FAILURE, "the timestamps contradict each other")                                                 \
    X(NO_SIGNING_CERTIFICATE_FOUND, "the signer's certificate is not there")                                           \
    X(NO_CERTIFICATE_CHAIN_FOUND, "no chain leads from the signer to a trust anchor")                                  \
    X(REVOKED_NO_POE, "the certificate has been revoked, and nothing proves that it signed before")                    \
    X(REVOKED_CA_NO_POE, "a CA of the chain has been revoked, and nothing proves that it signed before")               \
    X(OUT_OF_BOUNDS_NOT_REVOKED, "the certificate has expired, and nothing proves that it signed before")              \
    X(OUT_OF_BOUNDS_NO_POE, "the certificate has expired or is not valid yet, and nothing proves when it signed")      \
    X(REVOCATION_OUT_OF_BOUNDS_NO_POE, "the revocation data itself is out of its time")                                \
    X(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, "an algorithm is too weak now, and nothing proves that it signed before")     \
    X(NO_POE, "nothing proves that it existed at the time in question")                                                \
    X(TRY_LATER, "revocation data is missing or not fresh enough")                                                     \
    X(SIGNED_DATA_NOT_FOUND, "what was signed is not there")                                                           \
    X(CUSTOM, "see the words")

enum tp_subindication {
#define TP_SUBINDICATION_ENUM(name, words) TP_SUB_##name,
    TP_SUBINDICATIONS(TP_SUBINDICATION_ENUM)
#undef TP_SUBINDICATION_ENUM
        TP_SUB_COUNT
};
const char *tp_indication_name(enum tp_indication indication);    /* "TOTAL-PASSED" */
const char *tp_subindication_name(enum tp_subindication sub);     /* "HASH_FAILURE"; "" for NONE */
const char *tp_subindication_words(enum tp_subindication sub);

struct tp_verdict {
    enum tp_indication indication;
    enum tp_subindication sub;
    char why[TP_ERROR_WORDS_LEN]; /* one line for people: what exactly */
    const char *hint;             /* a constant: what whoever sits at the command line can do; NULL: nothing */
};

#endif
