/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/path.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define AT_MS (FORGE_NOT_BEFORE_MS + INT64_C(86400000) * 30)

static EVP_PKEY *root_key, *sub_key, *leaf_key, *other_key;
static struct tp_buf root, sub, leaf;
static struct tp_pki_anchors *anchors;

static struct forge_certificate ca_plan(const char *subject, EVP_PKEY *key, const char *issuer, EVP_PKEY *issuer_key)
{
    return (struct forge_certificate){.subject = subject,
                                      .issuer = issuer,
                                      .key = key,
                                      .issuer_key = issuer_key,
                                      .is_ca = true,
                                      .key_usage = "critical,keyCertSign,cRLSign"};
}

static struct tp_buf ca_make(const char *subject, EVP_PKEY *key, const char *issuer, EVP_PKEY *issuer_key)
{
    const struct forge_certificate plan = ca_plan(subject, key, issuer, issuer_key);
    return forge_certificate(&plan);
}

static struct forge_certificate leaf_plan(void)
{
    return (struct forge_certificate){.subject = "leaf",
                                      .issuer = "sub",
                                      .key = leaf_key,
                                      .issuer_key = sub_key,
                                      .key_usage = "critical,digitalSignature"};
}

static void setup(void)
{
    root_key = forge_key("P-256"), sub_key = forge_key("P-256"), leaf_key = forge_key("P-256"),
    other_key = forge_key("P-256");
    root = ca_make("root", root_key, "root", root_key);
    sub = ca_make("sub", sub_key, "root", root_key);
    const struct forge_certificate plan = leaf_plan();
    leaf = forge_certificate(&plan);
    cr_assert_eq(tp_pki_anchors_new(&anchors), TP_OK);
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&root), NULL), TP_OK);
}

static void teardown(void)
{
    tp_pki_anchors_free(anchors);
    tp_buf_clear(&root), tp_buf_clear(&sub), tp_buf_clear(&leaf);
    EVP_PKEY_free(root_key), EVP_PKEY_free(sub_key), EVP_PKEY_free(leaf_key), EVP_PKEY_free(other_key);
}

TestSuite(path, .init = setup, .fini = teardown);

static struct tp_pki_path build(const struct tp_buf *certificate, const struct tp_buf *pool, size_t pool_len,
                                enum tp_pki_purpose purpose, int64_t at_ms)
{
    struct tp_pki_path path = {0};
    struct tp_error error = {0};
    static struct tp_bytes views[2000];
    for (size_t i = 0; i < pool_len; i++)
        views[i] = tp_buf_bytes(&pool[i]);
    cr_assert_eq(tp_pki_path_build(tp_buf_bytes(certificate), views, pool_len, anchors, purpose, at_ms, &error, &path),
                 TP_OK, "%s", tp_error_words(&error));
    cr_expect_gt(path.len, 0);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&path.certificates[0]), tp_buf_bytes(certificate)));
    cr_expect_eq(path.flaw == TP_PKI_PATH_GOOD, path.why[0] == '\0', "%s", path.why);
    return path;
}

static void expect(const struct tp_buf *certificate, const struct tp_buf *pool, size_t pool_len,
                   enum tp_pki_purpose purpose, int64_t at_ms, enum tp_pki_path_flaw flaw, size_t flaw_at, size_t len)
{
    struct tp_pki_path path = build(certificate, pool, pool_len, purpose, at_ms);
    cr_expect_eq(path.flaw, flaw, "%d rather than %d: %s", (int)path.flaw, (int)flaw, path.why);
    cr_expect_eq(path.flaw_at, flaw_at, "%zu: %s", path.flaw_at, path.why);
    cr_expect_eq(path.len, len, "%zu", path.len);
    tp_pki_path_clear(&path);
}

/* LEAF's plan under sub under root. */
static void expect_leaf(const struct forge_certificate *plan, enum tp_pki_purpose purpose, enum tp_pki_path_flaw flaw)
{
    struct tp_buf made = forge_certificate(plan);
    expect(&made, &sub, 1, purpose, AT_MS, flaw, 0, 3);
    tp_buf_clear(&made);
}

