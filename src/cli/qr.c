/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/qr.h"

#include <qrencode.h>

#define QUIET 4 /* modules of margin, ISO/IEC 18004 §6.3.8 */

static bool is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

/* The upper module is the block's foreground, the lower its background. */
static enum tp_rc draw_line(const QRcode *code, int y, struct tp_secret *picture)
{
    static const char *const blocks[2][2] = {{"█", "▀"}, {"▄", " "}}; /* [upper dark][lower dark], in white on black */
    TP_TRY(tp_secret_append(picture, tp_bytes_of_string("\033[97;40m")));
    for (int x = -QUIET; x < code->width + QUIET; x++) {
        const char *block = blocks[is_dark(code, x, y)][is_dark(code, x, y + 1)];
        TP_TRY(tp_secret_append(picture, tp_bytes_of_string(block)));
    }
    return tp_secret_append(picture, tp_bytes_of_string("\033[0m\n"));
}

static enum tp_rc draw(const QRcode *code, struct tp_secret *picture)
{
    for (int y = -QUIET; y < code->width + QUIET; y += 2)
        TP_TRY(draw_line(code, y, picture));
    return TP_OK;
}

enum tp_rc tp_cli_qr(struct tp_bytes text, struct tp_error *error, struct tp_secret **ret_picture)
{
    struct tp_secret *picture TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(TP_SECRET_MAX, &picture));
    QRcode *code = QRcode_encodeData((int)text.len, text.data, 0, QR_ECLEVEL_L);
    if (code == NULL)
        return tp_error_set(error, TP_TOO_LARGE, "too long for a QR code; use --no-qr");
    enum tp_rc rc = draw(code, picture);
    tp_wipe(code->data, (size_t)code->width * (size_t)code->width);
    QRcode_free(code);
    TP_TRY(rc);
    *ret_picture = picture;
    picture = NULL;
    return TP_OK;
}
