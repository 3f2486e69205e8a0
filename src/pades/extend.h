/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed documents, ours or others', made to last: timestamps and evidence behind the signatures that are there. And how long
 * what is there will last.
 */
#ifndef TP_PADES_EXTEND_H
#define TP_PADES_EXTEND_H

#include "pades/sign.h"

struct tp_pades_extend_order {
    enum tp_pades_level level; /* B-T a document timestamp; B-LT the evidence, and a timestamp where a signature has none; B-LTA
                                * the evidence and a document timestamp over it: so an archive is renewed, too */
    enum tp_pki_hash hash;     /* that the timestamp is over; NONE: SHA-256 */
    const struct tp_secret *password;
};
/* As tp_pades_sign: into PLACE, which is not committed. TP_REFUSED: nothing is signed in it, or what is signed is bad for good, or
 * it is too late (pades/worth.h). The evidence of a signature that a
 * document timestamp covers already, and which cannot be had any more, is missed in the note; other evidence is needed. */
TP_MUST_USE enum tp_rc tp_pades_extend(struct tp_pades_service *service, int in, const struct tp_pades_extend_order *order,
                                       struct tp_pades_place *place, struct tp_error *error,
                                       struct tp_pades_result *ret_result);

/* Whether it would be refused for what it is, before a TSA is asked. The service needs no source: what that would tell of
 * revocations is not known then. */
TP_MUST_USE enum tp_rc tp_pades_extend_check(struct tp_pades_service *service, int in, const struct tp_pades_extend_order *order,
                                             struct tp_error *error);

/* How long the proof that a document has will last: as long as the certificates of its newest timestamp and their algorithms. */
struct tp_pades_age {
    size_t signatures, stamps; /* stamps: document timestamps */
    int64_t stamped_ms;        /* the newest one's time; 0: none */
    int64_t until_ms;          /* INT64_MAX: nothing is known that ends it */
    char why[TP_ERROR_WORDS_LEN];
};
TP_MUST_USE enum tp_rc tp_pades_age_read(struct tp_pades_service *service, int in, const struct tp_secret *password,
                                         struct tp_error *error, struct tp_pades_age *ret_age);

#endif
