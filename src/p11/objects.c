/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/objects.h"
#include "p11/rv.h"
#include "p11/secret_key.h"
#include "p11/session.h"
#include "p11/slot.h"
#include "p11/token_object.h"

/* A reference to an object that this session sees, or NULL. */
static struct tp_p11_object *get_visible(struct tp_p11_call *call, CK_OBJECT_HANDLE handle)
{
    struct tp_p11_slot *slot = call->session->slot;
    struct tp_p11_object *object = tp_p11_inventory_get(slot, handle, true);
    if (object == NULL || !object->is_private || tp_p11_login_is_open(slot))
        return object;
    tp_p11_object_unref(object);
    return NULL;
}

/* What keeps an object from being changed, in the order in which the specification lists it (3.0 §5.7). */
static CK_RV check_change(struct tp_p11_call *call, const struct tp_p11_object *object, CK_ATTRIBUTE_TYPE permit)
{
    CK_RV rv = object->owner == 0 ? tp_p11_token_object_check(call) : CKR_OK;
    if (rv != CKR_OK)
        return rv;
    if (tp_p11_attributes_bool(&object->attributes, permit))
        return CKR_OK;
    (void)tp_error_set(&call->error, TP_NOT_PERMITTED,
                       object->owner == 0
                           ? "this cannot be changed or destroyed by itself: what belongs to a key goes with "
                             "its private key, an issuer with the certificate"
                           : "its template said that it cannot be");
    return CKR_ACTION_PROHIBITED;
}

/* A private object needs a login (3.0 §5.7.1). */
CK_RV tp_p11_objects_add(struct tp_p11_call *call, struct tp_p11_object *object, CK_OBJECT_HANDLE *ret_handle)
{
    struct tp_p11_slot *slot = call->session->slot;
    CK_RV rv = object->is_private && !tp_p11_login_is_open(slot) ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
    if (rv == CKR_OK)
        rv = tp_p11_rv(tp_p11_inventory_add(slot, call->session->handle, object, ret_handle));
    if (rv != CKR_OK)
        tp_p11_object_unref(object);
    return rv;
}

static bool is_secret_key(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_OBJECT_CLASS class = CK_UNAVAILABLE_INFORMATION;
    return tp_p11_template_ulong(template, count, CKA_CLASS, class, &class) == CKR_OK && class == CKO_SECRET_KEY;
}

CK_RV tp_p11_objects_create(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count,
                            CK_OBJECT_HANDLE *ret_object)
{
    struct tp_p11_object *object = NULL;
    bool on_token = false;
    CK_RV rv = tp_p11_template_check(template, count);
    if (rv != CKR_OK || ret_object == NULL)
        return rv != CKR_OK ? rv : CKR_ARGUMENTS_BAD;
    rv = tp_p11_template_bool(template, count, CKA_TOKEN, false, &on_token);
    if (rv != CKR_OK)
        return rv;
    if (is_secret_key(template, count))
        rv = tp_p11_secret_key_create(call, template, count, &object);
    else if (on_token)
        return tp_p11_token_object_create(call, template, count, ret_object);
    else
        rv = tp_p11_object_create(template, count, &call->error, &object);
    return rv != CKR_OK ? rv : tp_p11_objects_add(call, object, ret_object);
}

CK_RV tp_p11_objects_generate(struct tp_p11_call *call, const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *template,
                              CK_ULONG count, CK_OBJECT_HANDLE *ret_key)
{
    struct tp_p11_object *object = NULL;
    CK_RV rv = tp_p11_template_check(template, count);
    if (rv != CKR_OK || mechanism == NULL || ret_key == NULL)
        return rv != CKR_OK ? rv : CKR_ARGUMENTS_BAD;
    rv = tp_p11_secret_key_generate(call, mechanism, template, count, &object);
    return rv != CKR_OK ? rv : tp_p11_objects_add(call, object, ret_key);
}

static CK_RV copied(const struct tp_p11_object *original, const CK_ATTRIBUTE *template, CK_ULONG count,
                    struct tp_p11_object **ret_object)
{
    return (original->secret != NULL ? tp_p11_secret_key_copy : tp_p11_object_copy)(original, template, count,
                                                                                    ret_object);
}

