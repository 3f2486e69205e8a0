/* SPDX-License-Identifier: Apache-2.0
 *
 * Which attribute which object has, and where its value comes from: one table (PKCS#11 3.0 §4).
 *
 * SIGN is true whatever the state of the credential: the engine alone says whether a key may be used now, and a client
 * that once saw a suspended key must find it again when it is resumed. LOCAL, ALWAYS_SENSITIVE and NEVER_EXTRACTABLE
 * are said of keys that were made in the HSM; one that was imported has been elsewhere.
 */
#include "p11/object.h"
#include "p11/der.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

#define SHA1_LEN 20

struct tp_p11_object *tp_p11_object_ref(struct tp_p11_object *object)
{
    (void)atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
    return object;
}

void tp_p11_object_unref(struct tp_p11_object *object)
{
    if (object == NULL || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
        return;
    tp_p11_attributes_clear(&object->attributes);
    tp_secret_free(object->secret);
    free(object);
}

/* ---- values ---- */

struct making {
    const struct tp_p11_source *source;
    struct tp_p11_certificate certificate; /* all none when there is none */
    struct tp_bytes key_bits;              /* of the key, or of the certificate's */
    char subject[TP_PKI_DN_MAX];           /* issuers: for people */
    struct tp_p11_object *object;
};

struct row {
    CK_ATTRIBUTE_TYPE type;
    unsigned roles; /* bits 1 << enum tp_p11_role */
    enum tp_rc (*put)(const struct making *making, const struct row *row);
    CK_ULONG number;
};

static enum tp_rc put(const struct making *making, const struct row *row, struct tp_bytes value)
{
    return tp_p11_attributes_add(&making->object->attributes, row->type, value);
}

static enum tp_rc put_bool(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, row->number != 0);
}

static enum tp_rc put_number(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, row->number);
}

static enum tp_rc put_nothing(const struct making *making, const struct row *row)
{
    return put(making, row, TP_BYTES_NONE);
}

static enum tp_rc put_token(const struct making *making, const struct row *row)
{
    const struct tp_p11_source *source = making->source;
    bool token = source->credential != NULL || source->beside != NULL || source->role != TP_P11_PUBLIC_KEY;
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, token);
}

static enum tp_rc put_private(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, making->object->is_private);
}

static enum tp_rc put_always_authenticate(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, making->object->always_authenticate);
}

static bool was_made_here(const struct making *making)
{
    const Tp__Ipc__Credential *credential = making->source->credential;
    return credential != NULL && !credential->imported;
}

static enum tp_rc put_local(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, was_made_here(making));
}

static enum tp_rc put_generated_with(const struct making *making, const struct row *row)
{
    static const CK_MECHANISM_TYPE by_kind[] = {[TP_P11_RSA] = CKM_RSA_PKCS_KEY_PAIR_GEN,
                                                [TP_P11_EC] = CKM_EC_KEY_PAIR_GEN,
                                                [TP_P11_ED] = CKM_EC_EDWARDS_KEY_PAIR_GEN};
    CK_ULONG mechanism = was_made_here(making) ? by_kind[making->object->key.kind]
                                               : CK_UNAVAILABLE_INFORMATION; /* 3.0 §4.7: not LOCAL */
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, mechanism);
}

static enum tp_rc put_allowed(const struct making *making, const struct row *row)
{
    CK_MECHANISM_TYPE types[TP_P11_MECHANISMS_MAX];
    size_t count = tp_p11_mechanism_allowed(making->object->key.kind, row->number, types);
    return put(making, row, TP_BYTES(types, count * sizeof(types[0])));
}

/* The first LEN bytes of the SHA-1 hash. */
static enum tp_rc put_hash(const struct making *making, const struct row *row, struct tp_bytes of, size_t len)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    const EVP_MD *sha1 = tp_crypto_digest("SHA1");
    if (sha1 == NULL || EVP_Digest(of.data, of.len, hash, NULL, sha1, NULL) != 1)
        return TP_CRYPTO;
    return put(making, row, TP_BYTES(hash, len));
}

/* An issuer has no label of its own: its name will do. */
static const char *label_of(const struct making *making)
{
    const struct tp_p11_source *source = making->source;
    if (source->beside != NULL)
        return source->beside->label;
    if (source->credential == NULL)
        return making->subject;
    bool own = source->role == TP_P11_CERTIFICATE && source->credential->certificate_label[0] != '\0';
    return own ? source->credential->certificate_label : source->credential->label;
}

