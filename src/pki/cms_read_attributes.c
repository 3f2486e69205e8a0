/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of a SignerInfo (RFC 5652 §11, EN 319 122-1 §5).
 */
#include "pki/cms_reader.h"
#include "pki/oid.h"

#include <stddef.h>

struct attribute {
    struct tp_bytes oid;    /* content */
    struct tp_bytes values; /* content of the SET OF */
};

static enum tp_rc malformed(struct tp_error *error, const char *what)
{
    return tp_error_set(error, TP_MALFORMED, "the CMS has %s", what);
}

static bool attribute_take(struct tp_bytes *at, struct attribute *ret_attribute)
{
    struct tp_bytes inside;
    return tp_der_take(at, TP_DER_SEQUENCE, NULL, &inside) &&
           tp_der_take(&inside, TP_DER_OID, NULL, &ret_attribute->oid) &&
           tp_der_take(&inside, TP_DER_SET, NULL, &ret_attribute->values) && inside.len == 0;
}

static enum tp_rc list_read(struct tp_bytes at, struct tp_error *error,
                            struct attribute ret_list[TP_PKI_CMS_ATTRIBUTES], size_t *ret_len)
{
    size_t len = 0;
    while (at.len > 0) {
        if (len == TP_PKI_CMS_ATTRIBUTES)
            return tp_error_set(error, TP_TOO_LARGE, "a signer of the CMS has more than %d attributes",
                                TP_PKI_CMS_ATTRIBUTES);
        if (!attribute_take(&at, &ret_list[len++]))
            return malformed(error, "attributes that are not Attributes of RFC 5652");
    }
    *ret_len = len;
    return TP_OK;
}

/* ---- evidence, signed or not ---- */

static enum tp_rc archival_take(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_bytes value)
{
    (void)part;
    return tp_pki_cms_take_archival(cms, value);
}

static enum tp_rc revocation_take(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_bytes value)
{
    (void)part;
    return tp_pki_cms_take_values(cms, value);
}

static enum tp_rc certificates_take(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_bytes value)
{
    struct tp_bytes certificates, whole;
    (void)part;
    if (!tp_der_take(&value, TP_DER_SEQUENCE, NULL, &certificates))
        return TP_MALFORMED;
    while (certificates.len > 0) {
        if (!tp_der_take(&certificates, TP_DER_SEQUENCE, &whole, NULL))
            return TP_MALFORMED;
        tp_pki_cms_take_certificate(cms, whole);
    }
    return TP_OK;
}

/* More tokens than there is room for add nothing that is needed. */
static enum tp_rc timestamp_take(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_bytes value)
{
    struct tp_pki_cms_signer *facts = &part->facts;
    (void)cms;
    if (facts->timestamps_len < sizeof facts->timestamps / sizeof facts->timestamps[0])
        facts->timestamps[facts->timestamps_len++] = value;
    return TP_OK;
}

static const struct {
    struct tp_bytes oid;
    bool only_unsigned;
    enum tp_rc (*take)(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_bytes value);
    const char *name;
} holders[] = {
    {TP_PKI_OID(TP_PKI_ARC_ADOBE "\x08"), false, archival_take, "adbe-revocationInfoArchival"},
    {TP_PKI_OID(TP_PKI_ARC_SMIME "\x02\x18"), true, revocation_take, "revocation-values"},
    {TP_PKI_OID(TP_PKI_ARC_SMIME "\x02\x17"), true, certificates_take, "certificate-values"},
    {TP_PKI_OID(TP_PKI_ARC_SMIME "\x02\x0e"), true, timestamp_take, "signature-time-stamp"},
};

static enum tp_rc holder_read(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, size_t row, struct tp_bytes values,
                              struct tp_error *error)
{
    struct tp_bytes whole;
    while (values.len > 0) {
        enum tp_rc rc = tp_der_take(&values, TP_DER_ANY, &whole, NULL) ? TP_OK : TP_MALFORMED;
        rc = rc == TP_OK ? holders[row].take(cms, part, whole) : rc;
        if (rc != TP_OK)
            return tp_error_set(error, rc, "the CMS has a malformed or too large attribute %s", holders[row].name);
    }
    return TP_OK;
}

static enum tp_rc holders_read(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, const struct attribute *attribute,
                               bool is_signed, struct tp_error *error)
{
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++)
        if (tp_bytes_equal(attribute->oid, holders[i].oid) && !(is_signed && holders[i].only_unsigned))
            return holder_read(cms, part, i, attribute->values, error);
    return TP_OK;
}

/* ---- signed ---- */

