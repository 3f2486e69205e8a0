/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKCS#11 module that stands before another one and fails when it is told to, for tests.
 *
 * Environment, read when it is loaded:
 *   PKCS11_FAULT_MODULE   the library behind it (default: SoftHSM's)
 *   PKCS11_FAULT_CONTROL  path of the control file; none, or an empty one: everything passes
 *
 * The control file has one rule a line, FUNCTION N ACTION [ARGUMENT]; the file is read at each call, and the counting
 * starts anew whenever it has been replaced (rename a new file over it).
 *   FUNCTION  C_Sign, …, or * for all that are listed below, counted together
 *   N         the N-th call, counted from 1; * for every call; N+ for the N-th and all after it
 *   ACTION    fail CKR   answer CKR (a number: 0x30, 48) without calling; a function that ends an operation ends it
 * first delay MS   wait, then pass hold       wait until the control file is replaced or removed, then pass gone the
 * token is away: this call and all others answer CKR_DEVICE_REMOVED, and slots have no token A rule that has acted
 * leaves a mark: the file CONTROL.fired exists. A loop over "the N-th call fails, for every N" ends when an N leaves
 * none. C_Initialize and C_Finalize take part as well.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define RULES_MAX      32
#define LINE_MAX_LEN   128

/* name, parameters, arguments, whether it ends an operation */
#define FUNCTIONS(X)                                                                                                   \
    X(C_Initialize, (void *a), (a), false)                                                                             \
    X(C_Finalize, (void *a), (a), false)                                                                               \
    X(C_GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO * b), (a, b), false)                                                \
    X(C_GetMechanismInfo, (CK_SLOT_ID a, CK_MECHANISM_TYPE b, CK_MECHANISM_INFO * c), (a, b, c), false)                \
    X(C_OpenSession, (CK_SLOT_ID a, CK_FLAGS b, void *c, CK_NOTIFY d, CK_SESSION_HANDLE *e), (a, b, c, d, e), false)   \
    X(C_CloseSession, (CK_SESSION_HANDLE a), (a), false)                                                               \
    X(C_GetSessionInfo, (CK_SESSION_HANDLE a, CK_SESSION_INFO * b), (a, b), false)                                     \
    X(C_Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, CK_BYTE * c, CK_ULONG d), (a, b, c, d), false)                    \
    X(C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c, CK_OBJECT_HANDLE * d), (a, b, c, d), false)  \
    X(C_CopyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d, CK_OBJECT_HANDLE * e),     \
      (a, b, c, d, e), false)                                                                                          \
    X(C_DestroyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), (a, b), false)                                       \
    X(C_GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d), (a, b, c, d),      \
      false)                                                                                                           \
    X(C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c), (a, b, c), false)                        \
    X(C_FindObjects, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE * b, CK_ULONG c, CK_ULONG * d), (a, b, c, d), false)       \
    X(C_FindObjectsFinal, (CK_SESSION_HANDLE a), (a), true)                                                            \
    X(C_EncryptInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c), false)                    \
    X(C_Encrypt, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG c, CK_BYTE * d, CK_ULONG * e), (a, b, c, d, e), true)     \
    X(C_DecryptInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c), false)                    \
    X(C_Decrypt, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG c, CK_BYTE * d, CK_ULONG * e), (a, b, c, d, e), true)     \
    X(C_SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c), false)                       \
    X(C_Sign, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG c, CK_BYTE * d, CK_ULONG * e), (a, b, c, d, e), true)        \
    X(C_SignUpdate, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG c), (a, b, c), false)                                  \
    X(C_SignFinal, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG * c), (a, b, c), true)                                  \
    X(C_GenerateKey, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_OBJECT_HANDLE * e),      \
      (a, b, c, d, e), false)                                                                                          \
    X(C_GenerateKeyPair,                                                                                               \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_ATTRIBUTE * e, CK_ULONG f,              \
       CK_OBJECT_HANDLE * g, CK_OBJECT_HANDLE * h),                                                                    \
      (a, b, c, d, e, f, g, h), false)                                                                                 \
    X(C_WrapKey,                                                                                                       \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, CK_OBJECT_HANDLE d, CK_BYTE * e, CK_ULONG * f),      \
      (a, b, c, d, e, f), false)                                                                                       \
    X(C_UnwrapKey,                                                                                                     \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, CK_BYTE * d, CK_ULONG e, CK_ATTRIBUTE * f,           \
       CK_ULONG g, CK_OBJECT_HANDLE * h),                                                                              \
      (a, b, c, d, e, f, g, h), false)                                                                                 \
    X(C_GenerateRandom, (CK_SESSION_HANDLE a, CK_BYTE * b, CK_ULONG c), (a, b, c), false)

