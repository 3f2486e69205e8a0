/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the token among the module's slots, and logging in to it.
 */
#include "hsm/internal.h"

#include <p11-kit/p11-kit.h>
#include <string.h>

#define SLOTS_MAX 256

/* The wrapping mechanisms of RFC 5649 that we know: PKCS#11 3.0 names it anew, since vendors disagreed about the old.
 */
static const CK_MECHANISM_TYPE wrap_mechanisms[] = {CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD};

struct search {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO token;
    unsigned matches, same_label;
};

static void search_slot(struct tp_hsm *hsm, CK_SLOT_ID slot, struct search *search)
{
    CK_TOKEN_INFO token;
    memset(&token, 0, sizeof(token));
    if (hsm->module->calls->C_GetTokenInfo(slot, &token) != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0)
        return;
    switch (tp_hsm_uri_match_token(hsm->uri, &token)) {
    case TP_HSM_URI_MATCH:
        search->matches++;
        search->slot = slot;
        search->token = token;
        break;
    case TP_HSM_URI_SAME_LABEL:
        search->same_label++;
        break;
    case TP_HSM_URI_OTHER:
        break;
    }
}

static enum tp_rc judge(const struct tp_hsm *hsm, const struct search *search, struct tp_error *error)
{
    const char *name = tp_hsm_uri_name(hsm->uri);
    if (search->matches == 1)
        return TP_OK;
    if (search->matches > 1)
        return tp_error_set(error, TP_CONFIG, "%u tokens match %s: add serial=NUMBER to the HSM's URI", search->matches,
                            name);
    if (search->same_label > 0)
        return tp_error_set(error, TP_HSM_SWAPPED,
                            "the token %s has another serial number than the one that this deployment uses: put the "
                            "right token back, or restore the backup onto this one",
                            name);
    return tp_error_set(error, TP_HSM_ABSENT,
                        "no token %s: connect it, or see the HSM's URI and the module's configuration", name);
}

static enum tp_rc find_token(struct tp_hsm *hsm, struct search *ret_search, struct tp_error *error)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    struct search search = {0};
    /* With NULL first: only that makes a module look for slots again (PKCS#11, C_GetSlotList). */
    CK_RV rv = hsm->module->calls->C_GetSlotList(CK_TRUE, NULL, &count);
    if (rv == CKR_OK && count > 0) {
        count = SLOTS_MAX;
        rv = hsm->module->calls->C_GetSlotList(CK_TRUE, slots, &count);
    }
    if (rv != CKR_OK)
        return tp_hsm_call_rc(hsm, rv, "C_GetSlotList", error);
    for (CK_ULONG i = 0; i < count; i++)
        search_slot(hsm, slots[i], &search);
    TP_TRY(judge(hsm, &search, error));
    *ret_search = search;
    return TP_OK;
}

static enum tp_rc login(struct tp_hsm *hsm, struct tp_error *error)
{
    struct tp_bytes pin = tp_secret_bytes(hsm->pin);
    CK_RV rv = TP_HSM_CALL(hsm->anchor, C_Login, CKU_USER, (CK_UTF8CHAR_PTR)pin.data, (CK_ULONG)pin.len);
    if (rv == CKR_USER_ALREADY_LOGGED_IN) /* another handle of ours on the same token */
        return TP_OK;
    if (tp_hsm_ckr_rc(rv) != TP_HSM_PIN)
        return tp_hsm_call_rc(hsm, rv, "C_Login", error);
    hsm->pin_refused = true;
    return tp_error_set(error, TP_HSM_PIN,
                        "the HSM's token %s refuses the PIN of pin-source (%s); it is not tried again, since the token "
                        "would lock: mend the file and restart",
                        tp_hsm_uri_name(hsm->uri), tp_hsm_ckr_name(rv));
}

static void choose_wrap_mechanism(struct tp_hsm *hsm)
{
    const CK_FLAGS wanted = CKF_WRAP | CKF_UNWRAP;
    CK_MECHANISM_TYPE found = 0;
    for (size_t i = 0; i < sizeof(wrap_mechanisms) / sizeof(wrap_mechanisms[0]) && found == 0; i++) {
        CK_MECHANISM_INFO info = {0};
        CK_RV rv = TP_HSM_SLOT_CALL(hsm->anchor, C_GetMechanismInfo, wrap_mechanisms[i], &info);
        if (rv == CKR_OK && (info.flags & wanted) == wanted)
            found = wrap_mechanisms[i];
    }
    atomic_store(&hsm->wrap_mechanism, found);
}

