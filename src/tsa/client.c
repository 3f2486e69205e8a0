/* SPDX-License-Identifier: Apache-2.0
 *
 * Which TSA is asked, and which one next.
 */
#include "base/clock.h"
#include "http/pool.h"
#include "tsa/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLERANCE_MS ((int64_t)300000)

/* One TSA, with copies of all that its place points at. */
struct authority {
    struct tp_tsa_place place;
    char *texts[6];
    struct tp_secret *password;
    struct tp_tsa_rest rest;       /* under the client's lock, as is: */
    char last[TP_ERROR_WORDS_LEN]; /* what it did when it failed last … */
    bool passing;                  /* … which may be over in a moment: see may_pass */
};

struct tp_tsa_client {
    struct authority *authorities;
    size_t len;
    struct tp_tsa_client_config config;
    struct tp_http_pool *pool;
    pthread_mutex_t lock;
};

/* ---- the handle ---- */

static enum tp_rc copy_texts(struct authority *authority, const struct tp_tsa_place *from)
{
    struct tp_tsa_place *place = &authority->place;
    const struct {
        const char *from, **to;
    } texts[] = {
        {from->url, &place->url},
        {from->policy, &place->policy},
        {from->access.ca_file, &place->access.ca_file},
        {from->access.certificate_file, &place->access.certificate_file},
        {from->access.key_file, &place->access.key_file},
        {from->access.user, &place->access.user},
    };
    _Static_assert(sizeof texts / sizeof texts[0] == sizeof authority->texts / sizeof authority->texts[0], "one each");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].from == NULL)
            continue;
        *texts[i].to = authority->texts[i] = strdup(texts[i].from);
        if (authority->texts[i] == NULL)
            return TP_MEMORY;
    }
    return TP_OK;
}

static enum tp_rc authority_init(struct authority *authority, const struct tp_tsa_place *from)
{
    authority->place.timeout_ms = from->timeout_ms;
    TP_TRY(copy_texts(authority, from));
    if (from->access.password == NULL)
        return TP_OK;
    TP_TRY(tp_secret_new_copy(tp_secret_bytes(from->access.password), &authority->password));
    authority->place.access.password = authority->password;
    return TP_OK;
}

static enum tp_rc authorities_init(struct tp_tsa_client *client, const struct tp_tsa_client_config *config)
{
    client->authorities = calloc(config->places_len, sizeof *client->authorities);
    if (client->authorities == NULL)
        return TP_MEMORY;
    client->len = config->places_len;
    for (size_t i = 0; i < client->len; i++)
        TP_TRY(authority_init(&client->authorities[i], &config->places[i]));
    return TP_OK;
}

enum tp_rc tp_tsa_place_check(const struct tp_tsa_place *place, struct tp_error *error)
{
    struct tp_error own = {0};
    const enum tp_rc rc = tp_http_check(place->url, &place->access, &own);
    if (rc == TP_OK || own.rc != rc)
        return rc;
    const bool named = rc == TP_BAD_ARGUMENT && strchr(place->url, '@') != NULL;
    return tp_error_set(error, rc, "%s%s", own.words, named ? " (say user and password_file for it in documents.conf)" : "");
}

enum tp_rc tp_tsa_client_new(const struct tp_tsa_client_config *config, struct tp_error *error,
                             struct tp_tsa_client **ret_client)
{
    if (config->places_len == 0)
        return tp_error_set(error, TP_CONFIG, "no timestamp authority is named");
    if (config->places_len > TP_TSA_MOST)
        return tp_error_set(error, TP_CONFIG, "more than %d timestamp authorities are named", TP_TSA_MOST);
    for (size_t i = 0; i < config->places_len; i++)
        TP_TRY(tp_tsa_place_check(&config->places[i], error));
    struct tp_tsa_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return TP_MEMORY;
    client->config = *config;
    client->config.places = NULL;
    if (client->config.clock_tolerance_ms == 0)
        client->config.clock_tolerance_ms = TOLERANCE_MS;
    if (pthread_mutex_init(&client->lock, NULL) != 0) {
        free(client);
        return TP_MEMORY;
    }
    if (tp_http_pool_new(&client->pool) != TP_OK || authorities_init(client, config) != TP_OK) {
        tp_tsa_client_free(client);
        return TP_MEMORY;
    }
    *ret_client = client;
    return TP_OK;
}

