/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole engine under many clients at once: teams that use up counted logins together, officers that stop and free
 * keys and people under them, keys that come and go, PINs that change, guessers, onlookers, some who wait for events, and
 * clients that leave in the middle. What must hold all the while is said at each of them; at the end the log verifies, and the engine starts
 * again.
 */
#include "../unit/engine/world.h"

#include "audit/verify.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_MS         6000
#define WATCHDOG_S     110 /* under ThreadSanitizer on a busy machine; without, a tenth of it is plenty */
#define KEYS           2
#define TEAM           3
#define MOST_GRANTED   12
#define GUESSERS       4
#define SHORT_LOGIN_MS 40

/* A key, or a person, that is stopped and freed again. */
struct brake {
    atomic_uint turns; /* odd while it is stopped for certain: from that answer until the freeing is asked for */
    atomic_uint met;   /* signatures that began and ended within such a time */
};

struct key {
    char id[TP_ID_LEN];
    EVP_PKEY *public;
    struct brake brake;
};

struct member {
    struct person person;
    struct key keys[KEYS];
    struct brake brake;
    bool quiet; /* nobody stops this one or its keys */
    /* what the team has in hand */
    pthread_barrier_t barrier;
    char authorisation[TP_ID_LEN];
    bool logged_in, ends;
    uint32_t granted;
    atomic_uint made;
};

enum { ALICE, BOB, CAROL, PEOPLE };
static struct member people[PEOPLE];
static struct person victor; /* whom the guessers are after */
static struct world world;
static struct tp_ipc_client *client;
static int64_t until_ms;
static atomic_uint signatures, refusals;

static bool over(void)
{
    return tp_clock_monotonic_ms() >= until_ms;
}

/* RC is TP_OK or one of the codes that may be answered here. */
static void require_among(enum tp_rc rc, const char *what, const enum tp_rc *codes)
{
    char words[128];
    for (size_t i = 0; rc != TP_OK && codes[i] != TP_OK; i++)
        if (rc == codes[i])
            return;
    snprintf(words, sizeof words, "%s: %s", what, tp_rc_name(rc));
    world_require(rc == TP_OK, words);
}
#define AMONG(rc, what, ...) require_among(rc, what, (const enum tp_rc[]){__VA_ARGS__, TP_OK})

/* ---- signing ---- */

/* Whether BRAKE was on from when it was seen at TURNS until now. */
static bool was_on(struct brake *brake, unsigned turns)
{
    bool on = turns % 2 == 1 && turns == atomic_load(&brake->turns);
    if (on)
        atomic_fetch_add(&brake->met, 1);
    return on;
}

/* A key, and a person, that were stopped before the request was sent, and still are, have signed nothing. */
static enum tp_rc sign(struct member *member, struct key *key, const char *authorisation)
{
    unsigned key_turns = atomic_load(&key->brake.turns), person_turns = atomic_load(&member->brake.turns);
    enum tp_rc rc = world_sign(client, member->person.name, authorisation, key->id, key->public);
    AMONG(rc, "sign", TP_NOT_LOGGED_IN, TP_KEY_UNUSABLE, TP_REFUSED);
    world_require(!was_on(&key->brake, key_turns) || rc != TP_OK, "a suspended key has signed");
    world_require(!was_on(&member->brake, person_turns) || rc != TP_OK, "a suspended person has signed");
    atomic_fetch_add(rc == TP_OK ? &signatures : &refusals, 1);
    return rc;
}

static void lead(struct member *member)
{
    member->ends = over();
    member->granted = 1 + member->granted % MOST_GRANTED;
    atomic_store(&member->made, 0);
    enum tp_rc rc =
        person_login(&member->person, client, (struct login){.signatures = member->granted}, member->authorisation);
    AMONG(rc, "login", TP_NOT_PERMITTED);
    world_require(rc == TP_OK || !member->quiet, "a login that nothing stood in the way of was refused");
    member->logged_in = rc == TP_OK;
}

static void use_up(struct member *member)
{
    enum tp_rc rc = TP_OK;
    /* stopped keys and people use nothing up: an end must come all the same */
    for (unsigned i = 0; i < 2 * MOST_GRANTED && rc != TP_NOT_LOGGED_IN; i++) {
        rc = sign(member, &member->keys[i % KEYS], member->authorisation);
        if (rc == TP_OK)
            atomic_fetch_add(&member->made, 1);
    }
}

