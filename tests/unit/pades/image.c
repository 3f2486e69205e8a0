/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/visible/look.h"

#include <criterion/criterion.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* A PNG of two pixels, the second half transparent, as FORMAT says. */
static struct tp_buf png_of(unsigned format, const uint8_t *pixels, unsigned width, unsigned height)
{
    png_image png = {.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = format};
    png_alloc_size_t len = 0;
    struct tp_buf file = TP_BUF_INIT;
    cr_assert(png_image_write_to_memory(&png, NULL, &len, 0, pixels, 0, NULL) != 0);
    cr_assert_eq(tp_buf_reserve(&file, len), TP_OK);
    cr_assert(png_image_write_to_memory(&png, file.data, &len, 0, pixels, 0, NULL) != 0);
    file.len = len;
    return file;
}

static const uint8_t red[8] = {200, 0, 0, 255, 200, 0, 0, 128};

Test(image, a_png_with_alpha_is_split)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_RGBA, red, 2, 1);
    struct tp_pades_image image TP_AUTO(tp_pades_image_clear) = {.width = 0};
    cr_assert_eq(tp_pades_image_read(tp_buf_bytes(&file), false, NULL, &image), TP_OK);
    cr_assert(image.width == 2 && image.height == 1 && image.components == 3 && !image.jpeg);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&image.pixels), TP_BYTES("\xC8\0\0\xC8\0\0", 6)));
    cr_assert(tp_bytes_equal(tp_buf_bytes(&image.alpha), TP_BYTES("\xFF\x80", 2)));
}

Test(image, flat_is_on_white)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_RGBA, red, 2, 1);
    struct tp_pades_image image TP_AUTO(tp_pades_image_clear) = {.width = 0};
    cr_assert_eq(tp_pades_image_read(tp_buf_bytes(&file), true, NULL, &image), TP_OK);
    cr_assert_eq(image.alpha.len, 0);
    cr_assert(tp_bytes_equal(tp_buf_bytes(&image.pixels), TP_BYTES("\xC8\0\0\xE3\x7F\x7F", 6)));
}

Test(image, an_opaque_grey_png)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_GRAY, (const uint8_t *)"\1\2", 2, 1);
    struct tp_pades_image image TP_AUTO(tp_pades_image_clear) = {.width = 0};
    cr_assert_eq(tp_pades_image_read(tp_buf_bytes(&file), false, NULL, &image), TP_OK);
    cr_assert(image.components == 1 && image.alpha.len == 0 && image.pixels.len == 2);
}

Test(image, every_cut_of_a_png_is_an_error_with_words)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_RGBA, red, 2, 1);
    for (size_t len = 0; len + 12 < file.len; len++) { /* but for the IEND, which nobody needs */
        struct tp_pades_image image = {.width = 0};
        struct tp_error error = {.rc = TP_OK};
        cr_assert_neq(tp_pades_image_read(TP_BYTES(file.data, len), false, &error, &image), TP_OK, "%zu bytes", len);
        cr_assert(error.words[0] != '\0');
    }
}

Test(image, one_that_is_too_large_is_not_decoded)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_RGBA, red, 2, 1);
    struct tp_pades_image image = {.width = 0};
    static const uint8_t header[25] = "\0\0\0\rIHDR\0\0\x10\0\0\0\x10\0\x08\x06\0\0\0";
    memcpy(file.data + 8, header, 21);
    /* its CRC does not matter to what is asked here: either is refused */
    cr_assert_neq(tp_pades_image_read(tp_buf_bytes(&file), false, NULL, &image), TP_OK);
    uint8_t *pixels = calloc(2100, 2100);
    struct tp_buf large TP_AUTO(tp_buf_clear) = png_of(PNG_FORMAT_GRAY, pixels, 2100, 2100);
    cr_assert_eq(tp_pades_image_read(tp_buf_bytes(&large), false, NULL, &image), TP_TOO_LARGE);
    free(pixels);
}

#define JPEG(text) TP_BYTES(text, sizeof text - 1)

Test(image, a_jpeg_goes_in_as_it_is)
{
    struct tp_bytes file = JPEG("\xFF\xD8\xFF\xE0\0\4ab\xFF\xFF\xC0\0\x11\x08\0\x20\0\x40\3\1\1\1\1\1\1\1\1\1\xFF\xDA");
    struct tp_pades_image image = {.width = 0};
    cr_assert_eq(tp_pades_image_read(file, false, NULL, &image), TP_OK);
    cr_assert(image.jpeg && image.width == 64 && image.height == 32 && image.components == 3 && !image.inverted);
    cr_assert(tp_bytes_equal(image.file, file));
    struct tp_bytes cmyk = JPEG("\xFF\xD8\xFF\xEE\0\x0E" "Adobe\0\0\0\0\0\0\2\xFF\xC2\0\x08\x08\0\1\0\1\4");
    cr_assert_eq(tp_pades_image_read(cmyk, false, NULL, &image), TP_OK);
    cr_assert(image.components == 4 && image.inverted);
}

Test(image, jpegs_that_a_pdf_cannot_show)
{
    const struct tp_bytes files[] = {
        JPEG("\xFF\xD8\xFF\xD9"), JPEG("\xFF\xD8\xFF\xE0\xFF\xFF"), JPEG("\xFF\xD8\xFF\xE0\0\1"),
        JPEG("\xFF\xD8\xFF\xC3\0\x08\x08\0\1\0\1\3"),  /* lossless */
        JPEG("\xFF\xD8\xFF\xC9\0\x08\x08\0\1\0\1\3"),  /* arithmetic */
        JPEG("\xFF\xD8\xFF\xC0\0\x08\x0C\0\1\0\1\3"),  /* 12 bits */
        JPEG("\xFF\xD8\xFF\xC0\0\x08\x08\0\1\0\1\2"),  /* two colours */
        JPEG("\xFF\xD8\xFF\xC0\0\x08\x08\0\0\0\1\3"),  /* no pixels */
        JPEG("\xFF\xD8\xFF\xC0\0\x08\x08\xFF\xFF\xFF\xFF\3"), JPEG("\xFF\xD8\xFF\xC0\0\4\x08\0"),
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tp_pades_image image = {.width = 0};
        cr_assert_neq(tp_pades_image_read(files[i], false, NULL, &image), TP_OK, "%zu", i);
    }
}
