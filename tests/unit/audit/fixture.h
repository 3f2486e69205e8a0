/* SPDX-License-Identifier: Apache-2.0
 *
 * What the audit tests share: keys that need no HSM and can be made to fail, a ledger in a folder of its own, and raw
 * SQL to be the one who tampers.
 */
#ifndef TESTS_AUDIT_FIXTURE_H
#define TESTS_AUDIT_FIXTURE_H

#include "audit/action.h"
#include "audit/ledger.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/crypto.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "test.example/log"

struct fake_keys {
    EVP_PKEY *key;
    struct tp_buf spki;
    uint8_t mac_key[32];
    pthread_mutex_t answers; /* locked by a test: the HSM makes no MAC until it is unlocked */
    atomic_int macs, fail_mac; /* calls so far; the call that fails (0: none), with TP_HSM_ABSENT */
    atomic_int signs, fail_sign;
};

struct fixture {
    char folder[64], store[96];
    struct fake_keys keys;
    struct tp_ledger_config config;
    struct tp_ledger *ledger;
};

void fixture_begin(struct fixture *fixture); /* keys and folder; no store yet */
void fixture_end(struct fixture *fixture);
/* Makes or opens the ledger; asserts that it went well. */
void fixture_create(struct fixture *fixture);
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* Opens, and gives the code instead. The ledger stays open when there is one. */
enum tp_rc fixture_try_open(struct fixture *fixture, struct tp_error *error);

struct tp_ledger_keys fake_keys_of(struct fake_keys *keys);
void fake_keys_make(struct fake_keys *keys);
void fake_keys_clear(struct fake_keys *keys);

/* SQL on the store's file, with another connection. */
void fixture_sql(struct fixture *fixture, const char *sql);
long fixture_number(struct fixture *fixture, const char *sql);

/* A static entry "test"/OUTCOME: overwritten by the next call of the same thread. */
Tp__Audit__Entry *entry_of(const char *action, const char *outcome);
struct tp_ledger_change change_of(const char *id, uint64_t version, const char *content); /* kind "user", name = id */
/* Commit and wait. */
enum tp_rc commit_change(struct fixture *fixture, struct tp_ledger_change change);
enum tp_rc commit_entry(struct fixture *fixture, const char *action);
void commit_entries(struct fixture *fixture, size_t count); /* in batches; asserts */

/* Runs the auditor's program over the store, with an older note or none. */
enum tp_rc fixture_verify(struct fixture *fixture, struct tp_bytes older, struct tp_error *error,
                          struct tp_verify_report *ret_report);

/* Transactions that are submitted together, and what their DONEs heard. */
struct group {
    pthread_mutex_t mutex;
    pthread_cond_t all;
    size_t len, answered;
    struct group_member {
        struct tp_ledger_tx tx;
        struct group *group;
        Tp__Audit__Entry entry;
        struct tp_ledger_change change;
        enum tp_rc rc;
        struct tp_error error;
        uint64_t index;
        size_t order; /* in which it was answered */
    } member[300];
};
void group_init(struct group *group);
void group_add_entry(struct group *group, bool intent);
void group_add_change(struct group *group, struct tp_ledger_change change);
void group_run(struct group *group, struct tp_ledger *ledger); /* submits all, waits for all */

#define assert_rc(call, expected)                                                                                      \
    do {                                                                                                               \
        enum tp_rc rc_ = (call);                                                                                       \
        cr_assert(rc_ == (expected), "%s: %s, not %s", #call, tp_rc_name(rc_), tp_rc_name(expected));                  \
    } while (0)
#define assert_ok(call) assert_rc(call, TP_OK)

#endif
