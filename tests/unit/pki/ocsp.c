/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ocsp.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/ocsp.h>
#include <stdlib.h>
#include <string.h>

static EVP_PKEY *ca_key, *other_key, *key, *responder_key;
static struct tp_buf ca, other_ca, leaf, responder;

static struct tp_buf ca_make(const char *name, EVP_PKEY *own)
{
    return forge_certificate(
        &(struct forge_certificate){.subject = name, .issuer = name, .key = own, .issuer_key = own, .is_ca = true});
}

static struct tp_buf responder_make(const char *issuer, EVP_PKEY *issuer_key, const char *usage, bool no_check)
{
    struct forge_certificate plan = {
        .subject = "responder", .issuer = issuer, .serial = "99", .key = responder_key, .issuer_key = issuer_key};
    size_t count = 0;
    if (usage != NULL)
        plan.extensions[count++] = (struct forge_extension){"extendedKeyUsage", usage};
    if (no_check)
        plan.extensions[count++] = (struct forge_extension){"noCheck", "ignored"};
    return forge_certificate(&plan);
}

static void setup(void)
{
    ca_key = forge_key("rsa-2048"), other_key = forge_key("P-256"), key = forge_key("P-256");
    responder_key = forge_key("P-256");
    ca = ca_make("ca", ca_key), other_ca = ca_make("other", other_key);
    leaf = forge_certificate(&(struct forge_certificate){
        .subject = "leaf", .issuer = "ca", .serial = "00F00D", .key = key, .issuer_key = ca_key});
    responder = responder_make("ca", ca_key, "OCSPSigning", true);
}

static void teardown(void)
{
    tp_buf_clear(&ca), tp_buf_clear(&other_ca), tp_buf_clear(&leaf), tp_buf_clear(&responder);
    EVP_PKEY_free(ca_key), EVP_PKEY_free(other_key), EVP_PKEY_free(key), EVP_PKEY_free(responder_key);
}

TestSuite(ocsp, .init = setup, .fini = teardown);

static X509 *x509_of(const struct tp_buf *der)
{
    const unsigned char *at = der->data;
    X509 *x509 = d2i_X509(NULL, &at, (long)der->len);
    cr_assert_not_null(x509);
    return x509;
}

struct single {
    const struct tp_buf *about; /* a certificate of ca */
    int status, reason;         /* V_OCSP_CERTSTATUS_…; CRLReason, or -1 */
    const char *this_update, *next_update;
    const char *md;
};
struct plan {
    struct single singles[4]; /* up to the first about nothing */
    const struct tp_buf *signer;
    EVP_PKEY *signer_key;
    bool by_key, no_certificates;
    const char *nonce;
    int status;     /* of the response */
    const char *md; /* of its signature; NULL: SHA-256 */
};

static void single_add(OCSP_BASICRESP *basic, const struct single *single, X509 *issuer)
{
    X509 *about = x509_of(single->about);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_get_digestbyname(single->md != NULL ? single->md : "SHA1"), about, issuer);
    ASN1_TIME *revoked = NULL, *this_update = ASN1_TIME_new(), *next_update = NULL;
    cr_assert_eq(
        ASN1_TIME_set_string(this_update, single->this_update != NULL ? single->this_update : "20260301000000Z"), 1);
    if (single->next_update != NULL) {
        next_update = ASN1_TIME_new();
        cr_assert_eq(ASN1_TIME_set_string(next_update, single->next_update), 1);
    }
    if (single->status == V_OCSP_CERTSTATUS_REVOKED) {
        revoked = ASN1_TIME_new();
        cr_assert_eq(ASN1_TIME_set_string(revoked, "20260202000000Z"), 1);
    }
    cr_assert_not_null(
        OCSP_basic_add1_status(basic, id, single->status, single->reason, revoked, this_update, next_update));
    ASN1_TIME_free(revoked), ASN1_TIME_free(this_update), ASN1_TIME_free(next_update);
    OCSP_CERTID_free(id);
    X509_free(about);
}

