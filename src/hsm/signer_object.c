/* SPDX-License-Identifier: Apache-2.0
 *
 * Private keys and certificates of somebody's token, and the public half of a key.
 */
#include "base/der.h"
#include "hsm/signer_internal.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX       ((size_t)64 << 10) /* a certificate */
#define PARAMS_MAX      64                 /* the OID of a curve */
#define POINT_MAX       160                /* P-521 with its OCTET STRING: 136 */
#define MODULUS_MAX     2048
#define OID_RSA         "1.2.840.113549.1.1.1"
#define OID_EC          "1.2.840.10045.2.1"
#define OID_ED25519     "1.3.101.112"
#define OID_ED448       "1.3.101.113"
#define ED25519_KEY_LEN 32

/* ---- finding ---- */

static CK_RV find_with(struct tp_hsm_card *card, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret_objects,
                       CK_ULONG most, CK_ULONG *ret_len)
{
    CK_FUNCTION_LIST *calls = card->module->calls;
    CK_ULONG len = 0, got = 0;
    CK_RV rv = calls->C_FindObjectsInit(card->anchor, template, count);
    if (rv != CKR_OK)
        return rv;
    /* Some modules give fewer than they are asked for, and have more. */
    do {
        got = 0;
        rv = calls->C_FindObjects(card->anchor, ret_objects + len, most - len, &got);
        len += rv == CKR_OK ? got : 0;
    } while (rv == CKR_OK && got > 0 && len < most);
    (void)calls->C_FindObjectsFinal(card->anchor);
    *ret_len = len;
    return rv;
}

/* ---- attributes ---- */

/* An attribute that is not there, or too long, has length 0. */
static size_t read_value(struct tp_hsm_card *card, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *ret_value,
                         size_t most)
{
    CK_ATTRIBUTE attribute = {type, ret_value, most};
    const CK_RV rv = card->module->calls->C_GetAttributeValue(card->anchor, object, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen <= most ? attribute.ulValueLen : 0;
}

static bool read_bool(struct tp_hsm_card *card, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool otherwise)
{
    CK_BBOOL value = CK_FALSE;
    return read_value(card, object, type, &value, sizeof value) == sizeof value ? value != CK_FALSE : otherwise;
}

static void read_key(struct tp_hsm_card *card, CK_OBJECT_HANDLE handle, struct tp_hsm_card_key *key)
{
    char label[256];
    *key = (struct tp_hsm_card_key){.handle = handle, .type = (CK_KEY_TYPE)-1};
    (void)read_value(card, handle, CKA_KEY_TYPE, &key->type, sizeof key->type);
    key->id_len = read_value(card, handle, CKA_ID, key->id, sizeof key->id);
    size_t label_len = read_value(card, handle, CKA_LABEL, label, sizeof label);
    label_len = label_len < sizeof key->label ? label_len : sizeof key->label - 1;
    memcpy(key->label, label, label_len);
    key->signs = read_bool(card, handle, CKA_SIGN, true);
    key->always_authenticate = read_bool(card, handle, CKA_ALWAYS_AUTHENTICATE, false);
}

/* ---- keys ---- */

enum tp_rc tp_hsm_card_keys(struct tp_hsm_card *card, bool all, struct tp_error *error,
                            struct tp_hsm_card_key ret_keys[TP_HSM_CARD_KEYS], size_t *ret_len)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_OBJECT_HANDLE handles[TP_HSM_CARD_KEYS];
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_ULONG count = 1, len = 0;
    const struct tp_bytes id = tp_hsm_card_uri_id(card->uri), label = tp_hsm_card_uri_label(card->uri);
    if (!all && id.len > 0)
        template[count++] = (CK_ATTRIBUTE){CKA_ID, (void *)id.data, id.len};
    if (!all && label.len > 0)
        template[count++] = (CK_ATTRIBUTE){CKA_LABEL, (void *)label.data, label.len};
    TP_TRY(tp_hsm_card_rc(card, find_with(card, template, count, handles, TP_HSM_CARD_KEYS, &len), "C_FindObjects",
                          error));
    for (CK_ULONG i = 0; i < len; i++)
        read_key(card, handles[i], &ret_keys[i]);
    *ret_len = len;
    return TP_OK;
}

/* ---- certificates ---- */

void tp_hsm_card_certificates_free(struct tp_hsm_card_certificates *certificates)
{
    if (certificates == NULL)
        return;
    for (size_t i = 0; i < certificates->len; i++)
        tp_buf_clear(&certificates->at[i].der);
    free(certificates);
}

static enum tp_rc add_certificate(struct tp_hsm_card *card, CK_OBJECT_HANDLE handle, uint8_t *room,
                                  struct tp_hsm_card_certificates *certificates)
{
    struct tp_hsm_card_certificate *next = &certificates->at[certificates->len];
    const size_t len = read_value(card, handle, CKA_VALUE, room, VALUE_MAX);
    if (len == 0)
        return TP_OK;
    next->id_len = read_value(card, handle, CKA_ID, next->id, sizeof next->id);
    certificates->len++;
    return tp_buf_append(&next->der, TP_BYTES(room, len));
}

enum tp_rc tp_hsm_card_certificates(struct tp_hsm_card *card, struct tp_error *error,
                                    struct tp_hsm_card_certificates **ret_certificates)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class}, {CKA_CERTIFICATE_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE handles[TP_HSM_CARD_CERTIFICATES];
    CK_ULONG len = 0;
    struct tp_hsm_card_certificates *certificates TP_AUTO(tp_hsm_card_certificates_free_p) =
        calloc(1, sizeof *certificates);
    struct tp_buf room TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (certificates == NULL)
        return TP_MEMORY;
    TP_TRY(tp_buf_reserve(&room, VALUE_MAX));
    TP_TRY(tp_hsm_card_rc(card, find_with(card, template, 2, handles, TP_HSM_CARD_CERTIFICATES, &len), "C_FindObjects",
                          error));
    for (CK_ULONG i = 0; i < len; i++)
        TP_TRY(add_certificate(card, handles[i], room.data, certificates));
    *ret_certificates = certificates;
    certificates = NULL;
    return TP_OK;
}

