/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <string.h>

/* ---- digests ---- */

static void digest_init(void)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        size_t len; /* 0: no digest */
    } rows[] = {{CKM_SHA256, 32}, {CKM_SHA512, 64}, {CKM_SHA3_384, 48}, {CKM_ECDSA, 0}, {~0ul, 0}};
    size_t at = chance(sizeof rows / sizeof rows[0]);
    CK_MECHANISM mechanism = {rows[at].type, NULL, one_in(10) ? 4 : 0};
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    bool none = one_in(8);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && none)
        expected = session->digest_len > 0 ? CKR_OK : CKR_ARGUMENTS_BAD;
    else if (expected == CKR_OK)
        expected = session->digest_len > 0        ? CKR_OPERATION_ACTIVE
                   : rows[at].len == 0            ? CKR_MECHANISM_INVALID
                   : mechanism.ulParameterLen > 0 ? CKR_MECHANISM_PARAM_INVALID
                                                  : CKR_OK;
    expect("C_DigestInit", C_DigestInit(handle, none ? NULL : &mechanism), expected);
    if (expected != CKR_OK)
        return;
    session->digest_len = none ? 0 : rows[at].len;
    session->digest_in_parts = false;
}

static void digest_update(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct data data = pick_data(4096);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = session->digest_len == 0 ? CKR_OPERATION_NOT_INITIALIZED : is_bad(data) ? CKR_ARGUMENTS_BAD : CKR_OK;
    expect("C_DigestUpdate", C_DigestUpdate(handle, data.bytes, data.len), expected);
    if (session == NULL || !model.initialised || session->digest_len == 0)
        return;
    session->digest_in_parts = true;
    if (expected != CKR_OK)
        session->digest_len = 0;
}

/* C_Digest, or C_DigestFinal (FINAL). */
static void digest_end(bool final)
{
    struct room room;
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct data data = pick_data(4096);
    CK_RV expected = expect_session(session);
    room_pick(&room, session == NULL || session->digest_len == 0 ? 32 : session->digest_len);
    if (expected == CKR_OK)
        expected = session->digest_len == 0             ? CKR_OPERATION_NOT_INITIALIZED
                   : !final && session->digest_in_parts ? CKR_OPERATION_ACTIVE
                                                        : expect_room(&room, session->digest_len);
    bool ends =
        session != NULL && model.initialised && (expected == CKR_ARGUMENTS_BAD || (expected == CKR_OK && !room.none));
    if (ends && expected == CKR_OK && !final && is_bad(data))
        expected = CKR_ARGUMENTS_BAD;
    CK_BYTE *value = room.none ? NULL : room.bytes;
    CK_ULONG *len = room.no_len ? NULL : &room.len;
    if (final)
        expect("C_DigestFinal", C_DigestFinal(handle, value, len), expected);
    else
        expect("C_Digest", C_Digest(handle, data.bytes, data.len, value, len), expected);
    room_check(&room);
    if (expected == CKR_OK || expected == CKR_BUFFER_TOO_SMALL)
        require(room.len == session->digest_len, "the length of the digest");
    if (ends)
        session->digest_len = 0;
}

static void digest_whole(void)
{
    digest_end(false);
}

static void digest_final(void)
{
    digest_end(true);
}

/* ---- what begins with a mechanism and a key ---- */

static const struct mechanism mechanisms[] = {
    {CKM_RSA_PKCS, RSA, 0, 245},
    {CKM_SHA256_RSA_PKCS, RSA, 0, 0},
    {CKM_ECDSA, EC, 1, 64},
    {CKM_ECDSA_SHA384, EC, 0, 0},
};
#define MECHANISMS (sizeof mechanisms / sizeof mechanisms[0])

static const struct mechanism *pick_mechanism(CK_MECHANISM *ret_mechanism)
{
    static const CK_MECHANISM_TYPE others[] = {CKM_SHA256, CKM_AES_CBC, ~0ul};
    if (one_in(10)) {
        *ret_mechanism = (CK_MECHANISM){others[chance(sizeof others / sizeof others[0])], NULL, 0};
        return NULL;
    }
    const struct mechanism *row = &mechanisms[chance(MECHANISMS)];
    *ret_mechanism = (CK_MECHANISM){row->type, NULL, one_in(20) ? 8 : 0};
    return row;
}

static const struct key *fitting_key(const struct slot *slot, enum key_type type)
{
    const struct key *key;
    do
        key = &slot->key[chance(KEYS)];
    while (key->type != type);
    return key;
}

