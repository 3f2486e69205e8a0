/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules of the whole engine that one client after the other can show. What needs many at once is in tests/concurrency.
 */
#include "world.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_MS   30000
#define OF_USER_MOST  256  /* authorisation.c */
#define RECORDED_MOST 1000 /* refusals.c */

static struct world world;
static struct tp_ipc_client *client;
static struct person alice;
static char key[TP_ID_LEN];
static EVP_PKEY *key_public;

static void begin(void)
{
    world_make(&world, "", "");
    world_start(&world);
    client = world_client(&world, 0);
    person_add(&alice, client, "alice", "");
    world_key_make(client, "alice", "key", key, &key_public);
}

static void end(void)
{
    EVP_PKEY_free(key_public);
    tp_ipc_client_free(client);
    world_stop(&world);
    world_remove(&world);
}

TestSuite(engine_service, .init = begin, .fini = end);

static void must_log_in(struct person *person, struct login wish, char *ret_id)
{
    cr_assert_eq(person_login(person, client, wish, ret_id), TP_OK);
}

static void log_out(const char *id)
{
    cr_assert_eq(world_log_out(client, "alice", id), TP_OK);
}

static enum tp_rc sign(const char *authorisation)
{
    return world_sign(client, "alice", authorisation, key, key_public);
}

/* ---- the log ---- */

static struct found find_entry(const char *action)
{
    return world_entry(client, action);
}

static uint64_t entries(void)
{
    struct tp_ledger_info info;
    tp_ledger_info(world.engine->ledger, &info);
    return info.entries;
}

/* ---- a change whose end is open ---- */

static void pack_user(const Tp__Engine__User *user, struct tp_buf *ret_content)
{
    cr_assert_eq(tp_buf_reserve(ret_content, tp__engine__user__get_packed_size(user)), TP_OK);
    ret_content->len = tp__engine__user__pack(user, ret_content->data);
}

/* As a commit does that is made after the engine has given up waiting for it: memory does not hear of it. */
static void suspend_behind_memory(void)
{
    struct tp_ledger_record record = {0};
    struct tp_buf content TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
    entry.action = world_text("user.suspend");
    entry.outcome = world_text("ok");
    cr_assert_eq(tp_ledger_find(world.engine->ledger, "user", "", "alice", NULL, &record), TP_OK);
    Tp__Engine__User *user = tp__engine__user__unpack(NULL, record.content.len, record.content.data);
    user->suspended = true;
    pack_user(user, &content);
    struct tp_ledger_change change = {.kind = "user",
                                      .id = record.id,
                                      .owner = "",
                                      .name = "alice",
                                      .version = record.version + 1,
                                      .content = tp_buf_bytes(&content)};
    struct tp_ledger_tx tx = {.changes = &change, .changes_len = 1, .entry = &entry};
    cr_assert_eq(tp_ledger_commit(world.engine->ledger, &tx, tp_clock_monotonic_ms() + PATIENCE_MS, NULL, NULL), TP_OK);
    tp__engine__user__free_unpacked(user, NULL);
    tp_ledger_record_clear(&record);
}

Test(engine_service, a_change_that_memory_has_not_heard_of_ends_the_logins_and_is_read_before_the_next_turn)
{
    char id[TP_ID_LEN];
    must_log_in(&alice, (struct login){0}, id);
    cr_expect_eq(sign(id), TP_OK);
    suspend_behind_memory();
    cr_expect_eq(person_login(&alice, client, (struct login){0}, NULL), TP_BUSY, "memory is found to be old");
    cr_expect_eq(sign(id), TP_NOT_LOGGED_IN, "nobody acts for her meanwhile");
    cr_expect_eq(person_login(&alice, client, (struct login){0}, NULL), TP_NOT_PERMITTED, "now it is known");
    cr_expect(find_entry("user.reread").any);
    cr_expect_eq(world_user(client, TP_OP_USER_RESUME, "alice"), TP_OK);
    must_log_in(&alice, (struct login){0}, id);
    cr_expect_eq(sign(id), TP_OK, "her keys are there as before");
}

/* As an erasure does whose answer came too late. */
static void erase_behind_memory(void)
{
    struct tp_ledger_record record = {0};
    Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
    entry.action = world_text("user.erase");
    entry.outcome = world_text("ok");
    cr_assert_eq(tp_ledger_find(world.engine->ledger, "user", "", "alice", NULL, &record), TP_OK);
    struct tp_ledger_change change = {.kind = "user", .id = record.id, .version = record.version, .delete = true};
    struct tp_ledger_tx tx = {.changes = &change, .changes_len = 1, .entry = &entry};
    cr_assert_eq(tp_ledger_commit(world.engine->ledger, &tx, tp_clock_monotonic_ms() + PATIENCE_MS, NULL, NULL), TP_OK);
    tp_ledger_record_clear(&record);
}

