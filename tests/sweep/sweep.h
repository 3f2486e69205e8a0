/* SPDX-License-Identifier: Apache-2.0
 *
 * Every C_ function of PKCS#11 3.2 with every kind of bad argument, one at a time: NULL, lengths that are 0, 1 or
 * longer than any memory, odd addresses, handles of nothing, of what is gone, of another token; before C_Initialize,
 * after C_Finalize and in a child of fork. Each answer is one that the specification has for that function, nothing
 * outside of the arguments is written or read (each lies against a page that nobody may touch), and nothing else has
 * changed: after each bad call the good one is answered as before.
 *
 *   table.c       the functions: parameters, the good call, the codes that the specification lists
 *   state.c       the token's state: what must be there before a call, and be as it was after it
 *   place.c       memory for arguments
 *   build.c       the good call's arguments
 *   vary.c        what is done to them
 *   parameters.c  mechanisms' parameters that say what cannot be
 *   sweep.c       the program
 */
#ifndef TP_TESTS_SWEEP_H
#define TP_TESTS_SWEEP_H

#include "trustp11/cryptoki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- parameters ---- */

/* Kinds whose arguments are numbers, and pointers. A LEN or COUNT is that of the parameter before it. */
#define NUMBER_KINDS(X)                                                                                                \
    X(SESSION)                                                                                                         \
    X(EXTRA_SESSION) /* one that the call may close */                                                                 \
    X(SLOT)                                                                                                            \
    X(EXTRA_SLOT) /* one whose sessions the call may close */                                                          \
    X(KEY)                                                                                                             \
    X(OBJECT)                                                                                                          \
    X(NUMBER) /* flags, types: the row says which */                                                                   \
    X(DONT_BLOCK)                                                                                                      \
    X(LEN)                                                                                                             \
    X(COUNT)                                                                                                           \
    X(MOST)
#define POINTER_KINDS(X)                                                                                               \
    X(MECHANISM)                                                                                                       \
    X(TEMPLATE)                                                                                                        \
    X(PRIVATE_TEMPLATE)                                                                                                \
    X(GET_TEMPLATE)                                                                                                    \
    X(DATA)                                                                                                            \
    X(PIN) /* and code */                                                                                              \
    X(NEW_PIN)                                                                                                         \
    X(USERNAME)                                                                                                        \
    X(LABEL)                                                                                                           \
    X(WRAPPED) /* a key, by the row's mechanism */                                                                     \
    X(SIGNATURE)                                                                                                       \
    X(PARAMETER) /* of a message */                                                                                    \
    X(NAME)                                                                                                            \
    X(VERSION)                                                                                                         \
    X(RECORD) /* what is filled in: a struct, a handle, a number */                                                    \
    X(OUT)    /* bytes or items; the row says how large one is */                                                      \
    X(OUT_LEN)                                                                                                         \
    X(OBJECTS) /* room for handles */                                                                                  \
    X(RANDOM)  /* room for random bytes */                                                                             \
    X(RESERVED)                                                                                                        \
    X(ANY) /* whatever it is, it is not looked at */

#define AS_ENUM(kind) kind,
enum kind { NOTHING, YES_NO, CALLBACK, NUMBER_KINDS(AS_ENUM) POINTER_KINDS(AS_ENUM) KINDS };
#undef AS_ENUM

union value {
    CK_ULONG number;
    void *pointer;
};

#define PARAMS_MAX 10

/* ---- the table ---- */

enum key { NO_KEY, RSA_PRIVATE, RSA_PUBLIC, EC_PRIVATE, EC_PUBLIC, SECRET, EXTRA_OBJECT, KEYS_COUNT };
enum which_mechanism {
    NO_MECHANISM,
    RSA_SHA256,
    RSA_PSS,
    ECDSA,
    SHA256,
    AES_CBC,
    AES_GCM,
    AES_GENERATE,
    EC_GENERATE,
    AES_WRAP,
    ECDH,
    MECHANISMS
};
enum which_template {
    NO_TEMPLATE,
    CREATE,
    COPY,
    FIND,
    CHANGE,
    GET,
    NEW_SECRET,
    UNWRAPPED,
    NEW_PUBLIC,
    NEW_PRIVATE,
    TEMPLATES
};

