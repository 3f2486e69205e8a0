/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: one interface over a database, and the only room that knows SQL.
 *
 * It keeps three things and understands none of them:
 *  - records: what the service knows (users, factors, credentials, …), each an opaque content with a kind, an id, a
 *    version and a MAC. The content is opaque because the MAC is over exactly the bytes that are stored; what must be
 *    searched for (owner, name) stands beside it, and is covered by the MAC too (audit/ledger.h).
 *  - the log: entries in an unbroken sequence from 0, tree nodes over them, checkpoints, one head;
 *  - texts: clear texts of what the log holds only as salted hashes, so that they can be erased (RS-25).
 *
 * A handle is one connection: one thread at a time. Several handles on one database may read while one writes. Backends
 * (sqlite.c; PostgreSQL to come) pass the same contract tests, tests/contract/store/.
 *
 * Errors: TP_STORE_BUSY (another process writes), TP_STORE_FULL (disk full), TP_STORE_DAMAGED (the database says that
 * it is damaged), TP_STORE_NEWER (schema from a newer version), TP_STORE (anything else), each with words that name the
 * file. TP_INTERNAL: the calls below were made in the wrong order (a write outside of a transaction, or on a read-only
 * handle).
 */
#ifndef TP_STORE_STORE_H
#define TP_STORE_STORE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"

#include <stdbool.h>
#include <stdint.h>

#define TP_STORE_HASH_LEN    32
#define TP_STORE_MAC_LEN     32
#define TP_STORE_NAME_MAX    255 /* bytes of a record's name */
#define TP_STORE_CONTENT_MAX ((size_t)16 << 20)

struct tp_store;

enum tp_store_mode {
    TP_STORE_CREATE, /* make it; TP_EXISTS when there is one */
    TP_STORE_WRITE,  /* open, run the migrations that are due */
    TP_STORE_READ    /* open read-only, as an auditor does; a schema older than ours is fine */
};

/* URL: a path, or "sqlite:PATH". Files are made 0600. Waits at most 2 s for another process's lock. TP_NOT_FOUND when
 * there is none, TP_UNSUPPORTED for another scheme. */
TP_MUST_USE enum tp_rc tp_store_open(const char *url, enum tp_store_mode mode, struct tp_error *error,
                                     struct tp_store **ret_store);
void tp_store_close(struct tp_store *store);
TP_DEFINE_AUTO(struct tp_store, tp_store_close)
/* The database's own check of its structure (SQLite: quick_check). TP_STORE_DAMAGED with its first complaint. */
TP_MUST_USE enum tp_rc tp_store_check(struct tp_store *store, struct tp_error *error);

/* Transactions. Everything that writes needs one; on a handle that only reads it is a snapshot for several reads.
 * commit returns only when the data is on the disk; when it fails, the transaction is rolled back. A savepoint lets one
 * member of a batch fail alone; they do not nest. When the database itself fails (TP_STORE…, TP_MEMORY), the
 * transaction is lost: all calls return that code until rollback or commit. On a TP_STORE_READ handle, begin and commit
 * enclose one unchanging view, from the first read on. */
