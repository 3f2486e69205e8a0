/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be known of a file's content without reading it.
 */
#ifndef TP_BASE_FILE_STATE_H
#define TP_BASE_FILE_STATE_H

#include <stdbool.h>
#include <sys/stat.h>

/* Whether it is the same file with the same bytes. Its time of change counts, too, which nobody can set: other bytes can have the
 * length and the time of modification of those before. */
bool tp_file_state_is_same(const struct stat *one, const struct stat *other);

#endif
