/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a document is worth a new timestamp. */
#ifndef TP_PADES_WORTH_H
#define TP_PADES_WORTH_H

#include "pades/sign.h"

struct tp_pades_worth {
    enum tp_pades_level level;     /* that all signatures have reached; B-B also where one has reached nothing */
    char note[TP_ERROR_WORDS_LEN]; /* what keeps a signature from being good and no timestamp can mend; "" */
};
/* It proves that signatures exist now. To those that are TOTAL-FAILED that is of no use, and it would only make them
 * look better. With IN_TIME neither to those whose time was over before, unless an older timestamp that is still good
 * proves more: TP_REFUSED, which signature, and why. Nobody is asked where the service has no source. */
TP_MUST_USE enum tp_rc tp_pades_worth_check(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                            bool in_time, struct tp_error *error, struct tp_pades_worth *ret_worth);

#endif
