/* SPDX-License-Identifier: Apache-2.0
 *
 * What an officer does to a token (PIN_INIT, TOKEN_INIT), and what its user can do with it then.
 */
#include "world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define INITIAL "battery staple"
#define OWN     "something of my own"

static struct world world;
static struct tp_ipc_client *client;
static struct person alice, olga;
static char key[TP_ID_LEN];

static void begin(void)
{
    world_make(&world, "", "");
    world_start(&world);
    client = world_client(&world, 0);
    person_add(&olga, client, "olga", "officer");
    person_add(&alice, client, "alice", "");
    world_key_make(client, "alice", "key", key, NULL);
    cr_assert_eq(person_login(&olga, client, (struct login){0}, NULL), TP_OK);
}

static void end(void)
{
    tp_ipc_client_free(client);
    world_stop(&world);
    world_remove(&world);
}

TestSuite(engine_officer, .init = begin, .fini = end);

struct done {
    unsigned keys_lost;
    bool enrolment, added;
};

static enum tp_rc init_pin(const char *user, const char *pin, struct done *ret_done)
{
    Tp__Ipc__PinInitRequest request = TP__IPC__PIN_INIT_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_PIN_INIT, &request.base, tp_bytes_of_string(pin), TP_BYTES_NONE, 0, NULL, &reply);
    if (rc == TP_OK) {
        const Tp__Ipc__PinInitReply *message = (const Tp__Ipc__PinInitReply *)reply.message;
        *ret_done = (struct done){.keys_lost = message->keys_lost, .enrolment = message->enrolment};
    }
    tp_ipc_reply_clear(&reply);
    return rc;
}

static enum tp_rc init_token(const char *user, const char *label, struct done *ret_done)
{
    Tp__Ipc__TokenInitRequest request = TP__IPC__TOKEN_INIT_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    request.label = world_text(label);
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_TOKEN_INIT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply);
    if (rc == TP_OK) {
        const Tp__Ipc__TokenInitReply *message = (const Tp__Ipc__TokenInitReply *)reply.message;
        *ret_done = (struct done){.keys_lost = message->keys_lost, .added = message->added};
    }
    tp_ipc_reply_clear(&reply);
    return rc;
}

struct shown {
    char label[64];
    bool enrolled, pin_initial;
};

static struct shown token(const char *user)
{
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct shown shown = {.label = ""};
    request.user = world_text(user);
    cr_assert_eq(tp_ipc_call(client, TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply), TP_OK);
    const Tp__Ipc__TokenReply *message = (const Tp__Ipc__TokenReply *)reply.message;
    snprintf(shown.label, sizeof shown.label, "%s", message->label);
    shown.enrolled = message->enrolled;
    shown.pin_initial = message->pin_initial;
    tp_ipc_reply_clear(&reply);
    return shown;
}

static size_t keys_of(const char *user)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    cr_assert_eq(tp_ipc_call(client, TP_OP_OBJECTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply),
                 TP_OK);
    size_t count = ((const Tp__Ipc__ObjectsReply *)reply.message)->n_credentials;
    tp_ipc_reply_clear(&reply);
    return count;
}

static void now_has(struct person *person, const char *pin)
{
    snprintf(person->pin, sizeof person->pin, "%s", pin);
}

static enum tp_rc enrol_with(const char *user, const char *code, const char *pin)
{
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    request.factor = world_text("hotp");
    enum tp_rc rc = tp_ipc_call(client, TP_OP_ENROL, &request.base, tp_bytes_of_string(code), tp_bytes_of_string(pin), 0,
                                NULL, &reply);
    tp_ipc_reply_clear(&reply);
    return rc;
}

static void must_sign_with_a_new_key(struct person *person)
{
    char id[TP_ID_LEN], made[TP_ID_LEN];
    EVP_PKEY *public = NULL;
    cr_assert_eq(person_login(person, client, (struct login){0}, id), TP_OK);
    world_key_make(client, person->name, "new", made, &public);
    cr_expect_eq(world_sign(client, person->name, id, made, public), TP_OK);
    EVP_PKEY_free(public);
}

/* As before: nothing has been changed. */
static void must_sign_with_the_old_key(void)
{
    char id[TP_ID_LEN];
    cr_assert_eq(person_login(&alice, client, (struct login){0}, id), TP_OK);
    cr_expect_eq(world_sign(client, "alice", id, key, NULL), TP_OK);
}

