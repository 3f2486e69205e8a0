/* SPDX-License-Identifier: Apache-2.0
 *
 *   sweep [FUNCTION]      default: all
 */
#include "sweep.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS_S 20 /* a call that takes longer hangs */

static char now[256] = "the beginning"; /* what is being tried */
static unsigned long attempts;

void fail(const char *format, ...)
{
    va_list list;
    (void)fprintf(stderr, "sweep: %s: ", now);
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputc('\n', stderr);
    _exit(1);
}

/* A crash says where; then whoever handled the signal before (a sanitizer) has its turn. */
static struct sigaction before_segv, before_bus;

static void on_crash(int number)
{
    (void)!write(STDERR_FILENO, "sweep: crashed or hangs: ", 25);
    (void)!write(STDERR_FILENO, now, strlen(now));
    (void)!write(STDERR_FILENO, "\n", 1);
    if (number == SIGALRM)
        _exit(1);
    (void)sigaction(number, number == SIGSEGV ? &before_segv : &before_bus, NULL);
}

static void watch(void)
{
    struct sigaction action = {.sa_handler = on_crash};
    (void)sigaction(SIGSEGV, &action, &before_segv);
    (void)sigaction(SIGBUS, &action, &before_bus);
    (void)sigaction(SIGALRM, &action, NULL);
}

/* ---- judging ---- */

static bool is_listed(const struct row *row, CK_RV rv)
{
    for (const CK_RV *code = row->codes; *code != CKR_OK; code++)
        if (*code == rv)
            return true;
    return rv == CKR_ARGUMENTS_BAD || (rv == CKR_SESSION_HANDLE_INVALID && has_kind(row, SESSION)) ||
           (rv == CKR_FUNCTION_NOT_SUPPORTED && row->optional);
}

/* USUAL is the good call's answer. The exact code is known where that succeeds, or whatever happens. */
static void judge(const struct attempt *attempt, CK_RV usual, CK_RV rv)
{
    bool exact = attempt->how == EXACTLY && (attempt->always || usual == CKR_OK);
    if (exact && rv != attempt->rv)
        fail("answered 0x%lx, not 0x%lx", rv, attempt->rv);
    if (exact)
        return;
    if (usual == CKR_FUNCTION_NOT_SUPPORTED && rv != usual)
        fail("is not supported, and yet answered 0x%lx", rv);
    if (rv != CKR_OK && !is_listed(attempt->row, rv))
        fail("answered 0x%lx, which the specification does not list", rv);
    if (rv == CKR_OK && attempt->how == REFUSED)
        fail("succeeded");
}

static CK_RV call(const struct row *row, const union value *values)
{
    (void)alarm(HANGS_S);
    CK_RV rv = row->call(values);
    (void)alarm(0);
    attempts++;
    const char *damage = place_check();
    if (damage != NULL)
        fail("%s", damage);
    return rv;
}

/* ---- one function ---- */

static struct state usual_state;

static CK_RV good_call(const struct row *row)
{
    union value values[PARAMS_MAX];
    if (row->before != NULL)
        row->before(row);
    build(row, values);
    CK_RV rv = call(row, values);
    state_tidy(row, values, rv);
    struct state after = state_now();
    if (!state_equal(&after, &usual_state))
        fail("the token is not as it was");
    return rv;
}

/* False: there is no such variant. */
static bool bad_call(const struct row *row, CK_RV usual, unsigned param, unsigned number)
{
    struct attempt attempt = {.row = row};
    if (row->before != NULL)
        row->before(row);
    build(row, attempt.values);
    struct state before = state_now();
    bool exists = vary(&attempt, param, number);
    CK_RV rv = CKR_CANCEL;
    if (exists) {
        (void)snprintf(now, sizeof(now), "%s, parameter %u: %s", row->name, param + 1, attempt.words);
        rv = call(row, attempt.values);
        judge(&attempt, usual, rv);
        struct state after = state_now();
        if (rv != CKR_OK && !state_equal(&before, &after))
            fail("failed, and yet changed something");
    }
    state_tidy(row, attempt.values, rv);
    return exists;
}

/* All parameters at once: 0 and NULL, or numbers that are no good. */
static void all_bad(const struct row *row, CK_RV usual, CK_ULONG number)
{
    struct attempt attempt = {.row = row, .how = ALLOWED};
    if (has_kind(row, EXTRA_SLOT) || has_kind(row, RESERVED))
        return; /* 0 would be a good call */
    (void)snprintf(now, sizeof(now), "%s, all parameters: 0x%lx", row->name, number);
    for (unsigned i = 0; i < PARAMS_MAX; i++)
        if (row->kinds[i] <= MOST)
            attempt.values[i].number = number | (row->kinds[i] == DONT_BLOCK ? CKF_DONT_BLOCK : 0);
    place_clear();
    CK_RV rv = call(row, attempt.values);
    if (!has_kind(row, SESSION))
        judge(&attempt, usual, rv);
    else if (rv != CKR_SESSION_HANDLE_INVALID)
        fail("answered 0x%lx", rv);
}

