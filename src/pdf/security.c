/* SPDX-License-Identifier: Apache-2.0
 *
 * The encryption dictionary (ISO 32000-2 §7.6.2, §7.6.4, §7.6.6), and what is new encrypted.
 */
#include "pdf/security.h"
#include "base/crypto.h"
#include "pdf/internal.h"
#include "pdf/text.h"

#include <stdlib.h>
#include <string.h>

#define IV_LEN 16

enum method { PLAIN, RC4, AESV2, AESV3 };

struct tp_pdf_security {
    struct tp_pdf_lock lock;
    struct tp_pdf_rc4 rc4;
    enum method streams, strings, files;
    struct tp_secret *key;
};

/* ---- the dictionary ---- */

struct reading {
    struct tp_pdf_document *document;
    const struct tp_pdf_value *dictionary;
    struct tp_error *error;
    struct tp_pdf_security *security;
};

static enum tp_rc get(const struct reading *reading, const char *key, const struct tp_pdf_value **ret_value)
{
    return tp_pdf_document_get(reading->document, reading->dictionary, key, reading->error, ret_value);
}

static enum tp_rc get_integer(const struct reading *reading, const char *key, int64_t fallback, int64_t *ret_number)
{
    const struct tp_pdf_value *value = NULL;
    TP_TRY(get(reading, key, &value));
    *ret_number = tp_pdf_integer(value, fallback);
    return TP_OK;
}

/* LEAST bytes, or else what is said of passwords would be read behind its end. */
static enum tp_rc get_string(const struct reading *reading, const char *key, size_t least, struct tp_bytes *ret_bytes)
{
    const struct tp_pdf_value *value = NULL;
    TP_TRY(get(reading, key, &value));
    *ret_bytes = tp_pdf_bytes(value);
    return ret_bytes->len >= least
               ? TP_OK
               : tp_error_set(reading->error, TP_MALFORMED, "the document's encryption dictionary has no usable /%s", key);
}

static enum tp_rc unsupported(const struct reading *reading, const char *what)
{
    return tp_error_set(reading->error, TP_UNSUPPORTED,
                        "the document is encrypted in a way that is not known here (%s); decrypt it first: "
                        "qpdf --decrypt in.pdf out.pdf",
                        what);
}

/* Table 25, and the revisions whose keys fit. */
static const struct {
    const char *name;
    enum method method;
    unsigned first, last;
} methods[] = {{"None", PLAIN, 4, 6}, {"V2", RC4, 4, 4}, {"AESV2", AESV2, 4, 4}, {"AESV3", AESV3, 5, 6}};

/* §7.6.6: the crypt filter NAME, by its /CFM. */
static enum tp_rc read_filter(const struct reading *reading, const struct tp_pdf_value *name, enum method *ret_method)
{
    const struct tp_pdf_value *filters = NULL, *filter = NULL, *method = NULL;
    *ret_method = PLAIN;
    if (name == NULL || tp_pdf_is_name(name, "Identity"))
        return TP_OK;
    TP_TRY(get(reading, "CF", &filters));
    TP_TRY(tp_pdf_document_get(reading->document, filters, (const char *)tp_pdf_bytes(name).data, reading->error, &filter));
    TP_TRY(tp_pdf_document_get(reading->document, filter, "CFM", reading->error, &method));
    const unsigned revision = reading->security->lock.revision;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (tp_pdf_is_name(method, methods[i].name) && revision >= methods[i].first && revision <= methods[i].last) {
            *ret_method = methods[i].method;
            return TP_OK;
        }
    return unsupported(reading, "its crypt filter");
}

static enum tp_rc read_filters(const struct reading *reading)
{
    struct tp_pdf_security *security = reading->security;
    const struct tp_pdf_value *streams = NULL, *strings = NULL, *files = NULL;
    TP_TRY(get(reading, "StmF", &streams));
    TP_TRY(get(reading, "StrF", &strings));
    TP_TRY(get(reading, "EFF", &files));
    TP_TRY(read_filter(reading, streams, &security->streams));
    TP_TRY(read_filter(reading, strings, &security->strings));
    return read_filter(reading, files != NULL ? files : streams, &security->files);
}

/* Table 20. The length of a key that is said along with crypt filters is often wrong (40): those of 4 have 128 bits. Where it
 * should be said and is not, it is taken for 128, as QPDF does, which has found the password right by it. */
