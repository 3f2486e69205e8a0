/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/account.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "engine/vault.h"

#include <ctype.h>
#include <string.h>

#define USER_NAME_MAX 64

/* Names are typed into configuration files and prompts: letters and digits of any script, and . _ - @ in between. */
static enum tp_rc check_name(struct tp_call *call, const char *name)
{
    size_t len = strlen(name);
    bool good = len > 0 && len <= USER_NAME_MAX && name[0] != '-' && name[0] != '.';
    for (size_t i = 0; good && i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        good = c >= 0x80 || isalnum(c) || c == '.' || c == '_' || c == '-' || c == '@';
    }
    if (good)
        return TP_OK;
    return tp_error_set(&call->error, TP_BAD_ARGUMENT,
                        "a user's name has 1 to %d letters, digits or . _ - @, and does not begin with - or .",
                        USER_NAME_MAX);
}

enum tp_rc tp_account_begin(struct tp_call *call, struct tp_edit *edit, const char *name, char ret_id[TP_ID_LEN],
                            Tp__Engine__User **ret_record)
{
    uint8_t salt[TP_SALT_LEN];
    TP_TRY(check_name(call, name));
    TP_TRY(tp_id_make(ret_id));
    Tp__Engine__User *record = tp_edit_user_new(edit, ret_id, name);
    if (record == NULL)
        return tp_error_set(&call->error, TP_MEMORY, "out of memory");
    TP_TRY(tp_random(salt, sizeof salt));
    TP_TRY(tp_field_bytes(&record->salt, TP_BYTES(salt, sizeof salt)));
    TP_TRY(tp_edit_text(edit, TP_BYTES(salt, sizeof salt), name));
    record->created_ms = tp_clock_utc_ms();
    tp_edit_object(edit, "user", ret_id);
    *ret_record = record;
    return TP_OK;
}

enum tp_rc tp_account_commit_new(struct tp_call *call, struct tp_edit *edit, const char *name)
{
    enum tp_rc rc = tp_edit_commit(edit, &call->error);
    if (rc != TP_EXISTS)
        return rc;
    return tp_error_set(&call->error, TP_EXISTS,
                        "the name \"%s\" is taken already, by a user who may be closed; it is free again once that one is "
                        "erased: trustp11 user erase",
                        name);
}

enum tp_rc tp_account_open_enrolment(struct tp_call *call, const char *user_id, Tp__Engine__User *record,
                                     struct tp_bytes code)
{
    uint8_t verifier[TP_HSM_MAC_LEN];
    TP_TRY(tp_vault_code_verifier(call->session, user_id, code, &call->error, verifier));
    TP_TRY(tp_field_bytes(&record->enrol_verifier, TP_BYTES(verifier, sizeof verifier)));
    record->enrol_until_ms = tp_clock_utc_ms() + call->engine->conf.enrol_ms;
    return TP_OK;
}

enum tp_rc tp_account_not_closed(struct tp_call *call, const Tp__Engine__User *record)
{
    return !record->closed ? TP_OK : tp_error_set(&call->error, TP_NOT_PERMITTED, "the user is closed, for good; add a new one");
}

bool tp_account_is_blank(const Tp__Engine__User *record)
{
    return !record->enrolled && record->enrol_verifier.len == 0;
}

enum tp_rc tp_account_delete_keys(struct tp_edit *edit, const struct tp_user *user, unsigned *ret_keys)
{
    unsigned keys = 0;
    for (struct tp_credential *at = user->credentials; at != NULL; at = at->next) {
        TP_TRY(tp_edit_key_delete(edit, at));
        keys++;
    }
    *ret_keys = keys;
    return TP_OK;
}

void tp_account_renew(Tp__Engine__User *record)
{
    record->locked = false;
    record->tries_used = 0;
    record->renewed_ms = tp_clock_utc_ms();
}
