/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/internal.h"

#include "base/clock.h"
#include "pki/cms.h"

#include <stdio.h>
#include <string.h>

#define TRIES      4  /* to find how much room the CMS needs */
#define ATTRIBUTE  64 /* around a token among the unsigned attributes */

/* One signature in the making. */
struct signing {
    struct tp_pades_work work;
    struct tp_pades_order order; /* after defaults and seed values */
    struct tp_pades_form form;
    const struct tp_pades_field *field; /* that is there; NULL: a new one */
    char name[32];                      /* of a new field that nobody has named */
    struct tp_evidence *evidence;       /* B-LT and up */
    struct tp_pades_result *result;
};

static void close_signing(struct signing *signing)
{
    tp_pades_form_clear(&signing->form);
    tp_pades_work_close(&signing->work);
    tp_evidence_free(signing->evidence);
    signing->evidence = NULL;
}

/* ---- the field ---- */

static enum tp_rc check_field(struct signing *signing)
{
    const struct tp_pades_field *field = signing->field;
    struct tp_error *error = signing->work.error;
    if (field->signature != NULL)
        return tp_error_set(error, TP_REFUSED, "the field %s is signed already", field->name);
    if (field->ref.id == 0)
        return tp_error_set(error, TP_UNSUPPORTED, "the field %s is no object of its own in this PDF, and cannot be changed "
                            "without the form; sign in a new field", field->name);
    return TP_OK;
}

static enum tp_rc find_field(struct signing *signing)
{
    struct tp_pades_order *order = &signing->order;
    struct tp_error *error = signing->work.error;
    if (order->field == NULL) {
        tp_pades_form_free_name(&signing->form, "Signature", signing->name, sizeof signing->name);
        order->field = signing->name;
        return TP_OK;
    }
    signing->field = tp_pades_form_find(&signing->form, order->field);
    if (signing->field != NULL)
        return check_field(signing);
    if (tp_pades_form_has_name(&signing->form, order->field))
        return tp_error_set(error, TP_REFUSED, "%s is a field of the form, but not one for signatures", order->field);
    if (order->field[0] == '\0' || strchr(order->field, '.') != NULL)
        return tp_error_set(error, TP_BAD_ARGUMENT, "there is no field '%s', and a new one cannot have that name: a dot stands "
                            "between a field and what is under it", order->field);
    return TP_OK;
}

/* ---- the dictionaries ---- */

static const struct tp_pdf_value *name_of(struct tp_pdf_arena *arena, const struct tp_pdf_value *value, const char *key,
                                          const char *name)
{
    return tp_pdf_with(arena, value, key, tp_pdf_new_name(arena, name));
}

static const struct tp_pdf_value *with_text(struct tp_pdf_arena *arena, const struct tp_pdf_value *value, const char *key,
                                            const char *text)
{
    return text == NULL || text[0] == '\0' ? value : tp_pdf_with(arena, value, key, tp_pdf_new_text(arena, text));
}

/* A signature reference dictionary (Table 256) with its parameters. */
static const struct tp_pdf_value *reference(struct tp_pdf_arena *arena, const char *method, const struct tp_pdf_value *parameters)
{
    const struct tp_pdf_value *value = name_of(arena, tp_pdf_new_dictionary(arena), "Type", "SigRef");
    parameters = name_of(arena, parameters, "Type", "TransformParams");
    parameters = name_of(arena, parameters, "V", "1.2");
    return tp_pdf_with(arena, name_of(arena, value, "TransformMethod", method), "TransformParams", parameters);
}

static const struct tp_pdf_value *docmdp(struct tp_pdf_arena *arena, int64_t level)
{
    return reference(arena, "DocMDP", tp_pdf_with(arena, tp_pdf_new_dictionary(arena), "P", tp_pdf_new_integer(arena, level)));
}

static const struct tp_pdf_value *lock_action(struct signing *signing)
{
    static const char *const actions[] = {"", "All", "Include", "Exclude"};
    struct tp_pdf_arena *arena = signing->work.arena;
    const struct tp_pades_order *order = &signing->order;
    const struct tp_pdf_value *names = tp_pdf_new_array(arena);
    const struct tp_pdf_value *lock = name_of(arena, tp_pdf_new_dictionary(arena), "Action", actions[order->lock]);
    for (size_t i = 0; i < order->lock_names_len; i++)
        names = tp_pdf_with_item(arena, names, tp_pdf_new_text(arena, order->lock_names[i]));
    return order->lock == TP_PADES_LOCK_ALL ? lock : tp_pdf_with(arena, lock, "Fields", names);
}

