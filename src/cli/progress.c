/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SILENT_MS 1000 /* what is over sooner needs no bar */
#define DRAW_MS   200
#define BAR_LEN   30
#define LABEL_LEN 48

struct tp_cli_progress {
    FILE *err;
    int64_t begun_ms;
    pthread_t drawer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock */
    bool over, drawn;
    uint64_t done, total;
    char label[LABEL_LEN];
};

void tp_cli_progress_line(char *ret_line, size_t ret_line_len, const char *label, uint64_t done, uint64_t total,
                          int64_t passed_ms)
{
    char bar[BAR_LEN + 1];
    if (total == 0) {
        (void)snprintf(ret_line, ret_line_len, "%s … %" PRId64 " s", label, passed_ms / 1000);
        return;
    }
    double part = done >= total ? 1.0 : (double)done / (double)total;
    size_t full = (size_t)(part * BAR_LEN);
    memset(bar, ' ', BAR_LEN);
    memset(bar, '#', full);
    bar[BAR_LEN] = '\0';
    (void)snprintf(ret_line, ret_line_len, "%s  [%s] %3d %%", label, bar, (int)(part * 100));
}

static void draw(struct tp_cli_progress *progress)
{
    char line[LABEL_LEN + BAR_LEN + 32];
    int64_t passed_ms = tp_clock_monotonic_ms() - progress->begun_ms;
    if (passed_ms < SILENT_MS)
        return;
    tp_cli_progress_line(line, sizeof line, progress->label, progress->done, progress->total, passed_ms);
    (void)fprintf(progress->err, "\r%s\033[K", line);
    (void)fflush(progress->err);
    progress->drawn = true;
}

static void *draw_until_over(void *context)
{
    struct tp_cli_progress *progress = context;
    (void)pthread_mutex_lock(&progress->lock);
    while (!progress->over) {
        draw(progress);
        struct timespec until = tp_deadline_timespec(tp_clock_monotonic_ms() + DRAW_MS);
        (void)pthread_cond_timedwait(&progress->changed, &progress->lock, &until);
    }
    if (progress->drawn)
        (void)fprintf(progress->err, "\r\033[K");
    (void)pthread_mutex_unlock(&progress->lock);
    return NULL;
}

/* The condition waits by the monotonic clock: somebody may be setting the other. */
static bool start(struct tp_cli_progress *progress)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&progress->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (failed != 0)
        return false;
    (void)pthread_mutex_init(&progress->lock, NULL);
    if (pthread_create(&progress->drawer, NULL, draw_until_over, progress) == 0)
        return true;
    (void)pthread_mutex_destroy(&progress->lock);
    (void)pthread_cond_destroy(&progress->changed);
    return false;
}

struct tp_cli_progress *tp_cli_progress_begin(const struct tp_cli *cli, const char *label)
{
    struct tp_cli_progress *progress = cli->progress ? calloc(1, sizeof *progress) : NULL;
    if (progress == NULL)
        return NULL;
    progress->err = cli->err;
    progress->begun_ms = tp_clock_monotonic_ms();
    (void)snprintf(progress->label, sizeof progress->label, "%s", label);
    if (start(progress))
        return progress;
    free(progress);
    return NULL;
}

void tp_cli_progress_update(struct tp_cli_progress *progress, uint64_t done, uint64_t total, const char *what)
{
    if (progress == NULL)
        return;
    (void)pthread_mutex_lock(&progress->lock);
    progress->done = done;
    progress->total = total;
    if (what != NULL)
        (void)snprintf(progress->label, sizeof progress->label, "%s", what);
    (void)pthread_mutex_unlock(&progress->lock);
}

void tp_cli_progress_end(struct tp_cli_progress *progress)
{
    if (progress == NULL)
        return;
    (void)pthread_mutex_lock(&progress->lock);
    progress->over = true;
    (void)pthread_cond_signal(&progress->changed);
    (void)pthread_mutex_unlock(&progress->lock);
    (void)pthread_join(progress->drawer, NULL);
    (void)pthread_mutex_destroy(&progress->lock);
    (void)pthread_cond_destroy(&progress->changed);
    free(progress);
}
