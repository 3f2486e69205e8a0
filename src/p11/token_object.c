/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/token_object.h"
#include "base/crypto.h"
#include "p11/der.h"
#include "p11/module.h"
#include "p11/private_key.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

CK_RV tp_p11_token_object_check(struct tp_p11_call *call)
{
    if ((call->session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return tp_p11_login_is_open(call->session->slot) ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

/* ---- to and from the engine ---- */

CK_RV tp_p11_token_object_rv(enum tp_rc rc)
{
    switch (rc) {
    case TP_BAD_ARGUMENT: /* a label too long, of control characters, … */
    case TP_EXISTS:
    case TP_MALFORMED:
    case TP_TOO_LARGE:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    default:
        return tp_p11_rv(rc);
    }
}

/* For what is done to an object that is there (3.0 §5.1.6: "underlying policy restrictions on the token"). */
static CK_RV rv_of_change(enum tp_rc rc)
{
    return rc == TP_NOT_PERMITTED ? CKR_ACTION_PROHIBITED
           : rc == TP_NOT_FOUND   ? CKR_OBJECT_HANDLE_INVALID
                                  : tp_p11_token_object_rv(rc);
}

static enum tp_rc ask(struct tp_p11_call *call, enum tp_ipc_op op, const ProtobufCMessage *request,
                      struct tp_ipc_reply *ret_reply)
{
    return tp_ipc_call(call->module->client, op, request, TP_BYTES_NONE, TP_BYTES_NONE, 0, &call->error, ret_reply);
}

/* What was changed is seen at once. That it was is true, even when the new list does not come: the next look brings it.
 */
static CK_RV ask_for_change(struct tp_p11_call *call, enum tp_ipc_op op, const ProtobufCMessage *request)
{
    struct tp_ipc_reply reply = {0};
    enum tp_rc rc = ask(call, op, request, &reply);
    tp_ipc_reply_clear(&reply);
    if (rc == TP_OK && tp_p11_inventory_refresh(call->session->slot, &call->error) != TP_OK)
        tp_error_clear(&call->error);
    return rv_of_change(rc);
}

char *tp_p11_token_object_owner(struct tp_p11_call *call, char ret_owner[TP_CLIENT_USER_LEN])
{
    (void)tp_p11_login_who(call->session->slot, ret_owner, NULL);
    return ret_owner;
}

CK_RV tp_p11_token_object_text(const CK_ATTRIBUTE *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type,
                               const char *fallback, char **ret_text)
{
    const CK_ATTRIBUTE *found = tp_p11_template_find(template, count, type);
    struct tp_bytes value = found == NULL ? tp_bytes_of_string(fallback) : TP_BYTES(found->pValue, found->ulValueLen);
    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *ret_text = strndup(value.len == 0 ? "" : (const char *)value.data, value.len);
    return *ret_text == NULL ? CKR_HOST_MEMORY : CKR_OK;
}

CK_RV tp_p11_key_label(const CK_ATTRIBUTE *label, const char *kind, char **ret_label)
{
    uint8_t number[4];
    char made[48];
    if (label->ulValueLen > 0)
        return tp_p11_token_object_text(label, 1, label->type, "", ret_label);
    if (tp_random(number, sizeof(number)) != TP_OK)
        return CKR_FUNCTION_FAILED;
    (void)snprintf(made, sizeof(made), "%s %02x%02x%02x%02x", kind, number[0], number[1], number[2], number[3]);
    *ret_label = strdup(made);
    return *ret_label != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV tp_p11_token_object_handle(struct tp_p11_call *call, enum tp_p11_role role, const char *engine_id,
                                 CK_OBJECT_HANDLE *ret_handle)
{
    enum tp_rc rc = tp_p11_inventory_refresh(call->session->slot, &call->error);
    if (rc != TP_OK)
        return tp_p11_rv(rc);
    *ret_handle = tp_p11_inventory_handle(call->session->slot, role, engine_id);
    return *ret_handle != CK_INVALID_HANDLE ? CKR_OK
                                            : CKR_OBJECT_HANDLE_INVALID; /* destroyed by another program already */
}

ProtobufCBinaryData tp_p11_token_object_field(struct tp_bytes bytes)
{
    return (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.data};
}

/* ---- C_CreateObject ---- */

static CK_RV put_object(struct tp_p11_call *call, enum tp_p11_role role, Tp__Ipc__ObjectRequest *request,
                        CK_OBJECT_HANDLE *ret_object)
{
    char owner[TP_CLIENT_USER_LEN];
    struct tp_ipc_reply reply = {0};
    request->user = tp_p11_token_object_owner(call, owner);
    CK_RV rv = tp_p11_token_object_rv(ask(call, TP_OP_OBJECT_PUT, &request->base, &reply));
    if (rv == CKR_OK) {
        const Tp__Ipc__ObjectReply *made = (const Tp__Ipc__ObjectReply *)reply.message;
        rv = tp_p11_token_object_handle(call, role, made->object->id, ret_object);
    }
    tp_ipc_reply_clear(&reply);
    return rv;
}

static CK_RV create_data(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_OBJECT_HANDLE *ret_object)
{
    static char kind[] = "data";
    Tp__Ipc__ObjectRequest request = TP__IPC__OBJECT_REQUEST__INIT;
    char *label = NULL, *application = NULL;
    CK_RV rv = tp_p11_token_object_text(template, count, CKA_LABEL, "", &label);
    if (rv == CKR_OK)
        rv = tp_p11_token_object_text(template, count, CKA_APPLICATION, "", &application);
    if (rv == CKR_OK) {
        request.kind = kind;
        request.label = label;
        request.application = application;
        request.object_id = tp_p11_token_object_field(tp_p11_template_value(template, count, CKA_OBJECT_ID));
        request.value = tp_p11_token_object_field(tp_p11_template_value(template, count, CKA_VALUE));
        rv = put_object(call, TP_P11_DATA, &request, ret_object);
    }
    free(label);
    free(application);
    return rv;
}

/* The user's key that has this SubjectPublicKeyInfo: its public half, a reference, or NULL. */
static struct tp_p11_object *find_key(struct tp_p11_call *call, struct tp_bytes spki)
{
    struct tp_p11_slot *slot = call->session->slot;
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_BBOOL on_token = CK_TRUE;
    const CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)},
                                   {CKA_TOKEN, &on_token, sizeof(on_token)},
                                   {CKA_PUBLIC_KEY_INFO, (void *)(uintptr_t)spki.data, spki.len}};
    struct tp_buf handles TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    CK_OBJECT_HANDLE handle;
    if (tp_p11_inventory_refresh(slot, &call->error) != TP_OK ||
        tp_p11_inventory_search(slot, wanted, 3, true, &handles) != TP_OK || handles.len < sizeof(handle))
        return NULL;
    memcpy(&handle, handles.data, sizeof(handle));
    return tp_p11_inventory_get(slot, handle, true);
}

/* All that belongs to a key has its id. */
static CK_RV check_id(struct tp_p11_call *call, const struct tp_p11_object *key, const CK_ATTRIBUTE *template,
                      CK_ULONG count)
{
    const CK_ATTRIBUTE *id = tp_p11_template_find(template, count, CKA_ID);
    if (id == NULL || id->ulValueLen == 0 ||
        tp_bytes_equal(TP_BYTES(id->pValue, id->ulValueLen), tp_p11_attributes_value(&key->attributes, CKA_ID)))
        return CKR_OK;
    (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                       "it belongs to a key that has another CKA_ID: give that, or none");
    return CKR_ATTRIBUTE_VALUE_INVALID;
}

/* Without CKA_LABEL, or with the key's, it goes by the key's from then on. */
static CK_RV import_certificate(struct tp_p11_call *call, const struct tp_p11_object *key, const CK_ATTRIBUTE *template,
                                CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    char owner[TP_CLIENT_USER_LEN];
    Tp__Ipc__CertificateRequest request = TP__IPC__CERTIFICATE_REQUEST__INIT;
    ProtobufCBinaryData der = tp_p11_token_object_field(tp_p11_template_value(template, count, CKA_VALUE));
    struct tp_bytes label = tp_p11_template_value(template, count, CKA_LABEL);
    struct tp_ipc_reply reply = {0};
    char *text = NULL;
    CK_RV rv = check_id(call, key, template, count);
    if (rv == CKR_OK)
        rv = tp_p11_token_object_text(template, count, CKA_LABEL, "", &text);
    if (rv != CKR_OK)
        return rv;
    request.user = tp_p11_token_object_owner(call, owner);
    request.credential = (char *)(uintptr_t)key->engine_id;
    request.der = &der;
    request.n_der = 1;
    if (!tp_bytes_equal(label, tp_p11_attributes_value(&key->attributes, CKA_LABEL)))
        request.label = text;
    rv = tp_p11_token_object_rv(ask(call, TP_OP_CERT_IMPORT, &request.base, &reply));
    tp_ipc_reply_clear(&reply);
    free(text);
    return rv != CKR_OK ? rv : tp_p11_token_object_handle(call, TP_P11_CERTIFICATE, key->engine_id, ret_object);
}

static CK_RV put_stranger(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                          CK_OBJECT_HANDLE *ret_object)
{
    static char kind[] = "certificate";
    Tp__Ipc__ObjectRequest request = TP__IPC__OBJECT_REQUEST__INIT;
    char *label = NULL;
    CK_RV rv = tp_p11_token_object_text(template, count, CKA_LABEL, "", &label);
    if (rv != CKR_OK)
        return rv;
    request.kind = kind;
    request.label = label;
    request.cka_id = tp_p11_token_object_field(tp_p11_template_value(template, count, CKA_ID));
    request.value = tp_p11_token_object_field(tp_p11_template_value(template, count, CKA_VALUE));
    rv = put_object(call, TP_P11_STRANGER, &request, ret_object);
    free(label);
    return rv;
}

/* The DER encoding of the number (3.0 §4.6.3), or, as Java writes it, the number's bytes alone. */
static bool is_serial(struct tp_bytes said, struct tp_bytes der)
{
    const size_t head = 2; /* tag and length: RFC 5280 §4.1.2.2 allows 20 bytes, so that one byte says it */
    bool is_short = der.len > head && der.data[1] == der.len - head;
    return tp_bytes_equal(said, der) || (is_short && tp_bytes_equal(said, TP_BYTES(der.data + head, der.len - head)));
}

/* What the template says of names must be what the certificate says of itself: nothing else is kept. */
static CK_RV check_names(struct tp_p11_call *call, const struct tp_p11_object *made, const CK_ATTRIBUTE *template,
                         CK_ULONG count)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER};
    struct tp_p11_certificate certificate;
    if (tp_p11_certificate_read(tp_p11_attributes_value(&made->attributes, CKA_VALUE), &certificate) != TP_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    const struct tp_bytes own[] = {certificate.subject, certificate.issuer, certificate.serial};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct tp_bytes said = tp_p11_template_value(template, count, types[i]);
        bool is_so = types[i] == CKA_SERIAL_NUMBER ? is_serial(said, own[i]) : tp_bytes_equal(said, own[i]);
        if (said.len > 0 && !is_so) {
            (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                               "subject, issuer or serial number is not the certificate's: give its own, or none");
            return CKR_TEMPLATE_INCONSISTENT;
        }
    }
    return CKR_OK;
}

