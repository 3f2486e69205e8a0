/* SPDX-License-Identifier: Apache-2.0
 *
 * Files with a private key, as programs of all ages write them.
 */
#include "pki/private_key.h"
#include "pki/internal.h"

#include <limits.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <string.h>

#define SAFES_MOST       8
#define BAGS_MOST        64

TP_DEFINE_AUTO(PKCS12, PKCS12_free)
TP_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)
TP_DEFINE_AUTO(X509_SIG, X509_SIG_free)

static void safes_free(STACK_OF(PKCS7) **safes)
{
    sk_PKCS7_pop_free(*safes, PKCS7_free);
}

static void bags_free(STACK_OF(PKCS12_SAFEBAG) **bags)
{
    sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
}

/* ---- the libcrypto of this file alone ---- */

struct library {
    OSSL_LIB_CTX *own, *before;
    OSSL_PROVIDER *standard, *legacy; /* legacy NULL: it is not installed, and old files cannot be read */
};

static void library_end(struct library *library)
{
    if (library->before != NULL)
        (void)OSSL_LIB_CTX_set0_default(library->before);
    if (library->legacy != NULL)
        (void)OSSL_PROVIDER_unload(library->legacy);
    if (library->standard != NULL)
        (void)OSSL_PROVIDER_unload(library->standard);
    OSSL_LIB_CTX_free(library->own);
}

/* PEM and PKCS#12 have functions that take no context: until the end it is this thread's default. */
static enum tp_rc library_begin(struct library *library)
{
    library->own = OSSL_LIB_CTX_new();
    if (library->own == NULL)
        return TP_MEMORY;
    library->standard = OSSL_PROVIDER_load(library->own, "default");
    library->legacy = OSSL_PROVIDER_load(library->own, "legacy");
    library->before = OSSL_LIB_CTX_set0_default(library->own);
    return library->standard != NULL && library->before != NULL ? TP_OK : TP_CRYPTO;
}

struct reading {
    struct tp_pki_private_file *file;
    struct tp_error *error;
    struct tp_bytes password; /* not .data NULL: some functions take that for "ask at the terminal" */
    bool has_legacy;
    int64_t rounds_left;
    struct tp_buf found[TP_PKI_PRIVATE_FILE_CERTIFICATES]; /* in the file's order */
    size_t found_len;
};

static void reading_clear(struct reading *reading)
{
    for (size_t i = 0; i < reading->found_len; i++)
        tp_buf_clear(&reading->found[i]);
}

static enum tp_rc wrong_password(const struct reading *reading)
{
    return tp_error_set(reading->error, TP_BAD_ARGUMENT, "the password is wrong, or the file is damaged%s",
                        reading->has_legacy ? ""
                                            : "; or it is encrypted by an old algorithm, for which OpenSSL's legacy "
                                              "provider is missing here");
}

/* ---- what was found ---- */

static enum tp_rc take_certificate(struct reading *reading, struct tp_bytes der)
{
    if (reading->found_len == TP_PKI_PRIVATE_FILE_CERTIFICATES)
        return tp_error_set(reading->error, TP_TOO_LARGE, "the file holds more than %d certificates",
                            TP_PKI_PRIVATE_FILE_CERTIFICATES);
    TP_TRY(tp_buf_append(&reading->found[reading->found_len], der));
    reading->found_len++;
    return TP_OK;
}

static enum tp_rc take_x509(struct reading *reading, X509 *x509)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    unsigned char *bytes = NULL;
    TP_TRY(tp_pki_der_take(&bytes, i2d_X509(x509, &bytes), &der));
    return take_certificate(reading, tp_buf_bytes(&der));
}

/* INFO may be NULL: what should have been one is broken. */
static enum tp_rc take_key(struct reading *reading, const PKCS8_PRIV_KEY_INFO *info)
{
    struct tp_secret *der TP_AUTO(tp_secret_free_p) = NULL;
    if (reading->file->pkcs8 != NULL)
        return tp_error_set(reading->error, TP_BAD_ARGUMENT,
                            "the file holds more than one private key; export the one that is meant on its own");
    const int len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    if (len <= 0)
        return tp_error_set(reading->error, TP_MALFORMED, "the file's private key is broken");
    if ((size_t)len > TP_SECRET_MAX)
        return TP_TOO_LARGE;
    TP_TRY(tp_secret_new((size_t)len, &der));
    unsigned char *at = tp_secret_data(der);
    if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != len)
        return TP_CRYPTO;
    TP_TRY(tp_secret_set_len(der, (size_t)len));
    return tp_pki_private_key_parse(tp_secret_bytes(der), reading->error, &reading->file->pkcs8, &reading->file->spki);
}

