/* SPDX-License-Identifier: Apache-2.0
 *
 * The module under many threads: signing on sessions of their own, searching while objects change, opening and closing,
 * logging in and out, and C_Finalize in the middle of it all. The engine is the unit tests' fake one.
 */
#include "../unit/p11/fake_engine.h"
#include "trustp11/cryptoki.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNERS 64
#define ROUNDS  12
#define OTHERS  4

static struct fake_engine *engine;
static char folder[] = "/tmp/trustp11-threads-XXXXXX", conf_path[128], socket_path[128];
static pthread_barrier_t start;
static atomic_uint mistakes, signatures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            (void)atomic_fetch_add(&mistakes, 1);                                                                      \
        }                                                                                                              \
    } while (0)

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK);
    return session;
}

static CK_RV login(CK_SESSION_HANDLE session)
{
    return C_Login(session, CKU_USER, (CK_UTF8CHAR *)FAKE_PIN_CODE, strlen(FAKE_PIN_CODE));
}

static CK_RV find_key(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_LABEL, (void *)"key", 3}};
    CK_ULONG count = 0;
    CK_RV rv = C_FindObjectsInit(session, template, 2);
    if (rv != CKR_OK)
        return rv;
    rv = C_FindObjects(session, ret_key, 1, &count);
    CK_RV end = C_FindObjectsFinal(session);
    return rv != CKR_OK ? rv : end != CKR_OK ? end : count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, unsigned number, CK_BYTE signature[64])
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_ULONG len = 64;
    CK_RV rv = C_SignInit(session, &mechanism, key);
    return rv != CKR_OK ? rv : C_Sign(session, (CK_BYTE *)&number, sizeof(number), signature, &len);
}

static CK_RV verify(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, unsigned number, CK_BYTE signature[64])
{
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_RV rv = C_VerifyInit(session, &mechanism, key);
    return rv != CKR_OK ? rv : C_Verify(session, (CK_BYTE *)&number, sizeof(number), signature, 64);
}

/* Each signature must be over this thread's own number. */
static void *signer(void *context)
{
    unsigned number = *(const unsigned *)context;
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE private_key = 0, public_key = 0;
    CK_BYTE signature[64];
    (void)pthread_barrier_wait(&start);
    CHECK(find_key(session, CKO_PRIVATE_KEY, &private_key) == CKR_OK);
    CHECK(find_key(session, CKO_PUBLIC_KEY, &public_key) == CKR_OK);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(sign(session, private_key, number, signature) == CKR_OK);
        CHECK(verify(session, public_key, number, signature) == CKR_OK);
        CHECK(verify(session, public_key, number + 1, signature) == CKR_SIGNATURE_INVALID);
    }
    CHECK(C_CloseSession(session) == CKR_OK);
    return NULL;
}

static void *changer(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        char label[32];
        (void)snprintf(label, sizeof(label), "other-%u", i);
        fake_engine_set_label(engine, 1, label);
    }
    return NULL;
}

static void *searcher(void *context)
{
    CK_SESSION_HANDLE session = open_session();
    CK_OBJECT_HANDLE first = 0, key = 0;
    (void)context;
    (void)pthread_barrier_wait(&start);
    CHECK(find_key(session, CKO_PUBLIC_KEY, &first) == CKR_OK);
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        CHECK(find_key(session, CKO_PUBLIC_KEY, &key) == CKR_OK);
        CHECK(key == first);
    }
    CHECK(C_CloseSession(session) == CKR_OK);
    return NULL;
}

static void *comer_and_goer(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        CK_SESSION_INFO info;
        CK_BYTE random[16];
        CK_SESSION_HANDLE session = open_session();
        CHECK(C_GetSessionInfo(session, &info) == CKR_OK);
        CHECK(C_GenerateRandom(session, random, sizeof(random)) == CKR_OK);
        CHECK(C_CloseSession(session) == CKR_OK);
        CHECK(C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID);
    }
    return NULL;
}

static void run(void *(*const bodies[])(void *), size_t kinds, const size_t *counts)
{
    unsigned numbers[SIGNERS];
    pthread_t threads[256];
    size_t total = 0, made = 0;
    for (unsigned i = 0; i < SIGNERS; i++)
        numbers[i] = i;
    for (size_t i = 0; i < kinds; i++)
        total += counts[i];
    (void)pthread_barrier_init(&start, NULL, (unsigned)total);
    for (size_t i = 0; i < kinds; i++)
        for (size_t j = 0; j < counts[i]; j++)
            CHECK(pthread_create(&threads[made++], NULL, bodies[i], &numbers[j % SIGNERS]) == 0);
    for (size_t i = 0; i < made; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&start);
}

