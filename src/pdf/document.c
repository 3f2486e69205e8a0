/* SPDX-License-Identifier: Apache-2.0
 *
 * A document: what its reader has said of it, and what has been asked for so far.
 */
#include "pdf/document.h"
#include "pdf/answer.h"
#include "pdf/internal.h"
#include "pdf/process.h"
#include "pdf/update_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#define NUMBERS_LEN    16 /* of the question that opens */
#define REFERENCES_MAX 10
#define REF_LEN        6

struct object {
    uint64_t key; /* number and generation */
    const struct tp_pdf_value *value;
    UT_hash_handle hh;
};

struct tp_pdf_document {
    struct tp_pdf_pool *pool;
    struct tp_pdf_process *process;
    struct tp_pdf_arena *arena;
    struct tp_pdf_facts facts;
    const struct tp_pdf_value *trailer;
    struct object *objects; /* the structs are malloc'ed */
    struct tp_secret *password;
    int fd;
    struct {
        bool asked;            /* for the first page, when it was opened; with this answer: */
        enum tp_rc rc;         /* TP_OK, or TP_NOT_FOUND */
        struct tp_error error; /* its words */
        struct tp_buf answer;
    } page;
};

/* ---- objects that have come ---- */

static uint64_t key_of(struct tp_pdf_ref ref)
{
    return (uint64_t)ref.id << 16 | ref.generation;
}

static const struct tp_pdf_value *find(const struct tp_pdf_document *document, uint64_t key)
{
    struct object *object = NULL;
    HASH_FIND(hh, document->objects, &key, sizeof(key), object);
    return object == NULL ? NULL : object->value;
}

static enum tp_rc keep(struct tp_pdf_document *document, uint64_t key, const struct tp_pdf_value *value)
{
    struct object *object = calloc(1, sizeof(*object));
    if (object == NULL)
        return TP_MEMORY;
    object->key = key;
    object->value = value;
    HASH_ADD(hh, document->objects, key, sizeof(object->key), object);
    return TP_OK;
}

/* ---- opening ---- */

/* What cannot be is a mistake in the reader, or somebody else sits there. */
static enum tp_rc nonsense(struct tp_error *error)
{
    return tp_error_set(error, TP_INTERNAL, "the document's reader answers with nonsense");
}

static enum tp_rc understood(enum tp_rc rc, struct tp_error *error)
{
    return rc == TP_MALFORMED ? nonsense(error) : rc;
}

/* The catalog comes along, unless it is part of the trailer. */
static enum tp_rc take_facts(struct tp_pdf_document *document, struct tp_bytes answer, struct tp_error *error)
{
    const struct tp_pdf_value *catalog = NULL;
    TP_TRY(understood(tp_pdf_answer_facts(document->arena, answer, &document->facts, &document->trailer, &catalog),
                      error));
    return catalog == NULL ? TP_OK : keep(document, key_of(tp_pdf_ref(tp_pdf_get(document->trailer, "Root"))), catalog);
}

static enum tp_rc make_question(const struct tp_pdf_document *document, struct tp_secret **ret_question)
{
    struct tp_secret *question TP_AUTO(tp_secret_free_p) = NULL;
    uint8_t numbers[NUMBERS_LEN];
    tp_put_be64(numbers, document->facts.length);
    tp_put_be64(numbers + 8, tp_pdf_pool_limits(document->pool)->stream_most);
    TP_TRY(tp_secret_new(NUMBERS_LEN + tp_secret_len(document->password), &question));
    TP_TRY(tp_secret_append(question, TP_BYTES(numbers, sizeof(numbers))));
    TP_TRY(tp_secret_append(question, tp_secret_bytes(document->password)));
    *ret_question = question;
    question = NULL;
    return TP_OK;
}

static enum tp_rc next_answer(struct tp_pdf_document *document, struct tp_error *error, struct tp_buf *answer)
{
    return tp_pdf_process_answer(document->process, tp_pdf_pool_limits(document->pool)->time_ms, error, answer);
}

