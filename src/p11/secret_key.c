/* SPDX-License-Identifier: Apache-2.0
 *
 * Which attributes a secret key has, what each is when the template says nothing, and who may change it: one table
 * (3.0 §4.10). What the specification leaves to the token: keys are not extractable, and neither wrap nor unwrap,
 * unless their template says so (a key that both wraps and decrypts hands out what it wraps); the other usages are
 * allowed.
 */
#include "p11/secret_key.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/session.h"

#include <stdlib.h>
#include <string.h>

#define SHA1_LEN        20
#define AES_BLOCK       16
#define CHECK_VALUE_LEN 3

TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

static const struct type {
    CK_KEY_TYPE type;
    enum tp_p11_kind kind;
    enum tp_pki_hash hash; /* the only one that the key is for */
} types[] = {
    {CKK_GENERIC_SECRET, TP_P11_GENERIC, TP_PKI_HASH_NONE},
    {CKK_AES, TP_P11_AES, TP_PKI_HASH_NONE},
    {CKK_SHA_1_HMAC, TP_P11_GENERIC, TP_PKI_SHA1},
    {CKK_SHA224_HMAC, TP_P11_GENERIC, TP_PKI_SHA224},
    {CKK_SHA256_HMAC, TP_P11_GENERIC, TP_PKI_SHA256},
    {CKK_SHA384_HMAC, TP_P11_GENERIC, TP_PKI_SHA384},
    {CKK_SHA512_HMAC, TP_P11_GENERIC, TP_PKI_SHA512},
    {CKK_SHA512_224_HMAC, TP_P11_GENERIC, TP_PKI_SHA512_224},
    {CKK_SHA512_256_HMAC, TP_P11_GENERIC, TP_PKI_SHA512_256},
    {CKK_SHA3_224_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_224},
    {CKK_SHA3_256_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_256},
    {CKK_SHA3_384_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_384},
    {CKK_SHA3_512_HMAC, TP_P11_GENERIC, TP_PKI_SHA3_512},
};
#define TYPES_LEN (sizeof(types) / sizeof(types[0]))

static const struct type *find_type(CK_KEY_TYPE wanted)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (types[i].type == wanted)
            return &types[i];
    return NULL;
}

/* Of the key that a mechanism generates. */
static const struct type *type_of_mechanism(const struct tp_p11_mechanism *mechanism)
{
    for (size_t i = 0; i < TYPES_LEN; i++)
        if (types[i].kind == mechanism->kind && types[i].hash == mechanism->hash)
            return &types[i];
    return NULL;
}

static bool is_len_of(const struct type *type, size_t len)
{
    if (type->kind == TP_P11_AES)
        return len == 16 || len == 24 || len == 32;
    return len >= 1 && len <= TP_P11_GENERIC_LEN_MAX;
}

/* ---- values ---- */

struct making {
    const CK_ATTRIBUTE *template;
    CK_ULONG count;
    const struct type *type;
    CK_MECHANISM_TYPE generated_with; /* CK_UNAVAILABLE_INFORMATION: it was brought */
    bool private, extractable;        /* when the template does not say it */
    struct tp_p11_object *object;     /* with its secret */
};

/* Who may say what an attribute is. */
enum say {
    SAY_FREE,    /* templates, at any time */
    SAY_TRUE,    /* templates, but once true it stays so */
    SAY_FALSE,   /* the other way round */
    SAY_FIRST,   /* the template that the key is made with */
    SAY_CHECKED, /* the same, but it must be right, or empty */
    SAY_MATCH,   /* nobody: a template may repeat it, or it is inconsistent */
    SAY_NOTHING, /* nobody */
};
enum form { FLAG, NUMBER, NUMBERS, DATE, ANY };

struct row {
    CK_ATTRIBUTE_TYPE type;
    enum form form;
    enum say say;
    enum tp_rc (*put)(const struct making *making, const struct row *row); /* what it is, unless a template says it */
    CK_ULONG number;
};

static enum tp_rc put(const struct making *making, const struct row *row, struct tp_bytes value)
{
    return tp_p11_attributes_add(&making->object->attributes, row->type, value);
}

