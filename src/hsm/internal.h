/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share: the token and its sessions, the way a C_ call is made, and small verbs on objects.
 *
 * Locks, in the order in which they are taken: the anchor (a flag under tp_hsm.lock), the module's gate, the cache's.
 * tp_hsm.lock itself is held for a few instructions, never across a call into the module.
 */
#ifndef TP_HSM_INTERNAL_H
#define TP_HSM_INTERNAL_H

#include "hsm/cache.h"
#include "hsm/ckr.h"
#include "hsm/gate.h"
#include "hsm/hsm.h"
#include "hsm/module.h"
#include "hsm/uri.h"

#include <pthread.h>
#include <stdatomic.h>

#define TP_HSM_AES_LEN         32
#define TP_HSM_WRAPPED_MAX     8192 /* a PKCS#8 RSA-8192 key is under 5 KiB */
#define TP_HSM_WRAPPED_AES_MAX 64   /* RFC 5649: 40 for AES-256 */

struct tp_hsm_session {
    _Alignas(64) struct tp_hsm_pass pass; /* a cache line of its own for each */
    struct tp_hsm *hsm;
    CK_SESSION_HANDLE handle;
    uint64_t epoch; /* the login that it was opened in; 0: not open. Written inside the gate */
    bool exclusive; /* the gate is closed for us, and the pass stamped for all the calls of a login */
    struct tp_hsm_session *next_free;
};

struct tp_hsm {
    struct tp_hsm_module *module;
    struct tp_hsm_uri *uri;
    struct tp_secret *pin;
    int64_t stuck_ms;
    CK_TOKEN_INFO token; /* as the last login found it; under lock */

    /* Written with the module's gate closed. */
    _Atomic CK_SLOT_ID slot;
    _Atomic uint64_t module_epoch;            /* of the last attempt to log in */
    _Atomic CK_MECHANISM_TYPE wrap_mechanism; /* 0: none */
    _Atomic uint64_t epoch;                   /* of this login; grows with each */
    atomic_bool lost;
    _Atomic uint64_t losses;

    _Atomic CK_OBJECT_HANDLE token_keys[TP_HSM_ROLE_END]; /* 0: not found */
    atomic_bool token_keys_wanted;                        /* found once, so to be found at each login */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* a session came back, the anchor is free, an attempt has ended */
    struct tp_hsm_session **sessions, *free;
    unsigned session_count, free_count;

    /* The session that holds the login, and destroys keys for those who have no session. One user at a time. */
    struct tp_hsm_session *anchor;
    bool anchor_busy;
    uint64_t attempts;            /* to find the token again */
    int64_t next_attempt_ms;      /* not before */
    struct tp_error last_attempt; /* how the last one ended */
    bool pin_refused;             /* never tried again: it would lock the token */

    struct tp_hsm_cache cache;
};

/* ---- calls (call.c) ---- */

/* The CK_RV of C_NAME(session, …), made inside the gate; TP_CKR_NOT_CALLED when the session's login has ended. */
#define TP_HSM_CALL(session, name, ...)                                                                                \
    (tp_hsm_call_begin(session)                                                                                        \
         ? tp_hsm_call_end(session, (session)->hsm->module->calls->name((session)->handle, __VA_ARGS__))               \
         : TP_CKR_NOT_CALLED)
/* The same for functions that take the slot. */
#define TP_HSM_SLOT_CALL(session, name, ...)                                                                           \
    (tp_hsm_call_begin(session)                                                                                        \
         ? tp_hsm_call_end(session, (session)->hsm->module->calls->name((session)->hsm->slot, __VA_ARGS__))            \
         : TP_CKR_NOT_CALLED)