/* A reader that the document before has broken while it let go is not this one's error: there are others. */
static enum tp_rc ask_to_open(struct tp_pdf_document *document, const struct tp_secret *question,
                              struct tp_error *error, struct tp_buf *answer)
{
    const struct tp_pdf_asked asked[] = {{TP_PDF_ASK_OPEN, tp_secret_bytes(question)},
                                         {TP_PDF_ASK_PAGE, TP_BYTES("\0\0\0\0", 4)}};
    for (;;) {
        TP_TRY(tp_pdf_pool_take(document->pool, error, &document->process));
        document->process->files++;
        enum tp_rc rc =
            tp_pdf_process_send(document->process, asked, document->page.asked ? 2 : 1, document->fd, error);
        if (rc == TP_OK)
            rc = next_answer(document, error, answer);
        if (rc == TP_OK || !document->process->owes)
            return rc;
        tp_pdf_pool_give(document->pool, document->process);
        document->process = NULL;
    }
}

static enum tp_rc await_page(struct tp_pdf_document *document, struct tp_error *error)
{
    if (!document->page.asked)
        return TP_OK;
    document->page.rc = next_answer(document, &document->page.error, &document->page.answer);
    if (document->page.rc == TP_OK || document->page.rc == TP_NOT_FOUND)
        return TP_OK;
    return tp_error_set(error, document->page.rc, "%s", tp_error_words(&document->page.error));
}

static enum tp_rc ask_for_facts(struct tp_pdf_document *document, struct tp_error *error)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_secret *question TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(make_question(document, &question));
    TP_TRY(ask_to_open(document, question, error, &answer));
    TP_TRY(await_page(document, error));
    /* What comes next into the same memory should not find a password there. */
    document->process->broken = document->process->broken || tp_secret_len(document->password) > 0;
    return take_facts(document, tp_buf_bytes(&answer), error);
}

static enum tp_rc look_at_file(struct tp_pdf_document *document, uint64_t length, struct tp_error *error)
{
    struct stat status;
    if (fstat(document->fd, &status) != 0)
        return tp_error_set(error, TP_IO, "the document cannot be looked at: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return tp_error_set(error, TP_BAD_ARGUMENT, "the document is no regular file; copy it into one first");
    if (status.st_size == 0)
        return tp_error_set(error, TP_MALFORMED, "the document is empty");
    if (length > (uint64_t)status.st_size)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the document has %llu bytes, not %llu",
                            (unsigned long long)status.st_size, (unsigned long long)length);
    document->facts.length = length == 0 ? (uint64_t)status.st_size : length;
    return TP_OK;
}

static enum tp_rc copy_password(struct tp_pdf_document *document, const struct tp_secret *password,
                                struct tp_error *error)
{
    const struct tp_bytes bytes = tp_secret_bytes(password);
    if (bytes.len > TP_PDF_QUESTION_MAX - NUMBERS_LEN)
        return tp_error_set(error, TP_PIN_WRONG, "a password of %zu bytes is none of a PDF", bytes.len);
    return tp_secret_new_copy(bytes, &document->password);
}

static enum tp_rc open_document(struct tp_pdf_pool *pool, int fd, uint64_t length, const struct tp_secret *password,
                                bool page, struct tp_error *error, struct tp_pdf_document **ret_document)
{
    struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = calloc(1, sizeof(*document));
    if (document == NULL)
        return TP_MEMORY;
    document->pool = pool;
    document->fd = fd;
    document->page.asked = page;
    TP_TRY(look_at_file(document, length, error));
    TP_TRY(copy_password(document, password, error));
    TP_TRY(tp_pdf_arena_new(&document->arena));
    TP_TRY(ask_for_facts(document, error));
    *ret_document = document;
    document = NULL;
    return TP_OK;
}

enum tp_rc tp_pdf_document_open(struct tp_pdf_pool *pool, int fd, uint64_t length, const struct tp_secret *password,
                                struct tp_error *error, struct tp_pdf_document **ret_document)
{
    return open_document(pool, fd, length, password, false, error, ret_document);
}

