/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading SignedData (RFC 5652 §5): one copy of the encoding, and views into it. Not libcrypto's CMS_ContentInfo: that
 * keeps no OCSP responses (RFC 5940), and one object a value, so that 16 MiB of small values would become a gigabyte.
 */
#include "pki/cms_reader.h"
#include "pki/oid.h"

#include <stdlib.h>
#include <string.h>

static const struct tp_bytes oid_signed_data = TP_PKI_OID(TP_PKI_ARC_PKCS7 "\x02");

static enum tp_rc malformed(struct tp_error *error, const char *what)
{
    return tp_error_set(error, TP_MALFORMED, "the CMS %s", what);
}

/* ---- the parts of SignedData ---- */

/* EncapsulatedContentInfo (§5.2). In PKCS #7 the content may be anything, and what counts is its content octets
 * (§5.2.1). */
static enum tp_rc content_read(struct tp_pki_cms *cms, struct tp_bytes info, struct tp_error *error)
{
    struct tp_bytes inside;
    if (!tp_der_take(&info, TP_DER_OID, &cms->content_type_oid, NULL) ||
        tp_pki_oid_text(cms->content_type_oid, cms->content_type, sizeof cms->content_type) != TP_OK)
        return malformed(error, "has no content type");
    if (tp_der_take(&info, TP_DER_CONSTRUCTED + 0, NULL, &inside) &&
        (!tp_der_take(&inside, TP_DER_ANY, NULL, &cms->content) || inside.len != 0))
        return malformed(error, "has a content that is not one value");
    return info.len == 0 ? TP_OK : malformed(error, "has something behind its content");
}

/* What libcrypto cannot read stays in the list, but nobody can have signed with it. What is too much is not there: whatever is missing
 * then is missed where it is looked for, and anybody may put more beside a signature without it being forged. */
void tp_pki_cms_take_certificate(struct tp_pki_cms *cms, struct tp_bytes der)
{
    for (size_t i = 0; i < cms->certificates_len; i++)
        if (tp_bytes_equal(cms->certificates[i], der))
            return;
    if (cms->certificates_len == TP_PKI_CMS_CERTIFICATES)
        return;
    cms->certificates[cms->certificates_len] = der;
    if (tp_pki_x509_load(der, NULL, &cms->x509[cms->certificates_len]) != TP_OK)
        cms->x509[cms->certificates_len] = NULL;
    cms->certificates_len++;
}

/* CertificateChoices (§10.2.2): attribute certificates and the obsolete forms are passed over. */
static enum tp_rc certificates_read(struct tp_pki_cms *cms, struct tp_bytes choices, struct tp_error *error)
{
    struct tp_bytes whole;
    while (choices.len > 0) {
        if (!tp_der_take(&choices, TP_DER_ANY, &whole, NULL))
            return malformed(error, "has certificates that end too soon");
        if (whole.data[0] == TP_DER_SEQUENCE)
            tp_pki_cms_take_certificate(cms, whole);
    }
    return TP_OK;
}

static enum tp_rc signer_read(struct tp_pki_cms *cms, struct tp_bytes info, struct tp_error *error)
{
    struct tp_bytes version;
    if (cms->parts_len == TP_PKI_CMS_SIGNERS)
        return tp_error_set(error, TP_TOO_LARGE, "the CMS has more than %d signers", TP_PKI_CMS_SIGNERS);
    struct tp_pki_cms_part *part = &cms->parts[cms->parts_len++];
    if (!tp_der_take(&info, TP_DER_INTEGER, NULL, &version) || !tp_der_take(&info, TP_DER_ANY, &part->sid, NULL) ||
        !tp_der_take(&info, TP_DER_SEQUENCE, &part->digest_algorithm, NULL))
        return malformed(error, "has a SignerInfo without its first fields");
    part->facts.has_attributes = tp_der_take(&info, TP_DER_CONSTRUCTED + 0, NULL, &part->attributes);
    if (!tp_der_take(&info, TP_DER_SEQUENCE, &part->signature_algorithm, NULL) ||
        !tp_der_take(&info, TP_DER_OCTET_STRING, NULL, &part->facts.signature))
        return malformed(error, "has a SignerInfo without a signature");
    part->unsigned_attributes = tp_pki_der_optional(&info, TP_DER_CONSTRUCTED + 1);
    if (info.len != 0)
        return malformed(error, "has something behind a SignerInfo");
    return tp_pki_cms_attributes_read(cms, part, error);
}

static enum tp_rc signers_read(struct tp_pki_cms *cms, struct tp_bytes infos, struct tp_error *error)
{
    struct tp_bytes info;
    while (infos.len > 0) {
        if (!tp_der_take(&infos, TP_DER_SEQUENCE, NULL, &info))
            return malformed(error, "has signers that are not SignerInfos");
        TP_TRY(signer_read(cms, info, error));
    }
    return TP_OK;
}

static enum tp_rc signed_data_read(struct tp_pki_cms *cms, struct tp_bytes data, struct tp_error *error)
{
    struct tp_bytes version, hashes, info, signers;
    if (!tp_der_take(&data, TP_DER_INTEGER, NULL, &version) || !tp_der_take(&data, TP_DER_SET, NULL, &hashes) ||
        !tp_der_take(&data, TP_DER_SEQUENCE, NULL, &info))
        return malformed(error, "is not SignedData of RFC 5652");
    TP_TRY(content_read(cms, info, error));
    TP_TRY(certificates_read(cms, tp_pki_der_optional(&data, TP_DER_CONSTRUCTED + 0), error));
    const enum tp_rc rc = tp_pki_cms_take_crls(cms, tp_pki_der_optional(&data, TP_DER_CONSTRUCTED + 1));
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the CRLs of the CMS are malformed or too many");
    if (!tp_der_take(&data, TP_DER_SET, NULL, &signers) || data.len != 0)
        return malformed(error, "has no list of signers");
    return signers_read(cms, signers, error);
}