/* Each has exactly one value (RFC 5652 §11.1–§11.3, RFC 5035 §5.4). */
static const struct {
    struct tp_bytes oid;
    size_t field; /* of struct tp_pki_cms_part */
} singles[] = {
    {TP_PKI_OID(TP_PKI_ARC_PKCS9 "\x03"), offsetof(struct tp_pki_cms_part, content_type)},
    {TP_PKI_OID(TP_PKI_ARC_PKCS9 "\x04"), offsetof(struct tp_pki_cms_part, message_digest)},
    {TP_PKI_OID(TP_PKI_ARC_PKCS9 "\x05"), offsetof(struct tp_pki_cms_part, signing_time)},
    {TP_PKI_OID(TP_PKI_ARC_PKCS9 "\x34"), offsetof(struct tp_pki_cms_part, protection)}, /* RFC 6211 */
    {TP_PKI_OID(TP_PKI_ARC_SMIME "\x02\x0c"), offsetof(struct tp_pki_cms_part, ess)},
    {TP_PKI_OID(TP_PKI_ARC_SMIME "\x02\x2f"), offsetof(struct tp_pki_cms_part, ess_v2)},
};

static enum tp_rc single_read(struct tp_pki_cms_part *part, const struct attribute *attribute, struct tp_error *error)
{
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        struct tp_bytes values = attribute->values;
        if (!tp_bytes_equal(attribute->oid, singles[i].oid))
            continue;
        struct tp_bytes *field = (struct tp_bytes *)(void *)((char *)part + singles[i].field);
        if (!tp_der_take(&values, TP_DER_ANY, field, NULL) || values.len != 0)
            return malformed(error, "a signed attribute that has not exactly one value");
    }
    return TP_OK;
}

bool tp_pki_cms_are_attributes(struct tp_bytes content)
{
    struct attribute list[TP_PKI_CMS_ATTRIBUTES];
    struct tp_bytes inside;
    size_t len = 0;
    bool content_type = false, message_digest = false;
    if (!tp_der_take(&content, TP_DER_SET, NULL, &inside) || content.len != 0 || list_read(inside, NULL, list, &len) != TP_OK)
        return false;
    for (size_t i = 0; i < len; i++) {
        content_type = content_type || tp_bytes_equal(list[i].oid, singles[0].oid);
        message_digest = message_digest || tp_bytes_equal(list[i].oid, singles[1].oid);
    }
    return content_type && message_digest;
}

/* Two of a kind would let each reader believe another one. */
static bool is_repeated(const struct attribute *list, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (tp_bytes_equal(list[i].oid, list[at].oid))
            return true;
    return false;
}

static enum tp_rc signed_read(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_error *error)
{
    struct attribute list[TP_PKI_CMS_ATTRIBUTES];
    size_t len = 0;
    TP_TRY(list_read(part->attributes, error, list, &len));
    for (size_t i = 0; i < len; i++) {
        if (is_repeated(list, i))
            return malformed(error, "a signed attribute twice");
        TP_TRY(single_read(part, &list[i], error));
        TP_TRY(holders_read(cms, part, &list[i], true, error));
    }
    return TP_OK;
}

/* RFC 5652 §5.3: content-type and message-digest must be there when any attribute is. */
static enum tp_rc digest_fill(struct tp_pki_cms_part *part, struct tp_error *error)
{
    struct tp_bytes value = part->message_digest;
    if (part->content_type.len == 0 || value.len == 0)
        return malformed(error, "signed attributes without content-type or message-digest");
    if (!tp_der_take(&value, TP_DER_OCTET_STRING, NULL, &part->facts.message_digest))
        return malformed(error, "a message-digest that is no OCTET STRING");
    return TP_OK;
}

static void time_fill(struct tp_pki_cms_part *part)
{
    const unsigned char *at = part->signing_time.data;
    ASN1_TIME *time = part->signing_time.len == 0 ? NULL : d2i_ASN1_TIME(NULL, &at, (long)part->signing_time.len);
    if (tp_pki_time(time, &part->facts.signing_time_ms) != TP_OK)
        part->facts.signing_time_ms = 0;
    ASN1_TIME_free(time);
}

enum tp_rc tp_pki_cms_attributes_read(struct tp_pki_cms *cms, struct tp_pki_cms_part *part, struct tp_error *error)
{
    struct attribute list[TP_PKI_CMS_ATTRIBUTES];
    size_t len = 0;
    TP_TRY(signed_read(cms, part, error));
    if (part->facts.has_attributes)
        TP_TRY(digest_fill(part, error));
    time_fill(part);
    TP_TRY(list_read(part->unsigned_attributes, error, list, &len));
    for (size_t i = 0; i < len; i++)
        TP_TRY(holders_read(cms, part, &list[i], false, error));
    part->facts.has_ess = part->ess.len > 0 || part->ess_v2.len > 0;
    return TP_OK;
}