enum tp_rc tp_pdf_document_open_with_page(struct tp_pdf_pool *pool, int fd, uint64_t length,
                                          const struct tp_secret *password, struct tp_error *error,
                                          struct tp_pdf_document **ret_document)
{
    return open_document(pool, fd, length, password, true, error, ret_document);
}

void tp_pdf_document_close(struct tp_pdf_document *document)
{
    struct object *object, *next;
    if (document == NULL)
        return;
    if (document->process != NULL && !document->process->broken)
        tp_pdf_process_let_go(document->process);
    tp_pdf_pool_give(document->pool, document->process);
    HASH_ITER(hh, document->objects, object, next)
    {
        HASH_DEL(document->objects, object);
        free(object);
    }
    tp_buf_clear(&document->page.answer);
    tp_pdf_arena_free(document->arena);
    tp_secret_free(document->password);
    free(document);
}

/* ---- what is known ---- */

const struct tp_pdf_facts *tp_pdf_document_facts(const struct tp_pdf_document *document)
{
    return &document->facts;
}

int tp_pdf_document_fd(const struct tp_pdf_document *document)
{
    return document->fd;
}

struct tp_pdf_arena *tp_pdf_document_arena(struct tp_pdf_document *document)
{
    return document->arena;
}

const struct tp_pdf_value *tp_pdf_document_trailer(const struct tp_pdf_document *document)
{
    return document->trailer;
}

const struct tp_secret *tp_pdf_document_password(const struct tp_pdf_document *document)
{
    return document->password;
}

/* ---- questions ---- */

static enum tp_rc ask(struct tp_pdf_document *document, enum tp_pdf_question kind, struct tp_bytes question,
                      struct tp_error *error, struct tp_buf *answer)
{
    return tp_pdf_process_ask(document->process, kind, question, -1, tp_pdf_pool_limits(document->pool)->time_ms, error,
                              answer);
}

static void put_ref(uint8_t bytes[REF_LEN], struct tp_pdf_ref ref)
{
    tp_put_be32(bytes, ref.id);
    bytes[4] = (uint8_t)(ref.generation >> 8);
    bytes[5] = (uint8_t)(ref.generation & 0xFF);
}

enum tp_rc tp_pdf_document_object(struct tp_pdf_document *document, struct tp_pdf_ref ref, struct tp_error *error,
                                  const struct tp_pdf_value **ret_value)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const struct tp_pdf_value *known = find(document, key_of(ref)), *value = &tp_pdf_null;
    uint8_t question[REF_LEN];
    if (known == NULL && ref.id > 0 && ref.id < document->facts.size) {
        put_ref(question, ref);
        TP_TRY(ask(document, TP_PDF_ASK_OBJECT, TP_BYTES(question, sizeof(question)), error, &answer));
        TP_TRY(understood(tp_pdf_wire_decode(document->arena, tp_buf_bytes(&answer), &value), error));
        TP_TRY(keep(document, key_of(ref), value));
    }
    *ret_value = known != NULL ? known : value;
    return TP_OK;
}

enum tp_rc tp_pdf_document_resolve(struct tp_pdf_document *document, const struct tp_pdf_value *value,
                                   struct tp_error *error, const struct tp_pdf_value **ret_value)
{
    for (int i = 0; i < REFERENCES_MAX && tp_pdf_kind(value) == TP_PDF_REFERENCE; i++)
        TP_TRY(tp_pdf_document_object(document, tp_pdf_ref(value), error, &value));
    if (tp_pdf_kind(value) == TP_PDF_REFERENCE)
        return tp_error_set(error, TP_MALFORMED, "object %u of the document refers to others without end",
                            tp_pdf_ref(value).id);
    *ret_value = value;
    return TP_OK;
}

enum tp_rc tp_pdf_document_get(struct tp_pdf_document *document, const struct tp_pdf_value *dictionary, const char *key,
                               struct tp_error *error, const struct tp_pdf_value **ret_value)
{
    const struct tp_pdf_value *value = NULL;
    TP_TRY(tp_pdf_document_resolve(document, tp_pdf_get(dictionary, key), error, &value));
    *ret_value = tp_pdf_kind(value) == TP_PDF_NULL ? NULL : value; /* §7.3.9: a null entry is none */
    return TP_OK;
}