/* SUB's plan, with the usual leaf below it. */
static void expect_sub(const struct forge_certificate *plan, int64_t at_ms, enum tp_pki_path_flaw flaw, size_t at)
{
    struct tp_buf made = forge_certificate(plan);
    expect(&leaf, &made, 1, TP_PKI_FOR_SIGNING, at_ms, flaw, at, 3);
    tp_buf_clear(&made);
}

/* ---- good ones ---- */

Test(path, goes_from_the_leaf_to_the_anchor)
{
    struct tp_pki_path path = build(&leaf, &sub, 1, TP_PKI_FOR_SIGNING, AT_MS);
    cr_expect_eq(path.flaw, TP_PKI_PATH_GOOD, "%s", path.why);
    cr_assert_eq(path.len, 3);
    cr_expect(tp_bytes_equal(tp_buf_bytes(&path.certificates[1]), tp_buf_bytes(&sub)));
    cr_expect(tp_bytes_equal(tp_buf_bytes(&path.certificates[2]), tp_buf_bytes(&root)));
    tp_pki_path_clear(&path);
    cr_expect_eq(path.len, 0);
}

Test(path, ends_at_an_intermediate_ca_or_at_a_leaf_that_is_trusted)
{
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&sub), NULL), TP_OK);
    expect(&leaf, NULL, 0, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 2);
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&leaf), NULL), TP_OK);
    expect(&leaf, NULL, 0, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 1);
    expect(&leaf, NULL, 0, TP_PKI_FOR_SIGNING, FORGE_NOT_AFTER_MS + 1000, TP_PKI_PATH_EXPIRED, 0, 1);
}

Test(path, of_an_anchor_is_itself)
{
    expect(&root, NULL, 0, TP_PKI_FOR_ANYTHING, AT_MS, TP_PKI_PATH_GOOD, 0, 1);
}

/* ---- each flaw ---- */

Test(path, without_an_anchor)
{
    struct tp_buf stranger = ca_make("stranger", other_key, "stranger", other_key);
    expect(&leaf, NULL, 0, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_NO_ANCHOR, 0, 1);
    expect(&stranger, NULL, 0, TP_PKI_FOR_ANYTHING, AT_MS, TP_PKI_PATH_NO_ANCHOR, 0, 1);
    tp_pki_anchors_free(anchors), anchors = NULL;
    cr_assert_eq(tp_pki_anchors_new(&anchors), TP_OK);
    const struct tp_buf pool[] = {sub, root};
    expect(&leaf, pool, 2, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_NO_ANCHOR, 2, 3);
    tp_buf_clear(&stranger);
}

Test(path, expired_and_not_yet_valid_ones_are_built_all_the_same)
{
    expect(&leaf, &sub, 1, TP_PKI_FOR_SIGNING, FORGE_NOT_AFTER_MS + 1000, TP_PKI_PATH_EXPIRED, 0, 3);
    expect(&leaf, &sub, 1, TP_PKI_FOR_SIGNING, FORGE_NOT_BEFORE_MS - 1000, TP_PKI_PATH_NOT_YET, 0, 3);
    struct forge_certificate early = ca_plan("sub", sub_key, "root", root_key);
    early.not_after = "260115000000Z";
    expect_sub(&early, AT_MS, TP_PKI_PATH_EXPIRED, 1);
    struct forge_certificate late = ca_plan("sub", sub_key, "root", root_key);
    late.not_before = "260601000000Z";
    expect_sub(&late, AT_MS, TP_PKI_PATH_NOT_YET, 1);
}

Test(path, an_anchor_has_no_dates)
{
    struct forge_certificate old = ca_plan("old root", other_key, "old root", other_key);
    old.not_before = "200101000000Z", old.not_after = "210101000000Z";
    struct tp_buf anchor = forge_certificate(&old), below = ca_make("sub", sub_key, "old root", other_key);
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&anchor), NULL), TP_OK);
    expect(&leaf, &below, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    tp_buf_clear(&anchor), tp_buf_clear(&below);
}

