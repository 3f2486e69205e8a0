/* SPDX-License-Identifier: Apache-2.0
 *
 * `tsa reply`: the other side of a timestamp, for one request: through the engine, or with a key of the caller's.
 */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/signer.h"
#include "tsa/clock.h"
#include "tsa/reply.h"
#include "tsa/serial.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_PREFIX "file:"
#define URI_PREFIX  "pkcs11:"
#define ACCURACY_FALLBACK_MS 1000

static const struct tp_cli_column columns[] = {
    {"reply", "Reply"}, {"status", "Status"}, {"why", "Why"},           {"time", "Time"},
    {"serial", "Serial"}, {"policy", "Policy"}, {"hash", "Hash"}, {"digest", "Digest"}, {NULL, NULL},
};

/* ---- with the engine ---- */

static enum tp_rc ask_engine(struct tp_cli *cli, const struct tp_buf *query, struct tp_buf *ret_response)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__TimestampRequest request = TP__IPC__TIMESTAMP_REQUEST__INIT;
    request.request = (ProtobufCBinaryData){.data = query->data, .len = query->len};
    TP_TRY(tp_cli_call(cli, TP_OP_TIMESTAMP, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__DerReply *der = (const void *)reply.message;
    return tp_buf_append(ret_response, TP_BYTES(der->der.data, der->der.len));
}

/* ---- with a key of the caller's ---- */

static enum tp_rc open_signer(struct tp_cli *cli, const char *key, struct tp_pki_signer **ret_signer)
{
    const bool is_uri = strncmp(key, URI_PREFIX, strlen(URI_PREFIX)) == 0;
    const char *path = strncmp(key, FILE_PREFIX, strlen(FILE_PREFIX)) == 0 ? key + strlen(FILE_PREFIX) : key;
    const char *in = tp_cli_text(&cli->args, "in");
    const struct tp_cli_signer_order order = {.uri = is_uri ? key : NULL,
                                              .file = is_uri ? NULL : path,
                                              .folder = ".",
                                              .certificate = tp_cli_text(&cli->args, "certificate"),
                                              .threads = 1,
                                              .input_taken = in == NULL || strcmp(in, "-") == 0};
    return tp_cli_signer_open(cli, &order, ret_signer);
}

static enum tp_rc make_profile(struct tp_cli *cli, const struct tp_pki_signer *signer, struct tp_tsa_profile *ret_profile)
{
    const char *policies = tp_cli_text(&cli->args, "policy");
    if (policies == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "say under which policy: --policy OID");
    ret_profile->signer = signer;
    ret_profile->hash = tp_pki_hash_parse(tp_cli_text(&cli->args, "hash"));
    ret_profile->accuracy_us = tp_cli_number(&cli->args, "accuracy-ms", ACCURACY_FALLBACK_MS) * 1000;
    TP_TRY(tp_cli_usage(cli, tp_tsa_profile_policies(ret_profile, policies, &cli->error)));
    return tp_tsa_profile_check(ret_profile, tp_clock_utc_ms(), &cli->error);
}

static enum tp_rc find_moment(struct tp_cli *cli, int64_t accuracy_us, struct tp_error *why, struct tp_tsa_moment *ret_moment)
{
    struct tp_tsa_clock *clock TP_AUTO(tp_tsa_clock_free_p) = NULL;
    struct tp_tsa_serials serials;
    TP_TRY(tp_tsa_clock_new(accuracy_us, tp_cli_flag(&cli->args, "unwatched-clock"), &clock));
    TP_TRY(tp_tsa_serials_begin(&serials));
    tp_tsa_serials_next(&serials, ret_moment->serial);
    ret_moment->serial_len = TP_TSA_SERIAL_LEN;
    if (tp_tsa_clock_now(clock, why, &ret_moment->time_us) != TP_OK)
        ret_moment->no_time = tp_error_words(why);
    return TP_OK;
}

static enum tp_rc answer(struct tp_cli *cli, const char *key, const struct tp_buf *query, struct tp_buf *ret_response)
{
    struct tp_pki_signer *signer TP_AUTO(tp_pki_signer_free_p) = NULL;
    struct tp_tsa_profile profile = {0};
    struct tp_tsa_moment moment = {0};
    struct tp_tsa_outcome outcome;
    struct tp_error why = {0};
    TP_TRY(open_signer(cli, key, &signer));
    TP_TRY(make_profile(cli, signer, &profile));
    TP_TRY(find_moment(cli, profile.accuracy_us, &why, &moment));
    tp_tsa_decide(&profile, tp_buf_bytes(query), &moment, &outcome);
    tp_error_clear(&why);
    return tp_tsa_answer(&profile, &outcome, &cli->error, ret_response);
}

/* ---- what became of it ---- */

static void put_token(struct tp_cli *cli, json_t *object, struct tp_bytes token)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = NULL;
    if (tp_pki_timestamp_parse(token, NULL, &timestamp) != TP_OK)
        return;
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    tp_cli_put_time(cli, object, "time", info->time_us / 1000, false);
    tp_cli_put_hex(cli, object, "serial", TP_BYTES(info->serial, info->serial_len));
    tp_cli_put_text(cli, object, "policy", info->policy);
    tp_cli_put_text(cli, object, "hash", tp_pki_hash_name(info->hash));
    tp_cli_put_hex(cli, object, "digest", TP_BYTES(info->imprint, info->imprint_len));
}