/* Takes KEY over. */
static enum tp_rc take_pkey(struct reading *reading, EVP_PKEY *key)
{
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) = key == NULL ? NULL : EVP_PKEY2PKCS8(key);
    EVP_PKEY_free(key);
    return take_key(reading, info);
}

/* ---- encryption ---- */

static enum tp_rc spend(struct reading *reading, int64_t rounds)
{
    if (rounds < 0 || rounds > reading->rounds_left)
        return tp_error_set(reading->error, TP_UNSUPPORTED,
                            "the file is encrypted in a way that is not known, or takes more than %d rounds to decrypt",
                            TP_PKI_ROUNDS_MOST);
    reading->rounds_left -= rounds;
    return TP_OK;
}

static enum tp_rc take_encrypted(struct reading *reading, const X509_SIG *encrypted)
{
    const X509_ALGOR *algorithm = NULL;
    X509_SIG_get0(encrypted, &algorithm, NULL);
    TP_TRY(spend(reading, tp_pki_rounds(algorithm)));
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) =
        PKCS8_decrypt(encrypted, (const char *)reading->password.data, (int)reading->password.len);
    return info != NULL ? take_key(reading, info) : wrong_password(reading);
}

/* ---- PKCS#12 ---- */

static PKCS12 *parse_pkcs12(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    PKCS12 *pkcs12 = d2i_PKCS12(NULL, &at, (long)der.len);
    if (pkcs12 == NULL || at == der.data + der.len)
        return pkcs12;
    PKCS12_free(pkcs12);
    return NULL;
}

static int64_t rounds_of_mac(const PKCS12 *pkcs12)
{
    const ASN1_INTEGER *iterations = NULL;
    PKCS12_get0_mac(NULL, NULL, NULL, &iterations, pkcs12);
    return iterations == NULL ? 1 : tp_pki_rounds_of_number(iterations); /* RFC 7292, 4: DEFAULT 1 */
}

/* No password is either two zero bytes or nothing at all, depending on who has written the file. */
static bool mac_good(PKCS12 *pkcs12, struct tp_bytes *password)
{
    if (PKCS12_verify_mac(pkcs12, (const char *)password->data, (int)password->len) == 1)
        return true;
    if (password->len != 0 || PKCS12_verify_mac(pkcs12, NULL, 0) != 1)
        return false;
    password->data = NULL;
    return true;
}

static enum tp_rc take_bag(struct reading *reading, const PKCS12_SAFEBAG *bag)
{
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
        return take_key(reading, PKCS12_SAFEBAG_get0_p8inf(bag));
    case NID_pkcs8ShroudedKeyBag:
        return take_encrypted(reading, PKCS12_SAFEBAG_get0_pkcs8(bag));
    case NID_certBag: {
        X509 *x509 TP_AUTO(X509_free_p) = PKCS12_SAFEBAG_get1_cert(bag);
        return x509 != NULL ? take_x509(reading, x509) : TP_OK; /* an SDSI certificate is none of ours */
    }
    default:
        return TP_OK;
    }
}

static enum tp_rc take_bags(struct reading *reading, const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    if (sk_PKCS12_SAFEBAG_num(bags) > BAGS_MOST)
        return tp_error_set(reading->error, TP_TOO_LARGE, "the file holds more than %d keys and certificates", BAGS_MOST);
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++)
        TP_TRY(take_bag(reading, sk_PKCS12_SAFEBAG_value(bags, i)));
    return TP_OK;
}

