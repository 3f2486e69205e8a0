/* SPDX-License-Identifier: Apache-2.0
 *
 * From services that are there, that are not, and that lie.
 */
#include "base/clock.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/gather-XXXXXX";
static struct tp_validation_source *source;
static struct tp_error error;

static void source_open(struct tp_validation_source_config config)
{
    tp_validation_source_free(source);
    source = NULL;
    config.timeout_ms = 1500;
    cr_assert_eq(tp_validation_source_new(&config, &error, &source), TP_OK, "%s", error.words);
}

static void setup(void)
{
    world_start();
    cr_assert_not_null(mkdtemp(folder));
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
}

static void teardown(void)
{
    char command[64];
    tp_validation_source_free(source);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
    world_stop();
}

TestSuite(gather, .init = setup, .fini = teardown, .timeout = 60);

static enum tp_rc gather(const struct tp_buf *leaf)
{
    tp_evidence_free(world.evidence);
    cr_assert_eq(tp_evidence_new(&world.evidence), TP_OK);
    tp_error_clear(&error);
    return tp_validation_gather(source, tp_buf_bytes(leaf), TP_PKI_FOR_SIGNING, world.anchors, world.now_ms,
                                world.evidence, &error);
}

static size_t len(enum tp_evidence_kind kind)
{
    return tp_evidence_len(world.evidence, kind);
}

static bool says(const char *words)
{
    return strstr(error.words, words) != NULL;
}

Test(gather, ocsp_first_and_issuers_from_where_they_are)
{
    struct tp_buf alice = world_issue("'alice'");
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(len(TP_EVIDENCE_OCSP), 2);
    cr_expect_eq(len(TP_EVIDENCE_CRL), 0);
    cr_expect_eq(len(TP_EVIDENCE_CERTIFICATE), 3);
    cr_expect_eq(world_asked("ca/intermediate.cer"), 1);
    const struct tp_validation_question question = {.leaf = tp_buf_bytes(&alice),
                                                    .purpose = TP_PKI_FOR_SIGNING,
                                                    .anchors = world.anchors,
                                                    .now_ms = world.now_ms + 1000,
                                                    .poe_ms = INT64_MAX};
    struct tp_validation_answer answer = {0};
    cr_assert_eq(tp_validation_certificate(&question, world.evidence, NULL, &answer), TP_OK);
    cr_expect_eq(answer.verdict.indication, TP_TOTAL_PASSED, "what was gathered is enough: %s", answer.verdict.why);
    tp_validation_answer_clear(&answer);
    tp_buf_clear(&alice);
}

Test(gather, crls_where_ocsp_fails_lies_or_is_not_wanted)
{
    static const char *const lies[] = {"http-500", "hang",  "close",    "garbage",           "wrong-type",
                                       "unknown",  "stale", "stranger", "other-certificate", "try-later"};
    struct tp_buf alice = world_issue("'alice'");
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        source_open((struct tp_validation_source_config){.cache_dir = NULL});
        (void)services_ask("services.behave('ocsp/intermediate', '%s')", lies[i]);
        cr_assert_eq(gather(&alice), TP_OK, "%s: %s", lies[i], error.words);
        cr_expect_eq(len(TP_EVIDENCE_OCSP), 1, "%s", lies[i]);
        cr_expect_eq(len(TP_EVIDENCE_CRL), 1, "%s", lies[i]);
    }
    (void)services_ask("services.behave('ocsp/intermediate')");
    source_open((struct tp_validation_source_config){.crl_only = true});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(len(TP_EVIDENCE_OCSP), 0);
    cr_expect_eq(len(TP_EVIDENCE_CRL), 2);
    tp_buf_clear(&alice);
}

Test(gather, nothing_to_be_had_is_told_with_what_was_tried)
{
    struct tp_buf alice = world_issue("'alice'"), quiet = world_issue("'quiet', ocsp=False, crl=False");
    (void)services_ask("services.behave('ocsp/intermediate', 'http-500')");
    (void)services_ask("services.behave('crl/intermediate.crl', 'http-404')");
    cr_expect_eq(gather(&alice), TP_NOT_FOUND);
    cr_expect(says("CN=alice") && says("status 500") && says("status 404"), "%s", error.words);
    const int before = world_asked("ocsp/intermediate");
    cr_expect_eq(gather(&alice), TP_NOT_FOUND);
    cr_expect_eq(world_asked("ocsp/intermediate"), before, "not asked again at once");
    cr_expect(says("status 500"), "%s", error.words);
    cr_expect_eq(gather(&quiet), TP_NOT_FOUND);
    cr_expect(says("names no place"), "%s", error.words);
    tp_buf_clear(&alice), tp_buf_clear(&quiet);
}

