/* SPDX-License-Identifier: Apache-2.0 */
#include "server/limits.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define CROWDED_MS 1000 /* for a request, while others wait for a connection */
#define OWN_FILES 64 /* descriptors that are no connections: listeners, the engine's socket, the loop's */

struct place {
    uint64_t cookie; /* 0: nobody's */
    int64_t since_ms; /* its request has begun, as far as that counts */
    bool whole;       /* the request: we are at work */
};

struct tp_limits {
    unsigned connections;
    int64_t time_ms;
    bool crowded; /* as the last look found it */
    size_t places_len;
    struct pollfd *open; /* as many: which of them are open is one question */
    struct place places[];
};

/* Twice as many may come between two looks; what comes then waits in the kernel. */
enum tp_rc tp_limits_new(unsigned connections, int64_t time_ms, struct tp_limits **ret_limits)
{
    struct rlimit files;
    size_t len = 2 * (size_t)connections + OWN_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return TP_IO;
    if (files.rlim_max < len)
        len = (size_t)files.rlim_max;
    files.rlim_cur = len;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        return TP_IO;
    struct tp_limits *limits TP_AUTO(tp_limits_free_p) = calloc(1, sizeof *limits + len * sizeof limits->places[0]);
    if (limits == NULL || (limits->open = calloc(len, sizeof *limits->open)) == NULL)
        return TP_MEMORY;
    for (size_t fd = 0; fd < len; fd++)
        limits->open[fd].fd = (int)fd;
    limits->connections = connections;
    limits->time_ms = time_ms;
    limits->places_len = len;
    *ret_limits = limits;
    limits = NULL;
    return TP_OK;
}

void tp_limits_free(struct tp_limits *limits)
{
    if (limits != NULL)
        free(limits->open);
    free(limits);
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

static bool is_connection(int fd)
{
    int domain = 0, listens = 0;
    socklen_t domain_len = sizeof domain, listens_len = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) == 0 && (domain == AF_INET || domain == AF_INET6) &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) == 0 && listens == 0;
}

static struct place *place_of(struct tp_limits *limits, int fd)
{
    return fd >= 0 && (size_t)fd < limits->places_len ? &limits->places[fd] : NULL;
}

/* The cookie is asked for anew: since the last look the descriptor may have become another connection's, which the next look
 * would take for one that has asked for nothing yet. */
void tp_limits_whole(struct tp_limits *limits, int fd)
{
    struct place *place = place_of(limits, fd);
    if (place != NULL)
        *place = (struct place){.cookie = cookie_of(fd), .whole = true};
}

void tp_limits_answered(struct tp_limits *limits, int fd)
{
    struct place *place = place_of(limits, fd);
    if (place == NULL)
        return;
    place->since_ms = tp_clock_monotonic_ms();
    place->whole = false;
}

static void look(struct tp_limits *limits, int fd, int64_t now_ms, int64_t time_ms)
{
    struct place *place = &limits->places[fd];
    const bool open = (limits->open[fd].revents & POLLNVAL) == 0;
    const uint64_t cookie = open && is_connection(fd) ? cookie_of(fd) : 0;
    if (cookie != place->cookie)
        *place = (struct place){.cookie = cookie, .since_ms = now_ms};
    if (cookie != 0 && !place->whole && now_ms - place->since_ms >= time_ms)
        (void)shutdown(fd, SHUT_RDWR);
}

static int64_t time_for_a_request(const struct tp_limits *limits, bool idle_too)
{
    if (idle_too)
        return 0;
    return limits->crowded && limits->time_ms > CROWDED_MS ? CROWDED_MS : limits->time_ms;
}

unsigned tp_limits_sweep(struct tp_limits *limits, int64_t now_ms, bool idle_too)
{
    const int64_t time_ms = time_for_a_request(limits, idle_too);
    unsigned connections = 0;
    if (poll(limits->open, limits->places_len, 0) < 0)
        return 0; /* no memory for it: the next look is soon */
    for (size_t fd = 0; fd < limits->places_len; fd++) {
        look(limits, (int)fd, now_ms, time_ms);
        connections += limits->places[fd].cookie != 0;
    }
    limits->crowded = tp_limits_full(limits, connections);
    return connections;
}

bool tp_limits_crowded(const struct tp_limits *limits)
{
    return limits->crowded;
}

bool tp_limits_full(const struct tp_limits *limits, unsigned connections)
{
    return connections >= limits->connections;
}
