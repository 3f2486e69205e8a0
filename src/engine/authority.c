/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/authority.h"

#include "base/clock.h"
#include "engine/authority_key.h"
#include "hsm/signer.h"
#include "pki/certificate.h"
#include "pki/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 10)
#define FILE_PREFIX "file:"
#define LOOK_BACK 1024 /* entries: more than one start of the engine with a wrong clock would write */

/* ---- files ---- */

static enum tp_rc check_private(int fd, const char *path, struct tp_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return tp_error_set(error, TP_CONFIG, "%s is no file", path);
    if ((status.st_mode & 077) != 0 || (status.st_uid != geteuid() && status.st_uid != 0))
        return tp_error_set(error, TP_CONFIG, "%s holds a key that others than its owner can read; chmod 600", path);
    return TP_OK;
}

static enum tp_rc read_all(int fd, const char *path, struct tp_secret *bytes, struct tp_error *error)
{
    size_t len = 0;
    for (;;) {
        const ssize_t more = read(fd, tp_secret_data(bytes) + len, FILE_MAX - len);
        if (more < 0)
            return tp_error_set(error, TP_CONFIG, "%s: %s", path, strerror(errno));
        len += (size_t)more;
        if (more == 0)
            return tp_secret_set_len(bytes, len);
        if (len == FILE_MAX)
            return tp_error_set(error, TP_CONFIG, "%s is larger than a key or a chain of certificates is", path);
    }
}

/* PRIVATE: nobody else may read it. */
static enum tp_rc read_file(const char *path, bool private, struct tp_error *error, struct tp_secret **ret_bytes)
{
    struct tp_secret *bytes TP_AUTO(tp_secret_free_p) = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tp_error_set(error, TP_CONFIG, "%s: %s", path, strerror(errno));
    enum tp_rc rc = tp_secret_new(FILE_MAX, &bytes);
    if (rc == TP_OK && private)
        rc = check_private(fd, path, error);
    if (rc == TP_OK)
        rc = read_all(fd, path, bytes, error);
    close(fd);
    if (rc != TP_OK)
        return rc;
    *ret_bytes = bytes;
    bytes = NULL;
    return TP_OK;
}

static enum tp_rc chain_read(const char *path, struct tp_error *error, struct tp_pki_chain *chain)
{
    struct tp_secret *bytes TP_AUTO(tp_secret_free_p) = NULL;
    if (path == NULL)
        return TP_OK;
    TP_TRY(read_file(path, false, error, &bytes));
    const enum tp_rc rc = tp_pki_certificates_read(tp_secret_bytes(bytes), error, tp_pki_chain_add, chain);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s", path);
}

/* ---- the kinds of keys ---- */

static enum tp_rc open_file(const char *path, const struct tp_pki_chain *chain, struct tp_error *error, struct tp_pki_signer **ret_signer)
{
    struct tp_secret *bytes TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(read_file(path, true, error, &bytes));
    const enum tp_rc rc = tp_pki_signer_of_file(tp_secret_bytes(bytes), NULL, chain->views, chain->len, error, ret_signer);
    return rc == TP_OK ? TP_OK : tp_error_prefix(error, rc, "%s", path);
}

