/* SPDX-License-Identifier: Apache-2.0 */
#include "../unit/p11/fake_engine.h"
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

struct token token;
CK_BYTE data[32] = "32 bytes, as many as SHA-256 has";
const char pin[] = FAKE_PIN_CODE, new_pin[] = FAKE_PIN, username[] = FAKE_USER;

static void must(CK_RV rv, const char *what)
{
    if (rv != CKR_OK)
        fail("%s: 0x%lx", what, rv);
}

/* ---- the engine ---- */

static char folder[] = "/tmp/trustp11-sweep-XXXXXX", conf_path[64], socket_path[64];
static struct fake_engine *engine;

void token_start(void)
{
    if (mkdtemp(folder) == NULL)
        fail("no temporary folder");
    (void)snprintf(conf_path, sizeof(conf_path), "%s/trustp11.conf", folder);
    (void)snprintf(socket_path, sizeof(socket_path), "%s/engine.sock", folder);
    FILE *conf = fopen(conf_path, "w");
    if (conf == NULL)
        fail("no configuration");
    (void)fprintf(conf, "socket = %s\nengine_user = %u\nusers = %s, bob, carol\n", socket_path, (unsigned)getuid(),
                  username);
    (void)fclose(conf);
    (void)setenv("TRUSTP11_CONF", conf_path, 1);
    engine = fake_engine_start(socket_path);
    fake_engine_add_user(engine, "bob", FAKE_PIN);
    fake_engine_add_user(engine, "carol", FAKE_PIN);
    (void)fake_engine_add_key(engine, "rsa-2048", "rsa", true);
    (void)fake_engine_add_key(engine, "p-256", "ec", true);
}

void token_stop(void)
{
    fake_engine_stop(engine);
    (void)unlink(conf_path);
    (void)rmdir(folder);
}

/* ---- what the table names ---- */

static CK_SESSION_HANDLE open_session(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    must(C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), "C_OpenSession");
    return session;
}

static void log_in(void)
{
    CK_RV rv = C_Login(token.session, CKU_USER, (CK_BYTE *)(uintptr_t)pin, strlen(pin));
    must(rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv, "C_Login");
}

static CK_OBJECT_HANDLE find(CK_OBJECT_CLASS class, const char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)},
                               {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    CK_ULONG count = 0;
    must(C_FindObjectsInit(token.watcher, template, 2), "C_FindObjectsInit");
    must(C_FindObjects(token.watcher, &found, 1, &count), "C_FindObjects");
    must(C_FindObjectsFinal(token.watcher), "C_FindObjectsFinal");
    return found;
}

static CK_OBJECT_HANDLE copy_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
    must(C_CopyObject(session, key, NULL, 0, &copy), "C_CopyObject");
    return copy;
}

/* In another slot, whose token has no objects but ours. */
static CK_OBJECT_HANDLE create_elsewhere(void)
{
    static const struct row creating = {.template = CREATE};
    struct pieces pieces = template_of(&creating, TEMPLATE);
    CK_ATTRIBUTE template[VALUES_MAX];
    CK_OBJECT_HANDLE created = CK_INVALID_HANDLE;
    for (CK_ULONG i = 0; i < pieces.count; i++)
        template[i] = (CK_ATTRIBUTE){pieces.list[i].type, (void *)(uintptr_t)pieces.list[i].bytes, pieces.list[i].len};
    must(C_CreateObject(open_session(1), template, pieces.count, &created), "C_CreateObject");
    return created;
}

/* Handles of nothing: never given, gone with their session, destroyed, of another token. */
static void make_bad_handles(void)
{
    CK_SESSION_HANDLE closed = open_session(0), all_closed = open_session(1);
    CK_OBJECT_HANDLE gone = copy_key(closed, token.key[RSA_PUBLIC]),
                     destroyed = copy_key(closed, token.key[RSA_PUBLIC]);
    must(C_DestroyObject(closed, destroyed), "C_DestroyObject");
    must(C_CloseSession(closed), "C_CloseSession");
    must(C_CloseAllSessions(1), "C_CloseAllSessions");
    const CK_SESSION_HANDLE no_session[SESSIONS_BAD] = {CK_INVALID_HANDLE,           ~0ul,      closed, all_closed,
                                                        token.session + (1ul << 32), 0x5bd1e995};
    const CK_OBJECT_HANDLE no_object[OBJECTS_BAD] = {
        CK_INVALID_HANDLE, ~0ul, gone, destroyed, create_elsewhere(), token.key[RSA_PUBLIC] + (1ul << 32)};
    memcpy(token.no_session, no_session, sizeof(no_session));
    memcpy(token.no_object, no_object, sizeof(no_object));
}

