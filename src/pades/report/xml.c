/* SPDX-License-Identifier: Apache-2.0 */
/* ETSI TS 119 102-2 V1.2.1. What has no place in its schema (changes after signing, notes) stands in AdditionalValidationReportData. */
#include "pades/report/report.h"
#include "pades/report/markup.h"

#include <stdio.h>
#include <string.h>

#define OURS "urn:trustp11:validation:"

static const struct {
    enum tp_pki_hash hash;
    const char *uri; /* XML Encryption, RFC 9231 */
} digest_uris[] = {
    {TP_PKI_SHA1, "http://www.w3.org/2000/09/xmldsig#sha1"},
    {TP_PKI_SHA224, "http://www.w3.org/2001/04/xmldsig-more#sha224"},
    {TP_PKI_SHA256, "http://www.w3.org/2001/04/xmlenc#sha256"},
    {TP_PKI_SHA384, "http://www.w3.org/2001/04/xmldsig-more#sha384"},
    {TP_PKI_SHA512, "http://www.w3.org/2001/04/xmlenc#sha512"},
    {TP_PKI_SHA3_224, "http://www.w3.org/2007/05/xmldsig-more#sha3-224"},
    {TP_PKI_SHA3_256, "http://www.w3.org/2007/05/xmldsig-more#sha3-256"},
    {TP_PKI_SHA3_384, "http://www.w3.org/2007/05/xmldsig-more#sha3-384"},
    {TP_PKI_SHA3_512, "http://www.w3.org/2007/05/xmldsig-more#sha3-512"},
};

static const char *digest_uri(enum tp_pki_hash hash)
{
    for (size_t i = 0; i < sizeof digest_uris / sizeof digest_uris[0]; i++)
        if (digest_uris[i].hash == hash)
            return digest_uris[i].uri;
    return "urn:trustp11:digest:unknown";
}

static void put_digest(struct tp_pades_markup *xml, enum tp_pki_hash hash, struct tp_bytes digest)
{
    if (digest.len == 0)
        return;
    tp_pades_open(xml, "DigestAlgAndValue", NULL, NULL);
    tp_pades_open(xml, "ds:DigestMethod", "Algorithm", digest_uri(hash));
    tp_pades_close(xml);
    tp_pades_open(xml, "ds:DigestValue", NULL, NULL);
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_base64_encode(digest, &text) != TP_OK)
        xml->rc = TP_MEMORY;
    tp_pades_text(xml, "%s", tp_buf_string(&text));
    tp_pades_close(xml);
    tp_pades_close(xml);
}

static void put_identifier(struct tp_pades_markup *xml, const struct tp_pades_signature *signature, size_t index)
{
    char id[32];
    (void)snprintf(id, sizeof id, "S-%zu", index + 1);
    tp_pades_open(xml, "SignatureIdentifier", "id", id);
    put_digest(xml, signature->signed_hash, TP_BYTES(signature->signed_digest, signature->signed_digest_len));
    if (signature->value.len > 0)
        tp_pades_leaf_base64(xml, "ds:SignatureValue", tp_buf_bytes(&signature->value));
    tp_pades_leaf(xml, "HashOnly", "false");
    tp_pades_leaf(xml, "DocHashOnly", "false");
    tp_pades_leaf(xml, "DAIdentifier", signature->field);
    tp_pades_close(xml);
}

static void put_times(struct tp_pades_markup *xml, const struct tp_pades_verification *verification,
                      const struct tp_pades_signature *signature)
{
    bool proven = signature->proven_ms != INT64_MAX;
    tp_pades_open(xml, "ValidationTimeInfo", NULL, NULL);
    tp_pades_leaf_time(xml, "ValidationTime", verification->at_ms);
    tp_pades_open(xml, "BestSignatureTime", NULL, NULL);
    tp_pades_leaf_time(xml, "POETime", proven ? signature->proven_ms : verification->at_ms);
    tp_pades_leaf(xml, "TypeOfProof", "urn:etsi:019102:poetype:validation"); /* nobody can provide one */
    tp_pades_close(xml);
    tp_pades_close(xml);
}

static void put_wrapped(struct tp_pades_markup *xml, const char *element, const char *inner, const char *text)
{
    if (text[0] == '\0')
        return;
    tp_pades_open(xml, element, "Signed", "true");
    tp_pades_leaf(xml, inner, text);
    tp_pades_close(xml);
}

