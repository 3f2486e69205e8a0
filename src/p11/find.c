/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/find.h"
#include "p11/attribute.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <string.h>

void tp_p11_find_clear(struct tp_p11_find *find)
{
    tp_buf_clear(&find->handles);
}

void tp_p11_find_end(struct tp_p11_find *find)
{
    find->active = false;
    find->next = 0;
    tp_buf_clear(&find->handles); /* ten thousand sessions must not each keep their largest result */
}

/* No standard class begins with this bit, and we have no vendor's objects. NSS asks for its own classes (trust,
 * built-in roots, CRLs) all the time: nothing is what it will find, and the engine need not be troubled. */
static bool is_vendors_class(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_OBJECT_CLASS class = 0;
    CK_RV rv = tp_p11_template_ulong(template, count, CKA_CLASS, 0, &class);
    return rv == CKR_OK && (class & CKO_VENDOR_DEFINED) != 0;
}

static enum tp_rc search(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct tp_p11_slot *slot = call->session->slot;
    if (is_vendors_class(template, count))
        return TP_OK;
    TP_TRY(tp_p11_inventory_refresh(slot, &call->error));
    bool see_private = tp_p11_login_is_open(slot);
    return tp_p11_inventory_search(slot, template, count, see_private, &call->session->find.handles);
}

CK_RV tp_p11_find_init(struct tp_p11_call *call, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct tp_p11_find *find = &call->session->find;
    CK_RV rv = tp_p11_template_check(template, count);
    if (rv != CKR_OK)
        return rv;
    if (find->active)
        return CKR_OPERATION_ACTIVE;
    enum tp_rc rc = search(call, template, count);
    if (rc == TP_OK)
        find->active = true;
    else
        tp_p11_find_end(find);
    return tp_p11_rv(rc);
}

CK_RV tp_p11_find_next(struct tp_p11_call *call, CK_OBJECT_HANDLE *ret_objects, CK_ULONG most, CK_ULONG *ret_count)
{
    struct tp_p11_find *find = &call->session->find;
    if (ret_count == NULL || (ret_objects == NULL && most > 0))
        return CKR_ARGUMENTS_BAD;
    if (!find->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    size_t left = (find->handles.len - find->next) / sizeof(CK_OBJECT_HANDLE);
    size_t count = most < left ? most : left;
    if (count > 0)
        memcpy(ret_objects, find->handles.data + find->next, count * sizeof(CK_OBJECT_HANDLE));
    find->next += count * sizeof(CK_OBJECT_HANDLE);
    *ret_count = count;
    return CKR_OK;
}

CK_RV tp_p11_find_final(struct tp_p11_call *call)
{
    if (!call->session->find.active)
        return CKR_OPERATION_NOT_INITIALIZED;
    tp_p11_find_end(&call->session->find);
    return CKR_OK;
}