/* Whoever names a responder as the place of his issuer's certificate keeps nobody else from asking it. */
Test(gather, a_place_that_refuses_one_question_is_asked_another)
{
    struct tp_buf alice = world_issue("'alice', crl=False");
    struct tp_buf odd = world_issue("'odd', issuer=services.stranger(), ocsp=False, crl=False, ca_issuers=False, extra=["
                                    "'authorityInfoAccess=caIssuers;URI:' + services.url('ocsp/intermediate')]");
    cr_expect_eq(gather(&odd), TP_PEER);
    cr_expect(says("status 405"), "%s", error.words);
    const int before = world_asked("ocsp/intermediate");
    cr_expect_eq(gather(&odd), TP_PEER);
    cr_expect_eq(world_asked("ocsp/intermediate"), before, "the same is not asked again at once");
    cr_expect_eq(gather(&alice), TP_OK, "%s", error.words);
    tp_buf_clear(&alice), tp_buf_clear(&odd);
}

Test(gather, who_verifies_asks_about_all_and_is_told_who_did_not_answer)
{
    struct tp_buf alice = world_issue("'alice', crl=False"), issuer = services_certificate("services.authorities['intermediate'].certificate");
    const struct tp_bytes chain[] = {tp_buf_bytes(&alice), tp_buf_bytes(&issuer), tp_buf_bytes(&world.root)};
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    const int before = world_asked("ocsp/intermediate");
    cr_expect_eq(tp_validation_gather_statuses(source, chain, 3, world.now_ms, INT64_MAX, world.evidence, &error), TP_OK, "%s", error.words);
    cr_expect_eq(world_asked("ocsp/intermediate"), before + 1);
    (void)services_ask("services.behave('ocsp/intermediate', 'http-500')");
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    cr_expect_eq(tp_validation_gather_statuses(source, chain, 3, world.now_ms, INT64_MAX, world.evidence, &error), TP_NOT_FOUND);
    cr_expect(says("CN=alice") && says("status 500"), "%s", error.words);
    tp_buf_clear(&alice), tp_buf_clear(&issuer);
}

Test(gather, revoked_is_told_with_when_and_why)
{
    struct tp_buf alice = world_issue("'alice'"), bob = world_issue("'bob', ocsp=False");
    (void)services_ask("services.revoke(services.leaves['alice'], 'keyCompromise', 1700000000)");
    (void)services_ask("services.revoke(services.leaves['bob'])");
    cr_expect_eq(gather(&alice), TP_REFUSED);
    cr_expect(says("CN=alice") && says("2023-11-14 22:13:20 UTC") && says("keyCompromise"), "%s", error.words);
    cr_expect_eq(gather(&bob), TP_REFUSED, "%s", error.words);
    (void)services_ask("services.revoke('intermediate')");
    struct tp_buf carol = world_issue("'carol'");
    cr_expect_eq(gather(&carol), TP_OK, "the answer of before is valid still");
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    cr_expect_eq(gather(&carol), TP_REFUSED);
    cr_expect(says("CN=intermediate CA"), "%s", error.words);
    tp_buf_clear(&alice), tp_buf_clear(&bob), tp_buf_clear(&carol);
}

Test(gather, revoked_since_does_not_count_for_who_asks_about_the_past)
{
    struct tp_buf alice = world_issue("'alice', start=services.now() - 9 * DAY");
    (void)services_ask("services.revoke(services.leaves['alice'], at=services.now() - 5 * DAY)");
    world.now_ms -= 6 * DAY_MS;
    cr_expect_eq(gather(&alice), TP_OK, "%s", error.words);
    world.now_ms += 2 * DAY_MS;
    cr_expect_eq(gather(&alice), TP_REFUSED, "%s", error.words);
    tp_buf_clear(&alice);
}

Test(gather, issuers_of_who_has_expired_are_asked_about)
{
    struct tp_buf late = world_issue("'late', start=services.now() - 40 * DAY, end=services.now() - DAY");
    cr_expect_eq(gather(&late), TP_PEER);
    cr_expect(says("expired"), "%s", error.words);
    cr_expect_eq(len(TP_EVIDENCE_OCSP), 1);
    cr_expect_str_eq(services_ask("services.asked('ocsp/root'), services.asked('ocsp/intermediate')"), "(1, 0)");
    tp_buf_clear(&late);
}

