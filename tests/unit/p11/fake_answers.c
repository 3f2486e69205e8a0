/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "fake_internal.h"
#include "pki/digest_info.h"
#include "pki/key.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <string.h>

#define USER_ID    "00112233445566778899aabbccddeeff"
#define OTHER_ID   "11112233445566778899aabbccddeeff"
#define SERVICE_ID "22222233445566778899aabbccddeeff"

static void refuse(struct fake_engine *engine, struct tp_ipc_request *request, enum tp_rc rc, const char *words)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, rc, "%s", words);
    tp_ipc_refuse(request, rc, &error, engine->tries_left);
}

static void answer(struct tp_ipc_request *request, const ProtobufCMessage *message)
{
    tp_ipc_answer(request, message, TP_BYTES_NONE);
}

struct fake_login *fake_shared_login(struct fake_engine *engine)
{
    for (unsigned i = 0; i < engine->login_count; i++)
        if (engine->logins[i].open && engine->logins[i].shared)
            return &engine->logins[i];
    return NULL;
}

static struct fake_login *find_login(struct fake_engine *engine, const char *id)
{
    if (id[0] == '\0')
        return fake_shared_login(engine);
    for (unsigned i = 0; i < engine->login_count; i++)
        if (strcmp(engine->logins[i].id, id) == 0 && engine->logins[i].open)
            return tp_clock_utc_ms() < engine->logins[i].until_ms ? &engine->logins[i] : NULL;
    return NULL;
}

/* The oldest one's place, when there is none left: a client that has closed its sessions does not say so. */
static struct fake_login *free_login(struct fake_engine *engine)
{
    if (engine->login_count < LOGINS_MOST)
        return &engine->logins[engine->login_count++];
    return &engine->logins[engine->logins_made % LOGINS_MOST];
}

struct fake_login *fake_new_login(struct fake_engine *engine, const char *user, bool shared)
{
    struct fake_login *login = free_login(engine);
    *login = (struct fake_login){.open = true,
                                 .shared = shared,
                                 .left = engine->signatures,
                                 .counted = engine->signatures != 0,
                                 .until_ms = tp_clock_utc_ms() + engine->for_ms};
    (void)snprintf(login->user, sizeof(login->user), "%s", user);
    (void)snprintf(login->id, sizeof(login->id), "authorisation-%u", ++engine->logins_made);
    return login;
}

static bool is_user(const struct fake_engine *engine, const char *name)
{
    return strcmp(name, FAKE_USER) == 0 || (engine->other && strcmp(name, FAKE_OTHER) == 0);
}

static void on_token(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static char ids[][33] = {USER_ID, OTHER_ID, SERVICE_ID}, labels[][16] = {"Alice's token", "Bob's token", "Test"};
    const Tp__Ipc__TokenRequest *asked = (const Tp__Ipc__TokenRequest *)request->message;
    Tp__Ipc__TokenReply reply = TP__IPC__TOKEN_REPLY__INIT;
    if (asked->user[0] != '\0' && !is_user(engine, asked->user)) {
        refuse(engine, request, TP_NOT_FOUND, "no such user");
        return;
    }
    bool alice = strcmp(asked->user, FAKE_USER) == 0;
    size_t which = alice ? 0 : asked->user[0] != '\0' ? 1 : 2;
    reply.user_id = ids[which];
    reply.label = labels[which];
    reply.enrolled = !alice || engine->enrolled;
    reply.locked = alice && engine->locked;
    reply.suspended = alice && engine->suspended;
    reply.tries_left = engine->tries_left;
    reply.tries_most = TRIES_MOST;
    reply.pin_min = FAKE_PIN_MIN;
    reply.pin_max = FAKE_PIN_MAX;
    reply.code_digits = strlen(FAKE_CODE);
    reply.objects = engine->generation;
    reply.open = fake_shared_login(engine) != NULL;
    answer(request, &reply.base);
}

static void fill_credential(struct fake_engine *engine, struct fake_key *key, Tp__Ipc__Credential *credential,
                            ProtobufCBinaryData *chain)
{
    tp__ipc__credential__init(credential);
    credential->id = key->id;
    credential->cka_id = (ProtobufCBinaryData){sizeof(key->cka_id), key->cka_id};
    credential->label = key->label;
    credential->key_type = key->type;
    credential->spki = (ProtobufCBinaryData){key->spki.len, key->spki.data};
    credential->certificate = (ProtobufCBinaryData){key->certificate.len, key->certificate.data};
    credential->state = key->state;
    credential->always_authenticate = key->always_authenticate;
    *chain = (ProtobufCBinaryData){engine->issuer.len, engine->issuer.data};
    credential->chain = chain;
    credential->n_chain = key->with_issuer ? 1 : 0;
}

