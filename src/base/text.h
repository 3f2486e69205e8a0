/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of people: UTF-8, character by character, and what of it may be kept and shown.
 */
#ifndef TP_BASE_TEXT_H
#define TP_BASE_TEXT_H

#include "base/bytes.h"
#include "base/error.h"

#define TP_TEXT_NOT_UTF8 UINT32_MAX

/* The character at *AT, which moves behind it (by one byte at least). Strict (RFC 3629 §3): no surrogates, nothing longer
 * than need be; TP_TEXT_NOT_UTF8 otherwise. *AT is below TEXT's length. */
uint32_t tp_text_next(struct tp_bytes text, size_t *at);
/* C0, DEL, C1: some terminals obey the last, too. */
bool tp_text_is_control(uint32_t character);
/* A text that is to be kept (a name, a label, a reason) reaches terminals, logs and other programs' windows. TP_OK: it is
 * UTF-8, without control characters and without those that reverse what is shown (bidirectional embeddings, overrides and
 * isolates). TP_BAD_ARGUMENT otherwise, with words that begin with WHAT. */
TP_MUST_USE enum tp_rc tp_text_check(const char *what, const char *text, struct tp_error *error);

#endif
