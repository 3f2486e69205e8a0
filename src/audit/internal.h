/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger's inside.
 *
 * Locks, in the order in which they are taken:
 *  - reader_mutex: the reading handle of the store;
 *  - commit_mutex: the writing handle, `committed`, `head`, `batch`. The committer holds it while it makes a batch;
 *  - queue_mutex: what is submitted, who waits, the intents. Held for moments;
 *  - state_mutex: what readers believe: `view` and the census. Held for moments.
 * DONE, after_batch and EACH are called with none of them.
 */
#ifndef TP_AUDIT_INTERNAL_H
#define TP_AUDIT_INTERNAL_H

#include "audit/census.h"
#include "audit/head.h"
#include "audit/intents.h"
#include "audit/ledger.h"

#include <pthread.h>

#define TP_BATCH_MAX       256               /* transactions in a batch */
#define TP_COMPLETIONS_MAX 512               /* in an entry */
#define TP_ENTRY_MAX       ((size_t)1 << 20) /* bytes of an entry */
#define TP_RETRY_MS        1000              /* before completions or checkpoints that failed are tried again */

/* All that a commit moves forward. */
struct tp_trees {
    struct tp_tlog tlog;
    struct tp_state_hash state_root;
    uint64_t slots;
    uint64_t checkpoint;
};

/* One transaction of a batch, and what its DONE will hear. */
struct tp_member {
    struct tp_ledger_tx *tx;
    enum tp_rc rc;
    uint64_t index;
    struct tp_error error;
};

/* What a batch does to the census. */
struct tp_census_change {
    bool removed;
    struct tp_store_record record; /* without content */
};

/* A batch in the making: everything lies here until COMMIT. Its memory is kept for the next. */
struct tp_batch {
    struct tp_member member[TP_BATCH_MAX];
    size_t members;
    struct tp_trees trees;
    struct tp_head_value head;
    struct tp_buf packed; /* an entry's bytes */
    int64_t now_ms;
    uint64_t intent[TP_BATCH_MAX]; /* indices of this batch's intents */
    size_t intents;
    struct tp_census_change *change;
    size_t changes, changes_capacity, changes_applied;
    Tp__Audit__Change *said; /* an entry's changes, and their leaves */
    Tp__Audit__Change **said_list;
    struct tp_state_hash *said_leaf;
    size_t said_capacity;
    Tp__Audit__Completion completion[TP_COMPLETIONS_MAX];
    Tp__Audit__Completion *completion_list[TP_COMPLETIONS_MAX];
    uint8_t completion_hash[TP_COMPLETIONS_MAX][TP_SHA256_LEN];
};

/* What readers believe. Changed together, after COMMIT. */
struct tp_view {
    struct tp_state_hash state_root;
    uint64_t entries, commits, checkpoint;
    bool tampered;
    bool rootless;                /* the head itself is not to be believed: nothing can be read */
    char why[TP_ERROR_WORDS_LEN]; /* tampered: what was found */
};

struct tp_checkpoint_wait; /* checkpointing.c */

struct tp_ledger {
    struct tp_ledger_config config; /* the strings and the key are the ledger's copies */
    char *origin;
    struct tp_buf spki;

    pthread_mutex_t reader_mutex, commit_mutex, queue_mutex, state_mutex;
    bool locks_made;

    struct tp_store *reader;

    struct tp_store *writer;
    struct tp_trees committed;
    struct tp_head_value head; /* of `committed` */
    struct tp_batch *batch;
    bool doubtful; /* COMMIT of `batch` failed and the head could not be read again since */

    pthread_t committer;
    bool committer_runs;
    pthread_cond_t wake;
    struct tp_ledger_tx *first, **last; /* the queue */
    bool idle;                          /* the committer waits, and nobody has woken it yet */
    bool hurried;                       /* the queue holds something that is not patient */
    int64_t wakes_ms;                   /* when it wakes by itself then; monotonic */
    bool stop;
    struct tp_intents intents;
    int64_t completion_due_ms;   /* monotonic; when intents.ended is not 0 */
    int64_t checkpoint_due_ms;   /* monotonic; when there is anything new */
    int64_t checkpoint_after_ms; /* not before, since one has failed */
    struct tp_checkpoint_wait *waiting;

    struct tp_view view;
    struct tp_census *census;
};

/* ---- ledger.c ---- */

