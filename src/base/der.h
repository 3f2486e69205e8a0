/* SPDX-License-Identifier: Apache-2.0
 *
 * DER (X.690), as little of it as we need: elements are taken off the front of a view, and written into a buffer with
 * their lengths filled in behind. Tags of one byte, definite lengths in the shortest form.
 */
#ifndef TP_BASE_DER_H
#define TP_BASE_DER_H

#include "base/bytes.h"

enum {
    TP_DER_BOOLEAN = 0x01,
    TP_DER_INTEGER = 0x02,
    TP_DER_BIT_STRING = 0x03,
    TP_DER_OCTET_STRING = 0x04,
    TP_DER_NULL = 0x05,
    TP_DER_OID = 0x06,
    TP_DER_UTC_TIME = 0x17,
    TP_DER_GENERALIZED_TIME = 0x18,
    TP_DER_SEQUENCE = 0x30,
    TP_DER_SET = 0x31,
    TP_DER_CONTEXT = 0x80,     /* [n] IMPLICIT of something primitive: TP_DER_CONTEXT + n */
    TP_DER_CONSTRUCTED = 0xa0, /* [n] EXPLICIT, or IMPLICIT of something constructed: TP_DER_CONSTRUCTED + n */
    TP_DER_ANY = 0             /* for tp_der_take: whatever comes */
};

/* ---- reading ---- */

/* Takes the element with TAG off the front of *AT: whole, and its content. Either output may be NULL. On false *AT
 * stays as it was. Lengths are definite and in at most four bytes, not checked for being the shortest. */
bool tp_der_take(struct tp_bytes *at, uint8_t tag, struct tp_bytes *ret_whole, struct tp_bytes *ret_content);
/* The content of a positive INTEGER, without leading zeros; of 0 nothing is left. */
struct tp_bytes tp_der_without_zeros(struct tp_bytes number);

/* ---- writing ---- */

TP_MUST_USE enum tp_rc tp_der_put(struct tp_buf *buf, uint8_t tag, struct tp_bytes content);
/* Everything that is appended between the two is the element's content. They nest. */
TP_MUST_USE enum tp_rc tp_der_open(struct tp_buf *buf, uint8_t tag, size_t *ret_mark);
TP_MUST_USE enum tp_rc tp_der_close(struct tp_buf *buf, size_t mark);
TP_MUST_USE enum tp_rc tp_der_put_number(struct tp_buf *buf, uint64_t number);              /* INTEGER */
TP_MUST_USE enum tp_rc tp_der_put_unsigned(struct tp_buf *buf, struct tp_bytes big_endian); /* INTEGER */
/* "1.2.840.113549.1.7.1"; TP_BAD_ARGUMENT when it is none. */
TP_MUST_USE enum tp_rc tp_der_put_oid(struct tp_buf *buf, const char *dotted);
/* The order of the elements of a SET OF (X.690 §11.6), for comparing two of them: below, at or above 0. */
int tp_der_compare(struct tp_bytes a, struct tp_bytes b);

#endif
