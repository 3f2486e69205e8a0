/* SPDX-License-Identifier: Apache-2.0
 *
 * One request that is answered by a thread of a pool: who asks, under which role, and what became of it.
 */
#ifndef TP_ENGINE_CALL_H
#define TP_ENGINE_CALL_H

#include "engine/internal.h"

struct tp_call {
    struct tp_job job; /* first: the pool's view of it */
    struct tp_engine *engine;
    struct tp_ipc_request *request; /* NULL once answered */
    const struct tp_duty *duty;
    struct tp_hsm_session *session; /* the thread's; NULL when the HSM is away */
    enum tp_role role;              /* under which it was permitted */
    unsigned held;                  /* all that the caller has */
    uint8_t subject[TP_SUBJECT_LEN]; /* of the officer or owner who asks, where one is logged in */
    bool has_subject;
    bool written; /* the log has its refusal already */
    struct tp_error error;
    uint32_t tries_left;
};

/* An operation: what dispatch.c knows of it. */
enum tp_lane { TP_LANE_SIGN, TP_LANE_LOGIN, TP_LANE_OFFICE };
struct tp_duty {
    enum tp_ipc_op op;
    enum tp_lane lane;
    enum tp_action action; /* its name in the log */
    bool recorded;  /* a failure is an entry in the log */
    bool needs_hsm;
    /* Answers the request itself when it returns TP_OK; otherwise dispatch.c refuses with CALL->error. */
    enum tp_rc (*run)(struct tp_call *call);
};

/* The authorisation under which the caller acts as USER (its owner), or NULL; with the engine's lock held. */
struct tp_authorisation *tp_call_owner_locked(struct tp_engine *engine, const struct tp_ipc_peer *peer,
                                              const char *user);

/* All that the caller holds, for an operation that anyone may ask for: nobody has looked at the logins for those. With the
 * engine's lock held. */
unsigned tp_call_roles_locked(const struct tp_call *call);

/* A reference to the user NAME, and the turn, unless it comes after the time until which the client waits. Given back with
 * tp_people_release_turn. */
TP_MUST_USE enum tp_rc tp_call_turn(struct tp_call *call, const char *name, struct tp_user **ret_user);

/* ACT with the turn of the user NAME, which is given back whatever comes of it. ACT answers the request when it returns
 * TP_OK; who has nothing to say ends with tp_call_done. */
typedef enum tp_rc tp_call_act(struct tp_call *call, struct tp_user *user);
TP_MUST_USE enum tp_rc tp_call_on_user(struct tp_call *call, const char *name, tp_call_act *act);
/* Answers that it is done; TP_OK. */
TP_MUST_USE enum tp_rc tp_call_done(struct tp_call *call);

/* CALL goes on under ROLE, which it holds: role and subject of its entries. */
void tp_call_act_as(struct tp_call *call, enum tp_role role);
/* Who is owner and officer in one acts as officer where an owner may not. False: is none. */
bool tp_call_act_as_officer(struct tp_call *call);
/* TP_NOT_PERMITTED when CALL is its owner's, and owners may not (engine.conf: [owner]), unless they are officers too. */
TP_MUST_USE enum tp_rc tp_call_owner_may(struct tp_call *call, enum tp_owner_wish wish);

/* Every operation's function; one file a noun. */
enum tp_rc tp_op_token(struct tp_call *call);
enum tp_rc tp_op_objects(struct tp_call *call);
enum tp_rc tp_op_events(struct tp_call *call);
enum tp_rc tp_op_login(struct tp_call *call);
enum tp_rc tp_op_logout(struct tp_call *call);
enum tp_rc tp_op_authorisation(struct tp_call *call);
enum tp_rc tp_op_csr(struct tp_call *call);
enum tp_rc tp_op_pin_change(struct tp_call *call);
enum tp_rc tp_op_enrol(struct tp_call *call);
enum tp_rc tp_op_enrol_confirm(struct tp_call *call);
enum tp_rc tp_op_approval_list(struct tp_call *call);
enum tp_rc tp_op_approval_give(struct tp_call *call);
enum tp_rc tp_op_approval_refuse(struct tp_call *call);
enum tp_rc tp_op_user_add(struct tp_call *call);
enum tp_rc tp_op_user_list(struct tp_call *call);
enum tp_rc tp_op_user_suspend(struct tp_call *call);
enum tp_rc tp_op_user_resume(struct tp_call *call);
enum tp_rc tp_op_user_unlock(struct tp_call *call);
enum tp_rc tp_op_user_close(struct tp_call *call);
enum tp_rc tp_op_user_erase(struct tp_call *call);
enum tp_rc tp_op_user_reset(struct tp_call *call);
enum tp_rc tp_op_pin_init(struct tp_call *call);
enum tp_rc tp_op_token_init(struct tp_call *call);
enum tp_rc tp_op_factor_add(struct tp_call *call);
enum tp_rc tp_op_factor_list(struct tp_call *call);
enum tp_rc tp_op_factor_remove(struct tp_call *call);
enum tp_rc tp_op_key_generate(struct tp_call *call);
enum tp_rc tp_op_key_import(struct tp_call *call);
enum tp_rc tp_op_key_state(struct tp_call *call);
enum tp_rc tp_op_key_delete(struct tp_call *call);
enum tp_rc tp_op_key_change(struct tp_call *call);
enum tp_rc tp_op_object_put(struct tp_call *call);
enum tp_rc tp_op_object_delete(struct tp_call *call);
enum tp_rc tp_op_cert_import(struct tp_call *call);
enum tp_rc tp_op_cert_remove(struct tp_call *call);
enum tp_rc tp_op_crl_import(struct tp_call *call);
enum tp_rc tp_op_policy_explain(struct tp_call *call);
enum tp_rc tp_op_policy_show(struct tp_call *call);
enum tp_rc tp_op_tsa_key_make(struct tp_call *call);
enum tp_rc tp_op_tsa_key_csr(struct tp_call *call);
enum tp_rc tp_op_tsa_cert_import(struct tp_call *call);
enum tp_rc tp_op_audit_list(struct tp_call *call);
enum tp_rc tp_op_audit_checkpoint(struct tp_call *call);
enum tp_rc tp_op_status(struct tp_call *call);
enum tp_rc tp_op_doctor(struct tp_call *call);
enum tp_rc tp_op_accept(struct tp_call *call);

/* dispatch.c */
void tp_dispatch(void *engine, struct tp_ipc_request *requests); /* the server's handle callback */
/* Its may_send_large: root, the engine's own uid, and who is logged in with a role that may do OPERATION. */
bool tp_dispatch_may_send_large(void *engine, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation);
const struct tp_duty *tp_duty(enum tp_ipc_op op);                /* NULL when there is none */

/* sign.c and timestamp.c: take requests of the hot path; return those that they leave to nobody: none. */
void tp_sign_batch(struct tp_engine *engine, struct tp_ipc_request *requests);
void tp_timestamp_batch(struct tp_engine *engine, struct tp_ipc_request *requests);

#endif
