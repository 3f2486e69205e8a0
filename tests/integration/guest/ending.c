/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls when everything is over, or nearly so.
 */
#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXITS 10

static CK_SESSION_HANDLE session;

/* ---- after C_Finalize ---- */

static void after_finalize(void)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SESSION_INFO info;
    guest_load();
    struct guest_holdings before = guest_take_stock();
    session = guest_begin();
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    struct guest_holdings after = guest_take_stock();
    HOLDS(after.threads == before.threads && after.descriptors == before.descriptors);
    IS(guest.p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_GetSessionInfo(session, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_CloseSession(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_CloseAllSessions(0), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_Logout(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    (void)guest_begin();
}

/* ---- exit handlers ---- */

static void use_at_exit(void)
{
    guest_work(guest.p11, session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

/* Registered first: runs when all that was made later has been taken down. */
static void at_exit(void)
{
    HOLDS(atexit(use_at_exit) == 0);
    session = guest_begin();
}

typedef int openssl_init(uint64_t options, const void *settings);

/* A program that uses libcrypto itself, and had it before us. */
static void bring_libcrypto(void)
{
    openssl_init *init = NULL;
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
    HOLDS(library != NULL);
    *(void **)&init = dlsym(library, "OPENSSL_init_crypto");
    HOLDS(init != NULL && init(2 /* OPENSSL_INIT_LOAD_CRYPTO_STRINGS */, NULL) == 1);
}

/* libcrypto has cleaned itself up by then, and crashes when it is called: what needs it says so, the rest goes on. */
static void use_without_libcrypto(void)
{
    CK_SESSION_INFO info;
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE random[8];
    CK_SESSION_HANDLE another = guest_open(guest.p11);
    IS(guest.p11->C_GetSessionInfo(session, &info), CKR_OK);
    IS(guest_find(guest.p11, session, CKO_PRIVATE_KEY, &key), CKR_GENERAL_ERROR);
    IS(guest.p11->C_DigestUpdate(session, random, sizeof random), CKR_GENERAL_ERROR);
    IS(guest.p11->C_GenerateRandom(session, random, sizeof random), CKR_GENERAL_ERROR);
    IS(guest.p11->C_CloseSession(another), CKR_OK);
    IS(guest.p11->C_Logout(session), CKR_OK);
    IS(guest.p11->C_CloseSession(session), CKR_OK);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    IS(guest.p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void at_exit_after_libcrypto(void)
{
    HOLDS(atexit(use_without_libcrypto) == 0);
    bring_libcrypto();
    session = guest_begin();
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE random[8];
    IS(guest.p11->C_DigestInit(session, &mechanism), CKR_OK); /* and never ended */
    IS(guest.p11->C_GenerateRandom(session, random, sizeof random), CKR_OK);
}

/* Even the first call may come that late. */
static void begin_without_libcrypto(void)
{
    struct guest_holdings before = guest_take_stock();
    IS(guest.p11->C_Initialize(NULL), CKR_GENERAL_ERROR);
    IS(guest.p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    HOLDS(guest_take_stock().descriptors == before.descriptors);
}

static void initialize_after_libcrypto(void)
{
    HOLDS(atexit(begin_without_libcrypto) == 0);
    bring_libcrypto();
    guest_load();
}

/* ---- exit under the feet of threads that are inside ---- */

#define SIGNERS 4

static atomic_ulong signatures;
static pthread_barrier_t opened;

static void *sign_for_ever(void *key)
{
    CK_SESSION_HANDLE own = guest_open(guest.p11);
    CK_BYTE signature[64];
    (void)pthread_barrier_wait(&opened);
    for (;;) {
        (void)guest_sign(guest.p11, own, *(CK_OBJECT_HANDLE *)key, signature);
        atomic_fetch_add(&signatures, 1);
    }
    return NULL;
}

static void exit_while_signing(void (*before)(void))
{
    static CK_OBJECT_HANDLE key;
    pthread_t threads[SIGNERS];
    before();
    session = guest_begin();
    HOLDS(pthread_barrier_init(&opened, NULL, SIGNERS + 1) == 0);
    IS(guest_find(guest.p11, session, CKO_PRIVATE_KEY, &key), CKR_OK);
    for (size_t i = 0; i < SIGNERS; i++)
        HOLDS(pthread_create(&threads[i], NULL, sign_for_ever, &key) == 0);
    (void)pthread_barrier_wait(&opened);
    while (atomic_load(&signatures) < 20)
        (void)usleep(1000);
    exit(0);
}

static void finalize_at_exit(void)
{
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

static void to_be_finalized(void)
{
    HOLDS(atexit(finalize_at_exit) == 0);
}

static void just_exit(void)
{
    exit_while_signing(guest_load);
}

static void exit_finalizing(void)
{
    exit_while_signing(to_be_finalized);
}

static void exit_with_libcrypto(void)
{
    exit_while_signing(bring_libcrypto);
}

static void exit_with_threads(void)
{
    for (unsigned i = 0; i < EXITS; i++) {
        guest_in_child(just_exit);
        guest_in_child(exit_finalizing);
        guest_in_child(exit_with_libcrypto);
    }
}

/* ---- unloading ---- */

/* NSS lets go of its libraries in whatever order; what we need stays for as long as we do. */
static void dependencies_closed(void)
{
    static const char *const names[] = {"libcrypto.so.3", "libprotobuf-c.so.1"};
    void *libraries[2];
    for (size_t i = 0; i < 2; i++)
        HOLDS((libraries[i] = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL)) != NULL);
    session = guest_begin();
    for (size_t i = 0; i < 2; i++)
        HOLDS(dlclose(libraries[i]) == 0);
    guest_work(guest.p11, session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    session = guest_begin();
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    HOLDS(dlclose(guest.library) == 0);
}

/* Not what a program may do, but some do: it goes on, and the module can be loaded again. */
static void unloaded_unfinalized(void)
{
    for (unsigned i = 0; i < 3; i++) {
        guest.p11 = NULL;
        session = guest_begin();
        HOLDS(dlclose(guest.library) == 0);
    }
}

const struct guest_scenario guest_ending[] = {
    {"after-finalize", after_finalize},
    {"atexit", at_exit},
    {"atexit-after-libcrypto", at_exit_after_libcrypto},
    {"initialize-after-libcrypto", initialize_after_libcrypto},
    {"exit-with-threads", exit_with_threads},
    {"dependencies-closed", dependencies_closed},
    {"unloaded-unfinalized", unloaded_unfinalized},
    {NULL, NULL},
};
