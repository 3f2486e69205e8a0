/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/crypto.h"
#include "engine/deployment.h"
#include "pki/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIGITS     6
#define TIMEOUT_MS 60000 /* far more than anything here takes: what runs into it has hung */

void world_require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "engine: %s\n", what);
    abort();
}

void world_require_ok(enum tp_rc rc, const struct tp_error *error)
{
    world_require(rc == TP_OK, rc == TP_OK ? "" : tp_error_words(error));
}

/* ---- token, configuration, store ---- */

static void make_token(const struct world *world)
{
    char command[640];
    snprintf(command, sizeof command,
             "cd %s && mkdir tokens && echo directories.tokendir = %s/tokens >softhsm2.conf && umask 077 && "
             "echo 12345678 >pin && SOFTHSM2_CONF=%s/softhsm2.conf softhsm2-util --init-token --free --label test "
             "--so-pin 12345678 --pin 12345678 >/dev/null",
             world->dir, world->dir, world->dir);
    world_require(system(command) == 0, "softhsm2-util failed");
    snprintf(command, sizeof command, "%s/softhsm2.conf", world->dir);
    setenv("SOFTHSM2_CONF", command, 1);
}

static void write_conf(const struct world *world, const char *settings, const char *sections)
{
    FILE *file = fopen(world->conf_path, "we");
    world_require(file != NULL, "no configuration can be written");
    fprintf(file,
            "name = test\nsocket = %s\nstore = %s/store.db\naudit_key = %s/audit.pem\n"
            "hsm = pkcs11:token=test?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:%s/pin\n%s\n"
            "[pin]\ninsecure_cheap = yes\nmemory_kib = 8\npasses = 1\ntries = %d\n[policy]\nwithout_certificate = "
            "yes\n%s\n",
            world->socket_path, world->dir, world->dir, world->dir, settings, WORLD_TRIES, sections);
    fclose(file);
    world_require(chmod(world->conf_path, 0600) == 0, "chmod");
}

static void make_deployment(struct world *world)
{
    struct tp_engine_conf conf;
    struct tp_error error = {0};
    world_require_ok(tp_engine_conf_read(world->conf_path, &error, &conf), &error);
    world_require_ok(tp_deployment_create(&conf, TP_BYTES_NONE, NULL, NULL, NULL, &error, &world->audit_spki), &error);
    tp_engine_conf_clear(&conf);
}

void world_make(struct world *world, const char *settings, const char *sections)
{
    *world = (struct world){.dir = "/tmp/tp-engine-XXXXXX"};
    world_require(mkdtemp(world->dir) != NULL, "no temporary directory");
    snprintf(world->conf_path, sizeof world->conf_path, "%s/engine.conf", world->dir);
    snprintf(world->socket_path, sizeof world->socket_path, "%s/socket", world->dir);
    snprintf(world->store_url, sizeof world->store_url, "%s/store.db", world->dir);
    make_token(world);
    write_conf(world, settings, sections);
    make_deployment(world);
}

void world_remove(struct world *world)
{
    char command[128];
    tp_buf_clear(&world->audit_spki);
    snprintf(command, sizeof command, "rm -rf %s", world->dir);
    world_require(system(command) == 0, "the temporary directory cannot be removed");
}

/* ---- the engine ---- */

static void *serve(void *context)
{
    struct world *world = context;
    struct tp_error error = {0};
    world_require_ok(tp_engine_run(world->engine, &error), &error);
    return NULL;
}

static void no_tampering(const char *words)
{
    world_require(false, words);
}

void world_start(struct world *world)
{
    struct tp_error error = {0};
    world_require_ok(tp_engine_new(world->conf_path, false, &error, &world->engine), &error);
    tp_engine_on_tampered(world->engine, no_tampering);
    world_require(pthread_create(&world->server, NULL, serve, world) == 0, "no thread");
}

void world_stop(struct world *world)
{
    tp_engine_stop(world->engine);
    pthread_join(world->server, NULL);
    tp_engine_free(world->engine);
    world->engine = NULL;
}

/* ---- calls ---- */

char *world_text(const char *value)
{
    return (char *)(uintptr_t)value;
}

struct tp_ipc_client *world_client(const struct world *world, int64_t timeout_ms)
{
    struct tp_ipc_client_config config = {
        .socket_path = world->socket_path, .program = "test", .timeout_ms = timeout_ms > 0 ? timeout_ms : TIMEOUT_MS};
    struct tp_ipc_client *client = NULL;
    world_require(tp_ipc_client_new(&config, &client) == TP_OK, "no client");
    return client;
}

enum tp_rc world_call(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                      struct tp_bytes secret, struct tp_error *error)
{
    struct tp_ipc_reply reply = {0};
    enum tp_rc rc = tp_ipc_call(client, op, request, secret, TP_BYTES_NONE, 0, error, &reply);
    tp_ipc_reply_clear(&reply);
    return rc;
}

