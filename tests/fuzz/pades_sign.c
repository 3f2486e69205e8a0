/* SPDX-License-Identifier: Apache-2.0
 *
 * A signature in whatever document can be opened, to be seen or not: what was made begins with the document's bytes, opens again
 * without repair, has one signature more in the form, and its CMS is good for the bytes that /ByteRange names. Our own verifier
 * finds it intact and over the whole file.
 */
#include "pades_agree.h"
#include "base/crypto.h"
#include "pades/seals.h"
#include "pades/sign.h"
#include "pki/private_key.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct tp_pdf_pool *pool;
static struct tp_pki_signer *signer;
static struct tp_pades_service *service;
static struct tp_secret *password;
static char out_path[64];

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A self-signed certificate that is good for as long as anybody fuzzes. */
static struct tp_buf certificate_of(EVP_PKEY *key)
{
    struct tp_buf der = TP_BUF_INIT;
    unsigned char *bytes = NULL;
    X509 *x509 = X509_new_ex(tp_crypto_libctx(), NULL);
    X509_NAME *name = X509_get_subject_name(x509);
    require(X509_set_version(x509, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"fuzz", -1, -1, 0) == 1);
    require(X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1);
    require(X509_gmtime_adj(X509_getm_notBefore(x509), -3600) != NULL && X509_gmtime_adj(X509_getm_notAfter(x509), 86400 * 365L) != NULL);
    require(X509_sign(x509, key, tp_crypto_digest("SHA256")) > 0);
    const int der_len = i2d_X509(x509, &bytes);
    require(der_len > 0 && tp_buf_append(&der, TP_BYTES(bytes, (size_t)der_len)) == TP_OK);
    OPENSSL_free(bytes);
    X509_free(x509);
    return der;
}

static void make_signer(void)
{
    struct tp_secret *pkcs8 = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    require(tp_pki_private_key_make(&pkcs8, &spki) == TP_OK);
    const unsigned char *at = tp_secret_data(pkcs8);
    EVP_PKEY *key = d2i_AutoPrivateKey_ex(NULL, &at, (long)tp_secret_len(pkcs8), tp_crypto_libctx(), NULL);
    require(key != NULL);
    struct tp_buf certificate = certificate_of(key);
    const struct tp_bytes view = tp_buf_bytes(&certificate);
    require(tp_pki_signer_of_file(tp_secret_bytes(pkcs8), NULL, &view, 1, NULL, &signer) == TP_OK);
    EVP_PKEY_free(key);
    tp_secret_free(pkcs8);
    tp_buf_clear(&certificate);
    tp_buf_clear(&spki);
}

static void begin(void)
{
    const struct tp_pdf_limits limits = {.time_ms = 3000, .memory = (size_t)256 << 20, .stream_most = (size_t)1 << 20};
    require(tp_pdf_pool_new(&limits, NULL, &pool) == TP_OK);
    require(tp_secret_new_copy(tp_bytes_of_string("user"), &password) == TP_OK);
    make_signer();
    const struct tp_pades_means means = {.pool = pool, .signer = signer};
    require(tp_pades_service_new(&means, NULL, &service) == TP_OK);
    (void)snprintf(out_path, sizeof out_path, "/dev/shm/trustp11-fuzz-%d", (int)getpid());
}

/* The hash of the two parts that /ByteRange names, when they are the file but for /Contents. */
static void hash_parts(int fd, const struct tp_pdf_value *range, uint8_t ret_digest[TP_SHA256_LEN])
{
    int64_t n[4];
    for (size_t i = 0; i < 4; i++)
        n[i] = tp_pdf_integer(tp_pdf_at(range, i), -1);
    require(n[0] == 0 && n[1] > 0 && n[2] > n[1] && n[3] > 0 && n[2] + n[3] == lseek(fd, 0, SEEK_END));
    const size_t len = (size_t)(n[1] + n[3]);
    uint8_t *bytes = malloc(len);
    require(bytes != NULL && pread(fd, bytes, (size_t)n[1], 0) == n[1] && pread(fd, bytes + n[1], (size_t)n[3], n[2]) == n[3]);
    require(tp_sha256(TP_BYTES(bytes, len), TP_BYTES_NONE, TP_BYTES_NONE, ret_digest) == TP_OK);
    free(bytes);
}

static size_t signed_fields(const struct tp_pades_form *form)
{
    size_t count = 0;
    for (size_t i = 0; i < form->len; i++)
        count += form->fields[i].signature != NULL;
    return count;
}

static void check_signature(struct tp_pdf_document *document, int fd, const char *name)
{
    struct tp_pades_seals seals;
    uint8_t digest[TP_SHA256_LEN];
    require(tp_pades_seals_read(document, NULL, &seals) == TP_OK && seals.len > 0);
    const struct tp_pades_seal *newest = &seals.seals[seals.len - 1];
    require(strncmp(newest->field, name, strlen(name)) == 0 && newest->cms != NULL);
    const struct tp_pades_field *field = tp_pades_form_find(&seals.form, newest->field);
    hash_parts(fd, tp_pdf_get(field->signature, "ByteRange"), digest);
    require(tp_pki_cms_verify(newest->cms, 0, TP_BYTES(digest, sizeof digest), NULL) == TP_OK);
    tp_pades_seals_clear(&seals);
}

static void check(int in, const uint8_t *data, size_t len, struct tp_pades_place *place, const char *name)
{
    struct tp_pdf_document *before = NULL, *after = NULL;
    struct tp_pades_form old = {.len = 0}, new = {.len = 0};
    uint8_t *start = malloc(len + 1);
    const int fd = tp_pades_place_fd(place);
    require(start != NULL && pread(fd, start, len, 0) == (ssize_t)len && memcmp(start, data, len) == 0);
    free(start);
    require(tp_pdf_document_open(pool, in, 0, password, NULL, &before) == TP_OK);
    require(tp_pdf_document_open(pool, fd, 0, password, NULL, &after) == TP_OK);
    require(!tp_pdf_document_facts(after)->repaired);
    require(tp_pades_form_read(before, NULL, &old) == TP_OK && tp_pades_form_read(after, NULL, &new) == TP_OK);
    require(signed_fields(&new) == signed_fields(&old) + 1);
    check_signature(after, fd, name);
    require(!pades_judges(pool, in, password) || pades_agrees(pool, fd, password));
    tp_pades_form_clear(&old);
    tp_pades_form_clear(&new);
    tp_pdf_document_close(before);
    tp_pdf_document_close(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (pool == NULL)
        begin();
    const struct tp_pades_visible visible = {.corner = TP_PADES_TOP_RIGHT, .text = "Seen", .pages = {{TP_PADES_PAGE_LAST, TP_PADES_PAGE_LAST}}, .pages_len = 1};
    const struct tp_pades_order order = {.reason = "fuzz", .visible = len % 2 == 0 ? &visible : NULL, .password = password};
    struct tp_pades_place *place = NULL;
    struct tp_pades_result result;
    const int in = memfd_create("fuzz", MFD_CLOEXEC);
    require(in >= 0 && write(in, data, len) == (ssize_t)len);
    require(tp_pades_place_new(out_path, in, true, NULL, &place) == TP_OK);
    if (tp_pades_sign(service, in, &order, place, NULL, &result) == TP_OK)
        check(in, data, len, place, result.field);
    tp_pades_place_free(place);
    (void)close(in);
    return 0;
}