static enum tp_rc put_flag(const struct making *making, const struct row *row, bool value)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, value);
}

static enum tp_rc put_bool(const struct making *making, const struct row *row)
{
    return put_flag(making, row, row->number != 0);
}

static enum tp_rc put_number(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, row->number);
}

static enum tp_rc put_nothing(const struct making *making, const struct row *row)
{
    return put(making, row, TP_BYTES_NONE);
}

static enum tp_rc put_private(const struct making *making, const struct row *row)
{
    return put_flag(making, row, making->private);
}

static enum tp_rc put_extractable(const struct making *making, const struct row *row)
{
    return put_flag(making, row, making->extractable);
}

static enum tp_rc put_key_type(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, making->type->type);
}

static enum tp_rc put_len(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type,
                                       (CK_ULONG)tp_secret_len(making->object->secret));
}

static bool is_generated(const struct making *making)
{
    return making->generated_with != CK_UNAVAILABLE_INFORMATION;
}

static enum tp_rc put_local(const struct making *making, const struct row *row)
{
    return put_flag(making, row, is_generated(making));
}

static enum tp_rc put_generated_with(const struct making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, making->generated_with);
}

/* Of what was brought nobody knows where else it is. */
static enum tp_rc put_always_sensitive(const struct making *making, const struct row *row)
{
    return put_flag(making, row,
                    is_generated(making) && tp_p11_attributes_bool(&making->object->attributes, CKA_SENSITIVE));
}

static enum tp_rc put_never_extractable(const struct making *making, const struct row *row)
{
    return put_flag(making, row,
                    is_generated(making) && !tp_p11_attributes_bool(&making->object->attributes, CKA_EXTRACTABLE));
}

/* Whether a key of that type and hash can do something with the mechanism. */
static bool is_for(const struct tp_p11_key *key, const struct tp_p11_mechanism *mechanism)
{
    return key->kind == mechanism->kind && (key->hash == TP_PKI_HASH_NONE || key->hash == mechanism->hash);
}

static enum tp_rc put_allowed(const struct making *making, const struct row *row)
{
    CK_MECHANISM_TYPE allowed[TP_P11_MECHANISMS_MAX];
    size_t count = tp_p11_mechanism_allowed(making->type->kind, 0, allowed), kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tp_p11_mechanism *mechanism = tp_p11_mechanism(allowed[i]);
        if (mechanism->mode != TP_P11_KEY_GEN && is_for(&making->object->key, mechanism))
            allowed[kept++] = allowed[i];
    }
    return put(making, row, TP_BYTES(allowed, kept * sizeof(allowed[0])));
}

