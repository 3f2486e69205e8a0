/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads, many sessions, more than one consumer, many times.
 */
#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS       64
#define SIGNATURES    8
#define SESSIONS      10000
#define ROUNDS        1000
#define ROUNDS_LOGIN  10 /* every so many rounds there is a login, too */
#define ROUNDS_SETTLE 20 /* until libraries below have made what they keep */

/* ---- threads ---- */

static CK_SESSION_HANDLE shared;
static atomic_ulong made;
static pthread_barrier_t start;

static void *sign_on_own_session(void *unused)
{
    CK_SESSION_HANDLE session = guest_open(guest.p11);
    (void)unused;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < SIGNATURES; i++)
        guest_work(guest.p11, session);
    IS(guest.p11->C_CloseSession(session), CKR_OK);
    return NULL;
}

/* One operation at a time (3.0 §5.3): another thread's is told, and nothing is ever mixed. */
static void *sign_on_shared_session(void *key)
{
    unsigned done = 0;
    (void)pthread_barrier_wait(&start);
    while (done < SIGNATURES) {
        CK_BYTE signature[64];
        CK_RV rv = guest_sign(guest.p11, shared, *(CK_OBJECT_HANDLE *)key, signature);
        HOLDS(rv == CKR_OK || rv == CKR_OPERATION_ACTIVE || rv == CKR_OPERATION_NOT_INITIALIZED);
        done += rv == CKR_OK;
        if (rv != CKR_OK)
            (void)usleep(1000);
    }
    atomic_fetch_add(&made, done);
    return NULL;
}

static void run_threads(void *(*body)(void *), void *context)
{
    pthread_t threads[THREADS];
    HOLDS(pthread_barrier_init(&start, NULL, THREADS) == 0);
    for (size_t i = 0; i < THREADS; i++)
        HOLDS(pthread_create(&threads[i], NULL, body, context) == 0);
    for (size_t i = 0; i < THREADS; i++)
        HOLDS(pthread_join(threads[i], NULL) == 0);
}

static void many_threads(void)
{
    shared = guest_begin();
    run_threads(sign_on_own_session, NULL);
    guest_work(guest.p11, shared);
}

static void one_session(void)
{
    CK_OBJECT_HANDLE key = 0;
    shared = guest_begin();
    IS(guest_find(guest.p11, shared, CKO_PRIVATE_KEY, &key), CKR_OK);
    run_threads(sign_on_shared_session, &key);
    HOLDS(atomic_load(&made) == (unsigned long)THREADS * SIGNATURES);
    guest_work(guest.p11, shared);
}

/* ---- sessions ---- */

static void many_sessions(void)
{
    static CK_SESSION_HANDLE sessions[SESSIONS];
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE first = guest_begin();
    struct guest_holdings before = guest_take_stock();
    IS(guest.p11->C_GetSessionInfo(first, &info), CKR_OK);
    for (size_t i = 0; i < SESSIONS; i++)
        IS(guest.p11->C_OpenSession(info.slotID, CKF_SERIAL_SESSION, NULL, NULL, &sessions[i]), CKR_OK);
    for (size_t i = 0; i < SESSIONS; i += 100)
        guest_work(guest.p11, sessions[i]);
    HOLDS(guest_take_stock().descriptors == before.descriptors); /* a session is no connection */
    for (size_t i = 0; i < SESSIONS; i++) {
        IS(guest.p11->C_CloseSession(sessions[i]), CKR_OK);
        IS(guest.p11->C_GetSessionInfo(sessions[i], &info), CKR_SESSION_HANDLE_INVALID);
    }
    guest_work(guest.p11, first);
}

/* ---- consumers: libraries of one program that do not know of each other ---- */

static void two_consumers(void)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE mine = guest_begin();
    CK_FUNCTION_LIST *other = guest_list(dlopen(guest.path, RTLD_NOW | RTLD_LOCAL));
    IS(other->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED); /* which consumers take for a yes */
    CK_SESSION_HANDLE theirs = guest_open(other);
    guest_work(other, theirs); /* one application, one login (3.0 §5.6) */
    IS(other->C_CloseSession(theirs), CKR_OK);
    guest_work(guest.p11, mine);
    IS(other->C_Finalize(NULL), CKR_OK);
    IS(guest.p11->C_GetSessionInfo(mine, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    (void)guest_begin();
}

/* Two copies of the file are two modules, as a program has that brings its own. */
static void two_copies(void)
{
    char path[4096];
    CK_SESSION_HANDLE mine = guest_begin();
    (void)snprintf(path, sizeof path, "%s/copy.so", guest.folder);
    CK_FUNCTION_LIST *copy = guest_list(dlopen(path, RTLD_NOW | RTLD_LOCAL));
    HOLDS(copy != guest.p11);
    IS(copy->C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE theirs = guest_open(copy);
    IS(guest_login(copy, theirs), CKR_OK);
    guest_work(copy, theirs);
    guest_work(guest.p11, mine);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    guest_work(copy, theirs);
    IS(copy->C_Finalize(NULL), CKR_OK);
}

/* ---- again and again ---- */

static void round_of(unsigned number)
{
    guest.p11 = NULL;
    guest_initialize();
    CK_SESSION_HANDLE session = guest_open(guest.p11);
    if (number % ROUNDS_LOGIN == 0) {
        IS(guest_login(guest.p11, session), CKR_OK);
        guest_work(guest.p11, session);
    }
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    HOLDS(dlclose(guest.library) == 0);
}

static void reload(void)
{
    struct guest_holdings before = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_of(i);
        if (i == ROUNDS_SETTLE)
            before = guest_take_stock();
    }
    struct guest_holdings after = guest_take_stock();
    HOLDS(dlopen(guest.path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it had really gone */
    HOLDS(after.descriptors == before.descriptors && after.threads == before.threads);
}

const struct guest_scenario guest_many[] = {
    {"many-threads", many_threads},
    {"one-session", one_session},
    {"many-sessions", many_sessions},
    {"two-consumers", two_consumers},
    {"two-copies", two_copies},
    {"reload", reload},
    {NULL, NULL},
};
