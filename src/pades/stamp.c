/* SPDX-License-Identifier: Apache-2.0
 *
 * Timestamps: over a signature's value, and over a whole document (/DocTimeStamp, ISO 32000-2 §12.8.5).
 */
#include "pades/internal.h"

#include "base/crypto.h"

#define TRIES 4 /* to find how much room a token needs */

enum tp_pki_hash tp_pades_stamp_hash(enum tp_pki_hash hash)
{
    size_t len = tp_pki_hash_len(hash);
    return len == 64 ? TP_PKI_SHA512 : len == 48 ? TP_PKI_SHA384 : TP_PKI_SHA256;
}

static enum tp_rc stamp(struct tp_pades_service *service, enum tp_pki_hash hash, struct tp_bytes digest, struct tp_error *error,
                        struct tp_buf *ret_token)
{
    struct tp_tsa_client *tsa = tp_pades_service_means(service)->tsa;
    size_t before = ret_token->len;
    if (tsa == NULL)
        return tp_error_set(error, TP_USAGE, "a timestamp is needed, and no TSA is given: --tsa URL");
    TP_TRY(tp_tsa_client_stamp(tsa, hash, digest, error, ret_token));
    tp_pades_service_token_seen(service, ret_token->len - before);
    return TP_OK;
}

static enum tp_rc add_certificates(const struct tp_pki_cms *cms, struct tp_evidence *evidence)
{
    for (size_t i = 0; i < tp_pki_cms_certificates_len(cms); i++)
        TP_TRY(tp_evidence_add(evidence, TP_EVIDENCE_CERTIFICATE, tp_pki_cms_certificate(cms, i), "token", INT64_MAX));
    return TP_OK;
}

enum tp_rc tp_pades_stamp_prove(struct tp_pades_service *service, struct tp_bytes token, struct tp_evidence *evidence,
                                struct tp_error *error, int64_t *ret_time_ms)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = NULL;
    struct tp_bytes certificate;
    TP_TRY(tp_pki_timestamp_parse(token, error, &timestamp));
    TP_TRY(tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, error, &certificate));
    if (ret_time_ms != NULL)
        *ret_time_ms = tp_pki_timestamp_info(timestamp)->time_us / 1000;
    if (evidence == NULL)
        return TP_OK;
    TP_TRY(add_certificates(tp_pki_timestamp_cms(timestamp), evidence));
    enum tp_rc rc = tp_pades_service_prove(service, certificate, TP_PKI_FOR_TIMESTAMPING, 0, evidence, error);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "the timestamp's certificate");
}

enum tp_rc tp_pades_stamp_value(struct tp_pades_service *service, enum tp_pki_hash hash, struct tp_bytes value,
                                struct tp_error *error, struct tp_buf *ret_token, int64_t *ret_time_ms)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;
    size_t before = ret_token->len;
    hash = tp_pades_stamp_hash(hash);
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    if (md == NULL || EVP_Digest(value.data, value.len, digest, &len, md, NULL) != 1)
        return tp_error_set(error, TP_CRYPTO, "%s cannot be computed", tp_pki_hash_name(hash));
    TP_TRY(stamp(service, hash, TP_BYTES(digest, len), error, ret_token));
    struct tp_bytes token = TP_BYTES(ret_token->data + before, ret_token->len - before);
    return tp_pades_stamp_prove(service, token, NULL, error, ret_time_ms);
}

/* ---- document timestamps ---- */

static const struct tp_pdf_value *dictionary(struct tp_pdf_arena *arena)
{
    const struct tp_pdf_value *value = tp_pdf_new_dictionary(arena);
    value = tp_pdf_with(arena, value, "Type", tp_pdf_new_name(arena, "DocTimeStamp"));
    value = tp_pdf_with(arena, value, "Filter", tp_pdf_new_name(arena, "Adobe.PPKLite"));
    return tp_pdf_with(arena, value, "SubFilter", tp_pdf_new_name(arena, "ETSI.RFC3161"));
}

