/* SPDX-License-Identifier: Apache-2.0
 *
 * Each sub-indication, with its twin that passes.
 */
#include "world.h"

#include <string.h>

TestSuite(past, .init = world_start, .fini = world_stop, .timeout = 60);

static struct tp_validation_question question(const struct tp_buf *leaf)
{
    return (struct tp_validation_question){.leaf = tp_buf_bytes(leaf),
                                           .purpose = TP_PKI_FOR_SIGNING,
                                           .anchors = world.anchors,
                                           .now_ms = world.now_ms,
                                           .poe_ms = INT64_MAX};
}

static void expect(const struct tp_validation_question *asked, enum tp_indication indication, enum tp_subindication sub)
{
    struct tp_validation_answer answer = {0};
    struct tp_error error = {0};
    cr_assert_eq(tp_validation_certificate(asked, world.evidence, &error, &answer), TP_OK, "%s", error.words);
    cr_expect(answer.verdict.indication == indication && answer.verdict.sub == sub, "%s %s: %s",
              tp_indication_name(answer.verdict.indication), tp_subindication_name(answer.verdict.sub),
              answer.verdict.why);
    cr_expect_gt(strlen(answer.verdict.why), 0);
    tp_validation_answer_clear(&answer);
}

static void expect_other_than(const struct tp_validation_question *asked, enum tp_indication indication)
{
    struct tp_validation_answer answer = {0};
    cr_assert_eq(tp_validation_certificate(asked, world.evidence, NULL, &answer), TP_OK);
    cr_expect_neq(answer.verdict.indication, indication);
    tp_validation_answer_clear(&answer);
}

#define PASSES(q)           expect(q, TP_TOTAL_PASSED, TP_SUB_NONE)
#define INDETERMINATE(q, s) expect(q, TP_INDETERMINATE, TP_SUB_##s)
#define FAILS(q, s)         expect(q, TP_TOTAL_FAILED, TP_SUB_##s)

Test(past, good_now)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_intermediate(INT64_MAX);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    struct tp_validation_answer answer = {0};
    cr_assert_eq(tp_validation_certificate(&asked, world.evidence, NULL, &answer), TP_OK);
    cr_expect_eq(answer.verdict.indication, TP_TOTAL_PASSED, "%s", answer.verdict.why);
    cr_expect_eq(answer.control_ms, world.now_ms, "nothing made it slide");
    cr_assert_eq(answer.steps_len, 3);
    cr_expect(!answer.steps[0].anchor && !answer.steps[1].anchor && answer.steps[2].anchor);
    cr_expect_str_eq(answer.steps[0].certificate.subject, "CN=alice,O=Test,C=JP");
    cr_expect_eq(strncmp(answer.steps[0].status_from, "OCSP of CN=intermediate OCSP", 28), 0, "%s",
                 answer.steps[0].status_from);
    cr_expect_str_eq(answer.steps[2].status_from, "not checked: anchor");
    cr_expect_gt(answer.steps[0].status_ms, world.now_ms - DAY_MS);
    tp_validation_answer_clear(&answer);
    tp_buf_clear(&alice);
}

Test(past, good_by_crls)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    world_add_crl("intermediate", INT64_MAX);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

/* RFC 5280 §7.1: names are compared, and not how they are spelled. */
Test(past, good_by_a_crl_that_spells_its_issuer_in_other_strings)
{
    static const struct {
        int tag;
        bool same;
    } rows[] = {{0x13 /* PrintableString */, true}, {0x04 /* no string at all */, false}};
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    for (size_t i = 2; i-- > 0;) {
        (void)services_ask("setattr(services.authorities['intermediate'], 'crl_strings', %d)", rows[i].tag);
        world_add_crl("intermediate", INT64_MAX);
        expect(&asked, rows[i].same ? TP_TOTAL_PASSED : TP_INDETERMINATE, rows[i].same ? TP_SUB_NONE : TP_SUB_TRY_LATER);
    }
    tp_buf_clear(&alice);
}

