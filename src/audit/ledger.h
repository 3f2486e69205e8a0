/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: the one writer of the store. Every change of a record and every audit entry goes through it, in one
 * transaction, so that neither can be without the other.
 *
 * One committer thread takes all transactions that wait and commits them together (group commit: one fsync for all).
 * Each commit extends two trees and puts one MAC over their head:
 *  - the log tree (RFC 6962 over the entries), so that no entry can be changed, moved or taken away;
 *  - the state tree (state_tree.h) over the live records' MACs by slot, so that no record can be edited, swapped or
 * rolled back to an older version with its once valid MAC. A record is believed only when its own MAC and its path to
 * the state root are right: TP_TAMPERED otherwise. The head's MAC is made in the HSM; a roll-back of the whole database
 * is found with an older checkpoint (verify.h).
 *
 * A transaction is durable when its callback hears TP_OK, and has left no trace when it hears anything else.
 */
#ifndef TP_AUDIT_LEDGER_H
#define TP_AUDIT_LEDGER_H

#include "base/error.h"
#include "store/store.h"

#include "audit/entry.pb-c.h"

struct tp_ledger;

/* Keys that the ledger needs and must not hold itself. Called from several threads. */
struct tp_ledger_keys {
    void *context;
    /* HMAC-SHA-256 of A ‖ B in the HSM (row key). */
    enum tp_rc (*mac)(void *context, struct tp_bytes a, struct tp_bytes b, struct tp_error *error,
                      uint8_t ret_mac[TP_STORE_MAC_LEN]);
    /* ECDSA P-256 over SHA-256(MESSAGE) with the checkpoint key, DER, appended. */
    enum tp_rc (*sign)(void *context, struct tp_bytes message, struct tp_error *error, struct tp_buf *ret_signature);
    struct tp_bytes sign_spki; /* its public key, DER */
};

struct tp_ledger_config {
    const char *store_url;
    const char *origin; /* checkpoint origin, e.g. "trustp11.example/demo": also the name of its key */
    struct tp_ledger_keys keys;
    unsigned checkpoint_entries;  /* a checkpoint after so many entries … */
    int64_t checkpoint_ms;        /* … or after so long, when there is anything new */
    unsigned completion_delay_ms; /* completions wait so long for company */
    /* Called by the committer after the callbacks of one batch, so that answers can be sent together. May be NULL. */
    void (*after_batch)(void *context);
    void *after_batch_context;
};

/* CREATE: makes store and empty trees. Otherwise opens them, checks the head's MAC, and checks the log from the last
 * checkpoint on. A mismatch is TP_TAMPERED: *RET_LEDGER is then set all the same, reading only, refusing submissions
 * with TP_TAMPERED until tp_ledger_accept; every other error leaves it alone. Intents without completion get their
 * "unknown". */
TP_MUST_USE enum tp_rc tp_ledger_open(const struct tp_ledger_config *config, bool create, struct tp_error *error,
                                      struct tp_ledger **ret_ledger);
/* Commits what waits, writes a checkpoint, stops the committer, closes the store. */
void tp_ledger_close(struct tp_ledger *ledger);
TP_DEFINE_AUTO(struct tp_ledger, tp_ledger_close)
/* An officer has looked at the mismatch that open found: from now on the trees are what the store holds, and ENTRY (its
 * reason names the mismatch) says so in the log. */
TP_MUST_USE enum tp_rc tp_ledger_accept(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_error *error);

/* ---- writing ---- */

struct tp_ledger_change {
    const char *kind, *id, *owner, *name; /* owner and name may be "" */
    uint64_t version; /* the version that this change makes: 1 inserts; a deletion names what it deletes */
    bool delete;
    struct tp_bytes content;
};

struct tp_ledger_text {
    struct tp_bytes salt, text; /* kept under SHA-256(salt ‖ text) */
    bool erase;                 /* for good, and with it all traces of records that are gone: RS-25, PA-18 */
};

/* One transaction. Everything it points to must stay until DONE has been called; DONE runs in the committer's thread,
 * must be quick and must not call the ledger except tp_ledger_submit and tp_ledger_complete. The entry's `changes` are
 * filled in by the ledger. TP_BUSY to DONE: a record is no longer at version-1. */
struct tp_ledger_tx {
    struct tp_ledger_tx *next; /* the ledger's */
    const struct tp_ledger_change *changes;
    size_t changes_len;
    const struct tp_ledger_text *texts;
    size_t texts_len;
    Tp__Audit__Entry *entry; /* never NULL: what is not recorded does not happen; time_ms 0 is filled in */
    bool intent;             /* counts as open until tp_ledger_complete (or start-up) closes it */
    bool patient;            /* may wait for company until tp_ledger_hurry, or anything that is not patient, comes */
    void (*done)(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index);
    void *context;
};