/* A field of its own, not to be seen. */
static enum tp_rc put_field(struct tp_pades_work *work, const char *name, struct tp_pdf_ref signature)
{
    struct tp_pdf_ref ref = tp_pdf_update_new_ref(work->update);
    struct tp_pades_order order = {.field = name};
    const struct tp_pdf_value *field = tp_pdf_new_dictionary(work->arena), *whole;
    field = tp_pdf_with(work->arena, field, "FT", tp_pdf_new_name(work->arena, "Sig"));
    field = tp_pdf_with(work->arena, field, "T", tp_pdf_new_text(work->arena, name));
    field = tp_pdf_with(work->arena, field, "V", tp_pdf_new_ref(work->arena, signature));
    TP_TRY(tp_pades_widget_new(work, &order, ref, field, &whole));
    TP_TRY(tp_pdf_update_put(work->update, ref, whole, work->error));
    return tp_pades_edit_add_field(work, ref);
}

static enum tp_rc build(struct tp_pades_work *work, const char *name, size_t room)
{
    struct tp_pdf_ref signature = tp_pdf_update_new_ref(work->update);
    TP_TRY(tp_pdf_update_put_signature(work->update, signature, dictionary(work->arena), room, work->error));
    TP_TRY(put_field(work, name, signature));
    TP_TRY(tp_pades_extension_put(work, 5));
    return tp_pdf_arena_check(work->arena);
}

static enum tp_rc write_once(struct tp_pades_work *work, const char *name, enum tp_pki_hash hash,
                             const struct tp_pades_place *place, struct tp_buf *ret_token, bool *ret_fits)
{
    const int out = tp_pades_place_fd(place);
    struct tp_pdf_written written;
    uint8_t digest[64];
    size_t room = tp_pades_service_token_room(work->service);
    tp_buf_reset(ret_token);
    TP_TRY(build(work, name, room));
    TP_TRY(tp_pdf_update_write(work->update, out, tp_pki_hash_libcrypto(hash), work->error, &written, digest));
    TP_TRY(tp_pades_place_check_in(place, work->error));
    TP_TRY(stamp(work->service, hash, TP_BYTES(digest, tp_pki_hash_len(hash)), work->error, ret_token));
    *ret_fits = ret_token->len <= room;
    return *ret_fits ? tp_pdf_contents_fill(out, &written, tp_buf_bytes(ret_token), work->error) : TP_OK;
}

static enum tp_rc write_stamped(struct tp_pades_work *work, enum tp_pki_hash hash, struct tp_pades_place *place,
                                struct tp_buf *ret_token)
{
    struct tp_pades_form form TP_AUTO(tp_pades_form_clear) = {.len = 0};
    char name[32];
    bool fits;
    int out;
    TP_TRY(tp_pades_form_read(work->document, work->error, &form));
    tp_pades_form_free_name(&form, "Timestamp", name, sizeof name);
    TP_TRY(tp_pades_place_next(place, work->error, &out));
    TP_TRY(write_once(work, name, hash, place, ret_token, &fits));
    for (unsigned i = 1; i < TRIES && !fits; i++) {
        TP_TRY(tp_pades_work_again(work));
        TP_TRY(tp_pades_place_again(place, work->error, &out));
        TP_TRY(write_once(work, name, hash, place, ret_token, &fits));
    }
    return fits ? TP_OK : tp_error_set(work->error, TP_TOO_LARGE, "the TSA's tokens grow from one to the next; is it in order?");
}

/* The document that was read is kept open by PLACE while the next version is made from it. */
enum tp_rc tp_pades_stamp_append(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                 enum tp_pki_hash hash, struct tp_evidence *evidence, struct tp_pades_place *place,
                                 struct tp_error *error, int64_t *ret_time_ms)
{
    struct tp_pades_work work TP_AUTO(tp_pades_work_close) = {.update = NULL};
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pades_work_open(service, fd, password, true, error, &work));
    TP_TRY(write_stamped(&work, hash, place, &token));
    tp_pades_work_close(&work);
    TP_TRY(tp_pades_stamp_prove(service, tp_buf_bytes(&token), evidence, error, ret_time_ms));
    if (evidence == NULL)
        return TP_OK;
    return tp_pades_dss_append(service, tp_pades_place_fd(place), password, evidence, place, error);
}
