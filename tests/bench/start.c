/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program waits for before a PKCS#11 module is of use to it: from dlopen to the list of slots with a token. It
 * uses no library that a module brings along: loading libcrypto is part of what is measured.
 *
 *   start MODULE        prints µs: dlopen, C_Initialize, C_GetSlotList, and the three together
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS_MAX 64

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "start: %s\n", what);
    exit(1);
}

static double now_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static CK_FUNCTION_LIST *load(const char *path)
{
    CK_FUNCTION_LIST *list = NULL;
    CK_C_GetFunctionList get = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "the module cannot be loaded");
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    require(get != NULL && get(&list) == CKR_OK, "the module has no function list");
    return list;
}

int main(int argc, char **argv)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    require(argc == 2, "usage: start MODULE");
    double begun = now_us();
    CK_FUNCTION_LIST *list = load(argv[1]);
    double loaded = now_us();
    require(list->C_Initialize(&arguments) == CKR_OK, "C_Initialize");
    double initialized = now_us();
    require(list->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK, "C_GetSlotList");
    double listed = now_us();
    (void)printf("%.0f %.0f %.0f %.0f\n", loaded - begun, initialized - loaded, listed - initialized, listed - begun);
    require(list->C_Finalize(NULL) == CKR_OK, "C_Finalize");
    return 0;
}
