/* SPDX-License-Identifier: Apache-2.0
 *
 * What strangers may take: so many connections, and so long for a request. evhttp (2.1) counts neither, and its own time limit
 * begins anew with every byte. So connections are looked at from outside, some times a second: a descriptor that is a TCP
 * connection is known by its socket's cookie (SO_COOKIE), which no other socket ever has, and one whose time is up is shut
 * down; evhttp then finds its end and frees it. While all connections are taken, a second is all that any has for its
 * request, and its answer ends it: who holds them, asking or not, would keep everybody else waiting.
 */
#ifndef TP_SERVER_LIMITS_H
#define TP_SERVER_LIMITS_H

#include "base/rc.h"

#include <stdbool.h>
#include <stdint.h>

struct tp_limits;

TP_MUST_USE enum tp_rc tp_limits_new(unsigned connections, int64_t time_ms, struct tp_limits **ret_limits);
void tp_limits_free(struct tp_limits *limits);
TP_DEFINE_AUTO(struct tp_limits, tp_limits_free)
/* The request of the connection FD is whole, and its time does not count; or it has been answered, and that of the next one
 * begins. */
void tp_limits_whole(struct tp_limits *limits, int fd);
void tp_limits_answered(struct tp_limits *limits, int fd);
/* Ends those whose time is up; all that wait for a request when IDLE_TOO. The connections that there are. */
unsigned tp_limits_sweep(struct tp_limits *limits, int64_t now_ms, bool idle_too);
/* As the last sweep found it: all are taken, and others may wait. */
bool tp_limits_crowded(const struct tp_limits *limits);
bool tp_limits_full(const struct tp_limits *limits, unsigned connections);

#endif
