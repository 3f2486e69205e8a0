/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <string.h>

/* ---- which object ---- */

static CK_OBJECT_HANDLE pick_in(const struct slot *slot, struct object *ret_object)
{
    static const CK_OBJECT_HANDLE none[] = {0, ~0ul, 1ul << 40};
    const struct key *key = &slot->key[chance(KEYS)];
    const struct own *own = &model.own[chance(OWN_MAX)];
    *ret_object = (struct object){.what = NO_OBJECT, .key = key};
    switch (chance(5)) {
    case 0:
        return ret_object->what = PRIVATE_KEY, key->private_key;
    case 1:
        return ret_object->what = PUBLIC_KEY, key->public_key;
    case 2:
        return ret_object->what = CERTIFICATE, key->certificate;
    case 3:
        if (own->session != NULL && own->session->slot == slot)
            return *ret_object = (struct object){OWN_KEY, own->key}, own->handle;
        break;
    }
    return none[chance(sizeof none / sizeof none[0])];
}

CK_OBJECT_HANDLE pick_object(const struct session *session, struct object *ret_object)
{
    const struct slot *slot = session == NULL || one_in(12) ? any_slot() : session->slot;
    CK_OBJECT_HANDLE handle = pick_in(slot, ret_object);
    if (session != NULL && slot != session->slot)
        ret_object->what = NO_OBJECT;
    return handle;
}

static bool is_hidden(const struct session *session, const struct object *object)
{
    return object->what == NO_OBJECT || (object->what == PRIVATE_KEY && !session->slot->logged_in);
}

/* ON_TOKEN: for who may ask at all. */
static CK_RV expect_token_change(const struct session *session, CK_RV on_token)
{
    return !session->rw ? CKR_SESSION_READ_ONLY : !session->slot->logged_in ? CKR_USER_NOT_LOGGED_IN : on_token;
}

/* ---- searches ---- */

static size_t count_own(const struct slot *slot)
{
    size_t count = 0;
    for (unsigned i = 0; i < OWN_MAX; i++)
        count += model.own[i].session != NULL && model.own[i].session->slot == slot;
    return count;
}

static void find_init(void)
{
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_VENDOR_DEFINED | 5};
    size_t at = chance(3);
    CK_ATTRIBUTE template[] = {{CKA_TOKEN, &yes, 1}, {CKA_CLASS, &classes[at], sizeof classes[at]}};
    bool all = one_in(3), bad = one_in(10);
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_RV expected = expect_session(session);
    if (bad)
        template[1].pValue = NULL;
    if (expected == CKR_OK)
        expected = bad && !all ? CKR_ARGUMENTS_BAD : session->find ? CKR_OPERATION_ACTIVE : CKR_OK;
    expect("C_FindObjectsInit", C_FindObjectsInit(handle, all ? NULL : template, all ? 0 : 2), expected);
    if (expected != CKR_OK)
        return;
    const struct slot *slot = session->slot;
    size_t private_keys = slot->logged_in ? KEYS : 0, found[] = {KEYS, private_keys, 0};
    session->find = true;
    session->find_left = all ? slot->on_token + count_own(slot) + private_keys : found[at];
}

static void find_next(void)
{
    CK_OBJECT_HANDLE found[40];
    CK_ULONG count = 77, most = chance(20);
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    bool none = one_in(20), no_count = one_in(20);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = no_count || (none && most > 0) ? CKR_ARGUMENTS_BAD
                   : session->find                ? CKR_OK
                                                  : CKR_OPERATION_NOT_INITIALIZED;
    expect("C_FindObjects", C_FindObjects(handle, none ? NULL : found, most, no_count ? NULL : &count), expected);
    if (expected != CKR_OK)
        return;
    require(count == (most < session->find_left ? most : session->find_left), "another number of objects was found");
    session->find_left -= count;
}

static void find_final(void)
{
    CK_SESSION_HANDLE handle;
    struct session *session = pick_session(&handle);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK && !session->find)
        expected = CKR_OPERATION_NOT_INITIALIZED;
    expect("C_FindObjectsFinal", C_FindObjectsFinal(handle), expected);
    if (session != NULL && model.initialised)
        session->find = false;
}