Test(past, an_anchor_needs_no_status)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    cr_assert_eq(tp_pki_anchors_add(world.anchors, tp_buf_bytes(&alice), NULL), TP_OK);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, no_chain)
{
    struct tp_buf alice = world_issue("'alice'"), mallory = world_issue("'mallory', issuer=services.stranger()");
    struct tp_validation_question asked = question(&mallory);
    INDETERMINATE(&asked, NO_CERTIFICATE_CHAIN_FOUND);
    tp_evidence_free(world.evidence);
    cr_assert_eq(tp_evidence_new(&world.evidence), TP_OK);
    asked = question(&alice);
    INDETERMINATE(&asked, NO_CERTIFICATE_CHAIN_FOUND);
    tp_buf_clear(&alice), tp_buf_clear(&mallory);
}

Test(past, constraints)
{
    struct tp_buf alice = world_issue("'alice'"), odd = world_issue("'odd', extra=['1.2.3.4=critical,ASN1:NULL']");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX), world_add_crl("intermediate", INT64_MAX);
    asked.purpose = TP_PKI_FOR_TIMESTAMPING;
    INDETERMINATE(&asked, CHAIN_CONSTRAINTS_FAILURE);
    asked.purpose = TP_PKI_FOR_SIGNING;
    PASSES(&asked);
    asked = question(&odd);
    INDETERMINATE(&asked, CHAIN_CONSTRAINTS_FAILURE);
    tp_buf_clear(&alice), tp_buf_clear(&odd);
}

#define SHA1_ENDS_MS ((int64_t)1343779200000) /* 2012-08-01T00:00:00Z */

static void sha1_from_now_on(void)
{
    (void)services_ask("setattr(services.authorities['intermediate'], 'digest', 'sha1')");
}

static void world_forget(void)
{
    tp_evidence_free(world.evidence);
    cr_assert_eq(tp_evidence_new(&world.evidence), TP_OK);
    cr_assert_eq(
        tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&world.intermediate), "test", INT64_MAX),
        TP_OK);
    world_add_crl("root", INT64_MAX);
}

Test(past, answers_signed_over_sha1)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("services.responder('intermediate')"); /* its own certificate by SHA-256 */
    sha1_from_now_on();
    world_forget();
    world_add_ocsp(&alice, &world.intermediate, "intermediate", SHA1_ENDS_MS);
    INDETERMINATE(&asked, CRYPTO_CONSTRAINTS_FAILURE_NO_POE);
    world_forget();
    world_add_ocsp(&alice, &world.intermediate, "intermediate", SHA1_ENDS_MS - 1);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, lists_signed_over_sha1)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    sha1_from_now_on();
    world_forget();
    world_add_crl("intermediate", SHA1_ENDS_MS);
    INDETERMINATE(&asked, CRYPTO_CONSTRAINTS_FAILURE_NO_POE);
    world_forget();
    world_add_crl("intermediate", SHA1_ENDS_MS - 1);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, responders_whose_certificate_is_signed_over_sha1)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    sha1_from_now_on();
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'digest', 'sha256')"); /* of its answers */
    world_forget();
    world_add_ocsp(&alice, &world.intermediate, "intermediate", SHA1_ENDS_MS);
    INDETERMINATE(&asked, CRYPTO_CONSTRAINTS_FAILURE_NO_POE);
    world_forget();
    world_add_ocsp(&alice, &world.intermediate, "intermediate", SHA1_ENDS_MS - 1);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, a_revocation_is_heard_over_sha1_too)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 20 * DAY");
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 5 * DAY)");
    sha1_from_now_on();
    world_forget();
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    tp_buf_clear(&alice);
}

