/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's configuration (conf/engine.conf): the store, the HSM with its PIN's source, and every limit. Clients cannot
 * read it; a file that others may write is refused.
 */
#ifndef TP_ENGINE_ENGINE_CONF_H
#define TP_ENGINE_ENGINE_CONF_H

#include "authn/otp.h"
#include "authn/pin.h"
#include "base/conf.h"
#include "engine/policy.h"
#include "tsa/reply.h"

/* What owners do themselves with what is theirs; all else of administration is for officers. Name in [owner] of
 * engine.conf, default, words for people. An owner who stops or ends a key (RS-16) needs no leave for that. */
#define TP_OWNER_WISHES(X)                                                                                             \
    X(GENERATE, "generate", "yes", "owners make keys of their own")                                                    \
    X(IMPORT, "import", "no", "owners import keys that were made elsewhere")                                           \
    X(CHANGE, "change", "yes", "owners change labels and ids of their keys")                                           \
    X(DELETE, "delete", "no", "owners destroy their keys")                                                             \
    X(CERTIFICATE, "certificate", "yes", "owners put certificates to their keys, and take them away")                  \
    X(OBJECT, "object", "yes", "owners keep data and certificates of others beside their keys")

enum tp_owner_wish {
#define TP_OWNER_ENUM(name, key, fallback, words) TP_OWNER_##name,
    TP_OWNER_WISHES(TP_OWNER_ENUM)
#undef TP_OWNER_ENUM
        TP_OWNER_WISHES_LEN
};
const char *tp_owner_wish_name(enum tp_owner_wish wish);

/* The timestamp authority: [tsa]. */
struct tp_authority_conf {
    const char *key;          /* NULL: none; "hsm", "file:/…" or "pkcs11:…" */
    const char *certificates; /* a file; NULL: those that come with the key */
    struct tp_tsa_profile profile; /* without its signer */
    bool unwatched_clock;
    uint64_t reserve_bytes; /* of the store's file system, which timestamps leave to people's signatures; 0: none */
};

struct tp_engine_conf {
    struct tp_conf *file; /* owns the strings */
    const char *name, *socket, *store, *hsm, *audit_key;
    bool socket_open;         /* every uid may connect (service); else the engine's own only */
    unsigned workers;         /* threads that call the HSM */
    unsigned login_workers;   /* threads that stretch PINs and do administration */
    size_t cached_keys;
    int64_t idle_ms;          /* spawned: ends after so long without a client */
    unsigned checkpoint_entries;
    int64_t checkpoint_ms;
    size_t pin_least;
    uint32_t tries_most;
    int64_t enrol_ms;         /* how long an enrolment code holds */
    struct tp_pin_cost pin_cost;
    const char *otp_issuer;
    struct tp_otp_params otp; /* of seeds that we make */
    int64_t login_ms;         /* how long an authorisation lasts */
    int64_t shared_login_ms;  /* most that `trustp11 login` gets */
    bool approval;            /* logins wait for a code that is given in another place: approval.h */
    unsigned authorisations_most;
    bool owner[TP_OWNER_WISHES_LEN]; /* by enum tp_owner_wish */
    struct tp_policy policy;
    struct tp_authority_conf authority;
};

TP_MUST_USE enum tp_rc tp_engine_conf_read(const char *path, struct tp_error *error, struct tp_engine_conf *ret_conf);
void tp_engine_conf_clear(struct tp_engine_conf *conf);

#endif
