/* SPDX-License-Identifier: Apache-2.0
 *
 * Result codes, and the three macros that every room writes its error paths with.
 *
 * One code per thing that a caller may want to tell apart. The edges (p11, cli, server) map them through one table each;
 * the words for people travel in struct tp_error (error.h), never in the code.
 */
#ifndef TP_BASE_RC_H
#define TP_BASE_RC_H

#include <stddef.h>

#define TP_MUST_USE __attribute__((warn_unused_result))
#define TP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* name, exit status of the command line, words for people */
#define TP_RC_TABLE(X)                                                                                                 \
    X(OK, 0, "done")                                                                                                   \
    /* the caller's mistakes */                                                                                        \
    X(USAGE, 2, "wrong usage")                                                                                         \
    X(BAD_ARGUMENT, 1, "a value is not acceptable")                                                                    \
    X(NOT_FOUND, 1, "not found")                                                                                       \
    X(EXISTS, 1, "it is there already")                                                                                \
    X(CONFIG, 1, "the configuration is not usable")                                                                    \
    X(TOO_LARGE, 1, "larger than the limit")                                                                           \
    X(MALFORMED, 1, "not well-formed")                                                                                 \
    X(UNSUPPORTED, 1, "not supported")                                                                                 \
    /* who is asking */                                                                                                \
    X(NOT_PERMITTED, 1, "not permitted")                                                                               \
    X(NOT_LOGGED_IN, 1, "not logged in, or the login has ended")                                                       \
    X(PIN_WRONG, 1, "the PIN or the one-time code is wrong")                                                           \
    X(PIN_LOCKED, 1, "locked after too many wrong PINs or codes")                                                      \
    X(PIN_LENGTH, 1, "the PIN is too short, too long, or lacks the one-time code")                                     \
    X(OTP_STALE, 1, "that one-time code has been used")                                                                \
    X(NOT_ENROLLED, 1, "the user has not set a PIN and a second factor yet")                                           \
    X(PIN_EXPIRED, 1, "the PIN is an officer's, and good only to set another")                                         \
    /* policy */                                                                                                       \
    X(REFUSED, 1, "refused by policy")                                                                                 \
    X(KEY_UNUSABLE, 1, "the key may not be used in its present state")                                                 \
    X(MECHANISM, 1, "the mechanism is not allowed or not known")                                                       \
    X(DATA, 1, "the data to be signed is not acceptable")                                                              \
    X(DATA_LENGTH, 1, "the data to be signed has the wrong length")                                                    \
    /* the world outside */                                                                                            \
    X(TIMEOUT, 1, "no answer in time")                                                                                 \
    X(UNREACHABLE, 1, "the engine cannot be reached")                                                                  \
    X(PEER, 1, "the other side is not who it should be")                                                               \
    X(BUSY, 1, "busy; try again")                                                                                      \
    X(HSM_ABSENT, 1, "the HSM's token is not there")                                                                   \
    X(HSM_PIN, 1, "the HSM does not accept its PIN")                                                                   \
    X(HSM_SWAPPED, 1, "the token is not the one that this deployment was made with")                                   \
    X(HSM, 1, "the HSM failed")                                                                                        \
    X(KEY_DAMAGED, 1, "the stored key is damaged, or belongs elsewhere")                                               \
    X(STORE, 1, "the store failed")                                                                                    \
    X(STORE_BUSY, 1, "the store is in use by another process")                                                         \
    X(STORE_NEWER, 1, "the store was written by a newer version")                                                      \
    X(STORE_DAMAGED, 1, "the store is damaged")                                                                        \
    X(STORE_FULL, 1, "the disk is full")                                                                               \
    X(TAMPERED, 1, "a record was changed by something other than this program")                                        \
    X(IO, 1, "reading or writing failed")                                                                              \
    X(CRYPTO, 1, "a cryptographic operation failed")                                                                   \
    X(MEMORY, 1, "out of memory")                                                                                      \
    X(INTERNAL, 1, "a mistake in this program")

enum tp_rc {
#define TP_RC_ENUM(name, status, words) TP_##name,
    TP_RC_TABLE(TP_RC_ENUM)
#undef TP_RC_ENUM
        TP_RC_COUNT
};

/* "TP_NOT_FOUND"; "TP_?" for a number that is none. Static storage. */
const char *tp_rc_name(enum tp_rc rc);
/* The words of the table; static storage. */
const char *tp_rc_words(enum tp_rc rc);
/* The exit status of the command line: 0, 1 refused or failed, 2 usage. */
int tp_rc_status(enum tp_rc rc);

/* Return from the calling function with the code of CALL unless it is TP_OK. */
#define TP_TRY(call)                                                                                                   \
    do {                                                                                                               \
        enum tp_rc tp_try_rc_ = (call);                                                                                \
        if (tp_try_rc_ != TP_OK)                                                                                       \
            return tp_try_rc_;                                                                                         \
    } while (0)

/* A local that is released on every way out: struct tp_x *x TP_AUTO(tp_x_freep) = NULL.
 * Handing over means *ret = x; x = NULL. */
#define TP_AUTO(release) __attribute__((cleanup(release)))

/* Defines NAME_p(T **), the form that TP_AUTO wants, from NAME(T *). */
#define TP_DEFINE_AUTO(type, release)                                                                                  \
    static inline void release##_p(type **object)                                                                      \
    {                                                                                                                  \
        if (*object != NULL)                                                                                           \
            release(*object);                                                                                          \
    }

#endif
