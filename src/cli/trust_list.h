/* SPDX-License-Identifier: Apache-2.0
 *
 * Trust lists of ETSI TS 119 612 (XML): the certificates of timestamping services that are granted. The list's own
 * signature is not looked at: whoever imports it knows where it comes from.
 */
#ifndef TP_CLI_TRUST_LIST_H
#define TP_CLI_TRUST_LIST_H

#include "pki/certificate.h"

/* Whether FILE looks like XML at all. */
bool tp_trust_list_is(struct tp_bytes file);
struct tp_trust_list_facts {
    int64_t next_update_ms; /* 0: it has none (§5.3.15: there will be no other list) */
    size_t not_granted;     /* timestamping services that are not, or no longer */
};
/* EACH: one certificate (DER), in the list's order. TP_MALFORMED: no trust list. Document types, and with them
 * entities, are refused. */
TP_MUST_USE enum tp_rc tp_trust_list_read(struct tp_bytes file, struct tp_error *error, tp_pki_der_fn *each,
                                          void *context, struct tp_trust_list_facts *ret_facts);

#endif
