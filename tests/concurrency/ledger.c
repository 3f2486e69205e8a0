/* SPDX-License-Identifier: Apache-2.0
 *
 * Many signers, officers who change records, and readers, at one ledger. Run under ThreadSanitizer: a plain program,
 * since Criterion aborts there. Ends with 0 when every reader saw what had been committed and nothing was called
 * tampered.
 */
#include "audit/ledger.h"
#include "audit/verify.h"
#include "base/clock.h"
#include "base/crypto.h"

#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNERS    4
#define SIGNATURES 150 /* each */
#define OFFICERS   2
#define VERSIONS   40 /* each */
#define READERS    2

static struct tp_ledger *ledger;
static EVP_PKEY *key;
static atomic_int working = OFFICERS + SIGNERS;
static atomic_ullong published[OFFICERS]; /* versions whose commit has been answered */

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ---- keys ---- */

static enum tp_rc mac(void *context, struct tp_bytes a, struct tp_bytes b, struct tp_error *error,
                      uint8_t ret_mac[TP_STORE_MAC_LEN])
{
    static const uint8_t mac_key[32] = {1};
    struct tp_buf message TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    unsigned len = TP_STORE_MAC_LEN;

    (void)context;
    (void)error;
    TP_TRY(tp_buf_append(&message, a));
    TP_TRY(tp_buf_append(&message, b));
    CHECK(HMAC(EVP_sha256(), mac_key, sizeof mac_key, message.data, message.len, ret_mac, &len) != NULL);
    return TP_OK;
}

static enum tp_rc sign(void *context, struct tp_bytes message, struct tp_error *error, struct tp_buf *ret_signature)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t signature[128];
    size_t len = sizeof signature;

    (void)context;
    (void)error;
    CHECK(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1);
    CHECK(EVP_DigestSign(digest, signature, &len, message.data, message.len) == 1);
    EVP_MD_CTX_free(digest);
    return tp_buf_append(ret_signature, TP_BYTES(signature, len));
}

/* ---- threads ---- */

static enum tp_rc commit(Tp__Audit__Entry *entry, const struct tp_ledger_change *change, uint64_t *ret_index)
{
    struct tp_ledger_tx tx = {
        .entry = entry, .changes = change, .changes_len = change != NULL, .intent = change == NULL};

    return tp_ledger_commit(ledger, &tx, tp_clock_monotonic_ms() + 60000, NULL, ret_index);
}

static void *signer(void *context)
{
    static const uint8_t hash[32] = {9};

    (void)context;
    for (int i = 0; i < SIGNATURES; i++) {
        Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
        uint64_t index = 0;

        entry.action = (char *)(uintptr_t) "sign";
        entry.outcome = (char *)(uintptr_t) "intent";
        CHECK(commit(&entry, NULL, &index) == TP_OK);
        tp_ledger_complete(ledger, index, i % 10 != 0, hash);
    }
    atomic_fetch_sub(&working, 1);
    return NULL;
}

static struct tp_ledger_change change_of(const char *id, uint64_t version)
{
    return (struct tp_ledger_change){.kind = "user",
                                     .id = id,
                                     .owner = "",
                                     .name = id,
                                     .version = version,
                                     .content = tp_bytes_of_string("content")};
}

static void *officer(void *context)
{
    size_t number = (size_t)(uintptr_t)context;
    const char *id = number == 0 ? "anna" : "berta";

    for (uint64_t version = 1; version <= VERSIONS; version++) {
        struct tp_ledger_change change = change_of(id, version), temporary = change_of(number == 0 ? "t0" : "t1", 1);
        Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;

        entry.action = (char *)(uintptr_t) "user.change";
        entry.outcome = (char *)(uintptr_t) "ok";
        CHECK(commit(&entry, &change, NULL) == TP_OK);
        atomic_store(&published[number], version);
        CHECK(commit(&entry, &temporary, NULL) == TP_OK);
        temporary.delete = true;
        CHECK(commit(&entry, &temporary, NULL) == TP_OK);
    }
    atomic_fetch_sub(&working, 1);
    return NULL;
}