/* ---- the PIN that an officer sets ---- */

Test(engine_officer, a_pin_that_an_officer_sets_costs_the_keys_ends_the_logins_and_opens_none)
{
    char id[TP_ID_LEN], secret[64];
    struct done done = {0};
    cr_assert_eq(person_login(&alice, client, (struct login){0}, id), TP_OK);
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    cr_expect_eq(done.keys_lost, 1);
    cr_expect_not(done.enrolment);
    cr_expect_eq(keys_of("alice"), 0);
    cr_expect_eq(world_sign(client, "alice", id, key, NULL), TP_NOT_LOGGED_IN);
    cr_expect(token("alice").enrolled && token("alice").pin_initial);
    person_secret(&alice, secret);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, secret, NULL, NULL), TP_PIN_EXPIRED, "the old PIN");
    now_has(&alice, INITIAL);
    person_secret(&alice, secret);
    cr_expect_eq(person_login_with(&alice, client, (struct login){0}, secret, NULL, NULL), TP_PIN_EXPIRED);
    cr_expect_eq(person_login_with(&alice, client, (struct login){.shared = true}, secret, NULL, NULL), TP_PIN_EXPIRED);
    cr_expect_str_eq(world_entry(client, "login").outcome, "refused");
}

Test(engine_officer, the_log_says_which_officer_set_it_and_how_many_keys_were_lost)
{
    struct done done;
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    struct found found = world_entry(client, "pin.init");
    cr_expect_str_eq(found.subject, "olga");
    cr_expect_str_eq(found.role, "officer");
    cr_expect_str_eq(found.outcome, "ok");
    cr_expect_str_eq(found.detail, "initial PIN, keys lost 1");
}

Test(engine_officer, with_it_and_a_code_the_user_sets_another_that_is_like_any)
{
    struct done done;
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_PIN_WRONG, "the old PIN");
    now_has(&alice, INITIAL);
    cr_assert_eq(person_change_pin(&alice, client, OWN), TP_OK);
    now_has(&alice, OWN);
    cr_expect(token("alice").enrolled && !token("alice").pin_initial);
    must_sign_with_a_new_key(&alice);
}

/* RS-6: the officer would know a PIN that signs. */
Test(engine_officer, the_user_cannot_keep_it_and_the_code_stays_good)
{
    struct done done;
    char secret[64];
    Tp__Ipc__PinChangeRequest request = TP__IPC__PIN_CHANGE_REQUEST__INIT;
    const char *const pins[] = {INITIAL, OWN};
    const enum tp_rc expected[] = {TP_BAD_ARGUMENT, TP_OK};
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    now_has(&alice, INITIAL);
    person_secret(&alice, secret);
    request.user = world_text("alice");
    for (size_t i = 0; i < 2; i++) {
        struct tp_ipc_reply reply = {0};
        cr_expect_eq(tp_ipc_call(client, TP_OP_PIN_CHANGE, &request.base, tp_bytes_of_string(secret),
                                 tp_bytes_of_string(pins[i]), 0, NULL, &reply),
                     expected[i]);
        tp_ipc_reply_clear(&reply);
    }
    now_has(&alice, OWN);
    must_sign_with_a_new_key(&alice);
}

Test(engine_officer, a_user_who_was_locked_is_locked_no_more)
{
    struct done done;
    for (unsigned i = 0; i < WORLD_TRIES; i++)
        (void)person_login_with(&alice, client, (struct login){0}, "wrong horse000000", NULL, NULL);
    cr_assert_eq(person_login(&alice, client, (struct login){0}, NULL), TP_PIN_LOCKED);
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    now_has(&alice, INITIAL);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_OK);
}

Test(engine_officer, wrong_tries_at_it_count_and_lock)
{
    struct done done;
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    now_has(&alice, "not that one");
    for (unsigned i = 0; i + 1 < WORLD_TRIES; i++)
        cr_expect_eq(person_change_pin(&alice, client, OWN), TP_PIN_WRONG);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_PIN_LOCKED);
    now_has(&alice, INITIAL);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_PIN_LOCKED);
}

