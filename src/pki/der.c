/* SPDX-License-Identifier: Apache-2.0
 *
 * From libcrypto's memory to ours.
 */
#include "pki/internal.h"

enum tp_rc tp_pki_der_take(unsigned char **der, int len, struct tp_buf *ret_der)
{
    const enum tp_rc rc = len > 0 ? tp_buf_append(ret_der, TP_BYTES(*der, (size_t)len)) : TP_MEMORY;
    OPENSSL_free(*der);
    *der = NULL;
    return rc;
}