void tp_tsa_client_free(struct tp_tsa_client *client)
{
    if (client == NULL)
        return;
    for (size_t i = 0; i < client->len; i++) {
        for (size_t j = 0; j < sizeof client->authorities[i].texts / sizeof client->authorities[i].texts[0]; j++)
            free(client->authorities[i].texts[j]);
        tp_secret_free(client->authorities[i].password);
    }
    free(client->authorities);
    tp_http_pool_free(client->pool);
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

/* ---- one of them ---- */

/* How long it is to be left alone; then RET_LAST is why. */
static int64_t left_ms(struct tp_tsa_client *client, struct authority *authority, char ret_last[TP_ERROR_WORDS_LEN])
{
    (void)pthread_mutex_lock(&client->lock);
    const int64_t left = tp_tsa_rest_left_ms(&authority->rest, tp_clock_monotonic_ms());
    if (left > 0)
        memcpy(ret_last, authority->last, TP_ERROR_WORDS_LEN);
    (void)pthread_mutex_unlock(&client->lock);
    return left;
}

/* A server's own trouble, or a connection that broke. A lie, a wrong URL or a password that is refused stay what they are; and who
 * has not answered in time has had its time. */
static bool may_pass(enum tp_rc rc, int status)
{
    return rc == TP_UNREACHABLE || (rc == TP_REFUSED && status / 100 == 5);
}

static void note(struct tp_tsa_client *client, struct authority *authority, const struct tp_error *failure, int status,
                 int64_t retry_after_ms)
{
    (void)pthread_mutex_lock(&client->lock);
    if (failure == NULL) {
        tp_tsa_rest_succeeded(&authority->rest);
    } else {
        tp_tsa_rest_failed(&authority->rest, status, retry_after_ms, tp_clock_monotonic_ms());
        memcpy(authority->last, failure->words, sizeof authority->last);
        authority->passing = may_pass(failure->rc, status);
    }
    (void)pthread_mutex_unlock(&client->lock);
}

/* ERROR gets words in any case when this fails. */
static enum tp_rc ask_one(struct tp_tsa_client *client, struct authority *authority, enum tp_pki_hash hash,
                          struct tp_bytes digest, struct tp_error *error, struct tp_buf *ret_token)
{
    const struct tp_tsa_question question = {.place = &authority->place,
                                             .hash = hash,
                                             .digest = digest,
                                             .anchors = client->config.anchors,
                                             .tolerance_ms = client->config.clock_tolerance_ms};
    struct tp_http *http = NULL;
    int status = 0;
    int64_t retry_after_ms = 0;
    tp_error_clear(error);
    TP_TRY(tp_http_pool_take(client->pool, error, &http));
    const enum tp_rc rc = tp_tsa_exchange(&question, http, error, &status, &retry_after_ms, ret_token);
    tp_http_pool_give(client->pool, http);
    if (rc != TP_OK && error->rc != rc)
        (void)tp_error_set(error, rc, "%.200s: %s", authority->place.url, tp_rc_words(rc));
    if (rc != TP_MEMORY) /* which is not the TSA's fault */
        note(client, authority, rc == TP_OK ? NULL : error, status, retry_after_ms);
    return rc;
}

/* ---- all of them ---- */

/* What happened, in words as far as there is room: each TSA has the same. */
struct course {
    struct tp_buf words;
    size_t share;
    bool failed[TP_TSA_MOST];
    const struct authority *giver; /* of the token */
};

static void course_add(struct course *course, const char *words)
{
    if (tp_buf_printf(&course->words, "%s%.*s%s", course->words.len > 0 ? "; " : "", (int)course->share, words,
                      strlen(words) > course->share ? "…" : "") != TP_OK)
        tp_buf_reset(&course->words);
}

static void course_add_resting(struct course *course, int64_t left, const char *last)
{
    struct tp_error words = {0};
    (void)tp_error_set(&words, TP_OK, "(not asked again for %d s) %s", (int)((left + 999) / 1000), last);
    course_add(course, words.words);
}

static void tell(struct tp_tsa_client *client, const struct course *course)
{
    const struct tp_tsa_client_config *config = &client->config;
    char last[TP_ERROR_WORDS_LEN];
    for (size_t i = 0; config->told != NULL && i < client->len; i++) {
        if (!course->failed[i] || course->giver == &client->authorities[i])
            continue;
        (void)pthread_mutex_lock(&client->lock);
        memcpy(last, client->authorities[i].last, sizeof last);
        (void)pthread_mutex_unlock(&client->lock);
        config->told(config->context, client->authorities[i].place.url, last);
    }
    if (config->told != NULL)
        config->told(config->context, course->giver->place.url, NULL);
}

/* Of those of whom PASSING alone is wanted: who has failed in a way that may be over. NULL: nobody. */
static struct authority *soonest(struct tp_tsa_client *client, bool passing, int64_t *ret_left_ms)
{
    struct authority *found = NULL;
    const int64_t now_ms = tp_clock_monotonic_ms();
    (void)pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->len; i++) {
        struct authority *authority = &client->authorities[i];
        const int64_t left = tp_tsa_rest_left_ms(&authority->rest, now_ms);
        if ((!passing || authority->passing) && (found == NULL || left < *ret_left_ms))
            found = authority, *ret_left_ms = left;
    }
    (void)pthread_mutex_unlock(&client->lock);
    return found;
}

