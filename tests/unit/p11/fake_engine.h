/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine for tests of the module: the real protocol and real signatures, with keys of libcrypto, the user "alice",
 * an officer "olga", others when wanted, and knobs for all that can happen to a client. Everything may be called from
 * any thread.
 */
#ifndef TP_TESTS_FAKE_ENGINE_H
#define TP_TESTS_FAKE_ENGINE_H

#include "base/bytes.h"
#include "ipc/operation.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_USER     "alice"
#define FAKE_OFFICER  "olga" /* knows the same code */
#define FAKE_OTHER    "bob"
#define FAKE_PIN      "correct horse"
#define FAKE_SO_PIN   "battery staple"
#define FAKE_CODE     "492039"
#define FAKE_PIN_CODE FAKE_PIN FAKE_CODE
#define FAKE_SO_CODE  FAKE_SO_PIN FAKE_CODE
#define FAKE_PIN_MIN  8
#define FAKE_PIN_MAX  64

struct fake_engine;

/* Listens on SOCKET_PATH until stopped. What it knows outlives fake_engine_restart. */
struct fake_engine *fake_engine_start(const char *socket_path);
void fake_engine_stop(struct fake_engine *engine);
/* Ends the server, and with it all connections and authorisations. */
void fake_engine_halt(struct fake_engine *engine);
void fake_engine_resume(struct fake_engine *engine);

/* Another user, with a PIN of at least FAKE_PIN_MIN bytes; the code is FAKE_CODE as well. What the knobs below say of
 * "the user" is said of alice. */
void fake_engine_add_user(struct fake_engine *engine, const char *name, const char *pin);
void fake_engine_enrol(struct fake_engine *engine, const char *name); /* again, with the same PIN */
/* A credential of alice becomes another's. */
void fake_engine_set_owner(struct fake_engine *engine, size_t number, const char *name);

/* A credential "cred-N" of TYPE ("rsa-2048", "p-256", …) with CKA_ID = its number; with a certificate and its issuer
 * when wanted. Returns its number, from 0. */
size_t fake_engine_add_key(struct fake_engine *engine, const char *type, const char *label, bool with_certificate);
/* COUNT credentials with one P-256 key, each with a label ("bulk-N"), an ID and a certificate of its own. */
void fake_engine_add_bulk(struct fake_engine *engine, size_t count);
void fake_engine_set_state(struct fake_engine *engine, size_t number, const char *state);
void fake_engine_set_label(struct fake_engine *engine, size_t number, const char *label);
void fake_engine_set_always_authenticate(struct fake_engine *engine, size_t number);

/* What a login allows from now on: signatures (0: not counted) and time. */
void fake_engine_set_terms(struct fake_engine *engine, uint32_t signatures, int64_t for_ms);
void fake_engine_end_authorisations(struct fake_engine *engine);
void fake_engine_open_shared(struct fake_engine *engine, bool open); /* `trustp11 login` */
void fake_engine_set_user(struct fake_engine *engine, bool enrolled, bool locked, bool suspended);
/* Whether a PIN that PIN_INIT sets is an enrolment code. */
void fake_engine_set_factor(struct fake_engine *engine, bool has_factor);
unsigned fake_engine_logins(struct fake_engine *engine);               /* that are open */
void fake_engine_add_other(struct fake_engine *engine); /* bob, with alice's PIN and code */
void fake_engine_set_tries(struct fake_engine *engine, uint32_t left); /* of all users */
/* From now on OP is answered with RC; 0: as usual. */
void fake_engine_fail(struct fake_engine *engine, enum tp_ipc_op op, int rc);
/* Requests of OP are kept and not answered until this is taken back. */
void fake_engine_stall(struct fake_engine *engine, enum tp_ipc_op op, bool stall);
/* Blocks until a request of OP is being kept. */
void fake_engine_wait_stalled(struct fake_engine *engine);
unsigned fake_engine_count(struct fake_engine *engine, enum tp_ipc_op op); /* requests so far */
/* The certificate of a credential, or the issuer's (ISSUER). A view; valid until stopped. */
struct tp_bytes fake_engine_certificate(struct fake_engine *engine, size_t number);
struct tp_bytes fake_engine_spki(struct fake_engine *engine, size_t number);
/* Of the last SIGN request. */
void fake_engine_last_sign(struct fake_engine *engine, char ret_hash_name[32], size_t *ret_data_len);

/* Blocks until COUNT requests wait for events. */
void fake_engine_wait_watched(struct fake_engine *engine, unsigned count);
/* What is kept is answered after all, and as things are now. */
void fake_engine_release(struct fake_engine *engine, enum tp_ipc_op op);

#endif
