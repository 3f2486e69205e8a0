/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <string.h>

Test(bytes, string_is_viewed_without_its_nul)
{
    cr_assert_eq(tp_bytes_of_string("abc").len, 3);
    cr_assert_eq(tp_bytes_of_string("").len, 0);
    cr_assert_eq(tp_bytes_of_string(NULL).len, 0);
}

Test(bytes, equal_means_same_length_and_content)
{
    static bool (*const equals[])(struct tp_bytes, struct tp_bytes) = {tp_bytes_equal, tp_bytes_equal_secret};
    for (size_t i = 0; i < 2; i++) {
        cr_assert(equals[i](TP_BYTES("abc", 3), TP_BYTES("abc", 3)));
        cr_assert(equals[i](TP_BYTES_NONE, TP_BYTES("", 0)));
        cr_assert_not(equals[i](TP_BYTES("abc", 3), TP_BYTES("abd", 3)));
        cr_assert_not(equals[i](TP_BYTES("abc", 3), TP_BYTES("abcd", 4)));
        cr_assert_not(equals[i](TP_BYTES("", 0), TP_BYTES("a", 1)));
    }
}

Test(bytes, buffer_grows_and_stays_a_string)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_str_eq(tp_buf_string(&buf), "");
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(tp_buf_printf(&buf, "%03d", i), TP_OK);
    cr_assert_eq(buf.len, 3000);
    cr_assert_eq(strlen(tp_buf_string(&buf)), 3000);
    cr_assert_eq(memcmp(buf.data + 2994, "998999", 6), 0);
    cr_assert_eq(tp_buf_append_u8(&buf, 'x'), TP_OK);
    cr_assert_eq(tp_buf_append_string(&buf, "yz"), TP_OK);
    cr_assert_str_eq(tp_buf_string(&buf) + 3000, "xyz");
}

Test(bytes, reset_keeps_the_memory_and_clear_gives_it_back)
{
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&buf, "abc"), TP_OK);
    uint8_t *data = buf.data;
    tp_buf_reset(&buf);
    cr_assert_eq(buf.len, 0);
    cr_assert_eq(buf.data, data);
    cr_assert_str_eq(tp_buf_string(&buf), "");
    tp_buf_clear(&buf);
    cr_assert_null(buf.data);
    cr_assert_eq(tp_buf_append_string(&buf, "again"), TP_OK);
    cr_assert_str_eq(tp_buf_string(&buf), "again");
    tp_buf_clear(&buf);
}

Test(bytes, nothing_appended_is_nothing_and_still_a_string)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES_NONE), TP_OK);
    cr_assert_eq(tp_buf_append_string(&buf, NULL), TP_OK);
    cr_assert_eq(tp_buf_bytes(&buf).len, 0);
    cr_assert_str_eq(tp_buf_string(&buf), "");
}

Test(bytes, buffer_grows_to_its_limit)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&buf, "abc"), TP_OK);
    cr_assert_eq(tp_buf_reserve(&buf, TP_BUF_MAX - 3), TP_OK);
    cr_assert_geq(buf.capacity, TP_BUF_MAX + 1);
}

Test(bytes, buffer_past_its_limit_is_refused_and_unchanged)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&buf, "abc"), TP_OK);
    size_t capacity = buf.capacity;
    cr_assert_eq(tp_buf_reserve(&buf, TP_BUF_MAX - 2), TP_TOO_LARGE);
    cr_assert_eq(tp_buf_reserve(&buf, SIZE_MAX), TP_TOO_LARGE);
    cr_assert_eq(tp_buf_append(&buf, TP_BYTES("", TP_BUF_MAX)), TP_TOO_LARGE);
    cr_assert_eq(buf.capacity, capacity);
    cr_assert_str_eq(tp_buf_string(&buf), "abc");
}

Test(bytes, integers_are_big_endian)
{
    static const uint8_t expected[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF};
    uint8_t at[8] = {0};
    tp_put_be64(at, UINT64_C(0x0123456789ABCDEF));
    cr_assert_eq(memcmp(at, expected, 8), 0);
    cr_assert_eq(tp_get_be64(at), UINT64_C(0x0123456789ABCDEF));
    cr_assert_eq(tp_get_be32(at + 4), UINT32_C(0x89ABCDEF));
    tp_put_be32(at, UINT32_MAX);
    cr_assert_eq(tp_get_be64(at), UINT64_C(0xFFFFFFFF89ABCDEF));
}
