/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/chain.h"

enum tp_rc tp_pki_chain_add(void *context, struct tp_bytes der)
{
    struct tp_pki_chain *chain = context;
    if (chain->len == TP_PKI_SIGNER_CERTIFICATES)
        return TP_TOO_LARGE;
    TP_TRY(tp_buf_append(&chain->der[chain->len], der));
    chain->views[chain->len] = tp_buf_bytes(&chain->der[chain->len]);
    chain->len++;
    return TP_OK;
}

void tp_pki_chain_clear(struct tp_pki_chain *chain)
{
    for (size_t i = 0; i < chain->len; i++)
        tp_buf_clear(&chain->der[i]);
    chain->len = 0;
}