/* ---- the public half ---- */

/* SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); PARAMETERS may be none. */
static enum tp_rc put_spki(const char *oid, struct tp_bytes parameters, struct tp_bytes key, struct tp_buf *spki)
{
    size_t all, part;
    TP_TRY(tp_der_open(spki, TP_DER_SEQUENCE, &all));
    TP_TRY(tp_der_open(spki, TP_DER_SEQUENCE, &part));
    TP_TRY(tp_der_put_oid(spki, oid));
    if (parameters.len > 0)
        TP_TRY(tp_buf_append(spki, parameters));
    TP_TRY(tp_der_close(spki, part));
    TP_TRY(tp_der_open(spki, TP_DER_BIT_STRING, &part));
    TP_TRY(tp_buf_append_u8(spki, 0));
    TP_TRY(tp_buf_append(spki, key));
    TP_TRY(tp_der_close(spki, part));
    return tp_der_close(spki, all);
}

/* RFC 8017 appendix A.1.1. A private RSA key has both numbers, most of the time. */
static enum tp_rc rsa_spki(struct tp_hsm_card *card, CK_OBJECT_HANDLE object, struct tp_buf *spki)
{
    uint8_t modulus[MODULUS_MAX], exponent[MODULUS_MAX];
    const struct tp_bytes n = TP_BYTES(modulus, read_value(card, object, CKA_MODULUS, modulus, sizeof modulus));
    const struct tp_bytes e =
        TP_BYTES(exponent, read_value(card, object, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent));
    struct tp_buf key TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    size_t mark;
    if (n.len == 0 || e.len == 0)
        return TP_NOT_FOUND;
    TP_TRY(tp_der_open(&key, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_unsigned(&key, n));
    TP_TRY(tp_der_put_unsigned(&key, e));
    TP_TRY(tp_der_close(&key, mark));
    return put_spki(OID_RSA, TP_BYTES("\x05\x00", 2), tp_buf_bytes(&key), spki);
}

static bool is_key(const struct tp_buf *spki)
{
    struct tp_pki_key_info info;
    return tp_pki_key_info(tp_buf_bytes(spki), NULL, &info) == TP_OK;
}

/* PKCS#11 2.40 puts an OCTET STRING around the point, 2.20's readers and Ed25519's often do not. An uncompressed point
 * begins with the byte that is an OCTET STRING's tag: what makes a key decides. */
static enum tp_rc point_spki(struct tp_hsm_card *card, CK_OBJECT_HANDLE object, bool edwards, struct tp_buf *spki)
{
    uint8_t point[POINT_MAX], params[PARAMS_MAX];
    const size_t params_len = edwards ? 0 : read_value(card, object, CKA_EC_PARAMS, params, sizeof params);
    const struct tp_bytes whole = TP_BYTES(point, read_value(card, object, CKA_EC_POINT, point, sizeof point));
    struct tp_bytes rest = whole, inner = TP_BYTES_NONE;
    if (whole.len == 0 || (!edwards && params_len == 0))
        return TP_NOT_FOUND;
    if (!tp_der_take(&rest, TP_DER_OCTET_STRING, NULL, &inner) || rest.len > 0)
        inner = TP_BYTES_NONE;
    const struct tp_bytes forms[] = {inner, whole};
    for (size_t i = 0; i < 2; i++) {
        struct tp_buf made TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        const char *oid = !edwards ? OID_EC : forms[i].len == ED25519_KEY_LEN ? OID_ED25519 : OID_ED448;
        if (forms[i].len == 0)
            continue;
        TP_TRY(put_spki(oid, TP_BYTES(params, params_len), forms[i], &made));
        if (is_key(&made))
            return tp_buf_append(spki, tp_buf_bytes(&made));
    }
    return TP_NOT_FOUND;
}

static enum tp_rc object_spki(struct tp_hsm_card *card, CK_OBJECT_HANDLE object, CK_KEY_TYPE type, struct tp_buf *spki)
{
    uint8_t info[MODULUS_MAX + PARAMS_MAX];
    const size_t len = read_value(card, object, CKA_PUBLIC_KEY_INFO, info, sizeof info); /* since 2.40 */
    struct tp_pki_key_info described;
    if (len > 0 && tp_pki_key_info(TP_BYTES(info, len), NULL, &described) == TP_OK)
        return tp_buf_append(spki, TP_BYTES(info, len));
    if (type == CKK_RSA)
        return rsa_spki(card, object, spki);
    return type == CKK_EC || type == CKK_EC_EDWARDS ? point_spki(card, object, type == CKK_EC_EDWARDS, spki)
                                                    : TP_NOT_FOUND;
}

enum tp_rc tp_hsm_card_spki(struct tp_hsm_card *card, const struct tp_hsm_card_key *key, struct tp_buf *ret_spki)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = key->type;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_ID, (void *)key->id, key->id_len}};
    CK_OBJECT_HANDLE public;
    CK_ULONG len = 0;
    const enum tp_rc rc = object_spki(card, key->handle, key->type, ret_spki);
    if (rc != TP_NOT_FOUND || key->id_len == 0)
        return rc;
    if (find_with(card, template, 3, &public, 1, &len) != CKR_OK || len != 1)
        return TP_NOT_FOUND;
    return object_spki(card, public, key->type, ret_spki);
}
