/* SPDX-License-Identifier: Apache-2.0
 *
 * The backend HSM, as a client of PKCS#11: one token of any module that p11-kit can load.
 *
 * Everything that the service does with keys is a verb here, so that no other room knows a CK_ type. A token that is
 * lost (module error, card pulled, HSM rebooted) is looked for again by the next caller, without a restart; session
 * objects die with it, and the key cache loads them again through its caller's callback. A vendor's call cannot be
 * cancelled: a call that overstays TP_HSM_STUCK_MS takes the token out of service until it returns (architecture: A signature,
 * step 5).
 *
 * Errors: TP_HSM_ABSENT (no such token, or it does not answer), TP_HSM_PIN, TP_HSM_SWAPPED (another token under the
 * same label), TP_KEY_DAMAGED (a blob that does not unwrap, under whatever code the module says it), TP_UNSUPPORTED,
 * TP_TIMEOUT (no session free by the deadline), TP_HSM (anything else, with CKR name in the words).
 */
#ifndef TP_HSM_HSM_H
#define TP_HSM_HSM_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

#define TP_HSM_MAC_LEN       32    /* HMAC-SHA-256 */
#define TP_HSM_SIGNATURE_MAX 1024  /* RSA-8192 */
#define TP_HSM_STUCK_MS      20000 /* a single C_ call longer than this counts as stuck */

struct tp_hsm;         /* a token; threads share it */
struct tp_hsm_session; /* a session of it; one thread at a time */
struct tp_hsm_key;     /* an unwrapped user or service key, pinned in the cache while one holds it */

/* ---- the token ---- */

struct tp_hsm_config {
    const char *uri; /* pkcs11:token=NAME[;serial=…]?module-path=/….so&pin-source=file:/…; pin-value is refused: a PIN
                      * does not belong into a configuration */
    unsigned sessions;  /* sessions in the pool; each worker keeps one */
    size_t cached_keys; /* most unwrapped keys at one time; least recently used go first */
    int64_t stuck_ms;   /* a single C_ call longer than this counts as stuck; 0: TP_HSM_STUCK_MS */
};

/* Loads the module, finds the token, logs in. Does not need the token's keys to be there. Strings are copied. */
TP_MUST_USE enum tp_rc tp_hsm_open(const struct tp_hsm_config *config, struct tp_error *error, struct tp_hsm **ret_hsm);
void tp_hsm_close(struct tp_hsm *hsm); /* all sessions must be back */
TP_DEFINE_AUTO(struct tp_hsm, tp_hsm_close)

struct tp_hsm_info {
    char module[128], token[33], manufacturer[33], model[17], serial[17];
    bool present;   /* as the last call found it: none has met a loss since, none is stuck */
    unsigned stuck; /* calls that have overstayed */
    unsigned sessions_free;
    size_t cached_keys;
    uint64_t losses; /* how often the token was lost since the engine started */
};
void tp_hsm_info(struct tp_hsm *hsm, struct tp_hsm_info *ret_info);

/* Takes a session from the pool, waiting for one until DEADLINE_MS (monotonic); finds a lost token again first. */
TP_MUST_USE enum tp_rc tp_hsm_session_acquire(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error,
                                              struct tp_hsm_session **ret_session);
void tp_hsm_session_release(struct tp_hsm_session *session);
TP_DEFINE_AUTO(struct tp_hsm_session, tp_hsm_session_release)
/* For a worker that keeps its session: opens it anew, in place, when the token was lost (each verb then answers
 * TP_HSM_ABSENT), and finds the token again first. Nothing happens when the session is good. */
TP_MUST_USE enum tp_rc tp_hsm_session_renew(struct tp_hsm_session *session, int64_t deadline_ms,
                                            struct tp_error *error);

/* Whether URI names a token, its module and a place for its PIN, as tp_hsm_open wants it. TP_CONFIG with words. */
TP_MUST_USE enum tp_rc tp_hsm_uri_check(const char *uri, struct tp_error *error);

/* ---- what it can do ---- */