/* A rejection is written like a token, since whoever asked waits for it; the exit status tells. */
static enum tp_rc tell(struct tp_cli *cli, const char *out, struct tp_bytes response)
{
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {0};
    const enum tp_rc rc = tp_pki_timestamp_response_token(response, &error, &token);
    json_t *object = json_object();
    cli->made = out;
    tp_cli_put_text(cli, object, "reply", out);
    tp_cli_put_text(cli, object, "status", rc == TP_OK ? "granted" : "rejected");
    if (rc == TP_OK)
        put_token(cli, object, tp_buf_bytes(&token));
    else
        tp_cli_put_text(cli, object, "why", tp_error_words(&error));
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    cli->failed_quietly = rc != TP_OK;
    return rc;
}

static enum tp_rc write_to_stdout(struct tp_cli *cli, struct tp_bytes response)
{
    if (fwrite(response.data, 1, response.len, cli->out) != response.len)
        return tp_cli_output_failed(cli);
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    return tp_pki_timestamp_response_token(response, &cli->error, &token);
}

enum tp_rc tp_cli_tsa_reply(struct tp_cli *cli)
{
    struct tp_buf query TP_AUTO(tp_buf_clear) = TP_BUF_INIT, response TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *in = tp_cli_text(&cli->args, "in"), *out = tp_cli_text(&cli->args, "out"), *key = tp_cli_text(&cli->args, "key");
    if (out == NULL && (cli->json || isatty(fileno(cli->out)) == 1))
        return tp_error_set(&cli->error, TP_USAGE, "the reply is not text; say where it goes: --out REPLY");
    if (out != NULL) { /* before there is a token, which would be in the log for nobody */
        TP_TRY(tp_cli_out_check(cli, out));
        TP_TRY(tp_cli_file_place_check(out, &cli->error));
    }
    in = in == NULL ? "-" : in;
    TP_TRY(tp_cli_input_check(cli, in));
    TP_TRY(tp_cli_file_read(in, TP_PKI_TIMESTAMP_REQUEST_MAX, &cli->error, &query));
    TP_TRY(key == NULL ? ask_engine(cli, &query, &response) : answer(cli, key, &query, &response));
    if (out == NULL)
        return write_to_stdout(cli, tp_buf_bytes(&response));
    TP_TRY(tp_cli_file_write(out, 0644, tp_buf_bytes(&response), &cli->error));
    return tell(cli, out, tp_buf_bytes(&response));
}