static enum tp_rc put_label(const struct making *making, const struct row *row)
{
    return put(making, row, tp_bytes_of_string(label_of(making)));
}

static enum tp_rc put_application(const struct making *making, const struct row *row)
{
    return put(making, row, tp_bytes_of_string(making->source->beside->application));
}

static enum tp_rc put_object_id(const struct making *making, const struct row *row)
{
    const ProtobufCBinaryData *id = &making->source->beside->object_id;
    return put(making, row, TP_BYTES(id->data, id->len));
}

static enum tp_rc put_data(const struct making *making, const struct row *row)
{
    const ProtobufCBinaryData *value = &making->source->beside->value;
    return put(making, row, TP_BYTES(value->data, value->len));
}

/* All that belongs to one key has one ID (Java, gnupg and NSS find the key of a certificate by it). */
static enum tp_rc put_id(const struct making *making, const struct row *row)
{
    const Tp__Ipc__Credential *credential = making->source->credential;
    if (credential != NULL && credential->cka_id.len > 0)
        return put(making, row, TP_BYTES(credential->cka_id.data, credential->cka_id.len));
    const Tp__Ipc__TokenObject *beside = making->source->beside;
    if (beside != NULL && beside->cka_id.len > 0)
        return put(making, row, TP_BYTES(beside->cka_id.data, beside->cka_id.len));
    return put_hash(making, row, making->key_bits, SHA1_LEN); /* RFC 5280 §4.2.1.2 (1), as the engine does */
}

static enum tp_rc put_subject(const struct making *making, const struct row *row)
{
    return put(making, row, making->certificate.subject);
}

static enum tp_rc put_issuer(const struct making *making, const struct row *row)
{
    return put(making, row, making->certificate.issuer);
}

static enum tp_rc put_serial(const struct making *making, const struct row *row)
{
    return put(making, row, making->certificate.serial);
}

static enum tp_rc put_certificate(const struct making *making, const struct row *row)
{
    return put(making, row, making->source->certificate);
}

static enum tp_rc put_certificate_key(const struct making *making, const struct row *row)
{
    return put(making, row, making->certificate.spki);
}

/* 3.0 §4.6.2: the first three bytes of the SHA-1 hash of CKA_VALUE. */
static enum tp_rc put_check_value(const struct making *making, const struct row *row)
{
    return put_hash(making, row, making->source->certificate, 3);
}

static enum tp_rc put_start(const struct making *making, const struct row *row)
{
    return put(making, row, TP_BYTES(making->certificate.start, sizeof(making->certificate.start)));
}

static enum tp_rc put_end(const struct making *making, const struct row *row)
{
    return put(making, row, TP_BYTES(making->certificate.end, sizeof(making->certificate.end)));
}

/* ---- the table ---- */

#define CERT    (1u << TP_P11_CERTIFICATE)
#define CA      (1u << TP_P11_ISSUER)
#define PUB     (1u << TP_P11_PUBLIC_KEY)
#define PRIV    (1u << TP_P11_PRIVATE_KEY)
#define OTHER   (1u << TP_P11_STRANGER)
#define DATA    (1u << TP_P11_DATA)
#define PROFILE (1u << TP_P11_PROFILE)
#define CERTS   (CERT | CA | OTHER)
#define KEYS    (PUB | PRIV)
#define STORED  (CERTS | KEYS | DATA)
#define FIXED   (CA | PROFILE) /* made of what else is there */

