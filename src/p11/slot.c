/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/slot.h"
#include "p11/key_type.h"
#include "p11/mechanism.h"
#include "p11/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum tp_rc tp_p11_slot_init(struct tp_p11_slot *slot, struct tp_p11_module *module, CK_SLOT_ID id, const char *user)
{
    slot->module = module;
    slot->id = id;
    slot->serves_all = user == NULL;
    slot->user = strdup(user == NULL ? "" : user);
    if (slot->user == NULL)
        return TP_MEMORY;
    TP_TRY(tp_p11_token_init(&slot->token));
    TP_TRY(tp_p11_login_init(&slot->login));
    return tp_p11_inventory_init(&slot->inventory);
}

void tp_p11_slot_clear(struct tp_p11_slot *slot)
{
    tp_p11_inventory_clear(&slot->inventory);
    tp_p11_login_clear(&slot->login);
    tp_p11_token_clear(&slot->token);
    free(slot->user);
}

struct tp_p11_slot *tp_p11_slot_find(struct tp_p11_module *module, CK_SLOT_ID id)
{
    return id < module->slot_count ? &module->slots[id] : NULL;
}

void tp_p11_pad(unsigned char *field, size_t field_len, const char *text)
{
    size_t len = strlen(text);
    if (len > field_len) {
        len = field_len;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) /* the rest of a character that began before */
            len--;
    }
    memset(field, ' ', field_len);
    memcpy(field, text, len);
}

/* A user of the configuration whom the engine does not know (yet): consumers pass over a slot without a token, where
 * they would fail over a token without information. When the engine cannot be asked, the token counts as present.
 * Where an officer is configured, that slot holds a token that has not been initialised, as an HSM's empty slots do: what
 * programs call C_InitToken for, they first ask C_GetTokenInfo about. */
static bool has_token(struct tp_p11_slot *slot)
{
    return tp_p11_token_presence(slot) != TP_NOT_FOUND || tp_p11_token_can_be_blank(slot);
}

/* CKF_REMOVABLE_DEVICE goes with a token that may be absent, and never changes (3.0 §3.2): so how the slot is found
 * first decides. With it NSS looks for the token again, and finds a user who is added while it runs. Without it
 * it relies on it: all slots with it would make NSS ask so often that an engine that hangs keeps it for two minutes
 * instead of twenty seconds (certutil -L, NSS 3.87). What is then only untrue of a user who is erased meanwhile. */
static CK_FLAGS slot_flags(struct tp_p11_slot *slot)
{
    bool present = has_token(slot);
    unsigned unknown = TP_P11_BAY_UNKNOWN;
    (void)atomic_compare_exchange_strong(&slot->bay, &unknown, present ? TP_P11_BAY_FIXED : TP_P11_BAY_REMOVABLE);
    CK_FLAGS removable = atomic_load(&slot->bay) == TP_P11_BAY_REMOVABLE ? CKF_REMOVABLE_DEVICE : 0;
    return removable | (present ? CKF_TOKEN_PRESENT : 0);
}

CK_RV tp_p11_slot_list(struct tp_p11_call *call, bool token_present, CK_SLOT_ID *ids, CK_ULONG *count)
{
    CK_ULONG found = 0;
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < call->module->slot_count; i++) {
        struct tp_p11_slot *slot = &call->module->slots[i];
        if (token_present && !has_token(slot))
            continue;
        if (ids != NULL && found < *count)
            ids[found] = slot->id;
        found++;
    }
    bool fits = ids == NULL || found <= *count;
    *count = found;
    return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

CK_RV tp_p11_slot_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_SLOT_INFO *ret_info)
{
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    char description[128];
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    *ret_info = (CK_SLOT_INFO){.flags = slot_flags(slot)};
    (void)snprintf(description, sizeof(description), "trustp11: %s", slot->serves_all ? "any user" : slot->user);
    tp_p11_pad(ret_info->slotDescription, sizeof(ret_info->slotDescription), description);
    tp_p11_pad(ret_info->manufacturerID, sizeof(ret_info->manufacturerID), TP_P11_MANUFACTURER);
    return CKR_OK;
}

CK_RV tp_p11_slot_wait(struct tp_p11_call *call, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    if (slot == NULL || reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? tp_p11_watch_look(call->module, slot)
                                         : tp_p11_watch_wait(call->module, slot);
}

/* Few HSMs can keep Ed25519 keys wrapped, so only a token that has such a key, or can, says that it signs with CKM_EDDSA.
 * When the engine cannot be asked, what it last told counts. */
static bool has_edwards_key(struct tp_p11_call *call, struct tp_p11_slot *slot)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_BBOOL on_token = CK_TRUE;
    const CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof(class)},
                                   {CKA_KEY_TYPE, &type, sizeof(type)},
                                   {CKA_TOKEN, &on_token, sizeof(on_token)}};
    struct tp_buf handles = TP_BUF_INIT;
    enum tp_rc rc = tp_p11_token_presence(slot);
    if (rc == TP_OK)
        rc = tp_p11_inventory_refresh(slot, &call->error);
    if (rc == TP_NOT_FOUND)
        return false;
    bool found = tp_p11_inventory_search(slot, wanted, 3, true, &handles) == TP_OK && handles.len > 0;
    tp_buf_clear(&handles);
    return found;
}

static struct tp_p11_offer offer_of(struct tp_p11_call *call, struct tp_p11_slot *slot)
{
    CK_ULONG min, max;
    const unsigned key_types = tp_p11_token_key_types(slot);
    return (struct tp_p11_offer){
        .edwards = tp_p11_key_types_range(key_types, TP_P11_ED, &min, &max) || has_edwards_key(call, slot),
        .key_types = key_types,
    };
}

CK_RV tp_p11_slot_mechanism_list(struct tp_p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE *types, CK_ULONG *count)
{
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    const struct tp_p11_offer offer = offer_of(call, slot);
    return tp_p11_mechanism_list(&offer, types, count);
}

CK_RV tp_p11_slot_mechanism_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE type,
                                 CK_MECHANISM_INFO *ret_info)
{
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    const struct tp_p11_offer offer = offer_of(call, slot);
    return tp_p11_mechanism_info(&offer, type, ret_info);
}
