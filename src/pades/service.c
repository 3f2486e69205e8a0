/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/internal.h"

#include "base/clock.h"
#include "pki/certificate.h"
#include "pki/cms.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_ROOM   ((size_t)8 << 10)  /* a token with its TSA's chain is mostly of 3 to 7 KiB */
#define TOKEN_SPARE  ((size_t)512)      /* tokens of one TSA differ by serial number, accuracy and signature */
#define PROOFS       8
#define PROOF_GOOD_MS 60000 /* that a proof is used again without asking its source, which looks at its cache */

/* What was gathered for a certificate. */
struct proof {
    struct tp_buf leaf;
    enum tp_pki_purpose purpose;
    int64_t made_ms;
    struct tp_evidence *evidence;
};
struct tp_pades_service {
    struct tp_pades_means means;
    struct tp_pki_certificate signer; /* of MEANS' signer, where it has a certificate */
    bool has_signer;
    atomic_size_t token_most; /* 0: none seen */
    atomic_size_t cms_room[TP_PKI_HASH_END][2]; /* of the signer's CMS by this hash, without and with PSS; 0: not computed yet */
    pthread_mutex_t lock;     /* of the proofs */
    struct proof proofs[PROOFS];
    size_t proofs_next;
};

/* Parsed once: a batch asks for each document whether the certificate is still good. */
static enum tp_rc read_signer(struct tp_pades_service *service, struct tp_error *error)
{
    const struct tp_pki_signer *signer = service->means.signer;
    if (signer == NULL || tp_pki_signer_certificates_len(signer) == 0)
        return TP_OK;
    TP_TRY(tp_pki_certificate_parse(tp_pki_signer_certificate(signer, 0), error, &service->signer));
    service->has_signer = true;
    return TP_OK;
}

enum tp_rc tp_pades_service_new(const struct tp_pades_means *means, struct tp_error *error,
                                struct tp_pades_service **ret_service)
{
    struct tp_pades_service *service = calloc(1, sizeof *service);
    if (service == NULL || pthread_mutex_init(&service->lock, NULL) != 0) {
        free(service);
        return tp_error_set(error, TP_MEMORY, "out of memory");
    }
    service->means = *means;
    enum tp_rc rc = read_signer(service, error);
    if (rc != TP_OK) {
        tp_pades_service_free(service);
        return rc;
    }
    *ret_service = service;
    return TP_OK;
}

const struct tp_pki_certificate *tp_pades_service_signer(const struct tp_pades_service *service)
{
    return service->has_signer ? &service->signer : NULL;
}

static void clear_proof(struct proof *proof)
{
    tp_buf_clear(&proof->leaf);
    tp_evidence_free(proof->evidence);
    *proof = (struct proof){.made_ms = 0};
}

void tp_pades_service_free(struct tp_pades_service *service)
{
    if (service == NULL)
        return;
    for (size_t i = 0; i < PROOFS; i++)
        clear_proof(&service->proofs[i]);
    if (service->has_signer)
        tp_pki_certificate_clear(&service->signer);
    (void)pthread_mutex_destroy(&service->lock);
    free(service);
}

const struct tp_pades_means *tp_pades_service_means(const struct tp_pades_service *service)
{
    return &service->means;
}

size_t tp_pades_service_token_room(struct tp_pades_service *service)
{
    size_t most = atomic_load(&service->token_most);
    return most == 0 ? TOKEN_ROOM : most + TOKEN_SPARE;
}

void tp_pades_service_token_seen(struct tp_pades_service *service, size_t len)
{
    size_t most = atomic_load(&service->token_most);
    while (len > most && !atomic_compare_exchange_weak(&service->token_most, &most, len))
        continue;
}

enum tp_rc tp_pades_service_cms_room(struct tp_pades_service *service, enum tp_pki_hash hash, bool pss, size_t *ret_room)
{
    atomic_size_t *known = &service->cms_room[hash][pss ? 1 : 0];
    const struct tp_pki_cms_order order = {.signer = service->means.signer, .hash = hash, .pss = pss};
    size_t room = atomic_load(known);
    if (room == 0)
        TP_TRY(tp_pki_cms_size(&order, &room));
    atomic_store(known, room);
    *ret_room = room;
    return TP_OK;
}