static struct tp_buf response_make(const struct plan *plan)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    X509 *issuer = x509_of(&ca), *signer = x509_of(plan->signer);
    for (size_t i = 0; i < 4 && plan->singles[i].about != NULL; i++)
        single_add(basic, &plan->singles[i], issuer);
    if (plan->nonce != NULL)
        cr_assert_eq(OCSP_basic_add1_nonce(basic, (unsigned char *)plan->nonce, (int)strlen(plan->nonce)), 1);
    const unsigned long flags = (plan->by_key ? OCSP_RESPID_KEY : 0) | (plan->no_certificates ? OCSP_NOCERTS : 0);
    const EVP_MD *md = EVP_get_digestbyname(plan->md != NULL ? plan->md : "SHA256");
    cr_assert_eq(OCSP_basic_sign(basic, signer, plan->signer_key, md, NULL, flags), 1);
    OCSP_RESPONSE *response = OCSP_response_create(plan->status, basic);
    unsigned char *der = NULL;
    const int len = i2d_OCSP_RESPONSE(response, &der);
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES(der, (size_t)len)), TP_OK);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response), OCSP_BASICRESP_free(basic);
    X509_free(issuer), X509_free(signer);
    return buf;
}

static struct plan good(void)
{
    return (struct plan){.singles = {{.about = &leaf, .reason = -1, .next_update = "20260308000000Z"}},
                         .signer = &ca,
                         .signer_key = ca_key};
}

static enum tp_rc find(const struct plan *plan, const char *nonce, struct tp_pki_ocsp_answer *answer)
{
    struct tp_buf response = response_make(plan);
    struct tp_error error = {0};
    const enum tp_rc rc = tp_pki_ocsp_find(tp_buf_bytes(&response), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL, 0,
                                           tp_bytes_of_string(nonce), &error, answer);
    cr_assert(rc == TP_OK || error.words[0] != '\0');
    tp_buf_clear(&response);
    return rc;
}

static void expect(const struct plan *plan, enum tp_rc rc)
{
    struct tp_pki_ocsp_answer answer = {0};
    cr_expect_eq(find(plan, NULL, &answer), rc, "%s", tp_rc_name(rc));
    cr_expect(rc == TP_OK || answer.responder.len == 0);
    tp_pki_ocsp_answer_clear(&answer);
}

/* ---- requests ---- */

Test(ocsp, requests_are_what_libcrypto_reads)
{
    struct tp_buf der = TP_BUF_INIT;
    cr_assert_eq(
        tp_pki_ocsp_request(tp_buf_bytes(&leaf), tp_buf_bytes(&ca), tp_bytes_of_string("0123456789"), NULL, &der),
        TP_OK);
    const unsigned char *at = der.data;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)der.len);
    cr_assert_not_null(request);
    cr_expect_eq(OCSP_request_onereq_count(request), 1);
    X509 *subject = x509_of(&leaf), *issuer = x509_of(&ca);
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), subject, issuer);
    cr_expect_eq(OCSP_id_cmp(id, OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0))), 0);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    cr_assert_eq(OCSP_basic_add1_nonce(basic, (unsigned char *)"0123456789", 10), 1);
    cr_expect_eq(OCSP_check_nonce(request, basic), 1);
    OCSP_BASICRESP_free(basic), OCSP_CERTID_free(id), OCSP_REQUEST_free(request);
    X509_free(subject), X509_free(issuer);
    tp_buf_clear(&der);
}

Test(ocsp, requests_for_another_issuer_or_with_a_long_nonce_are_refused)
{
    struct tp_buf der = TP_BUF_INIT;
    static const uint8_t nonce[33];
    cr_expect_eq(tp_pki_ocsp_request(tp_buf_bytes(&leaf), tp_buf_bytes(&other_ca), TP_BYTES_NONE, NULL, &der),
                 TP_BAD_ARGUMENT);
    cr_expect_eq(tp_pki_ocsp_request(tp_buf_bytes(&leaf), tp_buf_bytes(&ca), TP_BYTES(nonce, 33), NULL, &der),
                 TP_TOO_LARGE);
    cr_expect_eq(der.len, 0);
}

/* ---- answers ---- */

Test(ocsp, an_answer_of_the_issuer_says_what_it_says)
{
    const struct plan plan = good();
    struct tp_pki_ocsp_answer answer = {0};
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_GOOD);
    cr_expect_eq(answer.this_update_ms, INT64_C(1772323200000));
    cr_expect_eq(answer.next_update_ms, INT64_C(1772928000000));
    cr_expect_gt(answer.produced_ms, answer.this_update_ms - INT64_C(100000000000));
    cr_expect_eq(answer.revoked_ms, 0);
    cr_expect_null(answer.reason);
    cr_expect_not(answer.by_delegate);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&answer.responder), tp_buf_bytes(&ca)));
    tp_pki_ocsp_answer_clear(&answer);
}

