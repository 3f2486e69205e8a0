/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to have 4 KB on the disk: fdatasync of a write into a file that has its blocks already, which is what a
 * commit is to SQLite's log.
 *
 *   disk FOLDER        prints p50 and p99 in µs
 */
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE   4096
#define ROUNDS 1000

static void require(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void put_page(int fd, off_t page, char with)
{
    char bytes[PAGE];
    memset(bytes, with, sizeof bytes);
    require(pwrite(fd, bytes, sizeof bytes, page * PAGE) == PAGE, "pwrite");
}

static int64_t commit_us(int fd, off_t page)
{
    int64_t start = tp_clock_monotonic_us();
    put_page(fd, page, 2);
    require(fdatasync(fd) == 0, "fdatasync");
    return tp_clock_monotonic_us() - start;
}

int main(int argc, char **argv)
{
    static int64_t took_us[ROUNDS];
    char path[4096];
    if (argc != 2 || snprintf(path, sizeof path, "%s/disk.XXXXXX", argv[1]) >= (int)sizeof path) {
        (void)fputs("usage: disk FOLDER\n", stderr);
        return 2;
    }
    int fd = mkstemp(path);
    require(fd >= 0, path);
    (void)unlink(path);
    for (off_t page = 0; page < ROUNDS; page++)
        put_page(fd, page, 1);
    require(fsync(fd) == 0, "fsync");
    for (int i = 0; i < ROUNDS; i++)
        took_us[i] = commit_us(fd, i);
    qsort(took_us, ROUNDS, sizeof took_us[0], compare);
    (void)printf("%lld %lld\n", (long long)took_us[ROUNDS / 2], (long long)took_us[ROUNDS * 99 / 100]);
    (void)close(fd);
    return 0;
}
