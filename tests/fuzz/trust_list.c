/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a trust list of TS 119 612. What comes out has a bound, and a refusal has words.
 */
#include "cli/trust_list.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum tp_rc look(void *context, struct tp_bytes der)
{
    size_t *count = context;
    if (der.len > ((size_t)1 << 20))
        abort();
    (*count)++;
    return TP_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_error error = {0};
    size_t count = 0;
    struct tp_trust_list_facts facts;
    const struct tp_bytes file = TP_BYTES(data, len);
    const enum tp_rc rc = tp_trust_list_is(file) ? tp_trust_list_read(file, &error, look, &count, &facts) : TP_OK;
    if (rc != TP_OK && rc != TP_MEMORY && rc != TP_TOO_LARGE && tp_error_words(&error)[0] == '\0')
        abort();
    return 0;
}