static void sweep(const struct row *row)
{
    (void)snprintf(now, sizeof(now), "%s", row->name);
    build_needed(row);
    CK_RV usual = good_call(row);
    if (!row->optional && usual != row->good)
        fail("the good call is answered 0x%lx, not 0x%lx", usual, row->good);
    if (usual != CKR_OK && !is_listed(row, usual))
        fail("the good call is answered 0x%lx", usual);
    for (unsigned i = 0; i < PARAMS_MAX && row->kinds[i] != NOTHING; i++)
        for (unsigned number = 0; bad_call(row, usual, i, number); number++) {
            CK_RV again = good_call(row);
            if (again != usual)
                fail("then the good call is answered 0x%lx, not 0x%lx", again, usual);
        }
    all_bad(row, usual, 0);
    all_bad(row, usual, ~0ul);
}

/* ---- without C_Initialize ---- */

static void sweep_closed(const struct row *row, const char *when)
{
    union value good[PARAMS_MAX], none[PARAMS_MAX];
    if (row->early)
        return;
    (void)snprintf(now, sizeof(now), "%s, %s", row->name, when);
    build(row, good);
    memset(none, 0, sizeof(none));
    CK_RV rv = call(row, good);
    if (rv != CKR_CRYPTOKI_NOT_INITIALIZED)
        fail("answered 0x%lx", rv);
    rv = call(row, none);
    if (rv != CKR_CRYPTOKI_NOT_INITIALIZED && rv != CKR_ARGUMENTS_BAD)
        fail("with nothing, answered 0x%lx", rv);
}

/* C_GetInfo of each list, of which the table has the newest one's only. */
static void get_info_of_all(CK_INFO *info, CK_RV expected)
{
    CK_INTERFACE interfaces[8];
    CK_ULONG count = 8;
    (void)snprintf(now, sizeof(now), "C_GetInfo of every list");
    if (C_GetInterfaceList(interfaces, &count) != CKR_OK || count < 3)
        fail("too few interfaces");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV rv = ((CK_FUNCTION_LIST *)interfaces[i].pFunctionList)->C_GetInfo(info);
        if (rv != expected)
            fail("interface %lu answered 0x%lx", i, rv);
    }
}

static void all_closed(const char *when)
{
    CK_INFO info;
    get_info_of_all(&info, CKR_CRYPTOKI_NOT_INITIALIZED);
    for (size_t i = 0; i < rows_len; i++)
        sweep_closed(&rows[i], when);
    if (C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
        fail("%s: C_Finalize", when);
}

/* Handles of the parent are nothing to the child, before it has initialised the module and after. */
static void in_child(void)
{
    all_closed("in a child of fork");
    if (C_Initialize(NULL) != CKR_OK)
        fail("C_Initialize in a child of fork");
    for (size_t i = 0; i < rows_len; i++) {
        union value values[PARAMS_MAX];
        (void)snprintf(now, sizeof(now), "%s, in a child of fork, with its parent's session", rows[i].name);
        if (!has_kind(&rows[i], SESSION))
            continue;
        build(&rows[i], values);
        CK_RV rv = call(&rows[i], values);
        if (rv != CKR_SESSION_HANDLE_INVALID)
            fail("answered 0x%lx", rv);
    }
    (void)C_Finalize(NULL);
    _exit(0);
}

static void child(void)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        in_child();
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        fail("a child of fork has failed");
}

/* ---- C_Initialize ---- */

static CK_RV create_mutex(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static CK_RV use_mutex(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static void bad_initialize(void)
{
    CK_C_INITIALIZE_ARGS some[] = {{.pReserved = now},
                                   {.CreateMutex = create_mutex},
                                   {.CreateMutex = create_mutex, .DestroyMutex = use_mutex, .LockMutex = use_mutex},
                                   {.UnlockMutex = use_mutex, .flags = CKF_OS_LOCKING_OK},
                                   {.UnlockMutex = use_mutex, .pReserved = now, .flags = ~0ul}};
    CK_C_INITIALIZE_ARGS own = {create_mutex, use_mutex, use_mutex, use_mutex, 0, NULL};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        (void)snprintf(now, sizeof(now), "C_Initialize, bad arguments %zu", i);
        if (C_Initialize(&some[i]) != CKR_ARGUMENTS_BAD)
            fail("not CKR_ARGUMENTS_BAD");
    }
    if (C_Initialize(&own) != CKR_CANT_LOCK)
        fail("C_Initialize with mutexes of the program: not CKR_CANT_LOCK");
}

int main(int argc, char **argv)
{
    size_t swept = 0;
    watch();
    table_check();
    token_start();
    all_closed("before C_Initialize");
    bad_initialize();
    all_closed("after a C_Initialize that failed");
    (void)snprintf(now, sizeof(now), "preparation");
    token_open();
    usual_state = state_now();
    get_info_of_all(NULL, CKR_ARGUMENTS_BAD);
    for (size_t i = 0; i < rows_len; i++)
        if (argc < 2 || strcmp(argv[1], rows[i].name) == 0) {
            sweep(&rows[i]);
            swept++;
        }
    (void)snprintf(now, sizeof(now), "mechanisms");
    sweep_parameters();
    child();
    if (C_Finalize(NULL) != CKR_OK)
        fail("C_Finalize");
    all_closed("after C_Finalize");
    token_stop();
    if (swept == 0)
        fail("%s is no function of PKCS#11 3.2", argv[1]);
    (void)printf("%zu good calls made bad, %lu calls: all as the specification allows\n", swept, attempts);
    return 0;
}
