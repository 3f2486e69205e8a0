/* SPDX-License-Identifier: Apache-2.0
 *
 * fork, at every time.
 */
#include "guest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FORKS  200
#define BUSY   60 /* forks of a process whose threads leave it little time */
#define LOGINS 4  /* threads */

static CK_SESSION_HANDLE inherited;

static void use_as_new(void)
{
    CK_SESSION_HANDLE session = guest_begin();
    IS(guest.p11->C_CloseSession(session), CKR_OK);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

/* PKCS#11 3.0 §5.4.1: the child of a process that has called C_Initialize calls it again. */
static void use_after_fork(void)
{
    CK_SESSION_INFO info;
    CK_BYTE random[8];
    IS(guest.p11->C_GetSessionInfo(inherited, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_GenerateRandom(inherited, random, sizeof random), CKR_CRYPTOKI_NOT_INITIALIZED);
    use_as_new();
}

static void before_initialize(void)
{
    guest_load();
    guest_in_child(use_as_new);
    use_as_new();
    guest_in_child(use_as_new);
}

static void before_login(void)
{
    guest_initialize();
    inherited = guest_open(guest.p11);
    guest_in_child(use_after_fork);
    IS(guest_login(guest.p11, inherited), CKR_OK);
    guest_work(guest.p11, inherited);
}

static void after_login(void)
{
    inherited = guest_begin();
    guest_in_child(use_after_fork);
    guest_work(guest.p11, inherited);
}

/* A child that does nothing with the module takes nothing away from its parent, not even when it exits. */
static void nothing(void)
{
    CK_INFO info;
    IS(guest.p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    IS(guest.p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void child_ends(void)
{
    inherited = guest_begin();
    guest_in_child(nothing);
    guest_work(guest.p11, inherited);
}

static void grandchild(void)
{
    inherited = guest_begin();
    guest_in_child(use_after_fork);
    guest_work(guest.p11, inherited);
}

static void generations(void)
{
    inherited = guest_begin();
    guest_in_child(grandchild);
    guest_work(guest.p11, inherited);
}

/* ---- while others log in ---- */

static atomic_bool enough;
static atomic_ulong logins;

static void *log_in_and_out(void *unused)
{
    CK_SESSION_HANDLE session = guest_open(guest.p11);
    (void)unused;
    while (!atomic_load(&enough)) {
        CK_RV rv = guest_login(guest.p11, session);
        HOLDS(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
        (void)guest.p11->C_Logout(session);
        atomic_fetch_add(&logins, 1);
    }
    return NULL;
}

static void while_logging_in(void)
{
    pthread_t threads[LOGINS];
    guest_initialize();
    inherited = guest_open(guest.p11);
    for (size_t i = 0; i < LOGINS; i++)
        HOLDS(pthread_create(&threads[i], NULL, log_in_and_out, NULL) == 0);
    for (unsigned i = 0; i < FORKS; i++)
        guest_in_child(use_after_fork);
    atomic_store(&enough, true);
    for (size_t i = 0; i < LOGINS; i++)
        HOLDS(pthread_join(threads[i], NULL) == 0);
    (void)printf("%lu logins during %d forks\n", atomic_load(&logins), FORKS);
    HOLDS(atomic_load(&logins) > 0);
    IS(guest_login(guest.p11, inherited), CKR_OK);
    guest_work(guest.p11, inherited);
}

/* ---- while others initialise and finalise: nothing is half done in the child ---- */

static void *come_and_go(void *unused)
{
    (void)unused;
    while (!atomic_load(&enough)) {
        IS(guest.p11->C_Initialize(NULL), CKR_OK);
        (void)guest_open(guest.p11);
        IS(guest.p11->C_Finalize(NULL), CKR_OK);
        atomic_fetch_add(&logins, 1);
    }
    return NULL;
}

static void while_initializing(void)
{
    pthread_t thread;
    guest_load();
    HOLDS(pthread_create(&thread, NULL, come_and_go, NULL) == 0);
    for (unsigned i = 0; i < FORKS; i++)
        guest_in_child(use_as_new);
    atomic_store(&enough, true);
    HOLDS(pthread_join(thread, NULL) == 0 && atomic_load(&logins) > 0);
    use_as_new();
}

/* ---- while the program's other threads are in libraries that have locks of their own ---- */

static void tell_time(void)
{
    struct tm tm;
    time_t now = time(NULL);
    tzset();
    HOLDS(localtime_r(&now, &tm) != NULL && gmtime_r(&now, &tm) != NULL);
}

static void look_up_people(void)
{
    char strings[4096];
    struct passwd entry, *found;
    HOLDS(getpwuid_r(getuid(), &entry, strings, sizeof strings, &found) == 0);
}

static void allocate_and_open(void)
{
    void *memory = malloc(100000);
    FILE *file = fopen("/dev/null", "re");
    HOLDS(memory != NULL && file != NULL);
    (void)fclose(file);
    free(memory);
}

static void load_library(void)
{
    void *library = dlopen("libm.so.6", RTLD_NOW);
    HOLDS(library != NULL && dlclose(library) == 0);
}

typedef int openssl_digest(void *libctx, const char *name, const char *properties, const void *data, size_t data_len,
                           unsigned char *digest, size_t *digest_len);
static openssl_digest *hash_by_openssl;

static void use_libcrypto(void)
{
    unsigned char digest[64];
    size_t len = sizeof digest;
    HOLDS(hash_by_openssl(NULL, "SHA512", NULL, "x", 1, digest, &len) == 1);
}

static void *do_for_ever(void *work)
{
    while (!atomic_load(&enough))
        (*(void (*const *)(void))work)();
    return NULL;
}

static void while_busy(void (*const *works)(void), size_t count)
{
    pthread_t threads[8];
    guest_load();
    for (size_t i = 0; i < count; i++)
        HOLDS(pthread_create(&threads[i], NULL, do_for_ever, (void *)(size_t)&works[i]) == 0);
    for (unsigned i = 0; i < BUSY; i++)
        guest_in_child(use_as_new);
    atomic_store(&enough, true);
    for (size_t i = 0; i < count; i++)
        HOLDS(pthread_join(threads[i], NULL) == 0);
}

static void while_libc_is_busy(void)
{
    static void (*const works[])(void) = {tell_time, look_up_people, allocate_and_open, load_library};
    while_busy(works, sizeof works / sizeof works[0]);
}

static void while_libcrypto_is_busy(void)
{
    static void (*const works[])(void) = {use_libcrypto, use_libcrypto};
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
    HOLDS(library != NULL);
    *(void **)&hash_by_openssl = dlsym(library, "EVP_Q_digest");
    HOLDS(hash_by_openssl != NULL);
    while_busy(works, sizeof works / sizeof works[0]);
}

const struct guest_scenario guest_forking[] = {
    {"fork-before-initialize", before_initialize},
    {"fork-before-login", before_login},
    {"fork-after-login", after_login},
    {"fork-child-ends", child_ends},
    {"fork-generations", generations},
    {"fork-while-logging-in", while_logging_in},
    {"fork-while-initializing", while_initializing},
    {"fork-while-libc-is-busy", while_libc_is_busy},
    {"fork-while-libcrypto-is-busy", while_libcrypto_is_busy},
    {NULL, NULL},
};
