/* SPDX-License-Identifier: Apache-2.0
 *
 * Fills a deployment through the engine's protocol, faster than people would, and measures what one visit of a user
 * costs. The deployment is $TRUSTP11_CONF's, with cheap PINs and signatures allowed without a certificate.
 *
 *   load users FROM TO                 users without factor and keys, number FROM up to but not TO
 *   load people COUNT KEYS TYPE STATE  COUNT enrolled people with KEYS keys each; their HOTP seeds go to the file STATE
 *   load certify STATE                 everybody logs in and gets a certificate for each key
 *   load warm STATE                    everybody logs in and signs once with each key; prints the number of keys
 *   load visit STATE USERS             each person once, alone; the first touch of 100 of USERS users. Prints medians,
 * µs: store, login, policy, sign
 */
#include "base/clock.h"
#include "ipc/client_conf.h"
#include "issuer.h"

#include <liboath/oath.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIN            "only for benches"
#define THREADS        16
#define PEOPLE_MAX     10000
#define NAME_LEN       32
#define KEYS_MAX       1000000
#define SEED_MAX       64
#define ID_TEXT_LEN    64
#define TOUCHES        100
#define SIGNS          20 /* a visit */
#define SAMPLES_MAX    100000
#define CODE_LEN       6
#define DIGESTINFO_LEN 51

struct person {
    char name[NAME_LEN];
    uint8_t seed[SEED_MAX];
    size_t seed_len;
    unsigned long counter;
    char authorisation[ID_TEXT_LEN];
};

static struct person people[PEOPLE_MAX];
static size_t people_len;
static struct tp_ipc_client *client;

static void fail(const char *what, const char *words)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, words);
    exit(1);
}

/* ---- calls ---- */

static void call(enum tp_ipc_op op, const ProtobufCMessage *request, struct tp_bytes secret_0, struct tp_bytes secret_1,
                 struct tp_ipc_reply *ret_reply)
{
    struct tp_error error = {.rc = TP_OK};
    if (tp_ipc_call(client, op, request, secret_0, secret_1, 0, &error, ret_reply) != TP_OK)
        fail(tp_ipc_operation(op)->words, tp_error_words(&error));
}

static void connect_to_engine(void)
{
    static struct tp_client_conf *conf;
    struct tp_ipc_client_config config = {0};
    struct tp_error error = {.rc = TP_OK};
    if (tp_client_conf_read(NULL, &error, &conf) != TP_OK)
        fail("configuration", tp_error_words(&error));
    tp_client_conf_ipc(conf, &config);
    config.timeout_ms = 300000; /* a queue of our own making */
    if (tp_ipc_client_new(&config, &client) != TP_OK || oath_init() != OATH_OK)
        fail("start", "out of memory");
}

/* EACH for every number below COUNT, by several threads. */
static struct {
    atomic_size_t next;
    size_t count;
    void (*each)(size_t index);
} crowd;

static void *crowd_thread(void *unused)
{
    (void)unused;
    for (size_t i; (i = atomic_fetch_add(&crowd.next, 1)) < crowd.count;)
        crowd.each(i);
    return NULL;
}

static void crowd_run(size_t from, size_t count, void (*each)(size_t index))
{
    pthread_t thread[THREADS];
    atomic_store(&crowd.next, from);
    crowd.count = count;
    crowd.each = each;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, crowd_thread, NULL) != 0)
            fail("threads", "none to be had");
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
}

static size_t number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value > most)
        fail(text, "not a number, or too large");
    return value;
}

/* ---- users who are only there ---- */

static void user_name(size_t index, char ret_name[NAME_LEN])
{
    (void)snprintf(ret_name, NAME_LEN, "user%08zu", index);
}