static void on_objects(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__ObjectsRequest *asked = (const Tp__Ipc__ObjectsRequest *)request->message;
    Tp__Ipc__ObjectsReply reply = TP__IPC__OBJECTS_REPLY__INIT;
    Tp__Ipc__Credential *credentials = calloc(engine->key_count + 1, sizeof(*credentials));
    Tp__Ipc__Credential **list = calloc(engine->key_count + 1, sizeof(*list));
    ProtobufCBinaryData *chains = calloc(engine->key_count + 1, sizeof(*chains));
    MUST(credentials != NULL && list != NULL && chains != NULL);
    reply.generation = engine->generation;
    reply.unchanged = asked->known == engine->generation;
    for (size_t i = 0; !reply.unchanged && i < engine->key_count; i++) {
        if (strcmp(engine->keys[i].owner, asked->user) != 0)
            continue;
        fill_credential(engine, &engine->keys[i], &credentials[i], &chains[i]);
        list[reply.n_credentials++] = &credentials[i];
    }
    reply.credentials = list;
    answer(request, &reply.base);
    free(chains);
    free(list);
    free(credentials);
}

/* ---- events ---- */

/* How things are with all who are asked about, whatever it is that has happened. */
static void answer_events(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static char ids[][33] = {USER_ID, OTHER_ID, ""};
    const Tp__Ipc__EventsRequest *asked = (const Tp__Ipc__EventsRequest *)request->message;
    Tp__Ipc__EventsReply reply = TP__IPC__EVENTS_REPLY__INIT;
    Tp__Ipc__Event row[64], *rows[64];
    MUST(asked->n_users <= 64);
    for (size_t i = 0; asked->since != engine->events && i < asked->n_users; i++) {
        bool alice = strcmp(asked->users[i], FAKE_USER) == 0, present = is_user(engine, asked->users[i]);
        tp__ipc__event__init(&row[i]);
        row[i].user = asked->users[i];
        row[i].user_id = ids[!present ? 2 : alice ? 0 : 1];
        row[i].present = present;
        row[i].enrolled = present && (!alice || engine->enrolled);
        row[i].locked = alice && engine->locked;
        row[i].suspended = alice && engine->suspended;
        rows[reply.n_events++] = &row[i];
    }
    reply.now = engine->events;
    reply.events = rows;
    answer(request, &reply.base);
}

static void on_events(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__EventsRequest *asked = (const Tp__Ipc__EventsRequest *)request->message;
    if (asked->n_users == 0) {
        refuse(engine, request, TP_BAD_ARGUMENT, "name somebody");
    } else if (asked->since != engine->events || asked->wait_ms == 0) {
        answer_events(engine, request);
    } else {
        request->next = engine->watching;
        engine->watching = request;
        pthread_cond_broadcast(&engine->changed);
    }
}

void fake_tell(struct fake_engine *engine)
{
    engine->events++;
    while (engine->watching != NULL) {
        struct tp_ipc_request *request = engine->watching;
        engine->watching = request->next;
        answer_events(engine, request);
    }
}

void fake_drop_watching(struct fake_engine *engine)
{
    while (engine->watching != NULL) {
        struct tp_ipc_request *request = engine->watching;
        engine->watching = request->next;
        refuse(engine, request, TP_UNREACHABLE, "the end");
    }
}

/* ---- logins ---- */

static bool is_pin(const struct fake_engine *engine, const struct tp_secret *secret, bool with_code)
{
    char right[256];
    (void)snprintf(right, sizeof(right), "%s%s", engine->pin, with_code ? FAKE_CODE : "");
    return tp_bytes_equal(tp_secret_bytes(secret), tp_bytes_of_string(right));
}

static void on_wrong_pin(struct fake_engine *engine, struct tp_ipc_request *request)
{
    if (engine->tries_left > 0)
        engine->tries_left--;
    engine->locked = engine->tries_left == 0;
    refuse(engine, request, TP_PIN_WRONG, "the PIN or the code is wrong");
}