static enum tp_rc take_safe(struct reading *reading, PKCS7 *safe)
{
    const int kind = OBJ_obj2nid(safe->type);
    STACK_OF(PKCS12_SAFEBAG) *bags TP_AUTO(bags_free) = NULL;
    if (kind == NID_pkcs7_data) {
        bags = PKCS12_unpack_p7data(safe);
        return bags != NULL ? take_bags(reading, bags)
                            : tp_error_set(reading->error, TP_MALFORMED, "a part of the PKCS#12 file is broken");
    }
    if (kind != NID_pkcs7_encrypted)
        return tp_error_set(reading->error, TP_UNSUPPORTED,
                            "the PKCS#12 file is encrypted to a certificate, not by a password");
    if (safe->d.encrypted == NULL || safe->d.encrypted->enc_data == NULL ||
        safe->d.encrypted->enc_data->enc_data == NULL) /* OPTIONAL in RFC 5652 §6.1; libcrypto before 2026 wants it */
        return tp_error_set(reading->error, TP_MALFORMED, "a part of the PKCS#12 file is broken");
    TP_TRY(spend(reading, tp_pki_rounds(safe->d.encrypted->enc_data->algorithm)));
    bags = PKCS12_unpack_p7encdata(safe, (const char *)reading->password.data, (int)reading->password.len);
    return bags != NULL ? take_bags(reading, bags) : wrong_password(reading);
}

static enum tp_rc read_pkcs12(struct reading *reading, PKCS12 *pkcs12)
{
    TP_TRY(spend(reading, rounds_of_mac(pkcs12)));
    if (PKCS12_mac_present(pkcs12) && !mac_good(pkcs12, &reading->password))
        return wrong_password(reading);
    STACK_OF(PKCS7) *safes TP_AUTO(safes_free) = PKCS12_unpack_authsafes(pkcs12);
    if (safes == NULL || sk_PKCS7_num(safes) > SAFES_MOST)
        return tp_error_set(reading->error, TP_MALFORMED, "the PKCS#12 file's content is broken");
    for (int i = 0; i < sk_PKCS7_num(safes); i++)
        TP_TRY(take_safe(reading, sk_PKCS7_value(safes, i)));
    return TP_OK;
}

/* ---- DER ---- */

static X509_SIG *parse_encrypted(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    X509_SIG *encrypted = d2i_X509_SIG(NULL, &at, (long)der.len);
    if (encrypted == NULL || at == der.data + der.len)
        return encrypted;
    X509_SIG_free(encrypted);
    return NULL;
}

static enum tp_rc read_plain(struct reading *reading, struct tp_bytes der)
{
    const unsigned char *at = der.data;
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    if (info != NULL && at == der.data + der.len)
        return take_key(reading, info);
    at = der.data; /* RSAPrivateKey (RFC 8017, A.1.2) or ECPrivateKey (RFC 5915) */
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    if (key != NULL && at == der.data + der.len)
        return take_pkey(reading, key);
    EVP_PKEY_free(key);
    return tp_error_set(reading->error, TP_NOT_FOUND,
                        "no private key in the file: it is neither PKCS#12, nor PEM, nor a key in DER");
}

static enum tp_rc read_der(struct reading *reading, struct tp_bytes der)
{
    PKCS12 *pkcs12 TP_AUTO(PKCS12_free_p) = parse_pkcs12(der);
    if (pkcs12 != NULL)
        return read_pkcs12(reading, pkcs12);
    X509_SIG *encrypted TP_AUTO(X509_SIG_free_p) = parse_encrypted(der);
    return encrypted != NULL ? take_encrypted(reading, encrypted) : read_plain(reading, der);
}

/* ---- PEM ---- */

static int give_password(char *buffer, int size, int writing, void *context)
{
    const struct reading *reading = context;
    (void)writing;
    if (size < 0 || reading->password.len > (size_t)size)
        return -1;
    if (reading->password.len > 0)
        memcpy(buffer, reading->password.data, reading->password.len);
    return (int)reading->password.len;
}

static enum tp_rc take_encrypted_block(struct reading *reading, const struct tp_pki_pem_block *block)
{
    X509_SIG *encrypted TP_AUTO(X509_SIG_free_p) = parse_encrypted(TP_BYTES(block->data, (size_t)block->len));
    return encrypted != NULL ? take_encrypted(reading, encrypted)
                             : tp_error_set(reading->error, TP_MALFORMED, "the file's encrypted private key is broken");
}

static enum tp_rc take_plain_block(struct reading *reading, const struct tp_pki_pem_block *block)
{
    const unsigned char *at = block->data;
    PKCS8_PRIV_KEY_INFO *info TP_AUTO(PKCS8_PRIV_KEY_INFO_free_p) = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, block->len);
    return take_key(reading, info);
}