/* ---- attributes ---- */

static CK_RV expect_attribute(const struct session *session, const struct object *object, CK_ATTRIBUTE_TYPE type,
                              bool none, size_t room)
{
    if (is_hidden(session, object))
        return CKR_OBJECT_HANDLE_INVALID;
    if (type == CKA_PRIVATE_EXPONENT)
        return object->what == PRIVATE_KEY ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    if (type != CKA_CLASS)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    return !none && room < sizeof(CK_OBJECT_CLASS) ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static void get_attribute(void)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS, CKA_CLASS, CKA_PRIVATE_EXPONENT, CKA_AC_ISSUER, ~0ul};
    CK_OBJECT_CLASS class = 77;
    CK_SESSION_HANDLE handle;
    struct object object;
    struct session *session = pick_session(&handle);
    CK_OBJECT_HANDLE object_handle = pick_object(session, &object);
    CK_ATTRIBUTE wanted = {types[chance(sizeof types / sizeof types[0])], one_in(4) ? NULL : &class,
                           one_in(4) ? chance(8) : 8};
    bool no_template = one_in(20), none = wanted.pValue == NULL;
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected =
            no_template ? CKR_ARGUMENTS_BAD : expect_attribute(session, &object, wanted.type, none, wanted.ulValueLen);
    expect("C_GetAttributeValue", C_GetAttributeValue(handle, object_handle, no_template ? NULL : &wanted, 1),
           expected);
    if (expected == CKR_OK)
        require(wanted.ulValueLen == sizeof class && (none || class == class_of(object.what)), "CKA_CLASS is another");
    else
        require(class == 77, "a value was written though the call failed");
    if (expected == CKR_ATTRIBUTE_SENSITIVE || expected == CKR_BUFFER_TOO_SMALL)
        require(wanted.ulValueLen == CK_UNAVAILABLE_INFORMATION, "ulValueLen does not say that there is no value");
}

static void set_attribute(void)
{
    static char label[] = "renamed";
    static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static CK_BBOOL yes = CK_TRUE;
    static const struct {
        CK_ATTRIBUTE attribute;
        CK_RV on_own;
        CK_RV on_token; /* the engine refuses every change */
    } cases[] = {{{CKA_LABEL, label, 7}, CKR_OK, CKR_ACTION_PROHIBITED},
                 {{CKA_CLASS, &class, sizeof class}, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_READ_ONLY},
                 {{CKA_TOKEN, &yes, 1}, CKR_ATTRIBUTE_READ_ONLY, CKR_OK},
                 {{CKA_COPYABLE, label, 7}, CKR_ATTRIBUTE_VALUE_INVALID, CKR_ATTRIBUTE_READ_ONLY},
                 {{CKA_PRIVATE_EXPONENT, label, 7}, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_TYPE_INVALID}};
    CK_SESSION_HANDLE handle;
    struct object object;
    struct session *session = pick_session(&handle);
    CK_OBJECT_HANDLE object_handle = pick_object(session, &object);
    size_t at = chance(sizeof cases / sizeof cases[0]);
    CK_ATTRIBUTE attribute = cases[at].attribute;
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = is_hidden(session, &object) ? CKR_OBJECT_HANDLE_INVALID
                   : object.what == OWN_KEY    ? cases[at].on_own
                                               : expect_token_change(session, cases[at].on_token);
    expect("C_SetAttributeValue", C_SetAttributeValue(handle, object_handle, &attribute, 1), expected);
}

static void object_size(void)
{
    CK_ULONG size = 0;
    CK_SESSION_HANDLE handle;
    struct object object;
    struct session *session = pick_session(&handle);
    CK_OBJECT_HANDLE object_handle = pick_object(session, &object);
    bool none = one_in(10);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = none ? CKR_ARGUMENTS_BAD : is_hidden(session, &object) ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;
    expect("C_GetObjectSize", C_GetObjectSize(handle, object_handle, none ? NULL : &size), expected);
}

/* ---- session objects ---- */

