/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's configuration (conf/trustp11.conf): which engine, which users, how to log in. Read by the module and the
 * command line; holds nothing secret and never names the HSM: that is the engine's file, which clients cannot read.
 *
 *   socket       path of the engine's socket                          default /run/trustp11/engine.sock
 *   engine       service | spawn                                      service
 *   engine_user  who must be behind the socket                        trustp11 (service); ourselves (spawn)
 *   engine_conf  the engine's file, for spawn and for local tools     /etc/trustp11/engine.conf
 *   engine_program  trustp11d                                         the installed one
 *   users        one slot each, in this order ("alice, bob"); "*": and one that serves all, the last   (none)
 *   officer      whose PIN and code are the SO PIN of all slots           (none)
 *   login        pin | session                                        pin
 *   timeout      of every call                                        30s
 *   debug        file that the module writes its reasons to, or "syslog"   (none; $TRUSTP11_DEBUG wins)
 */
#ifndef TP_IPC_CLIENT_CONF_H
#define TP_IPC_CLIENT_CONF_H

#include "base/conf.h"
#include "ipc/client.h"

#define TP_CLIENT_USERS_MAX 64
#define TP_CLIENT_USER_LEN  128 /* bytes of a user's name, with NUL */

struct tp_client_conf;

/* PATH NULL: found as tp_conf_find says. */
TP_MUST_USE enum tp_rc tp_client_conf_read(const char *path, struct tp_error *error, struct tp_client_conf **ret_conf);
void tp_client_conf_free(struct tp_client_conf *conf);
TP_DEFINE_AUTO(struct tp_client_conf, tp_client_conf_free)

const char *tp_client_conf_path(const struct tp_client_conf *conf);
/* Ready for tp_ipc_client_new; strings belong to CONF. */
void tp_client_conf_ipc(const struct tp_client_conf *conf, struct tp_ipc_client_config *ret_config);
size_t tp_client_conf_users(const struct tp_client_conf *conf);
const char *tp_client_conf_user(const struct tp_client_conf *conf, size_t index); /* NULL past the end */
const char *tp_client_conf_officer(const struct tp_client_conf *conf); /* or NULL */
/* "*" is among the users; it is not counted, and is no user's name. */
bool tp_client_conf_serves_all(const struct tp_client_conf *conf);
bool tp_client_conf_session_login(const struct tp_client_conf *conf);
const char *tp_client_conf_engine_conf(const struct tp_client_conf *conf);
const char *tp_client_conf_debug(const struct tp_client_conf *conf); /* or NULL */

#endif