Test(path, with_a_signature_that_does_not_fit_is_broken)
{
    struct forge_certificate forged = leaf_plan();
    forged.issuer_key = other_key;
    struct tp_buf made = forge_certificate(&forged);
    expect(&made, &sub, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_BROKEN, 0, 1);
    struct tp_buf changed = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append(&changed, tp_buf_bytes(&leaf)), TP_OK);
    changed.data[changed.len - 1] ^= 1;
    expect(&changed, &sub, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_BROKEN, 0, 1);
    struct forge_certificate false_sub = ca_plan("sub", sub_key, "root", other_key);
    struct tp_buf middle = forge_certificate(&false_sub);
    expect(&leaf, &middle, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_BROKEN, 1, 2);
    tp_buf_clear(&made), tp_buf_clear(&changed), tp_buf_clear(&middle);
}

Test(path, by_a_ca_that_may_not_issue_breaks_the_constraints)
{
    struct forge_certificate no_ca = ca_plan("sub", sub_key, "root", root_key);
    no_ca.is_ca = false;
    expect_sub(&no_ca, AT_MS, TP_PKI_PATH_CONSTRAINTS, 1);
    struct forge_certificate no_usage = ca_plan("sub", sub_key, "root", root_key);
    no_usage.key_usage = "critical,digitalSignature";
    expect_sub(&no_usage, AT_MS, TP_PKI_PATH_CONSTRAINTS, 1);
}

Test(path, that_is_longer_than_a_ca_allows_breaks_the_constraints)
{
    struct forge_certificate top = ca_plan("top", other_key, "root", root_key);
    top.is_ca = false;
    top.extensions[0] = (struct forge_extension){"basicConstraints", "critical,CA:TRUE,pathlen:0"};
    struct tp_buf pool[] = {forge_certificate(&top), ca_make("sub", sub_key, "top", other_key)};
    expect(&leaf, pool, 2, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_CONSTRAINTS, 2, 4);
    tp_buf_clear(&pool[0]);
    top.extensions[0].value = "critical,CA:TRUE,pathlen:1";
    pool[0] = forge_certificate(&top);
    expect(&leaf, pool, 2, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 4);
    tp_buf_clear(&pool[0]), tp_buf_clear(&pool[1]);
}

Test(path, outside_the_names_of_a_ca_breaks_the_constraints)
{
    struct forge_certificate limited = ca_plan("sub", sub_key, "root", root_key);
    limited.extensions[0] = (struct forge_extension){"nameConstraints", "critical,permitted;DNS:example.org"};
    struct tp_buf middle = forge_certificate(&limited);
    static const struct {
        const char *name;
        enum tp_pki_path_flaw flaw;
    } rows[] = {{"DNS:a.example.org", TP_PKI_PATH_GOOD}, {"DNS:a.example.com", TP_PKI_PATH_CONSTRAINTS}};
    for (size_t i = 0; i < 2; i++) {
        struct forge_certificate plan = leaf_plan();
        plan.extensions[0] = (struct forge_extension){"subjectAltName", rows[i].name};
        struct tp_buf made = forge_certificate(&plan);
        expect(&made, &middle, 1, TP_PKI_FOR_SIGNING, AT_MS, rows[i].flaw, 0, 3);
        tp_buf_clear(&made);
    }
    tp_buf_clear(&middle);
}

