/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <string.h>

#define PIN_LEAST 8
#define PIN_MOST  1024

/* ---- the library ---- */

static void initialize(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = one_in(2) ? CKF_OS_LOCKING_OK : 0};
    bool reserved = one_in(8), none = one_in(3);
    if (reserved)
        arguments.pReserved = &arguments;
    CK_RV expected = !none && reserved   ? CKR_ARGUMENTS_BAD
                     : model.initialised ? CKR_CRYPTOKI_ALREADY_INITIALIZED
                                         : CKR_OK;
    expect("C_Initialize", C_Initialize(none ? NULL : &arguments), expected);
    if (expected != CKR_OK)
        return;
    model.initialised = true;
    learn_handles();
}

static void finalize(void)
{
    bool reserved = !one_in(4);
    CK_RV expected = reserved ? CKR_ARGUMENTS_BAD : model.initialised ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
    expect("C_Finalize", C_Finalize(reserved ? &model : NULL), expected);
    if (expected != CKR_OK)
        return;
    all_gone();
    model.initialised = false;
}

static CK_RV initialised(CK_RV then)
{
    return model.initialised ? then : CKR_CRYPTOKI_NOT_INITIALIZED;
}

static void get_info(void)
{
    CK_INFO info;
    bool none = one_in(4);
    expect("C_GetInfo", C_GetInfo(none ? NULL : &info), initialised(none ? CKR_ARGUMENTS_BAD : CKR_OK));
}

/* ---- slots ---- */

static void get_slot_list(void)
{
    CK_SLOT_ID ids[SLOTS + 1];
    CK_ULONG count = chance(SLOTS + 2);
    bool none = one_in(3), no_count = one_in(6);
    CK_RV expected = no_count ? CKR_ARGUMENTS_BAD : !none && count < SLOTS ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    CK_RV rv = C_GetSlotList(one_in(2) ? CK_TRUE : CK_FALSE, none ? NULL : ids, no_count ? NULL : &count);
    expect("C_GetSlotList", rv, initialised(expected));
    require(rv != CKR_OK || count == SLOTS, "the number of slots");
}

static CK_SLOT_ID pick_slot(void)
{
    return one_in(6) ? SLOTS + chance(1000) : chance(SLOTS);
}

static CK_RV expect_slot(CK_SLOT_ID slot)
{
    return slot < SLOTS ? CKR_OK : CKR_SLOT_ID_INVALID;
}

static void get_slot_info(void)
{
    CK_SLOT_INFO info;
    CK_SLOT_ID slot = pick_slot();
    bool none = one_in(6);
    CK_RV expected = expect_slot(slot) != CKR_OK ? expect_slot(slot) : none ? CKR_ARGUMENTS_BAD : CKR_OK;
    expect("C_GetSlotInfo", C_GetSlotInfo(slot, none ? NULL : &info), initialised(expected));
}

static void get_token_info(void)
{
    CK_TOKEN_INFO info;
    CK_SLOT_ID slot = pick_slot();
    bool none = one_in(6);
    CK_RV expected = expect_slot(slot) != CKR_OK ? expect_slot(slot) : none ? CKR_ARGUMENTS_BAD : CKR_OK;
    CK_RV rv = C_GetTokenInfo(slot, none ? NULL : &info);
    expect("C_GetTokenInfo", rv, initialised(expected));
    require(rv != CKR_OK || info.ulSessionCount == open_sessions(&model.slot[slot]), "the token's count of sessions");
}

static void get_mechanism_info(void)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_RSA_PKCS, CKM_ECDSA, CKM_SHA256, CKM_DES3_CBC, ~0ul};
    CK_MECHANISM_INFO info;
    size_t at = chance(sizeof types / sizeof types[0]);
    CK_SLOT_ID slot = pick_slot();
    CK_RV expected = expect_slot(slot) != CKR_OK ? expect_slot(slot) : at < 3 ? CKR_OK : CKR_MECHANISM_INVALID;
    expect("C_GetMechanismInfo", C_GetMechanismInfo(slot, types[at], &info), initialised(expected));
}

/* ---- sessions ---- */

static struct session *free_place(void)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (model.session[i].handle == 0)
            return &model.session[i];
    return NULL;
}

static bool only_rw; /* for a while: the SO logs in beside no others */

