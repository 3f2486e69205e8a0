/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"

static const struct tp_cli_column columns[] = {
    {"verdict", "Engine"},
    {"tampered", "Mismatch"},
    {"deployment", "Deployment"},
    {"version", "Version"},
    {"development", "Development"},
    {"started", "Running since"},
    {"pid", "Process"},
    {"uid", "Runs as uid"},
    {"users", "Users"},
    {"authorisations", "Open logins"},
    {"connections", "Connections"},
    {"signatures", "Signatures since the start"},
    {"refusals", "Refusals since the start"},
    {"entries", "Log entries"},
    {"checkpoint_size", "Entries under a checkpoint"},
    {"records", "Records"},
    {"commits", "Commits since the start"},
    {"hsm_present", "HSM there"},
    {"hsm_token", "HSM token"},
    {"hsm_module", "HSM module"},
    {"hsm_stuck", "HSM calls that hang"},
    {"hsm_losses", "HSM losses since the start"},
    {"cached_keys", "Keys in the HSM"},
    {"clock_synchronised", "Clock synchronised"},
    {"memory_locked", "Secrets in locked memory"},
    {NULL, NULL},
};

static void put_hsm(struct tp_cli *cli, json_t *object, const Tp__Ipc__StatusReply *status)
{
    tp_cli_put_flag(cli, object, "hsm_present", status->hsm_present);
    tp_cli_put_text(cli, object, "hsm_token", status->hsm_token);
    tp_cli_put_text(cli, object, "hsm_module", status->hsm_module);
    tp_cli_put_count(cli, object, "hsm_stuck", status->hsm_stuck);
    tp_cli_put_count(cli, object, "hsm_losses", status->hsm_losses);
    tp_cli_put_count(cli, object, "cached_keys", status->cached_keys);
}

static void put_counts(struct tp_cli *cli, json_t *object, const Tp__Ipc__StatusReply *status)
{
    tp_cli_put_count(cli, object, "users", status->users);
    tp_cli_put_count(cli, object, "authorisations", status->authorisations);
    tp_cli_put_count(cli, object, "connections", status->connections);
    tp_cli_put_count(cli, object, "signatures", status->signatures);
    tp_cli_put_count(cli, object, "refusals", status->refusals);
    tp_cli_put_count(cli, object, "entries", status->entries);
    tp_cli_put_count(cli, object, "checkpoint_size", status->checkpoint_size);
    tp_cli_put_count(cli, object, "records", status->records);
    tp_cli_put_count(cli, object, "commits", status->commits);
}

static const char *verdict(const Tp__Ipc__StatusReply *status)
{
    if (status->tampered)
        return "refuses to serve; see trustp11 audit verify, then trustp11 audit accept";
    return status->hsm_present ? "serves" : "cannot sign: its HSM is not there";
}

enum tp_rc tp_cli_status(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    TP_TRY(tp_cli_call(cli, TP_OP_STATUS, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__StatusReply *status = (const void *)reply.message;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "verdict", verdict(status));
    tp_cli_put_text(cli, object, "tampered", status->tampered_words);
    tp_cli_put_text(cli, object, "deployment", status->deployment);
    tp_cli_put_text(cli, object, "version", status->version);
    tp_cli_put_flag(cli, object, "development", status->development);
    tp_cli_put_time(cli, object, "started", status->started_ms, false);
    tp_cli_put_count(cli, object, "pid", status->pid);
    tp_cli_put_count(cli, object, "uid", status->uid);
    put_counts(cli, object, status);
    put_hsm(cli, object, status);
    tp_cli_put_flag(cli, object, "clock_synchronised", status->clock_synchronised);
    tp_cli_put_flag(cli, object, "memory_locked", status->memory_locked);
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    cli->failed_quietly = status->tampered || !status->hsm_present;
    return cli->failed_quietly ? (status->tampered ? TP_TAMPERED : TP_HSM_ABSENT) : TP_OK;
}