static void add_user(size_t index)
{
    char name[NAME_LEN];
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    user_name(index, name);
    request.user = name;
    call(TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    tp_ipc_reply_clear(&reply);
}

/* ---- people ---- */

static void next_code(struct person *person, char ret_code[CODE_LEN + 1])
{
    if (oath_hotp_generate((const char *)person->seed, person->seed_len, person->counter, CODE_LEN, false,
                           OATH_HOTP_DYNAMIC_TRUNCATION, ret_code) != OATH_OK)
        fail(person->name, "no one-time code");
    person->counter++;
}

static void keep_seed(struct person *person, const struct tp_ipc_reply *reply)
{
    struct tp_bytes seed = tp_secret_bytes(reply->secret);
    if (seed.len == 0 || seed.len > SEED_MAX)
        fail(person->name, "a strange seed");
    memcpy(person->seed, seed.data, seed.len);
    person->seed_len = seed.len;
    person->counter = ((const Tp__Ipc__EnrolReply *)(const void *)reply->message)->counter;
}

static void enrol(struct person *person, struct tp_bytes enrolment)
{
    char code[CODE_LEN + 1], hotp[] = "hotp";
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    Tp__Ipc__EnrolConfirmRequest confirm = TP__IPC__ENROL_CONFIRM_REQUEST__INIT;
    request.user = confirm.user = person->name;
    request.factor = hotp;
    call(TP_OP_ENROL, &request.base, enrolment, tp_bytes_of_string(PIN), &reply);
    keep_seed(person, &reply);
    tp_ipc_reply_clear(&reply);
    next_code(person, code);
    call(TP_OP_ENROL_CONFIRM, &confirm.base, enrolment, tp_bytes_of_string(code), &reply);
    tp_ipc_reply_clear(&reply);
}

static void log_in(struct person *person)
{
    char given[sizeof PIN + CODE_LEN] = PIN;
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    request.user = person->name;
    request.shared = true;
    next_code(person, given + sizeof PIN - 1);
    call(TP_OP_LOGIN, &request.base, tp_bytes_of_string(given), TP_BYTES_NONE, &reply);
    (void)snprintf(person->authorisation, sizeof person->authorisation, "%s",
                   ((const Tp__Ipc__LoginReply *)(const void *)reply.message)->authorisation);
    tp_ipc_reply_clear(&reply);
}

static void log_out(struct person *person)
{
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    request.user = person->name;
    request.authorisation = person->authorisation;
    call(TP_OP_LOGOUT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    tp_ipc_reply_clear(&reply);
}

static size_t keys_wanted;
static char *key_type;

static void make_keys(struct person *person)
{
    char label[NAME_LEN];
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    request.user = person->name;
    request.key_type = key_type;
    request.label = label;
    for (size_t i = 0; i < keys_wanted; i++) {
        struct tp_ipc_reply reply = {0};
        (void)snprintf(label, sizeof label, "key%zu", i);
        call(TP_OP_KEY_GENERATE, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
        tp_ipc_reply_clear(&reply);
    }
}

static void make_person(size_t index)
{
    struct person *person = &people[index];
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    (void)snprintf(person->name, sizeof person->name, "person%05zu", index);
    request.user = person->name;
    call(TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    enrol(person, tp_secret_bytes(reply.secret));
    tp_ipc_reply_clear(&reply);
    log_in(person); /* a key that is made while its owner is logged in is sealed at once */
    make_keys(person);
    log_out(person);
}

static void state_write(const char *path)
{
    char seed[2 * SEED_MAX + 1];
    FILE *file = fopen(path, "we");
    if (file == NULL)
        fail(path, "cannot be written");
    for (size_t i = 0; i < people_len; i++) {
        tp_hex_encode(TP_BYTES(people[i].seed, people[i].seed_len), seed);
        (void)fprintf(file, "%s %s %lu\n", people[i].name, seed, people[i].counter);
    }
    if (fclose(file) != 0)
        fail(path, "cannot be written");
}

static void state_read(const char *path)
{
    char seed[2 * SEED_MAX + 1];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail(path, "cannot be read");
    for (struct person *at = people; people_len < PEOPLE_MAX; at++, people_len++) {
        struct tp_buf bytes TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        if (fscanf(file, "%31s %128s %lu", at->name, seed, &at->counter) != 3)
            break;
        if (tp_hex_decode(seed, strlen(seed), &bytes) != TP_OK || bytes.len > SEED_MAX)
            fail(path, "damaged");
        memcpy(at->seed, bytes.data, bytes.len);
        at->seed_len = bytes.len;
    }
    (void)fclose(file);
}

/* ---- signing ---- */

static void sign(const struct person *person, const Tp__Ipc__Credential *credential)
{
    static const uint8_t info[DIGESTINFO_LEN] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    bool rsa = strncmp(credential->key_type, "rsa", 3) == 0;
    uint8_t data[DIGESTINFO_LEN], signature[1024];
    size_t len = sizeof signature;
    char hash_name[] = "SHA-256";
    struct tp_error error = {.rc = TP_OK};
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    memcpy(data, info, sizeof data);
    request.authorisation = (char *)(uintptr_t)person->authorisation;
    request.credential = credential->id;
    request.mechanism = rsa ? TP_IPC_RSA_PKCS : TP_IPC_ECDSA;
    request.hash_name = hash_name;
    request.data = (ProtobufCBinaryData){rsa ? sizeof data : 32, data};
    if (tp_ipc_sign(client, &request, 0, &error, signature, &len) != TP_OK)
        fail("sign", tp_error_words(&error));
}

static void objects(struct person *person, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.user = person->name;
    call(TP_OP_OBJECTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, ret_reply);
}

static atomic_size_t keys_signed;

static void warm(size_t index)
{
    struct tp_ipc_reply reply = {0};
    log_in(&people[index]);
    objects(&people[index], &reply);
    const Tp__Ipc__ObjectsReply *known = (const void *)reply.message;
    for (size_t i = 0; i < known->n_credentials; i++)
        sign(&people[index], known->credentials[i]);
    atomic_fetch_add(&keys_signed, known->n_credentials);
    tp_ipc_reply_clear(&reply);
}

/* ---- certificates ---- */

static void import(struct person *person, X509 *certificate)
{
    struct tp_ipc_reply reply = {0};
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    Tp__Ipc__CertificateRequest request = TP__IPC__CERTIFICATE_REQUEST__INIT;
    ProtobufCBinaryData field = {len > 0 ? (size_t)len : 0, der};
    request.user = person->name;
    request.der = &field;
    request.n_der = 1;
    call(TP_OP_CERT_IMPORT, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    tp_ipc_reply_clear(&reply);
    OPENSSL_free(der);
}

/* The login stays: it is this uid's, so that programs need the PIN alone. */
static void certify(size_t index)
{
    struct tp_ipc_reply reply = {0};
    log_in(&people[index]);
    objects(&people[index], &reply);
    const Tp__Ipc__ObjectsReply *known = (const void *)reply.message;
    for (size_t i = 0; i < known->n_credentials; i++) {
        const uint8_t *spki = known->credentials[i]->spki.data;
        EVP_PKEY *key = d2i_PUBKEY(NULL, &spki, (long)known->credentials[i]->spki.len);
        X509 *certificate = bench_issue(key, index * KEYS_MAX + i + 1);
        import(&people[index], certificate);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    tp_ipc_reply_clear(&reply);
}

/* ---- a visit ---- */

enum { STORE, LOGIN, POLICY, SIGN, PARTS };
static struct {
    const char *name;
    int64_t us[SAMPLES_MAX];
    size_t len;
} parts[PARTS] = {{.name = "store"}, {.name = "login"}, {.name = "policy"}, {.name = "sign"}};

static int64_t part_end(unsigned part, int64_t start_us)
{
    int64_t now = tp_clock_monotonic_us();
    if (parts[part].len < SAMPLES_MAX)
        parts[part].us[parts[part].len++] = now - start_us;
    return now;
}

static void touch(size_t index)
{
    char name[NAME_LEN];
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__TokenRequest request = TP__IPC__TOKEN_REQUEST__INIT;
    user_name(index, name);
    request.user = name;
    int64_t start = tp_clock_monotonic_us();
    call(TP_OP_TOKEN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    (void)part_end(STORE, start);
    tp_ipc_reply_clear(&reply);
}

static void explain(struct person *person, char *credential)
{
    char hash_name[] = "SHA-256";
    struct tp_ipc_reply reply = {0};
    Tp__Ipc__ExplainRequest request = TP__IPC__EXPLAIN_REQUEST__INIT;
    request.user = person->name;
    request.credential = credential;
    request.mechanism = TP_IPC_ECDSA;
    request.hash_name = hash_name;
    call(TP_OP_POLICY_EXPLAIN, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, &reply);
    tp_ipc_reply_clear(&reply);
}

static void visit(struct person *person)
{
    struct tp_ipc_reply reply = {0};
    int64_t at = tp_clock_monotonic_us();
    log_in(person);
    (void)part_end(LOGIN, at);
    objects(person, &reply);
    Tp__Ipc__Credential *credential = ((const Tp__Ipc__ObjectsReply *)(const void *)reply.message)->credentials[0];
    sign(person, credential); /* the first has to unwrap */
    at = tp_clock_monotonic_us();
    for (unsigned i = 0; i < SIGNS; i++) {
        explain(person, credential->id);
        at = part_end(POLICY, at);
        sign(person, credential);
        at = part_end(SIGN, at);
    }
    tp_ipc_reply_clear(&reply);
    log_out(person);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void visit_all(size_t users)
{
    for (size_t i = 0; i < TOUCHES && i < users; i++)
        touch(i * (users / TOUCHES));
    for (size_t i = 0; i < people_len; i++)
        visit(&people[i]);
    for (unsigned part = 0; part < PARTS; part++) {
        if (parts[part].len == 0)
            fail(parts[part].name, "nothing was measured");
        qsort(parts[part].us, parts[part].len, sizeof parts[part].us[0], compare);
        (void)printf("%s %lld\n", parts[part].name, (long long)parts[part].us[parts[part].len / 2]);
    }
}

/* ---- commands ---- */

static void run(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "users") == 0) {
        crowd_run(number(argv[2], 100000000), number(argv[3], 100000000), add_user);
    } else if (argc == 6 && strcmp(argv[1], "people") == 0) {
        people_len = number(argv[2], PEOPLE_MAX);
        keys_wanted = number(argv[3], KEYS_MAX);
        key_type = argv[4];
        crowd_run(0, people_len, make_person);
        state_write(argv[5]);
    } else if (argc == 3 && strcmp(argv[1], "certify") == 0) {
        state_read(argv[2]);
        crowd_run(0, people_len, certify);
        state_write(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "warm") == 0) {
        state_read(argv[2]);
        crowd_run(0, people_len, warm);
        state_write(argv[2]);
        (void)printf("%zu\n", atomic_load(&keys_signed));
    } else if (argc == 4 && strcmp(argv[1], "visit") == 0) {
        state_read(argv[2]);
        visit_all(number(argv[3], 100000000));
        state_write(argv[2]);
    } else {
        fail("usage",
             "load users FROM TO | people COUNT KEYS TYPE STATE | certify STATE | warm STATE | visit STATE USERS");
    }
}

int main(int argc, char **argv)
{
    connect_to_engine();
    run(argc, argv);
    tp_ipc_client_free(client);
    return 0;
}
