/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pdf_batch.h"
#include "base/clock.h"
#include "cli/breaking.h"
#include "cli/output.h"
#include "cli/pdf.h"
#include "cli/progress.h"
#include "pades/place.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WAITING_MOST 128 /* signed documents that are not durable yet, each with its file and its folder open */
#define GROUP_LEN    32  /* of them are made durable together, ... */
#define GROUP_MS     20  /* ... and fewer when the first has waited so long */
#define BLOCK_LEN    ((size_t)128 << 10) /* that are compared at a time */

/* A document that is signed and waits to be named. */
struct done {
    size_t item;
    struct tp_pades_place *place;
    char note[TP_ERROR_WORDS_LEN];
};
struct running {
    const struct tp_cli_pdf_batch *batch;
    struct tp_cli_progress *progress;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* there is room among WAITING */
    pthread_cond_t filled;  /* the first of a group waits, or all of it, or nobody signs any more */
    size_t next, signed_len, skipped_len, failed_len;
    unsigned started, signers; /* threads; those that still sign */
    struct done waiting[WAITING_MOST];
    size_t waiting_len, waiting_most;
    struct tp_error stop; /* what would fail for all that follow; OK: nothing */
    enum tp_rc out;  /* of what is printed */
};

/* ---- telling ---- */

static void say_result(struct running *running, size_t item, const char *status, const char *words, const char *note)
{
    struct tp_cli *cli = running->batch->cli;
    const struct tp_cli_pdf_item *names = &running->batch->list->items[item];
    if (words[0] != '\0')
        tp_cli_remark(cli, "%s: %s", names->in, words);
    else if (note[0] != '\0')
        tp_cli_remark(cli, "%s: note: %s", names->in, note);
    if (!cli->json)
        return;
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "file", names->in);
    tp_cli_put_text(cli, object, "status", status);
    tp_cli_put_text(cli, object, "out", words[0] == '\0' ? names->out : NULL);
    tp_cli_put_text(cli, object, "error", words);
    tp_cli_put_text(cli, object, "note", note);
    enum tp_rc rc = tp_cli_emit_line(cli, object);
    if (rc == TP_OK && fflush(cli->out) != 0) /* who reads along sees each when it is done */
        rc = tp_cli_output_failed(cli);
    running->out = running->out == TP_OK ? rc : running->out;
}

/* Under the lock. */
static void count(struct running *running, size_t *counter)
{
    ++*counter;
    tp_cli_progress_update(running->progress, running->signed_len + running->skipped_len + running->failed_len,
                           running->batch->list->len, NULL);
}

static void failed(struct running *running, size_t item, enum tp_rc rc, const struct tp_error *error)
{
    (void)pthread_mutex_lock(&running->lock);
    say_result(running, item, "failed", tp_error_words(error), "");
    count(running, &running->failed_len);
    if (tp_cli_fails_for_all(rc) && running->stop.rc == TP_OK)
        (void)tp_error_set(&running->stop, rc, "%s", tp_error_words(error));
    (void)pthread_mutex_unlock(&running->lock);
}

static void skipped(struct running *running, size_t item)
{
    (void)pthread_mutex_lock(&running->lock);
    if (running->batch->cli->json) /* for people they are counted */
        say_result(running, item, "skipped", "", "it is there already, and stays at the level that it has");
    count(running, &running->skipped_len);
    (void)pthread_mutex_unlock(&running->lock);
}

/* ---- signing ---- */

static bool take_next(struct running *running, size_t *ret_item)
{
    (void)pthread_mutex_lock(&running->lock);
    bool more = running->stop.rc == TP_OK && !tp_cli_broken_off() && running->next < running->batch->list->len;
    if (more)
        *ret_item = running->next++;
    (void)pthread_mutex_unlock(&running->lock);
    return more;
}

static void hand_over(struct running *running, const struct done *done)
{
    (void)pthread_mutex_lock(&running->lock);
    while (running->waiting_len == running->waiting_most)
        (void)pthread_cond_wait(&running->changed, &running->lock);
    running->waiting[running->waiting_len++] = *done;
    if (running->waiting_len == 1 || running->waiting_len == GROUP_LEN)
        (void)pthread_cond_signal(&running->filled);
    (void)pthread_mutex_unlock(&running->lock);
}

/* Whether AFTER goes on where BEFORE ends: what comes of a document is its bytes, and more behind them. */
static bool begins_with(int after, int before)
{
    uint8_t *blocks = malloc(2 * BLOCK_LEN);
    ssize_t got = blocks == NULL ? -1 : 1;
    for (off_t at = 0; got > 0; at += got) {
        got = pread(before, blocks, BLOCK_LEN, at);
        if (got > 0 && (pread(after, blocks + BLOCK_LEN, (size_t)got, at) != got ||
                        memcmp(blocks, blocks + BLOCK_LEN, (size_t)got) != 0))
            got = -1;
    }
    free(blocks);
    return got == 0;
}