static enum tp_rc content_info_read(struct tp_pki_cms *cms, struct tp_error *error)
{
    struct tp_bytes at = tp_buf_bytes(&cms->der), info, type, inside, data;
    if (!tp_der_take(&at, TP_DER_SEQUENCE, NULL, &info) || at.len != 0 || !tp_der_take(&info, TP_DER_OID, NULL, &type))
        return tp_error_set(error, TP_MALFORMED, "this is not a CMS");
    if (!tp_bytes_equal(type, oid_signed_data))
        return malformed(error, "is no SignedData, but something else");
    if (!tp_der_take(&info, TP_DER_CONSTRUCTED + 0, NULL, &inside) || info.len != 0 ||
        !tp_der_take(&inside, TP_DER_SEQUENCE, NULL, &data) || inside.len != 0)
        return malformed(error, "is not SignedData of RFC 5652");
    TP_TRY(signed_data_read(cms, data, error));
    for (size_t i = 0; i < cms->parts_len; i++)
        tp_pki_cms_part_judge(cms, &cms->parts[i]);
    return TP_OK;
}

/* ---- a whole one ---- */

void tp_pki_cms_free(struct tp_pki_cms *cms)
{
    if (cms == NULL)
        return;
    for (size_t i = 0; i < cms->certificates_len; i++)
        X509_free(cms->x509[i]);
    for (size_t i = 0; i < cms->made_len; i++)
        tp_buf_clear(&cms->made[i]);
    free(cms->crls.items);
    free(cms->ocsps.items);
    tp_buf_clear(&cms->der);
    free(cms);
}

/* Takes DER over. */
static enum tp_rc read_der(struct tp_buf *der, size_t len, struct tp_error *error, struct tp_pki_cms **ret_cms)
{
    struct tp_pki_cms *cms TP_AUTO(tp_pki_cms_free_p) = calloc(1, sizeof *cms);
    if (cms == NULL)
        return TP_MEMORY;
    cms->der = *der;
    *der = TP_BUF_INIT;
    cms->len = len;
    TP_TRY(content_info_read(cms, error));
    *ret_cms = cms;
    cms = NULL;
    return TP_OK;
}

static enum tp_rc padding_check(struct tp_bytes input, size_t len, struct tp_error *error)
{
    for (size_t i = len; i < input.len; i++)
        if (input.data[i] != 0)
            return malformed(error, "has something behind it that is not zero bytes");
    return TP_OK;
}

static enum tp_rc read_ber(struct tp_bytes input, struct tp_error *error, struct tp_pki_cms **ret_cms)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    size_t len = 0;
    const enum tp_rc rc = tp_pki_ber_to_der(input, &der, &len);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "this is not a CMS, or it was cut off");
    TP_TRY(padding_check(input, len, error));
    return read_der(&der, len, error, ret_cms);
}

/* Most are DER; what is not, or not quite, is read again after it was made so. */
enum tp_rc tp_pki_cms_parse(struct tp_bytes input, struct tp_error *error, struct tp_pki_cms **ret_cms)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_bytes rest = input, whole;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (input.len > TP_PKI_CMS_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the CMS is larger than %zu MiB", TP_PKI_CMS_MAX >> 20);
    if (!tp_der_take(&rest, TP_DER_SEQUENCE, &whole, NULL))
        return read_ber(input, error, ret_cms);
    TP_TRY(padding_check(input, whole.len, error));
    TP_TRY(tp_buf_append(&der, whole));
    const enum tp_rc rc = read_der(&der, whole.len, error, ret_cms);
    return rc == TP_MALFORMED ? read_ber(input, error, ret_cms) : rc;
}

/* ---- what is in it ---- */

static struct tp_bytes view(const struct tp_bytes *items, size_t len, size_t index)
{
    return index < len ? items[index] : TP_BYTES_NONE;
}

size_t tp_pki_cms_len(const struct tp_pki_cms *cms)
{
    return cms->len;
}

const char *tp_pki_cms_content_type(const struct tp_pki_cms *cms)
{
    return cms->content_type;
}

struct tp_bytes tp_pki_cms_content(const struct tp_pki_cms *cms)
{
    return cms->content;
}

size_t tp_pki_cms_certificates_len(const struct tp_pki_cms *cms)
{
    return cms->certificates_len;
}

struct tp_bytes tp_pki_cms_certificate(const struct tp_pki_cms *cms, size_t index)
{
    return view(cms->certificates, cms->certificates_len, index);
}

size_t tp_pki_cms_crls_len(const struct tp_pki_cms *cms)
{
    return cms->crls.len;
}

struct tp_bytes tp_pki_cms_crl(const struct tp_pki_cms *cms, size_t index)
{
    return view(cms->crls.items, cms->crls.len, index);
}

size_t tp_pki_cms_ocsps_len(const struct tp_pki_cms *cms)
{
    return cms->ocsps.len;
}

struct tp_bytes tp_pki_cms_ocsp(const struct tp_pki_cms *cms, size_t index)
{
    return view(cms->ocsps.items, cms->ocsps.len, index);
}
