/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the command line: its arguments, where it writes, and its connection to the engine.
 */
#ifndef TP_CLI_CLI_H
#define TP_CLI_CLI_H

#include "cli/options.h"
#include "ipc/client.h"
#include "ipc/client_conf.h"

#include <stdatomic.h>
#include <stdio.h>

struct tp_cli {
    struct tp_cli_args args;
    FILE *out, *err; /* not owned */
    int in;          /* descriptor that secrets and answers are read from when nobody sits at a terminal */
    bool terminal;   /* somebody does: prompts go to /dev/tty */
    bool progress;   /* and can see a progress bar */
    bool in_closed;  /* IN gives nothing, since the program came without: no document and no list is read from it */
    bool out_closed; /* OUT goes nowhere, since the program came without: no command is run */
    bool json;
    bool failed_quietly;          /* the answer is "no" and has been printed: exit status 1 without another line */
    int status;                   /* the exit status of a "no" that has one of its own; 0: that of the result code */
    const char *made;             /* the result, or its folder, from when it is there on: told when writing to OUT fails */
    bool out_failed;              /* it has */
    atomic_bool told_unchecked;   /* it was said that no anchors are given (documents.h) */
    bool memory_out;              /* an object for --json lacks a part (output.h) */
    struct tp_client_conf *conf;  /* read on first use */
    struct tp_ipc_client *client; /* likewise */
    /* tp_ipc_call; unit tests put a made-up engine here. */
    enum tp_rc (*call)(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                       struct tp_bytes secret_0, struct tp_bytes secret_1, int64_t timeout_ms, struct tp_error *error,
                       struct tp_ipc_reply *ret_reply);
    struct tp_error error;
};

/* Runs one command line; returns the exit status (0, 1 refused or failed, 2 usage, or a command's own). OUT, ERR, IN, TERMINAL, PROGRESS,
 * IN_CLOSED, OUT_CLOSED and CALL of CLI are the caller's to set; the rest is cleared on return. */
int tp_cli_run(struct tp_cli *cli, int argc, char *const *argv);

/* The client configuration: --config, or found. */
TP_MUST_USE enum tp_rc tp_cli_conf(struct tp_cli *cli, const struct tp_client_conf **ret_conf);
/* Asks the engine, showing that something is going on when it takes long. REQUEST is of the operation's type. */
TP_MUST_USE enum tp_rc tp_cli_call(struct tp_cli *cli, enum tp_ipc_op op, const ProtobufCMessage *request,
                                   const struct tp_secret *secret_0, const struct tp_secret *secret_1,
                                   struct tp_ipc_reply *ret_reply);
/* TP_IO with words when PATH is "-" and standard input is closed: what is not there is not a file of zero bytes. */
TP_MUST_USE enum tp_rc tp_cli_input_check(struct tp_cli *cli, const char *path);
/* TP_USAGE when OUT is "-", which would become a file of that name. */
TP_MUST_USE enum tp_rc tp_cli_out_check(struct tp_cli *cli, const char *out);
/* RC as an exit status sees it: what the engine or a parser calls a bad argument has come from the command line, and is wrong
 * usage. The words stay. For commands whose every argument is checked before anything is done. */
TP_MUST_USE enum tp_rc tp_cli_usage(struct tp_cli *cli, enum tp_rc rc);
/* The user that the command is about: --user, or the only one that the client configuration names. The string belongs
 * to CLI. */
TP_MUST_USE enum tp_rc tp_cli_user(struct tp_cli *cli, char **ret_user);

#endif
