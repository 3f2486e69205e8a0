/* SPDX-License-Identifier: Apache-2.0
 *
 * Group commit: many transactions, one COMMIT, one MAC.
 */
#include "audit/internal.h"

static enum tp_rc members_apply(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;

    for (size_t i = 0; i < batch->members; i++) {
        struct tp_member *member = &batch->member[i];

        tp_error_clear(&member->error);
        member->rc = tp_member_apply(ledger, member->tx, &member->error, &member->index);
        if (member->rc == TP_OK || tp_member_fails_alone(member->rc))
            continue;
        *error = member->error;
        return member->rc;
    }
    return TP_OK;
}

static enum tp_rc transact(struct tp_ledger *ledger, struct tp_error *error)
{
    const struct tp_batch *batch = ledger->batch;

    TP_TRY(members_apply(ledger, error));
    TP_TRY(tp_batch_completions(ledger, error));
    if (batch->trees.tlog.size != ledger->committed.tlog.size)
        return tp_batch_end(ledger, error);
    tp_batch_abandon(ledger); /* every member has failed by itself */
    return TP_OK;
}

static enum tp_rc commit_locked(struct tp_ledger *ledger, struct tp_error *error)
{
    enum tp_rc rc;

    TP_TRY(tp_ledger_refuse_tampered(ledger, error));
    TP_TRY(tp_batch_begin(ledger, error));
    rc = transact(ledger, error);
    if (rc != TP_OK)
        tp_batch_abandon(ledger);
    return rc;
}

/* Members that had already failed by themselves keep their own reason. */
static void all_fail(struct tp_batch *batch, enum tp_rc rc, const struct tp_error *error)
{
    for (size_t i = 0; i < batch->members; i++) {
        struct tp_member *member = &batch->member[i];

        if (member->rc != TP_OK && tp_member_fails_alone(member->rc))
            continue;
        member->rc = rc;
        member->error = *error;
    }
}

enum tp_rc tp_batch_commit(struct tp_ledger *ledger, struct tp_error *error)
{
    struct tp_batch *batch = ledger->batch;
    struct tp_error why = {.rc = TP_OK};
    enum tp_rc rc;

    for (size_t i = 0; i < batch->members; i++)
        batch->member[i].rc = TP_OK;
    pthread_mutex_lock(&ledger->commit_mutex);
    rc = commit_locked(ledger, &why);
    pthread_mutex_unlock(&ledger->commit_mutex);
    if (rc == TP_OK)
        return TP_OK;
    if (why.rc == TP_OK)
        (void)tp_error_set(&why, rc, "audit: the transaction was not recorded: %s", tp_rc_words(rc));
    if (rc == TP_TAMPERED)
        tp_ledger_mistrust(ledger, &why);
    all_fail(batch, rc, &why);
    if (error != NULL)
        *error = why;
    return rc;
}