/* A name of no field would lock nothing, and nobody would notice. */
static enum tp_rc check_lock_names(const struct signing *signing)
{
    const struct tp_pades_order *order = &signing->order;
    for (size_t i = 0; i < order->lock_names_len; i++)
        if (!tp_pades_form_has_name(&signing->form, order->lock_names[i]) && strcmp(order->lock_names[i], order->field) != 0)
            return tp_error_set(signing->work.error, TP_REFUSED, "--lock-field '%s' is no field of this document's form",
                                order->lock_names[i]);
    return TP_OK;
}

/* The lock that the field has brought along, or the one that is ordered: {/Action, /Fields, perhaps /P}; NULL: none. */
static enum tp_rc find_lock(struct signing *signing, const struct tp_pdf_value **ret_lock)
{
    struct tp_pades_work *work = &signing->work;
    const struct tp_pdf_value *own = NULL;
    if (signing->field != NULL)
        TP_TRY(tp_pdf_document_get(work->document, signing->field->value, "Lock", work->error, &own));
    *ret_lock = tp_pdf_kind(own) == TP_PDF_DICTIONARY ? own : NULL;
    TP_TRY(check_lock_names(signing));
    if (signing->order.lock == TP_PADES_LOCK_NONE)
        return TP_OK;
    if (*ret_lock != NULL)
        return tp_error_set(work->error, TP_REFUSED, "the field %s says itself what it locks; sign without --lock",
                            signing->field->name);
    *ret_lock = lock_action(signing);
    return TP_OK;
}

static const struct tp_pdf_value *fieldmdp(struct signing *signing, const struct tp_pdf_value *lock)
{
    struct tp_pdf_arena *arena = signing->work.arena;
    const struct tp_pdf_value *parameters = tp_pdf_with(arena, lock, "P", NULL);
    return tp_pdf_with(arena, reference(arena, "FieldMDP", parameters), "Data", tp_pdf_new_ref(arena, signing->work.catalog));
}

/* /Reference: DocMDP of a certification, or of a lock that says so (Table 236); FieldMDP. NULL: neither. */
static const struct tp_pdf_value *references(struct signing *signing, const struct tp_pdf_value *lock)
{
    struct tp_pdf_arena *arena = signing->work.arena;
    int64_t level = signing->order.certify != 0 ? signing->order.certify : tp_pdf_integer(tp_pdf_get(lock, "P"), 0);
    const struct tp_pdf_value *array = tp_pdf_new_array(arena);
    if (level >= 1 && level <= 3)
        array = tp_pdf_with_item(arena, array, docmdp(arena, level));
    if (lock != NULL)
        array = tp_pdf_with_item(arena, array, fieldmdp(signing, lock));
    return tp_pdf_len(array) == 0 ? NULL : array;
}

/* Table 255, and EN 319 142-1 §6.3: /M there, the signer's own time, since no signed attribute has it. */
static const struct tp_pdf_value *signature_value(struct signing *signing, const struct tp_pdf_value *lock)
{
    struct tp_pdf_arena *arena = signing->work.arena;
    const struct tp_pades_order *order = &signing->order;
    const struct tp_pdf_value *value = name_of(arena, tp_pdf_new_dictionary(arena), "Type", "Sig");
    value = name_of(arena, value, "Filter", "Adobe.PPKLite");
    value = name_of(arena, value, "SubFilter", "ETSI.CAdES.detached");
    value = tp_pdf_with(arena, value, "M", tp_pdf_new_date(arena, order->time_ms));
    value = with_text(arena, value, "Name", order->name);
    value = with_text(arena, value, "Reason", order->reason);
    value = with_text(arena, value, "Location", order->location);
    value = with_text(arena, value, "ContactInfo", order->contact);
    return tp_pdf_with(arena, value, "Reference", references(signing, lock));
}

