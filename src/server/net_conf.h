/* SPDX-License-Identifier: Apache-2.0
 *
 * The net process's configuration (conf/net.conf).
 */
#ifndef TP_SERVER_NET_CONF_H
#define TP_SERVER_NET_CONF_H

#include "base/conf.h"

#define TP_NET_PLACES 8

struct tp_net_place {
    char address[64]; /* a number: "127.0.0.1", "::1" */
    uint16_t port;
};
struct tp_net_conf {
    struct tp_conf *file; /* owns the strings */
    struct tp_net_place places[TP_NET_PLACES];
    size_t places_len;
    const char *engine, *engine_user; /* its socket; as whom it must run, NULL: as we do */
    const char *user;                 /* whom to become when started as root; NULL: nobody else */
    unsigned connections;
    int64_t time_ms; /* for a whole request, and for a connection that is not used */
    bool access_log;
    const char *tsa; /* path of the timestamp authority; NULL: none */
};
TP_MUST_USE enum tp_rc tp_net_conf_read(const char *path, struct tp_error *error, struct tp_net_conf *ret_conf);
void tp_net_conf_clear(struct tp_net_conf *conf);

#endif
