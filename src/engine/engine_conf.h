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

/* What owners may do with keys of their own beyond what they always may: section [owner], a key each. */
enum tp_owner_wish { TP_OWNER_IMPORT, TP_OWNER_WISHES };

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
    bool owner_may[TP_OWNER_WISHES];
    struct tp_policy policy;
};

TP_MUST_USE enum tp_rc tp_engine_conf_read(const char *path, struct tp_error *error, struct tp_engine_conf *ret_conf);
void tp_engine_conf_clear(struct tp_engine_conf *conf);

#endif
