/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void hex_is(const struct tp_buf *buf, const char *expected)
{
    char text[256];
    cr_assert_lt(buf->len, sizeof text / 2);
    tp_hex_encode(tp_buf_bytes(buf), text);
    cr_assert_str_eq(text, expected);
}

Test(der, lengths_take_the_shortest_form_and_are_read_back)
{
    static const struct {
        size_t len, head;
    } rows[] = {{0, 2}, {1, 2}, {127, 2}, {128, 3}, {255, 3}, {256, 4}, {65535, 4}, {65536, 5}, {1 << 24, 6}};
    uint8_t *bytes = calloc(1, 1 << 24);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf put = TP_BUF_INIT, nested = TP_BUF_INIT;
        size_t mark;
        cr_assert_eq(tp_der_put(&put, TP_DER_OCTET_STRING, TP_BYTES(bytes, rows[i].len)), TP_OK);
        cr_assert_eq(put.len, rows[i].head + rows[i].len);
        cr_assert_eq(tp_der_open(&nested, TP_DER_OCTET_STRING, &mark), TP_OK);
        if (rows[i].len > 0)
            cr_assert_eq(tp_buf_append(&nested, TP_BYTES(bytes, rows[i].len)), TP_OK);
        cr_assert_eq(tp_der_close(&nested, mark), TP_OK);
        cr_assert(tp_bytes_equal(tp_buf_bytes(&put), tp_buf_bytes(&nested)), "%zu", rows[i].len);
        struct tp_bytes at = tp_buf_bytes(&put), whole, content;
        cr_assert(tp_der_take(&at, TP_DER_OCTET_STRING, &whole, &content));
        cr_assert_eq(content.len, rows[i].len);
        cr_assert_eq(whole.len, put.len);
        cr_assert_eq(at.len, 0);
        at = TP_BYTES(put.data, put.len - 1);
        cr_assert_not(tp_der_take(&at, TP_DER_OCTET_STRING, NULL, NULL), "cut off");
        tp_buf_clear(&put), tp_buf_clear(&nested);
    }
    free(bytes);
}

Test(der, an_element_that_is_none_is_not_taken)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {{"", 0},         {"\x30", 1},     {"\x30\x80\x00\x00", 4}, {"\x30\x85\x00\x00\x00\x00\x00", 7},
                {"\x30\x01", 2}, {"\x04\x00", 2}, {"\x3f\x01\x00", 3},     {"\x30\x84\xff\xff\xff\xff", 6}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_bytes at = TP_BYTES(rows[i].bytes, rows[i].len);
        cr_assert_not(tp_der_take(&at, TP_DER_SEQUENCE, NULL, NULL), "row %zu", i);
        cr_assert_eq(at.len, rows[i].len, "it stays where it was");
    }
    struct tp_bytes any = TP_BYTES("\x04\x00\x05\x00", 4);
    cr_assert(tp_der_take(&any, TP_DER_ANY, NULL, NULL));
    cr_assert_eq(any.len, 2);
}

Test(der, numbers_are_positive_and_short)
{
    static const struct {
        uint64_t number;
        const char *expected;
    } rows[] = {{0, "020100"},     {1, "020101"},         {127, "02017f"},
                {128, "02020080"}, {65537, "0203010001"}, {UINT64_MAX, "020900ffffffffffffffff"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf buf = TP_BUF_INIT;
        cr_assert_eq(tp_der_put_number(&buf, rows[i].number), TP_OK);
        hex_is(&buf, rows[i].expected);
        tp_buf_clear(&buf);
    }
}

Test(der, oids_are_written_as_x690_says)
{
    static const struct {
        const char *dotted, *expected;
    } rows[] = {{"1.2.840.113549.1.7.2", "06092a864886f70d010702"},
                {"2.999.3", "0603883703"},
                {"2.5.29.15", "0603551d0f"},
                {"0.0", "060100"},
                {"1.39", "06014f"},
                {"2.16.840.1.101.3.4.2.1", "0609608648016503040201"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_buf buf = TP_BUF_INIT;
        cr_assert_eq(tp_der_put_oid(&buf, rows[i].dotted), TP_OK, "%s", rows[i].dotted);
        hex_is(&buf, rows[i].expected);
        tp_buf_clear(&buf);
    }
    static const char *const wrong[] = {"",
                                        "1",
                                        "1.",
                                        ".1",
                                        "1..2",
                                        "1.2.",
                                        "1.40",
                                        "3.1",
                                        "1.2.x",
                                        "1.2.03",
                                        "1.-2",
                                        "1.2 ",
                                        "1.2.99999999999999999999",
                                        "a",
                                        "2.18446744073709551615"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tp_buf buf = TP_BUF_INIT;
        cr_assert_eq(tp_der_put_oid(&buf, wrong[i]), TP_BAD_ARGUMENT, "%s", wrong[i]);
        tp_buf_clear(&buf);
    }
}

Test(der, elements_of_a_set_have_an_order)
{
    static const char *const sorted[] = {"\x02\x01\x01", "\x02\x01\x02", "\x02\x02\x01\x00", "\x30\x00"};
    static const size_t lens[] = {3, 3, 4, 2};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            const int order = tp_der_compare(TP_BYTES(sorted[i], lens[i]), TP_BYTES(sorted[j], lens[j]));
            cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j), "%zu %zu", i, j);
        }
}
