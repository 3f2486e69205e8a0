/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_write_conf(struct fixture *fixture, const char *text)
{
    FILE *file = fopen(fixture->conf_path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

void fixture_prepare(struct fixture *fixture, const char *extra)
{
    char text[1024];
    *fixture = (struct fixture){.folder = "/tmp/trustp11-p11-XXXXXX"};
    cr_assert_not_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->socket_path, sizeof(fixture->socket_path), "%s/engine.sock", fixture->folder);
    (void)snprintf(fixture->conf_path, sizeof(fixture->conf_path), "%s/trustp11.conf", fixture->folder);
    (void)snprintf(text, sizeof(text), "socket = %s\nengine_user = %u\n%s", fixture->socket_path, (unsigned)getuid(),
                   extra == NULL ? "users = " FAKE_USER "\n" : extra);
    fixture_write_conf(fixture, text);
    cr_assert_eq(setenv("TRUSTP11_CONF", fixture->conf_path, 1), 0);
    fixture->engine = fake_engine_start(fixture->socket_path);
}

void fixture_open(struct fixture *fixture, const char *extra)
{
    fixture_prepare(fixture, extra);
    cr_assert_eq(C_Initialize(NULL), CKR_OK);
    fixture->session = open_session(0, CKF_RW_SESSION);
}

void fixture_close(struct fixture *fixture)
{
    (void)C_Finalize(NULL);
    fake_engine_stop(fixture->engine);
    (void)unlink(fixture->conf_path);
    (void)rmdir(fixture->folder);
}

CK_SESSION_HANDLE open_session(CK_SLOT_ID slot, CK_FLAGS flags)
{
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    cr_assert_eq(C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
    cr_assert_neq(session, CK_INVALID_HANDLE);
    return session;
}

CK_RV login(CK_SESSION_HANDLE session, const char *pin)
{
    return C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
}

CK_STATE state_of(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    cr_assert_eq(C_GetSessionInfo(session, &info), CKR_OK);
    return info.state;
}

CK_ULONG find_all(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *objects,
                  CK_ULONG most)
{
    CK_OBJECT_HANDLE found[7]; /* few at a time, so that going on is tried, too */
    CK_ULONG total = 0, now = 0;
    cr_assert_eq(C_FindObjectsInit(session, template, count), CKR_OK);
    do {
        cr_assert_eq(C_FindObjects(session, found, 7, &now), CKR_OK);
        for (CK_ULONG i = 0; i < now; i++, total++)
            if (total < most)
                objects[total] = found[i];
    } while (now > 0);
    cr_assert_eq(C_FindObjectsFinal(session), CKR_OK);
    return total;
}

CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label)
{
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    return find_all(session, template, 2, &object, 1) == 1 ? object : CK_INVALID_HANDLE;
}

CK_RV sign(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const void *data, size_t len,
           CK_BYTE *signature, CK_ULONG *signature_len)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_RV rv = C_SignInit(session, &mechanism, key);
    return rv != CKR_OK ? rv : C_Sign(session, (CK_BYTE *)data, len, signature, signature_len);
}

CK_RV verify(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const void *data, size_t len,
             CK_BYTE *signature, CK_ULONG signature_len)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_RV rv = C_VerifyInit(session, &mechanism, key);
    return rv != CKR_OK ? rv : C_Verify(session, (CK_BYTE *)data, len, signature, signature_len);
}

CK_ULONG get_ulong(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    CK_RV rv = C_GetAttributeValue(session, object, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen == sizeof(value) ? value : CK_UNAVAILABLE_INFORMATION;
}

int get_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 0;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    CK_RV rv = C_GetAttributeValue(session, object, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen == sizeof(value) ? value : -1;
}

size_t get_bytes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *bytes, size_t room)
{
    CK_ATTRIBUTE attribute = {type, bytes, room};
    cr_assert_eq(C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    return attribute.ulValueLen;
}

CK_OBJECT_HANDLE bring_key(CK_SESSION_HANDLE session, CK_KEY_TYPE type, const void *value, size_t len,
                           const CK_ATTRIBUTE *more, CK_ULONG count)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[16] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)}, {CKA_VALUE, (void *)value, len}};
    cr_assert_lt(count, 13);
    for (CK_ULONG i = 0; i < count; i++)
        template[3 + i] = more[i];
    cr_assert_eq(C_CreateObject(session, template, 3 + count, &key), CKR_OK);
    return key;
}

size_t unhex(const char *text, CK_BYTE *ret_bytes)
{
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_eq(tp_hex_decode(text, strlen(text), &buf), TP_OK);
    if (buf.len > 0)
        memcpy(ret_bytes, buf.data, buf.len);
    size_t len = buf.len;
    tp_buf_clear(&buf);
    return len;
}