static const struct row rows[] = {
    {CKA_CLASS, CERTS, put_number, CKO_CERTIFICATE},
    {CKA_CLASS, PUB, put_number, CKO_PUBLIC_KEY},
    {CKA_CLASS, PRIV, put_number, CKO_PRIVATE_KEY},
    {CKA_CLASS, DATA, put_number, CKO_DATA},
    {CKA_CLASS, PROFILE, put_number, CKO_PROFILE},
    {CKA_TOKEN, STORED | PROFILE, put_token, 0},
    {CKA_PRIVATE, STORED | PROFILE, put_private, 0},
    {CKA_MODIFIABLE, STORED & ~CA, put_bool, 1},
    {CKA_MODIFIABLE, FIXED, put_bool, 0},
    {CKA_COPYABLE, STORED, put_bool, 1},
    {CKA_COPYABLE, PROFILE, put_bool, 0},
    {CKA_DESTROYABLE, CERT | OTHER | PRIV | DATA, put_bool, 1},
    {CKA_DESTROYABLE, FIXED | PUB, put_bool, 0}, /* a public key goes with its private key */
    {CKA_LABEL, STORED, put_label, 0},
    {CKA_ID, CERTS | KEYS, put_id, 0},
    {CKA_SUBJECT, CERTS | KEYS, put_subject, 0},
    /* 3.0 §4.5: data */
    {CKA_APPLICATION, DATA, put_application, 0},
    {CKA_OBJECT_ID, DATA, put_object_id, 0},
    {CKA_VALUE, DATA, put_data, 0},
    /* 3.0 §4.6: certificates */
    {CKA_CERTIFICATE_TYPE, CERTS, put_number, CKC_X_509},
    {CKA_TRUSTED, CERTS, put_bool, 0},
    {CKA_CERTIFICATE_CATEGORY, CERT, put_number, CK_CERTIFICATE_CATEGORY_TOKEN_USER},
    {CKA_CERTIFICATE_CATEGORY, CA, put_number, CK_CERTIFICATE_CATEGORY_AUTHORITY},
    {CKA_CERTIFICATE_CATEGORY, OTHER, put_number, CK_CERTIFICATE_CATEGORY_UNSPECIFIED},
    {CKA_CHECK_VALUE, CERTS, put_check_value, 0},
    {CKA_START_DATE, CERTS, put_start, 0},
    {CKA_END_DATE, CERTS, put_end, 0},
    {CKA_PUBLIC_KEY_INFO, CERTS, put_certificate_key, 0},
    {CKA_ISSUER, CERTS, put_issuer, 0},
    {CKA_SERIAL_NUMBER, CERTS, put_serial, 0},
    {CKA_VALUE, CERTS, put_certificate, 0},
    {CKA_URL, CERTS, put_nothing, 0},
    {CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CERTS, put_nothing, 0},
    {CKA_HASH_OF_ISSUER_PUBLIC_KEY, CERTS, put_nothing, 0},
    {CKA_NAME_HASH_ALGORITHM, CERTS, put_number, CKM_SHA_1},
    {CKA_JAVA_MIDP_SECURITY_DOMAIN, CERTS, put_number, 0},
    /* 3.0 §4.7: keys */
    {CKA_START_DATE, KEYS, put_nothing, 0},
    {CKA_END_DATE, KEYS, put_nothing, 0},
    {CKA_DERIVE, KEYS, put_bool, 0},
    {CKA_LOCAL, KEYS, put_local, 0},
    {CKA_KEY_GEN_MECHANISM, KEYS, put_generated_with, 0},
    {CKA_ALLOWED_MECHANISMS, PUB, put_allowed, CKF_VERIFY},
    {CKA_ALLOWED_MECHANISMS, PRIV, put_allowed, CKF_SIGN},
    /* 3.0 §4.8: public keys */
    {CKA_VERIFY, PUB, put_bool, 1},
    {CKA_VERIFY_RECOVER, PUB, put_bool, 0},
    {CKA_ENCRYPT, PUB, put_bool, 0},
    {CKA_WRAP, PUB, put_bool, 0},
    {CKA_TRUSTED, PUB, put_bool, 0},
    /* 3.0 §4.9: private keys */
    {CKA_SIGN, PRIV, put_bool, 1},
    {CKA_SIGN_RECOVER, PRIV, put_bool, 0},
    {CKA_DECRYPT, PRIV, put_bool, 0},
    {CKA_UNWRAP, PRIV, put_bool, 0},
    {CKA_SENSITIVE, PRIV, put_bool, 1},
    {CKA_ALWAYS_SENSITIVE, PRIV, put_local, 0},
    {CKA_EXTRACTABLE, PRIV, put_bool, 0},
    {CKA_NEVER_EXTRACTABLE, PRIV, put_local, 0},
    {CKA_WRAP_WITH_TRUSTED, PRIV, put_bool, 0},
    {CKA_ALWAYS_AUTHENTICATE, PRIV, put_always_authenticate, 0},
};

static const CK_OBJECT_CLASS classes[] = {
    [TP_P11_CERTIFICATE] = CKO_CERTIFICATE, [TP_P11_ISSUER] = CKO_CERTIFICATE, [TP_P11_STRANGER] = CKO_CERTIFICATE,
    [TP_P11_PUBLIC_KEY] = CKO_PUBLIC_KEY,   [TP_P11_PRIVATE_KEY] = CKO_PRIVATE_KEY, [TP_P11_DATA] = CKO_DATA,
    [TP_P11_PROFILE] = CKO_PROFILE,
};