static enum tp_rc count(void *context, const struct tp_ledger_record *record)
{
    (void)record;
    ++*(int *)context;
    return TP_OK;
}

static void read_one(size_t number)
{
    unsigned long long least = atomic_load(&published[number]);
    struct tp_ledger_record record;
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = tp_ledger_get(ledger, "user", number == 0 ? "anna" : "berta", &error, &record);

    if (rc != TP_OK && rc != TP_NOT_FOUND)
        fprintf(stderr, "%s\n", tp_error_words(&error));
    CHECK(rc == TP_OK || (rc == TP_NOT_FOUND && least == 0));
    if (rc != TP_OK)
        return;
    CHECK(record.version >= least);
    tp_ledger_record_clear(&record);
}

static void *reader(void *context)
{
    (void)context;
    while (atomic_load(&working) > 0) {
        struct tp_ledger_info info;
        uint64_t cursor = 0;
        int seen = 0;

        read_one(0);
        read_one(1);
        CHECK(tp_ledger_each(ledger, "user", NULL, &cursor, 100, NULL, count, &seen) == TP_OK);
        CHECK(seen <= 4);
        tp_ledger_info(ledger, &info);
        CHECK(!info.tampered);
    }
    return NULL;
}

/* ---- the whole ---- */

static void run_threads(void)
{
    pthread_t thread[SIGNERS + OFFICERS + READERS];
    size_t len = 0;

    for (size_t i = 0; i < SIGNERS; i++)
        CHECK(pthread_create(&thread[len++], NULL, signer, NULL) == 0);
    for (size_t i = 0; i < OFFICERS; i++)
        CHECK(pthread_create(&thread[len++], NULL, officer, (void *)(uintptr_t)i) == 0);
    for (size_t i = 0; i < READERS; i++)
        CHECK(pthread_create(&thread[len++], NULL, reader, NULL) == 0);
    while (len > 0)
        pthread_join(thread[--len], NULL);
}

static void check_store(const char *path, struct tp_bytes spki)
{
    struct tp_store *store = NULL;
    struct tp_verify_report report;
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc;

    CHECK(tp_store_open(path, TP_STORE_READ, NULL, &store) == TP_OK);
    rc = tp_audit_verify(store, "test.example/log", spki, TP_BYTES_NONE, NULL, NULL, &error, &report);
    if (rc != TP_OK)
        fprintf(stderr, "%s\n", tp_error_words(&error));
    CHECK(rc == TP_OK);
    CHECK(report.entries > SIGNERS * SIGNATURES + OFFICERS * VERSIONS * 3);
    CHECK(report.records == OFFICERS);
    tp_store_close(store);
}

static void away(const char *folder, const char *path)
{
    char name[160];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, (const char *[]){"", "-wal", "-shm"}[i]);
        unlink(name);
    }
    rmdir(folder);
}

int main(void)
{
    char folder[] = "/tmp/tp-ledger-XXXXXX", path[64];
    struct tp_ledger_config config = {.store_url = path,
                                      .origin = "test.example/log",
                                      .checkpoint_entries = 50,
                                      .completion_delay_ms = 5,
                                      .keys = {.mac = mac, .sign = sign}};
    uint8_t *der = NULL;
    int len;

    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/store.db", folder);
    key = EVP_EC_gen("P-256");
    len = i2d_PUBKEY(key, &der);
    CHECK(len > 0);
    config.keys.sign_spki = TP_BYTES(der, (size_t)len);
    CHECK(tp_ledger_open(&config, true, NULL, &ledger) == TP_OK);
    run_threads();
    tp_ledger_close(ledger);
    check_store(path, config.keys.sign_spki);
    away(folder, path);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    tp_crypto_release();
    return 0;
}