static CK_RV copy(struct tp_p11_call *call, const struct tp_p11_object *original, const CK_ATTRIBUTE *template,
                  CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    struct tp_p11_object *object = NULL;
    if (!tp_p11_attributes_bool(&original->attributes, CKA_COPYABLE))
        return CKR_ACTION_PROHIBITED;
    CK_RV rv = copied(original, template, count, &object);
    return rv != CKR_OK ? rv : tp_p11_objects_add(call, object, ret_object);
}

CK_RV tp_p11_objects_copy(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
                          CK_ULONG count, CK_OBJECT_HANDLE *ret_object)
{
    CK_RV rv = tp_p11_template_check(template, count);
    if (rv != CKR_OK || ret_object == NULL)
        return rv != CKR_OK ? rv : CKR_ARGUMENTS_BAD;
    struct tp_p11_object *original TP_AUTO(tp_p11_object_unref_p) = get_visible(call, handle);
    return original == NULL ? CKR_OBJECT_HANDLE_INVALID : copy(call, original, template, count, ret_object);
}

CK_RV tp_p11_objects_destroy(struct tp_p11_call *call, CK_OBJECT_HANDLE handle)
{
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = get_visible(call, handle);
    if (object == NULL) /* programs destroy a private key, then its public one, which went with it */
        return tp_p11_inventory_has_gone(call->session->slot, handle) ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
    CK_RV rv = check_change(call, object, CKA_DESTROYABLE);
    if (rv != CKR_OK)
        return rv;
    if (object->owner == 0)
        return tp_p11_token_object_destroy(call, object);
    return tp_p11_inventory_remove(call->session->slot, handle) ? CKR_OK : CKR_OBJECT_HANDLE_INVALID;
}

/* "Its meaning is deliberately vague" (3.0 §5.7.4): what its attributes take. */
CK_RV tp_p11_objects_size(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, CK_ULONG *ret_size)
{
    if (ret_size == NULL)
        return CKR_ARGUMENTS_BAD;
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = get_visible(call, handle);
    if (object == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    *ret_size = object->attributes.values.len + tp_secret_bytes(object->secret).len;
    return CKR_OK;
}

CK_RV tp_p11_objects_get(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    if (template == NULL || count == 0 || count > TP_P11_TEMPLATE_MOST)
        return CKR_ARGUMENTS_BAD;
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = get_visible(call, handle);
    if (object == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    return object->secret != NULL ? tp_p11_secret_key_read(object, template, count)
                                  : tp_p11_attributes_read(&object->attributes, template, count);
}

/* A changed object is a new one under the old handle: other threads may be reading the old. RET_DONE is false when one
 * of them has changed it in the meantime: what it closed must not be opened by what was read before. */
static CK_RV change(struct tp_p11_call *call, struct tp_p11_object *original, const CK_ATTRIBUTE *template,
                    CK_ULONG count, bool *ret_done)
{
    struct tp_p11_object *object = NULL;
    if (tp_p11_template_find(template, count, CKA_TOKEN) != NULL ||
        tp_p11_template_find(template, count, CKA_PRIVATE) != NULL)
        return CKR_ATTRIBUTE_READ_ONLY; /* only at creation and in copies (3.0 §4.4) */
    CK_RV rv = copied(original, template, count, &object);
    if (rv != CKR_OK)
        return rv;
    *ret_done = tp_p11_inventory_replace(call->session->slot, original, object);
    if (!*ret_done)
        tp_p11_object_unref(object);
    return CKR_OK;
}

static CK_RV set_once(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template, CK_ULONG count,
                      bool *ret_done)
{
    *ret_done = true;
    struct tp_p11_object *object TP_AUTO(tp_p11_object_unref_p) = get_visible(call, handle);
    if (object == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    CK_RV rv = check_change(call, object, CKA_MODIFIABLE);
    if (rv != CKR_OK)
        return rv;
    return object->owner == 0 ? tp_p11_token_object_change(call, object, template, count)
                              : change(call, object, template, count, ret_done);
}

CK_RV tp_p11_objects_set(struct tp_p11_call *call, CK_OBJECT_HANDLE handle, const CK_ATTRIBUTE *template,
                         CK_ULONG count)
{
    CK_RV rv = tp_p11_template_check(template, count);
    bool done;
    if (rv != CKR_OK || count == 0)
        return rv != CKR_OK ? rv : CKR_ARGUMENTS_BAD;
    do
        rv = set_once(call, handle, template, count, &done);
    while (!done);
    return rv;
}
