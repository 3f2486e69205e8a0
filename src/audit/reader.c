/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading, beside the committer, with a second handle.
 *
 * What a reader believes is the state root and the census in memory. What it sees is a snapshot of the store, which may
 * be one commit older or newer than these. Both are needed at one time, and the committer must not wait for readers (a
 * reader's check asks the HSM). So a reader looks twice:
 *  1. it copies the root and what the census says, takes a snapshot, and checks one against the other. If all agrees,
 * the answer is right as of the moment of the copy (so also: it sees everything whose DONE was called before);
 *  2. if anything does not, a commit that changed records may have come between, or the store was changed from outside.
 *     The same is done again under commit_mutex, when memory and store are at one commit: now it is TP_TAMPERED.
 * Signing changes no record, so that the second look is rare. The record's own MAC is checked after both, without a
 * lock.
 */
#include "audit/internal.h"
#include "audit/record_mac.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 32 /* records that are read in one go */

/* A row as it was read, on its way to the one who asked. */
struct row {
    struct tp_store_record record; /* its content is `content` */
    struct tp_buf content;
    struct tp_state_hash leaf;
};

struct page {
    size_t len;
    struct row row[PAGE];
};

/* What is asked for. */
struct question {
    struct tp_census_key key;
    uint64_t after; /* lists: the slot before */
    size_t most;
};

/* What memory says the answer must be like. */
struct belief {
    struct tp_state_hash root;
    size_t len;
    uint32_t slot[PAGE];
};

static void page_free(struct page *page)
{
    for (size_t i = 0; i < page->len; i++)
        tp_buf_clear(&page->row[i].content);
    free(page);
}
TP_DEFINE_AUTO(struct page, page_free)

static void page_reset(struct page *page)
{
    while (page->len > 0)
        tp_buf_clear(&page->row[--page->len].content);
}

/* ---- one look ---- */

static enum tp_rc believe(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                          struct belief *ret_belief)
{
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->state_mutex);
    ret_belief->root = ledger->view.state_root;
    rc = tp_census_slots(ledger->census, &question->key, question->after, question->most, ret_belief->slot,
                         &ret_belief->len);
    if (ledger->view.rootless)
        rc = tp_error_set(error, TP_TAMPERED, "%s", ledger->view.why);
    pthread_mutex_unlock(&ledger->state_mutex);
    return rc;
}

static enum tp_rc row_take(void *context, const struct tp_store_record *record)
{
    struct page *page = context;
    struct row *row = &page->row[page->len];

    if (page->len == PAGE)
        return TP_INTERNAL;
    TP_TRY(tp_record_leaf(record, &row->leaf));
    row->record = *record;
    row->content = TP_BUF_INIT;
    TP_TRY(tp_buf_append(&row->content, record->content));
    row->record.content = tp_buf_bytes(&row->content);
    page->len++;
    return TP_OK;
}

static enum tp_rc rows_read(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                            struct page *page)
{
    const struct tp_census_key *key = &question->key;
    struct tp_store_record record;
    enum tp_rc rc;

    if (key->id == NULL && key->name == NULL)
        return tp_store_record_each(ledger->reader, key->kind, key->owner, question->after, question->most, error,
                                    row_take, page);
    rc = key->id != NULL ? tp_store_record_get(ledger->reader, key->kind, key->id, error, &record)
                         : tp_store_record_find(ledger->reader, key->kind, key->owner, key->name, error, &record);
    if (rc == TP_NOT_FOUND)
        return TP_OK; /* whether that is right, the census says */
    TP_TRY(rc);
    return row_take(page, &record);
}

/* An index of the database that was changed may lead to another row than the one that was asked for. */
static bool row_answers(const struct row *row, const struct tp_census_key *key)
{
    const struct tp_store_record *record = &row->record;

    return strcmp(record->kind, key->kind) == 0 && (key->id == NULL || strcmp(record->id, key->id) == 0) &&
           (key->owner == NULL || strcmp(record->owner, key->owner) == 0) &&
           (key->name == NULL || strcmp(record->name, key->name) == 0);
}

static enum tp_rc row_check(struct tp_ledger *ledger, const struct row *row, const struct question *question,
                            const struct tp_state_hash *root, uint64_t slot, struct tp_error *error)
{
    struct tp_state_hash leaf;

    if (row->record.slot == slot && row_answers(row, &question->key)) {
        TP_TRY(tp_state_tree_get(ledger->reader, root, slot, error, &leaf));
        if (tp_state_hash_equal(&leaf, &row->leaf))
            return TP_OK;
    }
    return tp_error_set(error, TP_TAMPERED,
                        "audit: %s %s was changed outside of this program; restore it from a backup", row->record.kind,
                        row->record.id);
}

static enum tp_rc rows_check(struct tp_ledger *ledger, const struct question *question, const struct belief *belief,
                             const struct page *page, struct tp_error *error)
{
    if (page->len < belief->len)
        return tp_error_set(error, TP_TAMPERED,
                            "audit: a %s record was deleted outside of this program; restore it from a backup",
                            question->key.kind);
    if (page->len > belief->len)
        return tp_error_set(error, TP_TAMPERED, "audit: a %s record was added outside of this program; remove it",
                            question->key.kind);
    for (size_t i = 0; i < page->len; i++)
        TP_TRY(row_check(ledger, &page->row[i], question, &belief->root, belief->slot[i], error));
    return TP_OK;
}

