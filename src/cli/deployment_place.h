/* SPDX-License-Identifier: Apache-2.0
 *
 * Where `trustp11 init` puts a deployment, and whose it becomes.
 */
#ifndef TP_CLI_DEPLOYMENT_PLACE_H
#define TP_CLI_DEPLOYMENT_PLACE_H

#include "cli/cli.h"

#include <sys/types.h>

#define TP_CLI_PLACE_MAX 4096

struct tp_cli_place {
    bool service; /* /etc and /var/lib, for the service user */
    char engine_conf[TP_CLI_PLACE_MAX], client_conf[TP_CLI_PLACE_MAX];
    char owner[64]; /* name of whom the engine runs as */
    uid_t uid;
    gid_t gid;
    bool made_engine_conf, made_client_conf;
    const char *made_dirs[2];    /* NULL past the last */
    char lock[TP_CLI_PLACE_MAX]; /* the store's lock file, when making the deployment makes it; "" when not */
};

/* From --dir or --service-user; makes DIR. TP_NOT_PERMITTED when a service is to be made by somebody who is not root.
 */
TP_MUST_USE enum tp_rc tp_cli_place_find(struct tp_cli *cli, struct tp_cli_place *ret_place);
/* Writes the configurations that are not there, from the command's options. */
TP_MUST_USE enum tp_rc tp_cli_place_write(struct tp_cli *cli, struct tp_cli_place *place);
/* Before the store is made: whether its lock file will be ours to take away. */
TP_MUST_USE enum tp_rc tp_cli_place_watch_lock(struct tp_cli *cli, const char *store, struct tp_cli_place *place);
/* Takes away what has been written, and directories that were made and are empty: after a failure, the same command can
 * be given again. */
void tp_cli_place_undo(const struct tp_cli_place *place);
/* From here on files are made as the engine's user; and back. */
TP_MUST_USE enum tp_rc tp_cli_place_become_owner(struct tp_cli *cli, const struct tp_cli_place *place);
void tp_cli_place_become_self(const struct tp_cli_place *place);

#endif
