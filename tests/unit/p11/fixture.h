/* SPDX-License-Identifier: Apache-2.0
 *
 * A configured module with a fake engine behind it. Criterion runs each test in a process of its own, so each has the
 * module and the environment to itself.
 */
#ifndef TP_TESTS_P11_FIXTURE_H
#define TP_TESTS_P11_FIXTURE_H

#include "fake_engine.h"
#include "trustp11/cryptoki.h"

#include <criterion/criterion.h>

/* An attribute of a template whose value is a string literal. */
#define TEXT(type, string)                                                                                             \
    {                                                                                                                  \
        type, (void *)(string), sizeof(string) - 1                                                                     \
    }

struct fixture {
    char folder[64], socket_path[96], conf_path[96];
    struct fake_engine *engine;
    CK_SESSION_HANDLE session; /* R/W, of slot 0 */
};

/* Engine, configuration file (EXTRA: further lines) and $TRUSTP11_CONF; C_Initialize is left to the test. */
void fixture_prepare(struct fixture *fixture, const char *extra);
/* The same, initialised and with a session open. */
void fixture_open(struct fixture *fixture, const char *extra);
void fixture_close(struct fixture *fixture); /* C_Finalize when it is initialised; stops the engine */
void fixture_write_conf(struct fixture *fixture, const char *text);

CK_SESSION_HANDLE open_session(CK_SLOT_ID slot, CK_FLAGS flags);
CK_RV login(CK_SESSION_HANDLE session, const char *pin);
CK_STATE state_of(CK_SESSION_HANDLE session);
/* The objects that match; returns how many, of which at most MOST are stored. */
CK_ULONG find_all(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *objects,
                  CK_ULONG most);
/* The one object of CLASS whose label is LABEL, or CK_INVALID_HANDLE. */
CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label);
CK_RV sign(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const void *data, size_t len,
           CK_BYTE *signature, CK_ULONG *signature_len);
CK_RV verify(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const void *data, size_t len,
             CK_BYTE *signature, CK_ULONG signature_len);
/* An attribute as a number, or CK_UNAVAILABLE_INFORMATION. */
CK_ULONG get_ulong(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
int get_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type); /* -1: cannot be read */
/* A secret key of the session, brought along with what MORE says of it. */
CK_OBJECT_HANDLE bring_key(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value, size_t len,
                           const CK_ATTRIBUTE *more, CK_ULONG count);
size_t unhex(const char *text, CK_BYTE *ret_bytes);
size_t get_bytes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *bytes, size_t room);

#endif
