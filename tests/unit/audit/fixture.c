/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- keys ---- */

static enum tp_rc fake_mac(void *context, struct tp_bytes a, struct tp_bytes b, struct tp_error *error,
                           uint8_t ret_mac[TP_STORE_MAC_LEN])
{
    struct fake_keys *keys = context;
    struct tp_buf message TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    unsigned len = TP_STORE_MAC_LEN;

    pthread_mutex_lock(&keys->answers);
    pthread_mutex_unlock(&keys->answers);
    if (atomic_fetch_add(&keys->macs, 1) + 1 == atomic_load(&keys->fail_mac))
        return tp_error_set(error, TP_HSM_ABSENT, "the test took the HSM away");
    TP_TRY(tp_buf_append(&message, a));
    TP_TRY(tp_buf_append(&message, b));
    return HMAC(EVP_sha256(), keys->mac_key, sizeof keys->mac_key, message.data, message.len, ret_mac, &len) != NULL
               ? TP_OK
               : TP_CRYPTO;
}

static enum tp_rc fake_sign(void *context, struct tp_bytes message, struct tp_error *error,
                            struct tp_buf *ret_signature)
{
    struct fake_keys *keys = context;
    uint8_t signature[128];
    size_t len = sizeof signature;
    EVP_MD_CTX *digest;
    int good;

    if (atomic_fetch_add(&keys->signs, 1) + 1 == atomic_load(&keys->fail_sign))
        return tp_error_set(error, TP_HSM_ABSENT, "the test took the HSM away");
    digest = EVP_MD_CTX_new();
    good = EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, keys->key) == 1 &&
           EVP_DigestSign(digest, signature, &len, message.data, message.len) == 1;
    EVP_MD_CTX_free(digest);
    return good ? tp_buf_append(ret_signature, TP_BYTES(signature, len)) : TP_CRYPTO;
}

void fake_keys_make(struct fake_keys *keys)
{
    uint8_t *der = NULL;
    int len;

    memset(keys, 0, sizeof *keys);
    pthread_mutex_init(&keys->answers, NULL);
    memset(keys->mac_key, 0x5a, sizeof keys->mac_key);
    keys->key = EVP_EC_gen("P-256");
    len = i2d_PUBKEY(keys->key, &der);
    cr_assert(len > 0);
    assert_ok(tp_buf_append(&keys->spki, TP_BYTES(der, (size_t)len)));
    OPENSSL_free(der);
}

void fake_keys_clear(struct fake_keys *keys)
{
    pthread_mutex_destroy(&keys->answers);
    EVP_PKEY_free(keys->key);
    tp_buf_clear(&keys->spki);
}

struct tp_ledger_keys fake_keys_of(struct fake_keys *keys)
{
    return (struct tp_ledger_keys){
        .context = keys, .mac = fake_mac, .sign = fake_sign, .sign_spki = tp_buf_bytes(&keys->spki)};
}

/* ---- the ledger ---- */

void fixture_begin(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    fake_keys_make(&fixture->keys);
    const char *temporary = getenv("TMPDIR");
    int len = snprintf(fixture->folder, sizeof fixture->folder, "%s/tp-audit-XXXXXX",
                       temporary == NULL ? "/tmp" : temporary);
    cr_assert_lt(len, (int)sizeof fixture->folder);
    cr_assert(mkdtemp(fixture->folder) != NULL);
    snprintf(fixture->store, sizeof fixture->store, "%s/store.db", fixture->folder);
    fixture->config = (struct tp_ledger_config){
        .store_url = fixture->store,
        .origin = ORIGIN,
        .keys = fake_keys_of(&fixture->keys),
        .checkpoint_entries = 0, /* only when asked for, and at close */
        .completion_delay_ms = 60000,
    };
}

void fixture_end(struct fixture *fixture)
{
    char path[128];

    fixture_close(fixture);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", fixture->store, (const char *[]){"", "-wal", "-shm"}[i]);
        unlink(path);
    }
    rmdir(fixture->folder);
    fake_keys_clear(&fixture->keys);
    tp_crypto_release();
}

void fixture_create(struct fixture *fixture)
{
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = tp_ledger_open(&fixture->config, true, &error, &fixture->ledger);

    cr_assert(rc == TP_OK, "%s: %s", tp_rc_name(rc), tp_error_words(&error));
}

enum tp_rc fixture_try_open(struct fixture *fixture, struct tp_error *error)
{
    return tp_ledger_open(&fixture->config, false, error, &fixture->ledger);
}

void fixture_open(struct fixture *fixture)
{
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = fixture_try_open(fixture, &error);

    cr_assert(rc == TP_OK, "%s: %s", tp_rc_name(rc), tp_error_words(&error));
}

void fixture_close(struct fixture *fixture)
{
    tp_ledger_close(fixture->ledger);
    fixture->ledger = NULL;
}

