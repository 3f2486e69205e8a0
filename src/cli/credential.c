/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/credential.h"

#include <string.h>

enum tp_rc tp_cli_credentials(struct tp_cli *cli, char *user, struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    request.user = user;
    return tp_cli_call(cli, TP_OP_OBJECTS, &request.base, NULL, NULL, ret_reply);
}

enum tp_rc tp_cli_credential_find(struct tp_cli *cli, const struct tp_ipc_reply *objects, const char *name,
                                  const Tp__Ipc__Credential **ret_credential)
{
    const Tp__Ipc__ObjectsReply *reply = (const void *)objects->message;
    const Tp__Ipc__Credential *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < reply->n_credentials; i++) {
        const Tp__Ipc__Credential *credential = reply->credentials[i];
        bool is_it = strcmp(credential->id, name) == 0;
        if (!is_it && strcmp(credential->label, name) != 0)
            continue;
        found = credential;
        count = is_it ? 1 : count + 1;
        if (is_it)
            break;
    }
    if (count == 0)
        return tp_error_set(&cli->error, TP_NOT_FOUND,
                            "no key has the id or label \"%s\"; trustp11 key list shows them", name);
    if (count > 1)
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT,
                            "%zu keys have the label \"%s\"; use the id, which trustp11 key list shows", count, name);
    *ret_credential = found;
    return TP_OK;
}
