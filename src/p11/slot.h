/* SPDX-License-Identifier: Apache-2.0
 *
 * A slot: one user of the configuration. It is always there; its token is not when the engine says that it knows no
 * such user. An engine that cannot be reached takes no token away: that is told by the functions that need it.
 *
 * With "*" among the users the last slot serves all of them. Its token is the service; whoever logs in by name
 * (C_LoginUser) is whom it speaks for until they log out, and nothing on it is seen by anybody else. It is always
 * there.
 */
#ifndef TP_P11_SLOT_H
#define TP_P11_SLOT_H

#include "p11/call.h"
#include "p11/inventory.h"
#include "p11/login.h"
#include "p11/token.h"
#include "p11/watch.h"

/* Whether the slot says that its token may come and go. */
enum tp_p11_bay { TP_P11_BAY_UNKNOWN, TP_P11_BAY_FIXED, TP_P11_BAY_REMOVABLE };

struct tp_p11_slot {
    struct tp_p11_module *module;
    CK_SLOT_ID id;
    char *user; /* the configuration's; empty when it serves all: tp_p11_login_who tells for whom it speaks now */
    bool serves_all;
    struct tp_p11_token token;
    struct tp_p11_login login;
    struct tp_p11_inventory inventory;
    struct tp_p11_watched watched;
    atomic_ulong sessions, rw_sessions;
    atomic_uint bay; /* decided once */
};

/* USER NULL: it serves all. */
TP_MUST_USE enum tp_rc tp_p11_slot_init(struct tp_p11_slot *slot, struct tp_p11_module *module, CK_SLOT_ID id,
                                        const char *user);
void tp_p11_slot_clear(struct tp_p11_slot *slot);
struct tp_p11_slot *tp_p11_slot_find(struct tp_p11_module *module, CK_SLOT_ID id); /* or NULL */

/* Puts TEXT into a field of fixed length, filled up with blanks (3.0 §3.1); what does not fit is cut between UTF-8
 * characters. */
void tp_p11_pad(unsigned char *field, size_t field_len, const char *text);

CK_RV tp_p11_slot_list(struct tp_p11_call *call, bool token_present, CK_SLOT_ID *ids, CK_ULONG *count);
CK_RV tp_p11_slot_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_SLOT_INFO *ret_info);
CK_RV tp_p11_slot_wait(struct tp_p11_call *call, CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved);
CK_RV tp_p11_slot_mechanism_list(struct tp_p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE *types, CK_ULONG *count);
CK_RV tp_p11_slot_mechanism_info(struct tp_p11_call *call, CK_SLOT_ID id, CK_MECHANISM_TYPE type,
                                 CK_MECHANISM_INFO *ret_info);

#endif
