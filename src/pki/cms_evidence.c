/* SPDX-License-Identifier: Apache-2.0
 *
 * CRLs and OCSP responses that travel inside a CMS: in its `crls` (RFC 5652 §10.2.1, RFC 5940), in Adobe's
 * adbe-revocationInfoArchival (ISO 32000-1 §12.8.3.3.2), in CAdES' revocation-values (EN 319 122-1 §A.1.2).
 */
#include "pki/cms_reader.h"
#include "pki/oid.h"

#include <stdlib.h>

static const struct tp_bytes oid_ri_ocsp = TP_PKI_OID(TP_PKI_ARC_RI "\x02");

typedef enum tp_rc take_fn(struct tp_pki_cms *cms, struct tp_bytes whole);

static enum tp_rc views_add(struct tp_pki_cms_views *views, struct tp_bytes item)
{
    if (views->len == TP_PKI_CMS_EVIDENCE)
        return TP_TOO_LARGE;
    if ((views->len & (views->len + 1)) == 0 || views->items == NULL) { /* full at 0, 1, 3, 7, … */
        struct tp_bytes *grown = realloc(views->items, (2 * views->len + 1) * sizeof *grown);
        if (grown == NULL)
            return TP_MEMORY;
        views->items = grown;
    }
    views->items[views->len++] = item;
    return TP_OK;
}

static enum tp_rc crl_take(struct tp_pki_cms *cms, struct tp_bytes whole)
{
    return views_add(&cms->crls, whole);
}

static enum tp_rc ocsp_take(struct tp_pki_cms *cms, struct tp_bytes whole)
{
    return views_add(&cms->ocsps, whole);
}

/* OCSPResponse (RFC 6960 §4.2.1): successful, and BASIC in it. */
static enum tp_rc response_write(struct tp_bytes basic, struct tp_buf *ret_response)
{
    static const uint8_t successful = 0;
    static const struct tp_bytes oid_basic = TP_PKI_OID(TP_PKI_ARC_OCSP "\x01");
    size_t response, explicit, bytes;
    TP_TRY(tp_der_open(ret_response, TP_DER_SEQUENCE, &response));
    TP_TRY(tp_der_put(ret_response, 0x0a /* ENUMERATED */, TP_BYTES(&successful, 1)));
    TP_TRY(tp_der_open(ret_response, TP_DER_CONSTRUCTED + 0, &explicit));
    TP_TRY(tp_der_open(ret_response, TP_DER_SEQUENCE, &bytes));
    TP_TRY(tp_der_put(ret_response, TP_DER_OID, oid_basic));
    TP_TRY(tp_der_put(ret_response, TP_DER_OCTET_STRING, basic));
    TP_TRY(tp_der_close(ret_response, bytes));
    TP_TRY(tp_der_close(ret_response, explicit));
    return tp_der_close(ret_response, response);
}

static enum tp_rc basic_take(struct tp_pki_cms *cms, struct tp_bytes whole)
{
    if (cms->made_len == TP_PKI_CMS_EVIDENCE)
        return TP_TOO_LARGE;
    struct tp_buf *response = &cms->made[cms->made_len++];
    TP_TRY(response_write(whole, response));
    return ocsp_take(cms, tp_buf_bytes(response));
}

/* [n] EXPLICIT SEQUENCE OF, when it is there. */
static enum tp_rc list_take(struct tp_pki_cms *cms, struct tp_bytes *at, uint8_t tag, take_fn *take)
{
    struct tp_bytes inside, items, whole;
    if (!tp_der_take(at, tag, NULL, &inside))
        return TP_OK;
    if (!tp_der_take(&inside, TP_DER_SEQUENCE, NULL, &items) || inside.len != 0)
        return TP_MALFORMED;
    while (items.len > 0) {
        if (!tp_der_take(&items, TP_DER_SEQUENCE, &whole, NULL))
            return TP_MALFORMED;
        TP_TRY(take(cms, whole));
    }
    return TP_OK;
}

static enum tp_rc evidence_take(struct tp_pki_cms *cms, struct tp_bytes value, take_fn *take_response)
{
    struct tp_bytes fields;
    if (!tp_der_take(&value, TP_DER_SEQUENCE, NULL, &fields))
        return TP_MALFORMED;
    TP_TRY(list_take(cms, &fields, TP_DER_CONSTRUCTED + 0, crl_take));
    return list_take(cms, &fields, TP_DER_CONSTRUCTED + 1, take_response); /* other forms follow: passed over */
}

enum tp_rc tp_pki_cms_take_archival(struct tp_pki_cms *cms, struct tp_bytes archival)
{
    return evidence_take(cms, archival, ocsp_take);
}

enum tp_rc tp_pki_cms_take_values(struct tp_pki_cms *cms, struct tp_bytes values)
{
    return evidence_take(cms, values, basic_take);
}

/* RevocationInfoChoices: a CertificateList, or [1] with a form of its own. */
enum tp_rc tp_pki_cms_take_crls(struct tp_pki_cms *cms, struct tp_bytes choices)
{
    struct tp_bytes whole, inside, oid, response;
    while (choices.len > 0) {
        if (!tp_der_take(&choices, TP_DER_ANY, &whole, &inside))
            return TP_MALFORMED;
        if (whole.data[0] == TP_DER_SEQUENCE)
            TP_TRY(crl_take(cms, whole));
        else if (whole.data[0] == TP_DER_CONSTRUCTED + 1 && tp_der_take(&inside, TP_DER_OID, NULL, &oid) &&
                 tp_bytes_equal(oid, oid_ri_ocsp) && tp_der_take(&inside, TP_DER_SEQUENCE, &response, NULL))
            TP_TRY(ocsp_take(cms, response));
    }
    return TP_OK;
}
