/* SPDX-License-Identifier: Apache-2.0 */
/* ByteRange (ISO 32000-2 §12.8.1): every byte of a revision but this signature's own /Contents, and nothing less. Whatever is
 * left out otherwise can be replaced: universal signature forgery, signature wrapping. */
#include "base/crypto.h"
#include "pades/verify/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW       ((size_t)1 << 18)
#define CONTENTS_MAX ((size_t)2 * TP_PKI_CMS_MAX) /* hex digits */
#define KEY_BEFORE   32                           /* where /Contents and white space stand before the gap */

static enum tp_rc bad(struct tp_error *error, const char *words)
{
    return tp_error_set(error, TP_MALFORMED, "ByteRange: %s", words);
}

static enum tp_rc read_range(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary, uint64_t length,
                             struct tp_error *error, uint64_t ret_range[4])
{
    const struct tp_pdf_value *array, *item;
    TP_TRY(tp_pdf_document_get(document, dictionary, "ByteRange", error, &array));
    if (array == NULL || tp_pdf_kind(array) != TP_PDF_ARRAY)
        return bad(error, "it is not there, or is no array");
    if (tp_pdf_len(array) != 4)
        return bad(error, "it does not have exactly four numbers");
    for (size_t i = 0; i < 4; i++) {
        TP_TRY(tp_pdf_document_resolve(document, tp_pdf_at(array, i), error, &item));
        int64_t number = tp_pdf_kind(item) == TP_PDF_INTEGER ? tp_pdf_integer(item, -1) : -1;
        if (number < 0 || (uint64_t)number > length)
            return bad(error, "a number of it is no place in the file");
        ret_range[i] = (uint64_t)number;
    }
    return TP_OK;
}

static enum tp_rc check_form(const uint64_t range[4], uint64_t length, struct tp_error *error)
{
    if (range[0] != 0)
        return bad(error, "it does not begin at the file's first byte");
    if (range[1] == 0 || range[3] == 0)
        return bad(error, "one of its parts is empty");
    if (range[2] < range[1] + 2)
        return bad(error, "its parts overlap, or leave no room for the signature");
    if (range[2] + range[3] > length)
        return bad(error, "it goes beyond the end of the file");
    return range[2] - range[1] <= CONTENTS_MAX ? TP_OK : bad(error, "what it leaves out is larger than any signature");
}

/* "<", hex digits, ">", and nothing else. */
static enum tp_rc read_gap(int fd, const uint64_t range[4], struct tp_error *error, struct tp_buf *ret_contents)
{
    size_t len = (size_t)(range[2] - range[1]);
    char *gap = malloc(len);
    if (gap == NULL)
        return TP_MEMORY;
    enum tp_rc rc = tp_pades_file_read(fd, range[1], gap, len, error);
    if (rc == TP_OK && (gap[0] != '<' || gap[len - 1] != '>'))
        rc = bad(error, "what it leaves out is not a string in < and >");
    if (rc == TP_OK && tp_hex_decode(gap + 1, len - 2, ret_contents) != TP_OK)
        rc = bad(error, "what it leaves out has other than hex digits in it");
    free(gap);
    return rc;
}

/* So that nobody points the gap at a string elsewhere: the key stands right before it. */
static enum tp_rc check_key(int fd, uint64_t gap_at, struct tp_error *error)
{
    static const char key[] = "/Contents";
    char before[KEY_BEFORE];
    size_t len = gap_at < KEY_BEFORE ? (size_t)gap_at : KEY_BEFORE, word = sizeof key - 1;
    TP_TRY(tp_pades_file_read(fd, gap_at - len, before, len, error));
    while (len > 0 && (before[len - 1] == ' ' || before[len - 1] == '\n' || before[len - 1] == '\r' || before[len - 1] == '\t'))
        len--;
    if (len < word || memcmp(before + len - word, key, word) != 0)
        return bad(error, "what it leaves out is not the value of /Contents");
    return TP_OK;
}

static enum tp_rc check_contents(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                                 const struct tp_buf *gap, struct tp_error *error)
{
    const struct tp_pdf_value *contents;
    TP_TRY(tp_pdf_document_get(document, dictionary, "Contents", error, &contents));
    if (contents == NULL || tp_pdf_kind(contents) != TP_PDF_STRING || tp_pdf_bytes(contents).len == 0)
        return tp_error_set(error, TP_MALFORMED, "/Contents is not there, or holds nothing");
    if (!tp_bytes_equal(tp_pdf_bytes(contents), tp_buf_bytes(gap)))
        return bad(error, "what it leaves out is not this signature's /Contents");
    return TP_OK;
}

enum tp_rc tp_pades_range_check(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary,
                                const struct tp_pades_revisions *revisions, struct tp_error *error,
                                struct tp_pades_signature *signature, struct tp_buf *ret_contents)
{
    int fd = tp_pdf_document_fd(document);
    uint64_t *range = signature->range;
    TP_TRY(read_range(document, dictionary, revisions->length, error, range));
    TP_TRY(check_form(range, revisions->length, error));
    TP_TRY(read_gap(fd, range, error, ret_contents));
    TP_TRY(check_key(fd, range[1], error));
    TP_TRY(check_contents(document, dictionary, ret_contents, error));
    uint64_t end = range[2] + range[3];
    signature->whole = end >= revisions->text_end;
    signature->revision = tp_pades_revision_at(revisions, fd, end);
    if (signature->revision == 0 && signature->whole)
        signature->revision = (unsigned)(revisions->len == 0 ? 1 : revisions->len);
    return signature->revision > 0 ? TP_OK : bad(error, "it does not end where a revision of the document ends");
}

static enum tp_rc hash_part(EVP_MD_CTX *context, int fd, uint64_t at, uint64_t len, uint8_t *window,
                            struct tp_error *error)
{
    while (len > 0) {
        size_t now = len < WINDOW ? (size_t)len : WINDOW;
        TP_TRY(tp_pades_file_read(fd, at, window, now, error));
        if (EVP_DigestUpdate(context, window, now) != 1)
            return TP_CRYPTO;
        at += now, len -= now;
    }
    return TP_OK;
}

enum tp_rc tp_pades_range_hash(int fd, const uint64_t range[4], enum tp_pki_hash hash, struct tp_error *error,
                               uint8_t ret_digest[64], size_t *ret_digest_len)
{
    const EVP_MD *md = hash == TP_PKI_HASH_NONE ? NULL : tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    if (md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the hash algorithm is not known");
    unsigned len = 0;
    uint8_t *window = malloc(WINDOW), digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum tp_rc rc = window == NULL || context == NULL ? TP_MEMORY : TP_OK;
    if (rc == TP_OK && EVP_DigestInit_ex(context, md, NULL) != 1)
        rc = TP_CRYPTO;
    if (rc == TP_OK)
        rc = hash_part(context, fd, range[0], range[1], window, error);
    if (rc == TP_OK)
        rc = hash_part(context, fd, range[2], range[3], window, error);
    if (rc == TP_OK && EVP_DigestFinal_ex(context, digest, &len) != 1)
        rc = TP_CRYPTO;
    EVP_MD_CTX_free(context);
    free(window);
    if (rc != TP_OK)
        return rc;
    memcpy(ret_digest, digest, len);
    *ret_digest_len = len;
    return TP_OK;
}

enum tp_rc tp_pades_fingerprint(int fd, struct tp_error *error, struct tp_pades_verification *verification)
{
    const uint64_t whole[] = {0, verification->length, verification->length, 0};
    return tp_pades_range_hash(fd, whole, TP_PKI_SHA256, error, verification->sha256, &verification->sha256_len);
}
