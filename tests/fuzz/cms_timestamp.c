/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a CMS that gets a signature timestamp. What is accepted stays what it was but for the new
 * attribute: the signature is the same, and another timestamp goes in as well.
 */
#include "pki/cms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t token[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    struct tp_buf once TP_AUTO(tp_buf_clear) = TP_BUF_INIT, twice TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes before, after;
    if (tp_pki_cms_add_timestamp(TP_BYTES(data, len), TP_BYTES(token, sizeof token), NULL, &once) != TP_OK)
        return 0;
    require(tp_pki_cms_signature(TP_BYTES(data, len), NULL, &before) == TP_OK);
    require(tp_pki_cms_signature(tp_buf_bytes(&once), NULL, &after) == TP_OK);
    require(tp_bytes_equal(before, after));
    const enum tp_rc rc = tp_pki_cms_add_timestamp(tp_buf_bytes(&once), TP_BYTES(token, sizeof token), NULL, &twice);
    require(rc == TP_OK || rc == TP_TOO_LARGE); /* there may have been as many attributes as are taken */
    return 0;
}