enum tp_hsm_key_type {
    TP_HSM_RSA_2048 = 1,
    TP_HSM_RSA_3072,
    TP_HSM_RSA_4096,
    TP_HSM_P256,
    TP_HSM_P384,
    TP_HSM_P521,
    TP_HSM_ED25519,
    TP_HSM_KEY_TYPE_END
};
const char *tp_hsm_key_type_name(enum tp_hsm_key_type type); /* "rsa-2048", "p-256", "ed25519" … */
TP_MUST_USE enum tp_rc tp_hsm_key_type_parse(const char *name, enum tp_hsm_key_type *ret_type);

struct tp_hsm_abilities {
    struct {
        bool generate, wrap, unwrap, sign;
        char why_not[TP_ERROR_WORDS_LEN]; /* the first thing that failed, with its CKR name; "" when all is well */
    } key[TP_HSM_KEY_TYPE_END];
    const char *wrap_mechanism; /* "CKM_AES_KEY_WRAP_PAD", … or NULL when there is none that we know */
    bool hmac_sha256, aes_cbc_pad, rsa_oaep_wrap, random;
    bool import; /* takes keys that were made elsewhere; tried with a P-256 key */
    char import_why_not[TP_ERROR_WORDS_LEN];
};
/* Tries each thing with session objects that are destroyed again. RSA sizes above 2048 are judged from the mechanism's
 * limits rather than generated, which would take minutes. */
TP_MUST_USE enum tp_rc tp_hsm_probe(struct tp_hsm_session *session, struct tp_error *error,
                                    struct tp_hsm_abilities *ret_abilities);

/* ---- token keys (architecture: Keys) ---- */

enum tp_hsm_role {
    TP_HSM_ROLE_KEK,  /* "kek/N": AES-256, wrap and unwrap only: over user wrapping keys and service keys */
    TP_HSM_ROLE_PIN,  /* "pin/N": HMAC: PIN verifiers and enrolment codes */
    TP_HSM_ROLE_SEAL, /* "seal/N": HMAC: sealing keys from PINs */
    TP_HSM_ROLE_ROW,  /* "row/N": HMAC: row MACs and the tree head */
    TP_HSM_ROLE_OTP,  /* "otp/N": AES-256, encrypt and decrypt only: OTP secrets */
    TP_HSM_ROLE_END
};
const char *tp_hsm_role_name(enum tp_hsm_role role);

/* Makes generation 1 of every role: an extractable session key, wrapped once to the backup custodians' RSA public key
 * (CUSTODIAN_SPKI, DER; none: no backup is made, and none can ever be), copied onto the token non-extractable, and the
 * session copy destroyed. RET_BACKUPS[role] receives the wrapped key (CKM_RSA_PKCS_OAEP) or stays empty. Refuses with
 * TP_EXISTS when the token holds any of them. On failure nothing is left on the token. */
TP_MUST_USE enum tp_rc tp_hsm_token_keys_make(struct tp_hsm_session *session, struct tp_bytes custodian_spki,
                                              struct tp_error *error, struct tp_buf ret_backups[TP_HSM_ROLE_END]);
/* Finds them by label, checks their attributes (KEK neither extractable nor able to decrypt, …) and remembers their
 * handles; from then on each new login does so by itself. Must succeed before the verbs below are used. TP_NOT_FOUND
 * when one is missing, TP_KEY_UNUSABLE when one is not as tp_hsm_token_keys_make makes it, or there are two of a name.
 */
TP_MUST_USE enum tp_rc tp_hsm_token_keys_find(struct tp_hsm_session *session, struct tp_error *error);

/* Takes the token's keys away again: for an `init` that failed after they were made, and for nothing else, since
 * whatever they wrap is lost with them. */
void tp_hsm_token_keys_remove(struct tp_hsm_session *session);

/* HMAC-SHA-256 under pin, seal or row; of a ‖ b. */
TP_MUST_USE enum tp_rc tp_hsm_mac(struct tp_hsm_session *session, enum tp_hsm_role role, struct tp_bytes a,
                                  struct tp_bytes b, struct tp_error *error, uint8_t ret_mac[TP_HSM_MAC_LEN]);
/* Under otp (AES-CBC-PAD, IV in front, from the HSM's or libcrypto's generator; integrity is the row MAC's business).
 */
