/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/file_digest.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "validation/certificate.h"

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
    if (tp_cli_text(&cli->args, "out") == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say where the token goes: --out TOKEN");
    const enum tp_rc rc = stamp(cli, &stamping);
    stamping_clear(&stamping);
    return rc;
}

/* ---- check ---- */

struct checking {
    struct tp_documents_conf *conf;
    struct tp_pki_anchors *anchors;
    struct tp_validation_source *source;
    struct tp_evidence *evidence;
    struct tp_pki_timestamp *timestamp;
    struct tp_validation_answer answer;
    int64_t at_ms;
};

static void checking_clear(struct checking *checking)
{
    tp_validation_answer_clear(&checking->answer);
    tp_pki_timestamp_free(checking->timestamp);
    tp_evidence_free(checking->evidence);
    tp_validation_source_free(checking->source);
    tp_pki_anchors_free(checking->anchors);
    tp_documents_conf_free(checking->conf);
}

/* A token, or the whole answer of a TSA with one inside. */
static enum tp_rc read_token(struct tp_cli *cli, const char *path, struct tp_pki_timestamp **ret_timestamp)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT, token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_file_read(path, TP_PKI_TIMESTAMP_RESPONSE_MAX, &cli->error, &file));
    if (tp_pki_timestamp_response_token(tp_buf_bytes(&file), NULL, &token) == TP_OK)
        file.len = 0;
    const enum tp_rc rc =
        tp_pki_timestamp_parse(tp_buf_bytes(file.len == 0 ? &token : &file), &cli->error, ret_timestamp);
    return rc == TP_OK ? rc : tp_error_prefix(&cli->error, rc, "%s", path);
}

static void fail(struct tp_verdict *verdict, enum tp_indication indication, enum tp_subindication sub,
                 const char *words)
{
    *verdict = (struct tp_verdict){.indication = indication, .sub = sub};
    (void)snprintf(verdict->why, sizeof verdict->why, "%s", words);
}

static enum tp_rc add_certificates(const struct tp_pki_cms *cms, struct tp_evidence *evidence)
{
    for (size_t i = 0; i < tp_pki_cms_certificates_len(cms); i++)
        TP_TRY(tp_evidence_add(evidence, TP_EVIDENCE_CERTIFICATE, tp_pki_cms_certificate(cms, i), "token", INT64_MAX));
    return TP_OK;
}

/* What cannot be had is judged by its absence; why it cannot is what the asking has met. */
static enum tp_rc judge_certificate(struct tp_cli *cli, struct checking *checking, struct tp_bytes certificate)
{
    struct tp_error missing = {0};
    struct tp_verdict *verdict = &checking->answer.verdict;
    TP_TRY(tp_evidence_new(&checking->evidence));
    TP_TRY(add_certificates(tp_pki_timestamp_cms(checking->timestamp), checking->evidence));
    const enum tp_documents_asking asking = tp_cli_flag(&cli->args, "offline") ? TP_DOCUMENTS_OFFLINE : TP_DOCUMENTS_ASK_ALWAYS;
    TP_TRY(tp_documents_conf_source(checking->conf, asking, &cli->error, &checking->source));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "asking for revocation data");
    (void)!tp_validation_gather(checking->source, certificate, TP_PKI_FOR_TIMESTAMPING, checking->anchors,
                                checking->at_ms, checking->evidence, &missing);
    tp_cli_progress_end(progress);
    const struct tp_validation_question question = {.leaf = certificate,
                                                    .purpose = TP_PKI_FOR_TIMESTAMPING,
                                                    .anchors = checking->anchors,
                                                    .now_ms = checking->at_ms,
                                                    .poe_ms = INT64_MAX};
    TP_TRY(tp_validation_certificate(&question, checking->evidence, &cli->error, &checking->answer));
    if (verdict->sub == TP_SUB_TRY_LATER && missing.rc == TP_NOT_FOUND)
        fail(verdict, verdict->indication, verdict->sub, tp_error_words(&missing));
    return TP_OK;
}

static enum tp_rc judge(struct tp_cli *cli, struct checking *checking, struct tp_bytes *ret_certificate,
                        struct tp_verdict *ret_verdict)
{
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(checking->timestamp);
    uint8_t digest[TP_CLI_DIGEST_MAX];
    struct tp_error why = {0};
    if (tp_pki_hash_len(info->hash) == 0)
        return tp_error_set(&cli->error, TP_UNSUPPORTED, "the token is over a hash that is not known here");
    TP_TRY(tp_cli_file_digest(tp_cli_operand(&cli->args, 1), info->hash, &cli->error, digest));
    if (tp_pki_timestamp_is_over(checking->timestamp, TP_BYTES(digest, tp_pki_hash_len(info->hash)), NULL) != TP_OK) {
        fail(ret_verdict, TP_TOTAL_FAILED, TP_SUB_HASH_FAILURE, "the token is over something else than this file");
        return TP_OK;
    }
    const enum tp_rc rc = tp_pki_timestamp_verify(checking->timestamp, TP_BYTES_NONE, &why, ret_certificate);
    if (rc == TP_NOT_FOUND) {
        fail(ret_verdict, TP_INDETERMINATE, TP_SUB_NO_SIGNING_CERTIFICATE_FOUND, tp_error_words(&why));
        return TP_OK;
    }
    if (rc != TP_OK) {
        fail(ret_verdict, TP_TOTAL_FAILED, rc == TP_PEER ? TP_SUB_SIG_CONSTRAINTS_FAILURE : TP_SUB_SIG_CRYPTO_FAILURE,
             tp_error_words(&why));
        return TP_OK;
    }
    TP_TRY(judge_certificate(cli, checking, *ret_certificate));
    *ret_verdict = checking->answer.verdict;
    return TP_OK;
}

static enum tp_rc tell_check(struct tp_cli *cli, const struct checking *checking, struct tp_bytes certificate,
                             const struct tp_verdict *verdict)
{
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
    if (certificate.len > 0)
        put_subject(cli, object, certificate);
    if (checking->answer.steps_len > 0)
        tp_cli_put_text(cli, object, "status", checking->answer.steps[0].status_from);
    cli->failed_quietly = verdict->indication != TP_TOTAL_PASSED;
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}

static enum tp_rc check(struct tp_cli *cli, struct checking *checking)
{
    struct tp_bytes certificate = TP_BYTES_NONE;
    struct tp_verdict verdict = {0};
    TP_TRY(tp_cli_documents(cli, &checking->conf));
    TP_TRY(tp_cli_documents_anchors(cli, checking->conf, TP_DOCUMENTS_TSAS, &checking->anchors));
    if (tp_pki_anchors_len(checking->anchors) == 0)
        return tp_error_set(&cli->error, TP_CONFIG,
                            "nobody is trusted for timestamps: name anchors with --trust, or see trustp11 tsa "
                            "trust --help");
    TP_TRY(read_token(cli, tp_cli_operand(&cli->args, 0), &checking->timestamp));
    checking->at_ms = tp_cli_number(&cli->args, "at", tp_clock_utc_ms());
    TP_TRY(judge(cli, checking, &certificate, &verdict));
    return tell_check(cli, checking, certificate, &verdict);
}

enum tp_rc tp_cli_tsa_check(struct tp_cli *cli)
{
    struct checking checking = {0};
    const enum tp_rc rc = check(cli, &checking);
    checking_clear(&checking);
    return rc;
}