/* The same PIN and code again join what is open, as in the real one; PIN alone joins the shared one. */
static void on_login(struct fake_engine *engine, struct tp_ipc_request *request)
{
    Tp__Ipc__LoginReply reply = TP__IPC__LOGIN_REPLY__INIT;
    struct fake_login *login = fake_shared_login(engine);
    const char *user = ((const Tp__Ipc__LoginRequest *)request->message)->user;
    if (!is_user(engine, user)) {
        refuse(engine, request, TP_NOT_FOUND, "no such user");
        return;
    }
    if (!engine->enrolled || engine->locked) {
        refuse(engine, request, engine->locked ? TP_PIN_LOCKED : TP_NOT_ENROLLED, "not now");
        return;
    }
    if (!is_pin(engine, request->secret[0], true) && !(login != NULL && is_pin(engine, request->secret[0], false))) {
        on_wrong_pin(engine, request);
        return;
    }
    engine->tries_left = TRIES_MOST;
    reply.joined = login != NULL;
    if (login == NULL)
        login = fake_new_login(engine, user, false);
    reply.authorisation = login->id;
    reply.until_ms = login->until_ms;
    reply.signatures_left = login->counted ? login->left : 0;
    answer(request, &reply.base);
}

static void on_logout(struct fake_engine *engine, struct tp_ipc_request *request)
{
    struct fake_login *login = find_login(engine, ((const Tp__Ipc__LogoutRequest *)request->message)->authorisation);
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    if (login != NULL)
        login->open = false;
    answer(request, &reply.base);
}

static void on_authorisation(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__AuthorisationRequest *asked = (const Tp__Ipc__AuthorisationRequest *)request->message;
    Tp__Ipc__AuthorisationReply reply = TP__IPC__AUTHORISATION_REPLY__INIT;
    struct fake_login *login = find_login(engine, asked->authorisation);
    reply.open = login != NULL;
    if (login != NULL) {
        reply.authorisation = login->id;
        reply.until_ms = login->until_ms;
        reply.signatures_left = login->counted ? login->left : 0;
    }
    answer(request, &reply.base);
}

static void on_pin_change(struct fake_engine *engine, struct tp_ipc_request *request)
{
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    struct tp_bytes pin = tp_secret_bytes(request->secret[1]);
    if (!is_pin(engine, request->secret[0], true)) {
        on_wrong_pin(engine, request);
    } else if (pin.len < FAKE_PIN_MIN || pin.len > FAKE_PIN_MAX) {
        refuse(engine, request, TP_PIN_LENGTH, "too short or too long");
    } else {
        memcpy(engine->pin, pin.data, pin.len);
        engine->pin[pin.len] = '\0';
        answer(request, &reply.base);
    }
}

/* ---- signatures ---- */

static const EVP_MD *md_of(uint32_t bits)
{
    return bits == 160   ? EVP_sha1()
           : bits == 224 ? EVP_sha224()
           : bits == 256 ? EVP_sha256()
           : bits == 384 ? EVP_sha384()
                         : EVP_sha512();
}

static bool set_up(EVP_PKEY_CTX *ctx, const Tp__Ipc__SignRequest *asked)
{
    if (asked->mechanism == TP_IPC_RSA_PKCS)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    if (asked->mechanism == TP_IPC_RSA_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(ctx, md_of(asked->hash_bits)) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md_of(asked->mgf_bits)) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)asked->salt_len) == 1;
    return asked->mechanism == TP_IPC_ECDSA;
}

static enum tp_rc sign_ed(const struct fake_key *key, const Tp__Ipc__SignRequest *asked, struct tp_buf *signature)
{
    uint8_t bytes[128];
    size_t len = sizeof(bytes);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
                EVP_DigestSign(ctx, bytes, &len, asked->data.data, asked->data.len) == 1;
    EVP_MD_CTX_free(ctx);
    return done ? tp_buf_append(signature, TP_BYTES(bytes, len)) : TP_HSM;
}

/* PKCS#11 has r and s side by side, each of FIELD_LEN bytes; libcrypto has DER. */
static enum tp_rc append_raw(const uint8_t *der, size_t len, size_t field_len, struct tp_buf *ret_signature)
{
    uint8_t raw[2 * 66];
    const unsigned char *at = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    bool split = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)field_len) > 0 &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + field_len, (int)field_len) > 0;
    ECDSA_SIG_free(signature);
    return split ? tp_buf_append(ret_signature, TP_BYTES(raw, 2 * field_len)) : TP_HSM;
}

