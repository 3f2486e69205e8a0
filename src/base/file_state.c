/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_state.h"

static bool is_same_time(struct timespec one, struct timespec other)
{
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

bool tp_file_state_is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
           is_same_time(one->st_mtim, other->st_mtim) && is_same_time(one->st_ctim, other->st_ctim);
}