Test(past, revoked)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 20 * DAY");
    const int64_t revoked_ms = (world.now_ms / 1000 - 5 * 86400) * 1000;
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 5 * DAY)");
    world_add_crl("root", INT64_MAX);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    asked.poe_ms = revoked_ms + DAY_MS;
    INDETERMINATE(&asked, REVOKED_NO_POE);
    asked.after_ms = revoked_ms + 3600000;
    FAILS(&asked, REVOKED);
    asked.after_ms = 0, asked.poe_ms = revoked_ms - DAY_MS;
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, revoked_is_told_whatever_is_known_of_the_ca)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 60)");
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    tp_buf_clear(&alice);
}

/* Of 30 days ago, good for 7. */
static void add_stale_crl(const char *issuer_name, int64_t poe_ms)
{
    world_clock(world.now_ms - 30 * DAY_MS);
    world_add_crl(issuer_name, poe_ms);
    world_clock(INT64_MAX);
}

/* Of a root whose list ended 23 days ago, which is as far as control time slides; what says that she is good is as old. */
static struct tp_buf alice_of_a_stale_ca(void)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    add_stale_crl("root", world.now_ms - 29 * DAY_MS);
    add_stale_crl("intermediate", world.now_ms - 29 * DAY_MS);
    return alice;
}

Test(past, revoked_is_heard_from_after_the_time_that_a_stale_ca_is_good_for)
{
    struct tp_buf alice = alice_of_a_stale_ca();
    struct tp_validation_question asked = question(&alice);
    asked.poe_ms = world.now_ms - 29 * DAY_MS;
    PASSES(&asked);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 31 * DAY)");
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    asked.after_ms = world.now_ms - 30 * DAY_MS;
    FAILS(&asked, REVOKED);
    tp_buf_clear(&alice);
}

Test(past, revoked_since_is_heard_and_harms_nothing_from_before)
{
    struct tp_buf alice = alice_of_a_stale_ca();
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 10 * DAY)");
    world_add_crl("intermediate", INT64_MAX);
    asked.poe_ms = world.now_ms - 29 * DAY_MS;
    PASSES(&asked);
    asked.poe_ms = world.now_ms - 22 * DAY_MS;
    INDETERMINATE(&asked, TRY_LATER);
    asked.poe_ms = world.now_ms - 9 * DAY_MS;
    INDETERMINATE(&asked, REVOKED_NO_POE);
    tp_buf_clear(&alice);
}

/* By a list of two hours ago, and by one of now that has dropped it. */
static void expect_on_hold_and_good_again(const struct tp_validation_question *asked)
{
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', services.now() - 7200)");
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(asked, REVOKED_NO_POE);
    (void)services_ask("services.authorities['intermediate'].index.write_text('')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', None)");
    world_add_crl("intermediate", INT64_MAX);
    PASSES(asked);
}

Test(past, on_hold_is_heard_from_after_the_time_that_a_stale_ca_is_good_for_and_that_it_is_good_again)
{
    struct tp_buf alice = alice_of_a_stale_ca();
    struct tp_validation_question asked = question(&alice);
    asked.poe_ms = world.now_ms - 29 * DAY_MS;
    (void)services_ask("services.revoke(services.leaves['alice'], 'certificateHold', services.now() - 31 * DAY)");
    expect_on_hold_and_good_again(&asked);
    tp_buf_clear(&alice);
}

/* Whoever has a CA's key after it was revoked can revoke anybody, as of any time. */
Test(past, revoked_by_a_ca_that_was_revoked_before_is_not_heard)
{
    struct tp_buf alice = alice_of_a_stale_ca();
    struct tp_validation_question asked = question(&alice);
    asked.poe_ms = world.now_ms - 29 * DAY_MS;
    (void)services_ask("services.revoke('intermediate', 'CACompromise', services.now() - 5 * DAY)");
    world_add_crl("root", INT64_MAX);
    PASSES(&asked);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 31 * DAY)");
    world_add_crl("intermediate", INT64_MAX);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