static enum tp_rc sign_with(const struct fake_key *key, const Tp__Ipc__SignRequest *asked, struct tp_buf *signature)
{
    uint8_t bytes[1024];
    size_t len = sizeof(bytes);
    if (asked->mechanism == TP_IPC_EDDSA)
        return sign_ed(key, asked, signature);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool done = EVP_PKEY_sign_init(ctx) == 1 && set_up(ctx, asked) &&
                EVP_PKEY_sign(ctx, bytes, &len, asked->data.data, asked->data.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (!done)
        return TP_HSM;
    if (asked->mechanism != TP_IPC_ECDSA)
        return tp_buf_append(signature, TP_BYTES(bytes, len));
    size_t field_len = (size_t)(EVP_PKEY_get_bits(key->pkey) + 7) / 8;
    return append_raw(bytes, len, field_len, signature);
}

static struct fake_key *find_key(struct fake_engine *engine, const char *id)
{
    for (size_t i = 0; i < engine->key_count; i++)
        if (strcmp(engine->keys[i].id, id) == 0)
            return &engine->keys[i];
    return NULL;
}

/* The real engine takes DigestInfos only. */
static enum tp_rc check_sign(struct fake_engine *engine, const Tp__Ipc__SignRequest *asked, struct fake_key **ret_key,
                             struct fake_login **ret_login)
{
    enum tp_pki_hash hash;
    struct tp_bytes digest;
    *ret_login = find_login(engine, asked->authorisation);
    *ret_key = find_key(engine, asked->credential);
    if (*ret_login == NULL || ((*ret_login)->counted && (*ret_login)->left == 0))
        return TP_NOT_LOGGED_IN;
    if (*ret_key == NULL || strcmp((*ret_key)->state, "deleted") == 0 ||
        strcmp((*ret_key)->owner, (*ret_login)->user) != 0)
        return TP_NOT_FOUND;
    if (strcmp((*ret_key)->state, "active") != 0)
        return TP_KEY_UNUSABLE;
    if (asked->mechanism == TP_IPC_RSA_PKCS &&
        tp_pki_digest_info_parse(TP_BYTES(asked->data.data, asked->data.len), &hash, &digest) != TP_OK)
        return TP_DATA;
    return TP_OK;
}

static void on_sign(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__SignRequest *asked = (const Tp__Ipc__SignRequest *)request->message;
    Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
    struct tp_buf signature = TP_BUF_INIT;
    struct fake_key *key = NULL;
    struct fake_login *login = NULL;
    (void)snprintf(engine->last_hash_name, sizeof(engine->last_hash_name), "%s", asked->hash_name);
    engine->last_data_len = asked->data.len;
    enum tp_rc rc = check_sign(engine, asked, &key, &login);
    if (rc == TP_OK)
        rc = sign_with(key, asked, &signature);
    if (rc != TP_OK) {
        refuse(engine, request, rc, tp_rc_words(rc));
    } else {
        if (login->counted)
            login->left--;
        reply.signature = (ProtobufCBinaryData){signature.len, signature.data};
        answer(request, &reply.base);
    }
    tp_buf_clear(&signature);
}

/* ---- all ---- */

void fake_answer(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static void (*const handlers[TP_IPC_OP_END])(struct fake_engine *, struct tp_ipc_request *) = {
        [TP_OP_TOKEN] = on_token,
        [TP_OP_OBJECTS] = on_objects,
        [TP_OP_EVENTS] = on_events,
        [TP_OP_LOGIN] = on_login,
        [TP_OP_LOGOUT] = on_logout,
        [TP_OP_AUTHORISATION] = on_authorisation,
        [TP_OP_SIGN] = on_sign,
        [TP_OP_PIN_CHANGE] = on_pin_change,
    };
    enum tp_ipc_op op = request->operation->op;
    if (engine->fail[op] != 0)
        refuse(engine, request, (enum tp_rc)engine->fail[op], "told to fail");
    else if (handlers[op] == NULL)
        refuse(engine, request, TP_NOT_PERMITTED, "not for clients");
    else
        handlers[op](engine, request);
}

void fake_drop_kept(struct fake_engine *engine)
{
    while (engine->kept != NULL) {
        struct tp_ipc_request *request = engine->kept;
        engine->kept = request->next;
        refuse(engine, request, TP_BUSY, "kept until the end");
    }
}
