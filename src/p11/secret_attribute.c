/* SPDX-License-Identifier: Apache-2.0
 *
 * One table: which attributes there are, what each is when the template says nothing, and who may change it (3.0
 * §4.10). What the specification leaves to the token: keys are not extractable, and neither wrap nor unwrap, unless
 * their template says so (a key that both wraps and decrypts hands out what it wraps); the other usages are allowed.
 */
#include "p11/secret_attribute.h"
#include "p11/rv.h"
#include "p11/secret_key.h"

#define SHA1_LEN        20
#define AES_BLOCK       16
#define CHECK_VALUE_LEN 3

TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* ---- values ---- */

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
    enum tp_rc (*put)(const struct tp_p11_secret_making *making,
                      const struct row *row); /* what it is, unless a template says it */
    CK_ULONG number;
};

static enum tp_rc put(const struct tp_p11_secret_making *making, const struct row *row, struct tp_bytes value)
{
    return tp_p11_attributes_add(&making->object->attributes, row->type, value);
}

static enum tp_rc put_flag(const struct tp_p11_secret_making *making, const struct row *row, bool value)
{
    return tp_p11_attributes_add_bool(&making->object->attributes, row->type, value);
}

static enum tp_rc put_bool(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row, row->number != 0);
}

static enum tp_rc put_number(const struct tp_p11_secret_making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, row->number);
}

static enum tp_rc put_nothing(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put(making, row, TP_BYTES_NONE);
}

static enum tp_rc put_private(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row, making->private);
}

static enum tp_rc put_extractable(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row, making->extractable);
}

static enum tp_rc put_key_type(const struct tp_p11_secret_making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, making->type);
}

static enum tp_rc put_len(const struct tp_p11_secret_making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type,
                                       (CK_ULONG)tp_secret_len(making->object->secret));
}

static bool is_generated(const struct tp_p11_secret_making *making)
{
    return making->generated_with != CK_UNAVAILABLE_INFORMATION;
}

static enum tp_rc put_local(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row, is_generated(making));
}

static enum tp_rc put_generated_with(const struct tp_p11_secret_making *making, const struct row *row)
{
    return tp_p11_attributes_add_ulong(&making->object->attributes, row->type, making->generated_with);
}

/* Of what was brought nobody knows where else it is. */
static enum tp_rc put_always_sensitive(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row,
                    is_generated(making) && tp_p11_attributes_bool(&making->object->attributes, CKA_SENSITIVE));
}

static enum tp_rc put_never_extractable(const struct tp_p11_secret_making *making, const struct row *row)
{
    return put_flag(making, row,
                    is_generated(making) && !tp_p11_attributes_bool(&making->object->attributes, CKA_EXTRACTABLE));
}

static enum tp_rc put_allowed(const struct tp_p11_secret_making *making, const struct row *row)
{
    CK_MECHANISM_TYPE allowed[TP_P11_MECHANISMS_MAX];
    size_t count = tp_p11_mechanism_allowed(making->object->key.kind, 0, allowed), kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tp_p11_mechanism *mechanism = tp_p11_mechanism(allowed[i]);
        if (mechanism->mode != TP_P11_KEY_GEN && tp_p11_secret_key_is_for(&making->object->key, mechanism))
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

static enum tp_rc put_check_value(const struct tp_p11_secret_making *making, const struct row *row)
{
    TP_P11_ERRORS_KEEP;
    uint8_t value[SHA1_LEN];
    struct tp_bytes key = tp_secret_bytes(making->object->secret);
    TP_TRY((making->object->key.kind == TP_P11_AES ? aes_check_value : generic_check_value)(key, value));
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

CK_RV tp_p11_secret_attributes_check(const CK_ATTRIBUTE *template, CK_ULONG count)
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
static CK_RV check_said(const struct tp_p11_secret_making *making, const struct row *row, struct tp_bytes said)
{
    if (tp_bytes_equal(said, tp_p11_attributes_value(&making->object->attributes, row->type)))
        return CKR_OK;
    return row->say == SAY_CHECKED ? CKR_ATTRIBUTE_VALUE_INVALID
           : row->say == SAY_MATCH ? CKR_TEMPLATE_INCONSISTENT
                                   : CKR_ATTRIBUTE_READ_ONLY;
}

static CK_RV make_row(const struct tp_p11_secret_making *making, const struct row *row)
{
    const CK_ATTRIBUTE *given = tp_p11_template_find(making->template, making->count, row->type);
    struct tp_bytes said = given == NULL ? TP_BYTES_NONE : TP_BYTES(given->pValue, given->ulValueLen);
    bool is_said = given != NULL && (row->say <= SAY_FIRST || (row->say == SAY_CHECKED && said.len == 0));
    enum tp_rc rc = is_said ? put(making, row, said) : row->put(making, row);
    if (rc != TP_OK)
        return tp_p11_rv(rc);
    return given != NULL && !is_said ? check_said(making, row, said) : CKR_OK;
}

CK_RV tp_p11_secret_attributes_make(const struct tp_p11_secret_making *making)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && i < ROWS_LEN; i++)
        rv = make_row(making, &rows[i]);
    return rv;
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

static CK_RV check_changes(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv = tp_p11_secret_attributes_check(template, count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        rv = check_change(original, &template[i]);
    return rv;
}

static enum tp_rc merge(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                        struct tp_p11_attributes *attributes)
{
    for (size_t i = 0; i < ROWS_LEN; i++) {
        CK_ATTRIBUTE_TYPE type = rows[i].type;
        bool said = tp_p11_template_find(template, count, type) != NULL;
        struct tp_bytes value =
            said ? tp_p11_template_value(template, count, type) : tp_p11_attributes_value(&original->attributes, type);
        TP_TRY(tp_p11_attributes_add(attributes, type, value));
    }
    return TP_OK;
}

CK_RV tp_p11_secret_attributes_copy(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                                    struct tp_p11_attributes *ret_attributes)
{
    CK_RV rv = check_changes(original, template, count);
    return rv != CKR_OK ? rv : tp_p11_rv(merge(original, template, count, ret_attributes));
}