static CK_RV create_certificate(struct tp_p11_call *call, const struct tp_p11_object *made,
                                const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    CK_RV rv = check_names(call, made, template, count);
    if (rv != CKR_OK)
        return rv;
    struct tp_p11_object *key TP_AUTO(tp_p11_object_unref_p) =
        find_key(call, tp_p11_attributes_value(&made->attributes, CKA_PUBLIC_KEY_INFO));
    return key != NULL ? import_certificate(call, key, template, count, ret_object)
                       : put_stranger(call, template, count, ret_object);
}

/* A public key is there with its private key: programs that write both find it. Others have no place here. */
static CK_RV create_public_key(struct tp_p11_call *call, const struct tp_p11_object *made, const CK_ATTRIBUTE *template,
                               CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    struct tp_p11_object *key TP_AUTO(tp_p11_object_unref_p) =
        find_key(call, tp_p11_attributes_value(&made->attributes, CKA_PUBLIC_KEY_INFO));
    if (key == NULL) {
        (void)tp_error_set(&call->error, TP_BAD_ARGUMENT, "the token keeps public keys of its own private keys only");
        return CKR_TEMPLATE_INCONSISTENT;
    }
    CK_RV rv = check_id(call, key, template, count);
    if (rv == CKR_OK)
        *ret_object = key->handle;
    return rv;
}