static sqlite3 *database(struct fixture *fixture)
{
    sqlite3 *db = NULL;

    cr_assert(sqlite3_open(fixture->store, &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    return db;
}

void fixture_sql(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = database(fixture);
    char *words = NULL;
    int code = sqlite3_exec(db, sql, NULL, NULL, &words);

    cr_assert(code == SQLITE_OK, "%s: %s", sql, words);
    sqlite3_close(db);
}

long fixture_number(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = database(fixture);
    sqlite3_stmt *statement = NULL;
    long number;

    cr_assert(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s", sql);
    cr_assert(sqlite3_step(statement) == SQLITE_ROW, "%s", sql);
    number = (long)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

enum tp_rc fixture_verify(struct fixture *fixture, struct tp_bytes older, struct tp_error *error,
                          struct tp_verify_report *ret_report)
{
    struct tp_store *store TP_AUTO(tp_store_close_p) = NULL;

    TP_TRY(tp_store_open(fixture->store, TP_STORE_READ, error, &store));
    return tp_audit_verify(store, ORIGIN, tp_buf_bytes(&fixture->keys.spki), older, NULL, NULL, error, ret_report);
}

/* ---- transactions ---- */

Tp__Audit__Entry *entry_of(const char *action, const char *outcome)
{
    static _Thread_local Tp__Audit__Entry entry;

    tp__audit__entry__init(&entry);
    entry.action = (char *)(uintptr_t)action;
    entry.outcome = (char *)(uintptr_t)outcome;
    return &entry;
}

struct tp_ledger_change change_of(const char *id, uint64_t version, const char *content)
{
    return (struct tp_ledger_change){
        .kind = "user", .id = id, .owner = "", .name = id, .version = version, .content = tp_bytes_of_string(content)};
}

enum tp_rc commit_change(struct fixture *fixture, struct tp_ledger_change change)
{
    struct tp_ledger_tx tx = {.changes = &change, .changes_len = 1, .entry = entry_of("user.change", TP_OUTCOME_OK)};

    return tp_ledger_commit(fixture->ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL);
}

enum tp_rc commit_entry(struct fixture *fixture, const char *action)
{
    struct tp_ledger_tx tx = {.entry = entry_of(action, TP_OUTCOME_OK)};

    return tp_ledger_commit(fixture->ledger, &tx, tp_clock_monotonic_ms() + 30000, NULL, NULL);
}

void commit_entries(struct fixture *fixture, size_t count)
{
    while (count > 0) {
        struct group group;
        size_t part = count < 200 ? count : 200;

        group_init(&group);
        for (size_t i = 0; i < part; i++)
            group_add_entry(&group, false);
        group_run(&group, fixture->ledger);
        for (size_t i = 0; i < part; i++)
            assert_ok(group.member[i].rc);
        count -= part;
    }
}

/* ---- groups ---- */

void group_init(struct group *group)
{
    memset(group, 0, sizeof *group);
    pthread_mutex_init(&group->mutex, NULL);
    pthread_cond_init(&group->all, NULL);
}

static void group_done(struct tp_ledger_tx *tx, enum tp_rc rc, const struct tp_error *error, uint64_t index)
{
    struct group_member *member = tx->context;
    struct group *group = member->group;

    pthread_mutex_lock(&group->mutex);
    member->rc = rc;
    member->error = *error;
    member->index = index;
    member->order = group->answered++;
    if (group->answered == group->len)
        pthread_cond_signal(&group->all);
    pthread_mutex_unlock(&group->mutex);
}

static struct group_member *group_add(struct group *group)
{
    struct group_member *member = &group->member[group->len++];

    cr_assert(group->len <= sizeof group->member / sizeof group->member[0]);
    tp__audit__entry__init(&member->entry);
    member->group = group;
    member->entry.action = tp_action_name(TP_ACTION_SIGN);
    member->entry.outcome = (char *)(uintptr_t)TP_OUTCOME_OK;
    member->tx.entry = &member->entry;
    member->tx.done = group_done;
    member->tx.context = member;
    if (group->len > 1)
        member[-1].tx.next = &member->tx;
    return member;
}

void group_add_entry(struct group *group, bool intent)
{
    struct group_member *member = group_add(group);

    member->tx.intent = intent;
    if (intent)
        member->entry.outcome = (char *)(uintptr_t)TP_OUTCOME_INTENT;
}

void group_add_change(struct group *group, struct tp_ledger_change change)
{
    struct group_member *member = group_add(group);

    member->change = change;
    member->tx.changes = &member->change;
    member->tx.changes_len = 1;
}

void group_run(struct group *group, struct tp_ledger *ledger)
{
    tp_ledger_submit(ledger, &group->member[0].tx);
    pthread_mutex_lock(&group->mutex);
    while (group->answered < group->len)
        pthread_cond_wait(&group->all, &group->mutex);
    pthread_mutex_unlock(&group->mutex);
}
