/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tp_secret *made(size_t capacity)
{
    struct tp_secret *secret = NULL;
    cr_assert_eq(tp_secret_new(capacity, &secret), TP_OK);
    return secret;
}

static struct tp_secret *copied(const char *text)
{
    struct tp_secret *secret = NULL;
    cr_assert_eq(tp_secret_new_copy(tp_bytes_of_string(text), &secret), TP_OK);
    return secret;
}

static bool all_zero(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != 0)
            return false;
    return true;
}

/* A line of /proc/self/smaps that begins a mapping, and the flags that follow it ("VmFlags: … wf dd lo …"; proc(5)). */
struct mapping {
    const uint8_t *start, *end;
    char flags[256];
};

static bool next_mapping(FILE *smaps, struct mapping *mapping)
{
    char line[512];
    while (fgets(line, sizeof(line), smaps) != NULL) {
        unsigned long start = 0, end = 0;
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            mapping->start = (const uint8_t *)start;
            mapping->end = (const uint8_t *)end;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            (void)snprintf(mapping->flags, sizeof(mapping->flags), "%.200s", line);
            return true;
        }
    }
    return false;
}

static struct mapping mapping_of(const uint8_t *address)
{
    struct mapping mapping = {0};
    FILE *smaps = fopen("/proc/self/smaps", "r");
    bool found = false;
    while (!found && next_mapping(smaps, &mapping))
        found = address >= mapping.start && address < mapping.end;
    fclose(smaps);
    cr_assert(found);
    return mapping;
}

/* KiB of all mappings that are wiped on fork: the arena and nothing else. */
static size_t arena_kib(void)
{
    struct mapping mapping = {0};
    size_t sum = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    while (next_mapping(smaps, &mapping))
        if (strstr(mapping.flags, " wf") != NULL)
            sum += (size_t)(mapping.end - mapping.start) / 1024;
    fclose(smaps);
    return sum;
}

Test(secret, a_new_secret_is_empty_and_zero)
{
    static const size_t capacities[] = {0, 1, 31, 32, 33, 4096, 4097, 20000, TP_SECRET_MAX};
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        struct tp_secret *secret = made(capacities[i]);
        cr_assert_eq(tp_secret_len(secret), 0);
        cr_assert_eq(tp_secret_capacity(secret), capacities[i]);
        cr_assert(all_zero(tp_secret_data(secret), capacities[i]));
        memset(tp_secret_data(secret), 0xA5, capacities[i]);
        cr_assert_eq(tp_secret_set_len(secret, capacities[i]), TP_OK);
        tp_secret_free(secret);
    }
}

Test(secret, one_that_is_too_large_is_refused)
{
    struct tp_secret *secret = NULL;
    uint8_t byte = 0;
    cr_assert_eq(tp_secret_new(TP_SECRET_MAX + 1, &secret), TP_TOO_LARGE);
    cr_assert_eq(tp_secret_new(SIZE_MAX, &secret), TP_TOO_LARGE);
    cr_assert_eq(tp_secret_new_copy(TP_BYTES(&byte, SIZE_MAX), &secret), TP_TOO_LARGE);
    cr_assert_null(secret);
}

Test(secret, a_copy_holds_the_bytes)
{
    struct tp_secret *secret = copied("correct horse");
    cr_assert(tp_bytes_equal(tp_secret_bytes(secret), tp_bytes_of_string("correct horse")));
    tp_secret_free(secret);
    secret = copied("");
    cr_assert_eq(tp_secret_bytes(secret).len, 0);
    tp_secret_free(secret);
}

Test(secret, no_secret_is_no_bytes)
{
    cr_assert_eq(tp_secret_bytes(NULL).len, 0);
    tp_secret_free(NULL);
}

Test(secret, appends_up_to_its_capacity)
{
    struct tp_secret *secret = made(5);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES("abc", 3)), TP_OK);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES("de", 2)), TP_OK);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES_NONE), TP_OK);
    cr_assert(tp_bytes_equal(tp_secret_bytes(secret), TP_BYTES("abcde", 5)));
    tp_secret_free(secret);
}

Test(secret, what_does_not_fit_is_refused_and_changes_nothing)
{
    struct tp_secret *secret = made(5);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES("abc", 3)), TP_OK);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES("def", 3)), TP_TOO_LARGE);
    cr_assert_eq(tp_secret_append(secret, TP_BYTES("def", SIZE_MAX)), TP_TOO_LARGE);
    cr_assert_eq(tp_secret_set_len(secret, 6), TP_TOO_LARGE);
    cr_assert(tp_bytes_equal(tp_secret_bytes(secret), TP_BYTES("abc", 3)));
    tp_secret_free(secret);
}