/* Nobody has given a token now, and one may in a moment: a batch does not fail for a second's hiccup. Once. */
static enum tp_rc wait_for_one(struct tp_tsa_client *client, bool passing, enum tp_pki_hash hash, struct tp_bytes digest,
                               struct tp_error *error, struct course *course, struct tp_buf *ret_token)
{
    int64_t left = 0;
    struct authority *authority = soonest(client, passing, &left);
    if (authority == NULL || left > TP_TSA_WAIT_MS)
        return TP_UNREACHABLE;
    const struct timespec span = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
    course->giver = authority;
    return ask_one(client, authority, hash, digest, error, ret_token);
}

static enum tp_rc ask_each(struct tp_tsa_client *client, enum tp_pki_hash hash, struct tp_bytes digest,
                           struct course *course, struct tp_buf *ret_token)
{
    char last[TP_ERROR_WORDS_LEN];
    struct tp_error own = {0};
    size_t asked = 0;
    for (size_t i = 0; i < client->len; i++) {
        const int64_t left = left_ms(client, &client->authorities[i], last);
        if (left > 0) {
            course_add_resting(course, left, last);
            continue;
        }
        asked++;
        course->giver = &client->authorities[i];
        const enum tp_rc rc = ask_one(client, &client->authorities[i], hash, digest, &own, ret_token);
        if (rc == TP_OK || rc == TP_MEMORY)
            return rc;
        course->failed[i] = true;
        course_add(course, own.words);
    }
    tp_error_clear(&own);
    const enum tp_rc rc = wait_for_one(client, asked > 0, hash, digest, &own, course, ret_token);
    if (rc == TP_OK || rc == TP_MEMORY)
        return rc;
    if (asked == 0 && own.rc != TP_OK) /* else each has said what it did */
        tp_buf_reset(&course->words), course_add(course, own.words);
    return TP_UNREACHABLE;
}

enum tp_rc tp_tsa_client_stamp(struct tp_tsa_client *client, enum tp_pki_hash hash, struct tp_bytes digest,
                               struct tp_error *error, struct tp_buf *ret_token)
{
    if (tp_pki_hash_len(hash) == 0 || digest.len != tp_pki_hash_len(hash))
        return tp_error_set(error, TP_DATA_LENGTH, "what is to be timestamped is no %s hash", tp_pki_hash_name(hash));
    struct course course = {.share = (TP_ERROR_WORDS_LEN - 40) / client->len};
    const enum tp_rc rc = ask_each(client, hash, digest, &course, ret_token);
    if (rc == TP_OK)
        tell(client, &course);
    if (rc == TP_UNREACHABLE)
        (void)tp_error_set(error, rc, "no timestamp: %s", tp_buf_string(&course.words));
    tp_buf_clear(&course.words);
    return rc;
}
