/* SPDX-License-Identifier: Apache-2.0
 *
 * What every backend of the store must do. Each CONTRACT runs once for every row of store_backends, on a database that
 * was just made; a new backend is one more row in fixture.c.
 */
#ifndef TP_TESTS_CONTRACT_STORE_FIXTURE_H
#define TP_TESTS_CONTRACT_STORE_FIXTURE_H

#include "store/store.h"

#include <criterion/criterion.h>
#include <string.h>

#define STORE_URL_LEN 256

struct store_backend {
    const char *name;
    void (*url_make)(char ret_url[STORE_URL_LEN]); /* of a database that is not there yet */
    void (*url_remove)(const char *url);
};

struct store_fixture {
    const struct store_backend *backend;
    char url[STORE_URL_LEN];
    struct tp_store *store; /* opened with TP_STORE_CREATE */
    struct tp_error error;
};

typedef void store_contract_fn(struct store_fixture *f);
void store_contract_run(store_contract_fn *contract);

#define CONTRACT(suite, name)                                                                                          \
    static void suite##_##name(struct store_fixture *f);                                                               \
    Test(suite, name)                                                                                                  \
    {                                                                                                                  \
        store_contract_run(suite##_##name);                                                                            \
    }                                                                                                                  \
    static void suite##_##name(struct store_fixture *f)

/* CALL answers RC; the words are shown when it does not, and must be there when it is a refusal. */
#define ANSWERS(expected, call)                                                                                        \
    do {                                                                                                               \
        tp_error_clear(&f->error);                                                                                     \
        enum tp_rc answer_ = (call);                                                                                   \
        cr_assert_eq(answer_, (expected), "%s: %s is %s: %s", f->backend->name, #call, tp_rc_name(answer_),            \
                     tp_error_words(&f->error));                                                                       \
        cr_assert_eq(f->error.rc, answer_, "%s: %s: words of another code", f->backend->name, #call);                  \
    } while (0)
#define MUST(call) ANSWERS(TP_OK, call)

/* A second connection to the same database. */
struct tp_store *store_again(struct store_fixture *f, enum tp_store_mode mode);

/* A record of KIND whose id is made of NUMBER, in slot NUMBER, version 1, with a content of its own. */
struct tp_store_record store_record(const char *kind, unsigned number, const char *owner, const char *name);
void store_record_put(struct store_fixture *f, const struct tp_store_record *record); /* in its own transaction */
bool store_record_same(const struct tp_store_record *a, const struct tp_store_record *b);

#endif