/* What cannot be otherwise on the token: everybody sees it, and it can be changed and destroyed. */
static CK_RV check_access(struct tp_p11_call *call, const struct tp_p11_object *made)
{
    bool fits = !made->is_private && tp_p11_attributes_bool(&made->attributes, CKA_MODIFIABLE) &&
                tp_p11_attributes_bool(&made->attributes, CKA_DESTROYABLE) &&
                tp_p11_attributes_bool(&made->attributes, CKA_COPYABLE);
    if (!fits)
        (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                           "what the token keeps beside keys is not private, and can be changed, copied and destroyed");
    return fits ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV create_by_class(struct tp_p11_call *call, const struct tp_p11_object *made, const CK_ATTRIBUTE *template,
                             CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    switch (made->class) {
    case CKO_CERTIFICATE:
        return create_certificate(call, made, template, count, ret_object);
    case CKO_PUBLIC_KEY:
        return create_public_key(call, made, template, count, ret_object);
    default:
        return create_data(call, template, count, ret_object);
    }
}

CK_RV tp_p11_token_object_create(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                                 CK_OBJECT_HANDLE *ret_object)
{
    struct tp_p11_object *made TP_AUTO(tp_p11_object_unref_p) = NULL;
    CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
    CK_RV rv = tp_p11_token_object_check(call);
    if (rv == CKR_OK)
        rv = tp_p11_template_ulong(template, count, CKA_CLASS, class, &class);
    if (rv == CKR_OK && class == CKO_PRIVATE_KEY)
        return tp_p11_private_key_create(call, (struct tp_p11_template){template, count}, ret_object);
    if (rv == CKR_OK)
        rv = tp_p11_object_create(template, count, &call->error, &made);
    if (rv == CKR_OK)
        rv = check_access(call, made);
    return rv != CKR_OK ? rv : create_by_class(call, made, template, count, ret_object);
}

/* ---- C_SetAttributeValue ---- */

static bool is_changeable(const struct tp_p11_object *object, CK_ATTRIBUTE_TYPE type)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool data, other;
    } table[] = {
        {CKA_LABEL, true, true},      {CKA_ID, false, true},    {CKA_APPLICATION, true, false},
        {CKA_OBJECT_ID, true, false}, {CKA_VALUE, true, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].type == type)
            return object->role == TP_P11_DATA ? table[i].data : table[i].other;
    return false;
}

