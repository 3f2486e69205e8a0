/* SPDX-License-Identifier: Apache-2.0
 *
 * The records and the texts: that they are those of which the log speaks.
 */
#include "audit/rows.h"
#include "audit/verify_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---- records ---- */

static const char *row_fault(const struct tp_verify_record *logged, const struct tp_store_record *record,
                             const struct tp_state_hash *leaf)
{
    if (logged == NULL)
        return "is not in the log: it was put in";
    if (logged->deleted)
        return "was deleted and has come back";
    if (record->version < logged->version)
        return "was rolled back to an older version";
    if (logged->seen || !tp_state_hash_equal(&logged->leaf, leaf))
        return "is not what the log says was written";
    return NULL;
}

static enum tp_rc row(void *context, const struct tp_store_record *record, const struct tp_state_hash *leaf,
                      struct tp_error *error)
{
    struct tp_verify *verify = context;
    uint8_t key[TP_KEYMAP_KEY_LEN];
    struct tp_verify_record *logged;
    const char *fault;

    TP_TRY(tp_verify_key(record->kind, record->id, key));
    logged = tp_keymap_get(&verify->records, key);
    fault = row_fault(logged, record, leaf);
    if (fault != NULL)
        return tp_error_set(error, TP_TAMPERED, "audit: %s %s %s", record->kind, record->id, fault);
    logged->seen = true;
    verify->report.records++;
    return TP_OK;
}

static enum tp_rc row_node(void *context, unsigned level, uint64_t index, const struct tp_state_node *node,
                           struct tp_error *error)
{
    struct tp_verify *verify = context;
    struct tp_state_node stored;
    enum tp_rc rc =
        tp_store_node_get(verify->store, TP_AUDIT_TREE_STATE, level, index, stored.bytes, sizeof stored.bytes, NULL);

    verify->nodes++;
    if (rc == TP_OK && memcmp(stored.bytes, node->bytes, sizeof stored.bytes) == 0)
        return TP_OK;
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    return tp_error_set(error, TP_TAMPERED, "audit: node %" PRIu64 " of level %u of the state tree was changed", index,
                        level);
}

static enum tp_rc check_missing(struct tp_verify *verify, struct tp_error *error)
{
    const struct tp_verify_record *logged;
    size_t cursor = 0;

    while ((logged = tp_keymap_next(&verify->records, &cursor)) != NULL)
        if (!logged->deleted && !logged->seen)
            return tp_error_set(error, TP_TAMPERED, "audit: %s %s is missing: it was deleted outside of this program",
                                logged->kind, logged->id);
    return TP_OK;
}

enum tp_rc tp_verify_rows(struct tp_verify *verify, struct tp_error *error)
{
    const struct tp_rows_walk walk = {.store = verify->store, .context = verify, .row = row, .node = row_node};
    struct tp_state_hash root;

    verify->nodes = 0;
    TP_TRY(tp_rows_walk(&walk, error, &root));
    TP_TRY(check_missing(verify, error));
    TP_TRY(tp_verify_node_count(verify, TP_AUDIT_TREE_STATE, error));
    if (tp_state_hash_equal(&root, &verify->head.state_root))
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED, "audit: the head's state root is not that of the records");
}

/* ---- texts ---- */

struct texts {
    struct tp_verify *verify;
    struct tp_error *error;
};

static enum tp_rc text(void *context, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_bytes salt,
                       struct tp_bytes clear)
{
    struct texts *texts = context;
    uint8_t found[TP_STORE_HASH_LEN];
    bool *there;

    TP_TRY(tp_sha256(salt, clear, TP_BYTES_NONE, found));
    if (memcmp(found, hash, sizeof found) != 0)
        return tp_error_set(texts->error, TP_TAMPERED,
                            "audit: a clear text does not have the hash that it stands under");
    there = tp_keymap_get(&texts->verify->subjects, hash);
    if (there != NULL)
        *there = true;
    return TP_OK;
}

enum tp_rc tp_verify_texts(struct tp_verify *verify, struct tp_error *error)
{
    struct texts texts = {.verify = verify, .error = error};
    const bool *there;
    size_t cursor = 0;

    TP_TRY(tp_store_text_each(verify->store, error, text, &texts));
    while ((there = tp_keymap_next(&verify->subjects, &cursor)) != NULL)
        verify->report.texts_erased += !*there;
    return TP_OK;
}