Test(ocsp, revoked_and_unknown_are_told)
{
    struct plan plan = good();
    struct tp_pki_ocsp_answer answer = {0};
    plan.singles[0].status = V_OCSP_CERTSTATUS_REVOKED, plan.singles[0].reason = 1;
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_REVOKED);
    cr_expect_str_eq(answer.reason, "keyCompromise");
    cr_expect_eq(answer.revoked_ms, INT64_C(1769990400000));
    tp_pki_ocsp_answer_clear(&answer);
    plan.singles[0].reason = -1, plan.singles[0].next_update = NULL;
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_REVOKED);
    cr_expect_null(answer.reason);
    cr_expect_eq(answer.next_update_ms, 0);
    tp_pki_ocsp_answer_clear(&answer);
    plan.singles[0].status = V_OCSP_CERTSTATUS_UNKNOWN;
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_UNKNOWN);
    tp_pki_ocsp_answer_clear(&answer);
}

Test(ocsp, every_hash_and_both_forms_of_the_responders_name_will_do)
{
    static const char *const mds[] = {"SHA1", "SHA256", "SHA512"};
    for (size_t i = 0; i < 3; i++) {
        struct plan plan = good();
        plan.singles[0].md = mds[i], plan.by_key = i % 2 == 0;
        expect(&plan, TP_OK);
        plan.signer = &responder, plan.signer_key = responder_key;
        expect(&plan, TP_OK);
    }
}

Test(ocsp, a_delegate_answers_for_its_ca)
{
    struct plan plan = good();
    struct tp_pki_ocsp_answer answer = {0};
    plan.signer = &responder, plan.signer_key = responder_key;
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect(answer.by_delegate && answer.no_check);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&answer.responder), tp_buf_bytes(&responder)));
    tp_pki_ocsp_answer_clear(&answer);
    struct tp_buf checked = responder_make("ca", ca_key, "OCSPSigning", false);
    plan.signer = &checked;
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect(answer.by_delegate && !answer.no_check);
    tp_pki_ocsp_answer_clear(&answer);
    tp_buf_clear(&checked);
}

Test(ocsp, a_delegate_without_the_purpose_or_of_another_ca_does_not)
{
    struct tp_buf none = responder_make("ca", ca_key, NULL, true),
                  wrong = responder_make("ca", ca_key, "timeStamping", true),
                  any = responder_make("ca", ca_key, "anyExtendedKeyUsage", true),
                  stranger = responder_make("other", other_key, "OCSPSigning", true),
                  pretender = responder_make("ca", other_key, "OCSPSigning", true);
    const struct tp_buf *const signers[] = {&none, &wrong, &any, &stranger, &pretender};
    for (size_t i = 0; i < 5; i++) {
        struct plan plan = good();
        plan.signer = signers[i], plan.signer_key = responder_key;
        expect(&plan, TP_PEER);
    }
    tp_buf_clear(&none), tp_buf_clear(&wrong), tp_buf_clear(&any), tp_buf_clear(&stranger), tp_buf_clear(&pretender);
}

/* RFC 5280 §4.2, §4.2.1.3: what is said of every certificate holds for a responder's, too. */
Test(ocsp, a_delegate_whose_certificate_is_not_for_signing_or_not_understood_does_not)
{
    static const struct {
        const char *usage, *critical_oid;
        enum tp_rc rc;
    } rows[] = {{"critical,digitalSignature", NULL, TP_OK},
                {"critical,keyEncipherment", NULL, TP_PEER},
                {"critical,digitalSignature", "1.2.3.4", TP_PEER}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf made =
            forge_certificate(&(struct forge_certificate){.subject = "responder",
                                                          .issuer = "ca",
                                                          .key = responder_key,
                                                          .issuer_key = ca_key,
                                                          .key_usage = rows[i].usage,
                                                          .critical_oid = rows[i].critical_oid,
                                                          .extensions = {{"extendedKeyUsage", "OCSPSigning"}}});
        struct plan plan = good();
        plan.signer = &made, plan.signer_key = responder_key;
        expect(&plan, rows[i].rc);
        tp_buf_clear(&made);
    }
}

Test(ocsp, an_answer_that_is_signed_with_md5_proves_nothing)
{
    struct plan plan = good();
    plan.md = "MD5";
    expect(&plan, TP_UNSUPPORTED);
    plan.md = "SHA384";
    expect(&plan, TP_OK);
}