bool tp_hsm_call_begin(struct tp_hsm_session *session);
bool tp_hsm_call_begin_unopened(struct tp_hsm_session *session); /* for C_OpenSession */
CK_RV tp_hsm_call_end(struct tp_hsm_session *session, CK_RV rv);
/* Code and words for CALL's answer RV; TP_OK for CKR_OK. */
TP_MUST_USE enum tp_rc tp_hsm_call_rc(const struct tp_hsm *hsm, CK_RV rv, const char *call, struct tp_error *error);
#define TP_HSM_TRY(session, error, name, ...)                                                                          \
    TP_TRY(tp_hsm_call_rc((session)->hsm, TP_HSM_CALL(session, name, __VA_ARGS__), #name, error))

bool tp_hsm_is_linked(const struct tp_hsm *hsm);
void tp_hsm_mark_lost(struct tp_hsm *hsm);
/* Calls that have overstayed, and for how long the oldest has. */
unsigned tp_hsm_stuck(const struct tp_hsm *hsm, int64_t *ret_age_ms);
TP_MUST_USE enum tp_rc tp_hsm_stuck_rc(const struct tp_hsm *hsm, struct tp_error *error); /* TP_OK when none is */

/* ---- the token (token.c, recovery.c) ---- */

/* Finds the token, logs in with the anchor, finds the token keys if they are wanted. The anchor must be ours. */
TP_MUST_USE enum tp_rc tp_hsm_token_link(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error);
/* Lock held, and held again on return: makes sure of a login, by trying at most once, or by another thread's try. */
TP_MUST_USE enum tp_rc tp_hsm_token_recover(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error);
/* Lock held: takes the anchor, waiting for it until the deadline. */
bool tp_hsm_anchor_take(struct tp_hsm *hsm, int64_t deadline_ms);
void tp_hsm_anchor_give(struct tp_hsm *hsm);
/* Lock held: waits for a change; false when the deadline has passed. */
bool tp_hsm_wait(struct tp_hsm *hsm, int64_t deadline_ms);

/* ---- sessions (session.c) ---- */

struct tp_hsm_session *tp_hsm_session_new(struct tp_hsm *hsm);
void tp_hsm_session_push(struct tp_hsm_session *session); /* onto the free list; lock held */
void tp_hsm_session_free(struct tp_hsm_session *session); /* C_CloseSession if it is open */

/* ---- objects (object.c) ---- */

#define TP_HSM_TEMPLATE_MAX 24
struct tp_hsm_template {
    CK_ATTRIBUTE at[TP_HSM_TEMPLATE_MAX];
    CK_ULONG count;
};
/* VALUE must outlive the template. More than TP_HSM_TEMPLATE_MAX is a mistake in the program: abort(). */
void tp_hsm_template_add(struct tp_hsm_template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
void tp_hsm_template_add_bool(struct tp_hsm_template *template, CK_ATTRIBUTE_TYPE type, bool value);
/* What an object may be used for: those of USES true, all others that its class has false. */
enum tp_hsm_use {
    TP_HSM_USE_ENCRYPT = 1 << 0,
    TP_HSM_USE_DECRYPT = 1 << 1,
    TP_HSM_USE_SIGN = 1 << 2,
    TP_HSM_USE_VERIFY = 1 << 3,
    TP_HSM_USE_WRAP = 1 << 4,
    TP_HSM_USE_UNWRAP = 1 << 5,
    TP_HSM_USE_DERIVE = 1 << 6
};
void tp_hsm_template_add_uses(struct tp_hsm_template *template, CK_OBJECT_CLASS class, unsigned uses);
const char *tp_hsm_attribute_name(CK_ATTRIBUTE_TYPE type); /* of those that templates of this room hold */
/* A sensitive, private session object of CLASS and TYPE. */
void tp_hsm_template_start(struct tp_hsm_template *template, const CK_OBJECT_CLASS *class, const CK_KEY_TYPE *type,
                           bool extractable, unsigned uses);
extern const CK_OBJECT_CLASS tp_hsm_class_secret, tp_hsm_class_private, tp_hsm_class_public;
extern const CK_KEY_TYPE tp_hsm_type_aes, tp_hsm_type_generic, tp_hsm_type_rsa;
extern const CK_ULONG tp_hsm_aes_len;
extern const CK_BBOOL tp_hsm_yes, tp_hsm_no;

/* A 256-bit secret key as a session object. */
TP_MUST_USE enum tp_rc tp_hsm_secret_generate(struct tp_hsm_session *session, CK_KEY_TYPE type, bool extractable,
                                              unsigned uses, struct tp_error *error, CK_OBJECT_HANDLE *ret_key);
/* 0 is nothing. A key that cannot be destroyed takes the login with it, since it dies with that. */
void tp_hsm_object_destroy(struct tp_hsm_session *session, CK_OBJECT_HANDLE object);
/* An object that is destroyed on the way out: struct tp_hsm_scrap x TP_AUTO(tp_hsm_scrap_destroy) = {session, 0}; */
struct tp_hsm_scrap {
    struct tp_hsm_session *session;
    CK_OBJECT_HANDLE object;
};
void tp_hsm_scrap_destroy(struct tp_hsm_scrap *scrap);
/* Destroys the keys of a list that the cache has handed out, and frees it. */
void tp_hsm_keys_destroy(struct tp_hsm_session *session, struct tp_hsm_key *gone);

/* ---- wrapping (wrap.c) ---- */

/* TP_UNSUPPORTED with words when the token has none that we know. */
TP_MUST_USE enum tp_rc tp_hsm_wrap_mechanism(const struct tp_hsm *hsm, struct tp_error *error,
                                             CK_MECHANISM *ret_mechanism);
/* RET_WRAPPED has CAPACITY bytes. */
TP_MUST_USE enum tp_rc tp_hsm_wrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                                   struct tp_error *error, uint8_t *ret_wrapped, size_t capacity, size_t *ret_len);
TP_MUST_USE enum tp_rc tp_hsm_wrap_to_secret(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                                             struct tp_error *error, struct tp_secret **ret_wrapped);
TP_MUST_USE enum tp_rc tp_hsm_unwrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, struct tp_bytes wrapped,
                                     struct tp_hsm_template *template, struct tp_error *error,
                                     CK_OBJECT_HANDLE *ret_key);
/* The user wrapping key as a session object, for USE only; with an empty WRAPPED_UWK the KEK, which is nobody's scrap.
 */
TP_MUST_USE enum tp_rc tp_hsm_uwk_unwrap(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk,
                                         enum tp_hsm_use use, struct tp_error *error, struct tp_hsm_scrap *ret_scrap,
                                         CK_OBJECT_HANDLE *ret_uwk);
TP_MUST_USE enum tp_rc tp_hsm_private_unwrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by,
                                             enum tp_hsm_key_type type, struct tp_bytes wrapped, struct tp_error *error,
                                             CK_OBJECT_HANDLE *ret_key);

/* ---- import (import.c) ---- */

/* As tp_hsm_key_import, wrapped by BY. */
TP_MUST_USE enum tp_rc tp_hsm_import_under(struct tp_hsm_session *session, CK_OBJECT_HANDLE by,
                                           enum tp_hsm_key_type type, struct tp_bytes pkcs8, struct tp_bytes spki,
                                           struct tp_error *error, struct tp_secret **ret_wrapped);

/* ---- token keys (token_keys.c) ---- */

/* The handle, or TP_NOT_FOUND before tp_hsm_token_keys_find. */
TP_MUST_USE enum tp_rc tp_hsm_token_key(const struct tp_hsm *hsm, enum tp_hsm_role role, struct tp_error *error,
                                        CK_OBJECT_HANDLE *ret_key);

#endif
