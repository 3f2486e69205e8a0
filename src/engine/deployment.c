/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/deployment.h"

#include "base/clock.h"
#include "engine/edit.h"
#include "engine/lock_file.h"
#include "engine/service_key.h"
#include "engine/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS 6
#define SESSION_WAIT_MS 10000

struct creation {
    const struct tp_engine_conf *conf;
    struct tp_bytes custodian;
    const char *backup_dir;
    tp_deployment_progress_fn *progress;
    void *progress_context;
    unsigned step;
    struct tp_engine engine; /* as much of one as a first log entry needs */
    struct tp_buf backups[TP_HSM_ROLE_END];
    bool keys_made, store_made, published;
    unsigned backups_written;
};

static void step(struct creation *creation, const char *what)
{
    if (creation->progress != NULL)
        creation->progress(creation->progress_context, creation->step, STEPS, what);
    creation->step++;
}

/* ---- backups ---- */

static enum tp_rc backup_path(const struct creation *creation, unsigned role, struct tp_error *error,
                              char ret_path[PATH_MAX])
{
    int len = snprintf(ret_path, PATH_MAX, "%s/%s-1.wrapped", creation->backup_dir, tp_hsm_role_name((enum tp_hsm_role)role));
    return len < PATH_MAX ? TP_OK : tp_error_set(error, TP_BAD_ARGUMENT, "the backup folder's path is too long");
}

static enum tp_rc write_backup(const struct creation *creation, unsigned role, struct tp_error *error)
{
    char path[PATH_MAX];
    const struct tp_buf *blob = &creation->backups[role];
    TP_TRY(backup_path(creation, role, error, path));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return tp_error_set(error, errno == EEXIST ? TP_EXISTS : TP_IO, "%s: %s", path, strerror(errno));
    bool whole = write(fd, blob->data, blob->len) == (ssize_t)blob->len && fsync(fd) == 0;
    close(fd);
    return whole ? TP_OK : tp_error_set(error, TP_IO, "%s: cannot be written; is the disk full?", path);
}

static enum tp_rc write_backups(struct creation *creation, struct tp_error *error)
{
    if (creation->custodian.len == 0)
        return TP_OK;
    if (mkdir(creation->backup_dir, 0700) != 0 && errno != EEXIST)
        return tp_error_set(error, TP_IO, "%s: %s", creation->backup_dir, strerror(errno));
    for (; creation->backups_written < TP_HSM_ROLE_END; creation->backups_written++)
        TP_TRY(write_backup(creation, creation->backups_written, error));
    return TP_OK;
}

/* ---- steps ---- */

static enum tp_rc make_keys(struct creation *creation, struct tp_error *error)
{
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    struct tp_engine *engine = &creation->engine;
    step(creation, "opening the HSM");
    struct tp_hsm_config config = {.uri = creation->conf->hsm, .sessions = 4, .cached_keys = 4};
    TP_TRY(tp_hsm_open(&config, error, &engine->hsm));
    TP_TRY(tp_hsm_session_acquire(engine->hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, error, &session));
    step(creation, "making the token's keys");
    TP_TRY(tp_hsm_token_keys_make(session, creation->custodian, error, creation->backups));
    creation->keys_made = true;
    TP_TRY(tp_hsm_token_keys_find(session, error));
    step(creation, "making the checkpoint key");
    engine->vault.hsm = engine->hsm;
    return tp_service_key_make(&engine->vault, session, error);
}

