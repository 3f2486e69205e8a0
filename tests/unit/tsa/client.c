/* SPDX-License-Identifier: Apache-2.0
 *
 * Against authorities on loopback. What each lie is found by is in tests/integration/test_tsa.py; here it is about
 * several, about time, and about threads.
 */
#include "../authority/services.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "tsa/internal.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct tp_pki_anchors *anchors;
static char first[128], second[128];
static int64_t ahead_ms; /* of the monotonic clock */

int64_t tp_clock_monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

static void setup(void)
{
    struct tp_buf root;
    services_start();
    root = services_certificate("services.anchors");
    cr_assert_eq(tp_pki_anchors_new(&anchors), TP_OK);
    cr_assert_eq(tp_pki_anchors_add(anchors, tp_buf_bytes(&root), NULL), TP_OK);
    (void)snprintf(first, sizeof first, "%s", services_ask("services.tsa('first')"));
    (void)snprintf(second, sizeof second, "%s", services_ask("services.tsa('second')"));
    tp_buf_clear(&root);
}

static void teardown(void)
{
    tp_pki_anchors_free(anchors);
    services_stop();
}

TestSuite(client, .init = setup, .fini = teardown, .timeout = 60);

static struct tp_tsa_client *client_of(size_t places_len)
{
    const struct tp_tsa_place places[] = {{.url = first}, {.url = second}};
    const struct tp_tsa_client_config config = {.places = places, .places_len = places_len, .anchors = anchors};
    struct tp_tsa_client *client = NULL;
    cr_assert_eq(tp_tsa_client_new(&config, NULL, &client), TP_OK);
    return client;
}

static struct tp_error error;

static enum tp_rc stamp(struct tp_tsa_client *client)
{
    struct tp_buf token TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t digest[TP_SHA256_LEN];
    cr_assert_eq(tp_sha256(TP_BYTES("x", 1), TP_BYTES_NONE, TP_BYTES_NONE, digest), TP_OK);
    tp_error_clear(&error);
    const enum tp_rc rc = tp_tsa_client_stamp(client, TP_PKI_SHA256, TP_BYTES(digest, sizeof digest), &error, &token);
    cr_assert_eq(token.len > 0, rc == TP_OK);
    return rc;
}

static int asked(const char *name)
{
    return (int)services_number("services.asked('tsa/%s')", name);
}

Test(client, wants_somebody_to_ask_and_a_digest)
{
    struct tp_tsa_client *client = NULL;
    const struct tp_tsa_client_config nobody = {.places_len = 0}, many = {.places_len = TP_TSA_MOST + 1};
    cr_expect_eq(tp_tsa_client_new(&nobody, NULL, &client), TP_CONFIG);
    cr_expect_eq(tp_tsa_client_new(&many, NULL, &client), TP_CONFIG);
    const struct tp_tsa_place wrong[] = {{.url = first}, {.url = "htp://tsa.example/"}};
    const struct tp_tsa_client_config mistaken = {.places = wrong, .places_len = 2};
    cr_expect_eq(tp_tsa_client_new(&mistaken, NULL, &client), TP_BAD_ARGUMENT);
    struct tp_buf token = TP_BUF_INIT;
    client = client_of(1);
    cr_expect_eq(tp_tsa_client_stamp(client, TP_PKI_SHA256, TP_BYTES("short", 5), NULL, &token), TP_DATA_LENGTH);
    cr_expect_eq(tp_tsa_client_stamp(client, TP_PKI_HASH_NONE, TP_BYTES_NONE, NULL, &token), TP_DATA_LENGTH);
    cr_expect_eq(asked("first"), 0);
    tp_tsa_client_free(client);
}

Test(client, one_that_failed_is_left_alone_and_then_asked_again)
{
    struct tp_tsa_client *client = client_of(2);
    (void)services_ask("services.behave('tsa/first', 'http-400')");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(stamp(client), TP_OK, "%s", error.words);
    cr_expect_eq(asked("first"), 1);
    cr_expect_eq(asked("second"), 3);
    ahead_ms += 1100;
    cr_assert_eq(stamp(client), TP_OK);
    cr_expect_eq(asked("first"), 2);
    ahead_ms += 1100; /* the second time it is two seconds */
    cr_assert_eq(stamp(client), TP_OK);
    cr_expect_eq(asked("first"), 2);
    (void)services_ask("services.behave('tsa/first')");
    ahead_ms += 1000;
    cr_assert_eq(stamp(client), TP_OK);
    cr_expect_eq(asked("first"), 3);
    cr_assert_eq(stamp(client), TP_OK);
    cr_expect_eq(asked("first"), 4, "good again, and preferred");
    tp_tsa_client_free(client);
}

