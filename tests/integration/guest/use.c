/* SPDX-License-Identifier: Apache-2.0
 *
 * What all scenarios do with the module.
 */
#include "guest.h"

#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS_MAX 64
#define CHILD_S   10 /* which a child never needs, unless it hangs */

void guest_holds(bool condition, const char *file, int line, const char *words)
{
    if (condition)
        return;
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, words);
    _exit(1);
}

void guest_is(CK_RV rv, CK_RV wanted, const char *file, int line, const char *words)
{
    if (rv == wanted)
        return;
    (void)fprintf(stderr, "%s:%d: %s: 0x%lx, not 0x%lx\n", file, line, words, rv, wanted);
    _exit(1);
}

/* ---- the module ---- */

CK_FUNCTION_LIST *guest_list(void *library)
{
    CK_C_GetFunctionList get_list = NULL;
    CK_FUNCTION_LIST *list = NULL;
    if (library == NULL)
        (void)fprintf(stderr, "%s\n", dlerror());
    HOLDS(library != NULL);
    *(void **)&get_list = dlsym(library, "C_GetFunctionList");
    HOLDS(get_list != NULL);
    IS(get_list(&list), CKR_OK);
    return list;
}

void guest_load(void)
{
    guest.library = dlopen(guest.path, RTLD_NOW | RTLD_LOCAL);
    guest.p11 = guest_list(guest.library);
}

void guest_initialize(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    if (guest.p11 == NULL)
        guest_load();
    IS(guest.p11->C_Initialize(&arguments), CKR_OK);
}

static bool has_label(CK_FUNCTION_LIST *p11, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    size_t len = strlen(guest.token);
    return p11->C_GetTokenInfo(slot, &info) == CKR_OK && len < sizeof info.label &&
           memcmp(info.label, guest.token, len) == 0 && info.label[len] == ' ';
}

CK_SESSION_HANDLE guest_open(CK_FUNCTION_LIST *p11)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    CK_ULONG count = SLOTS_MAX, at = 0;
    IS(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    while (at < count && !has_label(p11, slots[at]))
        at++;
    HOLDS(at < count);
    IS(p11->C_OpenSession(slots[at], CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    return session;
}

CK_RV guest_login(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session)
{
    return p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(size_t)guest.pin, strlen(guest.pin));
}

CK_RV guest_find(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_key)
{
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class},
                             {CKA_LABEL, (void *)(size_t)guest.key, strlen(guest.key)}};
    CK_ULONG count = 0;
    CK_RV rv = p11->C_FindObjectsInit(session, wanted, 2);
    if (rv != CKR_OK)
        return rv;
    rv = p11->C_FindObjects(session, ret_key, 1, &count);
    CK_RV final = p11->C_FindObjectsFinal(session);
    return rv != CKR_OK ? rv : final != CKR_OK ? final : count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

static CK_BYTE data[] = "what is signed";
static CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};

CK_RV guest_sign(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_BYTE signature[64])
{
    CK_ULONG len = 64;
    CK_RV rv = p11->C_SignInit(session, &mechanism, key);
    return rv != CKR_OK ? rv : p11->C_Sign(session, data, sizeof data, signature, &len);
}

void guest_work(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE private_key = 0, public_key = 0;
    CK_BYTE signature[64];
    IS(guest_find(p11, session, CKO_PRIVATE_KEY, &private_key), CKR_OK);
    IS(guest_find(p11, session, CKO_PUBLIC_KEY, &public_key), CKR_OK);
    IS(guest_sign(p11, session, private_key, signature), CKR_OK);
    IS(p11->C_VerifyInit(session, &mechanism, public_key), CKR_OK);
    IS(p11->C_Verify(session, data, sizeof data, signature, sizeof signature), CKR_OK);
    IS(p11->C_VerifyInit(session, &mechanism, public_key), CKR_OK);
    IS(p11->C_Verify(session, data, sizeof data - 1, signature, sizeof signature), CKR_SIGNATURE_INVALID);
}

CK_SESSION_HANDLE guest_begin(void)
{
    guest_initialize();
    CK_SESSION_HANDLE session = guest_open(guest.p11);
    IS(guest_login(guest.p11, session), CKR_OK);
    guest_work(guest.p11, session);
    return session;
}

/* ---- the process ---- */

static size_t count_entries(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    HOLDS(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

struct guest_holdings guest_take_stock(void)
{
    return (struct guest_holdings){count_entries("/proc/self/fd"), count_entries("/proc/self/task")};
}

void guest_in_child(void (*work)(void))
{
    int status = 0;
    pid_t pid = fork();
    HOLDS(pid >= 0);
    if (pid == 0) {
        (void)alarm(CHILD_S);
        work();
        _exit(0);
    }
    HOLDS(waitpid(pid, &status, 0) == pid);
    if (status != 0)
        (void)fprintf(stderr, "the child ended with status %d, signal %d\n", WEXITSTATUS(status),
                      WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    HOLDS(status == 0);
}