Test(gather, no_chain)
{
    struct tp_buf mallory = world_issue("'mallory', issuer=services.stranger()"), alice = world_issue("'alice'"),
                  late = world_issue("'late', start=services.now() - 40 * DAY, end=services.now() - DAY");
    cr_expect_eq(gather(&mallory), TP_PEER);
    cr_expect_eq(gather(&late), TP_PEER);
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    (void)services_ask(
        "services.publish('ca/intermediate.cer', services.der(services.authorities['root'].certificate))");
    cr_expect_eq(gather(&alice), TP_PEER);
    cr_expect(says("not the issuer's"), "%s", error.words);
    tp_buf_clear(&mallory), tp_buf_clear(&alice), tp_buf_clear(&late);
}

Test(gather, through_a_cache_that_lasts)
{
    struct tp_buf alice = world_issue("'alice'");
    source_open((struct tp_validation_source_config){.cache_dir = folder});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(world_asked("ocsp/intermediate"), 1);
    source_open((struct tp_validation_source_config){.cache_dir = folder, .offline = true});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(world_asked("ocsp/intermediate") + world_asked("ocsp/root") + world_asked("ca/intermediate.cer"), 3);
    char command[128];
    (void)snprintf(command, sizeof command,
                   "for f in %s/*; do printf x | dd of=$f bs=1 seek=80 conv=notrunc status=none; done", folder);
    cr_assert_eq(system(command), 0);
    source_open((struct tp_validation_source_config){.cache_dir = folder, .offline = true});
    cr_expect_eq(gather(&alice), TP_PEER, "damaged");
    source_open((struct tp_validation_source_config){.cache_dir = folder});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(world_asked("ocsp/intermediate"), 2);
    source_open((struct tp_validation_source_config){.cache_dir = folder, .offline = true});
    cr_expect_eq(gather(&alice), TP_OK, "and replaced: %s", error.words);
    tp_buf_clear(&alice);
}

Test(gather, what_is_not_recent_is_asked_again)
{
    struct tp_buf alice = world_issue("'alice'");
    source_open((struct tp_validation_source_config){.cache_dir = folder, .recent_ms = 60000});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    (void)services_ask("services.revoke(services.leaves['alice'])");
    cr_expect_eq(gather(&alice), TP_OK, "recent enough: %s", error.words);
    source_open((struct tp_validation_source_config){.cache_dir = folder, .recent_ms = 1});
    cr_assert_eq(usleep(5000), 0);
    cr_expect_eq(gather(&alice), TP_REFUSED, "the answer of before is valid still, and somebody knows more");
    tp_buf_clear(&alice);
}

Test(gather, what_is_not_recent_counts_where_nobody_answers)
{
    struct tp_buf alice = world_issue("'alice'");
    source_open((struct tp_validation_source_config){.cache_dir = folder});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    (void)services_ask("services.behave('ocsp/intermediate', 'close')");
    (void)services_ask("services.behave('crl/intermediate.crl', 'close')");
    source_open((struct tp_validation_source_config){.cache_dir = folder, .recent_ms = 1});
    cr_assert_eq(usleep(5000), 0);
    const int before = world_asked("ocsp/intermediate");
    cr_expect_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_gt(world_asked("ocsp/intermediate"), before);
    (void)services_ask("services.behave('ocsp/intermediate', 'unknown')");
    source_open((struct tp_validation_source_config){.cache_dir = folder, .recent_ms = 1});
    cr_expect_eq(gather(&alice), TP_NOT_FOUND, "a responder that does not know it any more has answered");
    tp_buf_clear(&alice);
}

/* With what was gathered before, as what a document has brought along. */
static enum tp_rc gather_again(const struct tp_buf *leaf)
{
    tp_error_clear(&error);
    return tp_validation_gather(source, tp_buf_bytes(leaf), TP_PKI_FOR_SIGNING, world.anchors, world.now_ms, world.evidence, &error);
}

Test(gather, asks_always_where_that_is_wanted)
{
    struct tp_buf alice = world_issue("'alice'");
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    (void)services_ask("services.behave('ocsp/intermediate', 'close')");
    (void)services_ask("services.behave('crl/intermediate.crl', 'close')");
    source_open((struct tp_validation_source_config){.always = true});
    cr_expect_eq(gather_again(&alice), TP_OK, "nobody answers: %s", error.words);
    (void)services_ask("services.behave('ocsp/intermediate')");
    (void)services_ask("services.revoke(services.leaves['alice'])");
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    cr_expect_eq(gather_again(&alice), TP_OK, "what is there is enough: %s", error.words);
    source_open((struct tp_validation_source_config){.always = true});
    cr_expect_eq(gather_again(&alice), TP_REFUSED);
    tp_buf_clear(&alice);
}