TP_MUST_USE enum tp_rc tp_store_begin(struct tp_store *store, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_commit(struct tp_store *store, struct tp_error *error);
void tp_store_rollback(struct tp_store *store);
TP_MUST_USE enum tp_rc tp_store_savepoint(struct tp_store *store, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_savepoint_release(struct tp_store *store, struct tp_error *error);
void tp_store_savepoint_rollback(struct tp_store *store);

/* ---- records ---- */

struct tp_store_record {
    char kind[16];                    /* "user", "credential", … */
    char id[TP_ID_LEN];               /* unique within the kind */
    char owner[TP_ID_LEN];            /* id of the record it belongs to, or "" */
    char name[TP_STORE_NAME_MAX + 1]; /* unique within kind and owner when not "" */
    uint64_t slot;                    /* place in the state tree (audit/state_tree.h); unique, never used again */
    uint64_t version;                 /* 1, 2, … */
    uint8_t mac[TP_STORE_MAC_LEN];
    struct tp_bytes content; /* on reading: memory of the handle, valid until its next call */
};

/* TP_NOT_FOUND when there is none. */
TP_MUST_USE enum tp_rc tp_store_record_get(struct tp_store *store, const char *kind, const char *id,
                                           struct tp_error *error, struct tp_store_record *ret_record);
TP_MUST_USE enum tp_rc tp_store_record_find(struct tp_store *store, const char *kind, const char *owner,
                                            const char *name, struct tp_error *error,
                                            struct tp_store_record *ret_record);
/* Calls EACH with the records of KIND (of all kinds when NULL; and of OWNER unless NULL) in order of slot, beginning
 * after slot AFTER (0: from the first; slots begin at 1), at most LIMIT of them (0: all). EACH must not call the store;
 * it stops with anything but TP_OK, which is returned. */
typedef enum tp_rc tp_store_record_fn(void *context, const struct tp_store_record *record);
TP_MUST_USE enum tp_rc tp_store_record_each(struct tp_store *store, const char *kind, const char *owner, uint64_t after,
                                            size_t limit, struct tp_error *error, tp_store_record_fn *each,
                                            void *context);
/* Version 1 inserts (TP_EXISTS when kind+id, slot or kind+owner+name are taken); version n > 1 replaces version n-1 of
 * the same kind, id and slot (TP_NOT_FOUND when that is not what is there). */
TP_MUST_USE enum tp_rc tp_store_record_put(struct tp_store *store, const struct tp_store_record *record,
                                           struct tp_error *error);
/* Removes version VERSION. TP_NOT_FOUND when that is not what is there. */
TP_MUST_USE enum tp_rc tp_store_record_delete(struct tp_store *store, const char *kind, const char *id,
                                              uint64_t version, struct tp_error *error);
/* Writes all records anew, so that after the commit nothing is left in the files of those that were deleted or replaced
 * before: as of an erased text, below. Takes its time, and the memory of all records: for erasing a person. */
TP_MUST_USE enum tp_rc tp_store_records_rewrite(struct tp_store *store, struct tp_error *error);
/* One more than the highest slot ever used. */
TP_MUST_USE enum tp_rc tp_store_slot_next(struct tp_store *store, struct tp_error *error, uint64_t *ret_slot);
TP_MUST_USE enum tp_rc tp_store_record_count(struct tp_store *store, const char *kind, struct tp_error *error,
                                             uint64_t *ret_count);

/* ---- the log ---- */

/* INDEX must be the next one: TP_EXISTS when it is there, TP_STORE when it would leave a gap. */
TP_MUST_USE enum tp_rc tp_store_entry_append(struct tp_store *store, uint64_t index, struct tp_bytes content,
                                             struct tp_error *error);
/* Entries FROM … FROM+COUNT-1 in order, or in descending order from FROM when BACKWARDS; missing ones are simply not
 * reported (the caller compares indices). Stops as tp_store_record_each does. */
typedef enum tp_rc tp_store_entry_fn(void *context, uint64_t index, struct tp_bytes content);
TP_MUST_USE enum tp_rc tp_store_entry_each(struct tp_store *store, uint64_t from, uint64_t count, bool backwards,
                                           struct tp_error *error, tp_store_entry_fn *each, void *context);
/* Highest index + 1; 0 when empty. */
TP_MUST_USE enum tp_rc tp_store_entry_end(struct tp_store *store, struct tp_error *error, uint64_t *ret_end);

/* Nodes of the trees: opaque bytes by tree number, level and index; put replaces, an empty NODE takes it away. */
TP_MUST_USE enum tp_rc tp_store_node_put(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                         struct tp_bytes node, struct tp_error *error);
/* Copies at most RET_NODE_LEN bytes; TP_NOT_FOUND when there is none or its size differs from RET_NODE_LEN. */
TP_MUST_USE enum tp_rc tp_store_node_get(struct tp_store *store, unsigned tree, unsigned level, uint64_t index,
                                         uint8_t *ret_node, size_t ret_node_len, struct tp_error *error);

/* How many nodes TREE has (an auditor finds those that do not belong), and away with all of them. */
TP_MUST_USE enum tp_rc tp_store_node_count(struct tp_store *store, unsigned tree, struct tp_error *error,
                                           uint64_t *ret_count);
TP_MUST_USE enum tp_rc tp_store_nodes_clear(struct tp_store *store, unsigned tree, struct tp_error *error);

/* Checkpoints by the size of the tree they speak of; put replaces. */
TP_MUST_USE enum tp_rc tp_store_checkpoint_put(struct tp_store *store, uint64_t size, struct tp_bytes note,
                                               struct tp_error *error);
/* The newest with size ≤ MOST; appended to RET_NOTE. TP_NOT_FOUND when there is none. */
TP_MUST_USE enum tp_rc tp_store_checkpoint_get(struct tp_store *store, uint64_t most, struct tp_error *error,
                                               uint64_t *ret_size, struct tp_buf *ret_note);

/* One small value a name ("head", …); put replaces; get appends, TP_NOT_FOUND when there is none. */
TP_MUST_USE enum tp_rc tp_store_value_put(struct tp_store *store, const char *name, struct tp_bytes value,
                                          struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_value_get(struct tp_store *store, const char *name, struct tp_error *error,
                                          struct tp_buf *ret_value);

/* ---- texts ---- */

/* HASH = SHA-256(salt ‖ text), computed by the caller. Putting one that is there is fine. Getting or erasing one that
 * is not, or no longer, is TP_NOT_FOUND. After the commit of an erasure nothing of salt and text is left in the files,
 * or once nobody reads (at the next commit or opening then). */
TP_MUST_USE enum tp_rc tp_store_text_put(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN],
                                         struct tp_bytes salt, struct tp_bytes text, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_store_text_get(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN],
                                         struct tp_error *error, struct tp_buf *ret_salt, struct tp_buf *ret_text);
TP_MUST_USE enum tp_rc tp_store_text_erase(struct tp_store *store, const uint8_t hash[TP_STORE_HASH_LEN],
                                           struct tp_error *error);
/* All texts that are not erased, in no order that means anything. Stops as tp_store_record_each does.
 * TP_STORE_DAMAGED when one that is erased has left anything behind. */
typedef enum tp_rc tp_store_text_fn(void *context, const uint8_t hash[TP_STORE_HASH_LEN], struct tp_bytes salt,
                                    struct tp_bytes text);
TP_MUST_USE enum tp_rc tp_store_text_each(struct tp_store *store, struct tp_error *error, tp_store_text_fn *each,
                                          void *context);

/* ---- backends ---- */

/* What a backend fills in, one function per call above, and nothing more (store/backend.h). */

#endif