/* No PIN but the user's own seals a key. */
Test(engine_officer, a_key_that_is_made_meanwhile_waits_for_the_users_own_pin)
{
    char id[TP_ID_LEN], made[TP_ID_LEN];
    EVP_PKEY *public = NULL;
    struct done done;
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    world_key_make(client, "alice", "meanwhile", made, &public);
    cr_assert_eq(init_pin("alice", INITIAL " 2", &done), TP_OK);
    cr_expect_eq(done.keys_lost, 0, "the first one had sealed nothing");
    now_has(&alice, INITIAL " 2");
    cr_assert_eq(person_change_pin(&alice, client, OWN), TP_OK);
    now_has(&alice, OWN);
    pthread_mutex_lock(&world.engine->lock);
    struct tp_credential *credential = NULL;
    HASH_FIND_STR(world.engine->credentials, made, credential);
    cr_expect(credential != NULL && credential->record->pending);
    pthread_mutex_unlock(&world.engine->lock);
    cr_assert_eq(person_login(&alice, client, (struct login){0}, id), TP_OK);
    cr_expect_eq(world_sign(client, "alice", id, made, public), TP_OK);
    EVP_PKEY_free(public);
}

Test(engine_officer, what_is_no_pin_is_refused_and_changes_nothing)
{
    struct done done;
    cr_expect_eq(init_pin("alice", "short", &done), TP_PIN_LENGTH);
    cr_expect_eq(init_pin("alice", "12345678", &done), TP_BAD_ARGUMENT);
    cr_expect_eq(init_pin("alice", "aaaaaaaaaa", &done), TP_BAD_ARGUMENT);
    cr_expect_eq(init_pin("nobody", INITIAL, &done), TP_NOT_FOUND);
    must_sign_with_the_old_key();
}

Test(engine_officer, a_closed_user_gets_neither_pin_nor_token)
{
    struct done done;
    cr_assert_eq(world_user(client, TP_OP_USER_CLOSE, "alice"), TP_OK);
    cr_expect_eq(init_pin("alice", INITIAL, &done), TP_NOT_PERMITTED);
    cr_expect_eq(init_token("alice", "again", &done), TP_NOT_PERMITTED);
}

/* ---- whoever is locked ---- */

/* Logged in or not: what is done to the keys then, an officer does. */
Test(engine_officer, a_user_who_is_locked_is_no_owner_either)
{
    char made[TP_ID_LEN];
    cr_assert_eq(person_login(&alice, client, (struct login){0}, NULL), TP_OK);
    world_key_make(client, "alice", "before", made, NULL);
    cr_expect_str_eq(world_entry(client, "key.generate").role, "owner");
    for (unsigned i = 0; i < WORLD_TRIES; i++)
        (void)person_login_with(&alice, client, (struct login){0}, "wrong horse000000", NULL, NULL);
    world_key_make(client, "alice", "after", made, NULL);
    struct found found = world_entry(client, "key.generate");
    cr_expect_str_eq(found.role, "officer");
    cr_expect_str_eq(found.subject, "olga");
}

/* ---- without a second factor ---- */

Test(engine_officer, without_a_second_factor_it_is_an_enrolment_code)
{
    struct person carol;
    struct done done;
    tp_secret_free(person_invite(client, "carol", ""));
    carol = (struct person){.name = "carol"};
    cr_assert_eq(init_pin("carol", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment);
    cr_expect_str_eq(world_entry(client, "pin.init").detail, "enrolment code, keys lost 0");
    cr_expect_not(token("carol").enrolled);
    cr_expect_eq(person_login_with(&carol, client, (struct login){0}, INITIAL "000000", NULL, NULL), TP_NOT_ENROLLED);
    cr_expect_eq(enrol_with("carol", INITIAL, INITIAL), TP_BAD_ARGUMENT, "the officer knows that one");
    cr_expect_eq(enrol_with("carol", "not that one", OWN), TP_PIN_WRONG);
    person_enrol(&carol, client, "carol", tp_bytes_of_string(INITIAL));
    must_sign_with_a_new_key(&carol);
}

Test(engine_officer, after_a_reset_the_old_factor_is_not_taken_up_again)
{
    struct done done;
    cr_assert_eq(world_user(client, TP_OP_USER_RESET, "alice"), TP_OK);
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment);
    now_has(&alice, INITIAL);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_NOT_ENROLLED);
}

/* ---- the token ---- */

