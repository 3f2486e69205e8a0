/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/private_key.h"
#include "p11/der.h"
#include "base/der.h"
#include "p11/key.h"
#include "p11/module.h"
#include "p11/session.h"
#include "p11/slot.h"
#include "p11/token_object.h"

#include <stdlib.h>
#include <string.h>

#define PKCS8_MAX    2560 /* RSA of 4096 bits: 2375 bytes */
#define FIELD_MAX    66   /* P-521 */
#define ED25519_BITS 255
#define ED25519_LEN  32

/* ---- DER, from its end to its beginning: a length is known when its head is written ---- */

enum { INTEGER = 0x02, BIT_STRING = 0x03, OCTET_STRING = 0x04, SEQUENCE = 0x30, EXPLICIT_1 = 0xa1 };

struct writer {
    uint8_t *bytes; /* PKCS8_MAX of them */
    size_t at;      /* what is written begins here */
    bool full;
};

static void put(struct writer *writer, struct tp_bytes bytes)
{
    writer->full = writer->full || bytes.len > writer->at;
    if (writer->full || bytes.len == 0)
        return;
    writer->at -= bytes.len;
    memcpy(writer->bytes + writer->at, bytes.data, bytes.len);
}

static void put_byte(struct writer *writer, size_t byte)
{
    const uint8_t value = (uint8_t)byte;
    put(writer, TP_BYTES(&value, 1));
}

/* Of what lies between here and END. */
static void put_head(struct writer *writer, uint8_t tag, size_t end)
{
    const size_t len = end - writer->at;
    put_byte(writer, len & 0xff);
    if (len > 0xff) {
        put_byte(writer, len >> 8);
        put_byte(writer, 0x82);
    } else if (len > 0x7f) {
        put_byte(writer, 0x81);
    }
    put_byte(writer, tag);
}

static void put_integer(struct writer *writer, struct tp_bytes number)
{
    const size_t end = writer->at;
    number = tp_der_without_zeros(number);
    put(writer, number);
    if (number.len == 0 || (number.data[0] & 0x80) != 0)
        put_byte(writer, 0);
    put_head(writer, INTEGER, end);
}

static void put_version(struct writer *writer, uint8_t version)
{
    put_integer(writer, TP_BYTES(&version, 1));
}

/* RFC 5958 §2: around a private key that is written already, for an algorithm and its parameters. */
static void put_pkcs8(struct writer *writer, struct tp_bytes algorithm, struct tp_bytes parameters, size_t end)
{
    put_head(writer, OCTET_STRING, end);
    const size_t algorithm_end = writer->at;
    put(writer, parameters);
    put(writer, algorithm);
    put_head(writer, SEQUENCE, algorithm_end);
    put_version(writer, 0);
    put_head(writer, SEQUENCE, end);
}

/* ---- the kinds ---- */

/* RFC 8017 §A.1.2. */
static CK_RV put_rsa(struct writer *writer, struct tp_p11_template template)
{
    static const uint8_t null[] = {0x05, 0x00};
    static const CK_ATTRIBUTE_TYPE parts[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1,
                                              CKA_PRIME_2, CKA_EXPONENT_1,      CKA_EXPONENT_2,       CKA_COEFFICIENT};
    const size_t end = writer->at;
    for (size_t i = sizeof(parts) / sizeof(parts[0]); i-- > 0;) {
        struct tp_bytes part = tp_der_without_zeros(tp_p11_template_value(template.items, template.count, parts[i]));
        if (part.len == 0)
            return CKR_TEMPLATE_INCOMPLETE; /* the CRT's parts too: nobody guesses at primes */
        put_integer(writer, part);
    }
    put_version(writer, 0);
    put_head(writer, SEQUENCE, end);
    put_pkcs8(writer, tp_p11_oid_rsa(), TP_BYTES(null, sizeof(null)), end);
    return CKR_OK;
}

/* RFC 5915 §3, with the public key where the program has given it: the engine finds out whether it fits. */
static CK_RV put_ec(struct writer *writer, struct tp_bytes curve, struct tp_bytes value, CK_ULONG bits,
                    struct tp_bytes point)
{
    static const uint8_t zeros[FIELD_MAX];
    const size_t end = writer->at, field_len = (bits + 7) / 8;
    value = tp_der_without_zeros(value);
    if (value.len == 0 || value.len > field_len)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (point.len > 0) {
        put(writer, point);
        put_byte(writer, 0); /* no unused bits */
        put_head(writer, BIT_STRING, end);
        put_head(writer, EXPLICIT_1, end);
    }
    const size_t value_end = writer->at;
    put(writer, value);
    put(writer, TP_BYTES(zeros, field_len - value.len));
    put_head(writer, OCTET_STRING, value_end);
    put_version(writer, 1);
    put_head(writer, SEQUENCE, end);
    put_pkcs8(writer, tp_p11_oid_ec(), curve, end);
    return CKR_OK;
}

/* RFC 8410 §7. */
static CK_RV put_edwards(struct writer *writer, struct tp_bytes value)
{
    const size_t end = writer->at;
    if (value.len != ED25519_LEN)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    put(writer, value);
    put_head(writer, OCTET_STRING, end);
    put_pkcs8(writer, tp_p11_oid_ed25519(), TP_BYTES_NONE, end);
    return CKR_OK;
}

