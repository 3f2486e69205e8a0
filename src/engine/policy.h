/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a signature may be made: a pure function from what is known to a decision with reasons. No clock, no store, no
 * HSM: `trustp11 policy explain` and the engine's signing path call the same function with the same structs (RS-16, RS-24).
 */
#ifndef TP_ENGINE_POLICY_H
#define TP_ENGINE_POLICY_H

#include "base/rc.h"
#include "hsm/hsm.h"
#include "pki/digest_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is allowed: from the engine's configuration, section [policy]. */
struct tp_policy {
    bool allow_sha1;
    bool allow_no_certificate;     /* a key without certificate signs (besides its own request) */
    bool require_synchronised_clock; /* RS-13 */
    unsigned rsa_bits_least;       /* 2048 */
    uint32_t signatures_most;      /* per login; 0: not limited */
    int64_t login_age_most_ms;     /* since the login */
    unsigned hour_from, hour_until; /* local hours of the day when signing is allowed: from ≤ h < until; 0, 24: always;
                                     * from > until: over midnight */
    uint32_t mechanisms;           /* bits 1 << enum tp_hsm_mechanism */
};

enum tp_policy_state { TP_STATE_ACTIVE, TP_STATE_SUSPENDED, TP_STATE_DOUBT, TP_STATE_REVOKED, TP_STATE_DELETED, TP_STATE_PENDING };
const char *tp_policy_state_name(enum tp_policy_state state); /* "active", … as stored and shown */
TP_MUST_USE enum tp_rc tp_policy_state_parse(const char *name, enum tp_policy_state *ret_state);

/* What the question is. */
struct tp_policy_facts {
    bool user_active, user_locked;
    enum tp_policy_state state; /* of the credential */
    enum tp_hsm_key_type key_type;
    unsigned key_bits;
    bool has_certificate;
    bool certificate_matches;   /* its public key is the credential's */
    int64_t not_before_ms, not_after_ms;
    unsigned key_usage;         /* enum tp_pki_key_usage bits; ~0u: no extension */
    int64_t now_ms;             /* UTC */
    unsigned local_hour;        /* 0 … 23 */
    bool clock_synchronised;
    bool always_authenticate;   /* each signature wants a login of its own (CKA_ALWAYS_AUTHENTICATE) */
    bool authorised;            /* an authorisation covers this credential */
    bool single;                /* and was opened for one signature with it */
    uint32_t used;              /* signatures that it has made */
    uint32_t granted;           /* that it may make; 0: not limited */
    int64_t login_age_ms;
    int64_t authorisation_left_ms;
    struct tp_hsm_sign_params params;
    struct tp_bytes data;       /* what is to be signed; checked only when has_data */
    bool has_data;
    enum tp_pki_hash claimed;   /* the client's word for the hash, NONE if it gave none */
};

struct tp_policy_finding {
    const char *rule;   /* "certificate validity": static */
    bool ok;
    enum tp_rc rc;      /* when not ok: which kind of refusal */
    char words[160];    /* for people: why, or what was found; static facts only, no personal data */
};
#define TP_POLICY_RULES_MAX 24

struct tp_policy_decision {
    enum tp_rc rc;             /* TP_OK or the first refusal's */
    const char *rule;          /* of the first refusal, or NULL */
    char words[160];           /* of the first refusal, or "" */
    enum tp_pki_hash hash;     /* what is being signed: from DigestInfo, PSS parameters or length */
    struct tp_bytes digest;    /* view into facts.data */
};

/* The hot path: stops at the first refusal and writes no words when all is well. */
void tp_policy_decide(const struct tp_policy *policy, const struct tp_policy_facts *facts,
                      struct tp_policy_decision *ret_decision);
/* Every rule with its finding, in the order in which decide asks them. Returns how many. */
size_t tp_policy_explain(const struct tp_policy *policy, const struct tp_policy_facts *facts,
                         struct tp_policy_finding ret_findings[TP_POLICY_RULES_MAX]);

#endif
