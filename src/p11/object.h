/* SPDX-License-Identifier: Apache-2.0
 *
 * One object: immutable once made, shared by reference. What changes on the token is made anew under the same handle.
 */
#ifndef TP_P11_OBJECT_H
#define TP_P11_OBJECT_H

#include "base/crypto.h"
#include "base/ids.h"
#include "base/secret.h"
#include "ipc/messages.pb-c.h"
#include "p11/attribute.h"
#include "p11/key.h"

#include <stdatomic.h>

enum tp_p11_role {
    TP_P11_CERTIFICATE, /* of a key of the token */
    TP_P11_ISSUER,      /* in the chain of one; or a certificate that a program brings along */
    TP_P11_STRANGER,    /* a certificate beside keys */
    TP_P11_PUBLIC_KEY,
    TP_P11_PRIVATE_KEY,
    TP_P11_DATA,
    TP_P11_PROFILE
};

struct tp_p11_object {
    atomic_uint refs;
    CK_OBJECT_HANDLE handle;
    CK_SESSION_HANDLE owner; /* of a session object; 0: a token object */
    CK_OBJECT_CLASS class;
    bool is_private;
    bool always_authenticate;
    enum tp_p11_role role;
    char engine_id[TP_ID_LEN];       /* what the engine calls the key, or the object beside keys; "": is none of either */
    uint8_t identity[TP_SHA256_LEN]; /* token objects: the same thing has the same identity, and so the same handle */
    uint8_t content[TP_SHA256_LEN];  /* and the same content as long as nothing about it has changed */
    struct tp_p11_key key;           /* keys */
    struct tp_secret *secret;        /* secret keys: the value, which is nowhere else; NULL for all others */
    struct tp_p11_attributes attributes;
};

struct tp_p11_object *tp_p11_object_ref(struct tp_p11_object *object);
void tp_p11_object_unref(struct tp_p11_object *object); /* NULL is allowed */
TP_DEFINE_AUTO(struct tp_p11_object, tp_p11_object_unref)

/* What of a token is seen before a login: all but the private keys; those too (login = session); nothing, where it is
 * everybody's. */
enum tp_p11_privacy { TP_P11_KEYS_PRIVATE, TP_P11_NONE_PRIVATE, TP_P11_ALL_PRIVATE };

/* What an object is made of. */
struct tp_p11_source {
    enum tp_p11_role role;
    const Tp__Ipc__Credential *credential; /* keys of the token and their certificates; else NULL */
    const Tp__Ipc__TokenObject *beside;    /* what lies beside keys; else NULL */
    struct tp_bytes certificate;           /* DER; of the credential, or one of its own; may be empty for keys */
    struct tp_bytes spki;                  /* DER; keys */
    CK_ULONG profile;
    enum tp_p11_privacy privacy;
};
TP_MUST_USE enum tp_rc tp_p11_object_make(const struct tp_p11_source *source, struct tp_error *error,
                                          struct tp_p11_object **ret_object);

/* ---- objects that callers make (C_CreateObject, C_CopyObject, C_SetAttributeValue) ---- */

CK_RV tp_p11_object_create(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_error *error,
                           struct tp_p11_object **ret_object);
/* A copy of ORIGINAL with what the template changes: CKA_TOKEN, CKA_LABEL, CKA_ID, CKA_PRIVATE (to true only),
 * CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE. Anything else must be as it was: CKR_ATTRIBUTE_READ_ONLY. */
CK_RV tp_p11_object_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                         struct tp_p11_object **ret_object);

#endif
