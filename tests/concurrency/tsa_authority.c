/* SPDX-License-Identifier: Apache-2.0
 *
 * What threads of a timestamp authority share: its clock, which must tell each time once and never an earlier one, also
 * while the kernel's goes back; and its serial numbers, which must all be different.
 */
#include "base/bytes.h"
#include "tsa/clock.h"
#include "tsa/serial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS     4
#define EACH        5000
#define ACCURACY_US INT64_C(1000000)

static struct tp_tsa_clock *watch;
static struct tp_tsa_serials serials;
static atomic_llong kernel_us; /* since the kernel started */

struct told {
    int64_t time_us;
    uint8_t serial[TP_TSA_SERIAL_LEN];
};
static struct told told[THREADS][EACH];

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

/* The kernel of this test: every now and then its clock is corrected, by less than the accuracy. */
void tp_tsa_kernel_clocks(int64_t *ret_utc_us, int64_t *ret_boot_us)
{
    const int64_t now_us = atomic_fetch_add(&kernel_us, 1);
    *ret_boot_us = now_us;
    *ret_utc_us = INT64_C(1780000000000000) + now_us - (now_us % 1000 < 500 ? 300 : 0);
}

void tp_tsa_kernel_discipline(struct tp_tsa_discipline *ret_discipline)
{
    *ret_discipline = (struct tp_tsa_discipline){.synchronised = true, .error_us = 10};
}

static void *stamp(void *context)
{
    struct told *own = context;
    for (unsigned i = 0; i < EACH; i++) {
        struct tp_error error = {0};
        require(tp_tsa_clock_now(watch, &error, &own[i].time_us) == TP_OK, "a clock that is well is refused");
        require(i == 0 || own[i].time_us > own[i - 1].time_us, "a clock that went back");
        tp_tsa_serials_next(&serials, own[i].serial);
        if (i % 64 == 0)
            tp_tsa_clock_watch(watch);
    }
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

static int by_serial(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    return memcmp(x->serial, y->serial, sizeof x->serial);
}

static void all_different(int (*compare)(const void *a, const void *b), const char *what)
{
    struct told *all = &told[0][0];
    qsort(all, (size_t)THREADS * EACH, sizeof *all, compare);
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++)
        require(compare(&all[i - 1], &all[i]) != 0, what);
}

int main(void)
{
    pthread_t thread[THREADS];
    require(tp_tsa_clock_new(ACCURACY_US, false, &watch) == TP_OK && tp_tsa_serials_begin(&serials) == TP_OK, "out of memory");
    for (unsigned i = 0; i < THREADS; i++)
        require(pthread_create(&thread[i], NULL, stamp, told[i]) == 0, "no thread");
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    all_different(by_time, "one time was told twice");
    all_different(by_serial, "one serial number was given twice");
    tp_tsa_clock_free(watch);
    return 0;
}
