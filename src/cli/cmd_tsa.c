/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/file_digest.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "pades/verify/verify.h"
#include "pki/timestamp.h"

#include <stdlib.h>
#include <string.h>

static const struct tp_cli_column columns[] = {
    {"token", "Token"},
    {"verdict", "Verdict"},
    {"why", "Why"},
    {"time", "Time"},
    {"accuracy_us", "Accuracy (us)"},
    {"tsa", "TSA"},
    {"serial", "Serial"},
    {"policy", "Policy"},
    {"hash", "Hash"},
    {"digest", "Digest"},
    {"status", "Status"},
    {"trusted", "Trusted"},
    {NULL, NULL},
};

static enum tp_rc choose_hash(struct tp_cli *cli, const struct tp_documents_conf *conf, enum tp_pki_hash *ret_hash)
{
    const char *name = tp_cli_text(&cli->args, "hash");
    *ret_hash = name != NULL ? tp_pki_hash_parse(name) : tp_documents_conf_hash(conf);
    return TP_OK;
}

/* What a token says of itself. */
static void put_info(struct tp_cli *cli, json_t *object, const struct tp_pki_timestamp *timestamp)
{
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    tp_cli_put_time(cli, object, "time", info->time_us / 1000, false);
    if (info->accuracy_us >= 0)
        tp_cli_put_number(cli, object, "accuracy_us", info->accuracy_us);
    tp_cli_put_hex(cli, object, "serial", TP_BYTES(info->serial, info->serial_len));
    tp_cli_put_text(cli, object, "policy", info->policy);
    tp_cli_put_text(cli, object, "hash", tp_pki_hash_name(info->hash));
    tp_cli_put_hex(cli, object, "digest", TP_BYTES(info->imprint, info->imprint_len));
}

static void put_subject(struct tp_cli *cli, json_t *object, struct tp_bytes der)
{
    struct tp_pki_certificate certificate = {0};
    if (tp_pki_certificate_parse(der, NULL, &certificate) != TP_OK)
        return;
    tp_cli_put_text(cli, object, "tsa", certificate.subject);
    tp_pki_certificate_clear(&certificate);
}

/* ---- stamp ---- */

struct stamping {
    struct tp_documents_conf *conf;
    struct tp_pki_anchors *anchors;
    struct tp_tsa_client *client;
    struct tp_buf token;
    bool trusted;
};

static void stamping_clear(struct stamping *stamping)
{
    tp_tsa_client_free(stamping->client);
    tp_pki_anchors_free(stamping->anchors);
    tp_documents_conf_free(stamping->conf);
    tp_buf_clear(&stamping->token);
}

static enum tp_rc ask(struct tp_cli *cli, struct stamping *stamping, const char *path)
{
    enum tp_pki_hash hash;
    uint8_t digest[TP_CLI_DIGEST_MAX];
    TP_TRY(choose_hash(cli, stamping->conf, &hash));
    TP_TRY(tp_cli_file_digest(path, hash, &cli->error, digest));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "waiting for a timestamp");
    const enum tp_rc rc = tp_tsa_client_stamp(stamping->client, hash, TP_BYTES(digest, tp_pki_hash_len(hash)),
                                              &cli->error, &stamping->token);
    tp_cli_progress_end(progress);
    return rc;
}

static enum tp_rc tell_stamp(struct tp_cli *cli, const struct stamping *stamping, const char *out)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = NULL;
    struct tp_bytes certificate = TP_BYTES_NONE;
    cli->made = out;
    TP_TRY(tp_pki_timestamp_parse(tp_buf_bytes(&stamping->token), &cli->error, &timestamp));
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "token", out);
    put_info(cli, object, timestamp);
    if (tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, NULL, &certificate) == TP_OK)
        put_subject(cli, object, certificate);
    tp_cli_put_flag(cli, object, "trusted", stamping->trusted);
    return tp_cli_emit_record(cli, object, columns);
}

/* The file is made first: a token that cannot be written is one that somebody has paid for. */
static enum tp_rc stamp(struct tp_cli *cli, struct stamping *stamping)
{
    const char *out = tp_cli_text(&cli->args, "out");
    struct tp_cli_new_file *file TP_AUTO(tp_cli_new_file_free_p) = NULL;
    TP_TRY(tp_cli_documents(cli, &stamping->conf));
    TP_TRY(tp_cli_documents_anchors(cli, stamping->conf, TP_DOCUMENTS_TSAS, &stamping->anchors));
    TP_TRY(tp_cli_documents_tsa(cli, stamping->conf, tp_cli_text(&cli->args, "policy"), stamping->anchors,
                                &stamping->client));
    stamping->trusted = tp_pki_anchors_len(stamping->anchors) > 0;
    TP_TRY(tp_cli_file_make(out, 0644, &cli->error, &file));
    TP_TRY(ask(cli, stamping, tp_cli_operand(&cli->args, 0)));
    TP_TRY(tp_cli_file_fill(file, tp_buf_bytes(&stamping->token), &cli->error));
    return tell_stamp(cli, stamping, out);
}