struct row {
    const char *name;
    CK_RV (*call)(const union value *values);
    enum kind kinds[PARAMS_MAX]; /* NOTHING ends */
    /* of the good call */
    enum which_mechanism mechanism;
    enum key key;
    enum which_template template;
    CK_ULONG number;
    size_t size; /* of a RECORD, or of one item of OUT; 0: a handle, a byte */
    void (*before)(const struct row *row);
    CK_RV good;         /* its answer */
    const CK_RV *codes; /* other answers of the specification; CKR_OK ends */
    bool optional;      /* the module may not have it */
    bool early;         /* needs no C_Initialize */
    bool bounded;       /* its mechanism takes short data only */
    bool more;          /* what it gives or takes at the end may be NULL: more parts come */
};
extern const struct row rows[];
extern const size_t rows_len;
bool has_kind(const struct row *row, enum kind kind);
void table_check(void); /* all functions of 3.2, in their order */

/* ---- the token ---- */

#define SESSIONS_BAD 6
#define OBJECTS_BAD  6
#define LEN_MAX      512

struct token {
    CK_SESSION_HANDLE session, watcher, extra;
    CK_OBJECT_HANDLE key[KEYS_COUNT];
    CK_SESSION_HANDLE no_session[SESSIONS_BAD];
    CK_OBJECT_HANDLE no_object[OBJECTS_BAD];
    CK_BYTE signature[MECHANISMS][LEN_MAX]; /* of data */
    CK_ULONG signature_len[MECHANISMS];
    CK_BYTE wrapped[LEN_MAX]; /* the secret key, by itself; something else where the module wraps none */
    CK_ULONG wrapped_len;
};
extern struct token token;
extern CK_BYTE data[32];
extern const char pin[], new_pin[], username[]; /* the new PIN is the old one */

void token_start(void);
void token_stop(void);
void token_open(void); /* C_Initialize, and all that the table names */

struct state {
    CK_STATE session;
    CK_ULONG sessions, rw_sessions, objects;
};
struct state state_now(void);
bool state_equal(const struct state *a, const struct state *b);
/* After a call: nothing is active, what it made is gone, the user is logged in. */
void state_tidy(const struct row *row, const union value *values, CK_RV rv);

/* What must be so before the call of a row. */
void before_log_out(const struct row *row);
void before_extra_session(const struct row *row);
void before_extra_object(const struct row *row);
void before_find(const struct row *row);
void before_digest(const struct row *row);
void before_sign(const struct row *row);
void before_verify(const struct row *row);
void before_verify_parts(const struct row *row);
void before_verify_signature(const struct row *row);
void before_verify_signature_parts(const struct row *row);
void before_message_sign(const struct row *row);
void before_message_sign_begun(const struct row *row);
void before_message_verify(const struct row *row);
void before_message_verify_begun(const struct row *row);
void before_encrypt(const struct row *row);
void before_decrypt(const struct row *row);
void before_message_encrypt(const struct row *row);
void before_message_encrypt_begun(const struct row *row);
void before_message_decrypt(const struct row *row);
void before_message_decrypt_begun(const struct row *row);

/* ---- arguments ---- */

struct piece {
    CK_ATTRIBUTE_TYPE type;
    const void *bytes;
    CK_ULONG len;
    bool fixed; /* the specification says how long the value is */
};
struct pieces {
    const struct piece *list;
    CK_ULONG count;
};
struct pieces template_of(const struct row *row, enum kind kind);
const CK_MECHANISM *mechanism_of(enum which_mechanism which);

/* Each parameter has the place of its number; behind them lie the values of templates, and a mechanism's parameter. */
#define VALUES_MAX      10
#define VALUE_PLACE     PARAMS_MAX
#define PARAMETER_PLACE (VALUE_PLACE + 2 * VALUES_MAX) /* a call has two templates at most */
#define PLACES          (PARAMETER_PLACE + 1)
unsigned value_place(enum kind kind, CK_ULONG index); /* of a template of KIND */

enum { ODD = 1, WRITABLE = 2 };
/* LEN bytes (a copy of BYTES, or of no meaning when NULL) that end where nobody may read; with ODD, at an odd address.
 */
void *place_put(unsigned place, const void *bytes, size_t len, unsigned flags);
void *place_again(unsigned place, size_t len, unsigned flags); /* the same bytes, as far as they reach */
size_t place_len(unsigned place);
void place_clear(void);
const char *place_check(void); /* NULL: nothing was written but into WRITABLE places */

void build(const struct row *row, union value *values);
void build_needed(const struct row *row); /* how much an OUT is, found out once a row */

void sweep_parameters(void);

enum how { EXACTLY, REFUSED, ALLOWED };
struct attempt {
    const struct row *row;
    union value values[PARAMS_MAX];
    char words[160];
    enum how how;
    CK_RV rv;    /* EXACTLY */
    bool always; /* also where the function is not supported */
};
/* The NUMBER-th bad variant of PARAM of the good call that ATTEMPT holds; false: there is none. */
bool vary(struct attempt *attempt, unsigned param, unsigned number);

/* Ends the program. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