/* NSS gives a key the subject before it writes the certificate; here a key has it from its certificate alone, so that
 * it is not kept, and there as soon as the certificate is. */
static bool is_subject_to_come(const struct tp_p11_object *object, CK_ATTRIBUTE_TYPE type, struct tp_bytes now)
{
    bool is_key = object->role == TP_P11_PRIVATE_KEY || object->role == TP_P11_PUBLIC_KEY;
    return is_key && type == CKA_SUBJECT && now.len == 0;
}

static CK_RV check_changes(const struct tp_p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct tp_bytes value;
        if (tp_p11_template_find(template, i, template[i].type) != NULL)
            return CKR_TEMPLATE_INCONSISTENT; /* the same attribute twice */
        if (!tp_p11_attributes_find(&object->attributes, template[i].type, &value))
            return CKR_ATTRIBUTE_TYPE_INVALID;
        if (!is_changeable(object, template[i].type) && !is_subject_to_come(object, template[i].type, value) &&
            !tp_bytes_equal(value, TP_BYTES(template[i].pValue, template[i].ulValueLen)))
            return CKR_ATTRIBUTE_READ_ONLY;
    }
    return CKR_OK;
}

/* The value that OBJECT is to have. */
static struct tp_bytes merged(const struct tp_p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count,
                              CK_ATTRIBUTE_TYPE type)
{
    return tp_p11_template_find(template, count, type) != NULL ? tp_p11_template_value(template, count, type)
                                                               : tp_p11_attributes_value(&object->attributes, type);
}

static CK_RV merged_text(const struct tp_p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count,
                         CK_ATTRIBUTE_TYPE type, char **ret_text)
{
    struct tp_bytes value = merged(object, template, count, type);
    const CK_ATTRIBUTE attribute = {type, (void *)(uintptr_t)value.data, value.len};
    return tp_p11_token_object_text(&attribute, 1, type, "", ret_text);
}

/* What lies beside keys is put there anew as a whole. */
static CK_RV change_beside(struct tp_p11_call *call, const struct tp_p11_object *object, const CK_ATTRIBUTE *template,
                           CK_ULONG count)
{
    char owner[TP_CLIENT_USER_LEN];
    static char data[] = "data", certificate[] = "certificate";
    Tp__Ipc__ObjectRequest request = TP__IPC__OBJECT_REQUEST__INIT;
    char *label = NULL, *application = NULL;
    CK_RV rv = merged_text(object, template, count, CKA_LABEL, &label);
    if (rv == CKR_OK)
        rv = merged_text(object, template, count, CKA_APPLICATION, &application);
    if (rv == CKR_OK) {
        request.user = tp_p11_token_object_owner(call, owner);
        request.object = (char *)(uintptr_t)object->engine_id;
        request.kind = object->role == TP_P11_DATA ? data : certificate;
        request.label = label;
        request.application = application;
        request.cka_id = tp_p11_token_object_field(merged(object, template, count, CKA_ID));
        request.object_id = tp_p11_token_object_field(merged(object, template, count, CKA_OBJECT_ID));
        request.value = tp_p11_token_object_field(merged(object, template, count, CKA_VALUE));
        rv = ask_for_change(call, TP_OP_OBJECT_PUT, &request.base);
    }
    free(label);
    free(application);
    return rv;
}