static enum tp_rc put_rows(const struct making *making)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((rows[i].roles & (1u << making->source->role)) != 0)
            TP_TRY(rows[i].put(making, &rows[i]));
    return TP_OK;
}

/* ---- making ---- */

static bool is_role(const struct tp_p11_source *source, unsigned roles)
{
    return (roles & (1u << source->role)) != 0;
}

/* A private key is private, unless the user has said that a login outside of this program is enough (login = session).
 * Then it has to be visible in the public state, in which such consumers stay: without CKF_LOGIN_REQUIRED NSS never
 * calls C_Login, and lists only what it sees. A key that wants authentication for each signature stays private, since
 * CKA_ALWAYS_AUTHENTICATE goes with CKA_PRIVATE only (3.0 §4.9). */
static void set_access(const struct tp_p11_source *source, struct tp_p11_object *object)
{
    object->is_private = source->privacy == TP_P11_ALL_PRIVATE;
    if (source->role != TP_P11_PRIVATE_KEY)
        return;
    object->always_authenticate = source->credential->always_authenticate != 0;
    object->is_private = source->privacy != TP_P11_NONE_PRIVATE || object->always_authenticate;
}

/* An issuer, or what a program brings along, was looked at by nobody yet: libcrypto reads it first. */
static enum tp_rc read_stranger(struct making *making, struct tp_error *error)
{
    struct tp_pki_certificate parsed = {0};
    TP_TRY(tp_pki_certificate_parse(making->source->certificate, error, &parsed));
    memcpy(making->subject, parsed.subject, sizeof(making->subject));
    tp_pki_certificate_clear(&parsed);
    return TP_OK;
}

static enum tp_rc read_certificate(struct making *making, struct tp_error *error)
{
    struct tp_bytes der = making->source->certificate;
    struct tp_p11_spki spki;
    if (der.len == 0)
        return TP_OK;
    if (is_role(making->source, CA | OTHER))
        TP_TRY(read_stranger(making, error));
    if (tp_p11_certificate_read(der, &making->certificate) != TP_OK ||
        tp_p11_spki_read(making->certificate.spki, &spki) != TP_OK) {
        making->certificate = (struct tp_p11_certificate){0};
        /* a key is of use without the subject of a certificate that cannot be read */
        return is_role(making->source, CERTS)
                   ? tp_error_set(error, TP_MALFORMED, "a certificate is not one of X.509 in DER")
                   : TP_OK;
    }
    making->key_bits = spki.bits;
    return TP_OK;
}

static enum tp_rc read_key(struct making *making, struct tp_error *error)
{
    struct tp_p11_spki spki;
    if (!is_role(making->source, KEYS))
        return TP_OK;
    TP_TRY(tp_p11_key_attributes(making->source->spki, error, &making->object->attributes, &making->object->key));
    TP_TRY(tp_p11_spki_read(making->source->spki, &spki));
    making->key_bits = spki.bits;
    return TP_OK;
}

static enum tp_rc copy_engine_id(const struct tp_p11_source *source, struct tp_p11_object *object)
{
    const char *id = source->credential != NULL ? source->credential->id : source->beside != NULL ? source->beside->id : "";
    size_t len = strlen(id);
    if ((len == 0 && source->credential != NULL) || len >= sizeof(object->engine_id))
        return TP_MALFORMED;
    memcpy(object->engine_id, id, len + 1);
    return TP_OK;
}

static enum tp_rc fill(struct making *making, struct tp_error *error)
{
    struct tp_p11_object *object = making->object;
    object->role = making->source->role;
    object->class = classes[object->role];
    set_access(making->source, object);
    TP_TRY(copy_engine_id(making->source, object));
    TP_TRY(read_certificate(making, error));
    TP_TRY(read_key(making, error));
    TP_TRY(put_rows(making));
    if (making->source->role == TP_P11_PROFILE)
        return tp_p11_attributes_add_ulong(&object->attributes, CKA_PROFILE_ID, making->source->profile);
    return TP_OK;
}

static enum tp_rc object_new(struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object = calloc(1, sizeof(*object));
    if (object == NULL)
        return TP_MEMORY;
    atomic_init(&object->refs, 1);
    *ret_object = object;
    return TP_OK;
}

enum tp_rc tp_p11_object_make(const struct tp_p11_source *source, struct tp_error *error,
                              struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = NULL;
    TP_TRY(object_new(&object));
    struct making making = {.source = source, .object = object};
    TP_TRY(fill(&making, error));
    *ret_object = object;
    object = NULL;
    return TP_OK;
}
