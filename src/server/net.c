/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net.h"

#include "base/log.h"
#include "server/confine.h"
#include "server/front.h"
#include "server/net_conf.h"

#include <signal.h>

/* Ports and users first, while there are rights to it; then none are left. */
static enum tp_rc begin(const struct tp_net_conf *conf, struct tp_error *error, struct tp_front **ret_front)
{
    struct tp_front *front TP_AUTO(tp_front_free_p) = NULL;
    TP_TRY(tp_front_new(conf, error, &front));
    TP_TRY(tp_confine_become(conf->user, error));
    TP_TRY(tp_confine(error));
    *ret_front = front;
    front = NULL;
    return TP_OK;
}

static enum tp_rc serve(const struct tp_net_conf *conf, struct tp_error *error)
{
    struct tp_front *front TP_AUTO(tp_front_free_p) = NULL;
    TP_TRY(begin(conf, error, &front));
    for (size_t i = 0; i < conf->places_len; i++)
        tp_log(TP_LOG_INFO, "listening at %s port %u", conf->places[i].address, conf->places[i].port);
    return tp_front_run(front, error);
}

int tp_net_serve(const char *conf_path)
{
    struct tp_error error = {0};
    struct tp_net_conf conf = {0};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    enum tp_rc rc = tp_net_conf_read(conf_path, &error, &conf);
    if (rc == TP_OK)
        rc = serve(&conf, &error);
    tp_net_conf_clear(&conf);
    if (rc != TP_OK)
        tp_log(TP_LOG_ERROR, "%s", error.rc != TP_OK ? tp_error_words(&error) : tp_rc_words(rc));
    else
        tp_log(TP_LOG_INFO, "ended");
    return tp_rc_status(rc);
}
