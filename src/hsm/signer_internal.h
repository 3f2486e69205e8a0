/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the signer by URI: a token of any module, its sessions, and what lies on it.
 *
 * Apart from struct tp_hsm, which is the engine's: that one owns its token, keeps the PIN, looks for a lost token again
 * and makes keys; here the token is a person's, with a PIN or a one-time code that is good once, and a login that ends
 * stays ended.
 */
#ifndef TP_HSM_SIGNER_INTERNAL_H
#define TP_HSM_SIGNER_INTERNAL_H

#include "hsm/ckr.h"
#include "hsm/module.h"
#include "hsm/signer.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <pthread.h>

#define TP_HSM_CARD_KEYS         64 /* private keys of a token that are looked at */
#define TP_HSM_CARD_CERTIFICATES 256
#define TP_HSM_CARD_ID_MAX       255
#define TP_HSM_CARD_NAME_MAX     (32 + 1)
#define TP_HSM_CARD_SESSIONS     256

/* A token with a login. */
struct tp_hsm_card {
    struct tp_hsm_module *module;
    P11KitUri *uri;
    tp_hsm_ask_pin *ask_pin;
    void *ask_context;
    pthread_mutex_t asking; /* one question at a time */

    bool in_use; /* counted among the logins of the module */
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    char name[TP_HSM_CARD_NAME_MAX]; /* of the token, for words */

    CK_SESSION_HANDLE anchor; /* never signs: with the last session of a token its login ends (PKCS#11 §5.6) */
    bool has_anchor;
    pthread_mutex_t lock;
    pthread_cond_t came_back;
    CK_SESSION_HANDLE idle[TP_HSM_CARD_SESSIONS];
    unsigned idle_len, opened, most;
};

/* ---- the URI (signer_uri.c) ---- */

/* A relative pin-source is below FOLDER; NULL: it is refused. */
TP_MUST_USE enum tp_rc tp_hsm_card_uri_parse(const char *text, const char *folder, struct tp_error *error, P11KitUri **ret_uri);
const char *tp_hsm_card_uri_module(P11KitUri *uri);
bool tp_hsm_card_uri_has_pin(const P11KitUri *uri); /* a pin-source */
/* What the URI says of the key; none: nothing. */
struct tp_bytes tp_hsm_card_uri_id(P11KitUri *uri);
struct tp_bytes tp_hsm_card_uri_label(P11KitUri *uri);

/* ---- the token (signer_token.c) ---- */

/* Loads the module, finds the token, opens the first session and logs in. CARD is all zero before, and to be cleared
 * also when this fails. */
TP_MUST_USE enum tp_rc tp_hsm_card_open(struct tp_hsm_card *card, const struct tp_hsm_signer_config *config,
                                        struct tp_error *error);
void tp_hsm_card_clear(struct tp_hsm_card *card);
/* C_Login of SESSION; for CKU_CONTEXT_SPECIFIC, too. */
TP_MUST_USE enum tp_rc tp_hsm_card_login(struct tp_hsm_card *card, CK_SESSION_HANDLE session, CK_USER_TYPE user,
                                         struct tp_error *error);
/* Code and words for CALL's answer RV; TP_OK for CKR_OK. */
TP_MUST_USE enum tp_rc tp_hsm_card_rc(const struct tp_hsm_card *card, CK_RV rv, const char *call,
                                      struct tp_error *error);
#define TP_HSM_CARD_TRY(card, error, name, ...)                                                                        \
    TP_TRY(tp_hsm_card_rc(card, (card)->module->calls->name(__VA_ARGS__), #name, error))

/* Waits until one is free. */
TP_MUST_USE enum tp_rc tp_hsm_card_session_take(struct tp_hsm_card *card, struct tp_error *error,
                                                CK_SESSION_HANDLE *ret_session);
/* SPOILT: an operation may be left in it; it is closed. */
void tp_hsm_card_session_give(struct tp_hsm_card *card, CK_SESSION_HANDLE session, bool spoilt);

/* ---- what lies on it (signer_object.c) ---- */

struct tp_hsm_card_key {
    CK_OBJECT_HANDLE handle;
    CK_KEY_TYPE type;
    bool signs, always_authenticate;
    uint8_t id[TP_HSM_CARD_ID_MAX];
    size_t id_len;
    char label[64]; /* cut, for words */
};
struct tp_hsm_card_certificate {
    struct tp_buf der;
    uint8_t id[TP_HSM_CARD_ID_MAX];
    size_t id_len;
};
struct tp_hsm_card_certificates {
    struct tp_hsm_card_certificate at[TP_HSM_CARD_CERTIFICATES];
    size_t len;
};
void tp_hsm_card_certificates_free(struct tp_hsm_card_certificates *certificates);
TP_DEFINE_AUTO(struct tp_hsm_card_certificates, tp_hsm_card_certificates_free)

/* The private keys that the URI names; LEN at most TP_HSM_CARD_KEYS. */
TP_MUST_USE enum tp_rc tp_hsm_card_keys(struct tp_hsm_card *card, bool all, struct tp_error *error,
                                        struct tp_hsm_card_key ret_keys[TP_HSM_CARD_KEYS], size_t *ret_len);
/* All X.509 certificates; those that cannot be read are left out. */
TP_MUST_USE enum tp_rc tp_hsm_card_certificates(struct tp_hsm_card *card, struct tp_error *error,
                                                struct tp_hsm_card_certificates **ret_certificates);
/* The public half, from the private key's attributes or from the public key of the same CKA_ID; TP_NOT_FOUND without
 * words when the token does not tell. Appended. */
TP_MUST_USE enum tp_rc tp_hsm_card_spki(struct tp_hsm_card *card, const struct tp_hsm_card_key *key,
                                        struct tp_buf *ret_spki);

/* ---- choosing (signer_choose.c) ---- */

struct tp_hsm_card_choice {
    struct tp_hsm_card_key key;
    struct tp_buf spki;
    struct tp_bytes chain[TP_PKI_SIGNER_CERTIFICATES]; /* views into the certificates */
    size_t chain_len;
};
TP_MUST_USE enum tp_rc tp_hsm_card_choose(struct tp_hsm_card *card, const struct tp_hsm_card_certificates *certificates,
                                          struct tp_error *error, struct tp_hsm_card_choice *ret_choice);

#endif
