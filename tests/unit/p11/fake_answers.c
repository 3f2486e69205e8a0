/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "fake_internal.h"
#include "pki/digest_info.h"
#include "pki/key.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <string.h>

#define SERVICE_ID "22222233445566778899aabbccddeeff"

/* USER NULL: it is not about one. */
static void refuse(const struct fake_user *user, struct tp_ipc_request *request, enum tp_rc rc, const char *words)
{
    struct tp_error error = {0};
    (void)tp_error_set(&error, rc, "%s", words);
    tp_ipc_refuse(request, rc, &error, user == NULL ? TRIES_MOST : user->tries_left);
}

static void answer(struct tp_ipc_request *request, const ProtobufCMessage *message)
{
    tp_ipc_answer(request, message, TP_BYTES_NONE);
}

struct fake_user *fake_find_user(struct fake_engine *engine, const char *name)
{
    for (size_t i = 0; i < engine->user_count; i++)
        if (strcmp(engine->users[i].name, name) == 0)
            return &engine->users[i];
    return NULL;
}

struct fake_login *fake_shared_login(struct fake_engine *engine)
{
    for (unsigned i = 0; i < engine->login_count; i++)
        if (engine->logins[i].open && engine->logins[i].shared)
            return &engine->logins[i];
    return NULL;
}

static struct fake_login *find_login(struct fake_engine *engine, const struct fake_user *user, const char *id)
{
    if (id[0] == '\0')
        return user == &engine->users[0] ? fake_shared_login(engine) : NULL;
    for (unsigned i = 0; i < engine->login_count; i++) {
        struct fake_login *login = &engine->logins[i];
        if (strcmp(login->id, id) == 0 && login->open && login->user == user)
            return tp_clock_utc_ms() < login->until_ms ? login : NULL;
    }
    return NULL;
}

/* Of one that has ended; else the oldest one's place: a client that has closed its sessions does not say so. */
static struct fake_login *free_login(struct fake_engine *engine)
{
    struct fake_login *oldest = &engine->logins[0];
    if (engine->login_count < LOGINS_MOST)
        return &engine->logins[engine->login_count++];
    for (unsigned i = 0; i < LOGINS_MOST; i++) {
        if (!engine->logins[i].open)
            return &engine->logins[i];
        if (engine->logins[i].number < oldest->number)
            oldest = &engine->logins[i];
    }
    return oldest;
}

struct fake_login *fake_new_login(struct fake_engine *engine, struct fake_user *user, const char *credential)
{
    struct fake_login *login = free_login(engine);
    bool single = credential[0] != '\0';
    *login = (struct fake_login){.user = user,
                                 .number = ++engine->logins_made,
                                 .open = true,
                                 .left = single ? 1 : engine->signatures,
                                 .counted = single || engine->signatures != 0,
                                 .until_ms = tp_clock_utc_ms() + engine->for_ms};
    (void)snprintf(login->id, sizeof(login->id), "authorisation-%u", login->number);
    (void)snprintf(login->credential, sizeof(login->credential), "%s", credential);
    return login;
}