static enum tp_rc copy_evidence(const struct tp_evidence *from, struct tp_evidence *to, const char *source)
{
    for (enum tp_evidence_kind kind = TP_EVIDENCE_CERTIFICATE; kind < TP_EVIDENCE_KIND_END; kind++)
        for (size_t i = 0; i < tp_evidence_len(from, kind); i++)
            TP_TRY(tp_evidence_add(to, kind, tp_evidence_at(from, kind, i), source, INT64_MAX));
    return TP_OK;
}

/* Under the lock. NULL when there is none that is good. */
static struct proof *find_proof(struct tp_pades_service *service, struct tp_bytes leaf, enum tp_pki_purpose purpose)
{
    for (size_t i = 0; i < PROOFS; i++) {
        struct proof *proof = &service->proofs[i];
        if (proof->evidence != NULL && proof->purpose == purpose && tp_bytes_equal(tp_buf_bytes(&proof->leaf), leaf) &&
            tp_clock_monotonic_ms() - proof->made_ms < PROOF_GOOD_MS)
            return proof;
    }
    return NULL;
}

/* Under the lock: takes over the oldest place. */
static enum tp_rc keep_proof(struct tp_pades_service *service, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                             struct tp_evidence **evidence)
{
    struct proof *proof = &service->proofs[service->proofs_next++ % PROOFS];
    clear_proof(proof);
    TP_TRY(tp_buf_append(&proof->leaf, leaf));
    proof->purpose = purpose;
    proof->made_ms = tp_clock_monotonic_ms();
    proof->evidence = *evidence;
    *evidence = NULL;
    return TP_OK;
}

static const struct tp_pki_anchors *anchors_for(const struct tp_pades_means *means, enum tp_pki_purpose purpose)
{
    return purpose == TP_PKI_FOR_TIMESTAMPING && means->tsa_anchors != NULL ? means->tsa_anchors : means->anchors;
}

/* A proof of its own: what another document has brought along has no business in this one. The lock is held meanwhile, so that
 * the threads of a batch do not all ask for the same at its beginning. */
static enum tp_rc gather_shared(struct tp_pades_service *service, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                struct tp_evidence *evidence, struct tp_error *error)
{
    struct tp_evidence *own TP_AUTO(tp_evidence_free_p) = NULL;
    const struct tp_pades_means *means = &service->means;
    struct proof *proof = find_proof(service, leaf, purpose);
    if (proof != NULL)
        return copy_evidence(proof->evidence, evidence, "network");
    TP_TRY(tp_evidence_new(&own));
    if (means->given != NULL)
        TP_TRY(copy_evidence(means->given, own, "given"));
    /* issuers that came with the signer or the token */
    for (size_t i = 0; i < tp_evidence_len(evidence, TP_EVIDENCE_CERTIFICATE); i++)
        TP_TRY(tp_evidence_add(own, TP_EVIDENCE_CERTIFICATE, tp_evidence_at(evidence, TP_EVIDENCE_CERTIFICATE, i), "document",
                               INT64_MAX));
    TP_TRY(tp_validation_gather(means->source, leaf, purpose, anchors_for(means, purpose), tp_clock_utc_ms(), own, error));
    TP_TRY(copy_evidence(own, evidence, "network"));
    return keep_proof(service, leaf, purpose, &own);
}

enum tp_rc tp_pades_service_prove(struct tp_pades_service *service, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                  int64_t at_ms, struct tp_evidence *evidence, struct tp_error *error)
{
    const struct tp_pades_means *means = &service->means;
    if (means->source == NULL || anchors_for(means, purpose) == NULL)
        return tp_error_set(error, TP_USAGE, "evidence is needed, and no trust anchors are given: --trust FILE");
    if (at_ms != 0) {
        if (means->given != NULL)
            TP_TRY(copy_evidence(means->given, evidence, "given"));
        return tp_validation_gather(means->source, leaf, purpose, anchors_for(means, purpose), at_ms, evidence, error);
    }
    (void)pthread_mutex_lock(&service->lock);
    enum tp_rc rc = gather_shared(service, leaf, purpose, evidence, error);
    (void)pthread_mutex_unlock(&service->lock);
    return rc;
}
