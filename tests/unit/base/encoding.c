/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 4648 §10, and the lower-case hex of §8's content. */
static const struct {
    const char *bytes, *hex, *base64, *base32;
} vectors[] = {
    {"", "", "", ""},
    {"f", "66", "Zg==", "MY"},
    {"fo", "666f", "Zm8=", "MZXQ"},
    {"foo", "666f6f", "Zm9v", "MZXW6"},
    {"foob", "666f6f62", "Zm9vYg==", "MZXW6YQ"},
    {"fooba", "666f6f6261", "Zm9vYmE=", "MZXW6YTB"},
    {"foobar", "666f6f626172", "Zm9vYmFy", "MZXW6YTBOI"},
};
#define VECTOR_COUNT (sizeof(vectors) / sizeof(vectors[0]))

typedef enum tp_rc decoder(const char *text, size_t text_len, struct tp_buf *ret_bytes);

static void assert_decodes(decoder *decode, const char *text, struct tp_bytes expected)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&buf, "before"), TP_OK);
    cr_assert_eq(decode(text, strlen(text), &buf), TP_OK, "%s", text);
    cr_assert(tp_bytes_equal(TP_BYTES(buf.data, 6), tp_bytes_of_string("before")));
    cr_assert(tp_bytes_equal(TP_BYTES(buf.data + 6, buf.len - 6), expected), "%s", text);
}

static void assert_refused(decoder *decode, const char *text, size_t text_len)
{
    struct tp_buf buf TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_assert_eq(tp_buf_append_string(&buf, "before"), TP_OK);
    cr_assert_eq(decode(text, text_len, &buf), TP_MALFORMED, "%s", text);
    cr_assert_eq(buf.len, 6);
    cr_assert_str_eq(tp_buf_string(&buf), "before");
}

Test(encoding, vectors_of_rfc_4648_encode)
{
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        char text[32];
        struct tp_buf base64 TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        struct tp_bytes bytes = tp_bytes_of_string(vectors[i].bytes);
        tp_hex_encode(bytes, text);
        cr_assert_str_eq(text, vectors[i].hex);
        tp_base32_encode(bytes, text);
        cr_assert_str_eq(text, vectors[i].base32);
        cr_assert_leq(strlen(text), (bytes.len * 8 + 4) / 5);
        cr_assert_eq(tp_base64_encode(bytes, &base64), TP_OK);
        cr_assert_str_eq(tp_buf_string(&base64), vectors[i].base64);
    }
}

Test(encoding, vectors_of_rfc_4648_decode)
{
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        assert_decodes(tp_hex_decode, vectors[i].hex, tp_bytes_of_string(vectors[i].bytes));
        assert_decodes(tp_base64_decode, vectors[i].base64, tp_bytes_of_string(vectors[i].bytes));
    }
    assert_decodes(tp_hex_decode, "00fFaB", TP_BYTES("\x00\xFF\xAB", 3));
    assert_decodes(tp_base64_decode, "+/+/", TP_BYTES("\xFB\xFF\xBF", 3));
}

Test(encoding, every_byte_survives_hex_and_base64)
{
    uint8_t all[256];
    char hex[513];
    struct tp_buf base64 TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    for (size_t i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    tp_hex_encode(TP_BYTES(all, 256), hex);
    assert_decodes(tp_hex_decode, hex, TP_BYTES(all, 256));
    cr_assert_eq(tp_base64_encode(TP_BYTES(all, 256), &base64), TP_OK);
    assert_decodes(tp_base64_decode, tp_buf_string(&base64), TP_BYTES(all, 256));
}

Test(encoding, hex_that_is_not_hex_is_refused)
{
    static const char *const bad[] = {"6", "666", "6g", "g6", " 66", "0x66", "66 66 ", "6\xC3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(tp_hex_decode, bad[i], strlen(bad[i]));
    assert_refused(tp_hex_decode, "66\0\0", 4);
}

Test(encoding, base64_that_is_not_strict_is_refused)
{
    static const char *const bad[] = {
        "Zg",       "Zg=",      "Z",    "=",       "====", "Z===", "Zg=v", /* padding */
        "Zh==",     "Zm9=",                                                /* bits past the end */
        "Zg==Zg==", "Zm8=Zm9v",                                            /* padding inside */
        "Zm9v\n",   "Zm 9v===", "Zm-_", "Zm9\xFF",                         /* not of the alphabet */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(tp_base64_decode, bad[i], strlen(bad[i]));
    assert_refused(tp_base64_decode, "Zm9\0", 4);
}
