/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void sqlite_make(char ret_url[STORE_URL_LEN])
{
    char folder[] = "/tmp/trustp11-contract-XXXXXX";

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(ret_url, STORE_URL_LEN, "sqlite:%s/store.db", folder);
}

static void sqlite_remove(const char *url)
{
    static const char *const endings[] = {"/store.db", "/store.db-wal", "/store.db-shm", ""};
    const char *path = url + strlen("sqlite:");
    int folder_len = (int)(strlen(path) - strlen("/store.db"));
    char name[STORE_URL_LEN];

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)snprintf(name, sizeof name, "%.*s%s", folder_len, path, endings[i]);
        (void)remove(name);
    }
}

static const struct store_backend store_backends[] = {
    {"sqlite", sqlite_make, sqlite_remove},
};

void store_contract_run(store_contract_fn *contract)
{
    for (size_t i = 0; i < sizeof store_backends / sizeof store_backends[0]; i++) {
        struct store_fixture fixture = {.backend = &store_backends[i]};
        struct store_fixture *f = &fixture;

        f->backend->url_make(f->url);
        MUST(tp_store_open(f->url, TP_STORE_CREATE, &f->error, &f->store));
        contract(f);
        tp_store_close(f->store);
        f->backend->url_remove(f->url);
    }
}

struct tp_store *store_again(struct store_fixture *f, enum tp_store_mode mode)
{
    struct tp_store *store = NULL;

    MUST(tp_store_open(f->url, mode, &f->error, &store));
    return store;
}

struct tp_store_record store_record(const char *kind, unsigned number, const char *owner, const char *name)
{
    static char contents[64][16];
    char *content = contents[number % 64];
    struct tp_store_record record = {.slot = number, .version = 1};
    int len = snprintf(content, 16, "content %u", number % 1000000);

    (void)snprintf(record.kind, sizeof record.kind, "%s", kind);
    (void)snprintf(record.id, sizeof record.id, "%032x", number);
    (void)snprintf(record.owner, sizeof record.owner, "%s", owner);
    (void)snprintf(record.name, sizeof record.name, "%s", name);
    memset(record.mac, (int)(number & 0xff), sizeof record.mac);
    record.content = TP_BYTES(content, (size_t)len);
    return record;
}

void store_record_put(struct store_fixture *f, const struct tp_store_record *record)
{
    MUST(tp_store_begin(f->store, &f->error));
    MUST(tp_store_record_put(f->store, record, &f->error));
    MUST(tp_store_commit(f->store, &f->error));
}

bool store_record_same(const struct tp_store_record *a, const struct tp_store_record *b)
{
    return strcmp(a->kind, b->kind) == 0 && strcmp(a->id, b->id) == 0 && strcmp(a->owner, b->owner) == 0 &&
           strcmp(a->name, b->name) == 0 && a->slot == b->slot && a->version == b->version &&
           memcmp(a->mac, b->mac, sizeof a->mac) == 0 && tp_bytes_equal(a->content, b->content);
}