static enum tp_rc put_field(struct signing *signing, struct tp_pdf_ref signature, const struct tp_pdf_value *lock)
{
    struct tp_pades_work *work = &signing->work;
    struct tp_pdf_arena *arena = work->arena;
    struct tp_pdf_ref ref = tp_pdf_update_new_ref(work->update);
    const struct tp_pdf_value *field = name_of(arena, tp_pdf_new_dictionary(arena), "FT", "Sig"), *whole;
    field = tp_pdf_with(arena, field, "T", tp_pdf_new_text(arena, signing->order.field));
    field = tp_pdf_with(arena, field, "V", tp_pdf_new_ref(arena, signature));
    if (lock != NULL) {
        struct tp_pdf_ref lock_ref = tp_pdf_update_new_ref(work->update);
        TP_TRY(tp_pdf_update_put(work->update, lock_ref, name_of(arena, lock, "Type", "SigFieldLock"), work->error));
        field = tp_pdf_with(arena, field, "Lock", tp_pdf_new_ref(arena, lock_ref));
    }
    TP_TRY(tp_pades_widget_new(work, &signing->order, ref, field, &whole));
    TP_TRY(tp_pdf_update_put(work->update, ref, whole, work->error));
    return tp_pades_edit_add_field(work, ref);
}

static enum tp_rc fill_field(struct signing *signing, struct tp_pdf_ref signature)
{
    struct tp_pades_work *work = &signing->work;
    TP_TRY(tp_pades_edit_set(work, signing->field->ref, "V", tp_pdf_new_ref(work->arena, signature)));
    TP_TRY(tp_pades_widget_fill(work, &signing->order, signing->field));
    return tp_pades_edit_sig_flags(work);
}

/* The catalog's /Perms (Table 263) names the signature that certifies. */
static enum tp_rc put_permission(struct signing *signing, struct tp_pdf_ref signature)
{
    struct tp_pades_work *work = &signing->work;
    const struct tp_pdf_value *catalog, *permissions;
    TP_TRY(tp_pdf_update_object(work->update, work->catalog, work->error, &catalog));
    struct tp_pdf_ref ref = tp_pdf_ref(tp_pdf_get(catalog, "Perms"));
    const struct tp_pdf_value *value = tp_pdf_new_ref(work->arena, signature);
    if (ref.id != 0)
        return tp_pades_edit_set(work, ref, "DocMDP", value);
    permissions = tp_pdf_get(catalog, "Perms");
    if (tp_pdf_kind(permissions) != TP_PDF_DICTIONARY)
        permissions = tp_pdf_new_dictionary(work->arena);
    return tp_pades_edit_set(work, work->catalog, "Perms", tp_pdf_with(work->arena, permissions, "DocMDP", value));
}

static enum tp_rc build(struct signing *signing, size_t room)
{
    struct tp_pades_work *work = &signing->work;
    const struct tp_pdf_value *lock;
    struct tp_pdf_ref signature = tp_pdf_update_new_ref(work->update);
    TP_TRY(find_lock(signing, &lock));
    TP_TRY(tp_pdf_update_put_signature(work->update, signature, signature_value(signing, lock), room, work->error));
    TP_TRY(signing->field != NULL ? fill_field(signing, signature) : put_field(signing, signature, lock));
    if (signing->order.certify != 0)
        TP_TRY(put_permission(signing, signature));
    /* what comes behind needs more, and had to change the catalog once more for it */
    TP_TRY(tp_pades_extension_put(work, signing->order.level >= TP_PADES_B_LT ? 5 : 2));
    return tp_pdf_arena_check(work->arena);
}

/* ---- the signature ---- */

static struct tp_pki_cms_order cms_order(const struct signing *signing, const uint8_t *digest)
{
    return (struct tp_pki_cms_order){.signer = tp_pades_service_means(signing->work.service)->signer,
                                     .hash = signing->order.hash,
                                     .pss = signing->order.pss,
                                     .digest = TP_BYTES(digest, tp_pki_hash_len(signing->order.hash))};
}

static enum tp_rc room_for(struct signing *signing, size_t *ret_room)
{
    TP_TRY(tp_pades_service_cms_room(signing->work.service, signing->order.hash, signing->order.pss, ret_room));
    if (signing->order.level >= TP_PADES_B_T)
        *ret_room += tp_pades_service_token_room(signing->work.service) + ATTRIBUTE;
    return TP_OK;
}

