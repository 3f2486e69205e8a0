/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/extend.h"

#include "base/clock.h"
#include "pades/internal.h"
#include "pades/seals.h"
#include "pades/worth.h"

#include <stdio.h>
#include <unistd.h>

struct extending {
    struct tp_pades_service *service;
    const struct tp_pades_extend_order *order;
    struct tp_pades_place *place;
    struct tp_error *error;
    struct tp_pades_seals seals;
    struct tp_evidence *evidence;
    bool all_stamped; /* each signature has a timestamp, its own or the document's */
    struct tp_pades_result *result;
};

static void clear(struct extending *extending)
{
    tp_pades_seals_clear(&extending->seals);
    tp_evidence_free(extending->evidence);
    extending->evidence = NULL;
}

static enum tp_rc check(struct extending *extending)
{
    const struct tp_pades_means *means = tp_pades_service_means(extending->service);
    if (extending->order->level == TP_PADES_B_B || extending->order->level >= TP_PADES_LEVEL_END)
        return tp_error_set(extending->error, TP_USAGE, "a signed document is extended to B-T, B-LT or B-LTA");
    if (means->anchors == NULL || (extending->order->level >= TP_PADES_B_LT && means->source == NULL))
        return tp_error_set(extending->error, TP_USAGE, "%s needs trust anchors: --trust FILE",
                            tp_pades_level_name(extending->order->level));
    return TP_OK;
}

/* ---- evidence ---- */

static enum tp_rc add_certificates(const struct tp_pki_cms *cms, struct tp_evidence *evidence)
{
    for (size_t i = 0; cms != NULL && i < tp_pki_cms_certificates_len(cms); i++)
        TP_TRY(tp_evidence_add(evidence, TP_EVIDENCE_CERTIFICATE, tp_pki_cms_certificate(cms, i), "document", INT64_MAX));
    for (size_t i = 0; cms != NULL && i < tp_pki_cms_crls_len(cms); i++)
        TP_TRY(tp_evidence_add(evidence, TP_EVIDENCE_CRL, tp_pki_cms_crl(cms, i), "document", INT64_MAX));
    for (size_t i = 0; cms != NULL && i < tp_pki_cms_ocsps_len(cms); i++)
        TP_TRY(tp_evidence_add(evidence, TP_EVIDENCE_OCSP, tp_pki_cms_ocsp(cms, i), "document", INT64_MAX));
    return TP_OK;
}

/* Now; or, for who has expired or was revoked since, at the time at which the signature is proven to have existed. */
static enum tp_rc prove(struct extending *extending, struct tp_bytes certificate, enum tp_pki_purpose purpose, int64_t proven_ms)
{
    struct tp_error at_proven = {.rc = TP_OK};
    enum tp_rc rc = tp_pades_service_prove(extending->service, certificate, purpose, tp_clock_utc_ms(), extending->evidence,
                                           extending->error);
    if (rc == TP_OK || rc == TP_MEMORY || proven_ms == 0)
        return rc;
    return tp_pades_service_prove(extending->service, certificate, purpose, proven_ms, extending->evidence, &at_proven) == TP_OK
               ? TP_OK
               : rc;
}

static bool stamped_behind(const struct tp_pades_seals *seals, size_t index)
{
    for (size_t i = index + 1; i < seals->len; i++)
        if (seals->seals[i].is_stamp)
            return true;
    return false;
}

static enum tp_rc prove_certificate(struct extending *extending, size_t index, struct tp_bytes certificate,
                                    enum tp_pki_purpose purpose)
{
    const struct tp_pades_seal *seal = &extending->seals.seals[index];
    if (certificate.len == 0)
        return tp_error_set(extending->error, TP_UNSUPPORTED, "the signature in %s is of a kind whose certificate cannot be read",
                            seal->field);
    enum tp_rc rc = prove(extending, certificate, purpose, tp_pades_seal_proven_ms(&extending->seals, index));
    return rc == TP_OK ? TP_OK : tp_error_prefix(extending->error, rc, "the signature in %s", seal->field);
}

static enum tp_rc prove_own_stamp(struct extending *extending, size_t index)
{
    const struct tp_pades_seal *seal = &extending->seals.seals[index];
    if (seal->is_stamp || seal->timestamp == NULL)
        return TP_OK;
    struct tp_pades_seal stamp = {.is_stamp = true, .timestamp = seal->timestamp};
    TP_TRY(add_certificates(tp_pki_timestamp_cms(seal->timestamp), extending->evidence));
    return prove_certificate(extending, index, tp_pades_seal_certificate(&stamp), TP_PKI_FOR_TIMESTAMPING);
}

/* One seal with all that it hangs on. What a document timestamp behind it covers was proven when that was made, if ever: that it
 * cannot be proven any more must not keep the document from a new one. */
static enum tp_rc prove_seal(struct extending *extending, size_t index)
{
    const struct tp_pades_seal *seal = &extending->seals.seals[index];
    TP_TRY(add_certificates(seal->is_stamp && seal->timestamp != NULL ? tp_pki_timestamp_cms(seal->timestamp) : seal->cms,
                            extending->evidence));
    enum tp_rc rc = prove_certificate(extending, index, tp_pades_seal_certificate(seal),
                                      seal->is_stamp ? TP_PKI_FOR_TIMESTAMPING : TP_PKI_FOR_SIGNING);
    if (rc == TP_OK)
        rc = prove_own_stamp(extending, index);
    if (rc == TP_OK || rc == TP_MEMORY || !stamped_behind(&extending->seals, index))
        return rc;
    (void)snprintf(extending->result->note, sizeof extending->result->note, "no new evidence: %.400s",
                   tp_error_words(extending->error));
    tp_error_clear(extending->error);
    return TP_OK;
}