TP_MUST_USE enum tp_rc tp_hsm_encrypt(struct tp_hsm_session *session, struct tp_bytes clear, struct tp_error *error,
                                      struct tp_buf *ret_cipher);
TP_MUST_USE enum tp_rc tp_hsm_decrypt(struct tp_hsm_session *session, struct tp_bytes cipher, struct tp_error *error,
                                      struct tp_secret **ret_clear);

/* ---- user wrapping keys and user keys ---- */

/* A new user wrapping key, wrapped by the KEK (appended to RET_WRAPPED); no copy stays in the HSM. */
TP_MUST_USE enum tp_rc tp_hsm_uwk_generate(struct tp_hsm_session *session, struct tp_error *error,
                                           struct tp_buf *ret_wrapped);
/* A new key pair as session objects: the private key wrapped by the user wrapping key WRAPPED_UWK; with an empty
 * WRAPPED_UWK by the KEK (service keys). RET_SPKI is DER. The session objects are destroyed. */
TP_MUST_USE enum tp_rc tp_hsm_key_generate(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk,
                                           enum tp_hsm_key_type type, struct tp_error *error,
                                           struct tp_secret **ret_wrapped, struct tp_buf *ret_spki);

/* A private key that was made elsewhere: PKCS8, as tp_pki_private_key_parse gives it, with its public half. It goes into
 * the HSM wrapped by a key that only this HSM can unwrap, signs there to prove that it is SPKI's, and comes out as
 * tp_hsm_key_generate's do. The session objects are destroyed. */
TP_MUST_USE enum tp_rc tp_hsm_key_import(struct tp_hsm_session *session, struct tp_bytes wrapped_uwk,
                                         enum tp_hsm_key_type type, struct tp_bytes pkcs8, struct tp_bytes spki,
                                         struct tp_error *error, struct tp_secret **ret_wrapped);

/* Supplies what is needed to unwrap: called without any lock held, only when the key is not in the cache. */
struct tp_hsm_wrapped {
    enum tp_hsm_key_type type;
    struct tp_buf uwk;     /* wrapped by the KEK; empty for service keys */
    struct tp_secret *key; /* wrapped by the user wrapping key */
};
void tp_hsm_wrapped_clear(struct tp_hsm_wrapped *wrapped);
typedef enum tp_rc tp_hsm_load_fn(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped);

/* The unwrapped key ID, from the cache or through LOAD; it stays until put back. The whole template is given to the
 * HSM: SIGN only, SENSITIVE, not EXTRACTABLE. */
TP_MUST_USE enum tp_rc tp_hsm_key_get(struct tp_hsm_session *session, const char *id, tp_hsm_load_fn *load,
                                      void *context, struct tp_error *error, struct tp_hsm_key **ret_key);
void tp_hsm_key_put(struct tp_hsm_key *key);
/* Destroys the unwrapped key ID, at once or when its last holder puts it back. */
void tp_hsm_key_forget(struct tp_hsm *hsm, const char *id);

enum tp_hsm_mechanism {
    TP_HSM_RSA_PKCS = 1, /* data: a DigestInfo */
    TP_HSM_RSA_PSS,      /* data: a hash; hash, mgf1 and salt_len below */
    TP_HSM_ECDSA,        /* data: a hash; the signature is r ‖ s */
    TP_HSM_EDDSA         /* data: the message */
};
struct tp_hsm_sign_params {
    enum tp_hsm_mechanism mechanism;
    unsigned hash_bits; /* PSS: 160, 224, 256, 384, 512 (SHA-1/SHA-2) */
    unsigned mgf_bits;  /* PSS: the hash of MGF1 */
    unsigned salt_len;  /* PSS */
};
/* RET_SIGNATURE has TP_HSM_SIGNATURE_MAX bytes. If the token was lost meanwhile: TP_HSM_ABSENT; get the key and try
 * again. */
TP_MUST_USE enum tp_rc tp_hsm_sign(struct tp_hsm_session *session, struct tp_hsm_key *key,
                                   const struct tp_hsm_sign_params *params, struct tp_bytes data,
                                   struct tp_error *error, uint8_t *ret_signature, size_t *ret_signature_len);

#endif