static void everything_at_once(void)
{
    static void *(*const bodies[])(void *) = {signer, searcher, comer_and_goer, changer};
    static const size_t counts[] = {SIGNERS, OTHERS, OTHERS, 1};
    CHECK(C_Initialize(NULL) == CKR_OK);
    CK_SESSION_HANDLE session = open_session();
    CHECK(login(session) == CKR_OK);
    run(bodies, 4, counts);
    CHECK(C_Finalize(NULL) == CKR_OK);
}

/* ---- one session, many threads: one operation at a time, and never a mixture ---- */

static CK_SESSION_HANDLE shared_session;
static CK_OBJECT_HANDLE shared_key;

static void *sharer(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        CK_BYTE signature[64];
        CK_RV rv = sign(shared_session, shared_key, i, signature);
        CHECK(rv == CKR_OK || rv == CKR_OPERATION_ACTIVE || rv == CKR_OPERATION_NOT_INITIALIZED);
    }
    return NULL;
}

static void *closer(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    CHECK(C_CloseSession(shared_session) == CKR_OK);
    return NULL;
}

static void *sharer_until_closed(void *context)
{
    CK_RV rv;
    (void)context;
    (void)pthread_barrier_wait(&start);
    do {
        CK_BYTE signature[64];
        rv = sign(shared_session, shared_key, 1, signature);
    } while (rv != CKR_SESSION_HANDLE_INVALID);
    return NULL;
}

static void one_session_for_all(void)
{
    static void *(*const sharing[])(void *) = {sharer}, *(*const closing[])(void *) = {sharer_until_closed, closer};
    static const size_t sharing_counts[] = {8}, closing_counts[] = {4, 1};
    CHECK(C_Initialize(NULL) == CKR_OK);
    CK_SESSION_HANDLE keeper = open_session();
    shared_session = open_session();
    CHECK(login(keeper) == CKR_OK);
    CHECK(find_key(shared_session, CKO_PRIVATE_KEY, &shared_key) == CKR_OK);
    run(sharing, 1, sharing_counts);
    run(closing, 2, closing_counts);
    CHECK(C_Finalize(NULL) == CKR_OK);
}

/* ---- logging in and out under signers ---- */

static void *switcher(void *context)
{
    CK_SESSION_HANDLE session = open_session();
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CK_RV rv = login(session);
        CHECK(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
        rv = C_Logout(session);
        CHECK(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN);
    }
    return NULL;
}

static void *hopeful(void *context)
{
    CK_SESSION_HANDLE session = open_session();
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 4 * ROUNDS; i++) {
        CK_BYTE signature[64];
        CK_RV rv = sign(session, shared_key, i, signature);
        CHECK(rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN);
        if (rv == CKR_OK)
            (void)atomic_fetch_add(&signatures, 1);
    }
    return NULL;
}

static void logins_come_and_go(void)
{
    static void *(*const bodies[])(void *) = {hopeful, switcher};
    static const size_t counts[] = {8, 2};
    CHECK(C_Initialize(NULL) == CKR_OK);
    CK_SESSION_HANDLE session = open_session();
    CHECK(login(session) == CKR_OK);
    CHECK(find_key(session, CKO_PRIVATE_KEY, &shared_key) == CKR_OK);
    run(bodies, 2, counts);
    CHECK(C_Finalize(NULL) == CKR_OK);
}

/* ---- the SO, and sessions and users that must not be beside it ---- */

static atomic_int officers, readers, users;
static atomic_uint officers_were;

/* COUNTED is there for a moment, in which none of the others may be. */
static void be_there(atomic_int *counted, atomic_int *first, atomic_int *second)
{
    (void)atomic_fetch_add(counted, 1);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(atomic_load(first) == 0 && atomic_load(second) == 0);
        (void)usleep(20);
    }
    (void)atomic_fetch_sub(counted, 1);
}