enum tp_rc tp_cli_tsa_stamp(struct tp_cli *cli)
{
    struct stamping stamping = {0};
    const char *out = tp_cli_text(&cli->args, "out");
    if (out == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say where the token goes: --out TOKEN");
    TP_TRY(tp_cli_out_check(cli, out));
    const enum tp_rc rc = stamp(cli, &stamping);
    stamping_clear(&stamping);
    return rc;
}

/* ---- check ---- */

struct checking {
    struct tp_documents_conf *conf;
    struct tp_pki_anchors *anchors;
    struct tp_validation_source *source;
    struct tp_buf token;
    struct tp_pki_timestamp *timestamp;
    struct tp_pades_stamp stamp;
};

static void checking_clear(struct checking *checking)
{
    tp_validation_answer_clear(&checking->stamp.answer);
    tp_pki_timestamp_free(checking->timestamp);
    tp_buf_clear(&checking->token);
    tp_validation_source_free(checking->source);
    tp_pki_anchors_free(checking->anchors);
    tp_documents_conf_free(checking->conf);
}

/* A token, or the whole answer of a TSA with one inside. */
static enum tp_rc read_token(struct tp_cli *cli, const char *path, struct checking *checking)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_file_read(path, TP_PKI_TIMESTAMP_RESPONSE_MAX, &cli->error, &file));
    if (tp_pki_timestamp_response_token(tp_buf_bytes(&file), NULL, &checking->token) != TP_OK) {
        tp_buf_reset(&checking->token);
        TP_TRY(tp_buf_append(&checking->token, tp_buf_bytes(&file)));
    }
    const enum tp_rc rc = tp_pki_timestamp_parse(tp_buf_bytes(&checking->token), &cli->error, &checking->timestamp);
    return rc == TP_OK ? rc : tp_error_prefix(&cli->error, rc, "%s", path);
}

/* As a timestamp in a document is judged, with what the TSA's certificate names asked for. */
static enum tp_rc judge(struct tp_cli *cli, struct checking *checking)
{
    const enum tp_pki_hash hash = tp_pki_timestamp_info(checking->timestamp)->hash;
    uint8_t digest[TP_CLI_DIGEST_MAX];
    if (tp_pki_hash_len(hash) > 0)
        TP_TRY(tp_cli_file_digest(tp_cli_operand(&cli->args, 1), hash, &cli->error, digest));
    const enum tp_documents_asking asking = tp_cli_flag(&cli->args, "offline") ? TP_DOCUMENTS_OFFLINE : TP_DOCUMENTS_ASK_ALWAYS;
    TP_TRY(tp_documents_conf_source(checking->conf, asking, &cli->error, &checking->source));
    const struct tp_pades_trial trial = {
        .anchors = checking->anchors, .source = checking->source, .at_ms = tp_cli_number(&cli->args, "at", 0)};
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "asking for revocation data");
    const enum tp_rc rc = tp_pades_verify_token(tp_buf_bytes(&checking->token), TP_BYTES(digest, tp_pki_hash_len(hash)), &trial,
                                                &cli->error, &checking->stamp);
    tp_cli_progress_end(progress);
    return rc;
}

static enum tp_rc tell_check(struct tp_cli *cli, const struct checking *checking)
{
    const struct tp_verdict *verdict = &checking->stamp.verdict;
    json_t *object = json_object();
    const char *sub = tp_subindication_name(verdict->sub);
    char text[96];
    (void)snprintf(text, sizeof text, "%s%s%s", tp_indication_name(verdict->indication), sub[0] != '\0' ? " / " : "",
                   sub);
    if (cli->json) {
        tp_cli_put_text(cli, object, "indication", tp_indication_name(verdict->indication));
        tp_cli_put_text(cli, object, "subindication", sub);
    }
    tp_cli_put_text(cli, object, "verdict", text);
    tp_cli_put_text(cli, object, "why", verdict->why);
    put_info(cli, object, checking->timestamp);
    if (checking->stamp.tsa[0] != '\0')
        tp_cli_put_text(cli, object, "tsa", checking->stamp.tsa);
    if (checking->stamp.answer.steps_len > 0)
        tp_cli_put_text(cli, object, "status", checking->stamp.answer.steps[0].status_from);
    cli->failed_quietly = verdict->indication != TP_TOTAL_PASSED;
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}

static enum tp_rc check(struct tp_cli *cli, struct checking *checking)
{
    TP_TRY(tp_cli_documents(cli, &checking->conf));
    TP_TRY(tp_cli_documents_anchors(cli, checking->conf, TP_DOCUMENTS_TSAS, &checking->anchors));
    if (tp_pki_anchors_len(checking->anchors) == 0)
        return tp_error_set(&cli->error, TP_CONFIG,
                            "nobody is trusted for timestamps: name anchors with --trust, or see trustp11 tsa "
                            "trust --help");
    TP_TRY(read_token(cli, tp_cli_operand(&cli->args, 0), checking));
    TP_TRY(judge(cli, checking));
    return tell_check(cli, checking);
}

enum tp_rc tp_cli_tsa_check(struct tp_cli *cli)
{
    struct checking checking = {0};
    const enum tp_rc rc = check(cli, &checking);
    checking_clear(&checking);
    return rc;
}
