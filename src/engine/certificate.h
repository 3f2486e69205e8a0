/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificates that come for a key: its own, and its issuers.
 */
#ifndef TP_ENGINE_CERTIFICATE_H
#define TP_ENGINE_CERTIFICATE_H

#include "engine/call.h"
#include "pki/certificate.h"

/* Of a message: the key's own first, each following one the issuer of the one before. */
struct tp_certificates {
    const ProtobufCBinaryData *der;
    size_t len;
};

/* That each issued the one before it; RET_OWN is the first, to be cleared. */
TP_MUST_USE enum tp_rc tp_certificates_parse(struct tp_call *call, const struct tp_certificates *certificates,
                                             struct tp_pki_certificate *ret_own);
/* That it is good: neither expired nor on a list that is kept. With engine->sweep held until the commit: no list may come
 * between the two. */
TP_MUST_USE enum tp_rc tp_certificates_judge(struct tp_call *call, const struct tp_certificates *certificates,
                                             const struct tp_pki_certificate *own);
/* In place of those that RECORD has. */
TP_MUST_USE enum tp_rc tp_certificates_put(const struct tp_certificates *certificates, Tp__Engine__Key *record);

#endif
