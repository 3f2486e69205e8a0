/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed checkpoints (audit/checkpoint.h), which an auditor is handed by anybody. The first byte of the input chooses
 * whether the note comes as it is, or with a signature line that names our key in front, so that signatures get
 * checked.
 */
#include "audit/checkpoint.h"

#include <openssl/x509.h>
#include <stdlib.h>

#define ORIGIN "fuzz.example/log"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key's id is in the corpus' lines, so the key must be the same in each run: the curve's
 * base point. */
static const char spki_hex[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0"
    "f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static enum tp_rc our_line(struct tp_bytes spki, struct tp_bytes signature, struct tp_buf *ret_note)
{
    struct tp_buf raw TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t hash[TP_SHA256_LEN];

    TP_TRY(tp_sha256(spki, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    TP_TRY(tp_buf_append(&raw, TP_BYTES(hash, 4)));
    TP_TRY(tp_buf_append(&raw, signature));
    TP_TRY(tp_buf_append_string(ret_note, ORIGIN
                                "\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 " ORIGIN " "));
    TP_TRY(tp_base64_encode(tp_buf_bytes(&raw), ret_note));
    return tp_buf_append_u8(ret_note, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes rest = size == 0 ? TP_BYTES_NONE : TP_BYTES(data + 1, size - 1);
    struct tp_checkpoint checkpoint;
    enum tp_rc rc;

    if (tp_hex_decode(spki_hex, sizeof spki_hex - 1, &spki) != TP_OK)
        abort();
    rc = size != 0 && (data[0] & 1) != 0 ? our_line(tp_buf_bytes(&spki), rest, &note) : tp_buf_append(&note, rest);
    if (rc != TP_OK)
        return 0;
    /* that a mutation signs something is not to be expected */
    if (tp_checkpoint_open(tp_buf_bytes(&note), ORIGIN, tp_buf_bytes(&spki), NULL, &checkpoint) == TP_OK)
        abort();
    return 0;
}
