/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rest of a process has and changes: signals, locale, time zone, mask, limits.
 */
#include "guest.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- signals that come all the time, with a handler that interrupts system calls ---- */

#define STORM_US 500
#define STORMED  50 /* times that everything is done */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void signal_storm(void)
{
    struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART */
    struct itimerval often = {{0, STORM_US}, {0, STORM_US}}, never = {{0, 0}, {0, 0}};
    HOLDS(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    CK_SESSION_HANDLE session = guest_begin();
    for (unsigned i = 0; i < STORMED; i++) {
        guest_work(guest.p11, session);
        IS(guest.p11->C_Logout(session), CKR_OK);
        IS(guest_login(guest.p11, session), CKR_OK);
    }
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    HOLDS(setitimer(ITIMER_REAL, &never, NULL) == 0);
    HOLDS(signals > STORMED);
}

/* ---- handlers that use the module themselves, in the middle of whatever was going on ---- */

#define HANDLED_MOST 20000 /* rounds until enough handlers have come in the middle */
#define REFUSED      50

static CK_SESSION_HANDLE storm_session;
static volatile sig_atomic_t refused, answered;

static void count_answer(CK_RV rv)
{
    HOLDS(rv == CKR_OK || rv == CKR_FUNCTION_FAILED || rv == CKR_USER_ALREADY_LOGGED_IN);
    if (rv == CKR_FUNCTION_FAILED)
        refused++;
    else
        answered++;
}

static void use_module(int number)
{
    CK_SESSION_INFO info;
    (void)number;
    CK_RV rv = guest.p11->C_GetSessionInfo(storm_session, &info);
    count_answer(rv);
    if (rv == CKR_OK) /* nothing was interrupted */
        return;
    IS(guest_login(guest.p11, storm_session), CKR_FUNCTION_FAILED);
    IS(guest.p11->C_Initialize(NULL), CKR_FUNCTION_FAILED);
    IS(guest.p11->C_Finalize(NULL), CKR_FUNCTION_FAILED);
}

static void handlers_use_module(void)
{
    struct sigaction action = {.sa_handler = use_module};
    struct itimerval often = {{0, STORM_US}, {0, STORM_US}}, never = {{0, 0}, {0, 0}};
    storm_session = guest_begin();
    HOLDS(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    for (unsigned i = 0; i < HANDLED_MOST && refused < REFUSED; i++)
        guest_work(guest.p11, storm_session);
    HOLDS(setitimer(ITIMER_REAL, &never, NULL) == 0);
    (void)printf("%d refused, %d answered\n", refused, answered);
    HOLDS(refused >= REFUSED);
    guest_work(guest.p11, storm_session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

/* ---- what a guest finds it leaves ---- */

struct process {
    struct sigaction actions[_NSIG];
    sigset_t mask;
    mode_t umask;
    struct rlimit limits[RLIM_NLIMITS];
    int dumpable;
    char locale[256], zone[64], folder[4096];
    size_t variables;
};

extern char **environ;

static void look_at_process(struct process *found)
{
    memset(found, 0, sizeof *found);
    for (int i = 1; i < _NSIG; i++)
        (void)sigaction(i, NULL, &found->actions[i]);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &found->mask);
    found->umask = umask(0);
    (void)umask(found->umask);
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        (void)getrlimit((__rlimit_resource_t)i, &found->limits[i]);
    found->dumpable = prctl(PR_GET_DUMPABLE);
    (void)snprintf(found->locale, sizeof found->locale, "%s", setlocale(LC_ALL, NULL));
    (void)snprintf(found->zone, sizeof found->zone, "%s %s", tzname[0], tzname[1]);
    HOLDS(getcwd(found->folder, sizeof found->folder) != NULL);
    while (environ[found->variables] != NULL)
        found->variables++;
}

static void compare_processes(const struct process *before, const struct process *now)
{
    for (int i = 1; i < _NSIG; i++)
        HOLDS(before->actions[i].sa_handler == now->actions[i].sa_handler &&
              before->actions[i].sa_flags == now->actions[i].sa_flags);
    for (int i = 1; i < _NSIG; i++)
        HOLDS(sigismember(&before->mask, i) == sigismember(&now->mask, i));
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        HOLDS(before->limits[i].rlim_cur == now->limits[i].rlim_cur);
    HOLDS(before->umask == now->umask);
    HOLDS(before->dumpable == now->dumpable);
    HOLDS(before->variables == now->variables);
    HOLDS(strcmp(before->locale, now->locale) == 0);
    HOLDS(strcmp(before->zone, now->zone) == 0);
    HOLDS(strcmp(before->folder, now->folder) == 0);
}

static void process_as_found(void)
{
    static struct process before, within, after;
    struct sigaction mine = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    HOLDS(sigaction(SIGPIPE, &mine, NULL) == 0 && sigaction(SIGCHLD, &mine, NULL) == 0);
    tzset(); /* which libc does by itself, some time */
    look_at_process(&before);
    (void)guest_begin();
    look_at_process(&within);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    look_at_process(&after);
    compare_processes(&before, &within);
    compare_processes(&before, &after);
    HOLDS(signals == 0);
}

/* ---- locales and time zones: the same bytes in all ---- */

static const char *const locales[] = {"C", "tr_TR.UTF-8", "de_DE.UTF-8", "C.UTF-8"};
static const char *const zones[] = {"UTC", "Pacific/Kiritimati", "America/St_Johns", "Asia/Tokyo"};

struct answers {
    CK_TOKEN_INFO token;
    CK_BYTE from[8], to[8]; /* CK_DATE: YYYYMMDD */
};

static void ask(CK_SESSION_HANDLE session, struct answers *ret_answers)
{
    CK_OBJECT_HANDLE certificate = 0;
    CK_ATTRIBUTE dates[] = {{CKA_START_DATE, ret_answers->from, 8}, {CKA_END_DATE, ret_answers->to, 8}};
    CK_SESSION_INFO info;
    IS(guest_find(guest.p11, session, CKO_CERTIFICATE, &certificate), CKR_OK);
    IS(guest.p11->C_GetAttributeValue(session, certificate, dates, 2), CKR_OK);
    HOLDS(dates[0].ulValueLen == 8 && dates[1].ulValueLen == 8);
    IS(guest.p11->C_GetSessionInfo(session, &info), CKR_OK);
    memset(&ret_answers->token, 0, sizeof ret_answers->token);
    IS(guest.p11->C_GetTokenInfo(info.slotID, &ret_answers->token), CKR_OK);
    memset(ret_answers->token.utcTime, 0, sizeof ret_answers->token.utcTime);
}

static void change_surroundings(size_t at)
{
    HOLDS(setlocale(LC_ALL, locales[at % LEN_OF(locales)]) != NULL);
    HOLDS(setenv("TZ", zones[at / LEN_OF(locales)], 1) == 0);
    tzset();
}

static void locales_and_zones(void)
{
    static struct answers first, answers;
    for (size_t i = 0; i < LEN_OF(locales) * LEN_OF(zones); i++) {
        change_surroundings(i);
        CK_SESSION_HANDLE session = guest_begin();
        ask(session, i == 0 ? &first : &answers);
        HOLDS(i == 0 || memcmp(&first, &answers, sizeof first) == 0);
        change_surroundings(LEN_OF(locales) * LEN_OF(zones) - 1 - i); /* between two calls */
        ask(session, &answers);
        HOLDS(memcmp(&first, &answers, sizeof first) == 0);
        guest_work(guest.p11, session);
        IS(guest.p11->C_Finalize(NULL), CKR_OK);
    }
    (void)printf("%.8s %.8s\n", first.from, first.to);
}

const struct guest_scenario guest_surroundings[] = {
    {"signal-storm", signal_storm},
    {"handlers-use-module", handlers_use_module},
    {"process-as-found", process_as_found},
    {"locales-and-zones", locales_and_zones},
    {NULL, NULL},
};
