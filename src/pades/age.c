/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a proof lasts. Certificates say so themselves; algorithms do not, and are judged by NIST SP 800-131A and ETSI TS 119 312:
 * what gives 112 bits of security ends with 2030.
 */
#include "pades/extend.h"

#include "base/clock.h"
#include "pades/internal.h"
#include "pades/seals.h"
#include "pki/certificate.h"

#include <stdio.h>

#define BITS_112_END_MS INT64_C(1924991999999) /* 2030-12-31T23:59:59.999Z */

struct judging {
    struct tp_pades_age *age;
    struct tp_error *error;
};

static void ends(struct judging *judging, int64_t until_ms, const char *what, const char *which)
{
    if (until_ms >= judging->age->until_ms)
        return;
    judging->age->until_ms = until_ms;
    (void)snprintf(judging->age->why, sizeof judging->age->why, "%s (%.200s)", what, which);
}

static enum tp_rc judge_key(struct judging *judging, const struct tp_pki_certificate *certificate)
{
    struct tp_pki_key_size key;
    if (tp_pki_key_size(tp_buf_bytes(&certificate->spki), NULL, &key) != TP_OK)
        return TP_OK;
    if (key.bits < (key.is_modulus ? 2048 : 224))
        ends(judging, 0, "a key that is too short already", certificate->subject);
    else if (key.bits < (key.is_modulus ? 3072 : 256))
        ends(judging, BITS_112_END_MS, "a key that is too short from 2031 on", certificate->subject);
    return TP_OK;
}

/* A self-signed certificate is an anchor or nothing: its dates are its own affair. */
static enum tp_rc judge_certificate(struct judging *judging, struct tp_bytes der)
{
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {.is_ca = false};
    TP_TRY(tp_pki_certificate_parse(der, judging->error, &certificate));
    if (tp_bytes_equal(tp_buf_bytes(&certificate.subject_der), tp_buf_bytes(&certificate.issuer_der)))
        return TP_OK;
    ends(judging, certificate.not_after_ms, "a certificate that expires", certificate.subject);
    return judge_key(judging, &certificate);
}

static void judge_hash(struct judging *judging, enum tp_pki_hash hash, const char *algorithm)
{
    if (tp_pki_hash_len(hash) < 28)
        ends(judging, 0, "a hash that is too weak already", algorithm);
    else if (tp_pki_hash_len(hash) == 28)
        ends(judging, BITS_112_END_MS, "a hash that is too short from 2031 on", algorithm);
}

static enum tp_rc judge_cms(struct judging *judging, const struct tp_pki_cms *cms)
{
    struct tp_pki_cms_signer signer;
    for (size_t i = 0; i < tp_pki_cms_certificates_len(cms); i++)
        TP_TRY(judge_certificate(judging, tp_pki_cms_certificate(cms, i)));
    if (tp_pki_cms_signers_len(cms) == 0)
        return TP_OK;
    tp_pki_cms_signer(cms, 0, &signer);
    judge_hash(judging, signer.hash, signer.algorithm);
    if (signer.signature_hash != TP_PKI_HASH_NONE)
        judge_hash(judging, signer.signature_hash, signer.algorithm);
    return TP_OK;
}

/* The newest document timestamp covers all that is before it; without any, each signature lasts by itself. */
static enum tp_rc judge(struct judging *judging, const struct tp_pades_seals *seals)
{
    const struct tp_pades_seal *newest = NULL;
    for (size_t i = 0; i < seals->len; i++) {
        judging->age->stamps += seals->seals[i].is_stamp;
        judging->age->signatures += !seals->seals[i].is_stamp;
        if (seals->seals[i].is_stamp && seals->seals[i].timestamp != NULL)
            newest = &seals->seals[i];
    }
    if (newest != NULL) {
        judging->age->stamped_ms = tp_pki_timestamp_info(newest->timestamp)->time_us / 1000;
        return judge_cms(judging, tp_pki_timestamp_cms(newest->timestamp));
    }
    for (size_t i = 0; i < seals->len; i++)
        if (seals->seals[i].cms != NULL)
            TP_TRY(judge_cms(judging, seals->seals[i].cms));
    return TP_OK;
}

enum tp_rc tp_pades_age_read(struct tp_pades_service *service, int in, const struct tp_secret *password, struct tp_error *error,
                             struct tp_pades_age *ret_age)
{
    struct tp_pdf_document *document TP_AUTO(tp_pdf_document_close_p) = NULL;
    struct tp_pades_seals seals TP_AUTO(tp_pades_seals_clear) = {.len = 0};
    struct tp_pades_age age = {.until_ms = INT64_MAX};
    struct judging judging = {.age = &age, .error = error};
    const enum tp_rc rc = tp_pdf_document_open(tp_pades_service_means(service)->pool, in, 0, password, error, &document);
    TP_TRY(tp_pades_work_opened(rc, error));
    TP_TRY(tp_pades_seals_read(document, error, &seals));
    TP_TRY(judge(&judging, &seals));
    *ret_age = age;
    return TP_OK;
}
