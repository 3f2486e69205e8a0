/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/documents.h"
#include "cli/output.h"

enum tp_rc tp_cli_texts(struct tp_cli *cli, const char *option, struct tp_cli_texts *ret_texts)
{
    struct tp_cli_texts texts = {.len = 0};
    for (const char *text; (text = tp_cli_text_at(&cli->args, option, texts.len)) != NULL;) {
        if (texts.len == TP_CLI_PATHS_MAX)
            return tp_error_set(&cli->error, TP_USAGE, "--%s is given more than %d times", option, TP_CLI_PATHS_MAX);
        texts.at[texts.len++] = text;
    }
    *ret_texts = texts;
    return TP_OK;
}

enum tp_rc tp_cli_documents(struct tp_cli *cli, struct tp_documents_conf **ret_conf)
{
    return tp_documents_conf_read(tp_cli_text(&cli->args, "documents"), &cli->error, ret_conf);
}

enum tp_rc tp_cli_documents_anchors(struct tp_cli *cli, const struct tp_documents_conf *conf,
                                    enum tp_documents_trust trust, struct tp_pki_anchors **ret_anchors)
{
    struct tp_cli_texts files;
    TP_TRY(tp_cli_texts(cli, "trust", &files));
    return tp_documents_conf_anchors(conf, trust, files.at, files.len, &cli->error, ret_anchors);
}

/* By whichever thread asked. One write, so lines do not mix. */
static void told(void *context, const char *url, const char *words)
{
    (void)url;
    if (words != NULL)
        tp_cli_remark(context, "note: %s", words);
}

/* Once for all timestamps, and not before there is one. */
static void told_unchecked(void *context, const char *url, const char *words)
{
    struct tp_cli *cli = context;
    told(context, url, words);
    if (words == NULL && !atomic_exchange(&cli->told_unchecked, true))
        tp_cli_remark(cli, "note: no anchors are given (--trust), so whose the timestamp is was not checked");
}

enum tp_rc tp_cli_documents_tsa(struct tp_cli *cli, const struct tp_documents_conf *conf, const char *policy,
                                const struct tp_pki_anchors *anchors, struct tp_tsa_client **ret_client)
{
    struct tp_cli_texts urls;
    struct tp_tsa_place places[TP_TSA_MOST];
    TP_TRY(tp_cli_texts(cli, "tsa", &urls));
    const size_t len = tp_documents_conf_places(conf, urls.at, urls.len, places);
    if (len == 0)
        return tp_error_set(
            &cli->error, TP_USAGE, "no timestamp authority is named: give one with --tsa URL, or as [tsa NAME] in %s",
            tp_documents_conf_path(conf) != NULL ? tp_documents_conf_path(conf) : "~/.config/trustp11/documents.conf");
    for (size_t i = 0; policy != NULL && i < len; i++)
        places[i].policy = policy;
    const bool checks = tp_pki_anchors_len(anchors) > 0;
    const struct tp_tsa_client_config config = {.places = places,
                                                .places_len = len,
                                                .anchors = checks ? anchors : NULL,
                                                .told = checks ? told : told_unchecked,
                                                .context = cli};
    return tp_tsa_client_new(&config, &cli->error, ret_client);
}
