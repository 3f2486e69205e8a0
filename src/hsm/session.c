/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool of sessions. A session is opened when it is first needed, and opened anew when its
 * login has ended.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <stdlib.h>
#include <string.h>

struct tp_hsm_session *tp_hsm_session_new(struct tp_hsm *hsm)
{
    struct tp_hsm_session *session = aligned_alloc(_Alignof(struct tp_hsm_session), sizeof(*session));
    if (session == NULL)
        return NULL;
    memset(session, 0, sizeof(*session));
    atomic_init(&session->pass.since_ms, 0);
    session->hsm = hsm;
    tp_hsm_gate_add(&hsm->module->gate, &session->pass);
    return session;
}

void tp_hsm_session_free(struct tp_hsm_session *session)
{
    if (session == NULL)
        return;
    if (session->epoch != 0 && tp_hsm_call_begin(session))
        tp_hsm_call_end(session, session->hsm->module->calls->C_CloseSession(session->handle));
    tp_hsm_gate_remove(&session->hsm->module->gate, &session->pass);
    free(session);
}

/* Takes the session into the login of now. */
static enum tp_rc session_open(struct tp_hsm_session *session, struct tp_error *error)
{
    struct tp_hsm *hsm = session->hsm;
    CK_RV rv = CKR_OK;
    if (!tp_hsm_call_begin_unopened(session))
        return tp_hsm_call_rc(hsm, TP_CKR_NOT_CALLED, "C_OpenSession", error);
    uint64_t epoch = atomic_load(&hsm->epoch);
    if (session->epoch != epoch) {
        rv = hsm->module->calls->C_OpenSession(atomic_load(&hsm->slot), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                               &session->handle);
        session->epoch = rv == CKR_OK ? epoch : 0;
    }
    return tp_hsm_call_rc(hsm, tp_hsm_call_end(session, rv), "C_OpenSession", error);
}

/* A token that vanished while nobody called shows only now: then once more, after finding it. */
static enum tp_rc session_ready(struct tp_hsm_session *session, int64_t deadline_ms, struct tp_error *error)
{
    struct tp_hsm *hsm = session->hsm;
    enum tp_rc rc = session_open(session, error);
    if (rc != TP_HSM_ABSENT)
        return rc;
    pthread_mutex_lock(&hsm->lock);
    rc = tp_hsm_token_recover(hsm, deadline_ms, error);
    pthread_mutex_unlock(&hsm->lock);
    return rc == TP_OK ? session_open(session, error) : rc;
}

void tp_hsm_session_push(struct tp_hsm_session *session)
{
    struct tp_hsm *hsm = session->hsm;
    session->next_free = hsm->free;
    hsm->free = session;
    hsm->free_count++;
}

static struct tp_hsm_session *pop_free(struct tp_hsm *hsm)
{
    struct tp_hsm_session *session = hsm->free;
    hsm->free = session->next_free;
    hsm->free_count--;
    return session;
}

/* Until a session is free, but not past the moment at which a call that is running now would count as stuck. */
static enum tp_rc wait_for_free(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error)
{
    while (hsm->free == NULL) {
        int64_t now_ms = tp_clock_monotonic_ms(), look_ms = now_ms + hsm->stuck_ms / 4 + 1;
        TP_TRY(tp_hsm_stuck_rc(hsm, error));
        if (now_ms >= deadline_ms)
            return tp_error_set(error, TP_TIMEOUT,
                                "all %u sessions of the HSM's token %s were busy; raise their number if this is usual",
                                hsm->session_count, tp_hsm_uri_name(hsm->uri));
        (void)tp_hsm_wait(hsm, look_ms < deadline_ms ? look_ms : deadline_ms);
    }
    return TP_OK;
}

static enum tp_rc take_free(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error,
                            struct tp_hsm_session **ret_session)
{
    TP_TRY(tp_hsm_stuck_rc(hsm, error));
    TP_TRY(tp_hsm_token_recover(hsm, deadline_ms, error));
    TP_TRY(wait_for_free(hsm, deadline_ms, error));
    *ret_session = pop_free(hsm);
    return TP_OK;
}

enum tp_rc tp_hsm_session_acquire(struct tp_hsm *hsm, int64_t deadline_ms, struct tp_error *error,
                                  struct tp_hsm_session **ret_session)
{
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    pthread_mutex_lock(&hsm->lock);
    enum tp_rc rc = take_free(hsm, deadline_ms, error, &session);
    pthread_mutex_unlock(&hsm->lock);
    if (rc != TP_OK)
        return rc;
    TP_TRY(session_ready(session, deadline_ms, error));
    *ret_session = session;
    session = NULL;
    return TP_OK;
}

void tp_hsm_session_release(struct tp_hsm_session *session)
{
    struct tp_hsm *hsm = session->hsm;
    pthread_mutex_lock(&hsm->lock);
    tp_hsm_session_push(session);
    pthread_cond_broadcast(&hsm->changed);
    pthread_mutex_unlock(&hsm->lock);
}

enum tp_rc tp_hsm_session_renew(struct tp_hsm_session *session, int64_t deadline_ms, struct tp_error *error)
{
    TP_TRY(tp_hsm_stuck_rc(session->hsm, error));
    return session_ready(session, deadline_ms, error);
}
