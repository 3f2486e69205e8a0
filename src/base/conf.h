/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration files in OpenSSL's syntax (NCONF; config(5ssl)), checked against a table of the keys that are known.
 *
 * A file belongs to one schema. Reading it checks every section and key: what is unknown is named with its line, since a
 * misspelt security setting that is silently ignored is a hole. Sections may be patterns ("policy *").
 * Environment expansion ($ENV::x) is refused: a module may live in a setuid program. So are .include, .pragma and
 * section::key, a key that is set twice, and lines over 500 bytes. NCONF strips quotes and backslashes ("\\" is one).
 */
#ifndef TP_BASE_CONF_H
#define TP_BASE_CONF_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum tp_conf_type {
    TP_CONF_STRING,
    TP_CONF_INTEGER,  /* min..max of the row */
    TP_CONF_BOOLEAN,  /* yes | no */
    TP_CONF_DURATION, /* tp_duration_parse; min..max in ms */
    TP_CONF_PATH,     /* absolute, or relative to the folder of the configuration file */
    TP_CONF_CHOICE    /* one of the words in `choices`, separated by '|' */
};

struct tp_conf_key {
    const char *section; /* "" is the unnamed section; "policy *" matches "policy x" */
    const char *key;
    enum tp_conf_type type;
    const char *fallback; /* NULL: no default, may be absent */
    const char *choices;
    int64_t min, max; /* both 0: no limit of the row's own */
};

struct tp_conf; /* immutable after reading: threads may share it */

/* SCHEMA ends with a row whose section is NULL and must outlive the handle. The file must be a regular file of at most
 * 1 MiB. When OWNER_ONLY, a file that others may write is refused. TP_CONFIG with words "FILE:LINE: …". */
TP_MUST_USE enum tp_rc tp_conf_read(const char *path, const struct tp_conf_key *schema, bool owner_only,
                                    struct tp_error *error, struct tp_conf **ret_conf);
void tp_conf_free(struct tp_conf *conf);
TP_DEFINE_AUTO(struct tp_conf, tp_conf_free)

const char *tp_conf_path(const struct tp_conf *conf);
/* Value or fallback; values were checked when the file was read, so these cannot fail. Strings are owned by the handle.
 * Without either: NULL, 0, false.
 * Asking for a key that is not in the schema is a mistake in the program: abort(). */
const char *tp_conf_string(const struct tp_conf *conf, const char *section, const char *key); /* also PATH, CHOICE; or NULL */
int64_t tp_conf_integer(const struct tp_conf *conf, const char *section, const char *key);    /* also DURATION (ms) */
bool tp_conf_boolean(const struct tp_conf *conf, const char *section, const char *key);
/* The INDEX-th section, in the file's order, that PATTERN ("tsa *") fits; NULL past the last. */
const char *tp_conf_section(const struct tp_conf *conf, const char *pattern, size_t index);
/* Words of a list value ("alice, bob"): the i-th, trimmed, into RET; false when there is none or it does not fit. */
bool tp_conf_list_item(const char *list, size_t index, char *ret_word, size_t ret_word_len);

/* $TRUSTP11_CONF (secure_getenv), $XDG_CONFIG_HOME/trustp11/trustp11.conf, ~/.config/…, /etc/trustp11/trustp11.conf: the
 * first that exists, or the first candidate that was named explicitly. TP_NOT_FOUND with words that list them. */
TP_MUST_USE enum tp_rc tp_conf_find(struct tp_error *error, char *ret_path, size_t ret_path_len);
/* The same for another file NAME ("documents.conf"), which VARIABLE names explicitly. */
TP_MUST_USE enum tp_rc tp_conf_find_named(const char *variable, const char *name, struct tp_error *error, char *ret_path,
                                          size_t ret_path_len);

#endif