Test(secret, a_shorter_length_wipes_the_rest)
{
    struct tp_secret *secret = copied("0123456789");
    cr_assert_eq(tp_secret_set_len(secret, 4), TP_OK);
    cr_assert(tp_bytes_equal(tp_secret_bytes(secret), TP_BYTES("0123", 4)));
    cr_assert(all_zero(tp_secret_data(secret) + 4, 6));
    tp_secret_free(secret);
}

Test(secret, a_released_secret_is_wiped)
{
    struct tp_secret *neighbour = copied("keeps the chunk");
    struct tp_secret *secret = copied("0123456789");
    const uint8_t *data = tp_secret_data(secret);
    tp_secret_free(secret);
    cr_assert(all_zero(data, 32));
    cr_assert(tp_bytes_equal(tp_secret_bytes(neighbour), tp_bytes_of_string("keeps the chunk")));
    tp_secret_free(neighbour);
}

Test(secret, its_memory_is_neither_dumped_nor_inherited)
{
    static const size_t capacities[] = {32, 4096, TP_SECRET_MAX};
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        struct tp_secret *secret = made(capacities[i]);
        struct mapping mapping = mapping_of(tp_secret_data(secret));
        cr_assert_not_null(strstr(mapping.flags, " dd"), "%s", mapping.flags);
        cr_assert_not_null(strstr(mapping.flags, " wf"), "%s", mapping.flags);
        cr_assert(!tp_secret_locked() || strstr(mapping.flags, " lo") != NULL, "%s", mapping.flags);
        tp_secret_free(secret);
    }
}

/* Asks the kernel, which answers EFAULT where a read would be a signal. */
static bool readable(const uint8_t *address)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    ssize_t written = write(ends[1], address, 1);
    close(ends[0]);
    close(ends[1]);
    return written == 1;
}

Test(secret, the_arena_ends_at_guard_pages)
{
    static const size_t capacities[] = {32, 4096, TP_SECRET_MAX};
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        struct tp_secret *secret = made(capacities[i]);
        struct mapping mapping = mapping_of(tp_secret_data(secret));
        cr_assert(readable(mapping.start));
        cr_assert(readable(mapping.end - 1));
        cr_assert_not(readable(mapping.start - 1));
        cr_assert_not(readable(mapping.end));
        tp_secret_free(secret);
    }
}

Test(secret, refused_locking_is_tolerated_and_told)
{
    static const struct rlimit none = {0, 0};
    struct tp_secret *before = made(32);
    bool locked = tp_secret_locked();
    cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    if (geteuid() == 0) /* CAP_IPC_LOCK knows no limit */
        cr_assert_eq(setresuid(65534, 65534, 65534), 0);
    cr_assert_eq(tp_secret_locked(), locked);
    struct tp_secret *after = made(TP_SECRET_MAX);
    cr_assert_not(tp_secret_locked());
    cr_assert_eq(tp_secret_append(after, TP_BYTES("abc", 3)), TP_OK);
    tp_secret_free(before);
    tp_secret_free(after);
}

#define MANY 10000

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

Test(secret, ten_thousand_sealing_keys_cost_less_than_a_megabyte)
{
    static struct tp_secret *secrets[MANY];
    size_t heap_before = heap_bytes();
    for (uint32_t i = 0; i < MANY; i++) {
        secrets[i] = made(32);
        tp_put_be32(tp_secret_data(secrets[i]), i);
        cr_assert_eq(tp_secret_set_len(secrets[i], 32), TP_OK);
    }
    cr_assert_leq(arena_kib() * 1024 + (heap_bytes() - heap_before), (size_t)1 << 20);
    for (uint32_t i = 0; i < MANY; i++)
        cr_assert_eq(tp_get_be32(tp_secret_bytes(secrets[i]).data), i);
    for (size_t i = 0; i < MANY; i++)
        tp_secret_free(secrets[i]);
}

Test(secret, when_the_last_has_gone_only_one_page_stays)
{
    struct tp_secret *secrets[3000];
    for (size_t i = 0; i < 3000; i++)
        secrets[i] = made(i % 300);
    cr_assert_gt(arena_kib(), 300);
    for (size_t i = 0; i < 3000; i += 2)
        tp_secret_free(secrets[i]);
    for (size_t i = 1; i < 3000; i += 2)
        tp_secret_free(secrets[i]);
    cr_assert_eq(arena_kib() * 1024, (size_t)sysconf(_SC_PAGESIZE));
}