Test(ocsp, a_stranger_with_the_name_of_the_issuer_does_not)
{
    struct tp_buf false_ca = ca_make("ca", other_key);
    struct plan plan = good();
    plan.signer = &false_ca, plan.signer_key = other_key;
    struct tp_pki_ocsp_answer answer = {0};
    const enum tp_rc rc = find(&plan, NULL, &answer);
    cr_expect(rc == TP_CRYPTO || rc == TP_PEER, "%s", tp_rc_name(rc));
    plan.no_certificates = true;
    expect(&plan, TP_CRYPTO);
    tp_buf_clear(&false_ca);
}

Test(ocsp, a_responder_that_sends_no_certificate_is_looked_for_elsewhere)
{
    struct plan plan = good();
    plan.signer = &responder, plan.signer_key = responder_key, plan.no_certificates = true;
    expect(&plan, TP_PEER);
    struct tp_buf response = response_make(&plan);
    const struct tp_bytes extra[] = {tp_buf_bytes(&leaf), tp_buf_bytes(&responder)};
    struct tp_pki_ocsp_answer answer = {0};
    cr_assert_eq(tp_pki_ocsp_find(tp_buf_bytes(&response), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), extra, 2,
                                  TP_BYTES_NONE, NULL, &answer),
                 TP_OK);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&answer.responder), tp_buf_bytes(&responder)));
    tp_pki_ocsp_answer_clear(&answer);
    tp_buf_clear(&response);
}

Test(ocsp, a_responder_is_not_looked_for_among_thousands_of_its_name)
{
    struct tp_buf pretender = responder_make("ca", other_key, "OCSPSigning", true), response;
    struct tp_bytes extra[9];
    struct plan plan = good();
    plan.signer = &responder, plan.signer_key = responder_key, plan.no_certificates = true;
    response = response_make(&plan);
    for (size_t before = 7; before < 9; before++) {
        struct tp_pki_ocsp_answer answer = {0};
        for (size_t i = 0; i < before; i++)
            extra[i] = tp_buf_bytes(&pretender);
        extra[before] = tp_buf_bytes(&responder);
        const enum tp_rc rc = tp_pki_ocsp_find(tp_buf_bytes(&response), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), extra,
                                               before + 1, TP_BYTES_NONE, NULL, &answer);
        cr_expect_eq(rc, before < 8 ? TP_OK : TP_PEER, "%zu before: %s", before, tp_rc_name(rc));
        tp_pki_ocsp_answer_clear(&answer);
    }
    tp_buf_clear(&pretender), tp_buf_clear(&response);
}

Test(ocsp, of_several_answers_the_newest_about_this_certificate_counts)
{
    struct tp_buf sibling = forge_certificate(&(struct forge_certificate){
        .subject = "leaf", .issuer = "ca", .serial = "77", .key = key, .issuer_key = ca_key});
    struct plan plan = good();
    struct tp_pki_ocsp_answer answer = {0};
    plan.singles[0] = (struct single){.about = &sibling, .reason = -1};
    expect(&plan, TP_NOT_FOUND);
    plan.singles[1] = (struct single){.about = &leaf, .reason = -1, .this_update = "20260401000000Z"};
    plan.singles[2] = (struct single){
        .about = &leaf, .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 4, .this_update = "20260501000000Z"};
    plan.singles[3] = (struct single){.about = &leaf, .reason = -1, .this_update = "20260402000000Z"};
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_REVOKED);
    cr_expect_str_eq(answer.reason, "superseded");
    tp_pki_ocsp_answer_clear(&answer);
    plan.singles[3].this_update = "20260501000000Z"; /* as new, and good */
    cr_assert_eq(find(&plan, NULL, &answer), TP_OK);
    cr_expect_eq(answer.status, TP_PKI_OCSP_REVOKED);
    tp_pki_ocsp_answer_clear(&answer);
    tp_buf_clear(&sibling);
}

Test(ocsp, a_nonce_is_repeated_or_absent)
{
    struct plan plan = good();
    struct tp_pki_ocsp_answer answer = {0};
    cr_expect_eq(find(&plan, "my nonce", &answer), TP_OK);
    tp_pki_ocsp_answer_clear(&answer);
    plan.nonce = "my nonce";
    cr_expect_eq(find(&plan, "my nonce", &answer), TP_OK);
    tp_pki_ocsp_answer_clear(&answer);
    cr_expect_eq(find(&plan, NULL, &answer), TP_OK);
    tp_pki_ocsp_answer_clear(&answer);
    cr_expect_eq(find(&plan, "another", &answer), TP_PEER);
    cr_expect_eq(answer.responder.len, 0);
}