/* Alice's list is good from 5 days ago on; somebody whose word is not good enough to vouch says that she was revoked before that. */
static struct tp_validation_question alice_is_good(const struct tp_buf *alice)
{
    struct tp_validation_question asked = question(alice);
    asked.poe_ms = world.now_ms - DAY_MS;
    world_add_crl("root", INT64_MAX);
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', services.now() - 5 * DAY)");
    world_add_crl("intermediate", INT64_MAX);
    PASSES(&asked);
    return asked;
}

Test(past, revoked_is_heard_from_a_responder_that_vouches_for_nobody_any_more)
{
    static const char *const responders[] = {"kind='ocsp', start=services.now() - 200 * DAY, end=services.now() - DAY // 2",
                                             "kind='ocsp-checked'"};
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    struct tp_validation_question asked = alice_is_good(&alice);
    (void)services_ask("services.responder('intermediate')");
    for (size_t i = 0; i < 2; i++) {
        world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
        PASSES(&asked);
        (void)services_ask("setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', %s))", responders[i]);
    }
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    PASSES(&asked);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 2 * DAY)");
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    asked.poe_ms = world.now_ms - 3 * DAY_MS;
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, revoked_is_heard_from_a_clock_that_is_ahead)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    struct tp_validation_question asked = alice_is_good(&alice);
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', services.now() + 7200)");
    world_add_crl("intermediate", INT64_MAX);
    PASSES(&asked);
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', services.now() - 2 * DAY)");
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    tp_buf_clear(&alice);
}

Test(past, an_anchor_that_has_ended_vouches)
{
    (void)services_ask("services.authority('ended', start=services.now() - 200 * DAY, end=services.now() - 10 * DAY)");
    (void)services_ask("services.authority('going', start=services.now() - 200 * DAY, end=services.now() + 10 * DAY)");
    struct tp_buf of_ended = world_issue("'alice', issuer='ended', ocsp=False, start=services.now() - 100 * DAY");
    struct tp_buf going = services_certificate("services.authorities['going'].certificate");
    struct tp_buf ended = services_certificate("services.authorities['ended'].certificate");
    struct tp_validation_question asked = question(&of_ended);
    cr_assert_eq(tp_pki_anchors_add(world.anchors, tp_buf_bytes(&going), NULL), TP_OK);
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&ended), "test", INT64_MAX), TP_OK);
    world_add_crl("ended", INT64_MAX);
    INDETERMINATE(&asked, NO_CERTIFICATE_CHAIN_FOUND);
    cr_assert_eq(tp_pki_anchors_add(world.anchors, tp_buf_bytes(&ended), NULL), TP_OK);
    PASSES(&asked);
    tp_buf_clear(&of_ended), tp_buf_clear(&going), tp_buf_clear(&ended);
}

Test(past, revoked_for_good_outweighs_a_newer_list_that_has_dropped_it)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.revoke(services.leaves['alice'], 'superseded', services.now() - 8000)");
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', services.now() - 7200)");
    world_add_crl("intermediate", INT64_MAX);
    (void)services_ask("services.authorities['intermediate'].index.write_text('')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', None)");
    world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_NO_POE);
    tp_buf_clear(&alice);
}

Test(past, on_hold_and_good_again)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.revoke(services.leaves['alice'], 'certificateHold', services.now() - 8000)");
    expect_on_hold_and_good_again(&asked);
    tp_buf_clear(&alice);
}

Test(past, revoked_ca)
{
    const int64_t then_ms = world.now_ms - 30 * DAY_MS, revoked_ms = world.now_ms - 5 * DAY_MS;
    struct tp_buf alice = world_issue("'alice', start=services.now() - 60 * DAY");
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("services.revoke('intermediate', 'CACompromise', services.now() - 5 * DAY)");
    world_add_crl("root", INT64_MAX);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_CA_NO_POE);
    asked.poe_ms = then_ms;
    INDETERMINATE(&asked, REVOKED_CA_NO_POE); /* its own status could be from after that */
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_time', services.now() - 29 * DAY)");
    (void)services_ask("setattr(services.authorities['intermediate'], 'crl_days', 40)");
    world_add_crl("intermediate", revoked_ms - DAY_MS);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

