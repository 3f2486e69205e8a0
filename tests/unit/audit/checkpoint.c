/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "audit/checkpoint.h"

static struct fake_keys keys, others;

static void setup(void)
{
    fake_keys_make(&keys);
    fake_keys_make(&others);
}

static void teardown(void)
{
    fake_keys_clear(&keys);
    fake_keys_clear(&others);
    tp_crypto_release();
}

TestSuite(checkpoint, .init = setup, .fini = teardown);

static void make(struct fake_keys *by, const char *origin, uint64_t size, struct tp_buf *ret_note)
{
    struct tp_checkpoint checkpoint = {.size = size, .root = {{1, 2, 3}}};
    struct tp_ledger_keys signer = fake_keys_of(by);

    assert_ok(tp_checkpoint_make(&checkpoint, origin, &signer, NULL, ret_note));
}

static enum tp_rc open_note(struct tp_bytes note, struct tp_checkpoint *ret)
{
    return tp_checkpoint_open(note, ORIGIN, tp_buf_bytes(&keys.spki), NULL, ret);
}

Test(checkpoint, reads_back_what_was_signed)
{
    static const uint64_t sizes[] = {0, 1, 9, 10, 20852163, INT64_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        struct tp_checkpoint checkpoint;

        make(&keys, ORIGIN, sizes[i], &note);
        assert_ok(open_note(tp_buf_bytes(&note), &checkpoint));
        cr_assert_eq(checkpoint.size, sizes[i]);
        cr_assert_eq(checkpoint.root.bytes[2], 3);
    }
}

Test(checkpoint, has_the_form_of_the_specification)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf raw TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    static const char text[] =
        ORIGIN "\n20852163\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 " ORIGIN " ";
    uint8_t hash[32];
    size_t len;

    make(&keys, ORIGIN, 20852163, &note);
    cr_assert(note.len > sizeof text && memcmp(note.data, text, sizeof text - 1) == 0, "%s", tp_buf_string(&note));
    cr_assert_eq(note.data[note.len - 1], '\n');
    /* the key's id is the beginning of the hash of its SubjectPublicKeyInfo (signature type 0x02) */
    len = note.len - (sizeof text - 1) - 1;
    assert_ok(tp_base64_decode((const char *)note.data + sizeof text - 1, len, &raw));
    assert_ok(tp_sha256(tp_buf_bytes(&keys.spki), TP_BYTES_NONE, TP_BYTES_NONE, hash));
    cr_assert(memcmp(raw.data, hash, 4) == 0);
    cr_assert_eq(raw.data[4], 0x30); /* the signature is DER */
}

Test(checkpoint, refuses_every_flipped_bit)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_checkpoint checkpoint;

    make(&keys, ORIGIN, 4711, &note);
    for (size_t i = 0; i < note.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            note.data[i] ^= (uint8_t)(1 << bit);
            cr_assert(open_note(tp_buf_bytes(&note), &checkpoint) != TP_OK, "byte %zu, bit %d", i, bit);
            note.data[i] ^= (uint8_t)(1 << bit);
        }
    assert_ok(open_note(tp_buf_bytes(&note), &checkpoint));
}

Test(checkpoint, refuses_every_part_of_itself)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_checkpoint checkpoint;

    make(&keys, ORIGIN, 4711, &note);
    for (size_t len = 0; len < note.len; len++)
        cr_assert(open_note(TP_BYTES(note.data, len), &checkpoint) != TP_OK, "%zu bytes", len);
}

Test(checkpoint, refuses_another_key_and_another_log)
{
    struct tp_buf by_other TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf of_other TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_checkpoint checkpoint;

    make(&others, ORIGIN, 1, &by_other);
    assert_rc(open_note(tp_buf_bytes(&by_other), &checkpoint), TP_TAMPERED);
    make(&keys, "other.example/log", 1, &of_other);
    assert_rc(open_note(tp_buf_bytes(&of_other), &checkpoint), TP_TAMPERED);
}

Test(checkpoint, ignores_signatures_of_others_beside_its_own)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_checkpoint checkpoint;

    make(&keys, ORIGIN, 1, &note);
    assert_ok(tp_buf_append_string(&note, "\xe2\x80\x94 witness.example AAAAAAAA\n"));
    assert_ok(open_note(tp_buf_bytes(&note), &checkpoint));
    assert_ok(tp_buf_append_string(&note, "not a signature\n"));
    assert_rc(open_note(tp_buf_bytes(&note), &checkpoint), TP_MALFORMED);
}

Test(checkpoint, refuses_a_wrong_signature_beside_a_right_one)
{
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf other TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_checkpoint checkpoint;
    const uint8_t *line;

    make(&keys, ORIGIN, 1, &note);
    make(&keys, ORIGIN, 2, &other); /* of the same key, but over another text */
    line = memmem(other.data, other.len, "\xe2\x80\x94", 3);
    assert_ok(tp_buf_append(&note, TP_BYTES(line, (size_t)(other.data + other.len - line))));
    assert_rc(open_note(tp_buf_bytes(&note), &checkpoint), TP_TAMPERED);
}

Test(checkpoint, refuses_sizes_and_roots_that_are_not_well_formed)
{
    static const char *const texts[] = {
        ORIGIN "\n01\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ORIGIN "\n\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ORIGIN "\n-1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ORIGIN "\n9223372036854775808\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ORIGIN "\n99999999999999999999\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        ORIGIN "\n1\nAQID\n",
        ORIGIN "\n1\n!!!!\n",
        ORIGIN "\n1\n",
        ORIGIN "\r\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    };
    struct tp_checkpoint checkpoint;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

        assert_ok(tp_buf_printf(&note, "%s\n\xe2\x80\x94 " ORIGIN " AAAAAAAA\n", texts[i]));
        assert_rc(open_note(tp_buf_bytes(&note), &checkpoint), TP_MALFORMED);
    }
}

Test(checkpoint, takes_origins_that_can_name_a_key_and_no_others)
{
    static const char *const bad[] = {"", "a b", "a+b", "a\nb", "\xc3\xa4", NULL};

    assert_ok(tp_checkpoint_origin_check("trustp11.example/demo", NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_rc(tp_checkpoint_origin_check(bad[i], NULL), TP_CONFIG);
}