Test(engine_officer, a_token_that_is_made_anew_has_a_label_no_keys_and_no_pin)
{
    struct done done;
    char id[TP_ID_LEN];
    cr_assert_eq(person_login(&alice, client, (struct login){0}, id), TP_OK);
    cr_expect_str_eq(token("alice").label, "alice");
    cr_assert_eq(init_token("alice", "Card of Alice", &done), TP_OK);
    cr_expect(done.keys_lost == 1 && !done.added);
    cr_expect_str_eq(token("alice").label, "Card of Alice");
    cr_expect_not(token("alice").enrolled);
    cr_expect_eq(keys_of("alice"), 0);
    cr_expect_eq(world_sign(client, "alice", id, key, NULL), TP_NOT_LOGGED_IN);
    cr_expect_eq(person_login(&alice, client, (struct login){0}, NULL), TP_NOT_ENROLLED);
    cr_expect_eq(person_change_pin(&alice, client, OWN), TP_NOT_ENROLLED);
    struct found found = world_entry(client, "token.init");
    cr_expect_str_eq(found.subject, "olga");
    cr_expect_str_eq(found.detail, "keys lost 1");
}

Test(engine_officer, the_factor_stays_so_that_a_first_pin_and_a_code_are_enough)
{
    struct done done;
    cr_assert_eq(init_token("alice", "Card", &done), TP_OK);
    cr_assert_eq(init_pin("alice", INITIAL, &done), TP_OK);
    cr_expect(!done.enrolment && done.keys_lost == 0);
    now_has(&alice, INITIAL);
    cr_assert_eq(person_change_pin(&alice, client, OWN), TP_OK);
    now_has(&alice, OWN);
    must_sign_with_a_new_key(&alice);
    cr_expect_str_eq(token("alice").label, "Card");
}

static void remove_factor_of(const char *user)
{
    Tp__Ipc__FactorRequest request = TP__IPC__FACTOR_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text(user);
    cr_assert_eq(tp_ipc_call(client, TP_OP_FACTOR_LIST, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply),
                 TP_OK);
    const Tp__Ipc__FactorListReply *list = (const Tp__Ipc__FactorListReply *)reply.message;
    cr_assert_eq(list->n_factors, 1);
    request.factor = list->factors[0]->id;
    cr_assert_eq(world_call(client, TP_OP_FACTOR_REMOVE, &request.base, TP_BYTES_NONE, NULL), TP_OK);
    tp_ipc_reply_clear(&reply);
}

