/* SPDX-License-Identifier: Apache-2.0
 *
 * OBJECT IDENTIFIERs that the readers of this room compare with: the content octets.
 */
#ifndef TP_PKI_OID_H
#define TP_PKI_OID_H

#include "base/bytes.h"

#define TP_PKI_OID(octets)                                                                                             \
    {                                                                                                                  \
        .data = (const uint8_t *)(octets), .len = sizeof(octets) - 1                                                   \
    }

#define TP_PKI_ARC_PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07" /* 1.2.840.113549.1.7 */
#define TP_PKI_ARC_PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09" /* 1.2.840.113549.1.9 */
#define TP_PKI_ARC_SMIME TP_PKI_ARC_PKCS9 "\x10"            /* 1.2.840.113549.1.9.16 */
#define TP_PKI_ARC_ADOBE "\x2a\x86\x48\x86\xf7\x2f\x01\x01" /* 1.2.840.113583.1.1 */
#define TP_PKI_ARC_OCSP  "\x2b\x06\x01\x05\x05\x07\x30\x01" /* 1.3.6.1.5.5.7.48.1 */
#define TP_PKI_ARC_RI    "\x2b\x06\x01\x05\x05\x07\x10"     /* 1.3.6.1.5.5.7.16, RFC 5940 */

#endif
