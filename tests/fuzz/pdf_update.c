/* SPDX-License-Identifier: Apache-2.0
 *
 * An update of whatever document can be opened: what was written opens again without repair, begins with the document's bytes,
 * and has the new objects. The readers are real: processes with limits.
 */
#include "pdf/update.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PASSWORD "user"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct tp_pdf_pool *pool;
static struct tp_secret *password;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int file_of(const uint8_t *data, size_t len)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    return fd;
}

static const char text[] = "new new new new new new new new new new new new";

struct made {
    struct tp_pdf_ref signature, stream;
};

static enum tp_rc put(struct tp_pdf_document *document, struct tp_pdf_update *update, struct made *made)
{
    struct tp_pdf_arena *arena = tp_pdf_document_arena(document);
    const struct tp_pdf_value *dictionary =
        tp_pdf_with(arena, tp_pdf_new_dictionary(arena), "Reason", tp_pdf_new_text(arena, text));
    made->signature = tp_pdf_update_new_ref(update);
    made->stream = tp_pdf_update_new_ref(update);
    TP_TRY(tp_pdf_update_put_signature(update, made->signature, dictionary, 40, NULL));
    return tp_pdf_update_put_stream(update, made->stream, tp_pdf_new_dictionary(arena), tp_bytes_of_string(text), true, NULL);
}

static void check_objects(struct tp_pdf_document *document, const struct made *made)
{
    struct tp_buf data = TP_BUF_INIT;
    const struct tp_pdf_value *signature = NULL;
    require(!tp_pdf_document_facts(document)->repaired);
    require(tp_pdf_document_object(document, made->signature, NULL, &signature) == TP_OK);
    require(tp_bytes_equal(tp_pdf_bytes(tp_pdf_get(signature, "Reason")), tp_bytes_of_string(text)));
    require(tp_pdf_bytes(tp_pdf_get(signature, "Contents")).len == 40);
    require(tp_pdf_document_stream(document, made->stream, NULL, &data) == TP_OK);
    require(tp_bytes_equal(tp_buf_bytes(&data), tp_bytes_of_string(text)));
    tp_buf_clear(&data);
}

static void check_written(int out, const uint8_t *data, size_t len, const struct tp_pdf_written *written, const struct made *made)
{
    struct tp_pdf_document *document = NULL;
    uint8_t *begin = malloc(len);
    require(pread(out, begin, len, 0) == (ssize_t)len && memcmp(begin, data, len) == 0);
    free(begin);
    require(lseek(out, 0, SEEK_END) == (off_t)written->length);
    require(tp_pdf_document_open(pool, out, 0, password, NULL, &document) == TP_OK);
    check_objects(document, made);
    tp_pdf_document_close(document);
}

static void change(struct tp_pdf_document *document, struct tp_pdf_update *update, const uint8_t *data, size_t len)
{
    struct tp_pdf_written written;
    struct made made;
    uint8_t digest[64];
    const int out = file_of(NULL, 0);
    if (put(document, update, &made) == TP_OK && tp_pdf_update_write(update, out, "SHA256", NULL, &written, digest) == TP_OK)
        check_written(out, data, len, &written, &made);
    (void)close(out);
}

static void begin(void)
{
    const struct tp_pdf_limits limits = {.time_ms = 3000, .memory = (size_t)256 << 20, .stream_most = (size_t)1 << 20};
    require(tp_secret_new_copy(tp_bytes_of_string(PASSWORD), &password) == TP_OK);
    require(tp_pdf_pool_new(&limits, NULL, &pool) == TP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pdf_document *document = NULL;
    struct tp_pdf_update *update = NULL;
    if (pool == NULL)
        begin();
    const int in = file_of(data, len);
    if (tp_pdf_document_open(pool, in, 0, password, NULL, &document) == TP_OK &&
        tp_pdf_update_new(document, NULL, &update) == TP_OK)
        change(document, update, data, len);
    tp_pdf_update_free(update);
    tp_pdf_document_close(document);
    (void)close(in);
    return 0;
}
