/* SPDX-License-Identifier: Apache-2.0
 *
 * What one way of signing gives: THREADS threads in closed loops over a SHA-256 hash, for a while. One way a process,
 * so that the CPU time of each process is its own; scripts/bench sets the ways side by side.
 *
 *   sign --way openssl|made|found --key rsa-2048|p-256 [--threads N] [--ms N] [--pid PID]
 *        [--module FILE --token LABEL [--label LABEL]]          the PIN in $TP_PIN
 *
 *   openssl  libcrypto, in this process
 *   made     PKCS#11, with a key that this process generates as a session object
 *   found    PKCS#11, with the private key of that label
 *
 * Prints: signatures per second, CPU µs per signature of this process, and of PID with its children (0 without).
 */
#include <dlfcn.h>
#include <getopt.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX   256
#define CHILDREN_MAX  16
#define SIGNATURE_MAX 512
#define SLOTS_MAX     64
#define WARM_UP_MS    300
#define HASH_LEN      32
#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct {
    const char *way, *key, *module, *token, *label;
    unsigned threads;
    long ms;
    pid_t pid;
    bool rsa;
} options = {.threads = 1, .ms = 1000};

/* DigestInfo of SHA-256 (RFC 8017 §9.2), then the hash: what CKM_RSA_PKCS is given. */
static const CK_BYTE input[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                0x02, 0x01, 0x05, 0x00, 0x04, 0x20, 1,    2,    3,    4,    5,    6,    7,
                                8,    9,    10,   11,   12,   13,   14,   15,   16,   17,   18,   19,   20,
                                21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31,   32};
static const CK_BYTE *const hash = input + sizeof input - HASH_LEN;

struct worker {
    pthread_t thread;
    atomic_ulong done;
    CK_SESSION_HANDLE session;
    EVP_PKEY_CTX *context;
    char apart[64]; /* counters on cache lines of their own */
};

static struct worker workers[THREADS_MAX];
static atomic_bool stop;
static CK_FUNCTION_LIST *p11;
static CK_OBJECT_HANDLE private_key;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "sign (%s, %s): %s\n", options.way, options.key, what);
    exit(1);
}

static void require_ckr(CK_RV rv, const char *function)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s: 0x%lx", function, rv);
    require(rv == CKR_OK, what);
}

/* ---- PKCS#11 ---- */

static void load_module(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_C_GetFunctionList get;
    require(options.module != NULL && options.token != NULL, "--module and --token are needed");
    void *library = dlopen(options.module, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "the module cannot be loaded");
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    require(get != NULL, "the module has no C_GetFunctionList");
    require_ckr(get(&p11), "C_GetFunctionList");
    require_ckr(p11->C_Initialize(&arguments), "C_Initialize");
}

static bool is_token(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    size_t len = strlen(options.token);
    return p11->C_GetTokenInfo(slot, &info) == CKR_OK && len <= sizeof info.label &&
           memcmp(info.label, options.token, len) == 0 && (len == sizeof info.label || info.label[len] == ' ');
}

static CK_SLOT_ID find_token(void)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    require_ckr(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++)
        if (is_token(slots[i]))
            return slots[i];
    require(false, "there is no such token");
    return 0;
}

static void open_sessions(void)
{
    CK_SLOT_ID slot = find_token();
    const char *pin = getenv("TP_PIN");
    require(pin != NULL, "$TP_PIN is not set");
    for (unsigned i = 0; i < options.threads; i++)
        require_ckr(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &workers[i].session),
                    "C_OpenSession");
    require_ckr(p11->C_Login(workers[0].session, CKU_USER, (CK_BYTE *)(uintptr_t)pin, strlen(pin)), "C_Login");
}

static void find_key(void)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ULONG count = 0;
    require(options.label != NULL, "--label is needed");
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_LABEL, (void *)(uintptr_t)options.label, strlen(options.label)}};
    require_ckr(p11->C_FindObjectsInit(workers[0].session, template, LEN_OF(template)), "C_FindObjectsInit");
    require_ckr(p11->C_FindObjects(workers[0].session, &private_key, 1, &count), "C_FindObjects");
    require_ckr(p11->C_FindObjectsFinal(workers[0].session), "C_FindObjectsFinal");
    require(count == 1, "there is no such key");
}

static void make_key(void)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, exponent[] = {1, 0, 1};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = 2048;
    CK_OBJECT_HANDLE public_key;
    CK_MECHANISM mechanism = {options.rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE rsa_template[] = {{CKA_TOKEN, &no, sizeof no},
                                   {CKA_MODULUS_BITS, &bits, sizeof bits},
                                   {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    CK_ATTRIBUTE ec_template[] = {{CKA_TOKEN, &no, sizeof no}, {CKA_EC_PARAMS, p256, sizeof p256}};
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, &no, sizeof no}, {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes}};
    require_ckr(p11->C_GenerateKeyPair(workers[0].session, &mechanism, options.rsa ? rsa_template : ec_template,
                                       options.rsa ? LEN_OF(rsa_template) : LEN_OF(ec_template), private_template,
                                       LEN_OF(private_template), &public_key, &private_key),
                "C_GenerateKeyPair");
}