static void make_signature(enum which_mechanism which, enum key key)
{
    CK_MECHANISM mechanism = *mechanism_of(which);
    token.signature_len[which] = LEN_MAX;
    must(C_SignInit(token.session, &mechanism, token.key[key]), "C_SignInit");
    must(C_Sign(token.session, data, sizeof(data), token.signature[which], &token.signature_len[which]), "C_Sign");
}

/* For ciphers, as far as the module has any: else some key that exists. */
static void make_secret(void)
{
    static const struct row generating = {.template = NEW_SECRET};
    struct pieces pieces = template_of(&generating, TEMPLATE);
    CK_ATTRIBUTE template[VALUES_MAX];
    CK_MECHANISM mechanism = *mechanism_of(AES_GENERATE);
    for (CK_ULONG i = 0; i < pieces.count; i++)
        template[i] = (CK_ATTRIBUTE){pieces.list[i].type, (void *)(uintptr_t)pieces.list[i].bytes, pieces.list[i].len};
    if (C_GenerateKey(token.watcher, &mechanism, template, pieces.count, &token.key[SECRET]) != CKR_OK)
        token.key[SECRET] = token.key[RSA_PUBLIC];
    mechanism = *mechanism_of(AES_WRAP);
    token.wrapped_len = LEN_MAX;
    if (C_WrapKey(token.watcher, &mechanism, token.key[SECRET], token.key[SECRET], token.wrapped, &token.wrapped_len) !=
        CKR_OK)
        token.wrapped_len = 40;
}

void token_open(void)
{
    must(C_Initialize(NULL), "C_Initialize");
    memset(&token, 0, sizeof(token));
    token.session = open_session(0);
    token.watcher = open_session(0);
    log_in();
    token.key[RSA_PRIVATE] = find(CKO_PRIVATE_KEY, "rsa");
    token.key[RSA_PUBLIC] = find(CKO_PUBLIC_KEY, "rsa");
    token.key[EC_PRIVATE] = find(CKO_PRIVATE_KEY, "ec");
    token.key[EC_PUBLIC] = find(CKO_PUBLIC_KEY, "ec");
    make_secret();
    make_signature(RSA_SHA256, RSA_PRIVATE);
    make_signature(ECDSA, EC_PRIVATE);
    make_bad_handles();
}

/* ---- what must not change ---- */

static CK_ULONG count_objects(CK_OBJECT_HANDLE *objects, CK_ULONG most)
{
    CK_ULONG count = 0;
    must(C_FindObjectsInit(token.watcher, NULL, 0), "C_FindObjectsInit");
    must(C_FindObjects(token.watcher, objects, most, &count), "C_FindObjects");
    must(C_FindObjectsFinal(token.watcher), "C_FindObjectsFinal");
    return count;
}

struct state state_now(void)
{
    CK_OBJECT_HANDLE objects[64];
    CK_TOKEN_INFO info;
    CK_SESSION_INFO session;
    must(C_GetTokenInfo(0, &info), "C_GetTokenInfo");
    must(C_GetSessionInfo(token.session, &session), "C_GetSessionInfo");
    return (struct state){session.state, info.ulSessionCount, info.ulRwSessionCount,
                          count_objects(objects, LEN_OF(objects))};
}

bool state_equal(const struct state *a, const struct state *b)
{
    return a->session == b->session && a->sessions == b->sessions && a->rw_sessions == b->rw_sessions &&
           a->objects == b->objects;
}

/* The handle that the call has written to each of its records is a session's, or an object's. */
static void undo(const struct row *row, const union value *values)
{
    CK_ULONG handle;
    for (unsigned i = 0; i < PARAMS_MAX && row->kinds[i] != NOTHING; i++) {
        if (row->kinds[i] != RECORD || row->size != 0 || values[i].pointer == NULL)
            continue;
        memcpy(&handle, values[i].pointer, sizeof(handle));
        if (has_kind(row, SLOT))
            must(C_CloseSession(handle), "C_CloseSession of what was opened");
        else if (has_kind(row, TEMPLATE))
            must(C_DestroyObject(token.session, handle), "C_DestroyObject of what was made");
    }
}

