/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes by pid and start time: a pid alone may be used again by another.
 */
#ifndef TP_IPC_PROCESS_H
#define TP_IPC_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Start time of PID in clock ticks since boot (proc(5), stat field 22); 0 when it cannot be told. */
uint64_t tp_ipc_process_started(pid_t pid);
/* Whether the process that had PID and STARTED still runs; a zombie does not. */
bool tp_ipc_process_alive(pid_t pid, uint64_t started);

#endif