enum tp_rc world_user(struct tp_ipc_client *client, enum tp_ipc_op op, const char *name)
{
    Tp__Ipc__UserRequest request = TP__IPC__USER_REQUEST__INIT;
    request.user = (char *)(uintptr_t)name;
    request.reason = (char *)(uintptr_t) "test";
    return world_call(client, op, &request.base, TP_BYTES_NONE, NULL);
}

enum tp_rc world_key_state(struct tp_ipc_client *client, const char *user, const char *credential, const char *state)
{
    Tp__Ipc__KeyRequest request = TP__IPC__KEY_REQUEST__INIT;
    request.user = (char *)(uintptr_t)user;
    request.credential = (char *)(uintptr_t)credential;
    request.state = (char *)(uintptr_t)state;
    return world_call(client, TP_OP_KEY_STATE, &request.base, TP_BYTES_NONE, NULL);
}

static void key_make(struct tp_ipc_client *client, const char *user, const char *label, bool always_authenticate,
                     char ret_id[TP_ID_LEN], EVP_PKEY **ret_public)
{
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct tp_error error = {0};
    request.user = (char *)(uintptr_t)user;
    request.label = (char *)(uintptr_t)label;
    request.key_type = (char *)(uintptr_t) "p-256";
    request.always_authenticate = always_authenticate;
    world_require_ok(
        tp_ipc_call(client, TP_OP_KEY_GENERATE, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply),
        &error);
    const Tp__Ipc__Credential *made = ((const Tp__Ipc__KeyReply *)reply.message)->credential;
    snprintf(ret_id, TP_ID_LEN, "%s", made->id);
    if (ret_public != NULL)
        world_require_ok(tp_pki_key_load(TP_BYTES(made->spki.data, made->spki.len), &error, ret_public), &error);
    tp_ipc_reply_clear(&reply);
}

void world_key_make(struct tp_ipc_client *client, const char *user, const char *label, char ret_id[TP_ID_LEN],
                    EVP_PKEY **ret_public)
{
    key_make(client, user, label, false, ret_id, ret_public);
}

void world_key_make_single(struct tp_ipc_client *client, const char *user, const char *label, char ret_id[TP_ID_LEN],
                           EVP_PKEY **ret_public)
{
    key_make(client, user, label, true, ret_id, ret_public);
}

enum tp_rc world_key_delete(struct tp_ipc_client *client, const char *user, const char *credential)
{
    Tp__Ipc__KeyRequest request = TP__IPC__KEY_REQUEST__INIT;
    request.user = (char *)(uintptr_t)user;
    request.credential = (char *)(uintptr_t)credential;
    return world_call(client, TP_OP_KEY_DELETE, &request.base, TP_BYTES_NONE, NULL);
}

enum tp_rc world_csr(struct tp_ipc_client *client, const char *user, const char *credential)
{
    Tp__Ipc__CsrRequest request = TP__IPC__CSR_REQUEST__INIT;
    request.user = (char *)(uintptr_t)user;
    request.credential = (char *)(uintptr_t)credential;
    request.subject = (char *)(uintptr_t) "CN=test";
    return world_call(client, TP_OP_CSR, &request.base, TP_BYTES_NONE, NULL);
}

enum tp_rc world_log_out(struct tp_ipc_client *client, const char *user, const char *authorisation)
{
    Tp__Ipc__LogoutRequest request = TP__IPC__LOGOUT_REQUEST__INIT;
    request.user = (char *)(uintptr_t)user;
    request.authorisation = (char *)(uintptr_t)authorisation;
    return world_call(client, TP_OP_LOGOUT, &request.base, TP_BYTES_NONE, NULL);
}

enum tp_rc world_look(struct tp_ipc_client *client, const char *user)
{
    Tp__Ipc__TokenRequest token = TP__IPC__TOKEN_REQUEST__INIT;
    Tp__Ipc__ObjectsRequest objects = TP__IPC__OBJECTS_REQUEST__INIT;
    Tp__Ipc__FactorRequest factors = TP__IPC__FACTOR_REQUEST__INIT;
    Tp__Ipc__ListRequest users = TP__IPC__LIST_REQUEST__INIT;
    Tp__Ipc__AuditListRequest log = TP__IPC__AUDIT_LIST_REQUEST__INIT;
    Tp__Ipc__Empty empty = TP__IPC__EMPTY__INIT;
    enum tp_rc worst = TP_OK;
    token.user = objects.user = factors.user = (char *)(uintptr_t)user;
    log.from = UINT64_MAX;
    log.backwards = true;
    log.limit = 20;
    const struct {
        enum tp_ipc_op op;
        const ProtobufCMessage *request;
    } looks[] = {
        {TP_OP_TOKEN, &token.base},       {TP_OP_OBJECTS, &objects.base}, {TP_OP_FACTOR_LIST, &factors.base},
        {TP_OP_USER_LIST, &users.base},   {TP_OP_AUDIT_LIST, &log.base},  {TP_OP_STATUS, &empty.base},
        {TP_OP_POLICY_SHOW, &empty.base}, {TP_OP_DOCTOR, &empty.base},    {TP_OP_AUDIT_CHECKPOINT, &empty.base}};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        enum tp_rc rc = world_call(client, looks[i].op, looks[i].request, TP_BYTES_NONE, NULL);
        worst = rc != TP_OK ? rc : worst;
    }
    return worst;
}