enum function {
#define FUNCTION_ENUM(name, parameters, arguments, ends) NUMBER_##name,
    FUNCTIONS(FUNCTION_ENUM)
#undef FUNCTION_ENUM
        FUNCTION_COUNT,
    ANY = FUNCTION_COUNT
};

static const char *const names[] = {
#define FUNCTION_NAME(name, parameters, arguments, ends) #name,
    FUNCTIONS(FUNCTION_NAME)
#undef FUNCTION_NAME
        "*"};

enum action { PASS, FAIL, DELAY, HOLD, GONE };

struct rule {
    unsigned function; /* or ANY */
    unsigned long first, last;
    enum action action;
    unsigned long argument;
};

struct version { /* of the control file */
    ino_t inode;
    struct timespec changed;
};

static CK_FUNCTION_LIST *behind;
static CK_FUNCTION_LIST front;
static const char *control_path;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct version counted;
static unsigned long counts[FUNCTION_COUNT + 1];

static struct version version_now(void)
{
    struct stat status;
    struct version version = {0};
    if (control_path != NULL && stat(control_path, &status) == 0)
        version = (struct version){.inode = status.st_ino, .changed = status.st_mtim};
    return version;
}

static bool same_version(const struct version *a, const struct version *b)
{
    return a->inode == b->inode && a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool parse_range(const char *text, struct rule *rule)
{
    char *end;
    if (strcmp(text, "*") == 0) {
        rule->first = 1;
        rule->last = ~0UL;
        return true;
    }
    rule->first = rule->last = strtoul(text, &end, 10);
    if (*end == '+')
        rule->last = ~0UL;
    return end != text && rule->first > 0;
}

static bool parse_action(const char *text, struct rule *rule)
{
    static const char *const actions[] = {"pass", "fail", "delay", "hold", "gone"};
    for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i], text) == 0) {
            rule->action = (enum action)i;
            return true;
        }
    return false;
}

static bool parse_function(const char *text, struct rule *rule)
{
    for (rule->function = 0; rule->function <= ANY; rule->function++)
        if (strcmp(names[rule->function], text) == 0)
            return true;
    return false;
}

/* A rule that cannot be read would make a test pass that tests nothing. */
static struct rule parse_rule(const char *line)
{
    char function[LINE_MAX_LEN], range[LINE_MAX_LEN], action[LINE_MAX_LEN], argument[LINE_MAX_LEN] = "0";
    struct rule rule = {0};
    if (sscanf(line, "%127s %127s %127s %127s", function, range, action, argument) < 3 ||
        !parse_function(function, &rule) || !parse_range(range, &rule) || !parse_action(action, &rule)) {
        fprintf(stderr, "pkcs11_fault: cannot read the rule: %s\n", line);
        abort();
    }
    rule.argument = strtoul(argument, NULL, 0);
    return rule;
}

static unsigned read_rules(struct rule rules[RULES_MAX])
{
    char line[LINE_MAX_LEN];
    unsigned count = 0;
    FILE *file = control_path != NULL ? fopen(control_path, "re") : NULL;
    if (file == NULL)
        return 0;
    while (count < RULES_MAX && fgets(line, sizeof(line), file) != NULL)
        if (line[0] != '\n' && line[0] != '#')
            rules[count++] = parse_rule(line);
    fclose(file);
    return count;
}

