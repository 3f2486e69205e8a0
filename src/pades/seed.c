/* SPDX-License-Identifier: Apache-2.0
 *
 * Seed values (ISO 32000-2 §12.7.5.5.3): what the author of a form wants of the signature in a field. What is required is done or
 * refused; what is only wished for is done where nobody has said otherwise.
 */
#include "pades/internal.h"

#include <string.h>

/* Bits of /Ff (Table 237). */
enum { FILTER = 1, SUB_FILTER = 2, REASONS = 8, LEGAL = 16, REV_INFO = 32, DIGEST = 64, LOCK_DOCUMENT = 128 };
/* Bits of the certificate's /Ff (Table 238). */
enum { CERT_SUBJECT = 1, CERT_ISSUER = 2 };

struct seed {
    struct tp_pades_work *work;
    const struct tp_pdf_value *value;
    int64_t required;
    struct tp_pades_order *order;
};

static enum tp_rc get(const struct seed *seed, const struct tp_pdf_value *dictionary, const char *key,
                      const struct tp_pdf_value **ret_value)
{
    return tp_pdf_document_get(seed->work->document, dictionary, key, seed->work->error, ret_value);
}

static enum tp_rc refuse(const struct seed *seed, const char *what)
{
    return tp_error_set(seed->work->error, TP_REFUSED, "the field demands %s", what);
}

static enum tp_rc check_filters(const struct seed *seed)
{
    const struct tp_pdf_value *filter, *subs, *sub;
    TP_TRY(get(seed, seed->value, "Filter", &filter));
    if ((seed->required & FILTER) != 0 && filter != NULL && !tp_pdf_is_name(filter, "Adobe.PPKLite"))
        return refuse(seed, "another signature handler than Adobe.PPKLite (seed value /Filter)");
    TP_TRY(get(seed, seed->value, "SubFilter", &subs));
    if ((seed->required & SUB_FILTER) == 0 || tp_pdf_kind(subs) != TP_PDF_ARRAY)
        return TP_OK;
    for (size_t i = 0; i < tp_pdf_len(subs); i++) {
        TP_TRY(tp_pdf_document_resolve(seed->work->document, tp_pdf_at(subs, i), seed->work->error, &sub));
        if (tp_pdf_is_name(sub, "ETSI.CAdES.detached"))
            return TP_OK;
    }
    return refuse(seed, "a form of signature (seed value /SubFilter) that is not ETSI.CAdES.detached, the one of PAdES");
}

/* /DigestMethod: names as libcrypto has them ("SHA256"). */
static enum tp_rc choose_hash(const struct seed *seed)
{
    const struct tp_pdf_value *methods, *method;
    enum tp_pki_hash first = TP_PKI_HASH_NONE;
    TP_TRY(get(seed, seed->value, "DigestMethod", &methods));
    if (tp_pdf_kind(methods) != TP_PDF_ARRAY || tp_pdf_len(methods) == 0)
        return TP_OK;
    for (size_t i = 0; i < tp_pdf_len(methods); i++) {
        char name[32] = "";
        TP_TRY(tp_pdf_document_resolve(seed->work->document, tp_pdf_at(methods, i), seed->work->error, &method));
        struct tp_bytes bytes = tp_pdf_bytes(method);
        memcpy(name, bytes.data, bytes.len < sizeof name ? bytes.len : 0);
        enum tp_pki_hash hash = tp_pki_hash_parse(name);
        if (hash != TP_PKI_HASH_NONE && hash == seed->order->hash)
            return TP_OK;
        if (first == TP_PKI_HASH_NONE && tp_pki_hash_len(hash) >= 32)
            first = hash;
    }
    if (seed->order->hash == TP_PKI_HASH_NONE && first != TP_PKI_HASH_NONE) {
        seed->order->hash = first;
        return TP_OK;
    }
    return (seed->required & DIGEST) != 0 ? refuse(seed, "another hash (seed value /DigestMethod); --hash with one that it names")
                                          : TP_OK;
}

/* /Reasons; one that is "." alone means that there shall be none. */
static enum tp_rc check_reason(const struct seed *seed)
{
    const struct tp_pdf_value *reasons, *reason;
    TP_TRY(get(seed, seed->value, "Reasons", &reasons));
    if ((seed->required & REASONS) == 0)
        return TP_OK;
    for (size_t i = 0; i < tp_pdf_len(reasons) && tp_pdf_kind(reasons) == TP_PDF_ARRAY; i++) {
        struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        TP_TRY(tp_pdf_document_resolve(seed->work->document, tp_pdf_at(reasons, i), seed->work->error, &reason));
        TP_TRY(tp_pdf_text(tp_pdf_bytes(reason), &text));
        if (tp_pdf_len(reasons) == 1 && strcmp(tp_buf_string(&text), ".") == 0)
            return seed->order->reason == NULL ? TP_OK : refuse(seed, "a signature without a reason");
        if (seed->order->reason != NULL && strcmp(tp_buf_string(&text), seed->order->reason) == 0)
            return TP_OK;
    }
    return tp_pdf_len(reasons) == 0 ? (seed->order->reason == NULL ? TP_OK : refuse(seed, "a signature without a reason"))
                                    : refuse(seed, "one of the reasons that it lists (seed value /Reasons): --reason");
}