static void put_attributes(struct tp_pades_markup *xml, const struct tp_pades_signature *signature)
{
    tp_pades_open(xml, "SignatureAttributes", NULL, NULL);
    if (signature->claimed_ms != 0) {
        tp_pades_open(xml, "SigningTime", "Signed", "true");
        tp_pades_leaf_time(xml, "Time", signature->claimed_ms);
        tp_pades_close(xml);
    }
    for (size_t i = 0; i < signature->stamps_len; i++) {
        if (signature->stamps[i].time_ms == 0)
            continue;
        tp_pades_open(xml, signature->form == TP_PADES_DOCUMENT_TIMESTAMP ? "DocTimeStamp" : "SignatureTimeStamp", NULL, NULL);
        tp_pades_leaf_time(xml, "TimeStampValue", signature->stamps[i].time_ms);
        tp_pades_close(xml);
    }
    put_wrapped(xml, "Reason", "ReasonElement", signature->reason);
    put_wrapped(xml, "ContactInfo", "ContactInfoElement", signature->contact);
    put_wrapped(xml, "SubFilter", "SubFilterElement", signature->sub_filter);
    if (signature->form != TP_PADES_CMS && signature->range[1] > 0) {
        tp_pades_open(xml, "ByteRange", NULL, NULL);
        for (size_t i = 0; i < 4; i++)
            tp_pades_text(xml, "%s%llu", i == 0 ? "" : " ", (unsigned long long)signature->range[i]);
        tp_pades_close(xml);
    }
    tp_pades_close(xml);
}

/* The number of a certificate among the validation objects: they stand in the order of signatures and steps. */
static size_t first_object(const struct tp_pades_verification *verification, size_t index)
{
    size_t at = 1;
    for (size_t i = 0; i < index; i++)
        at += verification->signatures[i]->answer.steps_len;
    return at;
}

static void put_signer(struct tp_pades_markup *xml, const struct tp_pades_verification *verification, size_t index)
{
    const struct tp_pades_signature *signature = verification->signatures[index];
    char reference[32];
    if (signature->answer.steps_len == 0)
        return;
    (void)snprintf(reference, sizeof reference, "C-%zu", first_object(verification, index));
    tp_pades_open(xml, "SignerInformation", NULL, NULL);
    tp_pades_open(xml, "SignerCertificate", "VOReference", reference);
    tp_pades_close(xml);
    tp_pades_leaf(xml, "Signer", signature->signer);
    tp_pades_close(xml);
}

static void put_data(struct tp_pades_markup *xml, const char *type, const char *text)
{
    if (text[0] == '\0')
        return;
    tp_pades_open(xml, "ReportData", NULL, NULL);
    tp_pades_leaf(xml, "Type", type);
    tp_pades_leaf(xml, "Value", text);
    tp_pades_close(xml);
}

/* What is about no part of the schema's, of whom and what first. */
static void open_data(struct tp_pades_markup *xml, const char *name)
{
    tp_pades_open(xml, "AssociatedValidationReportData", NULL, NULL);
    tp_pades_open(xml, "AdditionalValidationReportData", NULL, NULL);
    put_data(xml, OURS "validator", "trustp11 " TP_VERSION);
    put_data(xml, OURS "file", name);
}

static void close_data(struct tp_pades_markup *xml)
{
    tp_pades_close(xml);
    tp_pades_close(xml);
}

static void put_change(struct tp_pades_markup *xml, const struct tp_pades_change *change)
{
    char text[TP_PADES_LINE_MAX + 128];
    (void)snprintf(text, sizeof text, "%s%s: %s (revision %u)", change->allowed ? "allowed" : "not allowed",
                   change->warned ? ", can mislead" : "", change->words, change->revision);
    put_data(xml, OURS "change", text);
}

/* The schema's attributes have neither DocMDP nor FieldMDP. */
static void put_restrictions(struct tp_pades_markup *xml, const struct tp_pades_signature *signature)
{
    char text[2 * TP_PADES_LINE_MAX], names[sizeof text - 16];
    if (signature->restriction.permission > 0) {
        (void)snprintf(text, sizeof text, "%u", signature->restriction.permission);
        put_data(xml, OURS "docmdp", text);
    }
    tp_pades_locks_list(&signature->restriction.locks, names, sizeof names);
    (void)snprintf(text, sizeof text, "%s%s%s", tp_pades_locking_name(signature->restriction.locks.kind), names[0] == '\0' ? "" : ": ", names);
    put_data(xml, OURS "fieldmdp", text);
}