/* RS-6: who has the new code need not be the one whom the key waits for. */
Test(engine_officer, a_key_that_waits_for_a_factor_does_not_wait_for_another)
{
    struct done done;
    char made[TP_ID_LEN];
    cr_assert_eq(init_token("alice", "Card", &done), TP_OK);
    world_key_make(client, "alice", "waits", made, NULL);
    cr_assert_eq(world_user(client, TP_OP_USER_RESET, "alice"), TP_OK);
    cr_expect_eq(keys_of("alice"), 0);
    person_add(&alice, client, "alyx", "");
    cr_assert_eq(init_token("alyx", "Card", &done), TP_OK);
    world_key_make(client, "alyx", "waits", made, NULL);
    remove_factor_of("alyx");
    cr_assert_eq(init_pin("alyx", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment && done.keys_lost == 1);
    cr_expect_eq(keys_of("alyx"), 0);
}

/* Nobody else has ever been known for that user. */
Test(engine_officer, a_key_that_waits_for_a_first_enrolment_goes_on_waiting)
{
    struct done done;
    char made[TP_ID_LEN];
    cr_assert_eq(init_token("dora", "Card", &done), TP_OK);
    world_key_make(client, "dora", "waits", made, NULL);
    cr_assert_eq(init_pin("dora", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment && done.keys_lost == 0);
    cr_expect_eq(keys_of("dora"), 1);
}

Test(engine_officer, an_enrolment_code_is_good_no_more_after_it)
{
    struct done done;
    struct tp_secret *code = person_invite(client, "carol", "");
    char words[64];
    snprintf(words, sizeof words, "%.*s", (int)tp_secret_bytes(code).len, (const char *)tp_secret_bytes(code).data);
    tp_secret_free(code);
    cr_assert_eq(init_token("carol", "", &done), TP_OK);
    cr_expect_eq(enrol_with("carol", words, OWN), TP_NOT_PERMITTED);
    cr_assert_eq(init_pin("carol", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment);
    cr_expect_eq(enrol_with("carol", INITIAL, OWN), TP_OK);
}

Test(engine_officer, a_user_who_is_not_there_is_added)
{
    struct person dora;
    struct done done;
    cr_expect_eq(init_token("-dora", "Card", &done), TP_BAD_ARGUMENT);
    cr_assert_eq(init_token("dora", "Card of Dora", &done), TP_OK);
    cr_expect(done.added);
    cr_expect_str_eq(world_entry(client, "token.init").detail, "added");
    cr_expect_str_eq(token("dora").label, "Card of Dora");
    cr_expect_eq(enrol_with("dora", INITIAL, OWN), TP_NOT_PERMITTED, "no enrolment is open");
    cr_assert_eq(init_pin("dora", INITIAL, &done), TP_OK);
    cr_expect(done.enrolment);
    person_enrol(&dora, client, "dora", tp_bytes_of_string(INITIAL));
    must_sign_with_a_new_key(&dora);
}

Test(engine_officer, a_label_that_does_not_fit_is_refused_and_changes_nothing)
{
    struct done done;
    cr_expect_eq(init_token("alice", "123456789012345678901234567890123", &done), TP_BAD_ARGUMENT);
    cr_expect_eq(init_token("alice", "a\nb", &done), TP_BAD_ARGUMENT);
    must_sign_with_the_old_key();
    cr_expect_str_eq(token("alice").label, "alice");
    cr_expect_eq(init_token("alice", "12345678901234567890123456789012", &done), TP_OK);
}

/* ---- whom a login makes an officer ---- */

static size_t roles_of_login(struct person *person)
{
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    char secret[64];
    person_secret(person, secret);
    request.user = world_text(person->name);
    cr_assert_eq(tp_ipc_call(client, TP_OP_LOGIN, &request.base, tp_bytes_of_string(secret), TP_BYTES_NONE, 0, NULL,
                             &reply),
                 TP_OK);
    const Tp__Ipc__LoginReply *message = (const Tp__Ipc__LoginReply *)reply.message;
    size_t count = message->n_roles;
    cr_expect(count == 0 || strcmp(message->roles[0], "officer") == 0);
    tp_ipc_reply_clear(&reply);
    return count;
}

Test(engine_officer, a_login_says_which_roles_it_gives)
{
    cr_expect_eq(roles_of_login(&olga), 1);
    cr_expect_eq(roles_of_login(&alice), 0);
}

/* ---- whoever waits for events ---- */

struct event {
    uint64_t now;
    size_t len;
    bool present, enrolled;
};

static struct event event_of(const char *user, uint64_t since)
{
    Tp__Ipc__EventsRequest request = TP__IPC__EVENTS_REQUEST__INIT;
    char *names[] = {world_text(user)};
    struct tp_ipc_reply reply = {0};
    request.since = since;
    request.users = names;
    request.n_users = 1;
    cr_assert_eq(tp_ipc_call(client, TP_OP_EVENTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply), TP_OK);
    const Tp__Ipc__EventsReply *message = (const Tp__Ipc__EventsReply *)reply.message;
    struct event event = {.now = message->now, .len = message->n_events};
    if (event.len > 0) {
        event.present = message->events[0]->present;
        event.enrolled = message->events[0]->enrolled;
    }
    tp_ipc_reply_clear(&reply);
    return event;
}

Test(engine_officer, what_changes_a_token_is_told_to_those_who_wait_and_what_is_refused_is_not)
{
    struct done done;
    struct event event = event_of("alice", 0);
    cr_assert(event.enrolled);
    cr_expect_neq(init_token("alice", "a label that is longer than the thirty-two bytes of a token's", &done), TP_OK);
    cr_expect_eq(event_of("alice", event.now).len, 0u);
    cr_assert_eq(init_token("alice", "new", &done), TP_OK);
    event = event_of("alice", event.now);
    cr_expect_eq(event.len, 1u);
    cr_expect(event.present && !event.enrolled, "TOKEN_INIT takes the PIN");
    cr_assert_eq(init_pin("alice", "a first one", &done), TP_OK);
    event = event_of("alice", event.now);
    cr_expect_eq(event.len, 1u);
    cr_expect(event.present && event.enrolled, "PIN_INIT gives one");
    event = event_of("nadia", 0);
    cr_expect_not(event.present);
    cr_assert_eq(init_token("nadia", "new", &done), TP_OK);
    event = event_of("nadia", event.now);
    cr_expect(event.len == 1 && event.present && !event.enrolled, "a user who is added");
}
