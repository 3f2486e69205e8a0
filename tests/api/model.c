/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <string.h>

struct model model;

struct session *pick_session(CK_SESSION_HANDLE *ret_handle)
{
    static const CK_SESSION_HANDLE none[] = {0, 1, 0xffffffff, ~0ul, ~0ul << 20, 1ul << 20};
    struct session *session = &model.session[chance(SESSIONS_MAX)];
    for (unsigned tries = 0; session->handle == 0 && tries < 4; tries++)
        session = &model.session[chance(SESSIONS_MAX)];
    if (session->handle == 0 || one_in(10)) {
        *ret_handle = none[chance(sizeof none / sizeof none[0])];
        for (unsigned i = 0; i < SESSIONS_MAX; i++)
            if (model.session[i].handle == *ret_handle && *ret_handle != 0)
                return &model.session[i];
        return NULL;
    }
    *ret_handle = session->handle;
    return session;
}

unsigned open_sessions(const struct slot *slot)
{
    unsigned count = 0;
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        count += model.session[i].handle != 0 && model.session[i].slot == slot;
    return count;
}

struct slot *any_slot(void)
{
    return &model.slot[chance(SLOTS)];
}

CK_RV expect_session(const struct session *session)
{
    if (!model.initialised)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    return session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

void session_gone(struct session *session)
{
    for (unsigned i = 0; i < OWN_MAX; i++)
        if (model.own[i].session == session)
            model.own[i] = (struct own){0};
    struct slot *slot = session->slot;
    *session = (struct session){0};
    if (open_sessions(slot) == 0)
        slot->logged_in = slot->officer = false;
}

void all_gone(void)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (model.session[i].handle != 0)
            session_gone(&model.session[i]);
    for (unsigned i = 0; i < SLOTS; i++)
        model.slot[i].malformed = 0;
}

struct own *own_of(CK_OBJECT_HANDLE handle)
{
    for (unsigned i = 0; i < OWN_MAX; i++)
        if (model.own[i].session != NULL && model.own[i].handle == handle)
            return &model.own[i];
    return NULL;
}

CK_OBJECT_CLASS class_of(enum what what)
{
    static const CK_OBJECT_CLASS classes[] = {[PRIVATE_KEY] = CKO_PRIVATE_KEY,
                                              [PUBLIC_KEY] = CKO_PUBLIC_KEY,
                                              [CERTIFICATE] = CKO_CERTIFICATE,
                                              [OWN_KEY] = CKO_PUBLIC_KEY};
    return classes[what];
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    require(C_FindObjectsInit(session, template, 2) == CKR_OK && C_FindObjects(session, &found, 1, &count) == CKR_OK &&
                C_FindObjectsFinal(session) == CKR_OK && count == 1,
            "an object of the token is not found");
    return found;
}

/* A login is needed once, to see all. */
static void learn_slot(struct slot *slot)
{
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_HANDLE all[32];
    require(C_OpenSession(slot->id, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK, "C_OpenSession");
    require(C_FindObjectsInit(session, NULL, 0) == CKR_OK &&
                C_FindObjects(session, all, sizeof all / sizeof all[0], &slot->on_token) == CKR_OK &&
                C_FindObjectsFinal(session) == CKR_OK,
            "C_FindObjects");
    require(C_Login(session, CKU_USER, (CK_BYTE *)(uintptr_t)slot->pin_code, strlen(slot->pin_code)) == CKR_OK,
            "C_Login");
    for (unsigned i = 0; i < KEYS; i++) {
        struct key *key = &slot->key[i];
        key->private_key = find(session, CKO_PRIVATE_KEY, key->label);
        key->public_key = find(session, CKO_PUBLIC_KEY, key->label);
        key->certificate = find(session, CKO_CERTIFICATE, key->label);
    }
    CK_ATTRIBUTE modulus = {CKA_MODULUS, slot->modulus, sizeof slot->modulus};
    require(C_GetAttributeValue(session, slot->key[0].public_key, &modulus, 1) == CKR_OK, "CKA_MODULUS");
    require(C_Logout(session) == CKR_OK && C_CloseSession(session) == CKR_OK, "C_CloseSession");
}

/* Handles stay as long as the module is initialised. */
void learn_handles(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        learn_slot(&model.slot[i]);
}

/* ---- data and room ---- */

struct data pick_data(size_t most)
{
    static CK_BYTE bytes[4096 + 1];
    size_t len = chance((most < 4096 ? most : 4096) + 1);
    if (one_in(20))
        return (struct data){NULL, one_in(2) ? 0 : 1 + chance(1000)};
    if (one_in(100))
        return (struct data){bytes, ~0ul - chance(1000)};
    return (struct data){bytes + chance(2), len}; /* not always aligned */
}

bool is_bad(struct data data)
{
    return (data.bytes == NULL && data.len > 0) || data.len > PTRDIFF_MAX;
}

void room_pick(struct room *room, size_t needed)
{
    memset(room->bytes, 0xa5, sizeof room->bytes);
    room->none = one_in(8);
    room->no_len = one_in(30);
    room->len = room->told = one_in(6) ? chance(needed) : one_in(4) ? ROOM : needed;
}

void room_check(const struct room *room)
{
    for (size_t i = room->told; i < sizeof room->bytes; i++)
        require(room->bytes[i] == 0xa5, "more was written than there was room for");
}

CK_RV expect_room(const struct room *room, size_t needed)
{
    if (room->no_len)
        return CKR_ARGUMENTS_BAD;
    return !room->none && room->len < needed ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}