void state_tidy(const struct row *row, const union value *values, CK_RV rv)
{
    if (rv == CKR_OK)
        undo(row, values);
    must(C_SessionCancel(token.session, ~0ul), "C_SessionCancel");
    if (token.extra != CK_INVALID_HANDLE)
        (void)C_CloseSession(token.extra);
    if (token.key[EXTRA_OBJECT] != CK_INVALID_HANDLE)
        (void)C_DestroyObject(token.session, token.key[EXTRA_OBJECT]);
    token.extra = token.key[EXTRA_OBJECT] = CK_INVALID_HANDLE;
    log_in();
}

/* ---- before a call ---- */

void before_log_out(const struct row *row)
{
    (void)row;
    must(C_Logout(token.session), "C_Logout");
}

void before_extra_session(const struct row *row)
{
    (void)row;
    token.extra = open_session(0);
}

void before_extra_object(const struct row *row)
{
    (void)row;
    token.key[EXTRA_OBJECT] = copy_key(token.session, token.key[RSA_PUBLIC]);
}

void before_find(const struct row *row)
{
    (void)row;
    must(C_FindObjectsInit(token.session, NULL, 0), "C_FindObjectsInit");
}

void before_digest(const struct row *row)
{
    CK_MECHANISM mechanism = *mechanism_of(SHA256);
    (void)row;
    must(C_DigestInit(token.session, &mechanism), "C_DigestInit");
}

/* The beginning of an operation with the row's mechanism and key. */
#define BEFORE(name, function)                                                                                         \
    void name(const struct row *row)                                                                                   \
    {                                                                                                                  \
        CK_MECHANISM mechanism = *mechanism_of(row->mechanism);                                                        \
        must(function(token.session, &mechanism, token.key[row->key]), #function);                                     \
    }
BEFORE(before_sign, C_SignInit)
BEFORE(before_verify, C_VerifyInit)
BEFORE(before_message_sign, C_MessageSignInit)
BEFORE(before_message_verify, C_MessageVerifyInit)

/* The module may not have these; the call after it then says so. */
#define BEFORE_OPTIONAL(name, function)                                                                                \
    void name(const struct row *row)                                                                                   \
    {                                                                                                                  \
        CK_MECHANISM mechanism = *mechanism_of(row->mechanism);                                                        \
        (void)function(token.session, &mechanism, token.key[row->key]);                                                \
    }
BEFORE_OPTIONAL(before_encrypt, C_EncryptInit)
BEFORE_OPTIONAL(before_decrypt, C_DecryptInit)
BEFORE_OPTIONAL(before_message_encrypt, C_MessageEncryptInit)
BEFORE_OPTIONAL(before_message_decrypt, C_MessageDecryptInit)

void before_verify_parts(const struct row *row)
{
    before_verify(row);
    must(C_VerifyUpdate(token.session, data, sizeof(data)), "C_VerifyUpdate");
}

void before_verify_signature(const struct row *row)
{
    CK_MECHANISM mechanism = *mechanism_of(row->mechanism);
    must(C_VerifySignatureInit(token.session, &mechanism, token.key[row->key], token.signature[row->mechanism],
                               token.signature_len[row->mechanism]),
         "C_VerifySignatureInit");
}

void before_verify_signature_parts(const struct row *row)
{
    before_verify_signature(row);
    must(C_VerifySignatureUpdate(token.session, data, sizeof(data)), "C_VerifySignatureUpdate");
}

void before_message_sign_begun(const struct row *row)
{
    before_message_sign(row);
    must(C_SignMessageBegin(token.session, NULL, 0), "C_SignMessageBegin");
}

void before_message_verify_begun(const struct row *row)
{
    before_message_verify(row);
    must(C_VerifyMessageBegin(token.session, NULL, 0), "C_VerifyMessageBegin");
}

void before_message_encrypt_begun(const struct row *row)
{
    CK_MECHANISM mechanism = *mechanism_of(row->mechanism);
    before_message_encrypt(row);
    (void)C_EncryptMessageBegin(token.session, mechanism.pParameter, mechanism.ulParameterLen, data, sizeof(data));
}

void before_message_decrypt_begun(const struct row *row)
{
    CK_MECHANISM mechanism = *mechanism_of(row->mechanism);
    before_message_decrypt(row);
    (void)C_DecryptMessageBegin(token.session, mechanism.pParameter, mechanism.ulParameterLen, data, sizeof(data));
}
