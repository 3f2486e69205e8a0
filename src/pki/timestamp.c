/* SPDX-License-Identifier: Apache-2.0
 *
 * TimeStampToken (RFC 3161 §2.4.2, RFC 5816): a CMS around TSTInfo.
 */
#include "pki/timestamp_parts.h"

#include "pki/cms_reader.h"

#include <stdlib.h>
#include <string.h>

struct tp_pki_timestamp {
    struct tp_pki_cms *cms;
    struct tp_pki_timestamp_info info;
};

void tp_pki_timestamp_free(struct tp_pki_timestamp *timestamp)
{
    if (timestamp == NULL)
        return;
    tp_pki_cms_free(timestamp->cms);
    free(timestamp);
}

static enum tp_rc token_read(struct tp_bytes token, struct tp_error *error, struct tp_pki_timestamp *timestamp)
{
    TP_TRY(tp_pki_cms_parse(token, error, &timestamp->cms));
    if (strcmp(tp_pki_cms_content_type(timestamp->cms), TP_PKI_TIMESTAMP_CONTENT) != 0)
        return tp_error_set(error, TP_MALFORMED, "the token is signed, but is not a timestamp");
    if (tp_pki_cms_signers_len(timestamp->cms) != 1) /* §2.4.2: by the TSA, and nobody else */
        return tp_error_set(error, TP_MALFORMED, "the timestamp has %zu signers, where exactly one is allowed",
                            tp_pki_cms_signers_len(timestamp->cms));
    return tp_pki_timestamp_info_read(tp_pki_cms_content(timestamp->cms), error, &timestamp->info);
}

enum tp_rc tp_pki_timestamp_parse(struct tp_bytes token, struct tp_error *error,
                                  struct tp_pki_timestamp **ret_timestamp)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = calloc(1, sizeof *timestamp);
    if (timestamp == NULL)
        return TP_MEMORY;
    TP_TRY(token_read(token, error, timestamp));
    *ret_timestamp = timestamp;
    timestamp = NULL;
    return TP_OK;
}

const struct tp_pki_timestamp_info *tp_pki_timestamp_info(const struct tp_pki_timestamp *timestamp)
{
    return &timestamp->info;
}

const struct tp_pki_cms *tp_pki_timestamp_cms(const struct tp_pki_timestamp *timestamp)
{
    return timestamp->cms;
}

/* ---- verifying ---- */

/* RFC 3161 §2.3: that one purpose, and critical. */
bool tp_pki_is_for_timestamping(const X509 *x509)
{
    int critical = 0;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, NULL);
    const bool fits = usages != NULL && critical == 1 && sk_ASN1_OBJECT_num(usages) == 1 &&
                      OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, 0)) == NID_time_stamp;
    EXTENDED_KEY_USAGE_free(usages);
    return fits;
}

enum tp_rc tp_pki_timestamp_certificate_check(struct tp_bytes certificate, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    TP_TRY(tp_pki_x509_load(certificate, error, &x509));
    if (tp_pki_is_for_timestamping(x509))
        return TP_OK;
    return tp_error_set(error, TP_CONFIG,
                        "the certificate is not for timestamps alone (critical extended key usage timeStamping, RFC 3161 §2.3)");
}

static enum tp_rc content_digest(const struct tp_pki_timestamp *timestamp, enum tp_pki_hash hash,
                                 uint8_t ret_digest[EVP_MAX_MD_SIZE], struct tp_error *error)
{
    const struct tp_bytes content = tp_pki_cms_content(timestamp->cms);
    const char *name = tp_pki_hash_libcrypto(hash);
    const EVP_MD *md = name == NULL ? NULL : tp_crypto_digest(name);
    if (md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the timestamp is signed with a hash that is not known");
    return EVP_Digest(content.data, content.len, ret_digest, NULL, md, NULL) == 1 ? TP_OK : TP_CRYPTO;
}

static enum tp_rc verify_with(const struct tp_pki_timestamp *timestamp, X509 *x509, struct tp_bytes der,
                              struct tp_error *error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    const struct tp_pki_cms_part *part = &timestamp->cms->parts[0];
    if (!tp_pki_cms_ess_fits(part, x509, der)) /* first: whoever looks for the TSA tries thousands */
        return tp_error_set(error, TP_CRYPTO, "the timestamp's signed attributes do not name the TSA's certificate");
    TP_TRY(content_digest(timestamp, part->facts.hash, digest, error));
    TP_TRY(tp_pki_cms_verify_with(timestamp->cms, 0, x509, TP_BYTES(digest, tp_pki_hash_len(part->facts.hash)), error));
    if (!tp_pki_is_for_timestamping(x509))
        return tp_error_set(error, TP_REFUSED,
                            "the TSA's certificate is not for timestamps alone (critical extended key usage "
                            "timeStamping, RFC 3161 §2.3)");
    return TP_OK;
}

enum tp_rc tp_pki_timestamp_verify(const struct tp_pki_timestamp *timestamp, struct tp_bytes extra,
                                   struct tp_error *error, struct tp_bytes *ret_certificate)
{
    TP_PKI_ERRORS_KEEP;
    const struct tp_pki_cms_part *part = &timestamp->cms->parts[0];
    X509 *other TP_AUTO(X509_free_p) = NULL;
    if (part->x509 == NULL && extra.len == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the TSA's certificate is not in the timestamp, and not known");
    if (part->x509 == NULL)
        TP_TRY(tp_pki_x509_load(extra, error, &other));
    const struct tp_bytes der = part->x509 == NULL ? extra : part->facts.certificate;
    TP_TRY(verify_with(timestamp, part->x509 == NULL ? other : part->x509, der, error));
    *ret_certificate = der;
    return TP_OK;
}

enum tp_rc tp_pki_timestamp_is_over(const struct tp_pki_timestamp *timestamp, struct tp_bytes digest,
                                    struct tp_error *error)
{
    const struct tp_pki_timestamp_info *info = &timestamp->info;
    if (info->hash == TP_PKI_HASH_NONE)
        return tp_error_set(error, TP_UNSUPPORTED, "the timestamp is over a hash by an algorithm that is not known");
    if (!tp_bytes_equal(TP_BYTES(info->imprint, info->imprint_len), digest))
        return tp_error_set(error, TP_DATA, "the timestamp is over something else: its imprint is another one");
    return TP_OK;
}