/* Half of the time a key that the mechanism is for, so that operations are begun. */
static CK_OBJECT_HANDLE pick_key(const struct session *session, const struct mechanism *row, bool signing,
                                 struct object *ret_object)
{
    if (session == NULL || row == NULL || one_in(2))
        return pick_object(session, ret_object);
    const struct key *key = fitting_key(session->slot, row->key_type);
    *ret_object = (struct object){signing ? PRIVATE_KEY : PUBLIC_KEY, key};
    return signing ? key->private_key : key->public_key;
}

static CK_RV expect_key(const struct mechanism *row, const struct object *object, bool signing)
{
    if (object->what == NO_OBJECT)
        return CKR_KEY_HANDLE_INVALID;
    if (object->what == PRIVATE_KEY && !object->key->slot->logged_in)
        return CKR_USER_NOT_LOGGED_IN;
    if (object->what == CERTIFICATE)
        return CKR_KEY_HANDLE_INVALID;
    if ((object->what == PRIVATE_KEY) != signing)
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    return object->key->type == row->key_type ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
}

struct beginning {
    CK_MECHANISM mechanism;
    const struct mechanism *row;
    bool none; /* pMechanism NULL */
    CK_OBJECT_HANDLE key_handle;
    struct object object;
};

static struct beginning pick_beginning(const struct session *session, bool signing)
{
    struct beginning new = {.none = one_in(12)};
    new.row = pick_mechanism(&new.mechanism);
    new.key_handle = pick_key(session, new.row, signing, &new.object);
    return new;
}

static CK_RV expect_begin(const struct operation *operation, const struct beginning *new, bool signing)
{
    if (new->none)
        return operation->mechanism != NULL ? CKR_OK : CKR_ARGUMENTS_BAD;
    if (operation->mechanism != NULL)
        return CKR_OPERATION_ACTIVE;
    if (new->row == NULL)
        return CKR_MECHANISM_INVALID;
    CK_RV rv = expect_key(new->row, &new->object, signing);
    return rv == CKR_OK && new->mechanism.ulParameterLen > 0 ? CKR_MECHANISM_PARAM_INVALID : rv;
}

/* The operation at OFFSET in SESSION; NULL when that is none. */
static struct operation *operation_at(struct session *session, size_t offset)
{
    return session == NULL ? NULL : (struct operation *)(void *)((char *)session + offset);
}

static void begun(struct operation *operation, const struct beginning *new, CK_RV rv)
{
    if (rv == CKR_OK)
        *operation =
            new->none ? (struct operation){0} : (struct operation){.mechanism = new->row, .key = new->object.key};
}

/* What a part of DATA is answered; on failure the operation ends. */
static CK_RV expect_part(struct operation *operation, struct data data)
{
    size_t most = operation->mechanism->most;
    CK_RV rv = is_bad(data)                                   ? CKR_ARGUMENTS_BAD
               : most > 0 && data.len > most - operation->len ? CKR_DATA_LEN_RANGE
                                                              : CKR_OK;
    operation->in_parts = true;
    operation->len += data.len;
    if (rv != CKR_OK)
        *operation = (struct operation){0};
    return rv;
}

static void init(const char *function, CK_RV (*call)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE), bool signing,
                 size_t offset)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = operation_at(session, offset);
    struct beginning new = pick_beginning(session, signing);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = expect_begin(operation, &new, signing);
    expect(function, call(handle, new.none ? NULL : &new.mechanism, new.key_handle), expected);
    if (session == NULL || !model.initialised)
        return;
    begun(operation, &new, expected);
    if (new.none && offset == offsetof(struct session, message_sign))
        session->message_sign_now = (struct operation){0};
}

static void sign_init(void)
{
    init("C_SignInit", C_SignInit, true, offsetof(struct session, sign));
}

static void message_sign_init(void)
{
    init("C_MessageSignInit", C_MessageSignInit, true, offsetof(struct session, message_sign));
}

static void verify_init(void)
{
    init("C_VerifyInit", C_VerifyInit, false, offsetof(struct session, verify));
}

static void update(const char *function, CK_RV (*call)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG), size_t offset)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = operation_at(session, offset);
    struct data data = pick_data(100);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = operation->mechanism == NULL ? CKR_OPERATION_NOT_INITIALIZED : expect_part(operation, data);
    expect(function, call(handle, data.bytes, data.len), expected);
}

