/* SPDX-License-Identifier: Apache-2.0
 *
 * A clock that obeys, to be preloaded into the engine and into whatever else is to live at another time: what the
 * kernel says of its clock's discipline, and by how much the time of day is off, are read from the file CLOCK_FAKE
 * whenever it is asked: "SYNCHRONISED ERROR_US OFFSET_US". Setting the clock itself would take root, and everybody
 * else's time.
 *
 * Other clocks are left alone: a reader of PDFs, which may open no file, asks for none of those that are faked here.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

struct fake {
    int synchronised;
    long error_us;
    long long offset_us;
};

static struct fake fake_read(void)
{
    struct fake fake = {.synchronised = 0};
    const char *path = getenv("CLOCK_FAKE");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL)
        return fake;
    if (fscanf(file, "%d %ld %lld", &fake.synchronised, &fake.error_us, &fake.offset_us) != 3)
        memset(&fake, 0, sizeof fake);
    fclose(file);
    return fake;
}

__attribute__((visibility("default"))) int adjtimex(struct timex *state)
{
    const struct fake fake = fake_read();
    memset(state, 0, sizeof *state);
    state->status = fake.synchronised ? 0 : STA_UNSYNC;
    state->esterror = state->maxerror = fake.error_us;
    return fake.synchronised ? TIME_OK : TIME_ERROR;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        *(void **)(&real) = dlsym(RTLD_NEXT, "clock_gettime");
    const int failed = real(clock, now);
    if (failed != 0 || clock != CLOCK_REALTIME)
        return failed;
    const long long us = (long long)now->tv_sec * 1000000 + now->tv_nsec / 1000 + fake_read().offset_us;
    now->tv_sec = (time_t)(us / 1000000);
    now->tv_nsec = (long)(us % 1000000) * 1000;
    return 0;
}

/* The C library's own go to the kernel past clock_gettime; OpenSSL asks them. */
__attribute__((visibility("default"))) time_t time(time_t *ret_now)
{
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now != NULL)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now = {.tv_sec = 0};
    const int failed = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    *ret_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return failed;
}
