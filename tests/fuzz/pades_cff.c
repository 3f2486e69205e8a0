/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a CFF table: an error, or a CID for each glyph; glyph 0 is CID 0.
 */
#include "pades/visible/look.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum { GLYPHS = 64 };
    uint32_t cids[GLYPHS];
    bool keyed = false;
    for (size_t i = 0; i < GLYPHS; i++)
        cids[i] = UINT32_MAX;
    if (tp_pades_cff_cids(TP_BYTES(data, len), &keyed, cids, GLYPHS) != TP_OK)
        return 0;
    for (size_t i = 0; i < GLYPHS; i++)
        if (cids[i] == UINT32_MAX || cids[0] != 0 || (!keyed && cids[i] != i))
            abort();
    return 0;
}
