/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program does first, before it opens anything.
 */
#ifndef TP_BASE_PROCESS_H
#define TP_BASE_PROCESS_H

#include <stdbool.h>

/* Which of the descriptors 0 to 2 came open. */
struct tp_process_std {
    bool open[3];
};

/* Puts /dev/null on those of the descriptors 0 to 2 that are closed: else the next file or socket would get such a
 * number, and what is meant for people would be written into it. False when that fails; errno says why. */
bool tp_process_std_fill(struct tp_process_std *ret_std);

#endif