/* The leaf expired ten days ago; its last OCSP response is from five days before. */
static struct tp_buf expired_alice(int64_t *ret_then_ms)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY, end=services.now() - 10 * DAY");
    *ret_then_ms = (world.now_ms / 1000 - 15 * 86400) * 1000;
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', kind='ocsp', "
                       "start=services.now() - 200 * DAY, end=services.now() + 100 * DAY))");
    return alice;
}

Test(past, expired)
{
    int64_t then_ms = 0;
    struct tp_buf alice = expired_alice(&then_ms);
    struct tp_validation_question asked = question(&alice);
    world_add_intermediate(INT64_MAX);
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE);
    asked.poe_ms = then_ms + 3600000;
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE); /* within its time, but was it revoked? */
    world_clock(then_ms);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    PASSES(&asked);
    asked.strict = true; /* the response is a minute older than what it is to vouch for */
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE);
    asked.poe_ms = then_ms - 61000;
    PASSES(&asked);
    asked.strict = false, asked.poe_ms = INT64_MAX;
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NOT_REVOKED); /* the response was good until after the end */
    asked.after_ms = world.now_ms - DAY_MS;
    FAILS(&asked, EXPIRED);
    tp_buf_clear(&alice);
}

Test(past, data_from_after_the_end_says_nothing)
{
    int64_t then_ms = 0;
    struct tp_buf alice = expired_alice(&then_ms);
    struct tp_validation_question asked = question(&alice);
    world_add_intermediate(INT64_MAX);
    world_add_crl("intermediate", INT64_MAX);
    asked.poe_ms = then_ms;
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE);
    tp_buf_clear(&alice);
}

Test(past, not_yet_valid)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() + DAY");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX), world_add_crl("intermediate", INT64_MAX);
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE);
    asked.poe_ms = world.now_ms - DAY_MS;
    FAILS(&asked, NOT_YET_VALID);
    tp_buf_clear(&alice);
}

Test(past, no_data_and_old_data)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    struct tp_validation_question asked = question(&alice);
    world_add_intermediate(INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    (void)services_ask("services.behave('ocsp/intermediate', 'stale')"); /* good from 30 to 23 days ago */
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    asked.poe_ms = world.now_ms - 24 * DAY_MS;
    PASSES(&asked);
    asked.poe_ms = world.now_ms - 22 * DAY_MS;
    INDETERMINATE(&asked, TRY_LATER);
    asked.poe_ms = INT64_MAX;
    (void)services_ask("services.behave('ocsp/intermediate')");
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, data_without_an_end_is_good_for_a_while)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.behave('ocsp/intermediate', 'no-next-update')");
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    PASSES(&asked);
    asked.now_ms += 2 * DAY_MS;
    INDETERMINATE(&asked, TRY_LATER);
    asked.grace_ms = 3 * DAY_MS;
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, a_responder_that_has_expired)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    const int64_t then_ms = world.now_ms - 20 * DAY_MS;
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', kind='ocsp', "
                       "start=services.now() - 200 * DAY, end=services.now() - 10 * DAY))");
    world_clock(then_ms);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    asked.poe_ms = then_ms;
    INDETERMINATE(&asked, REVOCATION_OUT_OF_BOUNDS_NO_POE);
    world_add_ocsp(&alice, &world.intermediate, "intermediate",
                   then_ms + 3 * DAY_MS); /* the same one, now with a proof */
    PASSES(&asked);
    tp_buf_clear(&alice);
}

Test(past, a_responder_is_as_good_as_its_own_status)
{
    struct tp_buf alice = world_issue("'alice'");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask(
        "setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', kind='ocsp-checked'))");
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    world_add_crl("intermediate", INT64_MAX); /* of alice as well; but the responder is looked at */
    PASSES(&asked);
    tp_buf_clear(&alice);
}

