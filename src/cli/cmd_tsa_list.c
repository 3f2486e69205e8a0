/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/crypto.h"
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/output.h"
#include "cli/progress.h"

static const struct tp_cli_column columns[] = {{"name", "NAME"}, {"url", "URL"}, {"policy", "POLICY"}, {NULL, NULL}};
static const struct tp_cli_column tried_columns[] = {{"name", "NAME"},         {"url", "URL"},
                                                     {"good", "GOOD"},         {"took_ms", "TOOK (MS)"},
                                                     {"words", "WHAT IT DID"}, {NULL, NULL}};

/* One that is asked alone, for a token over random bytes that nobody has use for. */
static enum tp_rc try_one(struct tp_cli *cli, const struct tp_tsa_place *place, const struct tp_pki_anchors *anchors,
                          struct tp_error *error)
{
    struct tp_tsa_client *client TP_AUTO(tp_tsa_client_free_p) = NULL;
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t digest[TP_SHA256_LEN];
    const struct tp_tsa_client_config config = {
        .places = place, .places_len = 1, .anchors = tp_pki_anchors_len(anchors) > 0 ? anchors : NULL};
    TP_TRY(tp_random(digest, sizeof digest));
    TP_TRY(tp_tsa_client_new(&config, error, &client));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, place->url);
    const enum tp_rc rc = tp_tsa_client_stamp(client, TP_PKI_SHA256, TP_BYTES(digest, sizeof digest), error, &token);
    tp_cli_progress_end(progress);
    return rc;
}

static void put_tried(struct tp_cli *cli, json_t *object, const struct tp_tsa_place *place,
                      const struct tp_pki_anchors *anchors, bool *all_good)
{
    struct tp_error error = {0};
    const int64_t begin_ms = tp_clock_monotonic_ms();
    const bool good = try_one(cli, place, anchors, &error) == TP_OK;
    *all_good = *all_good && good;
    tp_cli_put_flag(cli, object, "good", good);
    tp_cli_put_number(cli, object, "took_ms", tp_clock_monotonic_ms() - begin_ms);
    tp_cli_put_text(cli, object, "words",
                    !good                             ? tp_error_words(&error)
                    : tp_pki_anchors_len(anchors) > 0 ? "a good token, of a trusted TSA"
                                                      : "a good token; no anchors say whether it is trusted");
}

static enum tp_rc list(struct tp_cli *cli, const struct tp_documents_conf *conf, const struct tp_pki_anchors *anchors)
{
    const bool tries = tp_cli_flag(&cli->args, "try");
    size_t len = 0;
    bool all_good = true;
    const struct tp_tsa_place *places = tp_documents_conf_tsas(conf, &len);
    json_t *array = json_array();
    for (size_t i = 0; i < len; i++) {
        json_t *object = json_object();
        tp_cli_put_text(cli, object, "name", tp_documents_conf_tsa_name(conf, i));
        tp_cli_put_text(cli, object, "url", places[i].url);
        tp_cli_put_text(cli, object, "policy", places[i].policy);
        if (tries)
            put_tried(cli, object, &places[i], anchors, &all_good);
        tp_cli_list_add(cli, array, object);
    }
    cli->failed_quietly = !all_good;
    TP_TRY(tp_cli_emit_list(cli, array, tries ? tried_columns : columns,
                            "no timestamp authorities; name some as [tsa NAME] in documents.conf(5)"));
    return all_good ? TP_OK : TP_REFUSED;
}

enum tp_rc tp_cli_tsa_list(struct tp_cli *cli)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = NULL;
    struct tp_pki_anchors *anchors TP_AUTO(tp_pki_anchors_free_p) = NULL;
    TP_TRY(tp_cli_documents(cli, &conf));
    TP_TRY(tp_cli_documents_anchors(cli, conf, TP_DOCUMENTS_TSAS, &anchors));
    return list(cli, conf, anchors);
}
