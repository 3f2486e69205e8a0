/* SPDX-License-Identifier: Apache-2.0
 *
 * The PKCS#11 URI (RFC 7512) that names the token, and the file that its PIN comes from.
 */
#ifndef TP_HSM_URI_H
#define TP_HSM_URI_H

#include "base/error.h"
#include "base/secret.h"

#include <stdbool.h>
#include <trustp11/cryptoki.h>

struct tp_hsm_uri;

/* TP_CONFIG with words for whatever a URI lacks, and for a pin-value. */
TP_MUST_USE enum tp_rc tp_hsm_uri_parse(const char *text, struct tp_error *error, struct tp_hsm_uri **ret_uri);
void tp_hsm_uri_free(struct tp_hsm_uri *uri);
TP_DEFINE_AUTO(struct tp_hsm_uri, tp_hsm_uri_free)

const char *tp_hsm_uri_module_path(const struct tp_hsm_uri *uri);
const char *tp_hsm_uri_name(const struct tp_hsm_uri *uri); /* the token, for words */

enum tp_hsm_uri_match {
    TP_HSM_URI_OTHER,
    TP_HSM_URI_SAME_LABEL, /* but not the serial number */
    TP_HSM_URI_MATCH
};
enum tp_hsm_uri_match tp_hsm_uri_match_token(const struct tp_hsm_uri *uri, const CK_TOKEN_INFO *token);
/* From now on only this very token matches. */
void tp_hsm_uri_pin_serial(struct tp_hsm_uri *uri, const CK_TOKEN_INFO *token);

/* The content of pin-source, which only its owner may read, without a newline at its end. */
TP_MUST_USE enum tp_rc tp_hsm_uri_read_pin(const struct tp_hsm_uri *uri, struct tp_error *error,
                                           struct tp_secret **ret_pin);

/* The path in a pin-source that is a file: "file:/…", "file:pin.txt", "pin.txt"; NULL: it is something else (RFC 7512 §2.4 has
 * commands, too). */
const char *tp_hsm_pin_source_path(const char *source);
/* The same for any pin-source that has a path. */
TP_MUST_USE enum tp_rc tp_hsm_pin_source_read(const char *source, struct tp_error *error, struct tp_secret **ret_pin);

/* A text field of PKCS#11 without the blanks that fill it. RET_TEXT has PADDED_LEN + 1 bytes. */
void tp_hsm_unpad(char *ret_text, const CK_UTF8CHAR *padded, size_t padded_len);

#endif