static bool comes_of(const char *out, const struct stat *after, int in, const struct stat *before)
{
    if (!S_ISREG(after->st_mode) || after->st_size <= before->st_size)
        return false;
    int fd = open(out, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool comes = fd >= 0 && begins_with(fd, in);
    if (fd >= 0)
        (void)close(fd);
    return comes;
}

/* What has its name is whole (pades/place.h). What was changed, or put into its place, since then is another document, whatever
 * its time says: that is kept by mv, cp -p, tar and rsync. */
static enum tp_rc is_done(const struct tp_cli_pdf_item *names, int in, bool force, struct tp_error *error, bool *ret_done)
{
    struct stat before, after;
    *ret_done = false;
    if (lstat(names->out, &after) != 0 || fstat(in, &before) != 0)
        return TP_OK;
    if (before.st_dev == after.st_dev && before.st_ino == after.st_ino)
        return tp_error_set(error, TP_USAGE, "%s is the document itself, or another name of it; results of a batch go elsewhere",
                            names->out);
    if (force)
        return TP_OK;
    if (!comes_of(names->out, &after, in, &before))
        return tp_error_set(error, TP_EXISTS, "%s is there already and is not what comes of this document; move it away, or "
                            "--force", names->out);
    *ret_done = true;
    return TP_OK;
}

static enum tp_rc do_open(struct running *running, size_t item, int in, struct tp_error *error)
{
    const struct tp_cli_pdf_batch *batch = running->batch;
    const struct tp_cli_pdf_item *names = &batch->list->items[item];
    struct tp_pades_place *place TP_AUTO(tp_pades_place_free_p) = NULL;
    struct done done = {.item = item};
    bool there;
    TP_TRY(is_done(names, in, batch->force, error, &there));
    if (there) {
        skipped(running, item);
        return TP_OK;
    }
    TP_TRY(tp_pades_place_new(names->out, in, batch->force, error, &place));
    const enum tp_rc rc = batch->work(batch->context, in, place, error, done.note);
    if (rc != TP_OK)
        return rc == TP_STORE_FULL ? tp_cli_pdf_name_place(error, rc, names->out) : rc;
    tp_pades_place_start_sync(place);
    done.place = place;
    place = NULL;
    hand_over(running, &done);
    return TP_OK;
}

static void do_item(struct running *running, size_t item)
{
    struct tp_error error = {.rc = TP_OK};
    int in;
    enum tp_rc rc = tp_cli_pdf_input_unnamed(running->batch->list->items[item].in, &error, &in);
    if (rc == TP_OK) {
        rc = do_open(running, item, in, &error);
        (void)close(in);
    }
    if (rc != TP_OK && error.rc == TP_OK)
        (void)tp_error_set(&error, rc, "%s", tp_rc_words(rc));
    if (rc != TP_OK)
        failed(running, item, rc, &error);
}

static void *signer(void *context)
{
    struct running *running = context;
    size_t item;
    while (take_next(running, &item))
        do_item(running, item);
    (void)pthread_mutex_lock(&running->lock);
    running->signers--;
    (void)pthread_cond_signal(&running->filled);
    (void)pthread_mutex_unlock(&running->lock);
    return NULL;
}

/* ---- naming ---- */

static struct timespec after_ms(int64_t ms)
{
    const int64_t at_ms = tp_clock_monotonic_ms() + ms;
    return (struct timespec){.tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000};
}

/* Under the lock. A sync costs the disk nearly the same for one as for many. */
static void wait_for_group(struct running *running)
{
    while (running->waiting_len == 0 && running->signers > 0)
        (void)pthread_cond_wait(&running->filled, &running->lock);
    const struct timespec until = after_ms(GROUP_MS);
    int late = 0;
    while (running->waiting_len < GROUP_LEN && running->signers > 0 && late == 0)
        late = pthread_cond_timedwait(&running->filled, &running->lock, &until);
}

/* All that wait; 0 when nobody signs any more. */
static size_t take_waiting(struct running *running, struct done *ret_done)
{
    (void)pthread_mutex_lock(&running->lock);
    wait_for_group(running);
    size_t len = running->waiting_len;
    memcpy(ret_done, running->waiting, len * sizeof *ret_done);
    running->waiting_len = 0;
    (void)pthread_cond_broadcast(&running->changed);
    (void)pthread_mutex_unlock(&running->lock);
    return len;
}

static void named(struct running *running, const struct done *done)
{
    struct tp_cli *cli = running->batch->cli;
    (void)pthread_mutex_lock(&running->lock);
    cli->made = tp_cli_text(&cli->args, "out");
    say_result(running, done->item, running->batch->done, "", done->note);
    count(running, &running->signed_len);
    (void)pthread_mutex_unlock(&running->lock);
}

/* The first sync makes the file system commit its journal, in which the others, whose writing has begun, mostly are as well; the
 * folder is synced once for all of them. */
static void name_all(struct running *running, struct done *all, size_t len)
{
    struct tp_pades_place *last = NULL;
    for (size_t i = 0; i < len; i++) {
        struct tp_error error = {.rc = TP_OK};
        enum tp_rc rc = tp_pades_place_sync(all[i].place, &error);
        if (rc == TP_OK)
            rc = tp_pades_place_name(all[i].place, &error);
        if (rc == TP_OK) {
            last = all[i].place;
            continue;
        }
        failed(running, all[i].item, rc, &error);
        tp_pades_place_free(all[i].place);
        all[i].place = NULL;
    }
    struct tp_error error = {.rc = TP_OK};
    enum tp_rc rc = last == NULL ? TP_OK : tp_pades_place_sync_folder(last, &error);
    for (size_t i = 0; i < len; i++) {
        if (all[i].place != NULL && rc == TP_OK)
            named(running, &all[i]);
        else if (all[i].place != NULL)
            failed(running, all[i].item, rc, &error);
        tp_pades_place_free(all[i].place);
    }
}

static void *namer(void *context)
{
    struct running *running = context;
    struct done *all = calloc(WAITING_MOST, sizeof *all);
    size_t len;
    while (all != NULL && (len = take_waiting(running, all)) > 0)
        name_all(running, all, len);
    free(all);
    return NULL;
}

/* ---- all of it ---- */

/* As many wait as are being named, and the other half of the descriptors is for all else. */
static size_t waiting_most(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 8 >= WAITING_MOST)
        return WAITING_MOST;
    return files.rlim_cur < 8 ? 1 : (size_t)files.rlim_cur / 8;
}