/* Several threads use one counted login up; together they never get more than was granted, and no less. */
static void *work_in_team(void *context)
{
    struct member *member = context;
    bool ends = false;
    while (!ends) {
        if (pthread_barrier_wait(&member->barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            lead(member);
        pthread_barrier_wait(&member->barrier);
        ends = member->ends;
        if (member->logged_in)
            use_up(member);
        pthread_barrier_wait(&member->barrier);
        world_require(atomic_load(&member->made) <= member->granted, "more signatures than were granted");
        world_require(!member->quiet || atomic_load(&member->made) == member->granted,
                      "a granted signature is missing");
    }
    return NULL;
}

/* What is asked for after a login's time has run out is refused. */
static void *outlast_logins(void *context)
{
    struct member *member = context;
    char id[TP_ID_LEN];
    while (!over()) {
        enum tp_rc rc = person_login(&member->person, client, (struct login){.for_ms = SHORT_LOGIN_MS}, id);
        int64_t end_ms = tp_clock_monotonic_ms() + SHORT_LOGIN_MS;
        world_require(rc == TP_OK, "a short login was refused");
        while (rc == TP_OK) {
            bool late = tp_clock_monotonic_ms() > end_ms;
            rc = sign(member, &member->keys[0], id);
            world_require(rc != TP_OK || !late, "a login has outlasted its time");
        }
    }
    return NULL;
}

static void log_out(const struct member *member, const char *authorisation)
{
    AMONG(world_log_out(client, member->person.name, authorisation), "logout", TP_NOT_LOGGED_IN);
}

/* A shared login is joined with the PIN alone, used without an id, and ended. */
static void *share_logins(void *context)
{
    struct member *member = context;
    while (!over()) {
        enum tp_rc rc = person_login(&member->person, client, (struct login){.shared = true, .signatures = 3}, NULL);
        AMONG(rc, "shared login", TP_NOT_PERMITTED);
        rc = person_login_with(&member->person, client, (struct login){0}, member->person.pin, NULL, NULL);
        AMONG(rc, "joining", TP_NOT_PERMITTED, TP_PIN_LENGTH);
        for (unsigned i = 0; i < 4; i++)
            (void)sign(member, &member->keys[i % KEYS], "");
        log_out(member, "");
    }
    return NULL;
}

/* ---- officers ---- */

/* Whoever stops something sees for himself that it is stopped, with a login from before; the teams do so by chance. */
static void log_in_before(struct member *member, char ret_id[TP_ID_LEN])
{
    ret_id[0] = '\0';
    AMONG(person_login(&member->person, client, (struct login){0}, ret_id), "login", TP_NOT_PERMITTED);
}

static void meet(struct brake *brake, struct member *member, struct key *key, const char *authorisation)
{
    atomic_fetch_add(&brake->turns, 1);
    for (unsigned i = 0; i < TEAM; i++)
        (void)sign(member, key, authorisation);
    atomic_fetch_add(&brake->turns, 1);
}

static void *stop_keys(void *context)
{
    (void)context;
    for (unsigned i = 0; !over(); i++) {
        struct member *member = &people[i % 2 == 0 ? ALICE : BOB];
        struct key *key = &member->keys[i / 2 % KEYS];
        char id[TP_ID_LEN];
        log_in_before(member, id);
        world_require(world_key_state(client, member->person.name, key->id, "suspended") == TP_OK, "key suspend");
        meet(&key->brake, member, key, id);
        world_require(world_key_state(client, member->person.name, key->id, "active") == TP_OK, "key resume");
        log_out(member, id);
    }
    return NULL;
}

static void *stop_people(void *context)
{
    (void)context;
    for (unsigned i = 0; !over(); i++) {
        struct member *member = &people[i % 2 == 0 ? ALICE : BOB];
        char id[TP_ID_LEN];
        usleep(20000); /* for the others to get something done */
        log_in_before(member, id);
        world_require(world_user(client, TP_OP_USER_SUSPEND, member->person.name) == TP_OK, "user suspend");
        meet(&member->brake, member, &member->keys[0], id);
        world_require(world_user(client, TP_OP_USER_RESUME, member->person.name) == TP_OK, "user resume");
    }
    return NULL;
}

/* A key signs from its making to its deletion, and not after. */
static void *make_keys(void *context)
{
    struct member *member = context;
    for (unsigned i = 0; !over(); i++) {
        struct key key = {.public = NULL};
        char label[32], id[TP_ID_LEN];
        enum tp_rc rc = person_login(&member->person, client, (struct login){0}, id);
        AMONG(rc, "login", TP_NOT_PERMITTED);
        snprintf(label, sizeof label, "passing %u", i);
        world_key_make(client, member->person.name, label, key.id, &key.public);
        if (rc == TP_OK) {
            (void)sign(member, &key, id);
            AMONG(world_csr(client, member->person.name, key.id), "csr", TP_NOT_LOGGED_IN, TP_NOT_PERMITTED,
                  TP_KEY_UNUSABLE, TP_REFUSED);
        }
        world_require(world_key_delete(client, member->person.name, key.id) == TP_OK, "key delete");
        world_require(rc != TP_OK || sign(member, &key, id) != TP_OK, "a deleted key has signed");
        log_out(member, id);
        EVP_PKEY_free(key.public);
    }
    return NULL;
}

/* ---- PINs ---- */

static void *change_pins(void *context)
{
    struct person *person = context;
    for (unsigned i = 0; !over(); i++) {
        AMONG(person_change_pin(person, client, i % 2 == 0 ? "battery staple" : "correct horse"), "PIN change",
              TP_NOT_PERMITTED);
        usleep(30000);
    }
    return NULL;
}

static atomic_uint wrong, locked;

static void *guess(void *context)
{
    (void)context;
    for (unsigned i = 0; i < WORLD_TRIES; i++) {
        enum tp_rc rc = person_login_with(&victor, client, (struct login){0}, "wrong horse000000", NULL, NULL);
        world_require(rc == TP_PIN_WRONG || rc == TP_PIN_LOCKED, "a wrong PIN was not called wrong");
        atomic_fetch_add(rc == TP_PIN_WRONG ? &wrong : &locked, 1);
    }
    return NULL;
}

/* However many guess at once: the tries that there are, and not one more; and after each unlocking the same again. */
static void *guess_and_unlock(void *context)
{
    (void)context;
    while (!over()) {
        pthread_t threads[GUESSERS];
        atomic_store(&wrong, 0);
        atomic_store(&locked, 0);
        for (unsigned i = 0; i < GUESSERS; i++)
            world_require(pthread_create(&threads[i], NULL, guess, NULL) == 0, "no thread");
        for (unsigned i = 0; i < GUESSERS; i++)
            pthread_join(threads[i], NULL);
        world_require(atomic_load(&wrong) == WORLD_TRIES - 1, "the tries were not counted exactly");
        world_require(person_login(&victor, client, (struct login){0}, NULL) == TP_PIN_LOCKED,
                      "the lock does not hold");
        world_require(world_user(client, TP_OP_USER_UNLOCK, victor.name) == TP_OK, "user unlock");
        world_require(person_login(&victor, client, (struct login){0}, NULL) == TP_OK, "unlocked, but no login");
    }
    return NULL;
}

/* ---- onlookers ---- */

static void *look_on(void *context)
{
    (void)context;
    for (unsigned i = 0; !over(); i++)
        world_require(world_look(client, people[i % PEOPLE].person.name) == TP_OK, "looking");
    return NULL;
}

/* Clients with no patience: what they asked for is answered into the void. */
static void *leave_early(void *context)
{
    (void)context;
    for (unsigned i = 0; !over(); i++) {
        struct tp_ipc_client *hasty = world_client(&world, 1 + i % 5);
        struct member *member = &people[i % PEOPLE];
        AMONG(world_look(hasty, member->person.name), "looking hastily", TP_TIMEOUT, TP_UNREACHABLE);
        (void)world_sign(hasty, member->person.name, "", member->keys[0].id, NULL);
        (void)person_login_with(&people[CAROL].person, hasty, (struct login){0}, "no code", NULL, NULL);
        tp_ipc_client_free(hasty);
    }
    return NULL;
}

static atomic_uint events;

/* Each change is told once and in its order: what follows on another is never the same again. */
static void take_events(const Tp__Ipc__EventsReply *reply, bool first, int *state)
{
    for (size_t i = 0; i < reply->n_events; i++) {
        const Tp__Ipc__Event *event = reply->events[i];
        int now = event->locked * 2 + event->suspended;
        world_require(event->present, "somebody has gone");
        world_require(first || now != *state, "an event is told twice, or one was lost");
        *state = now;
        if (!first)
            atomic_fetch_add(&events, 1);
    }
}

static void *wait_for_events(void *context)
{
    Tp__Ipc__EventsRequest request = TP__IPC__EVENTS_REQUEST__INIT;
    char *names[] = {context};
    int state = 0;
    request.users = names;
    request.n_users = 1;
    request.wait_ms = 300;
    while (!over()) {
        struct tp_ipc_reply reply = {0};
        world_require(tp_ipc_call(client, TP_OP_EVENTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply) ==
                          TP_OK,
                      "waiting for events");
        const Tp__Ipc__EventsReply *told = (const Tp__Ipc__EventsReply *)reply.message;
        take_events(told, request.since == 0, &state);
        request.since = told->now;
        tp_ipc_reply_clear(&reply);
    }
    return NULL;
}

/* ---- the whole ---- */

static void populate(void)
{
    static const char *const names[PEOPLE] = {"alice", "bob", "carol"};
    static const char *const labels[KEYS] = {"first", "second"};
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct member *member = &people[i];
        person_add(&member->person, client, names[i], "");
        member->quiet = i == CAROL;
        pthread_barrier_init(&member->barrier, NULL, TEAM);
        for (unsigned j = 0; j < KEYS; j++)
            world_key_make(client, names[i], labels[j], member->keys[j].id, &member->keys[j].public);
    }
    person_add(&victor, client, "victor", "");
}

static void run_threads(void)
{
    struct {
        void *(*run)(void *);
        void *context;
        unsigned count;
    } jobs[] = {{work_in_team, &people[ALICE], TEAM},
                {work_in_team, &people[BOB], TEAM},
                {work_in_team, &people[CAROL], TEAM},
                {outlast_logins, &people[CAROL], 1},
                {share_logins, &people[ALICE], 1},
                {stop_keys, NULL, 1},
                {stop_people, NULL, 1},
                {make_keys, &people[ALICE], 1},
                {change_pins, &people[BOB].person, 1},
                {guess_and_unlock, NULL, 1},
                {look_on, NULL, 2},
                {wait_for_events, (void *)(uintptr_t) "alice", 2},
                {wait_for_events, (void *)(uintptr_t) "victor", 1},
                {leave_early, NULL, 2}};
    pthread_t threads[32];
    unsigned len = 0;
    until_ms = tp_clock_monotonic_ms() + RUN_MS;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        for (unsigned j = 0; j < jobs[i].count; j++)
            world_require(pthread_create(&threads[len++], NULL, jobs[i].run, jobs[i].context) == 0, "no thread");
    while (len > 0)
        pthread_join(threads[--len], NULL);
}

static void verify_log(void)
{
    struct tp_store *store = NULL;
    struct tp_error error = {0};
    struct tp_verify_report report = {0};
    world_require_ok(tp_store_open(world.store_url, TP_STORE_READ, &error, &store), &error);
    world_require_ok(tp_audit_verify(store, "trustp11/test", tp_buf_bytes(&world.audit_spki), TP_BYTES_NONE, NULL, NULL,
                                     &error, &report),
                     &error);
    world_require(report.entries > atomic_load(&signatures), "the log has fewer entries than there are signatures");
    tp_store_close(store);
}

/* Logins do not outlive the engine; people, keys and PINs do. */
static void after_restart(void)
{
    struct member *carol = &people[CAROL];
    char before[TP_ID_LEN], after[TP_ID_LEN];
    world_require(person_login(&carol->person, client, (struct login){0}, before) == TP_OK, "login before the restart");
    world_stop(&world);
    verify_log();
    world_start(&world);
    world_require(sign(carol, &carol->keys[0], before) == TP_NOT_LOGGED_IN, "a login has outlived the engine");
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct member *member = &people[i];
        world_require(person_login(&member->person, client, (struct login){0}, after) == TP_OK,
                      "login after the restart");
        world_require(sign(member, &member->keys[1], after) == TP_OK, "no signature after the restart");
    }
    world_stop(&world);
}

