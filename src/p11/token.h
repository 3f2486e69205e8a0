/* SPDX-License-Identifier: Apache-2.0
 *
 * The token in a slot: what the engine says of a user.
 */
#ifndef TP_P11_TOKEN_H
#define TP_P11_TOKEN_H

#include "p11/call.h"

#include <pthread.h>

struct tp_p11_slot;

struct tp_p11_token_facts {
    char label[129]; /* CK_TOKEN_INFO has 32 bytes of it */
    char serial[17];
    bool uninitialised; /* the engine does not know the user: nothing else is told */
    bool enrolled, locked, suspended, pin_initial;
    uint32_t tries_left, tries_most;
    uint32_t pin_min, pin_max, code_digits;
};

struct tp_p11_token {
    pthread_mutex_t mutex; /* never held while the engine is asked */
    bool known;
    uint32_t pin_min;     /* as last told */
    int64_t timed_out_ms; /* monotonic; 0: the last question was answered */
    enum tp_rc heard;     /* how the last question went */
    int64_t heard_ms;     /* monotonic; 0: never asked */
};

TP_MUST_USE enum tp_rc tp_p11_token_init(struct tp_p11_token *token);
void tp_p11_token_clear(struct tp_p11_token *token);
/* Asks the engine. */
TP_MUST_USE enum tp_rc tp_p11_token_facts(struct tp_p11_slot *slot, struct tp_error *error,
                                          struct tp_p11_token_facts *ret_facts);
/* Whether there is a token: TP_OK, TP_NOT_FOUND (the engine knows no such user), or why it cannot be told. Asks at most
 * once a second. */
TP_MUST_USE enum tp_rc tp_p11_token_presence(struct tp_p11_slot *slot);
/* The shortest PIN that can be right; asks only when it is not known yet. */
TP_MUST_USE enum tp_rc tp_p11_token_pin_min(struct tp_p11_slot *slot, struct tp_error *error, uint32_t *ret_pin_min);

/* What was told is asked for anew. */
void tp_p11_token_forget(struct tp_p11_slot *slot);
/* A PIN that is to be set: what need not be sent; and what the engine has said to it. */
CK_RV tp_p11_token_new_pin_check(struct tp_bytes pin);
CK_RV tp_p11_token_new_pin_rv(enum tp_rc rc);

CK_RV tp_p11_token_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_TOKEN_INFO *ret_info);
CK_RV tp_p11_token_set_pin(struct tp_p11_call *call, struct tp_bytes old_pin, struct tp_bytes new_pin);

#endif
