/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/verify.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "engine/engine_conf.h"
#include "pki/certificate.h"
#include "pki/key.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define NOTE_MAX ((size_t)64 << 10)
#define KEY_MAX  ((size_t)64 << 10)

/* ---- checkpoint ---- */

static enum tp_rc emit_checkpoint(struct tp_cli *cli, const Tp__Ipc__CheckpointReply *checkpoint)
{
    struct tp_buf pem TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    json_t *object = json_object();
    TP_TRY(tp_pki_pem_write("PUBLIC KEY", TP_BYTES(checkpoint->spki.data, checkpoint->spki.len), &pem));
    tp_cli_put_text(cli, object, "note", checkpoint->note);
    tp_cli_put_text(cli, object, "origin", checkpoint->origin);
    tp_cli_put_text(cli, object, "key", tp_buf_string(&pem));
    return tp_cli_emit_record(cli, object, NULL);
}

enum tp_rc tp_cli_audit_checkpoint(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    const char *path = tp_cli_text(&cli->args, "out");
    TP_TRY(tp_cli_call(cli, TP_OP_AUDIT_CHECKPOINT, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__CheckpointReply *checkpoint = (const void *)reply.message;
    if (path != NULL) {
        TP_TRY(tp_cli_file_write(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, tp_bytes_of_string(checkpoint->note),
                                 &cli->error));
        return tp_cli_emit_ok(cli, "the checkpoint is in %s; keep it on another machine", path);
    }
    if (cli->json)
        return emit_checkpoint(cli, checkpoint);
    (void)fputs(checkpoint->note, cli->out);
    return TP_OK;
}

/* ---- accept ---- */

enum tp_rc tp_cli_audit_accept(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__AcceptRequest request = TP__IPC__ACCEPT_REQUEST__INIT;
    request.reason = (char *)(uintptr_t)tp_cli_text(&cli->args, "reason");
    if (request.reason == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say what was found and why it may be accepted: --reason TEXT");
    TP_TRY(
        tp_cli_confirm(cli, "From now on the records are believed as they are. Have you found out why they differ?"));
    TP_TRY(tp_cli_call(cli, TP_OP_ACCEPT, &request.base, NULL, NULL, &reply));
    return tp_cli_emit_ok(cli, "accepted; the engine serves again");
}

/* ---- verify ---- */

static const struct tp_cli_column report_columns[] = {
    {"verdict", "Verdict"},
    {"words", "What is wrong"},
    {"bad_entry", "First bad entry"},
    {"entries", "Entries"},
    {"checkpoints", "Checkpoints"},
    {"last_checkpoint", "Last checkpoint covers"},
    {"unsigned_entries", "Entries after it"},
    {"records", "Records"},
    {"texts_erased", "Texts erased"},
    {"older_checkpoint", "Extends the older checkpoint"},
    {NULL, NULL},
};

/* What is to be verified, and with what. */
struct subject {
    struct tp_engine_conf conf; /* has_conf: owns strings below */
    bool has_conf;
    const char *store, *key;
    char origin[256];
    struct tp_buf spki, older;
};

static void subject_clear(struct subject *subject)
{
    if (subject->has_conf)
        tp_engine_conf_clear(&subject->conf);
    tp_buf_clear(&subject->spki);
    tp_buf_clear(&subject->older);
}

static enum tp_rc read_engine_conf(struct tp_cli *cli, struct subject *subject)
{
    const struct tp_client_conf *conf;
    TP_TRY(tp_cli_conf(cli, &conf));
    enum tp_rc rc = tp_engine_conf_read(tp_client_conf_engine_conf(conf), &cli->error, &subject->conf);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "give --store, --key and --origin, or let me read the configuration");
    subject->has_conf = true;
    return TP_OK;
}

static enum tp_rc find_subject(struct tp_cli *cli, struct subject *subject)
{
    const char *origin = tp_cli_text(&cli->args, "origin");
    subject->store = tp_cli_text(&cli->args, "store");
    subject->key = tp_cli_text(&cli->args, "key");
    if (subject->store == NULL || subject->key == NULL || origin == NULL)
        TP_TRY(read_engine_conf(cli, subject));
    subject->store = subject->store != NULL ? subject->store : subject->conf.store;
    subject->key = subject->key != NULL ? subject->key : subject->conf.audit_key;
    int len = origin != NULL ? snprintf(subject->origin, sizeof subject->origin, "%s", origin)
                             : snprintf(subject->origin, sizeof subject->origin, "trustp11/%s", subject->conf.name);
    if (len < 0 || (size_t)len >= sizeof subject->origin)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the log's origin is too long");
    return TP_OK;
}

static enum tp_rc read_evidence(struct tp_cli *cli, struct subject *subject)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *older = tp_cli_text(&cli->args, "checkpoint");
    TP_TRY(tp_cli_file_read(subject->key, KEY_MAX, &cli->error, &file));
    enum tp_rc rc = tp_pki_key_read(tp_buf_bytes(&file), &cli->error, &subject->spki);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "%s", subject->key);
    if (older == NULL)
        return TP_OK;
    TP_TRY(tp_cli_file_read(older, NOTE_MAX, &cli->error, &subject->older));
    return subject->older.len > 0
               ? TP_OK /* an empty one would be taken for none, and prove nothing */
               : tp_error_set(&cli->error, TP_MALFORMED, "%s: empty; give the checkpoint that was kept", older);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    tp_cli_progress_update(context, done, total, NULL);
}