/* Its key may have been revoked since the list, and responses can be given any date. */
Test(past, a_responder_is_as_good_as_its_own_status_is_fresh)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 100 * DAY");
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', "
                       "kind='ocsp-checked', start=services.now() - 100 * DAY))");
    world_clock(world.now_ms - 20 * DAY_MS);
    world_add_crl("intermediate", INT64_MAX);
    world_clock(world.now_ms);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    INDETERMINATE(&asked, TRY_LATER);
    world_add_crl("intermediate", INT64_MAX);
    PASSES(&asked);
    tp_buf_clear(&alice);
}

/* Responses whose delegate's certificate has been tampered with: each costs signatures to be checked. */
static void add_rubbish(struct tp_bytes response, unsigned from, unsigned to)
{
    struct tp_buf changed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append(&changed, response), TP_OK);
    for (unsigned i = from; i < to; i++) {
        changed.data[changed.len - 1] = response.data[response.len - 1] ^ (uint8_t)(i + 1);
        cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_OCSP, tp_buf_bytes(&changed), "", INT64_MAX), TP_OK);
    }
}

Test(past, a_good_response_among_too_much_rubbish_is_not_believed)
{
    struct tp_buf alice = world_issue("'alice'"), genuine TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_validation_question asked = question(&alice);
    world_add_crl("root", INT64_MAX);
    world_add_ocsp(&alice, &world.intermediate, "intermediate", INT64_MAX);
    cr_assert_eq(tp_buf_append(&genuine, tp_evidence_at(world.evidence, TP_EVIDENCE_OCSP, 0)), TP_OK);
    add_rubbish(tp_buf_bytes(&genuine), 0, 64);
    PASSES(&asked);
    add_rubbish(tp_buf_bytes(&genuine), 64, 65);
    INDETERMINATE(&asked, TRY_LATER);
    tp_buf_clear(&alice);
}

Test(past, an_expired_ca_needs_proofs_from_before)
{
    const int64_t then_ms = world.now_ms - 20 * DAY_MS;
    (void)services_ask(
        "services.authority('old', issuer='root', start=services.now() - 200 * DAY, end=services.now() - 10 * DAY)");
    struct tp_buf alice =
        world_issue("'alice', issuer='old', start=services.now() - 100 * DAY, end=services.now() + DAY");
    struct tp_buf old = services_certificate("services.authorities['old'].certificate");
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&old), "test", INT64_MAX),
                 TP_OK);
    struct tp_validation_question asked = question(&alice);
    (void)services_ask("setattr(services.authorities['root'], 'crl_time', services.now() - 15 * DAY)");
    (void)services_ask("setattr(services.authorities['root'], 'crl_days', 40)");
    (void)services_ask("setattr(services.authorities['old'], 'crl_time', services.now() - 15 * DAY)");
    (void)services_ask("setattr(services.authorities['old'], 'crl_days', 40)");
    world_add_crl("root", INT64_MAX);
    world_add_crl("old", INT64_MAX);
    INDETERMINATE(&asked, REVOCATION_OUT_OF_BOUNDS_NO_POE);
    asked.poe_ms = then_ms;
    INDETERMINATE(&asked, REVOCATION_OUT_OF_BOUNDS_NO_POE);
    world_add_crl("old", then_ms + 8 * DAY_MS);
    PASSES(&asked);
    asked.poe_ms = INT64_MAX;
    INDETERMINATE(&asked, OUT_OF_BOUNDS_NO_POE);
    tp_buf_clear(&alice), tp_buf_clear(&old);
}