static int64_t key_bits(int64_t version, int64_t said)
{
    static const int64_t of_version[] = {[1] = 40, [4] = 128, [5] = 256};
    if (of_version[version] != 0)
        return of_version[version];
    return said < 40 || said > 128 || said % 8 != 0 ? 128 : said;
}

static enum tp_rc read_algorithm(const struct reading *reading)
{
    struct tp_pdf_security *security = reading->security;
    int64_t version = 0, bits = 0, revision = 0;
    TP_TRY(get_integer(reading, "V", 0, &version));
    TP_TRY(get_integer(reading, "R", 0, &revision));
    TP_TRY(get_integer(reading, "Length", 0, &bits));
    if (revision < 2 || revision > 6 || version < 1 || version == 3 || version > 5 || (version == 5) != (revision >= 5))
        return unsupported(reading, "/V or /R");
    security->lock.revision = (unsigned)revision;
    security->lock.key_len = (size_t)key_bits(version, bits) / 8;
    security->streams = security->strings = security->files = RC4;
    return version >= 4 ? read_filters(reading) : TP_OK;
}

static enum tp_rc read_lock(const struct reading *reading)
{
    struct tp_pdf_lock *lock = &reading->security->lock;
    const bool recent = lock->revision >= 5;
    const struct tp_pdf_value *metadata = NULL, *id = NULL;
    int64_t permissions = 0;
    TP_TRY(get_string(reading, "O", recent ? 48 : 32, &lock->owner));
    TP_TRY(get_string(reading, "U", recent ? 48 : 32, &lock->user));
    TP_TRY(get_string(reading, "OE", recent ? 32 : 0, &lock->owner_key));
    TP_TRY(get_string(reading, "UE", recent ? 32 : 0, &lock->user_key));
    TP_TRY(get_integer(reading, "P", 0, &permissions));
    TP_TRY(get(reading, "EncryptMetadata", &metadata));
    TP_TRY(tp_pdf_document_get(reading->document, tp_pdf_document_trailer(reading->document), "ID", reading->error, &id));
    lock->permissions = (uint32_t)(permissions & UINT32_MAX);
    lock->metadata = tp_pdf_boolean(metadata, true);
    lock->id = tp_pdf_bytes(tp_pdf_at(id, 0));
    return TP_OK;
}

static enum tp_rc read_dictionary(struct reading *reading)
{
    const struct tp_pdf_value *trailer = tp_pdf_document_trailer(reading->document), *filter = NULL;
    TP_TRY(tp_pdf_document_get(reading->document, trailer, "Encrypt", reading->error, &reading->dictionary));
    TP_TRY(get(reading, "Filter", &filter));
    if (!tp_pdf_is_name(filter, "Standard"))
        return unsupported(reading, "to certificates, or by a program of its own");
    TP_TRY(read_algorithm(reading));
    return read_lock(reading);
}

/* ---- the key ---- */

static enum tp_rc try_password(struct tp_pdf_security *security, struct tp_bytes password)
{
    (void)!tp_secret_set_len(security->key, 0);
    return tp_pdf_lock_open(&security->lock, &security->rc4, password, security->key);
}

/* §7.6.4.3.2: up to revision 4 in PDFDocEncoding. */
static enum tp_rc try_in_doc(struct tp_pdf_security *security, struct tp_bytes password)
{
    struct tp_buf string = TP_BUF_INIT;
    enum tp_rc rc = security->lock.revision >= 5 ? TP_PIN_WRONG : tp_pdf_text_to_doc(password, &string);
    rc = rc == TP_OK ? try_password(security, tp_buf_bytes(&string)) : rc == TP_MALFORMED ? TP_PIN_WRONG : rc;
    if (string.data != NULL)
        tp_wipe(string.data, string.len);
    tp_buf_clear(&string);
    return rc;
}

/* As it was given, in the encoding of old, and none: the reader tries the same. */
static enum tp_rc find_key(struct tp_pdf_security *security, const struct tp_secret *password, struct tp_error *error)
{
    const struct tp_bytes given = tp_secret_bytes(password);
    enum tp_rc rc = try_password(security, given);
    if (rc == TP_PIN_WRONG)
        rc = try_in_doc(security, given);
    if (rc == TP_PIN_WRONG)
        rc = try_password(security, TP_BYTES_NONE);
    if (rc == TP_PIN_WRONG)
        return tp_error_set(error, rc, TP_PDF_PASSWORD_WORDS);
    if (rc == TP_UNSUPPORTED)
        return tp_error_set(error, rc,
                            "the document is encrypted with RC4 or MD5, and OpenSSL's legacy provider is missing here");
    return rc;
}

