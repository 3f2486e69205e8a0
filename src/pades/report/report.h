/* SPDX-License-Identifier: Apache-2.0
 *
 * A verification as a document: for programs as the ETSI validation report (TS 119 102-2), for people as one page of HTML that needs
 * nothing else, and has no script.
 */
#ifndef TP_PADES_REPORT_REPORT_H
#define TP_PADES_REPORT_REPORT_H

#include "pades/verify/verify.h"

enum tp_pades_language { TP_PADES_ENGLISH, TP_PADES_JAPANESE, TP_PADES_BOTH };

/* NAME: of the file, as people know it. Appended. */
TP_MUST_USE enum tp_rc tp_pades_report_xml(const char *name, const struct tp_pades_verification *verification, struct tp_buf *ret_xml);
TP_MUST_USE enum tp_rc tp_pades_report_html(const char *name, const struct tp_pades_verification *verification,
                                            enum tp_pades_language language, struct tp_buf *ret_html);

#endif