/* Two certificates of one key: who signed below it when the first was valid is as good by the second. */
Test(past, a_ca_that_was_renewed_is_good_by_either_certificate)
{
    (void)services_ask("services.authority('old', issuer='root', start=services.now() - 200 * DAY, end=services.now() - 10 * DAY)");
    struct tp_buf alice = world_issue("'alice', issuer='old', start=services.now() - 100 * DAY, end=services.now() + DAY");
    struct tp_buf old = services_certificate("services.authorities['old'].certificate");
    struct tp_validation_question asked = question(&alice);
    asked.poe_ms = world.now_ms - 50 * DAY_MS;
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&old), "test", INT64_MAX), TP_OK);
    world_add_crl("root", INT64_MAX), world_add_crl("old", INT64_MAX);
    expect_other_than(&asked, TP_TOTAL_PASSED);
    (void)services_ask("services.authorities['root'].sign(services.authorities['old'].folder / 'ca.csr', KINDS['ca'], "
                       "services.now() - 20 * DAY, services.now() + 300 * DAY)");
    struct tp_buf renewed = services_certificate("services.authorities['old'].certificate");
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&renewed), "test", INT64_MAX), TP_OK);
    world_add_crl("old", INT64_MAX);
    PASSES(&asked);
    (void)services_ask("services.revoke('old', 'superseded', services.now() - 60 * DAY)");
    world_add_crl("root", INT64_MAX);
    PASSES(&asked);
    tp_buf_clear(&alice), tp_buf_clear(&old), tp_buf_clear(&renewed);
}

Test(past, a_ca_whose_key_is_in_doubt_is_good_by_no_certificate)
{
    (void)services_ask("services.authority('old', issuer='root', start=services.now() - 200 * DAY, end=services.now() + 10 * DAY)");
    struct tp_buf alice = world_issue("'alice', issuer='old', start=services.now() - 100 * DAY, end=services.now() + DAY");
    struct tp_buf old = services_certificate("services.authorities['old'].certificate");
    struct tp_validation_question asked = question(&alice);
    asked.poe_ms = world.now_ms - 50 * DAY_MS;
    (void)services_ask("services.authorities['root'].sign(services.authorities['old'].folder / 'ca.csr', KINDS['ca'], "
                       "services.now() - 20 * DAY, services.now() + 300 * DAY)");
    struct tp_buf renewed = services_certificate("services.authorities['old'].certificate");
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&old), "test", INT64_MAX), TP_OK);
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&renewed), "test", INT64_MAX), TP_OK);
    world_add_crl("root", INT64_MAX), world_add_crl("old", INT64_MAX);
    PASSES(&asked);
    (void)services_ask("services.revoke('old', 'CACompromise', services.now() - 60 * DAY)");
    world_add_crl("root", INT64_MAX);
    INDETERMINATE(&asked, REVOKED_CA_NO_POE);
    tp_buf_clear(&alice), tp_buf_clear(&old), tp_buf_clear(&renewed);
}

Test(past, scoped_and_indirect_lists)
{
    static const struct {
        const char *scope;
        bool good;
    } rows[] = {{"onlyuser:TRUE", true},     {"onlyCA:TRUE", false},
                {"onlyAA:TRUE", false},      {"fullname:URI:http://elsewhere/x.crl", false},
                {"indirectCRL:TRUE", false}, {"onlysomereasons:keyCompromise", false}};
    struct tp_buf alice = world_issue("'alice'");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_evidence *before = world.evidence;
        struct tp_validation_question asked = question(&alice);
        cr_assert_eq(tp_evidence_new(&world.evidence), TP_OK);
        cr_assert_eq(
            tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&world.intermediate), "", INT64_MAX),
            TP_OK);
        world_add_crl("root", INT64_MAX);
        (void)services_ask("setattr(services.authorities['intermediate'], 'crl_extensions', "
                           "['issuingDistributionPoint=critical,%s'])",
                           rows[i].scope);
        world_add_crl("intermediate", INT64_MAX);
        expect(&asked, rows[i].good ? TP_TOTAL_PASSED : TP_INDETERMINATE,
               rows[i].good ? TP_SUB_NONE : TP_SUB_TRY_LATER);
        tp_evidence_free(world.evidence);
        world.evidence = before;
    }
    tp_buf_clear(&alice);
}
