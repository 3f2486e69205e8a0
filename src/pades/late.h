/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a new timestamp still comes in time. */
#ifndef TP_PADES_LATE_H
#define TP_PADES_LATE_H

#include "pades/service.h"

/* It proves that signatures exist now. To those whose time was over before that is of no use, unless an older timestamp
 * that is still good proves more: TP_REFUSED, and why. RET_NOTE: what else keeps a signature from being good; untouched
 * when nothing does. */
TP_MUST_USE enum tp_rc tp_pades_late_check(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                           struct tp_error *error, char ret_note[TP_ERROR_WORDS_LEN]);

#endif