/* RFC 1421's encryption, in the block's headers: its key comes from one round of MD5, so there is nothing to bound. */
static enum tp_rc take_traditional(struct reading *reading, struct tp_pki_pem_block *block, int type)
{
    EVP_CIPHER_INFO cipher;
    const unsigned char *at = block->data;
    if (PEM_get_EVP_CIPHER_INFO(block->header, &cipher) != 1)
        return tp_error_set(reading->error, TP_UNSUPPORTED, "the file's private key is encrypted in a way that is not known");
    if (PEM_do_header(&cipher, block->data, &block->len, give_password, reading) != 1)
        return wrong_password(reading);
    EVP_PKEY *key = d2i_PrivateKey(type, NULL, &at, block->len);
    if (key == NULL && cipher.cipher != NULL) /* the padding was right by chance */
        return wrong_password(reading);
    return take_pkey(reading, key);
}

static enum tp_rc take_block(struct reading *reading, struct tp_pki_pem_block *block)
{
    if (strcmp(block->label, "CERTIFICATE") == 0 && block->header[0] == '\0')
        return take_certificate(reading, TP_BYTES(block->data, (size_t)block->len));
    if (strcmp(block->label, "PRIVATE KEY") == 0)
        return take_plain_block(reading, block);
    if (strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0)
        return take_encrypted_block(reading, block);
    if (strcmp(block->label, "RSA PRIVATE KEY") == 0)
        return take_traditional(reading, block, EVP_PKEY_RSA);
    if (strcmp(block->label, "EC PRIVATE KEY") == 0)
        return take_traditional(reading, block, EVP_PKEY_EC);
    if (strstr(block->label, "PRIVATE KEY") != NULL)
        return tp_error_set(reading->error, TP_UNSUPPORTED,
                            "an %s is not read; convert it to PKCS#8 first (OpenSSH: ssh-keygen -p -m PKCS8 -f COPY)",
                            block->label);
    return TP_OK; /* EC PARAMETERS, DH PARAMETERS, … */
}

typedef enum tp_rc block_fn(struct reading *reading, struct tp_pki_pem_block *block);

static enum tp_rc each_block(struct reading *reading, struct tp_bytes file, block_fn *each)
{
    BIO *bio TP_AUTO(BIO_free_all_p) = BIO_new_mem_buf(file.data, (int)file.len);
    if (bio == NULL)
        return TP_MEMORY;
    for (;;) {
        struct tp_pki_pem_block block TP_AUTO(tp_pki_pem_block_clear) = {0};
        if (PEM_read_bio(bio, &block.label, &block.header, &block.data, &block.len) != 1) {
            const unsigned long why = ERR_peek_last_error();
            return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE
                       ? TP_OK
                       : tp_error_set(reading->error, TP_MALFORMED, "the file holds a PEM block that is broken");
        }
        TP_TRY(each(reading, &block));
    }
}

/* ---- certificates in order ---- */

static bool is_of_key(struct tp_bytes der, struct tp_bytes spki)
{
    struct tp_pki_certificate certificate = {0};
    if (tp_pki_certificate_parse(der, NULL, &certificate) != TP_OK)
        return false;
    const bool same = tp_bytes_equal(tp_buf_bytes(&certificate.spki), spki);
    tp_pki_certificate_clear(&certificate);
    return same;
}

/* The key's own, or the issuer of the LAST. */
static struct tp_buf *find_next(struct reading *reading, const struct tp_buf *last)
{
    for (size_t i = 0; i < reading->found_len; i++) {
        const struct tp_bytes der = tp_buf_bytes(&reading->found[i]);
        if (der.len == 0) /* it has been taken */
            continue;
        if (last == NULL ? is_of_key(der, tp_buf_bytes(&reading->file->spki))
                         : tp_pki_certificate_issued_by(tp_buf_bytes(last), der, NULL) == TP_OK)
            return &reading->found[i];
    }
    return NULL;
}

static void put_in_order(struct reading *reading)
{
    struct tp_pki_private_file *file = reading->file;
    struct tp_buf *next, *last = NULL;
    while ((next = find_next(reading, last)) != NULL) {
        last = &file->certificates[file->certificates_len++];
        *last = *next;
        *next = TP_BUF_INIT;
    }
    file->others = reading->found_len - file->certificates_len;
}

/* ---- the file ---- */