static void remember(struct tp_hsm *hsm, const CK_TOKEN_INFO *token)
{
    pthread_mutex_lock(&hsm->lock);
    hsm->token = *token;
    pthread_mutex_unlock(&hsm->lock);
    tp_hsm_uri_pin_serial(hsm->uri, token);
}

static void close_session(struct tp_hsm *hsm, struct tp_hsm_session *session)
{
    if (session->epoch != 0 && session->epoch == atomic_load(&hsm->epoch))
        hsm->module->calls->C_CloseSession(session->handle);
    session->epoch = 0;
}

/* One by one, not C_CloseAllSessions: another handle of ours may be on the same token. */
static void close_sessions(struct tp_hsm *hsm)
{
    for (unsigned i = 0; i < hsm->session_count; i++)
        close_session(hsm, hsm->sessions[i]);
    close_session(hsm, hsm->anchor);
}

/* C_Finalize would end the logins of this library's other tokens: not while one of them has any. */
static enum tp_rc restart_module(struct tp_hsm *hsm, struct tp_error *error)
{
    struct tp_hsm_module *module = hsm->module;
    uint64_t epoch = atomic_load(&module->epoch);
    bool others_need_it = atomic_load(&module->linked) > 0;
    bool tried_as_it_is = epoch == atomic_load(&hsm->module_epoch);
    if (epoch == 0 || (tried_as_it_is && !others_need_it))
        TP_TRY(tp_hsm_module_restart(module, error));
    else if (tried_as_it_is)
        close_sessions(hsm);
    atomic_store(&hsm->module_epoch, atomic_load(&module->epoch));
    return TP_OK;
}

static enum tp_rc find_keys_again(struct tp_hsm *hsm, struct tp_error *error)
{
    if (!atomic_load(&hsm->token_keys_wanted))
        return TP_OK;
    enum tp_rc rc = tp_hsm_token_keys_find(hsm->anchor, error);
    if (rc != TP_NOT_FOUND)
        return rc;
    return tp_error_prefix(error, TP_HSM_SWAPPED, "the token %s has come back without its keys",
                           tp_hsm_uri_name(hsm->uri));
}

static enum tp_rc log_in(struct tp_hsm *hsm, struct tp_error *error)
{
    TP_TRY(login(hsm, error));
    choose_wrap_mechanism(hsm);
    return find_keys_again(hsm, error);
}

static enum tp_rc link_closed(struct tp_hsm *hsm, struct tp_error *error)
{
    struct search search = {0};
    CK_FUNCTION_LIST *calls = hsm->module->calls;
    CK_SESSION_HANDLE handle;
    TP_TRY(restart_module(hsm, error));
    TP_TRY(find_token(hsm, &search, error));
    atomic_store(&hsm->slot, search.slot);
    CK_RV rv = calls->C_OpenSession(search.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &handle);
    TP_TRY(tp_hsm_call_rc(hsm, rv, "C_OpenSession", error));
    hsm->anchor->handle = handle;
    enum tp_rc rc = log_in(hsm, error);
    if (rc == TP_OK)
        remember(hsm, &search.token);
    else
        calls->C_CloseSession(handle);
    return rc;
}

static void linked(struct tp_hsm *hsm)
{
    struct tp_hsm_key *gone = NULL;
    hsm->anchor->epoch = atomic_fetch_add(&hsm->epoch, 1) + 1;
    atomic_fetch_add(&hsm->module->linked, 1);
    atomic_store(&hsm->lost, false);
    tp_hsm_cache_forget_all(&hsm->cache, &gone);
    tp_hsm_keys_destroy(NULL, gone);
}

enum tp_rc tp_hsm_token_link(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error)
{
    if (hsm->pin_refused)
        return tp_error_set(error, TP_HSM_PIN,
                            "the HSM's token %s has refused its PIN, which is not tried again: mend the file of "
                            "pin-source and restart",
                            tp_hsm_uri_name(hsm->uri));
    if (!tp_hsm_gate_close(&hsm->module->gate, deadline_ms))
        return tp_error_set(error, TP_HSM_ABSENT,
                            "the HSM's token %s was lost, and calls into it have not come back yet: it is looked for "
                            "when they have",
                            tp_hsm_uri_name(hsm->uri));
    hsm->anchor->exclusive = true;
    tp_hsm_pass_begin(&hsm->anchor->pass);
    tp_hsm_mark_lost(hsm); /* a library that another token has restarted: this one's login went with it */
    enum tp_rc rc = link_closed(hsm, error);
    if (rc == TP_OK)
        linked(hsm);
    tp_hsm_pass_end(&hsm->anchor->pass);
    hsm->anchor->exclusive = false;
    tp_hsm_gate_open(&hsm->module->gate);
    return rc;
}
