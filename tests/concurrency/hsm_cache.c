/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight threads get, use, put back and forget the same few keys, in a cache that is too small for them, while the token
 * is lost and found again under them. Every signature is made in the end, and no unwrapped key stays behind.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS     8
#define ROUNDS      150
#define KEYS        6
#define CACHED      4
#define LOSSES      3
#define PATIENCE_MS 30000

static struct tp_hsm *hsm;
static struct tp_buf uwk, spki;
static struct tp_secret *wrapped;
static atomic_uint signatures, absences;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "hsm_cache: %s\n", what);
    abort();
}

static void require_ok(enum tp_rc rc, const struct tp_error *error)
{
    require(rc == TP_OK, rc == TP_OK ? "" : tp_error_words(error));
}

static void make_token(char *ret_dir, size_t dir_len, char *ret_uri, size_t uri_len)
{
    char command[512];
    snprintf(ret_dir, dir_len, "/tmp/tp-hsm-cache-XXXXXX");
    require(mkdtemp(ret_dir) != NULL, "no temporary directory");
    snprintf(command, sizeof(command),
             "cd %s && mkdir tokens && echo directories.tokendir = %s/tokens >softhsm2.conf && umask 077 && "
             "echo 12345678 >pin && SOFTHSM2_CONF=%s/softhsm2.conf softhsm2-util --init-token --free --label test "
             "--so-pin 12345678 --pin 12345678 >/dev/null",
             ret_dir, ret_dir, ret_dir);
    require(system(command) == 0, "softhsm2-util failed");
    snprintf(command, sizeof(command), "%s/softhsm2.conf", ret_dir);
    setenv("SOFTHSM2_CONF", command, 1);
    snprintf(ret_uri, uri_len, "pkcs11:token=test?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:%s/pin",
             ret_dir);
}

static struct tp_hsm_session *acquire(void)
{
    struct tp_error error = {0};
    struct tp_hsm_session *session = NULL;
    require_ok(tp_hsm_session_acquire(hsm, tp_clock_monotonic_ms() + PATIENCE_MS, &error, &session), &error);
    return session;
}

static void make_keys(struct tp_hsm_session *session)
{
    struct tp_error error = {0};
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    require_ok(tp_hsm_token_keys_make(session, TP_BYTES_NONE, &error, backups), &error);
    require_ok(tp_hsm_token_keys_find(session, &error), &error);
    require_ok(tp_hsm_uwk_generate(session, &error, &uwk), &error);
    require_ok(tp_hsm_key_generate(session, tp_buf_bytes(&uwk), TP_HSM_P256, &error, &wrapped, &spki), &error);
}

static enum tp_rc load(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    (void)context, (void)error;
    ret_wrapped->type = TP_HSM_P256;
    TP_TRY(tp_buf_append(&ret_wrapped->uwk, tp_buf_bytes(&uwk)));
    return tp_secret_new_copy(tp_secret_bytes(wrapped), &ret_wrapped->key);
}

static enum tp_rc sign(struct tp_hsm_session *session, const char *id, struct tp_error *error)
{
    static const uint8_t hash[32] = {1};
    struct tp_hsm_sign_params params = {.mechanism = TP_HSM_ECDSA};
    struct tp_hsm_key *key = NULL;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len;
    TP_TRY(tp_hsm_key_get(session, id, load, NULL, error, &key));
    enum tp_rc rc = tp_hsm_sign(session, key, &params, TP_BYTES(hash, sizeof(hash)), error, signature, &len);
    tp_hsm_key_put(key);
    return rc;
}

static void sign_in_the_end(struct tp_hsm_session *session, const char *id)
{
    struct tp_error error = {0};
    enum tp_rc rc = sign(session, id, &error);
    while (rc == TP_HSM_ABSENT) {
        atomic_fetch_add(&absences, 1);
        require_ok(tp_hsm_session_renew(session, tp_clock_monotonic_ms() + PATIENCE_MS, &error), &error);
        rc = sign(session, id, &error);
    }
    require_ok(rc, &error);
    atomic_fetch_add(&signatures, 1);
}

static void *work(void *context)
{
    unsigned seed = *(unsigned *)context;
    struct tp_hsm_session *session = acquire();
    for (unsigned i = 0; i < ROUNDS; i++) {
        char id[TP_ID_LEN];
        snprintf(id, sizeof(id), "key-%d", rand_r(&seed) % KEYS);
        sign_in_the_end(session, id);
        if (rand_r(&seed) % 8 == 0)
            tp_hsm_key_forget(hsm, id);
    }
    tp_hsm_session_release(session);
    return NULL;
}

/* As a call would that meets CKR_DEVICE_REMOVED. */
static void lose_token_now_and_then(void)
{
    for (unsigned i = 1; i <= LOSSES; i++) {
        while (atomic_load(&signatures) < i * THREADS * ROUNDS / (LOSSES + 1))
            usleep(1000);
        tp_hsm_mark_lost(hsm);
    }
}

static void run_threads(void)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        require(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0, "no thread");
    }
    lose_token_now_and_then();
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void nothing_is_left(void)
{
    struct tp_hsm_info info;
    struct tp_hsm_session *session = acquire();
    CK_ATTRIBUTE in_session = {CKA_TOKEN, (void *)&tp_hsm_no, sizeof(CK_BBOOL)};
    CK_OBJECT_HANDLE objects[KEYS + 1];
    CK_ULONG count = 0;
    tp_hsm_info(hsm, &info);
    require(info.cached_keys <= CACHED, "the cache has outgrown its bound");
    require(info.losses == LOSSES, "losses were not counted");
    for (unsigned i = 0; i < KEYS; i++) {
        char id[TP_ID_LEN];
        snprintf(id, sizeof(id), "key-%u", i);
        tp_hsm_key_forget(hsm, id);
    }
    require(TP_HSM_CALL(session, C_FindObjectsInit, &in_session, 1) == CKR_OK, "C_FindObjectsInit");
    require(TP_HSM_CALL(session, C_FindObjects, objects, KEYS + 1, &count) == CKR_OK, "C_FindObjects");
    require(count == 0, "unwrapped keys are left in the HSM");
    tp_hsm_session_release(session);
}

int main(void)
{
    char dir[64], uri[256], command[128];
    struct tp_error error = {0};
    make_token(dir, sizeof(dir), uri, sizeof(uri));
    struct tp_hsm_config config = {.uri = uri, .sessions = THREADS, .cached_keys = CACHED};
    require_ok(tp_hsm_open(&config, &error, &hsm), &error);
    struct tp_hsm_session *session = acquire();
    make_keys(session);
    tp_hsm_session_release(session);
    run_threads();
    require(atomic_load(&signatures) == THREADS * ROUNDS, "a signature is missing");
    require(atomic_load(&absences) > 0, "no thread has met a loss");
    nothing_is_left();
    tp_hsm_close(hsm);
    tp_buf_clear(&uwk);
    tp_buf_clear(&spki);
    tp_secret_free(wrapped);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? 0 : 1;
}