static enum tp_rc open_signer(struct tp_engine *engine, const char *key, struct tp_error *error, struct tp_pki_signer **ret_signer)
{
    struct tp_pki_chain chain TP_AUTO(tp_pki_chain_clear) = {.len = 0};
    TP_TRY(chain_read(engine->conf.authority.certificates, error, &chain));
    if (strcmp(key, "hsm") == 0)
        return tp_authority_key_signer(engine, error, ret_signer);
    if (strncmp(key, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
        return open_file(key + strlen(FILE_PREFIX), &chain, error, ret_signer);
    const struct tp_hsm_signer_config config = {.uri = key,
                                                .threads = engine->conf.workers + 1,
                                                .certificates = chain.views,
                                                .certificates_len = chain.len};
    return tp_hsm_signer_open(&config, error, ret_signer);
}

static void authority_free(struct tp_authority *authority)
{
    if (authority == NULL)
        return;
    tp_pki_signer_free(authority->signer);
    free(authority);
}
TP_DEFINE_AUTO(struct tp_authority, authority_free)

static enum tp_rc authority_open(struct tp_engine *engine, struct tp_error *error, struct tp_authority **ret_authority)
{
    const struct tp_authority_conf *conf = &engine->conf.authority;
    struct tp_authority *authority TP_AUTO(authority_free_p) = calloc(1, sizeof *authority);
    if (authority == NULL)
        return TP_MEMORY;
    TP_TRY(open_signer(engine, conf->key, error, &authority->signer));
    authority->references = 1;
    authority->in_hsm = strcmp(conf->key, "hsm") == 0;
    authority->profile = conf->profile;
    authority->profile.signer = authority->signer;
    TP_TRY(tp_tsa_profile_check(&authority->profile, tp_clock_utc_ms(), error));
    *ret_authority = authority;
    authority = NULL;
    return TP_OK;
}

/* ---- the present one ---- */

struct tp_authority *tp_authority_take_locked(struct tp_engine *engine)
{
    struct tp_authority *authority = engine->timestamps.authority;
    if (authority != NULL)
        authority->references++;
    return authority;
}

void tp_authority_give(struct tp_engine *engine, struct tp_authority *authority)
{
    pthread_mutex_lock(&engine->lock);
    const bool last = --authority->references == 0;
    pthread_mutex_unlock(&engine->lock);
    if (last)
        authority_free(authority);
}

enum tp_rc tp_authority_renew(struct tp_engine *engine, struct tp_error *error)
{
    struct tp_authority *authority = NULL;
    TP_TRY(authority_open(engine, error, &authority));
    pthread_mutex_lock(&engine->lock);
    struct tp_authority *former = engine->timestamps.authority;
    engine->timestamps.authority = authority;
    pthread_mutex_unlock(&engine->lock);
    if (former != NULL)
        tp_authority_give(engine, former);
    return TP_OK;
}

/* ---- start and end ---- */

static enum tp_rc latest(void *context, uint64_t index, const Tp__Audit__Entry *entry)
{
    int64_t *latest_ms = context;
    (void)index;
    if (entry->time_ms > *latest_ms)
        *latest_ms = entry->time_ms;
    return TP_OK;
}

/* Tokens that can be ordered (RFC 3161 §2.4.2: ordering) do not begin before those of an earlier start. */
static void begin_after_the_log(struct tp_engine *engine)
{
    struct tp_error ignored = {0};
    struct tp_ledger_info info;
    int64_t latest_ms = 0;
    tp_ledger_info(engine->ledger, &info);
    if (info.entries == 0 ||
        tp_ledger_entries(engine->ledger, info.entries - 1, LOOK_BACK, true, &ignored, latest, &latest_ms) != TP_OK)
        tp_error_clear(&ignored); /* a log that cannot be read takes no entry either, and no token is given */
    tp_tsa_clock_begin_after(engine->timestamps.clock, latest_ms * 1000 + 999);
}

/* Each token is a record, whoever asks for it, and people cannot sign once the disk is full. What is made
 * between two looks, four a second, is less than a megabyte. What cannot be asked for is no reason to refuse. */
static void look_for_room(struct tp_engine *engine)
{
    struct statvfs room;
    const uint64_t reserve = engine->conf.authority.reserve_bytes;
    const bool known = reserve > 0 && statvfs(engine->conf.store, &room) == 0;
    atomic_store_explicit(&engine->timestamps.no_room, known && (uint64_t)room.f_bavail * room.f_frsize < reserve, memory_order_relaxed);
}

enum tp_rc tp_authority_why_not(struct tp_engine *engine, struct tp_error *error)
{
    if (!atomic_load_explicit(&engine->timestamps.no_room, memory_order_relaxed))
        return TP_OK;
    return tp_error_set(error, TP_STORE_FULL, "less than %" PRIu64 " MB are free where the store is, and those are kept for people's "
                        "signatures ([tsa] reserve_mb in engine.conf)", engine->conf.authority.reserve_bytes >> 20);
}

enum tp_rc tp_authority_start(struct tp_engine *engine, struct tp_error *error)
{
    struct tp_timestamps *timestamps = &engine->timestamps;
    const struct tp_authority_conf *conf = &engine->conf.authority;
    struct tp_error why = {0};
    timestamps->wanted = conf->key != NULL;
    if (!timestamps->wanted)
        return TP_OK;
    enum tp_rc rc = tp_tsa_serials_begin(&timestamps->serials);
    if (rc == TP_OK)
        rc = tp_tsa_clock_new(conf->profile.accuracy_us, conf->unwatched_clock, &timestamps->clock);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the clock of the timestamp authority cannot be set up");
    look_for_room(engine);
    if (conf->profile.ordering)
        begin_after_the_log(engine);
    if (tp_authority_renew(engine, &why) != TP_OK) {
        (void)snprintf(timestamps->why_not, sizeof timestamps->why_not, "%s", tp_error_words(&why));
        tp_error_clear(&why);
    }
    return TP_OK;
}

void tp_authority_stop(struct tp_engine *engine)
{
    authority_free(engine->timestamps.authority);
    tp_tsa_clock_free(engine->timestamps.clock);
}

void tp_authority_tick(struct tp_engine *engine)
{
    if (!engine->timestamps.wanted)
        return;
    tp_tsa_clock_watch(engine->timestamps.clock);
    look_for_room(engine);
}
