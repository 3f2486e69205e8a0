/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <inttypes.h>
#include <string.h>

enum tp_rc tp_store_limit_text(const char *what, const char *text, size_t size, bool may_be_empty,
                               struct tp_error *error)
{
    size_t len = strnlen(text, size);

    if (len == size)
        return tp_error_set(error, TP_BAD_ARGUMENT, "store: a %s is longer than %zu bytes; shorten it", what, size - 1);
    if (len == 0 && !may_be_empty)
        return tp_error_set(error, TP_BAD_ARGUMENT, "store: a %s is empty; give one", what);
    return TP_OK;
}

enum tp_rc tp_store_limit_integer(const char *what, uint64_t value, uint64_t least, uint64_t most,
                                  struct tp_error *error)
{
    if (value >= least && value <= most)
        return TP_OK;
    return tp_error_set(error, TP_BAD_ARGUMENT, "store: a %s of %" PRIu64 " is outside of %" PRIu64 "..%" PRIu64, what,
                        value, least, most);
}

enum tp_rc tp_store_limit_content(const char *what, struct tp_bytes content, struct tp_error *error)
{
    if (content.len <= TP_STORE_CONTENT_MAX)
        return TP_OK;
    return tp_error_set(error, TP_TOO_LARGE, "store: a %s of %zu bytes; at most %zu are kept", what, content.len,
                        TP_STORE_CONTENT_MAX);
}
