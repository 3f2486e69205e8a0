/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may read and write a result: nobody who could not do so with the document that it comes from.
 */
#ifndef TP_PADES_ACCESS_H
#define TP_PADES_ACCESS_H

#include <sys/stat.h>

/* The permissions of IN, whose status is STATUS, as bits alone can say them: where it has an access control list, the group's bits are
 * those of the list's mask, and a result without the list is for those alone who have nobody against them in it. */
mode_t tp_pades_access_bits(int in, const struct stat *status);
/* For a result FD beside IN: it belongs to whom made it. */
void tp_pades_access_give(int fd, const struct stat *in, mode_t bits);
/* For one that takes the place of FROM (-1: cannot be read any more): with its owner, its list and its user's attributes, too, as
 * far as the file system and the kernel let us. */
void tp_pades_access_copy(int fd, int from, const struct stat *in, mode_t bits);

#endif