Test(engine_service, who_was_erased_behind_memory_is_not_taken_for_another_of_that_name)
{
    struct person second;
    char id[TP_ID_LEN], other[TP_ID_LEN];
    EVP_PKEY *other_public = NULL;
    must_log_in(&alice, (struct login){0}, id);
    erase_behind_memory();
    cr_expect_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_BUSY, "memory is found to be old");
    cr_expect_eq(sign(id), TP_NOT_LOGGED_IN);
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    request.user = world_text("alice");
    cr_expect_eq(world_call(client, TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, NULL), TP_OK);
    cr_expect_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_NOT_FOUND, "the one in memory is gone");
    cr_expect_eq(world_key_state(client, "alice", key, "suspended"), TP_NOT_FOUND, "and her key is not the other's");
    cr_expect_eq(world_user(client, TP_OP_USER_CLOSE, "alice"), TP_OK);
    cr_expect_eq(world_user(client, TP_OP_USER_ERASE, "alice"), TP_OK);
    person_add(&second, client, "alice", "");
    world_key_make(client, "alice", "key", other, &other_public);
    cr_assert_eq(person_login(&second, client, (struct login){0}, id), TP_OK);
    cr_expect_eq(world_sign(client, "alice", id, other, other_public), TP_OK);
    EVP_PKEY_free(other_public);
}

Test(engine_service, only_a_closed_user_is_erased)
{
    cr_expect_eq(world_user(client, TP_OP_USER_ERASE, "alice"), TP_NOT_PERMITTED);
    cr_expect_eq(world_user(client, TP_OP_USER_ERASE, "bob"), TP_NOT_FOUND);
    cr_expect_eq(world_user(client, TP_OP_USER_CLOSE, "alice"), TP_OK);
    cr_expect_eq(world_user(client, TP_OP_USER_ERASE, "alice"), TP_OK);
    cr_expect_eq(world_user(client, TP_OP_USER_ERASE, "alice"), TP_NOT_FOUND);
}

Test(engine_service, an_ordinary_refusal_of_a_change_ends_no_login)
{
    char id[TP_ID_LEN];
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    must_log_in(&alice, (struct login){0}, id);
    request.user = world_text("alice");
    request.label = world_text("key");
    cr_expect_eq(world_call(client, TP_OP_KEY_GENERATE, &request.base, TP_BYTES_NONE, NULL), TP_EXISTS);
    cr_expect_eq(sign(id), TP_OK);
    cr_expect_not(find_entry("user.reread").any);
}

/* ---- how many refusals the log takes ---- */

Test(engine_service, each_of_a_few_refusals_is_an_entry)
{
    const uint64_t before = entries();
    for (unsigned i = 0; i < 20; i++)
        cr_expect_eq(sign("nobody's"), TP_NOT_LOGGED_IN);
    cr_expect_eq(entries(), before + 20);
}

Test(engine_service, a_flood_of_refusals_is_counted_and_does_not_flood_the_log)
{
    const uint64_t before = entries();
    const int64_t begun_ms = tp_clock_monotonic_ms();
    for (unsigned i = 0; i < RECORDED_MOST + 300; i++)
        cr_assert_eq(sign("nobody's"), TP_NOT_LOGGED_IN);
    const uint64_t seconds = (uint64_t)(tp_clock_monotonic_ms() - begun_ms) / 1000;
    cr_expect_leq(entries(), before + RECORDED_MOST + seconds + 8);
    struct found found = find_entry("refusals");
    while (!found.any && tp_clock_monotonic_ms() < begun_ms + 2 * PATIENCE_MS)
        found = find_entry("refusals");
    cr_expect(found.any, "the log does not say that there was a flood");
    cr_expect_not_null(strstr(found.detail, "not recorded"), "%s", found.detail);
}

/* ---- logins ---- */

/* A PIN and code that were not given before: of so many codes of six digits two are often enough the same, and the same
 * ones again join a login instead of opening one. */
static const char *fresh_secret(char (*secrets)[64], size_t count)
{
    bool fresh = false;
    while (!fresh) {
        person_secret(&alice, secrets[count]);
        fresh = true;
        for (size_t i = 0; i < count; i++)
            fresh = fresh && strcmp(secrets[i], secrets[count]) != 0;
    }
    return secrets[count];
}