static void count_call(unsigned function, struct version version)
{
    if (!same_version(&version, &counted)) {
        memset(counts, 0, sizeof(counts));
        counted = version;
    }
    counts[function]++;
    counts[ANY]++;
}

static void mark_fired(void)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s.fired", control_path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

static struct rule rule_for(unsigned function, struct version *ret_version)
{
    struct rule rules[RULES_MAX], found = {.action = PASS};
    pthread_mutex_lock(&lock);
    *ret_version = version_now();
    unsigned count = read_rules(rules);
    count_call(function, *ret_version);
    for (unsigned i = 0; i < count && found.action == PASS; i++) {
        unsigned long calls = counts[rules[i].function];
        bool concerned = rules[i].function == function || rules[i].function == ANY;
        if (concerned && calls >= rules[i].first && calls <= rules[i].last)
            found = rules[i];
    }
    pthread_mutex_unlock(&lock);
    if (found.action != PASS)
        mark_fired();
    return found;
}

static void sleep_ms(unsigned long ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static void hold(const struct version *version)
{
    struct version now = version_now();
    while (same_version(&now, version)) {
        sleep_ms(1);
        now = version_now();
    }
}

/* CKR_OK: pass. */
static CK_RV verdict(unsigned function)
{
    struct version version;
    struct rule rule = rule_for(function, &version);
    switch (rule.action) {
    case FAIL:
        return rule.argument;
    case GONE:
        return function == NUMBER_C_Initialize || function == NUMBER_C_Finalize ? CKR_OK : CKR_DEVICE_REMOVED;
    case DELAY:
        sleep_ms(rule.argument);
        return CKR_OK;
    case HOLD:
        hold(&version);
        return CKR_OK;
    case PASS:
    default:
        return CKR_OK;
    }
}

#define FUNCTION_BODY(name, parameters, arguments, ends)                                                               \
    static CK_RV front_##name parameters                                                                               \
    {                                                                                                                  \
        CK_RV rv = verdict(NUMBER_##name);                                                                             \
        if (rv == CKR_OK)                                                                                              \
            return behind->name arguments;                                                                             \
        if (ends) /* its result is dropped, but no operation stays active */                                           \
            (void)behind->name arguments;                                                                              \
        return rv;                                                                                                     \
    }
FUNCTIONS(FUNCTION_BODY)

static bool token_is_gone(void)
{
    struct rule rules[RULES_MAX];
    unsigned count = read_rules(rules);
    for (unsigned i = 0; i < count; i++)
        if (rules[i].action == GONE && rules[i].first == 1)
            return true;
    return false;
}

/* Not counted: whether a token is there is asked a different number of times by different callers. */
static CK_RV front_C_GetSlotList(CK_BBOOL with_token, CK_SLOT_ID *slots, CK_ULONG *count)
{
    if (with_token && token_is_gone()) {
        *count = 0;
        return CKR_OK;
    }
    return behind->C_GetSlotList(with_token, slots, count);
}

static CK_RV front_C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    *list = &front;
    return CKR_OK;
}

static bool load(void)
{
    const char *path = getenv("PKCS11_FAULT_MODULE");
    void *library = dlopen(path != NULL ? path : DEFAULT_MODULE, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    CK_C_GetFunctionList get;
    memcpy(&get, &symbol, sizeof(get)); /* ISO C has no conversion from object to function pointer */
    if (symbol == NULL || get(&behind) != CKR_OK)
        return false;
    control_path = getenv("PKCS11_FAULT_CONTROL");
    front = *behind;
    front.C_GetFunctionList = front_C_GetFunctionList;
    front.C_GetSlotList = front_C_GetSlotList;
#define FUNCTION_SET(name, parameters, arguments, ends) front.name = front_##name;
    FUNCTIONS(FUNCTION_SET)
#undef FUNCTION_SET
    return true;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    pthread_mutex_lock(&lock);
    bool ready = behind != NULL || load();
    pthread_mutex_unlock(&lock);
    if (!ready)
        return CKR_GENERAL_ERROR;
    *list = &front;
    return CKR_OK;
}
