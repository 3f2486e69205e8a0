/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture f;

static void prepare(void)
{
    fixture_prepare(&f, NULL);
}

static void open_all(void)
{
    fixture_open(&f, NULL);
}

static void close_all(void)
{
    fixture_close(&f);
}

static CK_RV mutex_create(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static CK_RV mutex_other(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

TestSuite(p11_lifecycle, .init = prepare, .fini = close_all);

/* ---- C_Initialize ---- */

Test(p11_lifecycle, initialising_twice_says_so_and_the_first_goes_on)
{
    CK_INFO info;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_assert_eq(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    cr_assert_eq(C_GetInfo(&info), CKR_OK);
}

Test(p11_lifecycle, arguments_that_the_specification_allows)
{
    CK_C_INITIALIZE_ARGS none = {0}, os = {.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS};
    CK_C_INITIALIZE_ARGS both = {mutex_create, mutex_other, mutex_other, mutex_other, CKF_OS_LOCKING_OK, NULL};
    CK_C_INITIALIZE_ARGS *all[] = {&none, &os, &both};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(C_Initialize(all[i]), CKR_OK, "%zu", i);
        cr_expect_eq(C_Finalize(NULL), CKR_OK, "%zu", i);
    }
}

Test(p11_lifecycle, arguments_that_it_does_not_allow)
{
    CK_C_INITIALIZE_ARGS reserved = {.flags = CKF_OS_LOCKING_OK, .pReserved = &reserved};
    CK_C_INITIALIZE_ARGS some = {mutex_create, NULL, mutex_other, mutex_other, CKF_OS_LOCKING_OK, NULL};
    CK_C_INITIALIZE_ARGS own_only = {mutex_create, mutex_other, mutex_other, mutex_other, 0, NULL};
    cr_expect_eq(C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_Initialize(&some), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_Initialize(&own_only), CKR_CANT_LOCK);
    cr_expect_eq(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

Test(p11_lifecycle, each_list_names_its_own_version)
{
    CK_FUNCTION_LIST *list = NULL;
    CK_INFO info;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_assert_eq(C_GetFunctionList(&list), CKR_OK);
    cr_assert_eq(list->C_GetInfo(&info), CKR_OK);
    cr_expect_eq(info.cryptokiVersion.major, 2);
    cr_expect_eq(info.cryptokiVersion.minor, 40);
    cr_assert_eq(C_GetInfo(&info), CKR_OK);
    cr_expect_eq(info.cryptokiVersion.major, 3);
    cr_expect_eq(memcmp(info.manufacturerID, "trustp11                        ", 32), 0);
    cr_expect_eq(info.flags, 0);
    cr_expect_eq(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
}

Test(p11_lifecycle, a_configuration_that_is_wrong_fails_with_the_reason_in_the_log)
{
    char log_path[128], line[512] = "";
    (void)snprintf(log_path, sizeof(log_path), "%s.log", f.folder);
    cr_assert_eq(setenv("TRUSTP11_DEBUG", log_path, 1), 0);
    fixture_write_conf(&f, "no_such_key = 1\n");
    cr_assert_eq(C_Initialize(NULL), CKR_GENERAL_ERROR);
    cr_expect_eq(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    FILE *log = fopen(log_path, "r");
    cr_assert_not_null(log);
    cr_expect_not_null(fgets(line, sizeof(line), log));
    cr_expect_not_null(strstr(line, "no_such_key"), "%s", line);
    (void)fclose(log);
    (void)unlink(log_path);
}

Test(p11_lifecycle, reasons_go_to_standard_error_under_both_of_its_names)
{
    static const char *const names[] = {"stderr", "/dev/stderr"};
    for (size_t i = 0; i < 2; i++) {
        char line[512] = "";
        int ends[2], kept = dup(STDERR_FILENO);
        cr_assert_eq(pipe(ends), 0);
        cr_assert_eq(setenv("TRUSTP11_DEBUG", names[i], 1), 0);
        cr_assert_eq(setenv("TRUSTP11_CONF", "/nonexistent/trustp11.conf", 1), 0);
        cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        (void)close(ends[1]);
        CK_RV rv = C_Initialize(NULL);
        cr_assert_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
        (void)close(kept);
        cr_expect_eq(rv, CKR_GENERAL_ERROR);
        cr_expect_gt(read(ends[0], line, sizeof(line) - 1), 0, "%s", names[i]);
        cr_expect_not_null(strstr(line, "/nonexistent/trustp11.conf"), "%s: %s", names[i], line);
        (void)close(ends[0]);
    }
}

Test(p11_lifecycle, a_configuration_that_was_named_and_is_not_there_fails)
{
    cr_assert_eq(setenv("TRUSTP11_CONF", "/nonexistent/trustp11.conf", 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_GENERAL_ERROR);
}

Test(p11_lifecycle, no_configuration_anywhere_is_a_module_without_slots)
{
    CK_ULONG count = 7;
    if (access("/etc/trustp11/trustp11.conf", F_OK) == 0)
        cr_skip_test("this machine has a configuration");
    cr_assert_eq(unsetenv("TRUSTP11_CONF"), 0);
    cr_assert_eq(setenv("HOME", f.folder, 1), 0);
    cr_assert_eq(setenv("XDG_CONFIG_HOME", f.folder, 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_assert_eq(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    cr_expect_eq(count, 0);
    cr_expect_eq(C_Finalize(NULL), CKR_OK);
}

Test(p11_lifecycle, a_failed_initialisation_can_be_tried_again)
{
    cr_assert_eq(setenv("TRUSTP11_CONF", "/nonexistent/trustp11.conf", 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_GENERAL_ERROR);
    cr_assert_eq(setenv("TRUSTP11_CONF", f.conf_path, 1), 0);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
}

/* ---- C_Finalize ---- */

Test(p11_lifecycle, a_reserved_argument_is_refused)
{
    int something;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_expect_eq(C_Finalize(&something), CKR_ARGUMENTS_BAD);
    cr_expect_eq(C_Finalize(NULL), CKR_OK);
    cr_expect_eq(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* Functions of every kind; all go the same way. */
static void expect_not_initialised(CK_SESSION_HANDLE session)
{
    CK_ULONG count = 0;
    CK_SLOT_ID slot;
    CK_INFO info;
    CK_BYTE bytes[8];
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    cr_expect_eq(C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_GetSlotList(CK_TRUE, NULL, &count), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_CloseSession(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_Login(session, CKU_USER, bytes, 8), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_FindObjectsInit(session, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_DigestInit(session, &mechanism), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_GenerateRandom(session, bytes, 8), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_EncryptInit(session, &mechanism, 1), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_GetFunctionStatus(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_SessionCancel(session, CKF_SIGN), CKR_CRYPTOKI_NOT_INITIALIZED);
    cr_expect_eq(C_MessageSignInit(session, &mechanism, 1), CKR_CRYPTOKI_NOT_INITIALIZED);
}

Test(p11_lifecycle, before_the_beginning_everything_says_not_initialised)
{
    expect_not_initialised(1);
}

Test(p11_lifecycle, after_the_end_everything_says_not_initialised)
{
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, 0);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    expect_not_initialised(session);
}

Test(p11_lifecycle, sessions_do_not_outlive_the_module)
{
    CK_SESSION_INFO info;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    CK_SESSION_HANDLE session = open_session(0, 0);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_expect_eq(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
}

static void *wait_for_slot(void *result)
{
    CK_SLOT_ID slot;
    *(CK_RV *)result = C_WaitForSlotEvent(0, &slot, NULL);
    return NULL;
}

Test(p11_lifecycle, waiting_for_a_slot_ends_with_the_module)
{
    pthread_t thread;
    CK_RV rv = CKR_OK;
    CK_SLOT_ID slot;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    cr_expect_eq(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_slot, &rv), 0);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(rv, CKR_CRYPTOKI_NOT_INITIALIZED); /* whether it was inside by then or came too late */
}

static void *ask_token(void *result)
{
    CK_TOKEN_INFO info;
    *(CK_RV *)result = C_GetTokenInfo(0, &info);
    return NULL;
}

Test(p11_lifecycle, finalising_lets_a_call_go_that_waits_for_the_engine)
{
    pthread_t thread;
    CK_RV rv = CKR_OK;
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    fake_engine_stall(f.engine, TP_OP_TOKEN, true);
    cr_assert_eq(pthread_create(&thread, NULL, ask_token, &rv), 0);
    fake_engine_wait_stalled(f.engine);
    cr_assert_eq(C_Finalize(NULL), CKR_OK);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_expect_neq(rv, CKR_OK);
    fake_engine_stall(f.engine, TP_OP_TOKEN, false);
    cr_expect_eq(C_Initialize(NULL), CKR_OK);
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        char link[64], target[8];
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        count += readlink(link, target, sizeof(target)) >= 0;
    }
    return count;
}

Test(p11_lifecycle, coming_and_going_leaves_no_descriptor_behind)
{
    CK_TOKEN_INFO info;
    size_t before = 0;
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(C_Initialize(NULL), CKR_OK);
        cr_assert_eq(C_GetTokenInfo(0, &info), CKR_OK);
        cr_assert_eq(C_Finalize(NULL), CKR_OK);
        if (i == 9)
            before = count_descriptors();
    }
    /* the engine is in this process, too: its side of a connection may close a moment later */
    cr_expect_leq(count_descriptors(), before + 2);
}

/* ---- fork ---- */

TestSuite(p11_fork, .init = open_all, .fini = close_all);

/* What a child finds out, as an exit status: 0 is well. */
static int in_child(int (*look)(void))
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(look());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int child_is_not_initialised(void)
{
    CK_INFO info;
    CK_SESSION_INFO session;
    if (C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (C_GetSessionInfo(f.session, &session) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 2;
    return C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED ? 0 : 3;
}

static int child_begins_anew(void)
{
    CK_SESSION_HANDLE session;
    CK_TOKEN_INFO token;
    CK_MECHANISM mechanism = {CKM_SHA256, NULL, 0};
    CK_BYTE digest[32];
    CK_ULONG len = sizeof(digest);
    if (C_Initialize(NULL) != CKR_OK || C_Initialize(NULL) != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return 1;
    if (C_GetTokenInfo(0, &token) != CKR_OK)
        return 2;
    if (C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return 3;
    if (C_DigestInit(session, &mechanism) != CKR_OK || C_Digest(session, digest, 3, digest, &len) != CKR_OK)
        return 4;
    return C_Finalize(NULL) == CKR_OK && child_is_not_initialised() == 0 ? 0 : 5;
}

Test(p11_fork, a_child_finds_a_module_that_is_not_initialised)
{
    CK_INFO info;
    cr_expect_eq(in_child(child_is_not_initialised), 0);
    cr_expect_eq(C_GetInfo(&info), CKR_OK);
}

Test(p11_fork, a_child_may_initialise_and_the_parent_goes_on)
{
    CK_TOKEN_INFO info;
    cr_expect_eq(C_GetTokenInfo(0, &info), CKR_OK);
    cr_expect_eq(in_child(child_begins_anew), 0);
    cr_expect_eq(C_GetTokenInfo(0, &info), CKR_OK);
}

Test(p11_fork, a_child_may_initialise_while_a_thread_of_the_parent_waits_inside)
{
    pthread_t thread;
    CK_RV rv = CKR_GENERAL_ERROR;
    fake_engine_stall(f.engine, TP_OP_TOKEN, true);
    cr_assert_eq(pthread_create(&thread, NULL, ask_token, &rv), 0);
    fake_engine_wait_stalled(f.engine);
    cr_expect_eq(in_child(child_is_not_initialised), 0);
    cr_expect_eq(C_Finalize(NULL), CKR_OK);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    fake_engine_stall(f.engine, TP_OP_TOKEN, false);
    cr_expect_eq(in_child(child_begins_anew), 0);
}
