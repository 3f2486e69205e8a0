/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verifying side says, in Japanese. Its sentences are made where something is found, in English; so they are known here by
 * their form, with what was put into them.
 */
#ifndef TP_PADES_REPORT_JAPANESE_H
#define TP_PADES_REPORT_JAPANESE_H

#include "base/bytes.h"

/* ENGLISH in Japanese, appended; what is known by no form (names, words of other libraries) stays as it is. */
TP_MUST_USE enum tp_rc tp_pades_japanese(const char *english, struct tp_buf *ret_japanese);

#endif
