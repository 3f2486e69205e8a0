/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands about documents share: documents.conf with what the options say besides.
 */
#ifndef TP_CLI_DOCUMENTS_H
#define TP_CLI_DOCUMENTS_H

#include "cli/cli.h"
#include "cli/documents_conf.h"

#define TP_CLI_PATHS_MAX 32

/* Texts of an option that may be repeated; views into argv. */
struct tp_cli_texts {
    const char *at[TP_CLI_PATHS_MAX];
    size_t len;
};
TP_MUST_USE enum tp_rc tp_cli_texts(struct tp_cli *cli, const char *option, struct tp_cli_texts *ret_texts);

/* --documents FILE, or found. */
TP_MUST_USE enum tp_rc tp_cli_documents(struct tp_cli *cli, struct tp_documents_conf **ret_conf);
/* Anchors of --trust and of CONF. */
TP_MUST_USE enum tp_rc tp_cli_documents_anchors(struct tp_cli *cli, const struct tp_documents_conf *conf,
                                                enum tp_documents_trust trust, struct tp_pki_anchors **ret_anchors);
/* A client of --tsa, or of those of CONF; POLICY, where there is one, instead of theirs. Those that fail while another
 * one does not are told as remarks. ANCHORS without any: chains are not checked, and that is remarked with the first
 * token. */
TP_MUST_USE enum tp_rc tp_cli_documents_tsa(struct tp_cli *cli, const struct tp_documents_conf *conf,
                                            const char *policy, const struct tp_pki_anchors *anchors,
                                            struct tp_tsa_client **ret_client);

#endif