static void sign_pkcs11(struct worker *worker)
{
    CK_MECHANISM mechanism = {options.rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
    CK_BYTE signature[SIGNATURE_MAX];
    CK_ULONG len = sizeof signature;
    require_ckr(p11->C_SignInit(worker->session, &mechanism, private_key), "C_SignInit");
    require_ckr(p11->C_Sign(worker->session, (CK_BYTE *)(uintptr_t)(options.rsa ? input : hash),
                            options.rsa ? sizeof input : HASH_LEN, signature, &len),
                "C_Sign");
    require(len == (options.rsa ? 256 : 64), "the signature has a strange length");
}

/* ---- libcrypto ---- */

static void make_openssl_key(void)
{
    EVP_PKEY *key = options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    require(key != NULL, "no key");
    for (unsigned i = 0; i < options.threads; i++) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        require(context != NULL && EVP_PKEY_sign_init(context) == 1, "EVP_PKEY_sign_init");
        require(!options.rsa || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1, "padding");
        require(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1, "EVP_PKEY_CTX_set_signature_md");
        workers[i].context = context;
    }
}

static void sign_openssl(struct worker *worker)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof signature;
    require(EVP_PKEY_sign(worker->context, signature, &len, hash, HASH_LEN) == 1, "EVP_PKEY_sign");
}

/* ---- measuring ---- */

static void *work(void *argument)
{
    struct worker *worker = argument;
    void (*sign)(struct worker *) = p11 != NULL ? sign_pkcs11 : sign_openssl;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        sign(worker);
        atomic_fetch_add_explicit(&worker->done, 1, memory_order_relaxed);
    }
    return NULL;
}

static double now_us(clockid_t clock)
{
    struct timespec time;
    require(clock_gettime(clock, &time) == 0, "a process has ended");
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* The server and whatever it has forked for us. */
static size_t other_clocks(clockid_t *ret_clocks)
{
    char path[64];
    long child;
    size_t count = 0;
    if (options.pid == 0)
        return 0;
    require(clock_getcpuclockid(options.pid, &ret_clocks[count++]) == 0, "there is no process of that number");
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)options.pid, (long)options.pid);
    FILE *children = fopen(path, "re");
    if (children == NULL)
        return count;
    while (count < CHILDREN_MAX && fscanf(children, "%ld", &child) == 1)
        if (clock_getcpuclockid((pid_t)child, &ret_clocks[count]) == 0)
            count++;
    (void)fclose(children);
    return count;
}

struct reading {
    double wall_us, own_us, other_us;
    unsigned long done;
};

static struct reading read_all(const clockid_t *clocks, size_t clocks_len)
{
    struct reading reading = {.wall_us = now_us(CLOCK_MONOTONIC), .own_us = now_us(CLOCK_PROCESS_CPUTIME_ID)};
    for (size_t i = 0; i < clocks_len; i++)
        reading.other_us += now_us(clocks[i]);
    for (unsigned i = 0; i < options.threads; i++)
        reading.done += atomic_load_explicit(&workers[i].done, memory_order_relaxed);
    return reading;
}

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void measure(void)
{
    clockid_t clocks[CHILDREN_MAX];
    size_t clocks_len = other_clocks(clocks);
    for (unsigned i = 0; i < options.threads; i++)
        require(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create");
    pause_ms(WARM_UP_MS);
    struct reading from = read_all(clocks, clocks_len);
    pause_ms(options.ms);
    struct reading to = read_all(clocks, clocks_len);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < options.threads; i++)
        (void)pthread_join(workers[i].thread, NULL);
    double done = (double)(to.done - from.done);
    require(done > 0, "nothing was signed");
    (void)printf("%.1f %.2f %.2f\n", done * 1e6 / (to.wall_us - from.wall_us), (to.own_us - from.own_us) / done,
                 (to.other_us - from.other_us) / done);
}

/* ---- options ---- */

static unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    require(*text != '\0' && *end == '\0' && value > 0 && value <= most, "a number is out of its range");
    return value;
}

static void set_option(int letter)
{
    switch (letter) {
    case 'w':
        options.way = optarg;
        break;
    case 'k':
        options.key = optarg;
        break;
    case 't':
        options.threads = (unsigned)number(optarg, THREADS_MAX);
        break;
    case 'm':
        options.ms = (long)number(optarg, 600000);
        break;
    case 'p':
        options.pid = (pid_t)number(optarg, 1 << 22);
        break;
    case 'M':
        options.module = optarg;
        break;
    case 'T':
        options.token = optarg;
        break;
    case 'L':
        options.label = optarg;
        break;
    default:
        exit(2);
    }
}

static void read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"way", required_argument, NULL, 'w'},
        {"key", required_argument, NULL, 'k'},
        {"threads", required_argument, NULL, 't'},
        {"ms", required_argument, NULL, 'm'},
        {"pid", required_argument, NULL, 'p'},
        {"module", required_argument, NULL, 'M'},
        {"token", required_argument, NULL, 'T'},
        {"label", required_argument, NULL, 'L'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    options.way = options.key = "";
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1)
        set_option(letter);
    options.rsa = strcmp(options.key, "rsa-2048") == 0;
    require(options.rsa || strcmp(options.key, "p-256") == 0, "--key is rsa-2048 or p-256");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (strcmp(options.way, "openssl") == 0) {
        make_openssl_key();
    } else {
        bool made = strcmp(options.way, "made") == 0;
        require(made || strcmp(options.way, "found") == 0, "--way is openssl, made or found");
        load_module();
        open_sessions();
        (made ? make_key : find_key)();
    }
    measure();
    if (p11 != NULL)
        require_ckr(p11->C_Finalize(NULL), "C_Finalize");
    return 0;
}