Test(engine_service, one_user_cannot_take_the_room_for_all_logins_and_loses_no_code_at_the_limit)
{
    static char secrets[OF_USER_MOST + 1][64];
    char id[TP_ID_LEN];
    for (size_t i = 0; i < OF_USER_MOST; i++)
        cr_assert_eq(person_login_with(&alice, client, (struct login){0}, fresh_secret(secrets, i), NULL, id), TP_OK);
    const char *secret = fresh_secret(secrets, OF_USER_MOST);
    for (unsigned i = 0; i < WORLD_TRIES; i++) /* and no try either */
        cr_expect_eq(person_login_with(&alice, client, (struct login){0}, secret, NULL, NULL), TP_BUSY);
    log_out(id);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, secret, NULL, NULL), TP_OK);
}

/* A PIN alone is compared with an open shared login, and counts. While used codes are slowed down nothing is counted,
 * so nothing may be compared. */
Test(engine_service, while_used_codes_are_slowed_down_no_pin_can_be_tried_at_a_shared_login)
{
    char id[TP_ID_LEN], used[64];
    enum tp_rc rc = TP_OTP_STALE;
    must_log_in(&alice, (struct login){.shared = true}, NULL);
    person_secret(&alice, used);
    cr_assert_eq(person_login_with(&alice, client, (struct login){0}, used, NULL, id), TP_OK);
    log_out(id);
    for (unsigned i = 0; i < 20 && rc == TP_OTP_STALE; i++)
        rc = person_login_with(&alice, client, (struct login){0}, used, NULL, NULL);
    cr_assert_eq(rc, TP_BUSY, "used codes are not slowed down");
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, alice.pin, NULL, NULL), TP_BUSY);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, "wrong horse", NULL, NULL), TP_BUSY);
}

Test(engine_service, a_pin_alone_joins_a_shared_login_and_a_wrong_one_counts)
{
    must_log_in(&alice, (struct login){.shared = true}, NULL);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, alice.pin, NULL, NULL), TP_OK);
    for (unsigned i = 0; i + 1 < WORLD_TRIES; i++)
        cr_expect_eq(person_login_with(&alice, client, (struct login){0}, "wrong horse", NULL, NULL), TP_PIN_WRONG);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, "wrong horse", NULL, NULL), TP_PIN_LOCKED);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, alice.pin, NULL, NULL), TP_PIN_LOCKED);
}

/* ---- logins for one signature ---- */

Test(engine_service, a_login_for_one_signature_signs_with_its_key_alone_and_once)
{
    char single[TP_ID_LEN], id[TP_ID_LEN], other[TP_ID_LEN];
    EVP_PKEY *single_public = NULL;
    world_key_make_single(client, "alice", "single", single, &single_public);
    must_log_in(&alice, (struct login){.credential = single}, id);
    cr_expect_eq(world_sign(client, "alice", id, key, key_public), TP_NOT_LOGGED_IN, "another key");
    cr_expect_eq(world_sign(client, "alice", id, single, single_public), TP_OK);
    cr_expect_eq(world_sign(client, "alice", id, single, single_public), TP_NOT_LOGGED_IN, "a second signature");
    must_log_in(&alice, (struct login){0}, other);
    cr_expect_eq(world_sign(client, "alice", other, single, single_public), TP_NOT_LOGGED_IN, "an ordinary login");
    cr_expect_eq(world_sign(client, "alice", other, key, key_public), TP_OK);
    EVP_PKEY_free(single_public);
}

Test(engine_service, a_login_for_one_signature_is_for_keys_that_ask_for_it_and_never_shared)
{
    char single[TP_ID_LEN];
    world_key_make_single(client, "alice", "single", single, NULL);
    cr_expect_eq(person_login(&alice, client, (struct login){.credential = key}, NULL), TP_BAD_ARGUMENT);
    cr_expect_eq(person_login(&alice, client, (struct login){.credential = "none"}, NULL), TP_NOT_FOUND);
    cr_expect_eq(person_login(&alice, client, (struct login){.credential = single, .shared = true}, NULL),
                 TP_BAD_ARGUMENT);
}

/* ---- who did it ---- */

Test(engine_service, the_log_names_the_officer_and_not_the_user_in_question)
{
    struct person olga;
    person_add(&olga, client, "olga", "officer");
    must_log_in(&olga, (struct login){0}, NULL);
    must_log_in(&alice, (struct login){0}, NULL);
    cr_expect_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_OK);
    struct found found = find_entry("user.suspend");
    cr_expect_str_eq(found.subject, "olga");
    cr_expect_str_eq(found.role, "officer");
}

Test(engine_service, an_officer_who_is_locked_has_no_role)
{
    struct person olga;
    person_add(&olga, client, "olga", "officer");
    must_log_in(&olga, (struct login){0}, NULL);
    for (unsigned i = 0; i < WORLD_TRIES; i++)
        (void)person_login_with(&olga, client, (struct login){0}, "wrong horse000000", NULL, NULL);
    cr_expect_eq(world_user(client, TP_OP_USER_SUSPEND, "alice"), TP_OK, "the engine's own uid may");
    struct found found = find_entry("user.suspend");
    cr_expect_str_eq(found.role, "engine");
    cr_expect_str_eq(found.subject, "");
}