Test(path, takes_a_name_with_a_dot_for_a_person_s)
{
    static const char *const limits[] = {"critical,excluded;DNS:smith", "critical,permitted;DNS:example.org"};
    for (size_t i = 0; i < 2; i++) {
        struct forge_certificate limited = ca_plan("sub", sub_key, "root", root_key), plan = leaf_plan();
        limited.extensions[0] = (struct forge_extension){"nameConstraints", limits[i]};
        plan.subject = "J.Smith";
        struct tp_buf middle = forge_certificate(&limited), made = forge_certificate(&plan);
        expect(&made, &middle, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
        tp_buf_clear(&made);
        plan.extensions[0] = (struct forge_extension){"subjectAltName", "DNS:j.smith"};
        made = forge_certificate(&plan);
        expect(&made, &middle, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_CONSTRAINTS, 0, 3);
        tp_buf_clear(&made), tp_buf_clear(&middle);
    }
}

Test(path, with_an_unknown_critical_extension_breaks_the_constraints)
{
    struct forge_certificate plan = leaf_plan();
    plan.critical_oid = "1.3.6.1.4.1.55555.1";
    expect_leaf(&plan, TP_PKI_FOR_SIGNING, TP_PKI_PATH_CONSTRAINTS);
    struct forge_certificate middle = ca_plan("sub", sub_key, "root", root_key);
    middle.critical_oid = "1.3.6.1.4.1.55555.1";
    expect_sub(&middle, AT_MS, TP_PKI_PATH_CONSTRAINTS, 1);
}

/* RFC 3739 §3.2.6: QcCompliance, and with a statement that nobody knows. */
Test(path, of_a_qualified_certificate_that_says_so_critically)
{
    static const struct {
        const char *statements;
        enum tp_pki_path_flaw flaw;
    } rows[] = {
        {"critical,DER:300a3008060604008e460101", TP_PKI_PATH_GOOD},
        {"DER:300730050603290304", TP_PKI_PATH_GOOD},
        {"critical,DER:300730050603290304", TP_PKI_PATH_CONSTRAINTS},
        {"critical,DER:0500", TP_PKI_PATH_CONSTRAINTS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct forge_certificate plan = leaf_plan();
        plan.extensions[0] = (struct forge_extension){"qcStatements", rows[i].statements};
        expect_leaf(&plan, TP_PKI_FOR_SIGNING, rows[i].flaw);
        plan.critical_oid = "1.3.6.1.4.1.55555.1";
        expect_leaf(&plan, TP_PKI_FOR_SIGNING, TP_PKI_PATH_CONSTRAINTS);
    }
}

Test(path, without_the_policy_that_a_ca_wants_breaks_the_constraints)
{
    struct forge_certificate strict = ca_plan("sub", sub_key, "root", root_key);
    strict.extensions[0] = (struct forge_extension){"policyConstraints", "critical,requireExplicitPolicy:0"};
    strict.extensions[1] = (struct forge_extension){"certificatePolicies", "1.2.3.4"};
    struct tp_buf middle = forge_certificate(&strict);
    static const struct {
        const char *policy;
        enum tp_pki_path_flaw flaw;
    } rows[] = {{"1.2.3.4", TP_PKI_PATH_GOOD}, {"1.2.3.5", TP_PKI_PATH_CONSTRAINTS}};
    for (size_t i = 0; i < 2; i++) {
        struct forge_certificate plan = leaf_plan();
        plan.extensions[0] = (struct forge_extension){"certificatePolicies", rows[i].policy};
        struct tp_buf made = forge_certificate(&plan);
        struct tp_pki_path path = build(&made, &middle, 1, TP_PKI_FOR_SIGNING, AT_MS);
        cr_expect_eq(path.flaw, rows[i].flaw, "%s", path.why);
        tp_pki_path_clear(&path);
        tp_buf_clear(&made);
    }
    tp_buf_clear(&middle);
}

Test(path, the_worst_flaw_is_the_one_that_is_told)
{
    struct forge_certificate plan = leaf_plan();
    plan.critical_oid = "1.3.6.1.4.1.55555.1", plan.not_after = "260102000000Z";
    expect_leaf(&plan, TP_PKI_FOR_SIGNING, TP_PKI_PATH_CONSTRAINTS);
    plan.issuer_key = other_key;
    struct tp_buf made = forge_certificate(&plan);
    expect(&made, &sub, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_BROKEN, 0, 1);
    tp_buf_clear(&made);
}

/* ---- purposes ---- */

Test(path, fits_its_purpose_or_breaks_the_constraints)
{
    static const struct {
        const char *usage, *extended;
        enum tp_pki_path_flaw anything, signing, timestamping, ocsp;
    } rows[] = {
        {NULL, NULL, TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"critical,nonRepudiation", NULL, TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS},
        {"critical,keyEncipherment", NULL, TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "critical,timeStamping", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "timeStamping", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "critical,timeStamping,OCSPSigning", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_GOOD},
        {"critical,digitalSignature", "serverAuth", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "serverAuth,clientAuth", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS}, /* a TLS server's */
        {"critical,digitalSignature", "clientAuth", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS}, /* many a person's card */
        {"critical,digitalSignature", "serverAuth,clientAuth,emailProtection", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "serverAuth,emailProtection", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"critical,digitalSignature", "critical,1.3.6.1.5.5.7.3.36", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS}, /* id-kp-documentSigning, RFC 9336 */
        {"critical,keyEncipherment", "critical,timeStamping", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS,
         TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct forge_certificate plan = leaf_plan();
        plan.key_usage = rows[i].usage;
        if (rows[i].extended != NULL)
            plan.extensions[0] = (struct forge_extension){"extendedKeyUsage", rows[i].extended};
        expect_leaf(&plan, TP_PKI_FOR_ANYTHING, rows[i].anything);
        expect_leaf(&plan, TP_PKI_FOR_SIGNING, rows[i].signing);
        expect_leaf(&plan, TP_PKI_FOR_TIMESTAMPING, rows[i].timestamping);
        expect_leaf(&plan, TP_PKI_FOR_OCSP, rows[i].ocsp);
    }
    expect(&sub, NULL, 0, TP_PKI_FOR_OCSP, AT_MS, TP_PKI_PATH_GOOD, 0, 2);
}

Test(path, below_a_ca_that_is_for_something_else_breaks_the_constraints)
{
    static const struct {
        const char *extended;
        enum tp_pki_path_flaw signing, stamping;
    } rows[] = {
        {NULL, TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD},
        {"anyExtendedKeyUsage", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD},
        {"serverAuth", TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"serverAuth,clientAuth", TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"critical,timeStamping", TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_GOOD},
        {"OCSPSigning", TP_PKI_PATH_CONSTRAINTS, TP_PKI_PATH_CONSTRAINTS},
        {"clientAuth,emailProtection", TP_PKI_PATH_GOOD, TP_PKI_PATH_CONSTRAINTS},
        {"emailProtection,timeStamping", TP_PKI_PATH_GOOD, TP_PKI_PATH_GOOD},
    };
    struct forge_certificate plan = leaf_plan();
    plan.extensions[0] = (struct forge_extension){"extendedKeyUsage", "critical,timeStamping"};
    struct tp_buf tsa = forge_certificate(&plan);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct forge_certificate ca = ca_plan("sub", sub_key, "root", root_key);
        if (rows[i].extended != NULL)
            ca.extensions[0] = (struct forge_extension){"extendedKeyUsage", rows[i].extended};
        struct tp_buf made = forge_certificate(&ca);
        expect(&leaf, &made, 1, TP_PKI_FOR_SIGNING, AT_MS, rows[i].signing, rows[i].signing == TP_PKI_PATH_GOOD ? 0 : 1, 3);
        expect(&tsa, &made, 1, TP_PKI_FOR_TIMESTAMPING, AT_MS, rows[i].stamping, rows[i].stamping == TP_PKI_PATH_GOOD ? 0 : 1, 3);
        tp_buf_clear(&made);
    }
    tp_buf_clear(&tsa);
}

Test(path, to_an_anchor_takes_it_for_what_it_was_named_for)
{
    struct forge_certificate ca = ca_plan("sub", sub_key, "root", root_key);
    ca.extensions[0] = (struct forge_extension){"extendedKeyUsage", "serverAuth"};
    struct tp_buf made = forge_certificate(&ca);
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&made), NULL), TP_OK);
    expect(&leaf, NULL, 0, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 2);
    tp_buf_clear(&made);
}

