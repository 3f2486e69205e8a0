/* SPDX-License-Identifier: Apache-2.0
 *
 * One call into the module: through the gate, stamped, and its answer read for signs of a loss.
 */
#include "hsm/internal.h"

bool tp_hsm_is_linked(const struct tp_hsm *hsm)
{
    return !atomic_load(&hsm->lost) && atomic_load(&hsm->module->epoch) == atomic_load(&hsm->module_epoch);
}

void tp_hsm_mark_lost(struct tp_hsm *hsm)
{
    if (atomic_exchange(&hsm->lost, true))
        return;
    atomic_fetch_add(&hsm->losses, 1);
    atomic_fetch_sub(&hsm->module->linked, 1);
}

bool tp_hsm_call_begin_unopened(struct tp_hsm_session *session)
{
    struct tp_hsm *hsm = session->hsm;
    if (session->exclusive)
        return true;
    if (!tp_hsm_gate_enter(&hsm->module->gate, &session->pass, hsm->stuck_ms))
        return false;
    /* Inside the gate nobody logs in anew: what is true now stays true until the call has ended. */
    if (tp_hsm_is_linked(hsm))
        return true;
    tp_hsm_gate_leave(&hsm->module->gate, &session->pass);
    return false;
}

bool tp_hsm_call_begin(struct tp_hsm_session *session)
{
    if (!tp_hsm_call_begin_unopened(session))
        return false;
    if (session->exclusive || session->epoch == atomic_load(&session->hsm->epoch))
        return true;
    tp_hsm_gate_leave(&session->hsm->module->gate, &session->pass);
    return false;
}

CK_RV tp_hsm_call_end(struct tp_hsm_session *session, CK_RV rv)
{
    if (session->exclusive)
        return rv;
    if (tp_hsm_ckr_is_loss(rv)) /* before leaving, so that it marks this login and no later one */
        tp_hsm_mark_lost(session->hsm);
    tp_hsm_gate_leave(&session->hsm->module->gate, &session->pass);
    return rv;
}

enum tp_rc tp_hsm_call_rc(const struct tp_hsm *hsm, CK_RV rv, const char *call, struct tp_error *error)
{
    enum tp_rc rc = tp_hsm_ckr_rc(rv);
    if (rc == TP_OK)
        return TP_OK;
    if (rc == TP_HSM_ABSENT)
        return tp_error_set(error, rc,
                            "the HSM's token %s is not answering (%s: %s, 0x%lx); is it connected and powered? It is "
                            "looked for again with the next request",
                            tp_hsm_uri_name(hsm->uri), call, tp_hsm_ckr_name(rv), rv);
    return tp_error_set(error, rc, "the HSM's token %s answered %s (0x%lx) to %s; see the HSM's own log",
                        tp_hsm_uri_name(hsm->uri), tp_hsm_ckr_name(rv), rv, call);
}

static unsigned count_stuck(const struct tp_hsm *hsm, const struct tp_hsm_session *session, int64_t *ret_age_ms)
{
    int64_t age_ms = tp_hsm_pass_age_ms(&session->pass);
    if (age_ms <= hsm->stuck_ms)
        return 0;
    if (age_ms > *ret_age_ms)
        *ret_age_ms = age_ms;
    return 1;
}

unsigned tp_hsm_stuck(const struct tp_hsm *hsm, int64_t *ret_age_ms)
{
    *ret_age_ms = 0;
    unsigned stuck = count_stuck(hsm, hsm->anchor, ret_age_ms);
    for (unsigned i = 0; i < hsm->session_count; i++)
        stuck += count_stuck(hsm, hsm->sessions[i], ret_age_ms);
    return stuck;
}

enum tp_rc tp_hsm_stuck_rc(const struct tp_hsm *hsm, struct tp_error *error)
{
    int64_t age_ms;
    unsigned stuck = tp_hsm_stuck(hsm, &age_ms);
    if (stuck == 0)
        return TP_OK;
    return tp_error_set(
        error, TP_HSM_ABSENT,
        "the HSM's token %s has not answered for %lld s (%u calls); it is out of service until it does: "
        "see the HSM, or restart the engine",
        tp_hsm_uri_name(hsm->uri), (long long)(age_ms / 1000), stuck);
}