enum tp_rc tp_pdf_security_new(struct tp_pdf_document *document, const struct tp_secret *password, struct tp_error *error,
                               struct tp_pdf_security **ret_security)
{
    struct tp_pdf_security *security TP_AUTO(tp_pdf_security_free_p) = calloc(1, sizeof(*security));
    if (security == NULL)
        return TP_MEMORY;
    struct reading reading = {.document = document, .error = error, .security = security};
    TP_TRY(tp_secret_new(TP_PDF_KEY_MAX, &security->key));
    TP_TRY(read_dictionary(&reading));
    TP_TRY(find_key(security, password, error));
    *ret_security = security;
    security = NULL;
    return TP_OK;
}

void tp_pdf_security_free(struct tp_pdf_security *security)
{
    if (security == NULL)
        return;
    tp_pdf_rc4_clear(&security->rc4);
    tp_secret_free(security->key);
    free(security);
}

/* ---- encrypting ---- */

/* Algorithm 1: a key for each object. */
static enum tp_rc object_key(const struct tp_pdf_security *security, enum method method, struct tp_pdf_ref ref,
                             uint8_t key[16], size_t *ret_len)
{
    const struct tp_bytes file_key = tp_secret_bytes(security->key);
    const uint8_t number[5] = {(uint8_t)(ref.id & 0xFF), (uint8_t)(ref.id >> 8 & 0xFF), (uint8_t)(ref.id >> 16 & 0xFF),
                               (uint8_t)(ref.generation & 0xFF), (uint8_t)(ref.generation >> 8)};
    const struct tp_bytes parts[] = {file_key, TP_BYTES(number, sizeof(number)), TP_BYTES("sAlT", method == AESV2 ? 4 : 0)};
    *ret_len = file_key.len + 5 < 16 ? file_key.len + 5 : 16;
    return tp_pdf_hash("MD5", parts, 3, key);
}

/* §7.6.3.1: the initialisation vector stands before. */
static enum tp_rc put_aes(struct tp_bytes key, struct tp_bytes plain, struct tp_buf *into)
{
    size_t len = 0;
    TP_TRY(tp_buf_reserve(into, plain.len + 2 * IV_LEN));
    uint8_t *at = into->data + into->len;
    TP_TRY(tp_random(at, IV_LEN));
    TP_TRY(tp_pdf_aes(true, key, at, true, plain, at + IV_LEN, &len));
    into->len += IV_LEN + len;
    return TP_OK;
}

static enum tp_rc put_rc4(struct tp_pdf_security *security, struct tp_bytes key, struct tp_bytes plain, struct tp_buf *into)
{
    const size_t at = into->len;
    TP_TRY(tp_buf_append(into, plain));
    return plain.len == 0 ? TP_OK : tp_pdf_rc4_apply(&security->rc4, key, into->data + at, plain.len);
}

static enum tp_rc put(struct tp_pdf_security *security, enum method method, struct tp_pdf_ref ref, struct tp_bytes plain,
                      struct tp_buf *into)
{
    uint8_t key[16];
    size_t len = 0;
    if (method == PLAIN)
        return tp_buf_append(into, plain);
    if (method == AESV3)
        return put_aes(tp_secret_bytes(security->key), plain, into);
    enum tp_rc rc = object_key(security, method, ref, key, &len);
    if (rc == TP_OK)
        rc = method == AESV2 ? put_aes(TP_BYTES(key, len), plain, into) : put_rc4(security, TP_BYTES(key, len), plain, into);
    tp_wipe(key, sizeof(key));
    return rc;
}

enum tp_rc tp_pdf_security_string(struct tp_pdf_security *security, struct tp_pdf_ref ref, struct tp_bytes plain,
                                  struct tp_buf *ret_string)
{
    return put(security, security->strings, ref, plain, ret_string);
}

enum tp_rc tp_pdf_security_stream(struct tp_pdf_security *security, struct tp_pdf_ref ref,
                                  const struct tp_pdf_value *dictionary, struct tp_bytes plain, struct tp_buf *ret_data)
{
    const struct tp_pdf_value *type = tp_pdf_get(dictionary, "Type");
    const bool recent = security->lock.revision >= 4;
    if (recent && tp_pdf_is_name(type, "Metadata") && !security->lock.metadata)
        return put(security, PLAIN, ref, plain, ret_data);
    return put(security, tp_pdf_is_name(type, "EmbeddedFile") ? security->files : security->streams, ref, plain, ret_data);
}