/* ---- the log ---- */

static void read_entry(const Tp__Ipc__AuditEntry *item, struct found *found)
{
    Tp__Audit__Entry *entry = tp__audit__entry__unpack(NULL, item->entry.len, item->entry.data);
    world_require(entry != NULL, "an entry that cannot be read");
    found->any = true;
    snprintf(found->subject, sizeof found->subject, "%s", item->subject);
    snprintf(found->role, sizeof found->role, "%s", entry->role);
    snprintf(found->outcome, sizeof found->outcome, "%s", entry->outcome);
    snprintf(found->detail, sizeof found->detail, "%s", entry->detail);
    tp__audit__entry__free_unpacked(entry, NULL);
}

struct found world_entry(struct tp_ipc_client *client, const char *action)
{
    Tp__Ipc__AuditListRequest request = TP__IPC__AUDIT_LIST_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct found found = {.any = false};
    request.from = UINT64_MAX;
    request.backwards = true;
    request.limit = 1;
    request.action = (char *)(uintptr_t)action;
    world_require(tp_ipc_call(client, TP_OP_AUDIT_LIST, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply) ==
                      TP_OK,
                  "the log cannot be read");
    const Tp__Ipc__AuditListReply *list = (const Tp__Ipc__AuditListReply *)reply.message;
    if (list->n_entries == 1)
        read_entry(list->entries[0], &found);
    tp_ipc_reply_clear(&reply);
    return found;
}

/* ---- people ---- */

/* RFC 4226 §5.3 */
static void hotp(const struct person *person, uint64_t counter, char ret_code[DIGITS + 1])
{
    uint8_t moving[8], mac[20];
    size_t len = 0;
    tp_put_be64(moving, counter);
    world_require(EVP_Q_mac(tp_crypto_libctx(), "HMAC", NULL, "SHA1", NULL, person->seed, person->seed_len, moving,
                            sizeof moving, mac, sizeof mac, &len) != NULL,
                  "HMAC");
    uint32_t truncated = tp_get_be32(mac + (mac[19] & 15)) & 0x7fffffff;
    snprintf(ret_code, DIGITS + 1, "%06u", truncated % 1000000);
}

struct tp_secret *person_invite(struct tp_ipc_client *client, const char *name, const char *role)
{
    Tp__Ipc__UserAddRequest request = TP__IPC__USER_ADD_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct tp_error error = {0};
    char *roles[] = {(char *)(uintptr_t)role};
    request.user = (char *)(uintptr_t)name;
    request.roles = roles;
    request.n_roles = role[0] != '\0' ? 1 : 0;
    world_require_ok(
        tp_ipc_call(client, TP_OP_USER_ADD, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, &error, &reply), &error);
    struct tp_secret *code = reply.secret;
    reply.secret = NULL;
    tp_ipc_reply_clear(&reply);
    return code;
}

static void enrol(struct person *person, struct tp_ipc_client *client, struct tp_bytes code)
{
    Tp__Ipc__EnrolRequest request = TP__IPC__ENROL_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct tp_error error = {0};
    request.user = (char *)(uintptr_t)person->name;
    request.factor = (char *)(uintptr_t) "hotp";
    world_require_ok(
        tp_ipc_call(client, TP_OP_ENROL, &request.base, code, tp_bytes_of_string(person->pin), 0, &error, &reply),
        &error);
    struct tp_bytes seed = tp_secret_bytes(reply.secret);
    world_require(seed.len > 0 && seed.len <= sizeof person->seed, "a seed of a strange length");
    memcpy(person->seed, seed.data, seed.len);
    person->seed_len = seed.len;
    tp_ipc_reply_clear(&reply);
}

static void confirm(struct person *person, struct tp_ipc_client *client, struct tp_bytes code)
{
    Tp__Ipc__EnrolConfirmRequest request = TP__IPC__ENROL_CONFIRM_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct tp_error error = {0};
    char first[DIGITS + 1];
    hotp(person, person->counter++, first);
    request.user = (char *)(uintptr_t)person->name;
    world_require_ok(
        tp_ipc_call(client, TP_OP_ENROL_CONFIRM, &request.base, code, tp_bytes_of_string(first), 0, &error, &reply),
        &error);
    tp_ipc_reply_clear(&reply);
}

