/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an image of a visible signature: what is accepted has as many bytes as its size says, and no more pixels than
 * are allowed.
 */
#include "pades/visible/look.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void look(struct tp_bytes file, bool flat)
{
    struct tp_pades_image image = {.width = 0};
    if (tp_pades_image_read(file, flat, NULL, &image) != TP_OK)
        return;
    const size_t pixels = (size_t)image.width * image.height;
    require(pixels > 0 && pixels <= (size_t)4 << 20);
    require(image.components == 1 || image.components == 3 || (image.components == 4 && image.jpeg));
    require(image.jpeg ? image.file.len == file.len && image.pixels.len == 0 : image.pixels.len == pixels * image.components);
    require(image.alpha.len == 0 || (image.alpha.len == pixels && !flat));
    tp_pades_image_clear(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    look(TP_BYTES(data, len), false);
    look(TP_BYTES(data, len), true);
    return 0;
}
