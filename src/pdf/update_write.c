/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing, in one pass: the document, whose last byte says whether a line ends there; then it is settled where everything comes to
 * lie, /ByteRange is filled in, and the update goes out.
 */
#include "pdf/update_internal.h"
#include "base/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writing {
    struct tp_pdf_update *update;
    struct tp_pdf_output output;
    struct tp_buf xref;
    bool needs_newline;
    struct tp_pdf_written written;
};

static void writing_clear(struct writing *writing)
{
    tp_buf_clear(&writing->xref);
    tp_buf_clear(&writing->output.waiting);
    EVP_MD_CTX_free(writing->output.hash);
}

/* ---- layout ---- */

static enum tp_rc check_length(uint64_t length, struct tp_error *error)
{
    return length <= TP_PDF_OFFSET_MAX
               ? TP_OK
               : tp_error_set(error, TP_TOO_LARGE, "the document would be larger than ten digits can say");
}

static enum tp_rc lay_out(struct writing *writing, struct tp_error *error)
{
    struct tp_pdf_update *update = writing->update;
    uint64_t at = tp_pdf_document_facts(update->document)->length + (writing->needs_newline ? 1 : 0);
    for (struct tp_pdf_item *item = update->items; item != NULL; item = item->hh.next) {
        item->at = at;
        at += item->text.len;
    }
    TP_TRY(tp_pdf_xref_make(update, at, error, &writing->xref));
    writing->written.length = at + writing->xref.len;
    return check_length(writing->written.length, error);
}

/* §12.8.1: all but /Contents, whose < and > are left out, too. */
static void fill_range(struct writing *writing)
{
    struct tp_pdf_item *item = writing->update->signature;
    struct tp_pdf_written *written = &writing->written;
    char range[TP_PDF_RANGE_LEN + 1];
    if (item == NULL)
        return;
    written->contents_at = item->at + item->contents_at;
    written->contents_len = item->contents_len;
    written->byte_range[1] = written->contents_at;
    written->byte_range[2] = written->contents_at + written->contents_len;
    written->byte_range[3] = written->length - written->byte_range[2];
    const int len = snprintf(range, sizeof(range), "[0 %llu %llu %llu", (unsigned long long)written->byte_range[1],
                             (unsigned long long)written->byte_range[2], (unsigned long long)written->byte_range[3]);
    memset(item->text.data + item->range_at, ' ', TP_PDF_RANGE_LEN);
    memcpy(item->text.data + item->range_at, range, (size_t)len);
    item->text.data[item->range_at + TP_PDF_RANGE_LEN - 1] = ']';
}

/* ---- bytes ---- */

static enum tp_rc put_item(struct tp_pdf_output *output, const struct tp_pdf_item *item, struct tp_error *error)
{
    const uint8_t *text = item->text.data;
    const size_t behind = item->contents_at + item->contents_len;
    if (item->contents_len == 0)
        return tp_pdf_output_put(output, tp_buf_bytes(&item->text), true, error);
    TP_TRY(tp_pdf_output_put(output, TP_BYTES(text, item->contents_at), true, error));
    TP_TRY(tp_pdf_output_put(output, TP_BYTES(text + item->contents_at, item->contents_len), false, error));
    return tp_pdf_output_put(output, TP_BYTES(text + behind, item->text.len - behind), true, error);
}

static enum tp_rc put_document(struct writing *writing, struct tp_error *error)
{
    struct tp_pdf_document *document = writing->update->document;
    const uint64_t length = tp_pdf_document_facts(document)->length;
    uint8_t last = '\n';
    TP_TRY(check_length(length, error));
    TP_TRY(tp_pdf_output_copy(&writing->output, tp_pdf_document_fd(document), length, error, &last));
    writing->needs_newline = last != '\n' && last != '\r';
    return TP_OK;
}

static enum tp_rc put_update(struct writing *writing, struct tp_error *error)
{
    if (writing->needs_newline)
        TP_TRY(tp_pdf_output_put(&writing->output, TP_BYTES("\n", 1), true, error));
    for (const struct tp_pdf_item *item = writing->update->items; item != NULL; item = item->hh.next)
        TP_TRY(put_item(&writing->output, item, error));
    TP_TRY(tp_pdf_output_put(&writing->output, tp_buf_bytes(&writing->xref), true, error));
    return tp_pdf_output_flush(&writing->output, error);
}

static enum tp_rc begin_hash(struct writing *writing, const char *digest_name, struct tp_error *error)
{
    if (writing->update->signature == NULL)
        return TP_OK;
    const EVP_MD *digest = digest_name == NULL ? NULL : tp_crypto_digest(digest_name);
    if (digest == NULL)
        return tp_error_set(error, TP_BAD_ARGUMENT, "there is no digest %s", digest_name == NULL ? "" : digest_name);
    writing->output.hash = EVP_MD_CTX_new();
    if (writing->output.hash == NULL)
        return TP_MEMORY;
    return EVP_DigestInit_ex2(writing->output.hash, digest, NULL) == 1 ? TP_OK : TP_CRYPTO;
}

static enum tp_rc end_hash(struct writing *writing, uint8_t *ret_digest)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (writing->output.hash == NULL)
        return TP_OK;
    if (EVP_DigestFinal_ex(writing->output.hash, digest, &len) != 1)
        return TP_CRYPTO;
    memcpy(ret_digest, digest, len);
    return TP_OK;
}

static enum tp_rc check_output(const struct tp_pdf_update *update, int out, struct tp_error *error)
{
    struct stat from, to;
    if (fstat(tp_pdf_document_fd(update->document), &from) != 0 || fstat(out, &to) != 0)
        return tp_error_set(error, TP_IO, "the document cannot be looked at: %s", strerror(errno));
    if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        return tp_error_set(error, TP_BAD_ARGUMENT, "a document is not written over itself; give another file");
    return !S_ISREG(to.st_mode) || to.st_size == 0 || ftruncate(out, 0) == 0 ? TP_OK : tp_pdf_output_error(error);
}

enum tp_rc tp_pdf_update_write(struct tp_pdf_update *update, int out, const char *digest_name, struct tp_error *error,
                               struct tp_pdf_written *ret_written, uint8_t *ret_digest)
{
    struct writing writing TP_AUTO(writing_clear) = {.update = update, .output = {.fd = out}};
    TP_TRY(check_output(update, out, error));
    TP_TRY(begin_hash(&writing, digest_name, error));
    TP_TRY(put_document(&writing, error));
    TP_TRY(lay_out(&writing, error));
    fill_range(&writing);
    TP_TRY(put_update(&writing, error));
    TP_TRY(end_hash(&writing, ret_digest));
    *ret_written = writing.written;
    return TP_OK;
}

/* ---- the signature, later ---- */

enum tp_rc tp_pdf_contents_fill(int out, const struct tp_pdf_written *written, struct tp_bytes contents, struct tp_error *error)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_output output = {.fd = out, .at = written->contents_at + 1};
    const size_t room = written->contents_len < 2 ? 0 : written->contents_len - 2;
    if (contents.len > room / 2)
        return tp_error_set(error, TP_TOO_LARGE, "the signature has %zu bytes, and room for %zu", contents.len, room / 2);
    TP_TRY(tp_buf_reserve(&text, room + 1));
    memset(text.data, '0', room);
    tp_hex_encode(contents, (char *)text.data);
    text.data[2 * contents.len] = 2 * contents.len < room ? '0' : text.data[2 * contents.len];
    return tp_pdf_output_write(&output, TP_BYTES(text.data, room), error);
}