/* mechanisms 3.0 §2.10.2: the first bytes of a block of zeros, encrypted. */
static enum tp_rc aes_check_value(struct tp_bytes key, uint8_t ret_value[AES_BLOCK])
{
    static const uint8_t zeros[AES_BLOCK];
    const char *name = key.len == 16 ? "AES-128-ECB" : key.len == 24 ? "AES-192-ECB" : "AES-256-ECB";
    EVP_CIPHER *cipher TP_AUTO(EVP_CIPHER_free_p) = EVP_CIPHER_fetch(tp_crypto_libctx(), name, NULL);
    EVP_CIPHER_CTX *ctx TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    int len = 0;
    if (cipher == NULL || ctx == NULL)
        return TP_MEMORY;
    if (EVP_EncryptInit_ex2(ctx, cipher, key.data, NULL, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
        EVP_EncryptUpdate(ctx, ret_value, &len, zeros, AES_BLOCK) != 1 || len != AES_BLOCK)
        return TP_CRYPTO;
    return TP_OK;
}

/* §2.7.2: the first bytes of the SHA-1 hash. */
static enum tp_rc generic_check_value(struct tp_bytes key, uint8_t ret_value[SHA1_LEN])
{
    const EVP_MD *sha1 = tp_crypto_digest("SHA1");
    return sha1 != NULL && EVP_Digest(key.data, key.len, ret_value, NULL, sha1, NULL) == 1 ? TP_OK : TP_CRYPTO;
}

static enum tp_rc put_check_value(const struct making *making, const struct row *row)
{
    TP_P11_ERRORS_KEEP;
    uint8_t value[SHA1_LEN];
    struct tp_bytes key = tp_secret_bytes(making->object->secret);
    TP_TRY((making->type->kind == TP_P11_AES ? aes_check_value : generic_check_value)(key, value));
    enum tp_rc rc = put(making, row, TP_BYTES(value, CHECK_VALUE_LEN));
    tp_wipe(value, sizeof(value));
    return rc;
}

/* ---- the table: in an order in which what is derived comes last ---- */

static const struct row rows[] = {
    {CKA_CLASS, NUMBER, SAY_MATCH, put_number, CKO_SECRET_KEY},
    {CKA_KEY_TYPE, NUMBER, SAY_MATCH, put_key_type, 0},
    {CKA_TOKEN, FLAG, SAY_MATCH, put_bool, 0},
    {CKA_PRIVATE, FLAG, SAY_TRUE, put_private, 0},
    {CKA_MODIFIABLE, FLAG, SAY_FREE, put_bool, 1},
    {CKA_COPYABLE, FLAG, SAY_FALSE, put_bool, 1},
    {CKA_DESTROYABLE, FLAG, SAY_FREE, put_bool, 1},
    {CKA_LABEL, ANY, SAY_FREE, put_nothing, 0},
    {CKA_ID, ANY, SAY_FREE, put_nothing, 0},
    {CKA_START_DATE, DATE, SAY_FREE, put_nothing, 0},
    {CKA_END_DATE, DATE, SAY_FREE, put_nothing, 0},
    {CKA_ENCRYPT, FLAG, SAY_FREE, put_bool, 1},
    {CKA_DECRYPT, FLAG, SAY_FREE, put_bool, 1},
    {CKA_SIGN, FLAG, SAY_FREE, put_bool, 1},
    {CKA_VERIFY, FLAG, SAY_FREE, put_bool, 1},
    {CKA_WRAP, FLAG, SAY_FREE, put_bool, 0},
    {CKA_UNWRAP, FLAG, SAY_FREE, put_bool, 0},
    {CKA_DERIVE, FLAG, SAY_FREE, put_bool, 0},
    {CKA_SENSITIVE, FLAG, SAY_TRUE, put_bool, 0},
    {CKA_EXTRACTABLE, FLAG, SAY_FALSE, put_extractable, 0},
    {CKA_WRAP_WITH_TRUSTED, FLAG, SAY_TRUE, put_bool, 0},
    {CKA_TRUSTED, FLAG, SAY_NOTHING, put_bool, 0}, /* for the SO to say */
    {CKA_ALLOWED_MECHANISMS, NUMBERS, SAY_FIRST, put_allowed, 0},
    {CKA_CHECK_VALUE, ANY, SAY_CHECKED, put_check_value, 0},
    {CKA_VALUE_LEN, NUMBER, SAY_MATCH, put_len, 0},
    {CKA_LOCAL, FLAG, SAY_NOTHING, put_local, 0},
    {CKA_KEY_GEN_MECHANISM, NUMBER, SAY_NOTHING, put_generated_with, 0},
    {CKA_ALWAYS_SENSITIVE, FLAG, SAY_NOTHING, put_always_sensitive, 0},
    {CKA_NEVER_EXTRACTABLE, FLAG, SAY_NOTHING, put_never_extractable, 0},
};
#define ROWS_LEN (sizeof(rows) / sizeof(rows[0]))

static const struct row *find_row(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < ROWS_LEN; i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

static bool has_form(const struct row *row, CK_ULONG len)
{
    switch (row->form) {
    case FLAG:
        return len == sizeof(CK_BBOOL);
    case NUMBER:
        return len == sizeof(CK_ULONG);
    case NUMBERS:
        return len % sizeof(CK_ULONG) == 0;
    case DATE:
        return len == 0 || len == sizeof(CK_DATE);
    case ANY:
        break;
    }
    return true;
}

/* Whether each attribute of the template is one of a secret key, has its form, and is there once. */
static CK_RV check_template(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        const struct row *row = find_row(template[i].type);
        if (tp_p11_template_find(template, i, template[i].type) != NULL)
            return CKR_TEMPLATE_INCONSISTENT;
        if (row == NULL && template[i].type != CKA_VALUE)
            return CKR_ATTRIBUTE_TYPE_INVALID;
        if (row != NULL && !has_form(row, template[i].ulValueLen))
            return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_OK;
}

/* ---- making ---- */

/* What a template says of something that it has no say in. */
static CK_RV check_said(const struct making *making, const struct row *row, struct tp_bytes said)
{
    if (tp_bytes_equal(said, tp_p11_attributes_value(&making->object->attributes, row->type)))
        return CKR_OK;
    return row->say == SAY_CHECKED ? CKR_ATTRIBUTE_VALUE_INVALID
           : row->say == SAY_MATCH ? CKR_TEMPLATE_INCONSISTENT
                                   : CKR_ATTRIBUTE_READ_ONLY;
}

static CK_RV make_row(const struct making *making, const struct row *row)
{
    const CK_ATTRIBUTE *given = tp_p11_template_find(making->template, making->count, row->type);
    struct tp_bytes said = given == NULL ? TP_BYTES_NONE : TP_BYTES(given->pValue, given->ulValueLen);
    bool is_said = given != NULL && (row->say <= SAY_FIRST || (row->say == SAY_CHECKED && said.len == 0));
    enum tp_rc rc = is_said ? put(making, row, said) : row->put(making, row);
    if (rc != TP_OK)
        return tp_p11_rv(rc);
    return given != NULL && !is_said ? check_said(making, row, said) : CKR_OK;
}

/* Private, as the user's keys are, unless a login elsewhere is enough (login = session): then nobody logs in here. */
static bool is_private(const struct tp_p11_call *call)
{
    return !call->module->session_login;
}

/* Takes over VALUE. */
static CK_RV make(struct making *making, struct tp_secret *value, struct tp_p11_object **ret_object)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = calloc(1, sizeof(*object));
    if (object == NULL) {
        tp_secret_free(value);
        return CKR_HOST_MEMORY;
    }
    atomic_init(&object->refs, 1);
    object->class = CKO_SECRET_KEY;
    object->secret = value;
    object->key.kind = making->type->kind;
    object->key.hash = making->type->hash;
    object->key.bits = 8 * tp_secret_len(value);
    making->object = object;
    for (size_t i = 0; i < ROWS_LEN; i++) {
        CK_RV rv = make_row(making, &rows[i]);
        if (rv != CKR_OK)
            return rv;
    }
    object->is_private = tp_p11_attributes_bool(&object->attributes, CKA_PRIVATE);
    *ret_object = object;
    object = NULL;
    return CKR_OK;
}

/* What the template says before there is a key. CKA_TOKEN true is refused by make_row; but what a R/O session hears is
 * that it is one. */
static CK_RV check_begin(const struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    bool token = false;
    CK_RV rv = check_template(template, count);
    if (rv == CKR_OK)
        rv = tp_p11_template_bool(template, count, CKA_TOKEN, false, &token);
    if (rv == CKR_OK && token && (call->session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return rv;
}

static CK_RV type_of_template(const CK_ATTRIBUTE *template, CK_ULONG count, const struct type **ret_type)
{
    CK_KEY_TYPE wanted = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_KEY_TYPE, wanted, &wanted);
    if (rv != CKR_OK)
        return rv;
    if (wanted == CK_UNAVAILABLE_INFORMATION)
        return CKR_TEMPLATE_INCOMPLETE;
    *ret_type = find_type(wanted);
    return *ret_type == NULL ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

CK_RV tp_p11_secret_key_create(const struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                               struct tp_p11_object **ret_object)
{
    struct making making = {.template = template,
                            .count = count,
                            .generated_with = CK_UNAVAILABLE_INFORMATION,
                            .private = is_private(call)};
    struct tp_secret *value = NULL;
    CK_RV rv = check_begin(call, template, count);
    if (rv == CKR_OK)
        rv = type_of_template(template, count, &making.type);
    if (rv != CKR_OK)
        return rv;
    if (tp_p11_template_find(template, count, CKA_VALUE) == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    struct tp_bytes brought = tp_p11_template_value(template, count, CKA_VALUE);
    if (!is_len_of(making.type, brought.len))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (tp_secret_new_copy(brought, &value) != TP_OK)
        return CKR_HOST_MEMORY;
    return make(&making, value, ret_object);
}

static CK_RV check_unwrapped(const struct tp_p11_call *call, const struct tp_secret *value, struct making *making)
{
    CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = check_begin(call, making->template, making->count);
    if (rv == CKR_OK)
        rv = tp_p11_template_ulong(making->template, making->count, CKA_CLASS, class, &class);
    if (rv == CKR_OK && class == CK_UNAVAILABLE_INFORMATION)
        rv = CKR_TEMPLATE_INCOMPLETE;
    if (rv == CKR_OK)
        rv = type_of_template(making->template, making->count, &making->type);
    if (rv != CKR_OK)
        return rv;
    if (tp_p11_template_find(making->template, making->count, CKA_VALUE) != NULL)
        return CKR_TEMPLATE_INCONSISTENT;
    return is_len_of(making->type, tp_secret_len(value)) ? CKR_OK : CKR_WRAPPED_KEY_INVALID;
}

/* Extractable unless the template says otherwise (3.0 §5.18.4). */
CK_RV tp_p11_secret_key_unwrapped(const struct tp_p11_call *call, struct tp_secret *value, const CK_ATTRIBUTE *template,
                                  CK_ULONG count, struct tp_p11_object **ret_object)
{
    struct making making = {.template = template,
                            .count = count,
                            .generated_with = CK_UNAVAILABLE_INFORMATION,
                            .private = is_private(call),
                            .extractable = true};
    CK_RV rv = check_unwrapped(call, value, &making);
    if (rv == CKR_OK)
        return make(&making, value, ret_object);
    tp_secret_free(value);
    return rv;
}

/* ---- generating ---- */

static CK_RV length_of_template(const struct type *type, const CK_ATTRIBUTE *template, CK_ULONG count, size_t *ret_len)
{
    CK_ULONG len = CK_UNAVAILABLE_INFORMATION;
    if (tp_p11_template_find(template, count, CKA_VALUE) != NULL)
        return CKR_TEMPLATE_INCONSISTENT;
    if (tp_p11_template_find(template, count, CKA_VALUE_LEN) == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_VALUE_LEN, len, &len);
    if (rv != CKR_OK)
        return rv;
    *ret_len = len;
    return is_len_of(type, len) ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

static enum tp_rc random_secret(size_t len, struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(len, &secret));
    TP_TRY(tp_secret_set_len(secret, len));
    TP_TRY(tp_random(tp_secret_data(secret), len));
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

CK_RV tp_p11_secret_key_generate(const struct tp_p11_call *call, const CK_MECHANISM *mechanism,
                                 const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_p11_object **ret_object)
{
    TP_P11_ERRORS_KEEP;
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    struct tp_secret *value = NULL;
    size_t len = 0;
    if (row == NULL || row->mode != TP_P11_KEY_GEN)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    struct making making = {.template = template,
                            .count = count,
                            .type = type_of_mechanism(row),
                            .generated_with = row->type,
                            .private = is_private(call)};
    CK_RV rv = check_begin(call, template, count);
    if (rv == CKR_OK)
        rv = length_of_template(making.type, template, count, &len);
    if (rv == CKR_OK)
        rv = tp_p11_rv(random_secret(len, &value));
    return rv != CKR_OK ? rv : make(&making, value, ret_object);
}

/* ---- copies and changes ---- */

static CK_RV check_change(const struct tp_p11_object *original, const CK_ATTRIBUTE *said)
{
    const struct row *row = find_row(said->type);
    if (row == NULL)
        return CKR_ATTRIBUTE_READ_ONLY; /* CKA_VALUE */
    if (tp_bytes_equal(TP_BYTES(said->pValue, said->ulValueLen),
                       tp_p11_attributes_value(&original->attributes, said->type)))
        return CKR_OK;
    switch (row->say) {
    case SAY_FREE:
        return CKR_OK;
    case SAY_TRUE:
        return *(const CK_BBOOL *)said->pValue != CK_FALSE ? CKR_OK : CKR_ATTRIBUTE_READ_ONLY;
    case SAY_FALSE:
        return *(const CK_BBOOL *)said->pValue == CK_FALSE ? CKR_OK : CKR_ATTRIBUTE_READ_ONLY;
    case SAY_MATCH:
        return said->type == CKA_TOKEN ? CKR_TEMPLATE_INCONSISTENT : CKR_ATTRIBUTE_READ_ONLY;
    case SAY_FIRST:
    case SAY_CHECKED:
    case SAY_NOTHING:
        break;
    }
    return CKR_ATTRIBUTE_READ_ONLY;
}

static enum tp_rc merge(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                        struct tp_p11_object *object)
{
    atomic_init(&object->refs, 1);
    object->class = CKO_SECRET_KEY;
    object->key = original->key;
    TP_TRY(tp_secret_new_copy(tp_secret_bytes(original->secret), &object->secret));
    for (size_t i = 0; i < ROWS_LEN; i++) {
        CK_ATTRIBUTE_TYPE type = rows[i].type;
        bool said = tp_p11_template_find(template, count, type) != NULL;
        struct tp_bytes value =
            said ? tp_p11_template_value(template, count, type) : tp_p11_attributes_value(&original->attributes, type);
        TP_TRY(tp_p11_attributes_add(&object->attributes, type, value));
    }
    object->is_private = tp_p11_attributes_bool(&object->attributes, CKA_PRIVATE);
    return TP_OK;
}

CK_RV tp_p11_secret_key_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                             struct tp_p11_object **ret_object)
{
    CK_RV rv = check_template(template, count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        rv = check_change(original, &template[i]);
    if (rv != CKR_OK)
        return rv;
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = calloc(1, sizeof(*object));
    if (object == NULL || merge(original, template, count, object) != TP_OK)
        return CKR_HOST_MEMORY;
    *ret_object = object;
    object = NULL;
    return CKR_OK;
}

/* ---- use ---- */

bool tp_p11_secret_key_is_open(const struct tp_p11_object *key)
{
    return !tp_p11_attributes_bool(&key->attributes, CKA_SENSITIVE) &&
           tp_p11_attributes_bool(&key->attributes, CKA_EXTRACTABLE);
}

static CK_RV read_value(const struct tp_p11_object *key, CK_ATTRIBUTE *wanted)
{
    struct tp_bytes value = tp_secret_bytes(key->secret);
    CK_ULONG room = wanted->ulValueLen;
    wanted->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!tp_p11_secret_key_is_open(key))
        return CKR_ATTRIBUTE_SENSITIVE;
    if (wanted->pValue != NULL && room < value.len)
        return CKR_BUFFER_TOO_SMALL;
    if (wanted->pValue != NULL)
        memcpy(wanted->pValue, value.data, value.len);
    wanted->ulValueLen = value.len;
    return CKR_OK;
}

CK_RV tp_p11_secret_key_read(const struct tp_p11_object *key, CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV first = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = template[i].type == CKA_VALUE ? read_value(key, &template[i])
                                                 : tp_p11_attributes_read(&key->attributes, &template[i], 1);
        if (first == CKR_OK)
            first = rv;
    }
    return first;
}

static bool is_allowed(const struct tp_p11_object *key, CK_MECHANISM_TYPE type)
{
    struct tp_bytes allowed = tp_p11_attributes_value(&key->attributes, CKA_ALLOWED_MECHANISMS);
    for (size_t i = 0; i + sizeof(type) <= allowed.len; i += sizeof(type))
        if (memcmp(allowed.data + i, &type, sizeof(type)) == 0)
            return true;
    return false;
}

CK_RV tp_p11_secret_key_check(const struct tp_p11_object *key, const struct tp_p11_mechanism *mechanism,
                              CK_ATTRIBUTE_TYPE usage)
{
    if (key->key.kind == TP_P11_NO_KEY)
        return CKR_KEY_HANDLE_INVALID;
    if (key->secret == NULL || !is_for(&key->key, mechanism))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!tp_p11_attributes_bool(&key->attributes, usage) || !is_allowed(key, mechanism->type))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return CKR_OK;
}
