/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/verify_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum tp_rc tp_verify_key(const char *kind, const char *id, uint8_t ret_key[TP_KEYMAP_KEY_LEN])
{
    uint8_t hash[TP_SHA256_LEN];

    /* with its NUL, the kind ends where the id begins */
    TP_TRY(tp_sha256(TP_BYTES(kind, strlen(kind) + 1), tp_bytes_of_string(id), TP_BYTES_NONE, hash));
    memcpy(ret_key, hash, TP_KEYMAP_KEY_LEN);
    return TP_OK;
}

enum tp_rc tp_verify_node_count(struct tp_verify *verify, unsigned tree, struct tp_error *error)
{
    uint64_t nodes;

    TP_TRY(tp_store_node_count(verify->store, tree, error, &nodes));
    if (nodes == verify->nodes)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED, "audit: the store has %" PRIu64 " nodes of tree %u, which has %" PRIu64,
                        nodes, tree, verify->nodes);
}

/* ---- the checkpoints ---- */

static enum tp_rc checkpoint_add(struct tp_verify *verify, const struct tp_checkpoint *checkpoint)
{
    if (verify->checkpoints == verify->checkpoints_capacity) {
        size_t capacity = verify->checkpoints_capacity == 0 ? 64 : verify->checkpoints_capacity * 2;
        struct tp_checkpoint *larger = realloc(verify->checkpoint, capacity * sizeof *larger);

        if (larger == NULL)
            return TP_MEMORY;
        verify->checkpoint = larger;
        verify->checkpoints_capacity = capacity;
    }
    verify->checkpoint[verify->checkpoints++] = *checkpoint;
    return TP_OK;
}

/* The newest that speaks of at most MOST entries, its signature checked. */
static enum tp_rc checkpoint_next(struct tp_verify *verify, uint64_t most, struct tp_error *error,
                                  struct tp_checkpoint *ret_checkpoint)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error why = {.rc = TP_OK};
    uint64_t size = 0;
    enum tp_rc rc;

    TP_TRY(tp_store_checkpoint_get(verify->store, most, NULL, &size, &note));
    rc = tp_checkpoint_open(tp_buf_bytes(&note), verify->origin, verify->spki, &why, ret_checkpoint);
    if (rc == TP_OK && ret_checkpoint->size == size)
        return TP_OK;
    if (rc != TP_OK && rc != TP_MALFORMED && rc != TP_TAMPERED)
        return rc;
    return tp_error_set(error, TP_TAMPERED, "audit: the stored checkpoint at %" PRIu64 " is wrong: %s", size,
                        rc == TP_OK ? "it speaks of another size" : tp_error_words(&why));
}

static void checkpoints_reverse(struct tp_verify *verify)
{
    for (size_t i = 0; i < verify->checkpoints / 2; i++) {
        struct tp_checkpoint *low = &verify->checkpoint[i], *high = &verify->checkpoint[verify->checkpoints - 1 - i];
        struct tp_checkpoint swapped = *low;

        *low = *high;
        *high = swapped;
    }
}

enum tp_rc tp_verify_checkpoints(struct tp_verify *verify, struct tp_error *error)
{
    uint64_t most = INT64_MAX;
    struct tp_checkpoint checkpoint = {.size = 0};
    enum tp_rc rc;

    while ((rc = checkpoint_next(verify, most, error, &checkpoint)) == TP_OK) {
        TP_TRY(checkpoint_add(verify, &checkpoint));
        if (checkpoint.size == 0)
            break;
        most = checkpoint.size - 1;
    }
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    checkpoints_reverse(verify);
    verify->report.checkpoints = verify->checkpoints;
    if (verify->checkpoints != 0)
        verify->report.last_checkpoint_size = verify->checkpoint[verify->checkpoints - 1].size;
    if (verify->report.last_checkpoint_size == verify->head.checkpoint)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: the newest checkpoint is of %" PRIu64 " entries, the head knows one of %" PRIu64,
                        verify->report.last_checkpoint_size, verify->head.checkpoint);
}

/* ---- the whole ---- */

static enum tp_rc head_read(struct tp_verify *verify, struct tp_error *error)
{
    struct tp_head_value value;

    TP_TRY(tp_head_read(verify->store, error, &value));
    return tp_head_parse(&value, error, &verify->head);
}

static enum tp_rc older_open(struct tp_verify *verify, struct tp_bytes older, struct tp_error *error)
{
    if (older.len == 0)
        return TP_OK;
    verify->has_older = true;
    TP_TRY(tp_checkpoint_open(older, verify->origin, verify->spki, error, &verify->older));
    if (verify->older.size <= verify->head.entries)
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: the log has %" PRIu64 " entries, an older checkpoint %" PRIu64
                        ": it was cut or replaced",
                        verify->head.entries, verify->older.size);
}

static enum tp_rc verify_all(struct tp_verify *verify, struct tp_bytes older, struct tp_error *error)
{
    TP_TRY(head_read(verify, error));
    TP_TRY(older_open(verify, older, error));
    TP_TRY(tp_verify_checkpoints(verify, error));
    TP_TRY(tp_verify_log(verify, error));
    TP_TRY(tp_verify_rows(verify, error));
    return tp_verify_texts(verify, error);
}

static void verify_clear(struct tp_verify *verify)
{
    free(verify->checkpoint);
    tp_intents_clear(&verify->intents);
    tp_keymap_clear(&verify->records);
    tp_keymap_clear(&verify->subjects);
}

enum tp_rc tp_audit_verify(struct tp_store *store, const char *origin, struct tp_bytes spki, struct tp_bytes older,
                           tp_verify_progress_fn *progress, void *context, struct tp_error *error,
                           struct tp_verify_report *ret_report)
{
    struct tp_verify verify TP_AUTO(verify_clear) = {
        .store = store, .origin = origin, .spki = spki, .progress = progress, .context = context};
    enum tp_rc rc;

    tp_keymap_init(&verify.records, sizeof(struct tp_verify_record));
    tp_keymap_init(&verify.subjects, sizeof(bool));
    verify.report.bad_index = UINT64_MAX;
    TP_TRY(tp_checkpoint_origin_check(origin, error));
    TP_TRY(tp_store_check(store, error));
    TP_TRY(tp_store_begin(store, error)); /* one snapshot: the engine may be at work */
    rc = verify_all(&verify, older, error);
    tp_store_rollback(store);
    *ret_report = verify.report;
    return rc;
}