/* The store was changed from outside, and no doubt is left: from now on nothing is written. */
void tp_ledger_mistrust(struct tp_ledger *ledger, const struct tp_error *why);
TP_MUST_USE enum tp_rc tp_ledger_refuse_tampered(struct tp_ledger *ledger, struct tp_error *error);
int tp_ledger_cond_init(pthread_cond_t *cond); /* on CLOCK_MONOTONIC; an errno */

/* ---- batch.c ---- */

/* Commits the batch's members and the completions of all intents that have ended; every member's rc is set. When the
 * transaction as a whole fails, nothing has been committed and every member hears why. commit_mutex is not held. */
TP_MUST_USE enum tp_rc tp_batch_commit(struct tp_ledger *ledger, struct tp_error *error);

/* ---- transaction.c: the steps of a batch, also for checkpoints and tp_ledger_accept; commit_mutex is held ---- */

TP_MUST_USE enum tp_rc tp_batch_begin(struct tp_ledger *ledger, struct tp_error *error);
/* Makes and writes the head, COMMITs, and lets everybody see it. */
TP_MUST_USE enum tp_rc tp_batch_end(struct tp_ledger *ledger, struct tp_error *error);
/* The other way out after a begin, also when end has failed. */
void tp_batch_abandon(struct tp_ledger *ledger);

/* ---- completion.c ---- */

TP_MUST_USE enum tp_rc tp_batch_completions(struct tp_ledger *ledger, struct tp_error *error);

/* ---- member.c ---- */

/* Applies TX within the batch's transaction; RET_INDEX is its entry's. */
TP_MUST_USE enum tp_rc tp_member_apply(struct tp_ledger *ledger, struct tp_ledger_tx *tx, struct tp_error *error,
                                       uint64_t *ret_index);
/* Whether a member that failed with RC fails alone, or takes the batch with it. */
bool tp_member_fails_alone(enum tp_rc rc);
/* TP_BAD_ARGUMENT unless ENTRY says what the log needs it to say. */
TP_MUST_USE enum tp_rc tp_member_check_entry(const Tp__Audit__Entry *entry, bool intent, struct tp_error *error);
/* Packs and appends ENTRY, with the batch's time if it has none. */
TP_MUST_USE enum tp_rc tp_batch_append(struct tp_ledger *ledger, Tp__Audit__Entry *entry, struct tp_error *error,
                                       uint64_t *ret_index);

/* ---- change.c ---- */

void tp_batch_free(struct tp_batch *batch);
TP_MUST_USE enum tp_rc tp_change_apply(struct tp_ledger *ledger, const struct tp_ledger_change *change,
                                       struct tp_error *error, struct tp_state_hash *ret_leaf);

/* ---- committer.c ---- */

TP_MUST_USE enum tp_rc tp_committer_start(struct tp_ledger *ledger, struct tp_error *error);
void tp_committer_stop(struct tp_ledger *ledger);
/* Whether the committer sleeps, and has to be woken; nobody else is told so then. queue_mutex is held. */
bool tp_committer_rouse(struct tp_ledger *ledger);
/* What is in the queue waits no longer; likewise. */
bool tp_committer_hurry(struct tp_ledger *ledger);
/* When queue_mutex is free again: it would wake only to wait for that, and cost a thread's change twice. */
void tp_committer_wake(struct tp_ledger *ledger);

/* ---- checkpointing.c ---- */

/* Makes a checkpoint of what is committed, unless there is one; appends the note. */
TP_MUST_USE enum tp_rc tp_checkpointing_run(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note);
/* Signs and puts the batch's tree within its transaction. */
TP_MUST_USE enum tp_rc tp_checkpointing_put(struct tp_ledger *ledger, struct tp_error *error, struct tp_buf *ret_note);
/* queue_mutex is held: those who wait now will be answered by the checkpoint that begins, */
void tp_checkpointing_accept(struct tp_ledger *ledger);
/* with its outcome. */
void tp_checkpointing_answer(struct tp_ledger *ledger, enum tp_rc rc, const struct tp_error *error,
                             struct tp_bytes note);

/* ---- startup.c ---- */

/* Reads and checks what the store holds into `committed`, `head`, `view`, the census and the intents. */
TP_MUST_USE enum tp_rc tp_startup_check(struct tp_ledger *ledger, struct tp_error *error);

#endif
