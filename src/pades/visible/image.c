/* SPDX-License-Identifier: Apache-2.0
 *
 * Images for visible signatures. They are files of whoever signs, but may come from anywhere: bounded before anything is decoded.
 */
#include "pades/visible/look.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST   ((size_t)8 << 20)
#define PIXELS_MOST ((size_t)4 << 20) /* 2048 x 2048 */

void tp_pades_image_clear(struct tp_pades_image *image)
{
    tp_buf_clear(&image->pixels);
    tp_buf_clear(&image->alpha);
    *image = (struct tp_pades_image){.width = 0};
}

static enum tp_rc check_size(unsigned width, unsigned height, struct tp_error *error)
{
    if (width == 0 || height == 0)
        return tp_error_set(error, TP_MALFORMED, "the image has no pixels");
    if ((uint64_t)width * height > PIXELS_MOST)
        return tp_error_set(error, TP_TOO_LARGE, "the image has %u x %u pixels; scale it down, %zu in all are allowed", width, height,
                            PIXELS_MOST);
    return TP_OK;
}

/* ---- JPEG (ITU-T T.81 annex B): its header alone; the rest is the viewer's ---- */

#define SOF_FIRST 0xC0
#define SOF_LAST  0xC2 /* baseline, extended, progressive: what DCTDecode is (§7.4.8) */
#define APP14     0xEE

static bool is_bare(unsigned marker)
{
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

static bool is_other_frame(unsigned marker)
{
    return marker > SOF_LAST && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

static enum tp_rc read_frame(const uint8_t *frame, size_t len, struct tp_error *error, struct tp_pades_image *ret_image)
{
    if (len < 6 || frame[0] != 8)
        return tp_error_set(error, TP_UNSUPPORTED, "a JPEG must have 8 bits a colour");
    ret_image->height = (unsigned)(frame[1] << 8 | frame[2]);
    ret_image->width = (unsigned)(frame[3] << 8 | frame[4]);
    ret_image->components = frame[5];
    if (frame[5] != 1 && frame[5] != 3 && frame[5] != 4)
        return tp_error_set(error, TP_UNSUPPORTED, "a JPEG of %u colours is none that a PDF can show", frame[5]);
    return check_size(ret_image->width, ret_image->height, error);
}

static enum tp_rc read_jpeg(struct tp_bytes file, struct tp_error *error, struct tp_pades_image *ret_image)
{
    size_t at = 2;
    bool adobe = false;
    while (file.len - at >= 4 && file.data[at] == 0xFF) {
        unsigned marker = file.data[at + 1];
        if (marker == 0xFF || is_bare(marker)) {
            at += marker == 0xFF ? 1 : 2;
            continue;
        }
        size_t len = (size_t)(file.data[at + 2] << 8 | file.data[at + 3]);
        if (len < 2 || len > file.len - at - 2)
            break;
        const uint8_t *segment = file.data + at + 4;
        if (is_other_frame(marker))
            return tp_error_set(error, TP_UNSUPPORTED, "a JPEG of this kind (lossless or arithmetic) is none that a PDF can show");
        adobe = adobe || (marker == APP14 && len >= 14 && memcmp(segment, "Adobe", 5) == 0);
        if (marker >= SOF_FIRST && marker <= SOF_LAST) {
            TP_TRY(read_frame(segment, len - 2, error, ret_image));
            ret_image->jpeg = true;
            ret_image->inverted = adobe && ret_image->components == 4;
            ret_image->file = file;
            return TP_OK;
        }
        at += 2 + len;
    }
    return tp_error_set(error, TP_MALFORMED, "the JPEG is damaged: there is no size in it");
}

/* ---- PNG ---- */

/* Pixels of COLOURS bytes and one of alpha each. FLAT mixes them with white. */
static enum tp_rc split(const uint8_t *pixels, size_t count, unsigned colours, bool flat, struct tp_pades_image *ret_image)
{
    bool opaque = true;
    TP_TRY(tp_buf_reserve(&ret_image->pixels, count * colours));
    TP_TRY(tp_buf_reserve(&ret_image->alpha, count));
    for (size_t i = 0; i < count; i++, pixels += colours + 1) {
        unsigned alpha = pixels[colours];
        for (unsigned c = 0; c < colours; c++)
            ret_image->pixels.data[i * colours + c] =
                flat ? (uint8_t)((pixels[c] * alpha + 255 * (255 - alpha) + 127) / 255) : pixels[c];
        ret_image->alpha.data[i] = (uint8_t)alpha;
        opaque = opaque && alpha == 255;
    }
    ret_image->pixels.len = count * colours;
    ret_image->alpha.len = opaque || flat ? 0 : count;
    return TP_OK;
}

static enum tp_rc decode(png_image *png, bool flat, struct tp_error *error, struct tp_pades_image *ret_image)
{
    unsigned colours = (png->format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1;
    TP_TRY(check_size(png->width, png->height, error));
    png->format = colours == 3 ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
    size_t count = (size_t)png->width * png->height;
    uint8_t *pixels = malloc(count * (colours + 1));
    if (pixels == NULL)
        return TP_MEMORY;
    ret_image->width = png->width;
    ret_image->height = png->height;
    ret_image->components = colours;
    enum tp_rc rc = png_image_finish_read(png, NULL, pixels, 0, NULL) != 0
                        ? split(pixels, count, colours, flat, ret_image)
                        : tp_error_set(error, TP_MALFORMED, "the PNG is damaged: %s", png->message);
    free(pixels);
    return rc;
}

static enum tp_rc read_png(struct tp_bytes file, bool flat, struct tp_error *error, struct tp_pades_image *ret_image)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (png_image_begin_read_from_memory(&png, file.data, file.len) == 0)
        return tp_error_set(error, TP_MALFORMED, "the PNG is damaged: %s", png.message);
    enum tp_rc rc = decode(&png, flat, error, ret_image);
    png_image_free(&png);
    return rc;
}

enum tp_rc tp_pades_image_read(struct tp_bytes file, bool flat, struct tp_error *error, struct tp_pades_image *ret_image)
{
    struct tp_pades_image image TP_AUTO(tp_pades_image_clear) = {.width = 0};
    if (file.len > FILE_MOST)
        return tp_error_set(error, TP_TOO_LARGE, "the image's file is larger than %zu bytes", FILE_MOST);
    if (file.len >= 8 && memcmp(file.data, "\x89PNG\r\n\x1a\n", 8) == 0)
        TP_TRY(read_png(file, flat, error, &image));
    else if (file.len >= 4 && file.data[0] == 0xFF && file.data[1] == 0xD8)
        TP_TRY(read_jpeg(file, error, &image));
    else
        return tp_error_set(error, TP_UNSUPPORTED, "the image is neither PNG nor JPEG");
    *ret_image = image;
    image = (struct tp_pades_image){.width = 0};
    return TP_OK;
}