static enum tp_rc read_file(struct reading *reading, struct tp_bytes file)
{
    struct library library TP_AUTO(library_end) = {0};
    TP_TRY(library_begin(&library));
    reading->has_legacy = library.legacy != NULL;
    TP_TRY(tp_pki_pem_is(file) ? each_block(reading, file, take_block) : read_der(reading, file));
    if (reading->file->pkcs8 == NULL)
        return tp_error_set(reading->error, TP_NOT_FOUND, "no private key in the file");
    return TP_OK;
}

enum tp_rc tp_pki_private_file_read(struct tp_bytes file, const struct tp_secret *password, struct tp_error *error,
                                    struct tp_pki_private_file *ret_file)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_private_file result TP_AUTO(tp_pki_private_file_clear) = {0};
    struct tp_bytes given = tp_secret_bytes(password);
    struct reading reading TP_AUTO(reading_clear) = {
        .file = &result, .error = error, .rounds_left = TP_PKI_ROUNDS_MOST, .password = given.len > 0 ? given : TP_BYTES("", 0)};
    if (file.len > TP_SECRET_MAX || given.len > TP_SECRET_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the file or its password is larger than %zu bytes", TP_SECRET_MAX);
    if (file.len == 0)
        return tp_error_set(error, TP_NOT_FOUND, "no private key in the file: it is empty");
    TP_TRY(read_file(&reading, file));
    put_in_order(&reading);
    *ret_file = result;
    result = (struct tp_pki_private_file){0};
    return TP_OK;
}

void tp_pki_private_file_clear(struct tp_pki_private_file *file)
{
    tp_secret_free(file->pkcs8);
    tp_buf_clear(&file->spki);
    for (size_t i = 0; i < file->certificates_len; i++)
        tp_buf_clear(&file->certificates[i]);
    *file = (struct tp_pki_private_file){0};
}

/* ---- whether to ask ---- */

/* Any code other than TP_OK ends the search. */
static enum tp_rc is_encrypted_block(struct reading *reading, struct tp_pki_pem_block *block)
{
    (void)reading;
    const bool encrypted = strcmp(block->label, "ENCRYPTED PRIVATE KEY") == 0 ||
                           (strstr(block->label, "PRIVATE KEY") != NULL && strstr(block->header, "ENCRYPTED") != NULL);
    return encrypted ? TP_EXISTS : TP_OK;
}

static bool safe_is_encrypted(PKCS7 *safe)
{
    STACK_OF(PKCS12_SAFEBAG) *bags TP_AUTO(bags_free) =
        OBJ_obj2nid(safe->type) == NID_pkcs7_data ? PKCS12_unpack_p7data(safe) : NULL;
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++)
        if (PKCS12_SAFEBAG_get_nid(sk_PKCS12_SAFEBAG_value(bags, i)) == NID_pkcs8ShroudedKeyBag)
            return true;
    return bags == NULL;
}

static bool pkcs12_is_encrypted(const PKCS12 *pkcs12)
{
    STACK_OF(PKCS7) *safes TP_AUTO(safes_free) = PKCS12_unpack_authsafes(pkcs12);
    for (int i = 0; i < sk_PKCS7_num(safes); i++)
        if (safe_is_encrypted(sk_PKCS7_value(safes, i)))
            return true;
    return false;
}

static bool der_wants_password(struct tp_bytes der)
{
    struct tp_bytes none = TP_BYTES("", 0);
    PKCS12 *pkcs12 TP_AUTO(PKCS12_free_p) = parse_pkcs12(der);
    if (pkcs12 != NULL && PKCS12_mac_present(pkcs12))
        return rounds_of_mac(pkcs12) >= 0 && !mac_good(pkcs12, &none);
    if (pkcs12 != NULL)
        return pkcs12_is_encrypted(pkcs12);
    X509_SIG *encrypted TP_AUTO(X509_SIG_free_p) = parse_encrypted(der);
    return encrypted != NULL;
}

bool tp_pki_private_file_wants_password(struct tp_bytes file)
{
    TP_PKI_ERRORS_KEEP;
    struct library library TP_AUTO(library_end) = {0};
    struct reading reading = {.error = NULL};
    if (file.len == 0 || file.len > TP_SECRET_MAX || library_begin(&library) != TP_OK)
        return false;
    return tp_pki_pem_is(file) ? each_block(&reading, file, is_encrypted_block) == TP_EXISTS : der_wants_password(file);
}