static void *officer(void *context)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    (void)context;
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK);
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        CK_RV rv = C_Login(session, CKU_SO, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE));
        CHECK(rv == CKR_OK || rv == CKR_SESSION_READ_ONLY_EXISTS || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        if (rv != CKR_OK) {
            (void)usleep(200);
            continue;
        }
        (void)atomic_fetch_add(&officers_were, 1);
        be_there(&officers, &readers, &users);
        CHECK(C_Logout(session) == CKR_OK);
    }
    return NULL;
}

static void *reader(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
        CK_RV rv = C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
        CHECK(rv == CKR_OK || rv == CKR_SESSION_READ_WRITE_SO_EXISTS);
        if (rv != CKR_OK) {
            (void)usleep(100);
            continue;
        }
        be_there(&readers, &officers, &officers);
        CHECK(C_CloseSession(session) == CKR_OK);
        (void)usleep(i % 5 * 400);
    }
    return NULL;
}

static void *user_beside(void *context)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    (void)context;
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK);
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < 20 * ROUNDS; i++) {
        CK_RV rv = login(session);
        CHECK(rv == CKR_OK || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
        if (rv != CKR_OK) {
            (void)usleep(100);
            continue;
        }
        be_there(&users, &officers, &officers);
        CHECK(C_Logout(session) == CKR_OK);
        (void)usleep(i % 7 * 200);
    }
    return NULL;
}

static void the_so_is_alone(void)
{
    static void *(*const bodies[])(void *) = {officer, reader, user_beside};
    static const size_t counts[] = {1, 2, 1};
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    fake_engine_end_authorisations(engine);
    CHECK(C_Initialize(NULL) == CKR_OK);
    CHECK(C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) == CKR_OK);
    run(bodies, 3, counts);
    (void)fprintf(stderr, "the SO was there %u times\n", atomic_load(&officers_were));
    CHECK(atomic_load(&officers_were) > 0);
    CHECK(C_Login(session, CKU_SO, (CK_UTF8CHAR *)FAKE_SO_CODE, strlen(FAKE_SO_CODE)) == CKR_OK);
    CHECK(C_Finalize(NULL) == CKR_OK);
    CHECK(fake_engine_logins(engine) == 0);
}

/* ---- C_Finalize and C_Initialize in the middle ---- */

static atomic_bool done;

static void *unsuspecting(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    while (!atomic_load(&done)) {
        CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
        CK_OBJECT_HANDLE key;
        CK_TOKEN_INFO info;
        CK_RV rv = C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
        CHECK(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
        (void)C_GetTokenInfo(0, &info);
        (void)find_key(session, CKO_PUBLIC_KEY, &key);
        (void)C_CloseSession(session);
    }
    return NULL;
}

static void *finaliser(void *context)
{
    (void)context;
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(C_Finalize(NULL) == CKR_OK);
        CHECK(C_Initialize(NULL) == CKR_OK);
    }
    atomic_store(&done, true);
    return NULL;
}

static void ends_in_the_middle(void)
{
    static void *(*const bodies[])(void *) = {unsuspecting, finaliser};
    static const size_t counts[] = {6, 1};
    CHECK(C_Initialize(NULL) == CKR_OK);
    run(bodies, 2, counts);
    CHECK(C_Finalize(NULL) == CKR_OK);
}

static void prepare(void)
{
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(socket_path, sizeof(socket_path), "%s/engine.sock", folder);
    (void)snprintf(conf_path, sizeof(conf_path), "%s/trustp11.conf", folder);
    FILE *file = fopen(conf_path, "w");
    if (file == NULL)
        abort();
    (void)fprintf(file, "socket = %s\nengine_user = %u\nusers = " FAKE_USER "\nofficer = " FAKE_OFFICER "\n", socket_path, (unsigned)getuid());
    (void)fclose(file);
    (void)setenv("TRUSTP11_CONF", conf_path, 1);
    engine = fake_engine_start(socket_path);
    (void)fake_engine_add_key(engine, "p-256", "key", true);
    (void)fake_engine_add_key(engine, "p-256", "other", true);
}

int main(void)
{
    prepare();
    everything_at_once();
    one_session_for_all();
    logins_come_and_go();
    the_so_is_alone();
    ends_in_the_middle();
    fake_engine_stop(engine);
    (void)unlink(conf_path);
    (void)rmdir(folder);
    (void)fprintf(stderr, "%u mistakes, %u signatures while logins came and went\n", atomic_load(&mistakes),
                  atomic_load(&signatures));
    return atomic_load(&mistakes) == 0 ? 0 : 1;
}