/* Queues TXS (linked by next) together, in order; at most one wake-up. Always answered through DONE. */
void tp_ledger_submit(struct tp_ledger *ledger, struct tp_ledger_tx *txs);
/* What waits patiently is committed now. */
void tp_ledger_hurry(struct tp_ledger *ledger);
/* The same for one, waiting for it until DEADLINE_MS: TP_TIMEOUT then, and the outcome is open (it may still be
 * committed): say so to people. TX itself may be on the caller's stack; what it points to is copied in this form. */
TP_MUST_USE enum tp_rc tp_ledger_commit(struct tp_ledger *ledger, const struct tp_ledger_tx *tx, int64_t deadline_ms,
                                        struct tp_error *error, uint64_t *ret_index /* may be NULL */);
/* The intent at INDEX has ended: recorded with the next batch, or by itself after completion_delay_ms. */
void tp_ledger_complete(struct tp_ledger *ledger, uint64_t index, bool ok, const uint8_t signature_hash[32]);

/* ---- reading ---- */

struct tp_ledger_record {
    char id[TP_ID_LEN], owner[TP_ID_LEN];
    char name[TP_STORE_NAME_MAX + 1];
    uint64_t version;
    struct tp_buf content;
};
void tp_ledger_record_clear(struct tp_ledger_record *record);

/* Verified as said above. TP_NOT_FOUND, TP_TAMPERED. */
TP_MUST_USE enum tp_rc tp_ledger_get(struct tp_ledger *ledger, const char *kind, const char *id, struct tp_error *error,
                                     struct tp_ledger_record *ret_record);
TP_MUST_USE enum tp_rc tp_ledger_find(struct tp_ledger *ledger, const char *kind, const char *owner, const char *name,
                                      struct tp_error *error, struct tp_ledger_record *ret_record);
/* At most LIMIT records of KIND (of OWNER unless NULL), each verified, after the place *CURSOR (0: from the first);
 * *CURSOR moves on. EACH may not call the ledger. Owner's lists are complete: see state_tree.h on what a deleted row
 * does. */
typedef enum tp_rc tp_ledger_record_fn(void *context, const struct tp_ledger_record *record);
TP_MUST_USE enum tp_rc tp_ledger_each(struct tp_ledger *ledger, const char *kind, const char *owner, uint64_t *cursor,
                                      size_t limit, struct tp_error *error, tp_ledger_record_fn *each, void *context);
/* How many records of KIND the store holds: a figure for people, not verified. */
TP_MUST_USE enum tp_rc tp_ledger_count(struct tp_ledger *ledger, const char *kind, struct tp_error *error,
                                       uint64_t *ret_count);
/* TP_NOT_FOUND: it was erased, or there was none. */
TP_MUST_USE enum tp_rc tp_ledger_text(struct tp_ledger *ledger, const uint8_t hash[32], struct tp_error *error,
                                      struct tp_buf *ret_text);

/* Entries, newest first when BACKWARDS; the message is the callee's for the call only. */
typedef enum tp_rc tp_ledger_entry_fn(void *context, uint64_t index, const Tp__Audit__Entry *entry);
TP_MUST_USE enum tp_rc tp_ledger_entries(struct tp_ledger *ledger, uint64_t from, uint64_t count, bool backwards,
                                         struct tp_error *error, tp_ledger_entry_fn *each, void *context);
/* How the intents among the COUNT entries from FROM on ended, as later entries say: RET_OUTCOMES[i] is the outcome of entry
 * FROM + i (static storage), or NULL where that is no intent or has not ended. */
TP_MUST_USE enum tp_rc tp_ledger_endings(struct tp_ledger *ledger, uint64_t from, size_t count, struct tp_error *error,
                                         const char **ret_outcomes);
/* Makes a checkpoint of all that is committed and appends the signed note. */
TP_MUST_USE enum tp_rc tp_ledger_checkpoint(struct tp_ledger *ledger, int64_t deadline_ms, struct tp_error *error,
                                            struct tp_buf *ret_note);

struct tp_ledger_info {
    uint64_t entries, records, commits, checkpoint_size, open_intents;
    bool tampered;                /* found at the start, or since: only reading goes on */
    char why[TP_ERROR_WORDS_LEN]; /* "" unless tampered */
};
void tp_ledger_info(struct tp_ledger *ledger, struct tp_ledger_info *ret_info);

#endif