static enum tp_rc check(struct tp_cli *cli, const struct subject *subject, struct tp_verify_report *ret_report)
{
    struct tp_store *store TP_AUTO(tp_store_close_p) = NULL;
    TP_TRY(tp_store_open(subject->store, TP_STORE_READ, &cli->error, &store));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "verifying the log");
    enum tp_rc rc = tp_audit_verify(store, subject->origin, tp_buf_bytes(&subject->spki), tp_buf_bytes(&subject->older),
                                    show_progress, progress, &cli->error, ret_report);
    tp_cli_progress_end(progress);
    return rc;
}

/* The log as a file can be checked as far as the last checkpoint's signature: what comes after it is under the head's MAC
 * alone, which only the HSM can tell. So the engine, where it answers, signs first all that there is. */
static void sign_first(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    if (tp_cli_flag(&cli->args, "offline") || tp_cli_text(&cli->args, "store") != NULL)
        return;
    if (tp_cli_call(cli, TP_OP_AUDIT_CHECKPOINT, &request.base, NULL, NULL, &reply) != TP_OK)
        tp_error_clear(&cli->error); /* the file is checked all the same */
}

static void tell_unsigned(struct tp_cli *cli, const struct tp_verify_report *report)
{
    if (report->unsigned_entries > 0)
        tp_cli_remark(cli,
                      "The last %" PRIu64 " entries are signed by nobody yet: whoever could write the store could have "
                      "changed them. With the engine running, verify has them signed first.",
                      report->unsigned_entries);
}

static void put_counts(struct tp_cli *cli, const struct tp_verify_report *report, json_t *object)
{
    tp_cli_put_count(cli, object, "entries", report->entries);
    tp_cli_put_count(cli, object, "checkpoints", report->checkpoints);
    tp_cli_put_count(cli, object, "last_checkpoint", report->last_checkpoint_size);
    tp_cli_put_count(cli, object, "unsigned_entries", report->unsigned_entries);
    tp_cli_put_count(cli, object, "records", report->records);
    tp_cli_put_count(cli, object, "texts_erased", report->texts_erased);
}

/* Counts only when all is well: checking stops at the first thing that is wrong. */
static json_t *describe(struct tp_cli *cli, const struct subject *subject, const struct tp_verify_report *report,
                        bool good)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "verdict", good ? "ok" : "bad");
    tp_cli_put_text(cli, object, "origin", subject->origin);
    if (good)
        put_counts(cli, report, object);
    else
        tp_cli_put_text(cli, object, "words", tp_error_words(&cli->error));
    if (!good && report->bad_index != UINT64_MAX)
        tp_cli_put_count(cli, object, "bad_entry", report->bad_index);
    if (good && subject->older.len > 0)
        tp_cli_put_flag(cli, object, "older_checkpoint", true);
    return object;
}

enum tp_rc tp_cli_audit_verify(struct tp_cli *cli)
{
    struct subject subject TP_AUTO(subject_clear) = {.store = NULL};
    struct tp_verify_report report = {.bad_index = UINT64_MAX};
    TP_TRY(find_subject(cli, &subject));
    TP_TRY(read_evidence(cli, &subject));
    sign_first(cli);
    enum tp_rc rc = check(cli, &subject, &report);
    if (rc != TP_OK && rc != TP_TAMPERED)
        return rc;
    TP_TRY(tp_cli_emit_record(cli, describe(cli, &subject, &report, rc == TP_OK), report_columns));
    if (rc == TP_OK)
        tell_unsigned(cli, &report);
    cli->failed_quietly = rc != TP_OK;
    return rc;
}