Test(gather, what_is_not_good_is_not_kept)
{
    struct tp_buf alice = world_issue("'alice'");
    source_open((struct tp_validation_source_config){.cache_dir = folder, .crl_only = false});
    (void)services_ask("services.behave('ocsp/intermediate', 'stranger')");
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    (void)services_ask("services.behave('ocsp/intermediate')");
    source_open((struct tp_validation_source_config){.cache_dir = folder});
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(len(TP_EVIDENCE_OCSP), 2);
    tp_buf_clear(&alice);
}

Test(gather, offline_uses_what_is_given)
{
    struct tp_buf alice = world_issue("'alice'");
    source_open((struct tp_validation_source_config){.offline = true});
    cr_expect_eq(gather(&alice), TP_PEER);
    cr_assert_eq(
        tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&world.intermediate), "", INT64_MAX),
        TP_OK);
    world_add_crl("root", INT64_MAX);
    cr_expect_eq(tp_validation_gather(source, tp_buf_bytes(&alice), TP_PKI_FOR_SIGNING, world.anchors, world.now_ms,
                                      world.evidence, &error),
                 TP_NOT_FOUND);
    cr_expect(says("the network is not to be asked"), "%s", error.words);
    world_add_crl("intermediate", INT64_MAX);
    cr_expect_eq(tp_validation_gather(source, tp_buf_bytes(&alice), TP_PKI_FOR_SIGNING, world.anchors, world.now_ms,
                                      world.evidence, &error),
                 TP_OK, "%s", error.words);
    cr_expect_eq(world_asked("ocsp/intermediate"), 0);
    tp_buf_clear(&alice);
}

Test(gather, a_crl_too_large_to_embed_is_told)
{
    struct tp_buf alice = world_issue("'alice', ocsp=False");
    source_open((struct tp_validation_source_config){.crl_most = 100});
    cr_expect_eq(gather(&alice), TP_TOO_LARGE, "%s", error.words);
    cr_expect(says("CN=alice") && says("embedded"), "%s", error.words);
    (void)services_ask("services.revoke(services.leaves['alice'])");
    source_open((struct tp_validation_source_config){.crl_most = 100});
    cr_expect_eq(gather(&alice), TP_REFUSED, "but it is believed: %s", error.words);
    tp_buf_clear(&alice);
}

Test(gather, the_chains_of_responders)
{
    struct tp_buf alice = world_issue("'alice'");
    (void)services_ask("services.responder('intermediate')");
    (void)services_ask("setattr(services.authorities['intermediate'], 'responder', services.issue('OCSP', "
                       "kind='ocsp-checked', ocsp=False))");
    cr_assert_eq(gather(&alice), TP_OK, "%s", error.words);
    cr_expect_eq(len(TP_EVIDENCE_CRL), 1, "of the responder");
    source_open((struct tp_validation_source_config){.cache_dir = NULL});
    (void)services_ask("services.revoke(services.leaves['OCSP'])");
    cr_expect_neq(gather(&alice), TP_OK);
    cr_expect(says("CN=OCSP"), "%s", error.words);
    tp_buf_clear(&alice);
}

Test(gather, many_places_that_hang_are_not_all_waited_for)
{
    char arguments[1024];
    const char *url = services_ask("services.url('x/')");
    (void)snprintf(arguments, sizeof arguments,
                   "'slow', ocsp=False, crl=False, ca_issuers=False, extra=['authorityInfoAccess=' + ','.join("
                   "f'OCSP;URI:%s{i}' for i in range(4)), 'crlDistributionPoints=' + ','.join(f'URI:%s{i}' for i in "
                   "range(4, 8))]",
                   url, url);
    struct tp_buf slow = world_issue(arguments);
    (void)services_ask("[services.behave(f'x/{i}', 'hang') for i in range(8)]");
    tp_validation_source_free(source);
    const struct tp_validation_source_config config = {.timeout_ms = 300};
    cr_assert_eq(tp_validation_source_new(&config, &error, &source), TP_OK);
    const int64_t begin = tp_clock_monotonic_ms();
    tp_error_clear(&error);
    cr_expect_eq(tp_validation_gather(source, tp_buf_bytes(&slow), TP_PKI_FOR_SIGNING, world.anchors, world.now_ms,
                                      world.evidence, &error),
                 TP_NOT_FOUND, "%s", error.words);
    const int64_t took = tp_clock_monotonic_ms() - begin;
    cr_expect(took > 1000 && took < 2000, "%d", (int)took);
    tp_buf_clear(&slow);
}
