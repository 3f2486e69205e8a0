/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/checkpoint.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/x509.h>

#define DASH       "\xe2\x80\x94 " /* U+2014 and a space begin a signature line */
#define KEY_ID_LEN 4

enum tp_rc tp_checkpoint_origin_check(const char *origin, struct tp_error *error)
{
    size_t good = 0;

    if (origin != NULL)
        while (origin[good] > ' ' && origin[good] < 0x7f && origin[good] != '+')
            good++;
    if (good != 0 && origin[good] == '\0')
        return TP_OK;
    return tp_error_set(error, TP_CONFIG,
                        "audit: the log's origin must be printable ASCII without spaces and '+', as in "
                        "\"example.org/trustp11\"");
}

static enum tp_rc key_id(struct tp_bytes spki, uint8_t ret_id[KEY_ID_LEN])
{
    uint8_t hash[TP_SHA256_LEN];

    TP_TRY(tp_sha256(spki, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    memcpy(ret_id, hash, KEY_ID_LEN);
    return TP_OK;
}

/* ---- making ---- */

static enum tp_rc append_text(const struct tp_checkpoint *checkpoint, const char *origin, struct tp_buf *ret_text)
{
    TP_TRY(tp_buf_printf(ret_text, "%s\n%" PRIu64 "\n", origin, checkpoint->size));
    TP_TRY(tp_base64_encode(TP_BYTES(checkpoint->root.bytes, sizeof checkpoint->root.bytes), ret_text));
    return tp_buf_append_u8(ret_text, '\n');
}

static enum tp_rc append_signature(struct tp_bytes text, const char *origin, const struct tp_ledger_keys *keys,
                                   struct tp_error *error, struct tp_buf *ret_note)
{
    struct tp_buf signature TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t id[KEY_ID_LEN];

    TP_TRY(key_id(keys->sign_spki, id));
    TP_TRY(tp_buf_append(&signature, TP_BYTES(id, sizeof id)));
    TP_TRY(keys->sign(keys->context, text, error, &signature));
    TP_TRY(tp_buf_printf(ret_note, "\n" DASH "%s ", origin));
    TP_TRY(tp_base64_encode(tp_buf_bytes(&signature), ret_note));
    return tp_buf_append_u8(ret_note, '\n');
}

enum tp_rc tp_checkpoint_make(const struct tp_checkpoint *checkpoint, const char *origin,
                              const struct tp_ledger_keys *keys, struct tp_error *error, struct tp_buf *ret_note)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf note TP_AUTO(tp_buf_clear) = TP_BUF_INIT;

    TP_TRY(append_text(checkpoint, origin, &text));
    TP_TRY(tp_buf_append(&note, tp_buf_bytes(&text)));
    TP_TRY(append_signature(tp_buf_bytes(&text), origin, keys, error, &note));
    return tp_buf_append(ret_note, tp_buf_bytes(&note));
}

/* ---- reading ---- */

static enum tp_rc malformed(const char *what, struct tp_error *error)
{
    return tp_error_set(error, TP_MALFORMED, "audit: this is not a signed checkpoint: %s", what);
}

/* Takes the next line, without its newline, off *REST. False when no newline is left. */
static bool line_take(struct tp_bytes *rest, struct tp_bytes *ret_line)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);

    if (end == NULL)
        return false;
    *ret_line = TP_BYTES(rest->data, (size_t)(end - rest->data));
    *rest = TP_BYTES(end + 1, rest->len - ret_line->len - 1);
    return true;
}

static bool controls_in(struct tp_bytes note)
{
    for (size_t i = 0; i < note.len; i++)
        if (note.data[i] < ' ' && note.data[i] != '\n')
            return true;
    return false;
}

/* The text, with its last newline, and the signature lines: parted by the last empty line. */
static enum tp_rc note_split(struct tp_bytes note, struct tp_error *error, struct tp_bytes *ret_text,
                             struct tp_bytes *ret_signatures)
{
    const uint8_t *gap;

    if (note.len == 0 || note.len > TP_CHECKPOINT_NOTE_MAX || controls_in(note))
        return malformed("empty, too long, or with control characters", error);
    gap = memrchr(note.data, '\n', note.len);
    while (gap != NULL && gap > note.data && gap[-1] != '\n')
        gap = memrchr(note.data, '\n', (size_t)(gap - note.data));
    if (gap == NULL || gap == note.data || gap + 1 == note.data + note.len)
        return malformed("no empty line before the signatures", error);
    *ret_text = TP_BYTES(note.data, (size_t)(gap - note.data));
    *ret_signatures = TP_BYTES(gap + 1, note.len - ret_text->len - 1);
    return TP_OK;
}

/* Decimal, without leading zeroes, within the store's 63 bits. */
static bool size_parse(struct tp_bytes line, uint64_t *ret_size)
{
    uint64_t size = 0;

    if (line.len == 0 || line.len > 19 || (line.data[0] == '0' && line.len > 1))
        return false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return false;
        size = size * 10 + (uint64_t)(line.data[i] - '0');
    }
    *ret_size = size;
    return size <= INT64_MAX;
}

