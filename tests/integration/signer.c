/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads that sign through a PKCS#11 module, told what to do on standard input, for tests that pull the engine
 * away beneath them. Each signature is over random data of its own, so that it can be found again in the log.
 *
 *   signer MODULE TOKEN KEY THREADS     labels of token and private key (P-256)
 *
 * Commands, one a line, and their answers:
 *   login PIN    login 0xRV
 *   logout       logout 0xRV
 *   sign N       each thread makes N signatures (0: without end), or stops at the first that fails:
 *                "signed HASH SIGNATURE" or "failed FUNCTION 0xRV" for each; "idle" once all have stopped
 *   stop         the threads stop after the signature that they are at
 * The end of the input ends the program.
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define THREADS_MAX   64
#define HASH_LEN      32
#define SIGNATURE_MAX 256
#define SLOTS_MAX     64
#define LINE_MAX_LEN  1024

static CK_FUNCTION_LIST *p11;
static const char *token_label, *key_label;

/* What all threads wait for. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned round;       /* of `sign` commands */
    unsigned long wanted; /* signatures a thread; 0: no end */
    unsigned busy;        /* threads that have not stopped yet */
    bool ending;
} work = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static atomic_bool stopping;

/* ---- the token ---- */

static bool has_label(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    size_t len = strlen(token_label);
    return p11->C_GetTokenInfo(slot, &info) == CKR_OK && len <= sizeof info.label &&
           memcmp(info.label, token_label, len) == 0 && (len == sizeof info.label || info.label[len] == ' ');
}

static CK_RV open_session(CK_SESSION_HANDLE *ret_session)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv = p11->C_GetSlotList(CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        if (has_label(slots[i]))
            return p11->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, ret_session);
    return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV find_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &private_key, sizeof private_key},
        {CKA_LABEL, (void *)(size_t)key_label, strlen(key_label)},
    };
    CK_ULONG count = 0;
    CK_RV rv = p11->C_FindObjectsInit(session, wanted, 2);
    if (rv != CKR_OK)
        return rv;
    rv = p11->C_FindObjects(session, ret_key, 1, &count);
    CK_RV final = p11->C_FindObjectsFinal(session);
    if (rv != CKR_OK)
        return rv;
    return final != CKR_OK ? final : count == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID;
}

/* ---- one thread ---- */

static void put_hex(char *to, const CK_BYTE *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

static bool failed(const char *function, CK_RV rv)
{
    if (rv != CKR_OK)
        (void)printf("failed %s 0x%lx\n", function, rv);
    return rv != CKR_OK;
}

static bool sign_once(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_BYTE hash[HASH_LEN], signature[SIGNATURE_MAX];
    CK_ULONG len = sizeof signature;
    char hash_text[2 * HASH_LEN + 1], signature_text[2 * SIGNATURE_MAX + 1];
    if (getrandom(hash, sizeof hash, 0) != (ssize_t)sizeof hash)
        abort();
    if (failed("C_SignInit", p11->C_SignInit(session, &mechanism, key)) ||
        failed("C_Sign", p11->C_Sign(session, hash, sizeof hash, signature, &len)))
        return false;
    put_hex(hash_text, hash, sizeof hash);
    put_hex(signature_text, signature, len);
    (void)printf("signed %s %s\n", hash_text, signature_text);
    return true;
}

static void sign_many(CK_SESSION_HANDLE session, unsigned long wanted)
{
    CK_OBJECT_HANDLE key;
    if (failed("C_FindObjects", find_key(session, &key)))
        return;
    for (unsigned long made = 0; (wanted == 0 || made < wanted) && !atomic_load(&stopping); made++)
        if (!sign_once(session, key))
            return;
}

/* False when the program ends. */
static bool wait_for_work(unsigned *round, unsigned long *ret_wanted)
{
    pthread_mutex_lock(&work.mutex);
    while (work.round == *round && !work.ending)
        pthread_cond_wait(&work.changed, &work.mutex);
    *round = work.round;
    *ret_wanted = work.wanted;
    bool go_on = !work.ending;
    pthread_mutex_unlock(&work.mutex);
    return go_on;
}

static void end_work(void)
{
    pthread_mutex_lock(&work.mutex);
    if (--work.busy == 0)
        (void)puts("idle");
    pthread_cond_broadcast(&work.changed);
    pthread_mutex_unlock(&work.mutex);
}

static void *run(void *context)
{
    CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)context;
    unsigned long wanted;
    for (unsigned round = 0; wait_for_work(&round, &wanted); end_work())
        sign_many(session, wanted);
    return NULL;
}

/* ---- commands ---- */

static void begin_work(unsigned threads, unsigned long wanted)
{
    pthread_mutex_lock(&work.mutex);
    while (work.busy > 0)
        pthread_cond_wait(&work.changed, &work.mutex);
    atomic_store(&stopping, false);
    work.busy = threads;
    work.wanted = wanted;
    work.round++;
    pthread_cond_broadcast(&work.changed);
    pthread_mutex_unlock(&work.mutex);
}

static void obey(char *line, CK_SESSION_HANDLE session, unsigned threads)
{
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "login ", 6) == 0)
        (void)printf("login 0x%lx\n", p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)line + 6, strlen(line + 6)));
    else if (strcmp(line, "logout") == 0)
        (void)printf("logout 0x%lx\n", p11->C_Logout(session));
    else if (strncmp(line, "sign ", 5) == 0)
        begin_work(threads, strtoul(line + 5, NULL, 10));
    else if (strcmp(line, "stop") == 0)
        atomic_store(&stopping, true);
    else
        (void)printf("unknown command\n");
}

static void end_all(pthread_t *thread, unsigned threads)
{
    atomic_store(&stopping, true);
    pthread_mutex_lock(&work.mutex);
    work.ending = true;
    pthread_cond_broadcast(&work.changed);
    pthread_mutex_unlock(&work.mutex);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

static bool load(const char *path)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get_list = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    return get_list != NULL && !failed("C_GetFunctionList", get_list(&p11)) &&
           !failed("C_Initialize", p11->C_Initialize(&arguments));
}

int main(int argc, char **argv)
{
    CK_SESSION_HANDLE session[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    char line[LINE_MAX_LEN];
    unsigned threads = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (threads == 0 || threads > THREADS_MAX)
        return fputs("usage: signer MODULE TOKEN KEY THREADS\n", stderr), 2;
    token_label = argv[2];
    key_label = argv[3];
    if (!load(argv[1]))
        return 1;
    for (unsigned i = 0; i < threads; i++)
        if (failed("C_OpenSession", open_session(&session[i])))
            return 1;
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, run, &session[i]) != 0)
            return 1;
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line, session[0], threads);
    end_all(thread, threads);
    return failed("C_Finalize", p11->C_Finalize(NULL)) ? 1 : 0;
}
