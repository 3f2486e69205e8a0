/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a CRL. Header and index agree on whether it is one, and looking for serial numbers in it
 * gives a reason or nothing.
 */
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void find(const struct tp_pki_crl_index *index, struct tp_bytes serial)
{
    const char *reason = NULL;
    bool hold = false;
    const enum tp_rc rc = tp_pki_crl_find(index, serial, &reason, &hold);
    require((rc == TP_OK) == (reason != NULL));
    require(!hold || strcmp(reason, "certificateHold") == 0);
}

/* Every INTEGER in the input may be a serial number in the list. */
static void find_all(const struct tp_pki_crl_index *index, struct tp_bytes input)
{
    for (size_t at = 0; at + 2 < input.len; at++)
        if (input.data[at] == 0x02 && input.data[at + 1] <= input.len - at - 2)
            find(index, TP_BYTES(input.data + at, (size_t)input.data[at + 1] + 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_error error = {0};
    struct tp_pki_crl header = {0};
    struct tp_pki_crl_index *index = NULL;
    const bool has_header = tp_pki_crl_parse(TP_BYTES(data, len), &error, &header) == TP_OK;
    const bool has_index = tp_pki_crl_index_new(TP_BYTES(data, len), &error, &index) == TP_OK;
    require(has_index || !has_header);
    bool all_reasons = false;
    if (has_header)
        (void)!tp_pki_crl_covers(tp_buf_bytes(&header.scope), TP_BYTES(data, len), &error, &all_reasons);
    if (has_index)
        find_all(index, TP_BYTES(data, len));
    (void)!tp_pki_crl_verify(TP_BYTES(data, len), TP_BYTES(data, len), &error);
    tp_pki_crl_index_free(index);
    tp_pki_crl_clear(&header);
    return 0;
}