Test(secret, room_that_was_given_back_is_used_again)
{
    struct tp_secret *keeper = made(32);
    size_t kib = arena_kib();
    for (int i = 0; i < 5000; i++)
        tp_secret_free(made(32));
    cr_assert_eq(arena_kib(), kib);
    tp_secret_free(keeper);
}

Test(secret, chunks_that_have_become_empty_are_given_back_save_one)
{
    static struct tp_secret *secrets[MANY];
    struct tp_secret *keeper = made(32);
    size_t chunk_kib = 64, kib = arena_kib();
    for (size_t i = 0; i < MANY; i++)
        secrets[i] = made(32);
    cr_assert_gt(arena_kib(), kib + 2 * chunk_kib);
    for (size_t i = 0; i < MANY; i++)
        tp_secret_free(secrets[i]);
    cr_assert_leq(arena_kib(), kib + chunk_kib);
    tp_secret_free(keeper);
}

/* Runs BODY in a child of fork; it must return 0. */
static void assert_in_child(int (*body)(void *), void *argument)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        alarm(20); /* a child that hangs is a failure, not a test that never ends */
        _exit(body(argument));
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

static int child_sees_nothing(void *argument)
{
    struct tp_secret *secret = argument;
    if (!all_zero(tp_secret_data(secret), 13))
        return 1;
    if (tp_secret_len(secret) != 0 || tp_secret_capacity(secret) != 0 || tp_secret_bytes(secret).len != 0)
        return 2;
    if (tp_secret_append(secret, TP_BYTES("x", 1)) != TP_TOO_LARGE || tp_secret_set_len(secret, 1) != TP_TOO_LARGE)
        return 3;
    if (tp_secret_set_len(secret, 0) != TP_OK)
        return 4;
    tp_secret_free(secret);
    return 0;
}

Test(secret, a_child_of_fork_sees_nothing_and_can_free)
{
    struct tp_secret *secret = copied("correct horse");
    assert_in_child(child_sees_nothing, secret);
    cr_assert(tp_bytes_equal(tp_secret_bytes(secret), tp_bytes_of_string("correct horse")));
    tp_secret_free(secret);
}

static int child_makes_its_own(void *argument)
{
    struct tp_secret *own = NULL;
    if (tp_secret_new_copy(TP_BYTES("own", 3), &own) != TP_OK)
        return 1;
    tp_secret_free(argument);
    if (!tp_bytes_equal(tp_secret_bytes(own), TP_BYTES("own", 3)))
        return 2;
    tp_secret_free(own);
    return 0;
}

Test(secret, a_child_of_fork_can_make_new_ones)
{
    struct tp_secret *secret = copied("correct horse");
    assert_in_child(child_makes_its_own, secret);
    tp_secret_free(secret);
}

static volatile sig_atomic_t stop;

static void *make_and_free(void *unused)
{
    while (!stop) {
        struct tp_secret *secret = NULL;
        if (tp_secret_new(32, &secret) == TP_OK)
            tp_secret_free(secret);
    }
    return unused;
}

/* Some of these forks find the arena locked by the other thread; a child that waited for it would wait for ever. */
Test(secret, a_fork_while_another_thread_is_in_the_arena_leaves_the_child_free, .timeout = 60)
{
    pthread_t thread;
    struct tp_secret *secret = copied("correct horse");
    cr_assert_eq(pthread_create(&thread, NULL, make_and_free, NULL), 0);
    for (int i = 0; i < 200; i++)
        assert_in_child(child_makes_its_own, secret);
    stop = 1;
    cr_assert_eq(pthread_join(thread, NULL), 0);
    tp_secret_free(secret);
}

/* What makes a wiped arena a usable one (secret.c). */
Test(secret, a_mutex_of_zeros_is_an_initialised_one)
{
    static const pthread_mutex_t initialised = PTHREAD_MUTEX_INITIALIZER;
    cr_assert(all_zero((const uint8_t *)&initialised, sizeof(initialised)));
}

Test(secret, wiping_elsewhere_leaves_zeros)
{
    uint8_t data[64];
    memset(data, 0xA5, sizeof(data));
    tp_wipe(data + 8, 48);
    cr_assert(all_zero(data + 8, 48));
    cr_assert_eq(data[7], 0xA5);
    cr_assert_eq(data[56], 0xA5);
    tp_wipe(NULL, 0);
}

static int child_hardens(void *unused)
{
    (void)unused;
    struct rlimit core = {1, 1};
    tp_process_harden();
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1;
}

Test(secret, a_hardened_process_leaves_no_core)
{
    assert_in_child(child_hardens, NULL);
}