Test(ocsp, a_refusal_is_no_answer)
{
    struct plan plan = good();
    static const struct {
        int status;
        enum tp_rc rc;
    } rows[] = {{OCSP_RESPONSE_STATUS_TRYLATER, TP_BUSY},
                {OCSP_RESPONSE_STATUS_UNAUTHORIZED, TP_REFUSED},
                {OCSP_RESPONSE_STATUS_INTERNALERROR, TP_REFUSED},
                {OCSP_RESPONSE_STATUS_SIGREQUIRED, TP_REFUSED},
                {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, TP_REFUSED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plan.status = rows[i].status;
        expect(&plan, rows[i].rc);
    }
}

Test(ocsp, that_is_changed_or_cut_is_refused)
{
    const struct plan plan = good();
    struct tp_buf response = response_make(&plan);
    struct tp_pki_ocsp_answer answer = {0};
    for (size_t len = 0; len < response.len; len++)
        cr_assert_eq(tp_pki_ocsp_find(TP_BYTES(response.data, len), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL, 0,
                                      TP_BYTES_NONE, NULL, &answer),
                     TP_MALFORMED, "%zu", len);
    uint8_t *update = memmem(response.data, response.len, "20260301", 8);
    update[7] = '2';
    cr_expect_eq(tp_pki_ocsp_find(tp_buf_bytes(&response), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL, 0,
                                  TP_BYTES_NONE, NULL, &answer),
                 TP_CRYPTO);
    cr_expect_eq(tp_pki_ocsp_find(tp_buf_bytes(&response), tp_buf_bytes(&leaf), tp_buf_bytes(&other_ca), NULL, 0,
                                  TP_BYTES_NONE, NULL, &answer),
                 TP_BAD_ARGUMENT);
    uint8_t *large = calloc(1, TP_PKI_OCSP_MAX + 1);
    cr_expect_eq(tp_pki_ocsp_find(TP_BYTES(large, TP_PKI_OCSP_MAX + 1), tp_buf_bytes(&leaf), tp_buf_bytes(&ca), NULL, 0,
                                  TP_BYTES_NONE, NULL, &answer),
                 TP_TOO_LARGE);
    free(large);
    tp_buf_clear(&response);
}

/* ---- places ---- */

static struct tp_pki_places places_of(const char *access, const char *points)
{
    struct tp_pki_places places = {0};
    struct tp_buf der = forge_certificate(&(struct forge_certificate){
        .subject = "leaf",
        .issuer = "ca",
        .key = key,
        .issuer_key = ca_key,
        .extensions = {{"authorityInfoAccess", access}, {"crlDistributionPoints", points}}});
    cr_assert_eq(tp_pki_places_read(tp_buf_bytes(&der), NULL, &places), TP_OK);
    tp_buf_clear(&der);
    return places;
}

Test(ocsp, places_are_what_the_certificate_says)
{
    struct tp_pki_places places =
        places_of("OCSP;URI:http://ocsp.example/,caIssuers;URI:https://ca.example/ca.cer,OCSP;URI:HTTP://two.example/",
                  "URI:http://crl.example/1.crl,URI:ldap://crl.example/cn=x,URI:http://crl.example/1.crl");
    cr_assert_eq(places.ocsp_len, 2);
    cr_expect_str_eq(places.ocsp[0], "http://ocsp.example/");
    cr_assert_eq(places.issuer_len, 1);
    cr_expect_str_eq(places.issuer[0], "https://ca.example/ca.cer");
    cr_assert_eq(places.crl_len, 1);
    cr_expect_str_eq(places.crl[0], "http://crl.example/1.crl");
    tp_pki_places_clear(&places);
    cr_expect_eq(places.ocsp_len, 0);
}

Test(ocsp, places_that_are_no_urls_or_too_many_are_passed_over)
{
    struct tp_pki_places places =
        places_of("OCSP;URI:file:///etc/passwd,OCSP;URI:http://,OCSP;URI:http://a b/,OCSP;DNS:x.example",
                  "URI:http://1/,URI:http://2/,URI:http://3/,URI:http://4/,URI:http://5/");
    cr_expect_eq(places.ocsp_len, 0);
    cr_expect_eq(places.crl_len, 4);
    tp_pki_places_clear(&places);
    cr_expect_eq(tp_pki_places_read(tp_buf_bytes(&leaf), NULL, &places), TP_OK);
    cr_expect_eq(places.ocsp_len + places.crl_len + places.issuer_len, 0);
    cr_expect_eq(tp_pki_places_read(TP_BYTES("x", 1), NULL, &places), TP_MALFORMED);
}