/* The public key of KEY, which is RSA, with another exponent. */
static EVP_PKEY *with_exponent(EVP_PKEY *key, unsigned long exponent)
{
    BIGNUM *n = NULL, *e = BN_new();
    EVP_PKEY *made = NULL;
    cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    cr_assert_eq(BN_set_word(e, exponent), 1);
    OSSL_PARAM_BLD *building = OSSL_PARAM_BLD_new();
    cr_assert(OSSL_PARAM_BLD_push_BN(building, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
              OSSL_PARAM_BLD_push_BN(building, OSSL_PKEY_PARAM_RSA_E, e) == 1);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(building);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    cr_assert_eq(EVP_PKEY_fromdata_init(context), 1);
    cr_assert_eq(EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(building);
    BN_free(n), BN_free(e);
    return made;
}

Test(path, of_a_key_that_anybody_signs_with_breaks_the_constraints)
{
    static const struct {
        unsigned long exponent;
        enum tp_pki_path_flaw flaw;
    } rows[] = {{1, TP_PKI_PATH_CONSTRAINTS}, {2, TP_PKI_PATH_CONSTRAINTS}, {3, TP_PKI_PATH_GOOD}, {65537, TP_PKI_PATH_GOOD}};
    EVP_PKEY *rsa = forge_key("rsa-2048");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct forge_certificate plan = leaf_plan();
        plan.key = with_exponent(rsa, rows[i].exponent);
        expect_leaf(&plan, TP_PKI_FOR_SIGNING, rows[i].flaw);
        EVP_PKEY_free(plan.key);
    }
    EVP_PKEY_free(rsa);
}

/* ---- pools ---- */

Test(path, comes_back_from_a_cross_certificate_that_leads_nowhere)
{
    EVP_PKEY *far_key = forge_key("P-256");
    /* sub by a root that nobody trusts, and by one that is trusted: in either order */
    struct tp_buf astray = ca_make("sub", sub_key, "far root", far_key),
                  far = ca_make("far root", far_key, "far root", far_key);
    const struct tp_buf first[] = {astray, far, sub}, last[] = {sub, far, astray};
    expect(&leaf, first, 3, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    expect(&leaf, last, 3, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    tp_buf_clear(&astray), tp_buf_clear(&far);
    EVP_PKEY_free(far_key);
}

Test(path, takes_the_way_without_flaws)
{
    struct forge_certificate old = ca_plan("sub", sub_key, "root", root_key);
    old.not_after = "260115000000Z";
    struct forge_certificate limited = ca_plan("sub", sub_key, "root", root_key);
    limited.critical_oid = "1.3.6.1.4.1.55555.1";
    struct tp_buf pool[] = {forge_certificate(&old), forge_certificate(&limited), sub};
    expect(&leaf, pool, 3, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    expect(&leaf, pool, 2, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_EXPIRED, 1, 3);
    tp_buf_clear(&pool[0]), tp_buf_clear(&pool[1]);
}

Test(path, does_not_go_round_in_loops)
{
    /* two CAs that certify each other, below nothing that is trusted */
    struct tp_buf pool[] = {ca_make("sub", sub_key, "twin", other_key), ca_make("twin", other_key, "sub", sub_key)};
    struct tp_pki_path path = build(&leaf, pool, 2, TP_PKI_FOR_SIGNING, AT_MS);
    cr_expect_eq(path.flaw, TP_PKI_PATH_NO_ANCHOR, "%s", path.why);
    tp_pki_path_clear(&path);
    const struct tp_buf with_way[] = {pool[0], pool[1], sub};
    expect(&leaf, with_way, 3, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    tp_buf_clear(&pool[0]), tp_buf_clear(&pool[1]);
}

Test(path, in_a_pool_of_a_thousand_takes_no_time)
{
    static struct tp_buf pool[1000];
    char name[16], issuer[16];
    /* all CAs with one key, each certified by others: signatures fit everywhere, and no way leads out */
    for (size_t i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "%s%zu", i < 500 ? "sub" : "mesh", i < 500 ? (size_t)0 : i % 10);
        (void)snprintf(issuer, sizeof issuer, "mesh%zu", i / 10 % 10);
        if (i < 500)
            (void)strcpy(name, "sub");
        pool[i] = ca_make(name, sub_key, issuer, sub_key);
    }
    const clock_t begin = clock(); /* of this process: the machine may be busy */
    struct tp_pki_path path = build(&leaf, pool, 1000, TP_PKI_FOR_SIGNING, AT_MS);
    const double took_s = (double)(clock() - begin) / CLOCKS_PER_SEC;
    cr_expect_eq(path.flaw, TP_PKI_PATH_NO_ANCHOR);
    cr_expect_lt(took_s, 2.0, "%f s", took_s);
    tp_pki_path_clear(&path);
    for (size_t i = 0; i < 1000; i++)
        tp_buf_clear(&pool[i]);
}

/* Certificates of name sub, and with the key identifier of the real one, when it has one: of other keys. */
static void decoys_make(struct tp_buf *pool, size_t pool_len, bool by_root, const char *key_id)
{
    struct forge_certificate plan = ca_plan("sub", other_key, "root", by_root ? other_key : sub_key);
    char serial[16];
    if (key_id != NULL)
        plan.extensions[0] = (struct forge_extension){"subjectKeyIdentifier", key_id};
    for (size_t i = 0; i < pool_len; i++) {
        (void)snprintf(serial, sizeof serial, "%zx", i + 16);
        plan.serial = serial;
        pool[i] = forge_certificate(&plan);
    }
}

static void pool_clear(struct tp_buf *pool, size_t pool_len)
{
    for (size_t i = 0; i < pool_len; i++)
        tp_buf_clear(&pool[i]);
}

Test(path, is_found_among_certificates_of_the_same_name)
{
    static struct tp_buf pool[301];
    decoys_make(pool + 1, 300, true, NULL);
    pool[0] = sub; /* one's own come first: the others do not use up what it needs */
    expect(&leaf, pool, 301, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    pool[0] = pool[200], pool[200] = sub; /* within what may be tried */
    expect(&leaf, pool, 301, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    pool[200] = TP_BUF_INIT;
    pool_clear(pool, 301);
}

/* RFC 4210 §4.4: the new key by the old one, under the CA's one name. */
Test(path, through_a_ca_that_has_changed_its_key)
{
    struct forge_certificate changed = ca_plan("root", other_key, "root", root_key), plan = leaf_plan();
    changed.extensions[0] = (struct forge_extension){"subjectKeyIdentifier", "0102030405"};
    changed.extensions[1] = (struct forge_extension){"authorityKeyIdentifier", "DER:300780050607080900"}; /* of the old key */
    plan.issuer = "root", plan.issuer_key = other_key; /* the name is all there is to go by */
    struct tp_buf between = forge_certificate(&changed), made = forge_certificate(&plan);
    expect(&made, &between, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    tp_buf_clear(&made);
    plan.issuer_key = sub_key;
    made = forge_certificate(&plan);
    expect(&made, &between, 1, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_BROKEN, 0, 1);
    tp_buf_clear(&made), tp_buf_clear(&between);
}

Test(path, prefers_the_key_identifier_that_is_asked_for)
{
    static struct tp_buf pool[601];
    struct forge_certificate middle = ca_plan("sub", sub_key, "root", root_key), below = leaf_plan();
    middle.extensions[0] = (struct forge_extension){"subjectKeyIdentifier", "0102030405"};
    below.extensions[0] = (struct forge_extension){"authorityKeyIdentifier", "DER:300780050102030405"};
    struct tp_buf made = forge_certificate(&below);
    decoys_make(pool, 600, true, NULL);
    pool[600] = forge_certificate(&middle);
    expect(&made, pool, 601, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, 3);
    pool_clear(pool, 600);
    decoys_make(pool, 600, true, "0102030405"); /* and says so when even that does not tell them apart */
    struct tp_pki_path path = build(&made, pool, 601, TP_PKI_FOR_SIGNING, AT_MS);
    cr_expect_eq(path.flaw, TP_PKI_PATH_NO_ANCHOR, "%s", path.why);
    cr_expect_not_null(strstr(path.why, "not all were tried"), "%s", path.why);
    tp_pki_path_clear(&path);
    pool_clear(pool, 601);
    tp_buf_clear(&made);
}

Test(path, in_a_pool_of_thousands_of_one_name_takes_no_time)
{
    static struct tp_buf pool[1900];
    decoys_make(pool, 1900, true, NULL);
    const clock_t begin = clock();
    struct tp_pki_path path = build(&leaf, pool, 1900, TP_PKI_FOR_SIGNING, AT_MS);
    const double took_s = (double)(clock() - begin) / CLOCKS_PER_SEC;
    cr_expect_eq(path.flaw, TP_PKI_PATH_NO_ANCHOR, "%s", path.why);
    cr_expect_lt(took_s, 0.4, "%f s", took_s);
    tp_pki_path_clear(&path);
    pool_clear(pool, 1900);
}

Test(path, has_an_end)
{
    EVP_PKEY *keys[20];
    struct tp_buf pool[20];
    char name[16], issuer[16];
    for (size_t i = 0; i < 20; i++)
        keys[i] = forge_key("P-256");
    for (size_t len = 13; len <= 14; len++) { /* CAs between leaf and anchor: with both, 15 and 16 … */
        for (size_t i = 0; i < len; i++) {
            (void)snprintf(name, sizeof name, "ca%zu", i);
            (void)snprintf(issuer, sizeof issuer, "ca%zu", i + 1);
            pool[i] = ca_make(name, keys[i], i + 1 == len ? "root" : issuer, i + 1 == len ? root_key : keys[i + 1]);
        }
        struct forge_certificate plan = leaf_plan();
        plan.issuer = "ca0", plan.issuer_key = keys[0];
        struct tp_buf made = forge_certificate(&plan);
        expect(&made, pool, len, TP_PKI_FOR_SIGNING, AT_MS, TP_PKI_PATH_GOOD, 0, len + 2);
        tp_buf_clear(&made);
        for (size_t i = 0; i < len; i++)
            tp_buf_clear(&pool[i]);
    }
    for (size_t i = 0; i < 15; i++) { /* … and one more */
        (void)snprintf(name, sizeof name, "ca%zu", i);
        (void)snprintf(issuer, sizeof issuer, "ca%zu", i + 1);
        pool[i] = ca_make(name, keys[i], i == 14 ? "root" : issuer, i == 14 ? root_key : keys[i + 1]);
    }
    struct forge_certificate plan = leaf_plan();
    plan.issuer = "ca0", plan.issuer_key = keys[0];
    struct tp_buf made = forge_certificate(&plan);
    struct tp_pki_path path = build(&made, pool, 15, TP_PKI_FOR_SIGNING, AT_MS);
    cr_expect_eq(path.flaw, TP_PKI_PATH_NO_ANCHOR, "%s", path.why);
    cr_expect_not_null(strstr(path.why, "too long"), "%s", path.why);
    tp_pki_path_clear(&path);
    tp_buf_clear(&made);
    for (size_t i = 0; i < 15; i++)
        tp_buf_clear(&pool[i]);
    for (size_t i = 0; i < 20; i++)
        EVP_PKEY_free(keys[i]);
}

Test(path, a_leaf_that_is_none_is_refused_and_rubbish_in_the_pool_is_passed_over)
{
    struct tp_pki_path path = {0};
    const struct tp_bytes pool[] = {TP_BYTES("rubbish", 7), TP_BYTES_NONE, tp_buf_bytes(&sub)};
    cr_expect_eq(tp_pki_path_build(TP_BYTES("x", 1), NULL, 0, anchors, TP_PKI_FOR_SIGNING, AT_MS, NULL, &path),
                 TP_MALFORMED);
    cr_expect_eq(path.len, 0);
    cr_assert_eq(tp_pki_path_build(tp_buf_bytes(&leaf), pool, 3, anchors, TP_PKI_FOR_SIGNING, AT_MS, NULL, &path),
                 TP_OK);
    cr_expect_eq(path.flaw, TP_PKI_PATH_GOOD, "%s", path.why);
    tp_pki_path_clear(&path);
}

/* ---- anchors ---- */

Test(path, anchors_come_from_files_each_once)
{
    struct tp_buf pem = TP_BUF_INIT;
    const struct tp_buf *const all[] = {&root, &sub, &root};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(all[i]), &pem), TP_OK);
    cr_expect_eq(tp_pki_anchors_len(anchors), 1);
    cr_expect_eq(tp_pki_anchors_add_file(anchors, tp_buf_bytes(&pem), NULL), TP_OK);
    cr_expect_eq(tp_pki_anchors_len(anchors), 2);
    cr_expect(tp_pki_anchors_have(anchors, tp_buf_bytes(&sub)));
    cr_expect_not(tp_pki_anchors_have(anchors, tp_buf_bytes(&leaf)));
    cr_expect_eq(tp_pki_anchors_add(anchors, TP_BYTES("x", 1), NULL), TP_MALFORMED);
    cr_expect_eq(tp_pki_anchors_add_file(anchors, tp_bytes_of_string("x"), NULL), TP_MALFORMED);
    cr_expect_eq(tp_pki_anchors_len(anchors), 2);
    tp_buf_clear(&pem);
}