static void sign_update(void)
{
    update("C_SignUpdate", C_SignUpdate, offsetof(struct session, sign));
}

static void verify_update(void)
{
    update("C_VerifyUpdate", C_VerifyUpdate, offsetof(struct session, verify));
}

/* Of the whole input; DATA NULL: it came in parts. */
static CK_RV expect_input(const struct operation *operation, const struct data *data)
{
    const struct mechanism *row = operation->mechanism;
    size_t len = data != NULL ? data->len : operation->len;
    if (data != NULL && is_bad(*data))
        return CKR_ARGUMENTS_BAD;
    return row->most > 0 && (len < row->least || len > row->most) ? CKR_DATA_LEN_RANGE : CKR_OK;
}

/* ---- signatures that were made: to verify with ---- */

#define MADE_MAX 16

static struct made {
    const struct mechanism *mechanism; /* NULL: none */
    const struct key *key;
    CK_BYTE data[4096 + 1], signature[256];
    size_t data_len;
} made[MADE_MAX];

static void remember(const struct operation *operation, struct data data, const CK_BYTE *signature)
{
    struct made *place = &made[chance(MADE_MAX)];
    place->mechanism = operation->mechanism;
    place->key = operation->key;
    place->data_len = data.len;
    if (data.len > 0)
        memcpy(place->data, data.bytes, data.len);
    memcpy(place->signature, signature, operation->key->signature_len);
}

/* One that OPERATION would verify; NULL, or none active: any. */
static const struct made *pick_made(const struct operation *operation)
{
    bool any = operation == NULL || operation->mechanism == NULL;
    uint64_t first = chance(MADE_MAX);
    for (unsigned i = 0; i < MADE_MAX; i++) {
        const struct made *one = &made[(first + i) % MADE_MAX];
        if (one->mechanism != NULL && (any || (one->mechanism == operation->mechanism && one->key == operation->key)))
            return one;
    }
    return NULL;
}

/* ---- signing ---- */

static size_t signature_len(const struct operation *operation)
{
    return operation == NULL || operation->mechanism == NULL ? 256 : operation->key->signature_len;
}

/* A key that wants a login for each signature wants it on top of the other. */
static bool is_permitted(const struct operation *operation)
{
    const struct key *key = operation->key;
    return key->slot->logged_in && (operation->authorised || !key->always_authenticate);
}

/* What the end of a signature is answered, and whether the operation ends. */
static CK_RV expect_signature(struct operation *operation, const struct data *data, const struct room *room)
{
    CK_RV rv = expect_room(room, signature_len(operation));
    if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && room->none))
        return rv;
    if (rv == CKR_OK)
        rv = expect_input(operation, data);
    if (rv == CKR_OK && !is_permitted(operation))
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv == CKR_OK && operation->mechanism->type == CKM_RSA_PKCS)
        rv = CKR_DATA_INVALID; /* an engine takes DigestInfos only, and chance makes none */
    model.authorised += rv == CKR_OK && operation->authorised;
    *operation = (struct operation){0};
    return rv;
}

static void check_signature(const struct room *room, CK_RV rv, size_t len)
{
    room_check(room);
    if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
        require(room->len == len, "the length of the signature");
}

static void sign_whole(void)
{
    struct room room;
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = session == NULL ? NULL : &session->sign;
    struct operation begun = operation == NULL ? (struct operation){0} : *operation;
    const struct mechanism *mechanism = begun.mechanism;
    struct data data = pick_data(mechanism != NULL && mechanism->most > 0 ? mechanism->most + 5 : 4096);
    size_t len = signature_len(operation);
    CK_RV expected = expect_session(session);
    room_pick(&room, len);
    if (expected == CKR_OK)
        expected = mechanism == NULL     ? CKR_OPERATION_NOT_INITIALIZED
                   : operation->in_parts ? CKR_OPERATION_ACTIVE
                                         : expect_signature(operation, &data, &room);
    expect("C_Sign",
           C_Sign(handle, data.bytes, data.len, room.none ? NULL : room.bytes, room.no_len ? NULL : &room.len),
           expected);
    check_signature(&room, expected, len);
    if (expected == CKR_OK && !room.none)
        remember(&begun, data, room.bytes);
}

