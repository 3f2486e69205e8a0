/* SPDX-License-Identifier: Apache-2.0
 *
 * The words that go with a result code: one line that says what happened, where, and what to do next.
 *
 * A struct tp_error is a plain value, embedded in a handle or on a caller's stack. Every function that can fail for a
 * reason worth telling takes a pointer to one; NULL is allowed and means that nobody wants to know. Never put a PIN, a
 * one-time code, a key or a document into it: it is printed, logged, and sent to clients.
 */
#ifndef TP_BASE_ERROR_H
#define TP_BASE_ERROR_H

#include "base/rc.h"

#include <stdarg.h>

#define TP_ERROR_WORDS_LEN 512 /* with the final NUL; of longer words the paths are cut, to their ends, and then the rest */

struct tp_error {
    enum tp_rc rc;
    char words[TP_ERROR_WORDS_LEN];
};

/* Sets code and words, and returns RC so that one can write: return tp_error_set(error, TP_CONFIG, "…", …).
 * ERROR may be NULL. Control characters in the result are replaced by '?'. */
enum tp_rc tp_error_set(struct tp_error *error, enum tp_rc rc, const char *format, ...) TP_PRINTF(3, 4);
/* Puts "PREFIX: " before the words that are there (which may be its own table words); returns its code. */
enum tp_rc tp_error_prefix(struct tp_error *error, enum tp_rc rc, const char *format, ...) TP_PRINTF(3, 4);
/* The words, or the table words of the code when none were set. Never NULL. */
const char *tp_error_words(const struct tp_error *error);
void tp_error_clear(struct tp_error *error);

#endif