static void open_session(void)
{
    struct session *place = free_place();
    CK_SLOT_ID slot = pick_slot();
    CK_FLAGS flags = (one_in(8) ? 0 : CKF_SERIAL_SESSION) | (only_rw || one_in(2) ? CKF_RW_SESSION : 0);
    CK_SESSION_HANDLE handle = 0;
    bool none = one_in(10);
    CK_RV expected = expect_slot(slot) != CKR_OK                                 ? CKR_SLOT_ID_INVALID
                     : none                                                      ? CKR_ARGUMENTS_BAD
                     : (flags & CKF_SERIAL_SESSION) == 0                         ? CKR_SESSION_PARALLEL_NOT_SUPPORTED
                     : model.slot[slot].officer && (flags & CKF_RW_SESSION) == 0 ? CKR_SESSION_READ_WRITE_SO_EXISTS
                                                                                 : CKR_OK;
    if (place == NULL)
        return;
    expect("C_OpenSession", C_OpenSession(slot, flags, NULL, NULL, none ? NULL : &handle), initialised(expected));
    if (initialised(expected) == CKR_OK)
        *place = (struct session){.handle = handle, .slot = &model.slot[slot], .rw = (flags & CKF_RW_SESSION) != 0};
}

static void close_session(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    expect("C_CloseSession", C_CloseSession(handle), expect_session(session));
    if (expect_session(session) == CKR_OK)
        session_gone(session);
}

static void close_all_sessions(void)
{
    CK_SLOT_ID slot = one_in(4) ? chance(SLOTS) : SLOTS + chance(9);
    CK_RV expected = initialised(expect_slot(slot));
    only_rw = one_in(2);
    expect("C_CloseAllSessions", C_CloseAllSessions(slot), expected);
    for (unsigned i = 0; i < SESSIONS_MAX && expected == CKR_OK; i++)
        if (model.session[i].handle != 0 && model.session[i].slot == &model.slot[slot])
            session_gone(&model.session[i]);
}

static CK_STATE state_of(const struct session *session)
{
    if (session->slot->officer) /* there are no others then */
        return CKS_RW_SO_FUNCTIONS;
    if (session->rw)
        return session->slot->logged_in ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;
    return session->slot->logged_in ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
}

static void get_session_info(void)
{
    CK_SESSION_HANDLE handle;
    CK_SESSION_INFO info;
    struct session *session = pick_session(&handle);
    bool none = one_in(10);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && none)
        expected = CKR_ARGUMENTS_BAD;
    expect("C_GetSessionInfo", C_GetSessionInfo(handle, none ? NULL : &info), expected);
    if (expected == CKR_OK)
        require(info.state == state_of(session), "the session is in another state");
}

static void session_cancel(void)
{
    static const CK_FLAGS all[] = {CKF_DIGEST,       CKF_SIGN,         CKF_VERIFY,
                                   CKF_FIND_OBJECTS, CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY};
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_FLAGS flags = one_in(4) ? chance(1 << 20) : all[chance(sizeof all / sizeof all[0])];
    expect("C_SessionCancel", C_SessionCancel(handle, flags), expect_session(session));
    if (expect_session(session) != CKR_OK)
        return;
    session->find = session->find && (flags & CKF_FIND_OBJECTS) == 0;
    if ((flags & CKF_DIGEST) != 0)
        session->digest_len = 0, session->digest_in_parts = false;
    if ((flags & CKF_SIGN) != 0)
        session->sign = (struct operation){0};
    if ((flags & CKF_VERIFY) != 0)
        session->verify = (struct operation){0};
    if ((flags & CKF_MESSAGE_SIGN) != 0)
        session->message_sign = session->message_sign_now = (struct operation){0};
}

/* ---- logins ---- */

struct pin {
    const char *bytes;
    CK_ULONG len;
};

/* Half of the time the right one of SLOT; among the others, the right one of another slot. */
static struct pin pick_pin(const struct slot *slot)
{
    static char long_one[2000];
    const char *code = slot->pin_code, *others = model.slot[(slot->id + 1) % SLOTS].pin_code;
    const struct pin bad[] = {{FAKE_SO_CODE, strlen(FAKE_SO_CODE)},
                              {"wrong horse 1", 13},
                              {others, strlen(others)},
                              {"", 0},
                              {NULL, 0},
                              {NULL, 7},
                              {"short", 5},
                              {long_one, sizeof long_one},
                              {code, 1ul << 32}};
    return one_in(2) ? (struct pin){code, strlen(code)} : bad[chance(sizeof bad / sizeof bad[0])];
}

