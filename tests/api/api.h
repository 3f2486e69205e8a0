/* SPDX-License-Identifier: Apache-2.0
 *
 * A randomised tester of the module's interface: call after call, valid and not, each answer compared with what a model
 * of the specification's state machine says. Seeded: the same seed makes the same calls. The engine is the unit tests'
 * fake one, with two users, and so two slots, each with a login of its own, and keys that want a login for each
 * signature.
 *
 *   api.c              the program: which call comes next, and what is told when an answer differs
 *   model.c            the model's state, and what is common to many calls
 *   calls_session.c    sessions, logins, slots      calls_object.c      objects and searches
 *   calls_operation.c  digests, signatures, verification, messages
 */
#ifndef TP_TESTS_API_H
#define TP_TESTS_API_H

#include "../unit/p11/fake_engine.h"
#include "trustp11/cryptoki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSIONS_MAX 12
#define OWN_MAX      16 /* session objects */
#define SLOTS        2
#define KEYS         3   /* of each slot */
#define ROOM         600 /* bytes for any output */

/* ---- chance ---- */

uint64_t chance(uint64_t below); /* 0 … below-1 */
static inline bool one_in(uint64_t n)
{
    return chance(n) == 0;
}

/* ---- the model ---- */

enum key_type { RSA, EC };

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum key_type key_type; /* that it is for */
    size_t least, most;     /* bytes of data; most 0: any, it is hashed */
};

struct operation {
    const struct mechanism *mechanism; /* NULL: none is active */
    const struct key *key;
    bool in_parts;
    size_t len;      /* given in parts */
    bool authorised; /* by a login for this signature */
};

struct session {
    CK_SESSION_HANDLE handle; /* 0: not open */
    struct slot *slot;
    bool rw, find;
    size_t find_left;  /* objects that the search has still to tell */
    size_t digest_len; /* of the active digest's value; 0: none is active */
    bool digest_in_parts;
    struct operation sign, verify;
    struct operation message_sign, message_sign_now;
};

/* Objects on the token: they are always there; private ones are seen while logged in. */
struct key {
    struct slot *slot;
    const char *label;
    enum key_type type;
    bool always_authenticate;
    CK_OBJECT_HANDLE private_key, public_key, certificate; /* as long as the module is initialised */
    size_t signature_len;
};

struct own { /* a session object: a public key */
    CK_OBJECT_HANDLE handle;
    struct session *session;
    const struct key *key;
};

struct slot {
    CK_SLOT_ID id;
    const char *user, *pin, *pin_code;
    bool logged_in, officer; /* the user; the SO */
    unsigned malformed;      /* PINs */
    struct key key[KEYS];
    size_t on_token; /* objects that all see */
    CK_BYTE modulus[256];
};

struct model {
    bool initialised;
    struct slot slot[SLOTS];
    struct session session[SESSIONS_MAX];
    struct own own[OWN_MAX];
    struct fake_engine *engine;
    uint64_t authorised; /* signatures that were made after a login of their own */
};
extern struct model model;

/* One of the sessions, or in one of ten cases none of them: then *RET_HANDLE is no session's. */
struct session *pick_session(CK_SESSION_HANDLE *ret_handle);
unsigned open_sessions(const struct slot *slot);
struct slot *any_slot(void);
/* What every function of a session says first. */
CK_RV expect_session(const struct session *session);
void session_gone(struct session *session);
void all_gone(void); /* C_Finalize */
/* After C_Initialize: the handles of what is on the token. */
void learn_handles(void);
struct own *own_of(CK_OBJECT_HANDLE handle);

enum what { NO_OBJECT, PRIVATE_KEY, PUBLIC_KEY, CERTIFICATE, OWN_KEY };
struct object {
    enum what what;
    const struct key *key; /* NULL of none */
};
/* As SESSION sees it (NULL: it does not matter): what is in another slot is no object. */
CK_OBJECT_HANDLE pick_object(const struct session *session, struct object *ret_object);
CK_OBJECT_CLASS class_of(enum what what);

/* Fails the run unless GOT is EXPECTED. */
void expect(const char *function, CK_RV got, CK_RV expected);
void require(bool condition, const char *what);

/* Data for a call: usually good; sometimes NULL with a length, or of a length that no memory has. A view of static
 * bytes. */
struct data {
    CK_BYTE *bytes;
    CK_ULONG len;
};
struct data pick_data(size_t most);
bool is_bad(struct data data);

/* Room for an output. The bytes behind it must stay as they are: room_check. */
struct room {
    CK_BYTE bytes[ROOM + 16];
    CK_ULONG len, told; /* TOLD: len before the call */
    bool none, no_len;  /* pBuffer NULL; pulLen NULL */
};
void room_pick(struct room *room, size_t needed);
void room_check(const struct room *room);
/* What the rule for outputs says when NEEDED bytes come (3.0 §5.2); CKR_OK: they are written, or, without a buffer,
 * told. */
CK_RV expect_room(const struct room *room, size_t needed);

struct call {
    const char *name;
    unsigned weight;
    void (*make)(void);
};
extern const struct call session_calls[], object_calls[], operation_calls[]; /* a row without a name ends each */

#endif