static enum tp_rc root_parse(struct tp_bytes line, struct tp_error *error, struct tp_tlog_hash *ret_root)
{
    struct tp_buf root TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = tp_base64_decode((const char *)line.data, line.len, &root);

    if (rc == TP_MEMORY)
        return rc;
    if (rc != TP_OK || root.len != sizeof ret_root->bytes)
        return malformed("the third line is no SHA-256 hash in base64", error);
    memcpy(ret_root->bytes, root.data, root.len);
    return TP_OK;
}

static enum tp_rc text_parse(struct tp_bytes text, const char *origin, struct tp_error *error,
                             struct tp_checkpoint *ret_checkpoint)
{
    struct tp_bytes line = TP_BYTES_NONE, size = TP_BYTES_NONE, root = TP_BYTES_NONE;

    if (!line_take(&text, &line) || !line_take(&text, &size) || !line_take(&text, &root))
        return malformed("it has fewer than three lines", error);
    if (!size_parse(size, &ret_checkpoint->size))
        return malformed("the second line is no size", error);
    TP_TRY(root_parse(root, error, &ret_checkpoint->root));
    if (!tp_bytes_equal(line, tp_bytes_of_string(origin)))
        return tp_error_set(error, TP_TAMPERED, "audit: the checkpoint is of another log than %s", origin);
    return TP_OK;
}

static bool signature_right(struct tp_bytes text, struct tp_bytes signature, struct tp_bytes spki)
{
    const uint8_t *der = spki.data;
    EVP_PKEY *key = d2i_PUBKEY_ex(NULL, &der, (long)spki.len, tp_crypto_libctx(), NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right = key != NULL && context != NULL && EVP_PKEY_is_a(key, "EC") == 1 &&
                 EVP_DigestVerifyInit_ex(context, NULL, "SHA256", tp_crypto_libctx(), NULL, key, NULL) == 1 &&
                 EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return right;
}

/* What a signature line is to us. */
enum line_verdict { LINE_MALFORMED, LINE_FOREIGN, LINE_RIGHT, LINE_WRONG };

struct verifier {
    struct tp_bytes text, name, spki;
    uint8_t id[KEY_ID_LEN];
};

static enum line_verdict line_judge(const struct verifier *verifier, struct tp_bytes line)
{
    struct tp_buf raw TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes dash = tp_bytes_of_string(DASH), name, base64;
    const uint8_t *space;

    if (line.len <= dash.len || memcmp(line.data, dash.data, dash.len) != 0)
        return LINE_MALFORMED;
    line = TP_BYTES(line.data + dash.len, line.len - dash.len);
    space = memchr(line.data, ' ', line.len);
    if (space == NULL || space == line.data)
        return LINE_MALFORMED;
    name = TP_BYTES(line.data, (size_t)(space - line.data));
    base64 = TP_BYTES(space + 1, line.len - name.len - 1);
    if (tp_base64_decode((const char *)base64.data, base64.len, &raw) != TP_OK || raw.len <= KEY_ID_LEN)
        return LINE_MALFORMED;
    if (!tp_bytes_equal(name, verifier->name) || memcmp(raw.data, verifier->id, KEY_ID_LEN) != 0)
        return LINE_FOREIGN;
    return signature_right(verifier->text, TP_BYTES(raw.data + KEY_ID_LEN, raw.len - KEY_ID_LEN), verifier->spki)
               ? LINE_RIGHT
               : LINE_WRONG;
}

/* signed-note: unknown keys are ignored, a wrong signature by a known key spoils the note, one right one is needed. */
static enum tp_rc signatures_check(const struct verifier *verifier, struct tp_bytes lines, struct tp_error *error)
{
    struct tp_bytes line = TP_BYTES_NONE;
    bool right = false;

    while (line_take(&lines, &line)) {
        enum line_verdict verdict = line_judge(verifier, line);

        if (verdict == LINE_MALFORMED)
            return malformed("a signature line is not well-formed", error);
        if (verdict == LINE_WRONG)
            return tp_error_set(error, TP_TAMPERED, "audit: the checkpoint's signature is wrong");
        right = right || verdict == LINE_RIGHT;
    }
    if (lines.len != 0)
        return malformed("its last line does not end", error);
    return right ? TP_OK : tp_error_set(error, TP_TAMPERED, "audit: the checkpoint is not signed by the log's key");
}

enum tp_rc tp_checkpoint_open(struct tp_bytes note, const char *origin, struct tp_bytes spki, struct tp_error *error,
                              struct tp_checkpoint *ret_checkpoint)
{
    struct verifier verifier = {.name = tp_bytes_of_string(origin), .spki = spki};
    struct tp_checkpoint checkpoint;
    struct tp_bytes lines = TP_BYTES_NONE;

    TP_TRY(note_split(note, error, &verifier.text, &lines));
    TP_TRY(text_parse(verifier.text, origin, error, &checkpoint));
    TP_TRY(key_id(spki, verifier.id));
    TP_TRY(signatures_check(&verifier, lines, error));
    *ret_checkpoint = checkpoint;
    return TP_OK;
}
