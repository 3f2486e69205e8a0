/* SPDX-License-Identifier: Apache-2.0
 *
 * PEM (RFC 7468).
 */
#include "pki/internal.h"

#include <limits.h>
#include <openssl/pem.h>
#include <string.h>

bool tp_pki_pem_is(struct tp_bytes file)
{
    static const char begin[] = "-----BEGIN ";
    return file.len != 0 && memmem(file.data, file.len, begin, sizeof begin - 1) != NULL;
}

void tp_pki_pem_block_clear(struct tp_pki_pem_block *block)
{
    OPENSSL_free(block->label);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, block->len > 0 ? (size_t)block->len : 0);
    *block = (struct tp_pki_pem_block){0};
}

static enum tp_rc block_read(BIO *bio, struct tp_error *error, struct tp_pki_pem_block *ret_block, bool *ret_end)
{
    if (PEM_read_bio(bio, &ret_block->label, &ret_block->header, &ret_block->data, &ret_block->len) == 1)
        return TP_OK;
    const unsigned long reason = ERR_peek_last_error();
    if (ERR_GET_LIB(reason) != ERR_LIB_PEM || ERR_GET_REASON(reason) != PEM_R_NO_START_LINE)
        return tp_error_set(error, TP_MALFORMED, "the file holds a PEM block that is broken");
    *ret_end = true;
    return TP_OK;
}

enum tp_rc tp_pki_pem_read(struct tp_bytes file, struct tp_error *error, tp_pki_pem_fn *each, void *context)
{
    if (file.len > INT_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the file is too large");
    BIO *bio TP_AUTO(BIO_free_all_p) = BIO_new_mem_buf(file.data, (int)file.len);
    if (bio == NULL)
        return TP_MEMORY;
    for (bool end = false;;) {
        struct tp_pki_pem_block block TP_AUTO(tp_pki_pem_block_clear) = {0};
        TP_TRY(block_read(bio, error, &block, &end));
        if (end)
            return TP_OK;
        if (block.header[0] == '\0')
            TP_TRY(each(context, block.label, TP_BYTES(block.data, (size_t)block.len)));
    }
}

enum tp_rc tp_pki_pem_write(const char *label, struct tp_bytes der, struct tp_buf *ret_pem)
{
    TP_PKI_ERRORS_KEEP;
    if (der.len > LONG_MAX)
        return TP_TOO_LARGE;
    BIO *bio TP_AUTO(BIO_free_all_p) = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio(bio, label, "", der.data, (long)der.len) <= 0)
        return TP_MEMORY;
    char *text = NULL;
    const long len = BIO_get_mem_data(bio, &text);
    return len > 0 ? tp_buf_append(ret_pem, TP_BYTES(text, (size_t)len)) : TP_INTERNAL;
}