static enum tp_rc make_store(struct creation *creation, struct tp_error *error)
{
    struct tp_engine *engine = &creation->engine;
    struct tp_edit *edit TP_AUTO(tp_edit_free_p) = NULL;
    struct tp_ledger_config config = {
        .store_url = creation->conf->store,
        .origin = engine->origin,
        .checkpoint_entries = creation->conf->checkpoint_entries,
        .checkpoint_ms = creation->conf->checkpoint_ms,
    };
    step(creation, "making the store");
    tp_vault_ledger_keys(&engine->vault, &config.keys);
    TP_TRY(tp_ledger_open(&config, true, error, &engine->ledger));
    creation->store_made = true;
    TP_TRY(tp_edit_new(engine, NULL, TP_ACTION_DEPLOYMENT_CREATE, &edit));
    TP_TRY(tp_service_key_record(&engine->vault, edit));
    tp_edit_detail(edit, "version %s, backup %s", TP_VERSION, creation->custodian.len > 0 ? "made" : "none");
    return tp_edit_commit(edit, error);
}

static enum tp_rc create(struct creation *creation, struct tp_error *error)
{
    if (access(creation->conf->store, F_OK) == 0)
        return tp_error_set(error, TP_EXISTS, "%s is there already: this deployment has been made", creation->conf->store);
    TP_TRY(make_keys(creation, error));
    TP_TRY(make_store(creation, error));
    step(creation, "writing the log's public key");
    TP_TRY(tp_service_key_publish(&creation->engine.vault, creation->conf, error));
    creation->published = true;
    TP_TRY(write_backups(creation, error));
    step(creation, "done");
    return TP_OK;
}

/* ---- undoing: what failed leaves nothing half done ---- */

static void remove_store(const char *store)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (snprintf(path, sizeof path, "%s%s", store, endings[i]) < (int)sizeof path)
            unlink(path);
}

static void remove_keys(struct creation *creation)
{
    struct tp_hsm_session *session TP_AUTO(tp_hsm_session_release_p) = NULL;
    struct tp_error ignored = {0};
    if (tp_hsm_session_acquire(creation->engine.hsm, tp_clock_monotonic_ms() + SESSION_WAIT_MS, &ignored, &session) == TP_OK)
        tp_hsm_token_keys_remove(session);
}

static void undo(struct creation *creation)
{
    char path[PATH_MAX];
    for (unsigned role = 0; role < creation->backups_written; role++)
        if (backup_path(creation, role, NULL, path) == TP_OK)
            unlink(path);
    if (creation->published)
        unlink(creation->conf->audit_key);
    if (creation->store_made)
        remove_store(creation->conf->store);
    if (creation->keys_made)
        remove_keys(creation);
}

static void creation_clear(struct creation *creation)
{
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        tp_buf_clear(&creation->backups[role]);
    tp_buf_clear(&creation->engine.vault.checkpoint_blob);
    tp_buf_clear(&creation->engine.vault.checkpoint_spki);
    tp_hsm_close(creation->engine.hsm);
    tp_lock_file_release(creation->engine.lock_fd);
    pthread_mutex_destroy(&creation->engine.lock);
    free(creation);
}

enum tp_rc tp_deployment_create(const struct tp_engine_conf *conf, struct tp_bytes custodian_spki,
                                const char *backup_dir, tp_deployment_progress_fn *progress, void *context,
                                struct tp_error *error, struct tp_buf *ret_audit_spki)
{
    struct creation *creation = calloc(1, sizeof *creation);
    if (creation == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    creation->conf = conf;
    creation->custodian = custodian_spki;
    creation->backup_dir = backup_dir;
    creation->progress = progress;
    creation->progress_context = context;
    pthread_mutex_init(&creation->engine.lock, NULL);
    creation->engine.lock_fd = -1;
    snprintf(creation->engine.origin, sizeof creation->engine.origin, "trustp11/%s", conf->name);
    enum tp_rc rc = tp_lock_file_take(conf->store, error, &creation->engine.lock_fd);
    if (rc == TP_OK)
        rc = create(creation, error);
    tp_ledger_close(creation->engine.ledger);
    if (rc == TP_OK)
        rc = tp_buf_append(ret_audit_spki, tp_buf_bytes(&creation->engine.vault.checkpoint_spki));
    else
        undo(creation);
    creation_clear(creation);
    return rc;
}