static CK_RV put_on_curve(struct writer *writer, struct tp_p11_template template, enum tp_p11_kind kind)
{
    struct tp_bytes curve = tp_p11_template_value(template.items, template.count, CKA_EC_PARAMS);
    struct tp_bytes value = tp_p11_template_value(template.items, template.count, CKA_VALUE);
    struct tp_bytes point = tp_p11_template_value(template.items, template.count, CKA_EC_POINT);
    enum tp_p11_kind of_curve;
    CK_ULONG bits;
    if (curve.len == 0 || value.len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    if (!tp_p11_key_curve(curve, &of_curve, &bits) || of_curve != kind)
        return CKR_CURVE_NOT_SUPPORTED;
    if (kind == TP_P11_EC)
        return put_ec(writer, curve, value, bits, tp_p11_key_point(curve, point));
    return bits == ED25519_BITS ? put_edwards(writer, value) : CKR_CURVE_NOT_SUPPORTED;
}

CK_RV tp_p11_private_key_of_template(struct tp_p11_template template, enum tp_p11_kind kind,
                                     struct tp_secret **ret_pkcs8)
{
    struct tp_secret *room TP_AUTO(tp_secret_free_p) = NULL;
    if (tp_secret_new(PKCS8_MAX, &room) != TP_OK)
        return CKR_HOST_MEMORY;
    struct writer writer = {.bytes = tp_secret_data(room), .at = PKCS8_MAX};
    CK_RV rv = kind == TP_P11_RSA ? put_rsa(&writer, template) : put_on_curve(&writer, template, kind);
    if (rv == CKR_OK && writer.full)
        rv = CKR_ATTRIBUTE_VALUE_INVALID; /* longer than any key here */
    if (rv != CKR_OK)
        return rv;
    return tp_secret_new_copy(TP_BYTES(writer.bytes + writer.at, PKCS8_MAX - writer.at), ret_pkcs8) == TP_OK
               ? CKR_OK
               : CKR_HOST_MEMORY;
}

/* ---- C_CreateObject ---- */

static CK_RV kind_of(struct tp_p11_template template, enum tp_p11_kind *ret_kind)
{
    CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_template_ulong(template.items, template.count, CKA_KEY_TYPE, type, &type);
    if (rv != CKR_OK)
        return rv;
    *ret_kind = type == CKK_RSA          ? TP_P11_RSA
                : type == CKK_EC         ? TP_P11_EC
                : type == CKK_EC_EDWARDS ? TP_P11_ED
                                         : TP_P11_NO_KEY;
    return *ret_kind != TP_P11_NO_KEY           ? CKR_OK
           : type == CK_UNAVAILABLE_INFORMATION ? CKR_TEMPLATE_INCOMPLETE
                                                : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV import(struct tp_p11_call *call, struct tp_p11_template template, const struct tp_secret *pkcs8,
                    char *label, CK_OBJECT_HANDLE *ret_object)
{
    Tp__Ipc__KeyImportRequest request = TP__IPC__KEY_IMPORT_REQUEST__INIT;
    char owner[TP_CLIENT_USER_LEN];
    struct tp_bytes id = tp_p11_template_value(template.items, template.count, CKA_ID);
    struct tp_ipc_reply reply = {0};
    bool always_authenticate = false;
    CK_RV rv =
        tp_p11_template_bool(template.items, template.count, CKA_ALWAYS_AUTHENTICATE, false, &always_authenticate);
    if (rv != CKR_OK)
        return rv;
    request.user = tp_p11_token_object_owner(call, owner);
    request.label = label;
    request.cka_id = tp_p11_token_object_field(id);
    request.always_authenticate = always_authenticate;
    enum tp_rc rc = tp_ipc_call(call->module->client, TP_OP_KEY_IMPORT, &request.base, tp_secret_bytes(pkcs8),
                                TP_BYTES_NONE, 0, &call->error, &reply);
    rv = tp_p11_token_object_rv(rc);
    if (rv == CKR_OK) {
        const Tp__Ipc__KeyReply *made = (const Tp__Ipc__KeyReply *)reply.message;
        rv = tp_p11_token_object_handle(call, TP_P11_PRIVATE_KEY, made->credential->id, ret_object);
    }
    tp_ipc_reply_clear(&reply);
    return rv;
}

CK_RV tp_p11_private_key_create(struct tp_p11_call *call, struct tp_p11_template template, CK_OBJECT_HANDLE *ret_object)
{
    static const char *const names[] = {[TP_P11_RSA] = "rsa", [TP_P11_EC] = "ec", [TP_P11_ED] = "ed25519"};
    struct tp_secret *pkcs8 TP_AUTO(tp_secret_free_p) = NULL;
    struct tp_bytes given = tp_p11_template_value(template.items, template.count, CKA_LABEL);
    const CK_ATTRIBUTE wanted = {CKA_LABEL, (void *)(uintptr_t)given.data, given.len};
    enum tp_p11_kind kind = TP_P11_NO_KEY;
    char *label = NULL;
    CK_RV rv = kind_of(template, &kind);
    if (rv == CKR_OK)
        rv = tp_p11_key_template_check(template, TP_P11_BRING_PRIVATE, kind, &call->error);
    if (rv == CKR_OK)
        rv = tp_p11_private_key_of_template(template, kind, &pkcs8);
    if (rv == CKR_OK)
        rv = tp_p11_key_label(&wanted, names[kind], &label);
    if (rv == CKR_OK)
        rv = import(call, template, pkcs8, label, ret_object);
    free(label);
    return rv;
}
