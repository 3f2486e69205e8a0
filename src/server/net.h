/* SPDX-License-Identifier: Apache-2.0
 *
 * The net process: what strangers reach over the network. It has no key, no store and no HSM: it asks the engine over the local
 * protocol, as a user of its own, and can do nothing else (confine.h).
 */
#ifndef TP_SERVER_NET_H
#define TP_SERVER_NET_H

/* Serves until SIGTERM or SIGINT. The exit status. */
int tp_net_serve(const char *conf_path);

#endif