static struct own *free_place(void)
{
    for (unsigned i = 0; i < OWN_MAX; i++)
        if (model.own[i].session == NULL)
            return &model.own[i];
    return NULL;
}

static void copy_object(void)
{
    CK_BBOOL token = one_in(6) ? CK_TRUE : CK_FALSE;
    CK_ATTRIBUTE template = {CKA_TOKEN, &token, 1};
    CK_OBJECT_HANDLE copy = 0;
    CK_SESSION_HANDLE handle;
    struct object object;
    struct own *place = free_place();
    struct session *session = pick_session(&handle);
    CK_OBJECT_HANDLE original = pick_object(session, &object);
    bool none = one_in(10);
    CK_RV expected = expect_session(session);
    if (place == NULL || object.what == PRIVATE_KEY || object.what == CERTIFICATE)
        return; /* the model follows copies of public keys only */
    if (expected == CKR_OK)
        expected = none                          ? CKR_ARGUMENTS_BAD
                   : is_hidden(session, &object) ? CKR_OBJECT_HANDLE_INVALID
                   : token == CK_FALSE           ? CKR_OK
                                                 : CKR_TEMPLATE_INCONSISTENT;
    expect("C_CopyObject", C_CopyObject(handle, original, &template, 1, none ? NULL : &copy), expected);
    if (expected == CKR_OK)
        *place = (struct own){.handle = copy, .session = session, .key = object.key};
}

static void create_object(void)
{
    static CK_OBJECT_CLASS public_key = CKO_PUBLIC_KEY, feature = CKO_HW_FEATURE;
    static CK_KEY_TYPE rsa = CKK_RSA;
    static CK_BYTE exponent[] = {1, 0, 1};
    CK_OBJECT_HANDLE created = 0;
    CK_SESSION_HANDLE handle;
    struct own *place = free_place();
    struct session *session = pick_session(&handle);
    struct slot *slot = session == NULL ? any_slot() : session->slot;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &public_key, sizeof public_key},
                               {CKA_KEY_TYPE, &rsa, sizeof rsa},
                               {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
                               {CKA_MODULUS, slot->modulus, sizeof slot->modulus}};
    CK_ULONG count = one_in(4) ? chance(4) : 4;
    CK_RV expected = expect_session(session);
    if (place == NULL)
        return;
    if (one_in(6))
        template[0].pValue = &feature;
    if (expected == CKR_OK)
        expected = count > 0 && template[0].pValue == &feature ? CKR_ATTRIBUTE_VALUE_INVALID
                   : count < 4                                    ? CKR_TEMPLATE_INCOMPLETE
                                                                  : CKR_OK;
    expect("C_CreateObject", C_CreateObject(handle, template, count, &created), expected);
    if (expected == CKR_OK)
        *place = (struct own){.handle = created, .session = session, .key = &slot->key[0]};
}

static void destroy_object(void)
{
    CK_SESSION_HANDLE handle;
    struct object object;
    struct session *session = pick_session(&handle);
    CK_OBJECT_HANDLE object_handle = pick_object(session, &object);
    CK_RV expected = expect_session(session);
    if (expected == CKR_OK)
        expected = is_hidden(session, &object) ? CKR_OBJECT_HANDLE_INVALID
                   : object.what == OWN_KEY    ? CKR_OK
                                               : expect_token_change(session, CKR_ACTION_PROHIBITED);
    expect("C_DestroyObject", C_DestroyObject(handle, object_handle), expected);
    if (expected == CKR_OK) {
        *own_of(object_handle) = (struct own){0};
        expect("C_DestroyObject again", C_DestroyObject(handle, object_handle), CKR_OBJECT_HANDLE_INVALID);
    }
}

const struct call object_calls[] = {
    {"C_FindObjectsInit", 40, find_init},       {"C_FindObjects", 40, find_next},
    {"C_FindObjectsFinal", 30, find_final},     {"C_GetAttributeValue", 60, get_attribute},
    {"C_SetAttributeValue", 20, set_attribute}, {"C_GetObjectSize", 10, object_size},
    {"C_CopyObject", 20, copy_object},          {"C_CreateObject", 20, create_object},
    {"C_DestroyObject", 30, destroy_object},    {0},
};