void person_enrol(struct person *person, struct tp_ipc_client *client, const char *name, struct tp_bytes code)
{
    *person = (struct person){.name = name, .pin = "correct horse"};
    pthread_mutex_init(&person->lock, NULL);
    enrol(person, client, code);
    confirm(person, client, code);
}

void person_add(struct person *person, struct tp_ipc_client *client, const char *name, const char *role)
{
    struct tp_secret *code = person_invite(client, name, role);
    person_enrol(person, client, name, tp_secret_bytes(code));
    tp_secret_free(code);
}

void person_secret(struct person *person, char ret_secret[64])
{
    char code[DIGITS + 1];
    hotp(person, person->counter++, code);
    snprintf(ret_secret, 64, "%s%s", person->pin, code);
}

enum tp_rc person_login_with(const struct person *person, struct tp_ipc_client *client, struct login wish,
                             const char *secret, struct tp_error *error, char *ret_id)
{
    Tp__Ipc__LoginRequest request = TP__IPC__LOGIN_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = (char *)(uintptr_t)person->name;
    request.shared = wish.shared;
    request.for_ms = wish.for_ms;
    request.signatures = wish.signatures;
    if (wish.credential != NULL)
        request.credential = (char *)(uintptr_t)wish.credential;
    enum tp_rc rc =
        tp_ipc_call(client, TP_OP_LOGIN, &request.base, tp_bytes_of_string(secret), TP_BYTES_NONE, 0, error, &reply);
    if (rc == TP_OK && ret_id != NULL)
        snprintf(ret_id, TP_ID_LEN, "%s", ((const Tp__Ipc__LoginReply *)reply.message)->authorisation);
    tp_ipc_reply_clear(&reply);
    return rc;
}

enum tp_rc person_login(struct person *person, struct tp_ipc_client *client, struct login wish, char *ret_id)
{
    char secret[64];
    pthread_mutex_lock(&person->lock);
    person_secret(person, secret);
    enum tp_rc rc = person_login_with(person, client, wish, secret, NULL, ret_id);
    if (rc == TP_NOT_PERMITTED)
        person->counter--; /* nobody has looked at the code; ten unused ones would be too many */
    pthread_mutex_unlock(&person->lock);
    return rc;
}

enum tp_rc person_change_pin(struct person *person, struct tp_ipc_client *client, const char *new_pin)
{
    Tp__Ipc__PinChangeRequest request = TP__IPC__PIN_CHANGE_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    char secret[64];
    request.user = (char *)(uintptr_t)person->name;
    pthread_mutex_lock(&person->lock);
    person_secret(person, secret);
    enum tp_rc rc = tp_ipc_call(client, TP_OP_PIN_CHANGE, &request.base, tp_bytes_of_string(secret),
                                tp_bytes_of_string(new_pin), 0, NULL, &reply);
    tp_ipc_reply_clear(&reply);
    if (rc == TP_OK)
        snprintf(person->pin, sizeof person->pin, "%s", new_pin);
    if (rc == TP_NOT_PERMITTED)
        person->counter--;
    pthread_mutex_unlock(&person->lock);
    return rc;
}

/* ---- signing ---- */

static bool verifies(EVP_PKEY *public, const uint8_t hash[TP_SHA256_LEN], struct tp_bytes raw)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(tp_crypto_libctx(), public, NULL);
    bool good = context != NULL && tp_pki_ecdsa_to_der(raw, &der) == TP_OK && EVP_PKEY_verify_init(context) == 1 &&
                EVP_PKEY_verify(context, der.data, der.len, hash, TP_SHA256_LEN) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

enum tp_rc world_sign(struct tp_ipc_client *client, const char *user, const char *authorisation, const char *credential,
                      EVP_PKEY *public)
{
    Tp__Ipc__SignRequest request = TP__IPC__SIGN_REQUEST__INIT;
    uint8_t hash[TP_SHA256_LEN], signature[TP_HSM_SIGNATURE_MAX];
    size_t len = sizeof signature;
    world_require(tp_random(hash, sizeof hash) == TP_OK, "no random numbers");
    request.user = (char *)(uintptr_t)user;
    request.authorisation = (char *)(uintptr_t)authorisation;
    request.credential = (char *)(uintptr_t)credential;
    request.mechanism = TP_IPC_ECDSA;
    request.data = (ProtobufCBinaryData){.data = hash, .len = sizeof hash};
    enum tp_rc rc = tp_ipc_sign(client, &request, 0, NULL, signature, &len);
    if (rc == TP_OK && public != NULL)
        world_require(verifies(public, hash, TP_BYTES(signature, len)), "a signature does not verify");
    return rc;
}
