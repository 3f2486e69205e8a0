/* SPDX-License-Identifier: Apache-2.0
 *
 * A SoftHSM of its own for each test, in a temporary directory; and short forms of what most tests begin with.
 * Functions that are not told what to expect assert that all is well.
 */
#ifndef TP_TESTS_HSM_FIXTURE_H
#define TP_TESTS_HSM_FIXTURE_H

#include "hsm/hsm.h"

#include <criterion/criterion.h>

#define FIXTURE_PIN "correct-horse"

struct fixture {
    char dir[64];
    char uri[512];       /* SoftHSM itself */
    char fault_uri[512]; /* through tests/fault */
    char pin_file[128], control[128];
};
extern struct fixture fx;

void fixture_make(void); /* with one token, "test" */
void fixture_remove(void);
#define HSM_SUITE(name) TestSuite(name, .init = fixture_make, .fini = fixture_remove, .timeout = 60)

/* Another token in the same SoftHSM. Only while no module is open. */
void fixture_add_token(const char *label);
void fixture_write(const char *path, const char *text, unsigned mode);
/* The whole SoftHSM, out of reach and back. */
void fixture_take_away(void);
void fixture_bring_back(void);
/* An empty SoftHSM in its place. */
void fixture_empty(void);

/* Rules for tests/fault/pkcs11_fault.c; NULL removes them. */
void fault_rules(const char *rules);
bool fault_fired(void); /* and forgets it */

int64_t in_ms(int64_t ms); /* a deadline */
struct tp_hsm *open_hsm(const char *uri, unsigned sessions, size_t cached_keys);
struct tp_hsm_session *acquire(struct tp_hsm *hsm);
/* Makes and finds the token keys. */
void make_keys(struct tp_hsm_session *session);

/* A stored key, as an engine's store would have it. */
struct stored_key {
    enum tp_hsm_key_type type;
    struct tp_buf uwk, spki;
    struct tp_secret *wrapped;
    unsigned loads; /* how often it was asked for */
};
void stored_key_make(struct tp_hsm_session *session, enum tp_hsm_key_type type, bool with_uwk, struct stored_key *key);
void stored_key_clear(struct stored_key *key);
enum tp_rc stored_key_load(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped);
/* Gets the key, signs a P-256 hash, verifies it, and puts the key back. */
enum tp_rc sign_once(struct tp_hsm_session *session, const char *id, struct stored_key *key, struct tp_error *error);

bool verify(struct tp_bytes spki, const struct tp_hsm_sign_params *params, struct tp_bytes data,
            struct tp_bytes signature);
struct tp_bytes data_for(enum tp_hsm_key_type type);

#endif