/* CMS with a timestamp over its signature value; what proves the TSA's chain is asked for now, with nothing named yet. */
static enum tp_rc add_timestamp(struct signing *signing, struct tp_buf *cms)
{
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT, stamped TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pades_work *work = &signing->work;
    struct tp_bytes signature;
    TP_TRY(tp_pki_cms_signature(tp_buf_bytes(cms), work->error, &signature));
    TP_TRY(tp_pades_stamp_value(work->service, signing->order.hash, signature, work->error, &token, &signing->result->stamped_ms));
    if (signing->evidence != NULL)
        TP_TRY(tp_pades_stamp_prove(work->service, tp_buf_bytes(&token), signing->evidence, work->error, NULL));
    TP_TRY(tp_pki_cms_add_timestamp(tp_buf_bytes(cms), tp_buf_bytes(&token), work->error, &stamped));
    tp_buf_clear(cms);
    *cms = stamped;
    stamped = TP_BUF_INIT;
    return TP_OK;
}

/* RET_FITS: whether there was room enough. */
static enum tp_rc write_once(struct signing *signing, const struct tp_pades_place *place, int out, bool *ret_fits)
{
    struct tp_buf cms TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_written written;
    struct tp_error *error = signing->work.error;
    uint8_t digest[64];
    size_t room;
    TP_TRY(room_for(signing, &room));
    TP_TRY(build(signing, room));
    TP_TRY(tp_pdf_update_write(signing->work.update, out, tp_pki_hash_libcrypto(signing->order.hash), error, &written, digest));
    TP_TRY(tp_pades_place_check_in(place, error));
    struct tp_pki_cms_order order = cms_order(signing, digest);
    TP_TRY(tp_pki_cms_make(&order, error, &cms));
    if (signing->order.level >= TP_PADES_B_T)
        TP_TRY(add_timestamp(signing, &cms));
    signing->result->length = written.length;
    *ret_fits = cms.len <= room;
    return *ret_fits ? tp_pdf_contents_fill(out, &written, tp_buf_bytes(&cms), error) : TP_OK;
}

static enum tp_rc write_signed(struct signing *signing, struct tp_pades_place *place)
{
    struct tp_error *error = signing->work.error;
    bool fits;
    int out;
    TP_TRY(tp_pades_place_next(place, error, &out));
    TP_TRY(write_once(signing, place, out, &fits));
    for (unsigned i = 1; i < TRIES && !fits; i++) {
        TP_TRY(tp_pades_work_again(&signing->work));
        TP_TRY(tp_pades_place_again(place, error, &out));
        TP_TRY(write_once(signing, place, out, &fits));
    }
    return fits ? TP_OK : tp_error_set(error, TP_TOO_LARGE, "the signature grows faster than the room for it; is the TSA in order?");
}

/* ---- all together ---- */

static void note(struct signing *signing, const char *words)
{
    char *whole = signing->result->note;
    const size_t len = strlen(whole);
    (void)snprintf(whole + len, TP_ERROR_WORDS_LEN - len, "%s%s", len == 0 ? "" : "; ", words);
}

/* Whoever has prepared a field expects the signature there. It is not taken by itself: of several nobody knows which, and a batch
 * would sign some documents in their fields and others beside them. */
static void note_empty_fields(struct signing *signing)
{
    char names[200], words[TP_ERROR_WORDS_LEN];
    tp_pades_form_list_empty(&signing->form, names, sizeof names);
    if (names[0] == '\0' || signing->field != NULL)
        return;
    (void)snprintf(words, sizeof words, "the document has an empty signature field, %s, which --field would fill; a new one was made", names);
    note(signing, words);
}

static void note_all(struct signing *signing)
{
    const struct tp_pdf_value *permissions = tp_pdf_get(signing->form.catalog_value, "Perms");
    if (tp_pdf_get(signing->form.dictionary, "XFA") != NULL)
        note(signing, "the document has an XFA form, too, which programs that know XFA may show instead");
    else if (tp_pdf_get(permissions, "UR3") != NULL)
        note(signing, "the document's usage rights (UR3) for Adobe's reader end with this change");
    note_empty_fields(signing);
}

