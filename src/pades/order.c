/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be known of an order before any document is looked at.
 */
#include "pades/internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "pki/certificate.h"

#include <string.h>

#define HASH_LEAST 32 /* bytes; shorter ones are no longer safe against collisions */

static enum tp_rc check_text(const char *what, const char *text, struct tp_error *error)
{
    if (text == NULL)
        return TP_OK;
    if (strlen(text) > TP_PADES_TEXT_MAX)
        return tp_error_set(error, TP_BAD_ARGUMENT, "%s is longer than %d bytes", what, TP_PADES_TEXT_MAX);
    return tp_text_check(what, text, error);
}

static enum tp_rc check_texts(const struct tp_pades_order *order, struct tp_error *error)
{
    TP_TRY(check_text("the reason", order->reason, error));
    TP_TRY(check_text("the location", order->location, error));
    TP_TRY(check_text("the contact", order->contact, error));
    TP_TRY(check_text("the name", order->name, error));
    TP_TRY(check_text("the field's name", order->field, error));
    for (size_t i = 0; i < order->lock_names_len; i++)
        TP_TRY(check_text("a locked field's name", order->lock_names[i], error));
    return TP_OK;
}

static enum tp_rc check_means(const struct tp_pades_means *means, enum tp_pades_level level, struct tp_error *error)
{
    if (level >= TP_PADES_LEVEL_END)
        return tp_error_set(error, TP_USAGE, "the level is one of B-B, B-T, B-LT, B-LTA (ES, ES-T, ES-A)");
    if (level >= TP_PADES_B_T && means->tsa == NULL)
        return tp_error_set(error, TP_USAGE, "%s needs a timestamp: --tsa URL", tp_pades_level_name(level));
    if (level >= TP_PADES_B_LT && (means->source == NULL || means->anchors == NULL || tp_pki_anchors_len(means->anchors) == 0))
        return tp_error_set(error, TP_USAGE, "%s needs trust anchors, to which the certificates are proven: --trust FILE",
                            tp_pades_level_name(level));
    return TP_OK;
}

static enum tp_rc judge_certificate(const struct tp_pki_certificate *certificate, struct tp_error *error)
{
    char when[TP_TIME_TEXT_LEN];
    int64_t now = tp_clock_utc_ms();
    bool expired = now > certificate->not_after_ms;
    tp_time_format(expired ? certificate->not_after_ms : certificate->not_before_ms, false, when);
    if (expired || now < certificate->not_before_ms)
        return tp_error_set(error, TP_REFUSED, "the signer's certificate (%.120s) %s %s", certificate->subject,
                            expired ? "has expired: it was valid until" : "is not valid before", when);
    if ((certificate->key_usage & (TP_PKI_DIGITAL_SIGNATURE | TP_PKI_NON_REPUDIATION)) == 0)
        return tp_error_set(error, TP_REFUSED, "the signer's certificate (%.120s) is not for signatures (key usage)",
                            certificate->subject);
    return TP_OK;
}

static enum tp_rc check_signer(const struct tp_pades_service *service, struct tp_error *error)
{
    const struct tp_pki_certificate *certificate = tp_pades_service_signer(service);
    if (tp_pades_service_means(service)->signer == NULL)
        return tp_error_set(error, TP_USAGE, "there is no key to sign with: --key URI");
    if (certificate == NULL)
        return tp_error_set(error, TP_NOT_FOUND, "the key has no certificate, which a PDF signature must name; --certificate FILE");
    return judge_certificate(certificate, error);
}

/* EdDSA hashes by itself; in CMS the hash beside it is SHA-512 (RFC 8419 §3.1). */
enum tp_rc tp_pades_order_hash(const struct tp_pki_signer *signer, enum tp_pki_hash *hash, struct tp_error *error)
{
    const struct tp_pki_key_info *info = tp_pki_signer_info(signer);
    if (info->is_ed && strcmp(info->type, "ed25519") != 0)
        return tp_error_set(error, TP_UNSUPPORTED, "%s keys sign with SHAKE256, which PDF does not know", info->type);
    if (*hash == TP_PKI_HASH_NONE)
        *hash = info->is_ed ? TP_PKI_SHA512 : tp_pki_signer_hash(signer);
    if (info->is_ed && *hash != TP_PKI_SHA512)
        return tp_error_set(error, TP_BAD_ARGUMENT, "an Ed25519 key signs PDFs with SHA-512 only (RFC 8419)");
    if (tp_pki_hash_len(*hash) < HASH_LEAST)
        return tp_error_set(error, TP_BAD_ARGUMENT, "%s is too weak for a signature that is to last; SHA-256 or longer",
                            tp_pki_hash_name(*hash));
    return TP_OK;
}

enum tp_rc tp_pades_order_check(const struct tp_pades_service *service, const struct tp_pades_order *order,
                                struct tp_error *error)
{
    const struct tp_pades_means *means = tp_pades_service_means(service);
    enum tp_pki_hash hash = order->hash;
    TP_TRY(check_texts(order, error));
    TP_TRY(check_means(means, order->level, error));
    if (order->certify > 3)
        return tp_error_set(error, TP_USAGE, "a certification allows 1 nothing, 2 forms, or 3 annotations, too");
    if (order->visible != NULL && order->visible->language != NULL)
        TP_TRY(tp_pades_language_check(order->visible->language, error));
    TP_TRY(check_signer(service, error));
    if (order->pss && !tp_pki_signer_info(means->signer)->is_rsa)
        return tp_error_set(error, TP_BAD_ARGUMENT, "PSS is for RSA keys, and this is one of %s",
                            tp_pki_signer_info(means->signer)->type);
    return tp_pades_order_hash(means->signer, &hash, error);
}