/* ---- the steps ---- */

static enum tp_rc look(struct extending *extending, struct tp_pdf_document *document)
{
    TP_TRY(tp_pades_seals_read(document, extending->error, &extending->seals));
    extending->all_stamped = true;
    for (size_t i = 0; i < extending->seals.len; i++)
        extending->all_stamped = extending->all_stamped && tp_pades_seal_proven_ms(&extending->seals, i) != 0;
    if (extending->seals.len == 0)
        return tp_error_set(extending->error, TP_REFUSED, "it is not signed: there is nothing to extend; trustp11 pdf sign");
    if (extending->order->level == TP_PADES_B_T)
        return TP_OK;
    TP_TRY(tp_evidence_new(&extending->evidence));
    return tp_pades_dss_read(document, extending->evidence, extending->error);
}

static enum tp_rc look_in(struct extending *extending, int in)
{
    struct tp_pades_work work TP_AUTO(tp_pades_work_close) = {.update = NULL};
    TP_TRY(tp_pades_work_open(extending->service, in, extending->order->password, false, extending->error, &work));
    TP_TRY(look(extending, work.document));
    for (size_t i = 0; i < extending->seals.len && extending->order->level >= TP_PADES_B_LT; i++)
        TP_TRY(prove_seal(extending, i));
    return TP_OK;
}

static int newest(const struct extending *extending, int in)
{
    int fd = tp_pades_place_fd(extending->place);
    return fd < 0 ? in : fd;
}

static enum tp_rc put_evidence(struct extending *extending, int in)
{
    return tp_pades_dss_append(extending->service, newest(extending, in), extending->order->password, extending->evidence,
                               extending->place, extending->error);
}

static enum tp_rc put_stamp(struct extending *extending, int in)
{
    return tp_pades_stamp_append(extending->service, newest(extending, in), extending->order->password,
                                 tp_pades_stamp_hash(extending->order->hash), extending->evidence, extending->place,
                                 extending->error, &extending->result->stamped_ms);
}

/* Before what there is to say of it already. */
static void say_same(struct tp_pades_result *result)
{
    char said[TP_ERROR_WORDS_LEN];
    (void)snprintf(said, sizeof said, "%s", result->note);
    (void)snprintf(result->note, sizeof result->note, "nothing was missing: it is as it was%s%.400s", said[0] == '\0' ? "" : "; ", said);
}

/* The document as it is, where nothing is missing. */
static enum tp_rc put_same(struct extending *extending, int in)
{
    off_t at = 0;
    struct stat status;
    int out;
    if (newest(extending, in) != in)
        return TP_OK;
    TP_TRY(tp_pades_place_next(extending->place, extending->error, &out));
    if (fstat(in, &status) != 0)
        return tp_error_set(extending->error, TP_IO, "the document cannot be read");
    while (at < status.st_size) {
        ssize_t copied = copy_file_range(in, &at, out, NULL, (size_t)(status.st_size - at), 0);
        if (copied <= 0)
            return tp_error_set(extending->error, TP_IO, "the document cannot be copied");
    }
    TP_TRY(tp_pades_place_check_in(extending->place, extending->error));
    say_same(extending->result);
    return TP_OK;
}

static enum tp_rc put(struct extending *extending, int in)
{
    switch (extending->order->level) {
    case TP_PADES_B_T:
        return put_stamp(extending, in);
    case TP_PADES_B_LT:
        if (!extending->all_stamped)
            TP_TRY(put_stamp(extending, in));
        TP_TRY(put_evidence(extending, in));
        return put_same(extending, in);
    default:
        TP_TRY(put_evidence(extending, in));
        return put_stamp(extending, in);
    }
}

/* B-T is a timestamp, whatever it is good for. */
static enum tp_rc judge(struct tp_pades_service *service, int in, const struct tp_pades_extend_order *order, struct tp_error *error,
                        struct tp_pades_worth *ret_worth)
{
    return tp_pades_worth_check(service, in, order->password, order->level >= TP_PADES_B_LT, error, ret_worth);
}

enum tp_rc tp_pades_extend_check(struct tp_pades_service *service, int in, const struct tp_pades_extend_order *order,
                                 struct tp_error *error)
{
    struct tp_pades_worth worth;
    return judge(service, in, order, error, &worth);
}

enum tp_rc tp_pades_extend(struct tp_pades_service *service, int in, const struct tp_pades_extend_order *order,
                           struct tp_pades_place *place, struct tp_error *error, struct tp_pades_result *ret_result)
{
    struct tp_pades_result result = {.length = 0};
    struct extending extending TP_AUTO(clear) = {
        .service = service, .order = order, .place = place, .error = error, .result = &result};
    struct tp_pades_worth worth;
    struct stat status;
    TP_TRY(check(&extending));
    TP_TRY(judge(service, in, order, error, &worth));
    (void)snprintf(result.note, sizeof result.note, "%s", worth.note);
    result.level = worth.level > order->level ? worth.level : order->level; /* what is there stays */
    TP_TRY(look_in(&extending, in));
    TP_TRY(put(&extending, in));
    if (fstat(tp_pades_place_fd(place), &status) == 0)
        result.length = (uint64_t)status.st_size;
    *ret_result = result;
    return TP_OK;
}