static void clear(void)
{
    for (unsigned i = 0; i < PEOPLE; i++) {
        pthread_barrier_destroy(&people[i].barrier);
        for (unsigned j = 0; j < KEYS; j++)
            EVP_PKEY_free(people[i].keys[j].public);
    }
    tp_ipc_client_free(client);
    world_remove(&world);
}

/* What nobody has tried proves nothing. */
static void require_that_all_was_met(void)
{
    world_require(atomic_load(&signatures) > 0, "nothing was signed");
    world_require(atomic_load(&events) > 0, "nobody was told of an event");
    for (unsigned i = ALICE; i <= BOB; i++) {
        world_require(atomic_load(&people[i].brake.met) > 0, "nobody has met a suspended person");
        for (unsigned j = 0; j < KEYS; j++)
            world_require(atomic_load(&people[i].keys[j].brake.met) > 0, "nobody has met a suspended key");
    }
}

int main(void)
{
    alarm(WATCHDOG_S); /* ends the program: something has hung */
    world_make(&world, "workers = 3", "");
    world_start(&world);
    client = world_client(&world, 0);
    populate();
    run_threads();
    require_that_all_was_met();
    after_restart();
    printf("%u signatures, %u refusals\n", atomic_load(&signatures), atomic_load(&refusals));
    clear();
    return 0;
}