/* ---- factors ---- */

static void factor_of(const char *user, char ret_id[TP_ID_LEN])
{
    Tp__Ipc__FactorRequest request = TP__IPC__FACTOR_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    cr_assert_eq(tp_ipc_call(client, TP_OP_FACTOR_LIST, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply),
                 TP_OK);
    const Tp__Ipc__FactorListReply *list = (const Tp__Ipc__FactorListReply *)reply.message;
    cr_assert_eq(list->n_factors, 1);
    snprintf(ret_id, TP_ID_LEN, "%s", list->factors[0]->id);
    tp_ipc_reply_clear(&reply);
}

static enum tp_rc remove_factor(const char *user, const char *factor)
{
    Tp__Ipc__FactorRequest request = TP__IPC__FACTOR_REQUEST__INIT;
    request.user = world_text(user);
    request.factor = world_text(factor);
    return world_call(client, TP_OP_FACTOR_REMOVE, &request.base, TP_BYTES_NONE, NULL);
}

static enum tp_rc add_factor(const char *user, uint64_t counter)
{
    Tp__Ipc__FactorAddRequest request = TP__IPC__FACTOR_ADD_REQUEST__INIT;
    request.user = world_text(user);
    request.kind = world_text("hotp");
    request.serial = world_text("4711");
    request.digits = 6;
    request.counter = counter;
    return world_call(client, TP_OP_FACTOR_ADD, &request.base, tp_bytes_of_string("twenty bytes of seed"), NULL);
}

Test(engine_service, a_factor_in_use_cannot_be_removed_under_another_user_s_name)
{
    struct person bob;
    char factor[TP_ID_LEN];
    person_add(&bob, client, "bob", "");
    factor_of("bob", factor);
    cr_expect_eq(remove_factor("alice", factor), TP_NOT_FOUND);
    cr_expect_eq(remove_factor("bob", factor), TP_NOT_PERMITTED, "it is in use");
    must_log_in(&bob, (struct login){0}, NULL);
}

Test(engine_service, a_factor_that_is_not_in_use_can_be_removed_by_its_own_user_s_name)
{
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    char factor[TP_ID_LEN];
    request.user = world_text("carol");
    cr_assert_eq(world_call(client, TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, NULL), TP_OK);
    cr_assert_eq(add_factor("carol", 0), TP_OK);
    factor_of("carol", factor);
    cr_expect_eq(remove_factor("carol", factor), TP_OK);
}

Test(engine_service, a_counter_beyond_which_no_code_can_be_looked_for_is_refused)
{
    cr_expect_eq(add_factor("alice", UINT64_MAX), TP_BAD_ARGUMENT);
    cr_expect_eq(add_factor("alice", 1000), TP_OK);
}

/* ---- what a client may suppose ---- */

static enum tp_rc explain(int64_t login_age_ms)
{
    Tp__Ipc__ExplainRequest request = TP__IPC__EXPLAIN_REQUEST__INIT;
    request.user = world_text("alice");
    request.credential = world_text("key");
    request.mechanism = TP_IPC_ECDSA;
    request.login_age_ms = login_age_ms;
    return world_call(client, TP_OP_POLICY_EXPLAIN, &request.base, TP_BYTES_NONE, NULL);
}

Test(engine_service, a_login_of_negative_age_is_not_explained)
{
    cr_expect_eq(explain(INT64_MIN), TP_BAD_ARGUMENT);
    cr_expect_eq(explain(1000), TP_OK);
    cr_expect_eq(explain(INT64_MAX), TP_OK);
}

/* ---- texts ---- */

static enum tp_rc add_user(const char *name, const char *display, const char *role)
{
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    char *roles[] = {world_text(role)};
    request.user = world_text(name);
    request.display = world_text(display);
    request.roles = roles;
    request.n_roles = 1;
    return world_call(client, TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, NULL);
}

Test(engine_service, every_text_of_a_request_is_looked_at_repeated_ones_too)
{
    cr_expect_eq(add_user("bob\x1b", "Bob", "auditor"), TP_BAD_ARGUMENT);
    cr_expect_eq(add_user("bob", "B\xe2\x80\xaeob", "auditor"), TP_BAD_ARGUMENT);
    cr_expect_eq(add_user("bob", "Bob", "auditor\n"), TP_BAD_ARGUMENT);
    cr_expect_eq(world_user(client, TP_OP_USER_SUSPEND, "\xff"), TP_BAD_ARGUMENT);
    cr_expect_eq(add_user("bob", "Bob", "auditor"), TP_OK);
}
