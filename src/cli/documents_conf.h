/* SPDX-License-Identifier: Apache-2.0
 *
 * documents.conf(5): what people who sign and verify documents ask, trust and keep. Beside trustp11.conf, which every
 * program that loads the module reads, and which knows nothing of this.
 *
 *   [tsa NAME]   url, policy, ca_file, certificate_file, key_file, user, password_file, timeout   in order of preference
 *   [trust]      signers, tsas: a file, or a folder of files, of anchors                          tsas: tsa-trust beside it
 *   [cache]      dir                                                                              $XDG_CACHE_HOME/trustp11
 *   [signing]    key (a PKCS#11 URI), certificate (a file), level (pades/level.c), hash           none, none, B-B, sha256
 *
 * Found in $TRUSTP11_DOCUMENTS, $XDG_CONFIG_HOME/trustp11/documents.conf, ~/.config/…, /etc/trustp11/documents.conf;
 * without any it is as if it were empty.
 */
#ifndef TP_CLI_DOCUMENTS_CONF_H
#define TP_CLI_DOCUMENTS_CONF_H

#include "pades/sign.h"
#include "pki/path.h"
#include "tsa/client.h"
#include "validation/source.h"

struct tp_documents_conf; /* immutable after reading */
/* PATH NULL: found. A file that others may write is refused: it says whom to trust. */
TP_MUST_USE enum tp_rc tp_documents_conf_read(const char *path, struct tp_error *error,
                                              struct tp_documents_conf **ret_conf);
void tp_documents_conf_free(struct tp_documents_conf *conf);
TP_DEFINE_AUTO(struct tp_documents_conf, tp_documents_conf_free)
const char *tp_documents_conf_path(const struct tp_documents_conf *conf); /* NULL: there is none */

/* The TSAs of the file, in its order. NAME of one; NULL past the last. */
const char *tp_documents_conf_tsa_name(const struct tp_documents_conf *conf, size_t index);
const struct tp_tsa_place *tp_documents_conf_tsas(const struct tp_documents_conf *conf, size_t *ret_len);
/* The TSAs at URLS, where there are any, each as [tsa] has it when its URL is there; those of the file otherwise. Strings are CONF's
 * and URLS'. */
size_t tp_documents_conf_places(const struct tp_documents_conf *conf, const char *const *urls, size_t urls_len,
                                struct tp_tsa_place ret_places[TP_TSA_MOST]);

enum tp_documents_trust { TP_DOCUMENTS_SIGNERS, TP_DOCUMENTS_TSAS };
/* Anchors from FILES (--trust), where there are any, from [trust] otherwise: PEM, DER or PKCS#7 files, or folders of
 * them. For TSAs both count, FILES and [trust] tsas; with neither, [trust] signers. RET_ANCHORS may be empty:
 * tp_pki_anchors_len. */
TP_MUST_USE enum tp_rc tp_documents_conf_anchors(const struct tp_documents_conf *conf, enum tp_documents_trust trust,
                                                 const char *const *files, size_t files_len, struct tp_error *error,
                                                 struct tp_pki_anchors **ret_anchors);
/* The folder that `tsa trust import` keeps anchors of TSAs in. */
const char *tp_documents_conf_tsa_trust(const struct tp_documents_conf *conf);

/* Whom evidence is had from: nobody; whom certificates name, for what is missing; them always, who may know more by now. */
enum tp_documents_asking { TP_DOCUMENTS_OFFLINE, TP_DOCUMENTS_ASK, TP_DOCUMENTS_ASK_ALWAYS };
TP_MUST_USE enum tp_rc tp_documents_conf_source(const struct tp_documents_conf *conf, enum tp_documents_asking asking,
                                                struct tp_error *error, struct tp_validation_source **ret_source);

const char *tp_documents_conf_key(const struct tp_documents_conf *conf);   /* a PKCS#11 URI; NULL */
const char *tp_documents_conf_certificate(const struct tp_documents_conf *conf); /* that key's, and its issuers: a path; NULL */
const char *tp_documents_conf_folder(const struct tp_documents_conf *conf); /* of the file; NULL without one */
enum tp_pades_level tp_documents_conf_level(const struct tp_documents_conf *conf);
enum tp_pki_hash tp_documents_conf_hash(const struct tp_documents_conf *conf);
enum tp_pki_hash tp_documents_conf_hash_wish(const struct tp_documents_conf *conf); /* NONE: the file does not say */

#endif