/* /MDP /P: 0 an approval, 1 to 3 a certification (Table 237). */
static enum tp_rc apply_mdp(const struct seed *seed)
{
    const struct tp_pdf_value *mdp, *level;
    TP_TRY(get(seed, seed->value, "MDP", &mdp));
    TP_TRY(get(seed, mdp, "P", &level));
    int64_t wanted = tp_pdf_integer(level, -1);
    if (wanted == 0 && seed->order->certify != 0)
        return refuse(seed, "a signature that does not certify");
    if (wanted < 1 || wanted > 3 || seed->order->certify == (unsigned)wanted)
        return TP_OK;
    return refuse(seed, wanted == 1   ? "a certification: --certify none"
                        : wanted == 2 ? "a certification: --certify forms"
                                      : "a certification: --certify annotations");
}

static enum tp_rc check_level(const struct seed *seed)
{
    const struct tp_pdf_value *stamp, *required, *info;
    TP_TRY(get(seed, seed->value, "TimeStamp", &stamp));
    TP_TRY(get(seed, stamp, "Ff", &required));
    if ((tp_pdf_integer(required, 0) & 1) != 0 && seed->order->level < TP_PADES_B_T)
        return refuse(seed, "a timestamp (seed value /TimeStamp): --level B-T or higher");
    TP_TRY(get(seed, seed->value, "AddRevInfo", &info));
    if ((seed->required & REV_INFO) != 0 && tp_pdf_boolean(info, false) && seed->order->level < TP_PADES_B_LT)
        return refuse(seed, "revocation data (seed value /AddRevInfo): --level B-LT or higher");
    return TP_OK;
}

/* Whether one of the DER certificates in NAMES is among the signer's FROM-th and following. */
static enum tp_rc has_certificate(const struct seed *seed, const struct tp_pdf_value *wanted, size_t from, size_t until,
                                  bool *ret_has)
{
    const struct tp_pki_signer *signer = tp_pades_service_means(seed->work->service)->signer;
    *ret_has = false;
    for (size_t i = 0; i < tp_pdf_len(wanted) && tp_pdf_kind(wanted) == TP_PDF_ARRAY; i++) {
        const struct tp_pdf_value *der;
        TP_TRY(tp_pdf_document_resolve(seed->work->document, tp_pdf_at(wanted, i), seed->work->error, &der));
        for (size_t j = from; j < until && j < tp_pki_signer_certificates_len(signer); j++)
            *ret_has = *ret_has || tp_bytes_equal(tp_pdf_bytes(der), tp_pki_signer_certificate(signer, j));
    }
    return TP_OK;
}

/* /Cert: subject and issuer are compared; what else it may demand cannot be vouched for, and is refused. */
static enum tp_rc check_certificate(const struct seed *seed)
{
    const struct tp_pdf_value *wanted, *flags, *subjects, *issuers;
    bool has_subject, has_issuer;
    TP_TRY(get(seed, seed->value, "Cert", &wanted));
    TP_TRY(get(seed, wanted, "Ff", &flags));
    int64_t required = tp_pdf_integer(flags, 0);
    if (required == 0)
        return TP_OK;
    TP_TRY(get(seed, wanted, "Subject", &subjects));
    TP_TRY(get(seed, wanted, "Issuer", &issuers));
    TP_TRY(has_certificate(seed, subjects, 0, 1, &has_subject));
    TP_TRY(has_certificate(seed, issuers, 1, SIZE_MAX, &has_issuer));
    if ((required & CERT_SUBJECT) != 0 && subjects != NULL && !has_subject)
        return refuse(seed, "the certificate of somebody else (seed value /Cert /Subject)");
    if ((required & CERT_ISSUER) != 0 && issuers != NULL && !has_issuer)
        return refuse(seed, "a certificate of another issuer (seed value /Cert /Issuer)");
    if ((required & ~(int64_t)(CERT_SUBJECT | CERT_ISSUER)) != 0)
        return refuse(seed, "properties of the certificate (seed value /Cert) that are not checked here");
    return TP_OK;
}

enum tp_rc tp_pades_seed_apply(struct tp_pades_work *work, const struct tp_pades_field *field, struct tp_pades_order *order)
{
    struct seed seed = {.work = work, .order = order};
    const struct tp_pdf_value *flags;
    TP_TRY(tp_pdf_document_get(work->document, field->value, "SV", work->error, &seed.value));
    if (tp_pdf_kind(seed.value) != TP_PDF_DICTIONARY)
        return TP_OK;
    TP_TRY(get(&seed, seed.value, "Ff", &flags));
    seed.required = tp_pdf_integer(flags, 0);
    if ((seed.required & (LEGAL | LOCK_DOCUMENT)) != 0)
        return refuse(&seed, "a legal attestation or a locked document (seed value), which is not done here");
    TP_TRY(check_filters(&seed));
    TP_TRY(choose_hash(&seed));
    TP_TRY(check_reason(&seed));
    TP_TRY(apply_mdp(&seed));
    TP_TRY(check_level(&seed));
    return check_certificate(&seed);
}