Test(client, a_lie_is_followed_by_a_rest_as_well)
{
    struct tp_tsa_client *client = client_of(2);
    (void)services_ask("services.behave('tsa/first', 'imprint')");
    cr_assert_eq(stamp(client), TP_OK);
    cr_assert_eq(stamp(client), TP_OK);
    cr_expect_eq(asked("first"), 1);
    tp_tsa_client_free(client);
}

Test(client, retry_after_is_heeded_and_told)
{
    struct tp_tsa_client *client = client_of(1);
    (void)services_ask("services.behave('tsa/first', 'http-429')"); /* Retry-After: 120 */
    cr_expect_eq(stamp(client), TP_UNREACHABLE);
    (void)services_ask("services.behave('tsa/first')");
    ahead_ms += 100000;
    cr_expect_eq(stamp(client), TP_UNREACHABLE);
    cr_expect_not_null(strstr(error.words, "not asked again for "), "%s", error.words);
    cr_expect_not_null(strstr(error.words, "status 429"), "%s", error.words);
    cr_expect_eq(asked("first"), 1);
    ahead_ms += 21000;
    cr_expect_eq(stamp(client), TP_OK, "%s", error.words);
    tp_tsa_client_free(client);
}

Test(client, a_moment_s_rest_is_waited_for_when_there_is_nobody_else)
{
    struct tp_tsa_client *client = client_of(1);
    (void)services_ask("services.behave('tsa/first', 'http-400')");
    cr_expect_eq(stamp(client), TP_UNREACHABLE);
    cr_expect_eq(asked("first"), 1, "which waiting would not change");
    (void)services_ask("services.behave('tsa/first')");
    const int64_t begin = tp_clock_monotonic_ms();
    cr_expect_eq(stamp(client), TP_OK, "%s", error.words);
    cr_expect_gt(tp_clock_monotonic_ms() - begin, 500);
    cr_expect_lt(tp_clock_monotonic_ms() - begin, 2500);
    tp_tsa_client_free(client);
}

Test(client, a_moment_s_trouble_is_waited_out_when_there_is_nobody_else)
{
    static const char *const troubles[] = {"http-500", "close"};
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        struct tp_tsa_client *client = client_of(1);
        const int before = asked("first");
        (void)services_ask("services.behave_once('tsa/first', '%s')", troubles[i]);
        cr_expect_eq(stamp(client), TP_OK, "%s: %s", troubles[i], error.words);
        cr_expect_eq(asked("first"), before + 2, "%s", troubles[i]);
        (void)services_ask("services.behave('tsa/first', '%s')", troubles[i]);
        tp_tsa_client_free(client);
        client = client_of(1); /* without a kept connection, of which libcurl tries another by itself */
        const int now = asked("first");
        cr_expect_eq(stamp(client), TP_UNREACHABLE, "%s", troubles[i]);
        cr_expect_eq(asked("first"), now + 2, "once, and not for ever");
        tp_tsa_client_free(client);
    }
}

Test(client, what_is_no_moment_s_trouble_is_not_waited_for)
{
    static const char *const troubles[] = {"http-400", "http-429", "imprint"};
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        struct tp_tsa_client *client = client_of(1);
        const int before = asked("first");
        (void)services_ask("services.behave('tsa/first', '%s')", troubles[i]);
        cr_expect_eq(stamp(client), TP_UNREACHABLE, "%s", troubles[i]);
        cr_expect_eq(asked("first"), before + 1, "%s", troubles[i]);
        tp_tsa_client_free(client);
    }
}

Test(client, all_that_failed_are_in_the_words)
{
    struct tp_tsa_client *client = client_of(2);
    (void)services_ask("services.behave('tsa/first', 'nonce')");
    (void)services_ask("services.behave('tsa/second', 'http-500')");
    cr_expect_eq(stamp(client), TP_UNREACHABLE);
    cr_expect(strstr(error.words, "another nonce") != NULL && strstr(error.words, "status 500") != NULL, "%s",
              error.words);
    tp_tsa_client_free(client);
}

static void *stamp_some(void *context)
{
    struct tp_tsa_client *client = context;
    static const uint8_t digest[32];
    size_t good = 0;
    for (int i = 0; i < 5; i++) {
        struct tp_buf token = TP_BUF_INIT;
        good += tp_tsa_client_stamp(client, TP_PKI_SHA256, TP_BYTES(digest, sizeof digest), NULL, &token) == TP_OK;
        tp_buf_clear(&token);
    }
    return (void *)good;
}

Test(client, threads_share_it)
{
    enum { THREADS = 12 };
    pthread_t threads[THREADS];
    struct tp_tsa_client *client = client_of(2);
    (void)services_ask("services.behave('tsa/first', 'http-500')");
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, stamp_some, client), 0);
    for (int i = 0; i < THREADS; i++) {
        void *good = NULL;
        cr_assert_eq(pthread_join(threads[i], &good), 0);
        cr_expect_eq((size_t)good, 5);
    }
    cr_expect_eq(asked("second"), THREADS * 5);
    tp_tsa_client_free(client);
}
