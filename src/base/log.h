/* SPDX-License-Identifier: Apache-2.0
 *
 * The log sink for the edges (server, cli, the module): rooms below return codes and words, they do not log.
 * One line a message, written with one write(2); never a secret. Threads may call it at the same time.
 */
#ifndef TP_BASE_LOG_H
#define TP_BASE_LOG_H

#include "base/rc.h"

enum tp_log_level { TP_LOG_ERROR, TP_LOG_WARNING, TP_LOG_INFO, TP_LOG_DEBUG };

/* Where lines go: a descriptor (not owned; -1 is nowhere), or syslog when FD is TP_LOG_SYSLOG. Default: nowhere. */
#define TP_LOG_SYSLOG (-2)
void tp_log_open(int fd, enum tp_log_level most, const char *ident);
/* A file that a library has opened in somebody else's program: no line goes into what has its number after the program
 * has closed it. */
void tp_log_open_own(int fd, enum tp_log_level most, const char *ident);
void tp_log_close(void);
/* "2026-11-22T10:48:00.123Z trustp11d[42] warning: …". Control characters become '?'. */
void tp_log(enum tp_log_level level, const char *format, ...) TP_PRINTF(2, 3);

#endif
