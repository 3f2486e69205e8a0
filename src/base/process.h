/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptors 0 to 2, which a program may have been started without: what a program of ours does first, before it
 * opens anything, and what a library does that cannot.
 */
#ifndef TP_BASE_PROCESS_H
#define TP_BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Which of the descriptors 0 to 2 came open. */
struct tp_process_std {
    bool open[3];
};

/* Puts /dev/null on those of the descriptors 0 to 2 that are closed: else the next file or socket would get such a
 * number, and what is meant for people would be written into it. False when that fails; errno says why. */
bool tp_process_std_fill(struct tp_process_std *ret_std);
/* For libraries in programs that have closed some of 0 to 2, and still write there: FD, which it takes over, or the
 * same under a higher number, close-on-exec. -1, with errno, when there is none, or FD is -1 already. */
int tp_process_fd_raise(int fd);

/* For the same libraries: a program that becomes a daemon closes all descriptors, those that it does not know among
 * them, and gets their numbers again for files of its own. What a descriptor was, so that it is known again: */
struct tp_process_file {
    dev_t device;
    ino_t number; /* 0: not known */
};
void tp_process_fd_look(int fd, struct tp_process_file *ret_file);
bool tp_process_fd_is(int fd, const struct tp_process_file *file);    /* true as well when it cannot be told */
void tp_process_fd_close(int fd, const struct tp_process_file *file); /* unless it is another file now */

#endif