static enum tp_rc look(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                       struct page *page)
{
    struct belief belief;
    enum tp_rc rc;

    page_reset(page);
    TP_TRY(believe(ledger, question, error, &belief));
    TP_TRY(tp_store_begin(ledger->reader, error));
    rc = rows_read(ledger, question, error, page);
    if (rc == TP_OK)
        rc = rows_check(ledger, question, &belief, page, error);
    tp_store_rollback(ledger->reader);
    return rc;
}

/* ---- both looks ---- */

static enum tp_rc look_twice(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                             struct page *page)
{
    enum tp_rc rc;

    pthread_mutex_lock(&ledger->reader_mutex);
    rc = look(ledger, question, NULL, page);
    if (rc != TP_OK) {
        pthread_mutex_lock(&ledger->commit_mutex);
        rc = look(ledger, question, error, page);
        pthread_mutex_unlock(&ledger->commit_mutex);
    }
    pthread_mutex_unlock(&ledger->reader_mutex);
    return rc;
}


static enum tp_rc read_page(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                            struct page **ret_page)
{
    struct page *page TP_AUTO(page_free_p) = calloc(1, sizeof *page);
    struct tp_error why = {.rc = TP_OK};
    enum tp_rc rc;

    if (page == NULL)
        return TP_MEMORY;
    rc = look_twice(ledger, question, &why, page);
    if (rc == TP_TAMPERED)
        tp_ledger_mistrust(ledger, &why);
    if (rc != TP_OK && error != NULL)
        *error = why;
    TP_TRY(rc);
    /* One whose MAC alone is wrong was accepted by an officer: it stays refused, and the rest serves. */
    for (size_t i = 0; i < page->len; i++)
        TP_TRY(tp_record_mac_check(&ledger->config.keys, &page->row[i].record, error));
    *ret_page = page;
    page = NULL;
    return TP_OK;
}

/* ---- records ---- */

void tp_ledger_record_clear(struct tp_ledger_record *record)
{
    tp_buf_clear(&record->content);
    memset(record, 0, sizeof *record);
}

/* Takes the content out of ROW. */
static void hand_over(struct row *row, struct tp_ledger_record *ret_record)
{
    memcpy(ret_record->id, row->record.id, sizeof ret_record->id);
    memcpy(ret_record->owner, row->record.owner, sizeof ret_record->owner);
    memcpy(ret_record->name, row->record.name, sizeof ret_record->name);
    ret_record->version = row->record.version;
    ret_record->content = row->content;
    row->content = TP_BUF_INIT;
}

static enum tp_rc read_one(struct tp_ledger *ledger, const struct question *question, struct tp_error *error,
                           struct tp_ledger_record *ret_record)
{
    struct page *page TP_AUTO(page_free_p) = NULL;

    TP_TRY(read_page(ledger, question, error, &page));
    if (page->len == 0)
        return tp_error_set(error, TP_NOT_FOUND, "there is no such %s", question->key.kind);
    hand_over(&page->row[0], ret_record);
    return TP_OK;
}

enum tp_rc tp_ledger_get(struct tp_ledger *ledger, const char *kind, const char *id, struct tp_error *error,
                         struct tp_ledger_record *ret_record)
{
    const struct question question = {.key = {.kind = kind, .id = id}, .most = 2};

    return read_one(ledger, &question, error, ret_record);
}

enum tp_rc tp_ledger_find(struct tp_ledger *ledger, const char *kind, const char *owner, const char *name,
                          struct tp_error *error, struct tp_ledger_record *ret_record)
{
    const struct question question = {.key = {.kind = kind, .owner = owner, .name = name}, .most = 2};

    return read_one(ledger, &question, error, ret_record);
}

static enum tp_rc deliver(struct page *page, uint64_t *cursor, tp_ledger_record_fn *each, void *context)
{
    for (size_t i = 0; i < page->len; i++) {
        struct tp_ledger_record record;
        enum tp_rc rc;

        hand_over(&page->row[i], &record);
        rc = each(context, &record);
        tp_ledger_record_clear(&record);
        TP_TRY(rc);
        *cursor = page->row[i].record.slot;
    }
    return TP_OK;
}

enum tp_rc tp_ledger_each(struct tp_ledger *ledger, const char *kind, const char *owner, uint64_t *cursor, size_t limit,
                          struct tp_error *error, tp_ledger_record_fn *each, void *context)
{
    struct question question = {.key = {.kind = kind, .owner = owner}};
    size_t len = PAGE;

    while (limit > 0 && len == PAGE) {
        struct page *page TP_AUTO(page_free_p) = NULL;

        question.after = *cursor;
        question.most = limit < PAGE ? limit : PAGE;
        TP_TRY(read_page(ledger, &question, error, &page));
        len = page->len;
        limit -= len;
        TP_TRY(deliver(page, cursor, each, context));
    }
    return TP_OK;
}

enum tp_rc tp_ledger_count(struct tp_ledger *ledger, const char *kind, struct tp_error *error, uint64_t *ret_count)
{
    pthread_mutex_lock(&ledger->reader_mutex);
    enum tp_rc rc = tp_store_record_count(ledger->reader, kind, error, ret_count);
    pthread_mutex_unlock(&ledger->reader_mutex);
    return rc;
}
