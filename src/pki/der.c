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

enum tp_rc tp_pki_oid_text(struct tp_bytes oid, char *ret_text, size_t ret_text_size)
{
    const unsigned char *at = oid.data;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.len);
    const int len = object == NULL ? -1 : OBJ_obj2txt(ret_text, (int)ret_text_size, object, 1);
    ASN1_OBJECT_free(object);
    return len > 0 && (size_t)len < ret_text_size ? TP_OK : TP_MALFORMED;
}