static CK_RV count_malformed(struct slot *slot)
{
    return slot->malformed < 10 ? (slot->malformed++, CKR_PIN_INCORRECT) : CKR_PIN_LOCKED;
}

static CK_RV expect_pin(struct slot *slot, const struct pin *pin)
{
    if (pin->bytes == NULL && pin->len > 0)
        return CKR_ARGUMENTS_BAD;
    if (pin->len < PIN_LEAST || pin->len > PIN_MOST)
        return count_malformed(slot);
    bool right = pin->len == strlen(slot->pin_code) && memcmp(pin->bytes, slot->pin_code, pin->len) == 0;
    slot->malformed = right ? 0 : slot->malformed;
    return right ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV expect_user(struct slot *slot, const struct pin *pin)
{
    CK_RV rv = slot->officer     ? CKR_USER_ANOTHER_ALREADY_LOGGED_IN
               : slot->logged_in ? CKR_USER_ALREADY_LOGGED_IN
                                 : expect_pin(slot, pin);
    slot->logged_in = slot->logged_in || rv == CKR_OK;
    return rv;
}

/* The SO's PIN, of which no least length is known here. */
static CK_RV expect_so_pin(struct slot *slot, const struct pin *pin)
{
    if (pin->bytes == NULL && pin->len > 0)
        return CKR_ARGUMENTS_BAD;
    if (pin->len == 0 || pin->len > PIN_MOST)
        return count_malformed(slot);
    bool right = pin->len == strlen(FAKE_SO_CODE) && memcmp(pin->bytes, FAKE_SO_CODE, pin->len) == 0;
    slot->malformed = right ? 0 : slot->malformed;
    return right ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV expect_officer(struct slot *slot, const struct pin *pin)
{
    if (slot->logged_in || slot->officer)
        return slot->officer ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (model.session[i].handle != 0 && model.session[i].slot == slot && !model.session[i].rw)
            return CKR_SESSION_READ_ONLY_EXISTS;
    CK_RV rv = expect_so_pin(slot, pin);
    slot->officer = rv == CKR_OK;
    return rv;
}

/* What was begun in SESSION and wants a login for its signature; NULL: nothing. */
static struct operation *wanting_login(struct session *session)
{
    struct operation *operations[] = {&session->sign, &session->message_sign};
    for (unsigned i = 0; i < 2; i++)
        if (operations[i]->mechanism != NULL && operations[i]->key->always_authenticate)
            return operations[i];
    return NULL;
}

/* 3.0 §5.6.8: for the operation that is active; the state of the session stays as it is. */
static CK_RV expect_for_signature(struct session *session, const struct pin *pin)
{
    struct operation *operation = wanting_login(session);
    if (operation == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    CK_RV rv = expect_pin(session->slot, pin);
    operation->authorised = operation->authorised || rv == CKR_OK;
    return rv;
}

static void login_as(CK_SESSION_HANDLE handle, struct session *session, CK_USER_TYPE type)
{
    struct pin pin = pick_pin(session == NULL ? any_slot() : session->slot);
    if (type == CKU_SO && one_in(2))
        pin = (struct pin){FAKE_SO_CODE, strlen(FAKE_SO_CODE)};
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = type == CKU_USER               ? expect_user(session->slot, &pin)
                   : type == CKU_SO               ? expect_officer(session->slot, &pin)
                   : type == CKU_CONTEXT_SPECIFIC ? expect_for_signature(session, &pin)
                                                  : CKR_USER_TYPE_INVALID;
    expect("C_Login", C_Login(handle, type, (CK_BYTE *)(uintptr_t)pin.bytes, pin.len), expected);
    if (expected == CKR_PIN_INCORRECT)
        fake_engine_set_tries(model.engine, 5);
}

static void login(void)
{
    static const CK_USER_TYPE types[] = {CKU_USER, CKU_USER, CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 77};
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    login_as(handle, session, types[chance(sizeof types / sizeof types[0])]);
}

/* In a session where a signature waits for it, if there is one. */
static void login_for_signature(void)
{
    uint64_t first = chance(SESSIONS_MAX);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = &model.session[(first + i) % SESSIONS_MAX];
        if (session->handle != 0 && wanting_login(session) != NULL) {
            login_as(session->handle, session, CKU_CONTEXT_SPECIFIC);
            return;
        }
    }
}

static void logout(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && !session->slot->logged_in && !session->slot->officer)
        expected = CKR_USER_NOT_LOGGED_IN;
    expect("C_Logout", C_Logout(handle), expected);
    if (expected == CKR_OK)
        session->slot->logged_in = session->slot->officer = false;
}

/* ---- what the SO does; the user's PIN is put back to what the model knows ---- */

static void init_pin(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct slot *slot = session == NULL ? any_slot() : session->slot;
    const char *const pins[] = {slot->pin, slot->pin, "short", "12345678", "", NULL};
    size_t at = chance(sizeof pins / sizeof pins[0]);
    CK_ULONG len = pins[at] == NULL ? 3 : strlen(pins[at]);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = pins[at] == NULL  ? CKR_ARGUMENTS_BAD
                   : !slot->officer  ? CKR_USER_NOT_LOGGED_IN
                   : len < PIN_LEAST ? CKR_PIN_LEN_RANGE
                   : at == 3         ? CKR_PIN_INVALID
                                     : CKR_OK;
    expect("C_InitPIN", C_InitPIN(handle, (CK_BYTE *)(uintptr_t)pins[at], len), expected);
    fake_engine_enrol(model.engine, slot->user);
}

static void init_token(void)
{
    static CK_BYTE label[] = "a label of thirty-two characters";
    static const char *const pins[] = {FAKE_SO_CODE, "wrong horse 1", ""};
    CK_SLOT_ID id = pick_slot();
    struct slot *slot = &model.slot[id % SLOTS];
    struct pin pin = {.bytes = pins[chance(3)]};
    bool none = one_in(6);
    pin.len = strlen(pin.bytes);
    CK_RV expected = expect_slot(id) != CKR_OK ? CKR_SLOT_ID_INVALID
                     : none                    ? CKR_ARGUMENTS_BAD
                     : open_sessions(slot) > 0 ? CKR_SESSION_EXISTS
                     : !model.initialised      ? CKR_OK
                                               : expect_so_pin(slot, &pin);
    expect("C_InitToken", C_InitToken(id, (CK_BYTE *)(uintptr_t)pin.bytes, pin.len, none ? NULL : label),
           initialised(expected));
    fake_engine_enrol(model.engine, slot->user);
}

static void unsupported(CK_SESSION_HANDLE handle, const struct session *session)
{
    CK_MECHANISM mechanism = {CKM_AES_CBC, NULL, 0};
    CK_ULONG len = 0;
    CK_RV expected = expect_session(session) == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : expect_session(session);
    expect("C_SignRecoverInit", C_SignRecoverInit(handle, &mechanism, 1), expected);
    expect("C_VerifyRecover", C_VerifyRecover(handle, NULL, 1, NULL, &len), expected);
    expect("C_EncapsulateKey", C_EncapsulateKey(handle, NULL, 1, NULL, 9, NULL, NULL, NULL), expected);
    expect("C_MessageDecryptFinal", C_MessageDecryptFinal(handle), expected);
}

static void random_numbers(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    struct data data = pick_data(200);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && is_bad(data))
        expected = CKR_ARGUMENTS_BAD;
    unsupported(handle, session);
    if (one_in(2))
        expect("C_SeedRandom", C_SeedRandom(handle, data.bytes, data.len), expected);
    else
        expect("C_GenerateRandom", C_GenerateRandom(handle, data.bytes, data.len), expected);
}

const struct call session_calls[] = {
    {"C_Initialize", 20, initialize},
    {"C_Finalize", 1, finalize},
    {"C_GetInfo", 3, get_info},
    {"C_GetSlotList", 5, get_slot_list},
    {"C_GetSlotInfo", 5, get_slot_info},
    {"C_GetTokenInfo", 5, get_token_info},
    {"C_GetMechanismInfo", 5, get_mechanism_info},
    {"C_OpenSession", 60, open_session},
    {"C_CloseSession", 8, close_session},
    {"C_CloseAllSessions", 1, close_all_sessions},
    {"C_GetSessionInfo", 20, get_session_info},
    {"C_SessionCancel", 10, session_cancel},
    {"C_Login", 60, login},
    {"C_Login for a signature", 30, login_for_signature},
    {"C_Logout", 8, logout},
    {"C_InitPIN", 20, init_pin},
    {"C_InitToken", 10, init_token},
    {"random numbers, and what is not supported", 10, random_numbers},
    {0},
};
