/* SPDX-License-Identifier: Apache-2.0
 *
 * The token's handle: from a configuration to a login, and back.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define SESSIONS_MAX    1024
#define OPEN_TIMEOUT_MS 60000 /* for tp_hsm_open, which is given no deadline */

static void init_locks(struct tp_hsm *hsm)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&hsm->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&hsm->lock, NULL);
}

static enum tp_rc make_sessions(struct tp_hsm *hsm, unsigned count)
{
    hsm->anchor = tp_hsm_session_new(hsm);
    hsm->sessions = calloc(count, sizeof(hsm->sessions[0]));
    if (hsm->anchor == NULL || hsm->sessions == NULL)
        return TP_MEMORY;
    for (; hsm->session_count < count; hsm->session_count++) {
        struct tp_hsm_session *session = tp_hsm_session_new(hsm);
        if (session == NULL)
            return TP_MEMORY;
        hsm->sessions[hsm->session_count] = session;
        tp_hsm_session_push(session);
    }
    return TP_OK;
}

enum tp_rc tp_hsm_open(const struct tp_hsm_config *config, struct tp_error *error, struct tp_hsm **ret_hsm)
{
    if (config->sessions == 0 || config->sessions > SESSIONS_MAX || config->stuck_ms < 0)
        return tp_error_set(error, TP_CONFIG,
                            "the HSM needs 1 to %d sessions, and a limit for stuck calls that is not negative",
                            SESSIONS_MAX);
    struct tp_hsm *hsm TP_AUTO(tp_hsm_close_p) = calloc(1, sizeof(*hsm));
    if (hsm == NULL)
        return TP_MEMORY;
    init_locks(hsm);
    atomic_store(&hsm->lost, true);
    hsm->stuck_ms = config->stuck_ms > 0 ? config->stuck_ms : TP_HSM_STUCK_MS;
    TP_TRY(tp_hsm_cache_init(&hsm->cache, config->cached_keys));
    TP_TRY(tp_hsm_uri_parse(config->uri, error, &hsm->uri));
    TP_TRY(tp_hsm_uri_read_pin(hsm->uri, error, &hsm->pin));
    TP_TRY(tp_hsm_module_load(tp_hsm_uri_module_path(hsm->uri), error, &hsm->module));
    TP_TRY(make_sessions(hsm, config->sessions));
    TP_TRY(tp_hsm_token_link(hsm, tp_clock_monotonic_ms() + OPEN_TIMEOUT_MS, error));
    *ret_hsm = hsm;
    hsm = NULL;
    return TP_OK;
}

/* Sessions first, since the module's last C_Finalize may be ours, and the keys in them with them. */
void tp_hsm_close(struct tp_hsm *hsm)
{
    if (hsm == NULL)
        return;
    for (unsigned i = 0; i < hsm->session_count; i++)
        tp_hsm_session_free(hsm->sessions[i]);
    tp_hsm_session_free(hsm->anchor);
    free(hsm->sessions);
    if (hsm->module != NULL) {
        tp_hsm_mark_lost(hsm); /* no longer one of those for whom the library stays initialised */
        tp_hsm_module_release(hsm->module);
    }
    tp_hsm_cache_clear(&hsm->cache);
    tp_secret_free(hsm->pin);
    tp_hsm_uri_free(hsm->uri);
    pthread_cond_destroy(&hsm->changed);
    pthread_mutex_destroy(&hsm->lock);
    free(hsm);
}

void tp_hsm_info(struct tp_hsm *hsm, struct tp_hsm_info *ret_info)
{
    struct tp_hsm_info info = {0};
    int64_t age_ms;
    pthread_mutex_lock(&hsm->lock);
    tp_hsm_unpad(info.token, hsm->token.label, sizeof(hsm->token.label));
    tp_hsm_unpad(info.manufacturer, hsm->token.manufacturerID, sizeof(hsm->token.manufacturerID));
    tp_hsm_unpad(info.model, hsm->token.model, sizeof(hsm->token.model));
    tp_hsm_unpad(info.serial, hsm->token.serialNumber, sizeof(hsm->token.serialNumber));
    info.sessions_free = hsm->free_count;
    pthread_mutex_unlock(&hsm->lock);
    snprintf(info.module, sizeof(info.module), "%s", tp_hsm_uri_module_path(hsm->uri));
    info.stuck = tp_hsm_stuck(hsm, &age_ms);
    info.present = info.stuck == 0 && tp_hsm_is_linked(hsm);
    info.cached_keys = tp_hsm_cache_count(&hsm->cache);
    info.losses = atomic_load(&hsm->losses);
    *ret_info = info;
}