static void sign_final(void)
{
    struct room room;
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = session == NULL ? NULL : &session->sign;
    size_t len = signature_len(operation);
    CK_RV expected = expect_session(session);
    room_pick(&room, len);
    if (expected == CKR_OK)
        expected =
            operation->mechanism == NULL ? CKR_OPERATION_NOT_INITIALIZED : expect_signature(operation, NULL, &room);
    expect("C_SignFinal", C_SignFinal(handle, room.none ? NULL : room.bytes, room.no_len ? NULL : &room.len), expected);
    check_signature(&room, expected, len);
}

/* ---- many messages ---- */

static CK_RV expect_message(const struct operation *operation, const struct operation *now, CK_ULONG parameter_len)
{
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (now->mechanism != NULL)
        return CKR_OPERATION_ACTIVE;
    return parameter_len > 0 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV expect_next(const struct operation *now, CK_ULONG parameter_len)
{
    if (now->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return parameter_len > 0 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_ULONG pick_parameter(void)
{
    return one_in(15) ? 3 : 0;
}

/* The arguments of C_SignMessage and C_SignMessageNext, which are the same. */
struct message_call {
    CK_SESSION_HANDLE handle;
    struct session *session;
    CK_BYTE parameter[3];
    CK_ULONG parameter_len;
    struct data data;
    struct room room;
    struct operation *now;
    size_t len; /* of the signature */
    CK_RV expected;
};

static void pick_message_call(struct message_call *call, bool whole)
{
    *call = (struct message_call){0};
    struct session *session = call->session = pick_session(&call->handle);
    call->now = session == NULL ? NULL : &session->message_sign_now;
    call->data = pick_data(60);
    call->parameter_len = pick_parameter();
    call->len = signature_len(session == NULL || !whole ? call->now : &session->message_sign);
    room_pick(&call->room, call->len);
    call->expected = expect_session(session);
    if (call->expected == CKR_OK)
        call->expected = whole ? expect_message(&session->message_sign, call->now, call->parameter_len)
                               : expect_next(call->now, call->parameter_len);
}

static void make_message_call(struct message_call *call, const char *name,
                              CK_RV (*function)(CK_SESSION_HANDLE, void *, CK_ULONG, CK_BYTE *, CK_ULONG, CK_BYTE *,
                                                CK_ULONG *))
{
    struct room *room = &call->room;
    CK_RV rv = function(call->handle, call->parameter, call->parameter_len, call->data.bytes, call->data.len,
                        room->none ? NULL : room->bytes, room->no_len ? NULL : &room->len);
    expect(name, rv, call->expected);
}

/* A message begins as all were initialised; a login for one signature is that message's. */
static void begin_message(struct session *session)
{
    session->message_sign_now = session->message_sign;
    session->message_sign.authorised = false;
}

static void sign_message(void)
{
    struct message_call call;
    pick_message_call(&call, true);
    bool goes_on = call.expected == CKR_OK,
         asks = expect_room(&call.room, call.len) == CKR_BUFFER_TOO_SMALL || (!call.room.no_len && call.room.none);
    if (goes_on) {
        struct operation now = call.session->message_sign;
        call.expected = expect_signature(&now, &call.data, &call.room);
        call.session->message_sign.authorised = call.session->message_sign.authorised && asks;
    }
    make_message_call(&call, "C_SignMessage", C_SignMessage);
    if (goes_on)
        check_signature(&call.room, call.expected, call.len);
    if (call.expected == CKR_OK && !call.room.none)
        remember(&call.session->message_sign, call.data, call.room.bytes);
}

static void sign_message_begin(void)
{
    CK_BYTE parameter[3] = {0};
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_ULONG parameter_len = pick_parameter();
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = expect_message(&session->message_sign, &session->message_sign_now, parameter_len);
    expect("C_SignMessageBegin", C_SignMessageBegin(handle, parameter, parameter_len), expected);
    if (expected == CKR_OK)
        begin_message(session);
}

static void sign_message_next(void)
{
    struct message_call call;
    pick_message_call(&call, false);
    bool last = one_in(2), goes_on = call.expected == CKR_OK;
    call.room.no_len = !last;
    if (goes_on && last && (call.room.none || call.room.len < call.len)) {
        call.expected = expect_room(&call.room, call.len); /* only asks */
    } else if (goes_on) {
        call.expected = expect_part(call.now, call.data);
        if (call.expected == CKR_OK && last)
            call.expected = expect_signature(call.now, NULL, &call.room);
    }
    make_message_call(&call, "C_SignMessageNext", C_SignMessageNext);
    if (goes_on && last)
        check_signature(&call.room, call.expected, call.len);
}

static void message_sign_final(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = expect_message(&session->message_sign, &session->message_sign_now, 0);
    expect("C_MessageSignFinal", C_MessageSignFinal(handle), expected);
    if (expected == CKR_OK)
        session->message_sign = (struct operation){0};
}

/* ---- verifying ---- */

/* Something to verify: what was made, or with one byte changed, or of another length, or nothing. */
struct claim {
    struct made made;
    CK_BYTE *signature;
    CK_ULONG signature_len;
    CK_RV rv; /* of verification */
};

/* False when nothing was made yet that OPERATION would verify (NULL: any would). */
static bool pick_claim(const struct operation *operation, struct claim *ret_claim)
{
    const struct made *one = pick_made(operation);
    if (one == NULL)
        return false;
    *ret_claim = (struct claim){.made = *one, .rv = CKR_OK};
    ret_claim->signature = ret_claim->made.signature;
    ret_claim->signature_len = one->key->signature_len;
    switch (chance(6)) {
    case 0:
        ret_claim->signature[chance(ret_claim->signature_len)] ^= (CK_BYTE)(1 + chance(255));
        ret_claim->rv = CKR_SIGNATURE_INVALID;
        break;
    case 1:
        ret_claim->signature_len -= 1 + chance(ret_claim->signature_len);
        ret_claim->rv = CKR_SIGNATURE_LEN_RANGE;
        break;
    case 2:
        ret_claim->signature = NULL;
        ret_claim->rv = CKR_ARGUMENTS_BAD;
        break;
    }
    return true;
}

static void verify_whole(void)
{
    struct claim claim;
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = session == NULL ? NULL : &session->verify;
    if (!pick_claim(operation, &claim))
        return;
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = operation->mechanism == NULL ? CKR_OPERATION_NOT_INITIALIZED
                   : operation->in_parts        ? CKR_OPERATION_ACTIVE
                                                : claim.rv;
    expect("C_Verify", C_Verify(handle, claim.made.data, claim.made.data_len, claim.signature, claim.signature_len),
           expected);
    if (operation != NULL && model.initialised && !operation->in_parts)
        *operation = (struct operation){0};
}

/* ---- one thing after the other ---- */

typedef CK_RV (*verifier)(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct claim *claim,
                          size_t first);

static CK_RV in_parts(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct claim *claim,
                      size_t first)
{
    expect("C_VerifyInit", C_VerifyInit(session, mechanism, key), CKR_OK);
    expect("C_VerifyUpdate", C_VerifyUpdate(session, claim->made.data, first), CKR_OK);
    expect("C_VerifyUpdate", C_VerifyUpdate(session, claim->made.data + first, claim->made.data_len - first), CKR_OK);
    return C_VerifyFinal(session, claim->signature, claim->signature_len);
}

/* In SESSION no verification is active. What was signed in another slot is verified with a key that is none here. */
static void verify_in_parts(const struct session *session)
{
    struct claim claim;
    if (!pick_claim(NULL, &claim))
        return;
    CK_MECHANISM mechanism = {claim.made.mechanism->type, NULL, 0};
    CK_OBJECT_HANDLE key = claim.made.key->public_key;
    if (claim.made.key->slot != session->slot)
        expect("C_VerifyInit", C_VerifyInit(session->handle, &mechanism, key), CKR_KEY_HANDLE_INVALID);
    else
        expect("C_VerifyFinal", in_parts(session->handle, &mechanism, key, &claim, chance(claim.made.data_len + 1)),
               claim.rv);
}

/* A signature of bytes that nobody made. */
static void verify_final(void)
{
    static CK_BYTE nonsense[256] = {1, 2, 3};
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct operation *operation = session == NULL ? NULL : &session->verify;
    size_t len = signature_len(operation) - (one_in(4) ? 1 : 0);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && operation->mechanism == NULL)
        expected = CKR_OPERATION_NOT_INITIALIZED;
    else if (expected == CKR_OK)
        expected = len != signature_len(operation)           ? CKR_SIGNATURE_LEN_RANGE
                   : expect_input(operation, NULL) != CKR_OK ? CKR_DATA_LEN_RANGE
                                                             : CKR_SIGNATURE_INVALID;
    expect("C_VerifyFinal", C_VerifyFinal(handle, nonsense, len), expected);
    if (operation == NULL || !model.initialised)
        return;
    *operation = (struct operation){0};
    verify_in_parts(session);
}

static CK_RV given_first(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct claim *claim,
                         size_t first)
{
    CK_RV rv = C_VerifySignatureInit(session, mechanism, key, claim->signature, claim->signature_len);
    if (rv != CKR_OK)
        return rv;
    expect("C_VerifySignatureUpdate", C_VerifySignatureUpdate(session, claim->made.data, first), CKR_OK);
    expect("C_VerifySignature", C_VerifySignature(session, claim->made.data, first), CKR_OPERATION_ACTIVE);
    expect("C_VerifySignatureUpdate",
           C_VerifySignatureUpdate(session, claim->made.data + first, claim->made.data_len - first), CKR_OK);
    return C_VerifySignatureFinal(session);
}

static CK_RV as_message(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, struct claim *claim,
                        size_t first)
{
    (void)first;
    expect("C_MessageVerifyInit", C_MessageVerifyInit(session, mechanism, key), CKR_OK);
    CK_RV rv = C_VerifyMessage(session, NULL, 0, claim->made.data, claim->made.data_len, claim->signature,
                               claim->signature_len);
    expect("C_MessageVerifyFinal", C_MessageVerifyFinal(session), CKR_OK);
    return rv;
}

static CK_RV as_message_in_parts(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                                 struct claim *claim, size_t first)
{
    CK_BYTE *data = claim->made.data, none = 0;
    size_t len = claim->made.data_len;
    CK_BYTE *signature = claim->signature != NULL ? claim->signature : &none; /* NULL: more parts come */
    expect("C_MessageVerifyInit", C_MessageVerifyInit(session, mechanism, key), CKR_OK);
    expect("C_VerifyMessageBegin", C_VerifyMessageBegin(session, NULL, 0), CKR_OK);
    expect("C_MessageVerifyFinal", C_MessageVerifyFinal(session), CKR_OPERATION_ACTIVE);
    expect("C_VerifyMessageNext", C_VerifyMessageNext(session, NULL, 0, data, first, NULL, 0), CKR_OK);
    CK_RV rv = C_VerifyMessageNext(session, NULL, 0, data + first, len - first, signature,
                                   claim->signature != NULL ? claim->signature_len : 0);
    expect("C_MessageVerifyFinal", C_MessageVerifyFinal(session), CKR_OK);
    return claim->signature == NULL && rv == CKR_SIGNATURE_LEN_RANGE ? CKR_ARGUMENTS_BAD : rv;
}

static void verify_otherwise(void)
{
    static const verifier ways[] = {given_first, as_message, as_message_in_parts};
    struct claim claim;
    CK_SESSION_HANDLE session = 0;
    if (!model.initialised || !pick_claim(NULL, &claim))
        return;
    const struct key *key = claim.made.key;
    CK_MECHANISM mechanism = {claim.made.mechanism->type, NULL, 0};
    expect("C_OpenSession", C_OpenSession(key->slot->id, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
           CKR_OK);
    CK_RV rv = ways[chance(sizeof ways / sizeof ways[0])](session, &mechanism, key->public_key, &claim,
                                                          chance(claim.made.data_len + 1));
    expect("verification", rv, claim.rv);
    expect("C_CloseSession", C_CloseSession(session), CKR_OK);
    if (open_sessions(key->slot) == 0)
        key->slot->logged_in = key->slot->officer = false;
}

const struct call operation_calls[] = {
    {"C_DigestInit", 40, digest_init},
    {"C_DigestUpdate", 20, digest_update},
    {"C_Digest", 20, digest_whole},
    {"C_DigestFinal", 20, digest_final},
    {"C_SignInit", 60, sign_init},
    {"C_SignUpdate", 20, sign_update},
    {"C_Sign", 50, sign_whole},
    {"C_SignFinal", 20, sign_final},
    {"C_MessageSignInit", 40, message_sign_init},
    {"C_SignMessage", 20, sign_message},
    {"C_SignMessageBegin", 20, sign_message_begin},
    {"C_SignMessageNext", 30, sign_message_next},
    {"C_MessageSignFinal", 10, message_sign_final},
    {"C_VerifyInit", 60, verify_init},
    {"C_VerifyUpdate", 15, verify_update},
    {"C_Verify", 40, verify_whole},
    {"C_VerifyFinal", 15, verify_final},
    {"verification in other ways", 5, verify_otherwise},
    {0},
};