/* Others write it too: what the template does not name stays as it is now, not as this program has last seen it. */
static CK_RV change_beside_of_now(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
                                  CK_ULONG count)
{
    struct tp_p11_slot *slot = call->session->slot;
    enum tp_rc rc = tp_p11_inventory_refresh(slot, &call->error);
    if (rc != TP_OK)
        return tp_p11_rv(rc);
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = tp_p11_inventory_get(slot, handle, true);
    return object == NULL ? CKR_OBJECT_HANDLE_INVALID : change_beside(call, object, template, count);
}

static CK_RV change_key(struct tp_p11_call *call, const struct tp_p11_object *object, const CK_ATTRIBUTE *template,
                        CK_ULONG count)
{
    char owner[TP_CLIENT_USER_LEN];
    Tp__Ipc__KeyChangeRequest request = TP__IPC__KEY_CHANGE_REQUEST__INIT;
    const CK_ATTRIBUTE *label = tp_p11_template_find(template, count, CKA_LABEL);
    struct tp_bytes id = tp_p11_template_value(template, count, CKA_ID);
    char *text = NULL;
    if ((label != NULL && label->ulValueLen == 0) ||
        (id.len == 0 && tp_p11_template_find(template, count, CKA_ID) != NULL))
        return CKR_ATTRIBUTE_VALUE_INVALID; /* a key has both: programs choose by them */
    if (label == NULL && id.len == 0)
        return CKR_OK; /* all is as it was */
    CK_RV rv = tp_p11_token_object_text(template, count, CKA_LABEL, "", &text);
    if (rv != CKR_OK)
        return rv;
    request.user = tp_p11_token_object_owner(call, owner);
    request.credential = (char *)(uintptr_t)object->engine_id;
    *(object->role == TP_P11_CERTIFICATE ? &request.certificate_label : &request.label) = text;
    request.cka_id = tp_p11_token_object_field(id);
    rv = ask_for_change(call, TP_OP_KEY_CHANGE, &request.base);
    free(text);
    return rv;
}

CK_RV tp_p11_token_object_change(struct tp_p11_call *call, const struct tp_p11_object *object,
                                 const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv = check_changes(object, template, count);
    if (rv == CKR_ATTRIBUTE_READ_ONLY)
        (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                           "on the token only CKA_LABEL and CKA_ID are changed; of data CKA_LABEL, CKA_APPLICATION, "
                           "CKA_OBJECT_ID and CKA_VALUE");
    if (rv != CKR_OK)
        return rv;
    return object->role == TP_P11_DATA || object->role == TP_P11_STRANGER
               ? change_beside_of_now(call, object->handle, template, count)
               : change_key(call, object, template, count);
}

/* ---- C_DestroyObject ---- */

static CK_RV destroy_beside(struct tp_p11_call *call, const struct tp_p11_object *object)
{
    char owner[TP_CLIENT_USER_LEN];
    Tp__Ipc__ObjectRequest request = TP__IPC__OBJECT_REQUEST__INIT;
    request.user = tp_p11_token_object_owner(call, owner);
    request.object = (char *)(uintptr_t)object->engine_id;
    return ask_for_change(call, TP_OP_OBJECT_DELETE, &request.base);
}

CK_RV tp_p11_token_object_destroy(struct tp_p11_call *call, const struct tp_p11_object *object)
{
    char owner[TP_CLIENT_USER_LEN];
    Tp__Ipc__KeyRequest request = TP__IPC__KEY_REQUEST__INIT;
    if (object->role == TP_P11_DATA || object->role == TP_P11_STRANGER)
        return destroy_beside(call, object);
    request.user = tp_p11_token_object_owner(call, owner);
    request.credential = (char *)(uintptr_t)object->engine_id;
    if (object->role != TP_P11_PRIVATE_KEY)
        return ask_for_change(call, TP_OP_CERT_REMOVE, &request.base);
    const struct tp_p11_followers followers = tp_p11_inventory_followers(call->session->slot, object->engine_id);
    CK_RV rv = ask_for_change(call, TP_OP_KEY_DELETE, &request.base);
    if (rv == CKR_OK)
        tp_p11_inventory_followed(call->session->slot, &followers);
    return rv;
}
