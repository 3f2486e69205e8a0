/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share a pool of readers: each opens documents, good ones and broken ones, and updates the good ones.
 */
#include "pdf/update.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS   6
#define ROUNDS    12
#define DATA_LEN  ((size_t)5 << 20) /* hashed by a thread of its own */

static struct tp_pdf_pool *pool;
static struct tp_buf good;

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A catalog, a page tree, and a stream that makes the file large. */
static void make_document(void)
{
    static const char *const objects[] = {"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"};
    size_t at[4] = {0};
    require(tp_buf_append_string(&good, "%PDF-1.7\n") == TP_OK);
    for (size_t i = 0; i < 2; i++) {
        at[i] = good.len;
        require(tp_buf_printf(&good, "%zu 0 obj\n%s\nendobj\n", i + 1, objects[i]) == TP_OK);
    }
    at[2] = good.len;
    require(tp_buf_printf(&good, "3 0 obj\n<< /Length %zu >>\nstream\n%*s\nendstream\nendobj\n", DATA_LEN, (int)DATA_LEN,
                          "") == TP_OK);
    at[3] = good.len;
    require(tp_buf_append_string(&good, "xref\n0 4\n0000000000 65535 f \n") == TP_OK);
    for (size_t i = 0; i < 3; i++)
        require(tp_buf_printf(&good, "%010zu 00000 n \n", at[i]) == TP_OK);
    require(tp_buf_printf(&good, "trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", at[3]) == TP_OK);
}

static int file_of(struct tp_bytes bytes)
{
    const int fd = memfd_create("pool", MFD_CLOEXEC);
    require(fd >= 0 && pwrite(fd, bytes.data, bytes.len, 0) == (ssize_t)bytes.len);
    return fd;
}

static void update(struct tp_pdf_document *document)
{
    struct tp_pdf_update *change = NULL;
    struct tp_pdf_written written;
    uint8_t digest[64];
    const int out = file_of(TP_BYTES_NONE);
    require(tp_pdf_update_new(document, NULL, &change) == TP_OK);
    const struct tp_pdf_value *signature = tp_pdf_new_dictionary(tp_pdf_document_arena(document));
    require(tp_pdf_update_put_signature(change, tp_pdf_update_new_ref(change), signature, 100, NULL) == TP_OK);
    require(tp_pdf_update_write(change, out, "SHA256", NULL, &written, digest) == TP_OK);
    require(written.length == (uint64_t)lseek(out, 0, SEEK_END));
    tp_pdf_update_free(change);
    (void)close(out);
}

static void *use_pool(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        const bool broken = i % 3 == 2;
        struct tp_pdf_document *document = NULL;
        const int fd = file_of(broken ? TP_BYTES(good.data, 60) : tp_buf_bytes(&good));
        const enum tp_rc rc = tp_pdf_document_open(pool, fd, 0, NULL, NULL, &document);
        require((rc == TP_OK) == !broken);
        if (rc == TP_OK)
            update(document);
        tp_pdf_document_close(document);
        (void)close(fd);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    make_document();
    require(tp_pdf_pool_new(NULL, NULL, &pool) == TP_OK);
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, use_pool, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        require(pthread_join(threads[i], NULL) == 0);
    tp_pdf_pool_free(pool);
    tp_buf_clear(&good);
    return 0;
}