static void on_token(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static struct fake_user service = {
        .id = SERVICE_ID, .label = "Test", .enrolled = true, .tries_left = TRIES_MOST};
    static char rsa[] = "rsa-2048", ec[] = "p-256";
    static char *key_types[] = {rsa, ec};
    const Tp__Ipc__TokenRequest *asked = (const Tp__Ipc__TokenRequest *)request->message;
    Tp__Ipc__TokenReply reply = TP__IPC__TOKEN_REPLY__INIT;
    /* "": the service itself */
    struct fake_user *user = asked->user[0] == '\0' ? &service : fake_find_user(engine, asked->user);
    if (user == NULL || user->officer) {
        refuse(NULL, request, TP_NOT_FOUND, "no such user");
        return;
    }
    reply.user_id = user->id;
    reply.label = user->label;
    reply.enrolled = user->enrolled;
    reply.pin_initial = user->pin_initial;
    reply.locked = user->locked;
    reply.suspended = user->suspended;
    reply.tries_left = user->tries_left;
    reply.tries_most = TRIES_MOST;
    reply.pin_min = FAKE_PIN_MIN;
    reply.pin_max = FAKE_PIN_MAX;
    reply.code_digits = strlen(FAKE_CODE);
    reply.objects = engine->generation;
    reply.open = fake_shared_login(engine) != NULL;
    reply.key_types = key_types;
    reply.n_key_types = 2;
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
    if (fake_find_user(engine, asked->user) == NULL) {
        refuse(NULL, request, TP_NOT_FOUND, "no such user");
        return;
    }
    Tp__Ipc__Credential *credentials = calloc(engine->key_count + 1, sizeof(*credentials));
    Tp__Ipc__Credential **list = calloc(engine->key_count + 1, sizeof(*list));
    ProtobufCBinaryData *chains = calloc(engine->key_count + 1, sizeof(*chains));
    MUST(credentials != NULL && list != NULL && chains != NULL);
    reply.generation = engine->generation;
    reply.unchanged = asked->known == engine->generation;
    for (size_t i = 0; !reply.unchanged && i < engine->key_count; i++) {
        if (strcmp(engine->keys[i].owner->name, asked->user) != 0)
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

static struct fake_key *find_key(struct fake_engine *engine, const char *id)
{
    for (size_t i = 0; i < engine->key_count; i++)
        if (strcmp(engine->keys[i].id, id) == 0)
            return &engine->keys[i];
    return NULL;
}

static bool is_pin(const struct fake_user *user, const struct tp_secret *secret, bool with_code)
{
    char right[256];
    (void)snprintf(right, sizeof(right), "%s%s", user->pin, with_code ? FAKE_CODE : "");
    return tp_bytes_equal(tp_secret_bytes(secret), tp_bytes_of_string(right));
}

static void on_wrong_pin(struct fake_user *user, struct tp_ipc_request *request)
{
    if (user->tries_left > 0)
        user->tries_left--;
    user->locked = user->tries_left == 0;
    refuse(user, request, TP_PIN_WRONG, "the PIN or the code is wrong");
}

/* A login for one signature is only for keys that want one. */
static enum tp_rc check_login(struct fake_engine *engine, const struct fake_user *user,
                              const Tp__Ipc__LoginRequest *asked)
{
    const struct fake_key *key = find_key(engine, asked->credential);
    if (user == NULL || (asked->credential[0] != '\0' && (key == NULL || key->owner != user)))
        return TP_NOT_FOUND;
    if (user->locked || !user->enrolled || user->pin_initial)
        return user->locked ? TP_PIN_LOCKED : !user->enrolled ? TP_NOT_ENROLLED : TP_PIN_EXPIRED;
    return asked->credential[0] == '\0' || key->always_authenticate ? TP_OK : TP_BAD_ARGUMENT;
}

/* The same PIN and code again join what is open, as in the real one; PIN alone joins the shared one. */
static void on_login(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static char officer[] = "officer", *roles[] = {officer};
    const Tp__Ipc__LoginRequest *asked = (const Tp__Ipc__LoginRequest *)request->message;
    Tp__Ipc__LoginReply reply = TP__IPC__LOGIN_REPLY__INIT;
    struct fake_user *user = fake_find_user(engine, asked->user);
    enum tp_rc rc = check_login(engine, user, asked);
    if (rc != TP_OK) {
        refuse(user, request, rc, "not now");
        return;
    }
    struct fake_login *login = asked->credential[0] == '\0' ? find_login(engine, user, "") : NULL;
    if (!is_pin(user, request->secret[0], true) && !(login != NULL && is_pin(user, request->secret[0], false))) {
        on_wrong_pin(user, request);
        return;
    }
    user->tries_left = TRIES_MOST;
    reply.joined = login != NULL;
    if (login == NULL)
        login = fake_new_login(engine, user, asked->credential);
    reply.authorisation = login->id;
    reply.until_ms = login->until_ms;
    reply.signatures_left = login->counted ? login->left : 0;
    reply.roles = roles;
    reply.n_roles = user->officer ? 1 : 0;
    answer(request, &reply.base);
}

static void on_logout(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__LogoutRequest *asked = (const Tp__Ipc__LogoutRequest *)request->message;
    struct fake_login *login = find_login(engine, fake_find_user(engine, asked->user), asked->authorisation);
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    if (login != NULL)
        login->open = false;
    answer(request, &reply.base);
}

static void on_authorisation(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__AuthorisationRequest *asked = (const Tp__Ipc__AuthorisationRequest *)request->message;
    Tp__Ipc__AuthorisationReply reply = TP__IPC__AUTHORISATION_REPLY__INIT;
    struct fake_login *login = find_login(engine, fake_find_user(engine, asked->user), asked->authorisation);
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
    struct fake_user *user = fake_find_user(engine, ((const Tp__Ipc__PinChangeRequest *)request->message)->user);
    if (user == NULL) {
        refuse(NULL, request, TP_NOT_FOUND, "no such user");
    } else if (!is_pin(user, request->secret[0], true)) {
        on_wrong_pin(user, request);
    } else if (pin.len < FAKE_PIN_MIN || pin.len > FAKE_PIN_MAX) {
        refuse(user, request, TP_PIN_LENGTH, "too short or too long");
    } else {
        memcpy(user->pin, pin.data, pin.len);
        user->pin[pin.len] = '\0';
        user->pin_initial = false;
        answer(request, &reply.base);
    }
}

/* ---- the officer ---- */

static bool officer_is_in(const struct fake_engine *engine)
{
    for (unsigned i = 0; i < engine->login_count; i++)
        if (engine->logins[i].open && engine->logins[i].user->officer)
            return true;
    return false;
}

static void on_pin_init(struct fake_engine *engine, struct tp_ipc_request *request)
{
    Tp__Ipc__PinInitReply reply = TP__IPC__PIN_INIT_REPLY__INIT;
    struct tp_bytes pin = tp_secret_bytes(request->secret[0]);
    struct fake_user *user = fake_find_user(engine, ((const Tp__Ipc__PinInitRequest *)request->message)->user);
    if (!officer_is_in(engine) || user == NULL) {
        refuse(NULL, request, TP_NOT_PERMITTED, "for officers");
    } else if (pin.len < FAKE_PIN_MIN || pin.len > FAKE_PIN_MAX) {
        refuse(NULL, request, TP_PIN_LENGTH, "too short or too long");
    } else if (pin.data[0] == '1') {
        refuse(NULL, request, TP_BAD_ARGUMENT, "a run");
    } else {
        memcpy(user->pin, pin.data, pin.len);
        user->pin[pin.len] = '\0';
        reply.enrolment = engine->without_factor;
        reply.keys_lost = (uint32_t)engine->key_count;
        user->enrolled = user->pin_initial = !engine->without_factor;
        answer(request, &reply.base);
    }
}

static void on_token_init(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__TokenInitRequest *asked = (const Tp__Ipc__TokenInitRequest *)request->message;
    Tp__Ipc__TokenInitReply reply = TP__IPC__TOKEN_INIT_REPLY__INIT;
    struct fake_user *user = fake_find_user(engine, asked->user);
    if (!officer_is_in(engine)) {
        refuse(NULL, request, TP_NOT_PERMITTED, "for officers");
        return;
    }
    reply.added = user == NULL;
    if (user == NULL)
        user = fake_add_user(engine, asked->user);
    user->enrolled = user->pin_initial = false;
    (void)snprintf(user->label, sizeof(user->label), "%s", asked->label);
    answer(request, &reply.base);
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

/* A login for one signature signs with its key alone, and a key that wants such a login with no other. */
static bool fits(const struct fake_login *login, const struct fake_key *key)
{
    return login->credential[0] != '\0' ? strcmp(login->credential, key->id) == 0 : !key->always_authenticate;
}

/* The real engine takes DigestInfos only. */
static enum tp_rc check_sign(struct fake_engine *engine, const Tp__Ipc__SignRequest *asked, struct fake_key **ret_key,
                             struct fake_login **ret_login)
{
    enum tp_pki_hash hash;
    struct tp_bytes digest;
    *ret_login = find_login(engine, fake_find_user(engine, asked->user), asked->authorisation);
    *ret_key = find_key(engine, asked->credential);
    if (*ret_login == NULL || ((*ret_login)->counted && (*ret_login)->left == 0))
        return TP_NOT_LOGGED_IN;
    if (*ret_key == NULL || strcmp((*ret_key)->state, "deleted") == 0 || (*ret_key)->owner != (*ret_login)->user)
        return TP_NOT_FOUND;
    if (!fits(*ret_login, *ret_key))
        return TP_NOT_LOGGED_IN;
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
        refuse(NULL, request, rc, tp_rc_words(rc));
    } else {
        if (login->counted)
            login->left--;
        login->open = login->open && (login->credential[0] == '\0' || login->left > 0);
        reply.signature = (ProtobufCBinaryData){signature.len, signature.data};
        answer(request, &reply.base);
    }
    tp_buf_clear(&signature);
}

/* ---- keys made and destroyed ---- */

static bool is_logged_in(const struct fake_engine *engine, const struct fake_user *user)
{
    for (unsigned i = 0; i < engine->login_count; i++)
        if (engine->logins[i].user == user && engine->logins[i].open && tp_clock_utc_ms() < engine->logins[i].until_ms)
            return true;
    return false;
}

static void answer_key(struct fake_engine *engine, struct tp_ipc_request *request, struct fake_key *key)
{
    Tp__Ipc__KeyReply reply = TP__IPC__KEY_REPLY__INIT;
    Tp__Ipc__Credential credential;
    ProtobufCBinaryData chain;
    engine->generation++;
    fill_credential(engine, key, &credential, &chain);
    reply.credential = &credential;
    answer(request, &reply.base);
}

static void on_key_generate(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__KeyGenerateRequest *asked = (const Tp__Ipc__KeyGenerateRequest *)request->message;
    struct fake_user *user = fake_find_user(engine, asked->user);
    bool taken = false;
    for (size_t i = 0; i < engine->key_count; i++)
        taken = taken || (engine->keys[i].owner == user && strcmp(engine->keys[i].label, asked->label) == 0);
    if (user == NULL || !is_logged_in(engine, user) || taken) {
        refuse(NULL, request, taken ? TP_EXISTS : TP_NOT_PERMITTED, "not so");
        return;
    }
    struct fake_key *key = fake_add_key(engine, user, asked->key_type, asked->label);
    if (asked->cka_id.len == sizeof(key->cka_id))
        memcpy(key->cka_id, asked->cka_id.data, sizeof(key->cka_id));
    key->always_authenticate = asked->always_authenticate;
    answer_key(engine, request, key);
}

static void on_key_change(struct fake_engine *engine, struct tp_ipc_request *request)
{
    const Tp__Ipc__KeyChangeRequest *asked = (const Tp__Ipc__KeyChangeRequest *)request->message;
    struct fake_key *key = find_key(engine, asked->credential);
    if (key == NULL || !is_logged_in(engine, key->owner)) {
        refuse(NULL, request, key == NULL ? TP_NOT_FOUND : TP_NOT_PERMITTED, "not so");
        return;
    }
    if (asked->label[0] != '\0') {
        free(key->label);
        key->label = strdup(asked->label);
    }
    if (asked->cka_id.len == sizeof(key->cka_id))
        memcpy(key->cka_id, asked->cka_id.data, sizeof(key->cka_id));
    answer_key(engine, request, key);
}

static void on_key_delete(struct fake_engine *engine, struct tp_ipc_request *request)
{
    struct fake_key *key = find_key(engine, ((const Tp__Ipc__KeyRequest *)request->message)->credential);
    Tp__Ipc__Empty reply = TP__IPC__EMPTY__INIT;
    if (key == NULL || !is_logged_in(engine, key->owner)) {
        refuse(NULL, request, key == NULL ? TP_NOT_FOUND : TP_NOT_PERMITTED, "not so");
        return;
    }
    (void)snprintf(key->state, sizeof(key->state), "deleted");
    engine->generation++;
    answer(request, &reply.base);
}

/* ---- all ---- */

void fake_answer(struct fake_engine *engine, struct tp_ipc_request *request)
{
    static void (*const handlers[TP_IPC_OP_END])(struct fake_engine *, struct tp_ipc_request *) = {
        [TP_OP_TOKEN] = on_token,
        [TP_OP_OBJECTS] = on_objects,
        [TP_OP_LOGIN] = on_login,
        [TP_OP_LOGOUT] = on_logout,
        [TP_OP_AUTHORISATION] = on_authorisation,
        [TP_OP_SIGN] = on_sign,
        [TP_OP_PIN_CHANGE] = on_pin_change,
        [TP_OP_EVENTS] = fake_on_events,
        [TP_OP_KEY_GENERATE] = on_key_generate,
        [TP_OP_KEY_CHANGE] = on_key_change,
        [TP_OP_KEY_DELETE] = on_key_delete,
        [TP_OP_PIN_INIT] = on_pin_init,
        [TP_OP_TOKEN_INIT] = on_token_init,
    };
    enum tp_ipc_op op = request->operation->op;
    if (engine->fail[op] != 0)
        refuse(NULL, request, (enum tp_rc)engine->fail[op], "told to fail");
    else if (handlers[op] == NULL)
        refuse(NULL, request, TP_NOT_PERMITTED, "not for clients");
    else
        handlers[op](engine, request);
}

void fake_drop_kept(struct fake_engine *engine)
{
    while (engine->kept != NULL) {
        struct tp_ipc_request *request = engine->kept;
        engine->kept = request->next;
        refuse(NULL, request, TP_BUSY, "kept until the end");
    }
}