static enum tp_rc start(struct running *running, pthread_t *threads)
{
    unsigned wanted = running->batch->threads;
    for (unsigned i = 0; i < wanted; i++) {
        (void)pthread_mutex_lock(&running->lock);
        bool started = pthread_create(&threads[i], NULL, signer, running) == 0;
        running->signers += started;
        running->started += started;
        (void)pthread_mutex_unlock(&running->lock);
        if (!started)
            break;
    }
    return running->started > 0 ? TP_OK : TP_MEMORY; /* fewer do, too */
}

static enum tp_rc summary_line(const struct running *running, size_t left)
{
    struct tp_cli *cli = running->batch->cli;
    json_t *object = json_object();
    tp_cli_put_count(cli, object, running->batch->done, running->signed_len);
    tp_cli_put_count(cli, object, "skipped", running->skipped_len);
    tp_cli_put_count(cli, object, "failed", running->failed_len);
    tp_cli_put_count(cli, object, "left", left);
    return tp_cli_emit_line(cli, object);
}

static enum tp_rc summarise(struct running *running)
{
    struct tp_cli *cli = running->batch->cli;
    size_t left = running->batch->list->len - running->signed_len - running->skipped_len - running->failed_len;
    TP_TRY(running->out);
    cli->failed_quietly = running->failed_len > 0 || left > 0;
    TP_TRY(cli->json ? summary_line(running, left)
                     : tp_cli_emit_ok(cli, "%zu %s, %zu done before, %zu failed, %zu not tried", running->signed_len,
                                      running->batch->done, running->skipped_len, running->failed_len, left));
    if (running->skipped_len > 0 && tp_cli_text(&cli->args, "level") != NULL)
        tp_cli_remark(cli, "note: what was done before stays at the level that it has; --force does it anew");
    if (left > 0)
        tp_cli_breaking_say(cli, &running->stop);
    return cli->failed_quietly ? TP_REFUSED : TP_OK;
}

static enum tp_rc run(struct running *running, pthread_t *threads)
{
    pthread_t names;
    enum tp_rc rc = start(running, threads);
    if (rc != TP_OK)
        return tp_error_set(&running->batch->cli->error, rc, "no thread can be started");
    bool separate = pthread_create(&names, NULL, namer, running) == 0;
    if (!separate)
        (void)namer(running);
    for (unsigned i = 0; i < running->started; i++)
        (void)pthread_join(threads[i], NULL);
    if (separate)
        (void)pthread_join(names, NULL);
    return TP_OK;
}

static void init_waiting(struct running *running)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&running->lock, NULL);
    (void)pthread_cond_init(&running->changed, NULL);
    (void)pthread_cond_init(&running->filled, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum tp_rc tp_cli_pdf_batch_run(const struct tp_cli_pdf_batch *batch)
{
    struct running *running = calloc(1, sizeof *running);
    pthread_t *threads = calloc(batch->threads, sizeof *threads);
    if (running == NULL || threads == NULL) {
        free(running);
        free(threads);
        return TP_MEMORY;
    }
    running->batch = batch;
    running->waiting_most = waiting_most();
    init_waiting(running);
    running->progress = tp_cli_progress_begin(batch->cli, batch->done);
    tp_cli_progress_update(running->progress, 0, batch->list->len, NULL);
    struct tp_cli_breaking breaking;
    tp_cli_breaking_begin(&breaking);
    enum tp_rc rc = run(running, threads);
    tp_cli_breaking_end(&breaking);
    tp_cli_progress_end(running->progress);
    if (rc == TP_OK)
        rc = summarise(running);
    (void)pthread_cond_destroy(&running->filled);
    (void)pthread_cond_destroy(&running->changed);
    (void)pthread_mutex_destroy(&running->lock);
    free(running);
    free(threads);
    return rc;
}
