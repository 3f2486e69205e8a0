/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that wait for events while others look, ask, and end the module under them; and two users who take turns in
 * one slot while others search it. The engine is the unit tests' fake one.
 */
#include "../unit/p11/fake_engine.h"
#include "trustp11/cryptoki.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITERS   4
#define ROUNDS    8
#define CHANGES   20
#define SEARCHERS 3
#define TURNS     60

static struct fake_engine *engine;
static char folder[] = "/tmp/trustp11-slots-XXXXXX", conf_path[128], socket_path[128];
static atomic_uint mistakes, events, seen;
static atomic_bool over;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            (void)atomic_fetch_add(&mistakes, 1);                                                                      \
        }                                                                                                              \
    } while (0)

static void configure(const char *users)
{
    FILE *file = fopen(conf_path, "w");
    if (file == NULL ||
        fprintf(file, "socket = %s\nengine_user = %u\nusers = %s\n", socket_path, (unsigned)getuid(), users) < 0 ||
        fclose(file) != 0)
        abort();
}

static void prepare(void)
{
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(conf_path, sizeof(conf_path), "%s/trustp11.conf", folder);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/engine.sock", folder);
    (void)setenv("TRUSTP11_CONF", conf_path, 1);
    engine = fake_engine_start(socket_path);
    fake_engine_add_other(engine);
    for (unsigned i = 0; i < 6; i++)
        if (fake_engine_add_key(engine, "p-256", i % 2 == 0 ? FAKE_USER : FAKE_OTHER, false) % 2 == 1)
            fake_engine_set_owner(engine, i, FAKE_OTHER);
}

static void start(pthread_t *threads, unsigned count, void *(*run)(void *context))
{
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            abort();
}

static void join(pthread_t *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
}

/* ---- waiting, and the end of it ---- */

static void *wait_on(void *context)
{
    CK_RV rv = CKR_OK;
    CK_SLOT_ID slot;
    (void)context;
    while (rv == CKR_OK) {
        rv = C_WaitForSlotEvent(0, &slot, NULL);
        if (rv == CKR_OK) {
            CHECK(slot == 0);
            (void)atomic_fetch_add(&events, 1);
        }
    }
    CHECK(rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    return NULL;
}

static void *look_on(void *context)
{
    CK_RV rv = CKR_OK;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    (void)context;
    while (rv == CKR_OK || rv == CKR_NO_EVENT || rv == CKR_DEVICE_REMOVED) {
        rv = C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
        if (rv == CKR_OK)
            (void)atomic_fetch_add(&events, 1);
        if (rv == CKR_OK || rv == CKR_NO_EVENT)
            rv = C_GetTokenInfo(0, &info);
        (void)usleep(500);
    }
    CHECK(rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    return NULL;
}

static void wait_and_finalize(unsigned round)
{
    pthread_t waiters[WAITERS], looker;
    CHECK(C_Initialize(NULL) == CKR_OK);
    start(waiters, WAITERS, wait_on);
    start(&looker, 1, look_on);
    for (unsigned i = 0; i < CHANGES; i++) {
        fake_engine_set_user(engine, true, false, i % 2 == 0);
        (void)usleep(i % 5 == 0 ? 2000 : 0);
    }
    if (round % 4 == 3) {
        fake_engine_halt(engine);
        fake_engine_resume(engine);
    }
    CHECK(C_Finalize(NULL) == CKR_OK);
    join(waiters, WAITERS);
    join(&looker, 1);
}

/* ---- two who take turns ---- */

/* What one search finds is of one user, whoever it is by then. */
static CK_RV search(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof(class)};
    CK_OBJECT_HANDLE found[8];
    CK_ULONG count = 0;
    char first[16] = "";
    CK_RV rv = C_FindObjectsInit(session, &template, 1);
    if (rv != CKR_OK)
        return rv;
    CHECK(C_FindObjects(session, found, 8, &count) == CKR_OK);
    CHECK(C_FindObjectsFinal(session) == CKR_OK);
    CHECK(count == 0 || count == 3);
    for (CK_ULONG i = 0; i < count; i++) {
        char label[16] = "";
        CK_ATTRIBUTE wanted = {CKA_LABEL, label, sizeof(label) - 1};
        if (C_GetAttributeValue(session, found[i], &wanted, 1) != CKR_OK)
            break; /* they have gone meanwhile */
        if (i == 0)
            memcpy(first, label, sizeof(first));
        CHECK(strcmp(first, label) == 0);
        (void)atomic_fetch_add(&seen, 1);
    }
    return CKR_OK;
}

static void *search_on(void *context)
{
    CK_SESSION_HANDLE session;
    (void)context;
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
    while (!atomic_load(&over))
        CHECK(search(session) == CKR_OK);
    return NULL;
}

static void take_turns(CK_SESSION_HANDLE session)
{
    for (unsigned i = 0; i < TURNS; i++) {
        const char *name = i % 2 == 0 ? FAKE_USER : FAKE_OTHER;
        CHECK(C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)FAKE_PIN_CODE, strlen(FAKE_PIN_CODE), (CK_UTF8CHAR *)name,
                          strlen(name)) == CKR_OK);
        CHECK(search(session) == CKR_OK);
        CHECK(C_Logout(session) == CKR_OK);
    }
}

static void users_take_turns(void)
{
    pthread_t searchers[SEARCHERS];
    CK_SESSION_HANDLE session;
    CHECK(C_Initialize(NULL) == CKR_OK);
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
    start(searchers, SEARCHERS, search_on);
    take_turns(session);
    atomic_store(&over, true);
    join(searchers, SEARCHERS);
    CHECK(C_Finalize(NULL) == CKR_OK);
}

int main(void)
{
    prepare();
    configure(FAKE_USER ", " FAKE_OTHER);
    for (unsigned i = 0; i < ROUNDS; i++)
        wait_and_finalize(i);
    CHECK(atomic_load(&events) > 0);
    configure("*");
    fake_engine_set_user(engine, true, false, false);
    users_take_turns();
    CHECK(atomic_load(&seen) > 0);
    fake_engine_stop(engine);
    (void)unlink(conf_path);
    (void)rmdir(folder);
    (void)fprintf(stderr, "%u mistakes, %u events, %u objects seen\n", atomic_load(&mistakes), atomic_load(&events),
                  atomic_load(&seen));
    return atomic_load(&mistakes) == 0 ? 0 : 1;
}