/* What document and field allow and demand; after that ORDER is complete. */
static enum tp_rc prepare(struct signing *signing)
{
    struct tp_pades_work *work = &signing->work;
    TP_TRY(tp_pades_form_read(work->document, work->error, &signing->form));
    TP_TRY(find_field(signing));
    TP_TRY(tp_pades_permission_check(work, &signing->form, &signing->order, signing->field));
    if (signing->field != NULL)
        TP_TRY(tp_pades_seed_apply(work, signing->field, &signing->order));
    TP_TRY(tp_pades_order_hash(tp_pades_service_means(work->service)->signer, &signing->order.hash, work->error));
    if (signing->order.time_ms == 0)
        signing->order.time_ms = tp_clock_utc_ms();
    (void)snprintf(signing->result->field, sizeof signing->result->field, "%s", signing->order.field);
    signing->result->hash = signing->order.hash;
    note_all(signing);
    return TP_OK;
}

/* Whom no document makes better: a batch ends with the first. An authority that does not answer now may do so for the next. */
static enum tp_rc refuse_signer(enum tp_rc rc, struct tp_error *error)
{
    static const struct {
        enum tp_rc rc;
        const char *next;
    } steps[] = {
        {TP_REFUSED, "sign with another key"},
        {TP_PEER, "give its issuers with --certificate, their root with --trust"},
    };
    const struct tp_error own = *error;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (rc == steps[i].rc)
            return tp_error_set(error, TP_KEY_UNUSABLE, "the signer's certificate: %.400s; %s", tp_error_words(&own),
                                steps[i].next);
    return tp_error_prefix(error, rc, "the signer's certificate");
}

/* Before the key is used: who is revoked, or whose evidence cannot be had, signs nothing at these levels. */
static enum tp_rc prove_signer(struct signing *signing)
{
    const struct tp_pki_signer *signer = tp_pades_service_means(signing->work.service)->signer;
    struct tp_error *error = signing->work.error;
    if (signing->order.level < TP_PADES_B_LT)
        return TP_OK;
    TP_TRY(tp_evidence_new(&signing->evidence));
    for (size_t i = 0; i < tp_pki_signer_certificates_len(signer); i++)
        TP_TRY(tp_evidence_add(signing->evidence, TP_EVIDENCE_CERTIFICATE, tp_pki_signer_certificate(signer, i), "signer",
                               INT64_MAX));
    enum tp_rc rc = tp_pades_service_prove(signing->work.service, tp_pki_signer_certificate(signer, 0), TP_PKI_FOR_SIGNING, 0,
                                           signing->evidence, error);
    return rc == TP_OK ? TP_OK : refuse_signer(rc, error);
}

static enum tp_rc lengthen(struct signing *signing, struct tp_pades_place *place)
{
    struct tp_pades_service *service = signing->work.service;
    const struct tp_secret *password = signing->order.password;
    struct tp_error *error = signing->work.error;
    if (signing->order.level < TP_PADES_B_LT)
        return TP_OK;
    TP_TRY(tp_pades_dss_append(service, tp_pades_place_fd(place), password, signing->evidence, place, error));
    if (signing->order.level == TP_PADES_B_LTA)
        TP_TRY(tp_pades_stamp_append(service, tp_pades_place_fd(place), password, tp_pades_stamp_hash(signing->order.hash),
                                     signing->evidence, place, error, NULL));
    struct stat status;
    if (fstat(tp_pades_place_fd(place), &status) == 0)
        signing->result->length = (uint64_t)status.st_size;
    return TP_OK;
}

enum tp_rc tp_pades_sign(struct tp_pades_service *service, int in, const struct tp_pades_order *order,
                         struct tp_pades_place *place, struct tp_error *error, struct tp_pades_result *ret_result)
{
    struct tp_pades_result result = {.level = order->level};
    struct signing signing TP_AUTO(close_signing) = {.order = *order, .result = &result};
    TP_TRY(tp_pades_order_check(service, order, error));
    const bool new_field = order->field == NULL; /* whose widget lies on the first page, mostly */
    TP_TRY(tp_pades_work_open(service, in, order->password, new_field, error, &signing.work));
    TP_TRY(prepare(&signing));
    TP_TRY(prove_signer(&signing));
    TP_TRY(write_signed(&signing, place));
    TP_TRY(lengthen(&signing, place));
    *ret_result = result;
    return TP_OK;
}