static void put_status(struct tp_pades_markup *xml, const struct tp_pades_signature *signature, const char *name)
{
    static const char *const main_indications[] = {[TP_TOTAL_PASSED] = "urn:etsi:019102:mainindication:total-passed",
                                                   [TP_TOTAL_FAILED] = "urn:etsi:019102:mainindication:total-failed",
                                                   [TP_INDETERMINATE] = "urn:etsi:019102:mainindication:indeterminate"};
    char sub[96] = "";
    if (signature->verdict.sub != TP_SUB_NONE)
        (void)snprintf(sub, sizeof sub, "urn:etsi:019102:subindication:%s", tp_subindication_name(signature->verdict.sub));
    tp_pades_open(xml, "SignatureValidationStatus", NULL, NULL);
    tp_pades_leaf(xml, "MainIndication", main_indications[signature->verdict.indication]);
    tp_pades_leaf(xml, "SubIndication", sub);
    open_data(xml, name);
    put_data(xml, OURS "form", tp_pades_signature_form_words(signature->form));
    put_data(xml, OURS "words", signature->verdict.why);
    put_data(xml, OURS "level", tp_pades_reached_name(signature->reached));
    put_restrictions(xml, signature);
    for (size_t i = 0; i < signature->changes_len; i++)
        put_change(xml, &signature->changes[i]);
    close_data(xml);
    tp_pades_close(xml);
}

static void put_signature(struct tp_pades_markup *xml, const struct tp_pades_verification *verification, size_t index, const char *name)
{
    const struct tp_pades_signature *signature = verification->signatures[index];
    tp_pades_open(xml, "SignatureValidationReport", NULL, NULL);
    put_identifier(xml, signature, index);
    put_times(xml, verification, signature);
    if (signature->digest_len > 0) {
        tp_pades_open(xml, "SignersDocument", NULL, NULL);
        put_digest(xml, signature->hash, TP_BYTES(signature->digest, signature->digest_len));
        tp_pades_close(xml);
    }
    put_attributes(xml, signature);
    put_signer(xml, verification, index);
    tp_pades_open(xml, "SignatureValidationProcess", NULL, NULL);
    tp_pades_leaf(xml, "SignatureValidationProcessID", "urn:etsi:019102:validationprocess:LTA");
    tp_pades_close(xml);
    put_status(xml, signature, name);
    tp_pades_close(xml);
}

static void put_objects(struct tp_pades_markup *xml, const struct tp_pades_verification *verification)
{
    char id[32];
    size_t number = 0;
    for (size_t i = 0; i < verification->signatures_len; i++) {
        const struct tp_validation_answer *answer = &verification->signatures[i]->answer;
        for (size_t k = 0; k < answer->steps_len; k++) {
            if (number == 0)
                tp_pades_open(xml, "SignatureValidationObjects", NULL, NULL);
            (void)snprintf(id, sizeof id, "C-%zu", ++number);
            tp_pades_open(xml, "ValidationObject", "id", id);
            tp_pades_leaf(xml, "ObjectType", "urn:etsi:019102:validationObject:certificate");
            tp_pades_open(xml, "ValidationObjectRepresentation", NULL, NULL);
            tp_pades_leaf_base64(xml, "base64", tp_buf_bytes(&answer->steps[k].der));
            tp_pades_close(xml);
            tp_pades_close(xml);
        }
    }
    if (number > 0)
        tp_pades_close(xml);
}

/* The schema wants one report at least, with an indication, and ETSI has none for a document without signatures: ours, which nobody
 * takes for one of theirs. */
static void put_not_signed(struct tp_pades_markup *xml, const struct tp_pades_verification *verification, const char *name)
{
    tp_pades_open(xml, "SignatureValidationReport", NULL, NULL);
    tp_pades_open(xml, "SignatureValidationStatus", NULL, NULL);
    tp_pades_leaf(xml, "MainIndication", OURS "not-signed");
    open_data(xml, name);
    put_data(xml, OURS "words", verification->verdict.why);
    close_data(xml);
    tp_pades_close(xml);
    tp_pades_close(xml);
}

enum tp_rc tp_pades_report_xml(const char *name, const struct tp_pades_verification *verification, struct tp_buf *ret_xml)
{
    struct tp_pades_markup xml = {.to = ret_xml};
    tp_pades_raw(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<ValidationReport xmlns=\"http://uri.etsi.org/19102/v1.2.1#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n");
    for (size_t i = 0; i < verification->signatures_len; i++)
        put_signature(&xml, verification, i, name);
    if (verification->signatures_len == 0)
        put_not_signed(&xml, verification, name);
    put_objects(&xml, verification);
    tp_pades_raw(&xml, "</ValidationReport>\n");
    return tp_pades_markup_end(&xml);
}
