/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP side of the net process: listens, hands whole requests to the routes, and keeps to limits.
 */
#ifndef TP_SERVER_FRONT_H
#define TP_SERVER_FRONT_H

#include "base/error.h"
#include "server/net_conf.h"

struct tp_front;

/* Listens at all places of CONF, which must outlive it, and connects to the engine. */
TP_MUST_USE enum tp_rc tp_front_new(const struct tp_net_conf *conf, struct tp_error *error, struct tp_front **ret_front);
void tp_front_free(struct tp_front *front);
TP_DEFINE_AUTO(struct tp_front, tp_front_free)
/* Until SIGTERM or SIGINT; then no new connections, and whole requests are answered first. */
TP_MUST_USE enum tp_rc tp_front_run(struct tp_front *front, struct tp_error *error);

#endif