enum tp_rc tp_pdf_document_stream(struct tp_pdf_document *document, struct tp_pdf_ref ref, struct tp_error *error,
                                  struct tp_buf *ret_data)
{
    uint8_t question[REF_LEN];
    put_ref(question, ref);
    return ask(document, TP_PDF_ASK_STREAM, TP_BYTES(question, sizeof(question)), error, ret_data);
}

static const struct tp_pdf_value *with_all(struct tp_pdf_arena *arena, const struct tp_pdf_value *dictionary,
                                           const struct tp_pdf_value *more)
{
    for (size_t i = 0; i < tp_pdf_len(more); i++) {
        struct tp_bytes key;
        const struct tp_pdf_value *value = tp_pdf_entry(more, i, &key);
        dictionary = tp_pdf_with(arena, dictionary, (const char *)key.data, value);
    }
    return dictionary;
}

/* The object as it stands is kept, for who changes it; RET_PAGE has more. */
static enum tp_rc take_page(struct tp_pdf_document *document, struct tp_bytes answer, struct tp_error *error,
                            struct tp_pdf_ref *ret_ref, const struct tp_pdf_value **ret_page)
{
    const struct tp_pdf_value *page = NULL, *inherited = NULL;
    struct tp_pdf_ref ref = {0};
    TP_TRY(understood(tp_pdf_answer_page(document->arena, answer, &ref, &page, &inherited), error));
    if (find(document, key_of(ref)) == NULL)
        TP_TRY(keep(document, key_of(ref), page));
    *ret_ref = ref;
    *ret_page = with_all(document->arena, page, inherited);
    return tp_pdf_arena_check(document->arena);
}

static enum tp_rc take_first_page(struct tp_pdf_document *document, struct tp_error *error, struct tp_pdf_ref *ret_ref,
                                  const struct tp_pdf_value **ret_page)
{
    if (document->page.rc != TP_OK)
        return tp_error_set(error, document->page.rc, "%s", tp_error_words(&document->page.error));
    return take_page(document, tp_buf_bytes(&document->page.answer), error, ret_ref, ret_page);
}

enum tp_rc tp_pdf_document_page(struct tp_pdf_document *document, unsigned index, struct tp_error *error,
                                struct tp_pdf_ref *ret_ref, const struct tp_pdf_value **ret_page)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t question[4];
    if (index == 0 && document->page.asked)
        return take_first_page(document, error, ret_ref, ret_page);
    tp_put_be32(question, index);
    TP_TRY(ask(document, TP_PDF_ASK_PAGE, TP_BYTES(question, sizeof(question)), error, &answer));
    return take_page(document, tp_buf_bytes(&answer), error, ret_ref, ret_page);
}

enum tp_rc tp_pdf_document_digests(struct tp_pdf_document *document, struct tp_error *error,
                                   struct tp_pdf_digests *ret_digests)
{
    struct tp_buf answer TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    *ret_digests = (struct tp_pdf_digests){.len = 0};
    TP_TRY(ask(document, TP_PDF_ASK_DIGESTS, TP_BYTES_NONE, error, &answer));
    return understood(tp_pdf_answer_digests(tp_buf_bytes(&answer), ret_digests), error);
}

void tp_pdf_digests_clear(struct tp_pdf_digests *digests)
{
    free(digests->digests);
    *digests = (struct tp_pdf_digests){.len = 0};
}

int tp_pdf_digest_compare(const void *a, const void *b)
{
    const uint32_t left = ((const struct tp_pdf_digest *)a)->ref.id, right = ((const struct tp_pdf_digest *)b)->ref.id;
    return (left > right) - (left < right);
}

const struct tp_pdf_digest *tp_pdf_digests_find(const struct tp_pdf_digests *digests, uint32_t id)
{
    const struct tp_pdf_digest wanted = {.ref = {.id = id}};
    return digests->len == 0
               ? NULL
               : bsearch(&wanted, digests->digests, digests->len, sizeof(*digests->digests), tp_pdf_digest_compare);
}
