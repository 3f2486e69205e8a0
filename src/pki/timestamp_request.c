/* SPDX-License-Identifier: Apache-2.0
 *
 * TimeStampReq (RFC 3161 §2.4.1), and the fields that it shares with TSTInfo.
 */
#include "pki/internal.h"
#include "pki/signature.h"
#include "pki/timestamp_parts.h"

#include <string.h>

#define IMPRINT_MOST 64

static const uint8_t null[2] = {TP_DER_NULL, 0};
const uint8_t tp_pki_der_true[3] = {TP_DER_BOOLEAN, 1, 0xff};

/* ---- fields ---- */

static void parameters_look(struct tp_bytes algorithm, struct tp_pki_imprint *imprint)
{
    struct tp_bytes inside, parameters = TP_BYTES_NONE;
    if (tp_der_take(&algorithm, TP_DER_SEQUENCE, NULL, &inside) && tp_der_take(&inside, TP_DER_OID, NULL, NULL))
        parameters = inside;
    imprint->bare = parameters.len == 0;
    imprint->odd = !imprint->bare && !tp_bytes_equal(parameters, TP_BYTES(null, sizeof null));
}

enum tp_rc tp_pki_imprint_take(struct tp_bytes *at, struct tp_pki_imprint *imprint)
{
    struct tp_bytes inside, algorithm, digest;
    if (!tp_der_take(at, TP_DER_SEQUENCE, NULL, &inside) || !tp_der_take(&inside, TP_DER_SEQUENCE, &algorithm, NULL) ||
        !tp_der_take(&inside, TP_DER_OCTET_STRING, NULL, &digest) || inside.len != 0)
        return TP_MALFORMED;
    imprint->hash = tp_pki_hash_of_algorithm(algorithm);
    parameters_look(algorithm, imprint);
    const size_t len = tp_pki_hash_len(imprint->hash);
    if (imprint->hash != TP_PKI_HASH_NONE && digest.len != len)
        return TP_DATA_LENGTH;
    *imprint->len = digest.len > IMPRINT_MOST ? 0 : digest.len; /* only of a hash that is not known */
    if (*imprint->len > 0)
        memcpy(imprint->bytes, digest.data, *imprint->len);
    return TP_OK;
}

/* RFC 5754 §2: without parameters (BARE); yet NULL ones are what TSAs and their clients have always sent. */
enum tp_rc tp_pki_imprint_put(struct tp_buf *buf, enum tp_pki_hash hash, bool bare, struct tp_bytes digest)
{
    size_t imprint, algorithm;
    if (hash == TP_PKI_HASH_NONE || digest.len != tp_pki_hash_len(hash))
        return TP_DATA_LENGTH;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &imprint));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &algorithm));
    TP_TRY(tp_buf_append(buf, tp_pki_hash_oid(hash)));
    if (!bare)
        TP_TRY(tp_buf_append(buf, TP_BYTES(null, sizeof null)));
    TP_TRY(tp_der_close(buf, algorithm));
    TP_TRY(tp_der_put(buf, TP_DER_OCTET_STRING, digest));
    return tp_der_close(buf, imprint);
}

enum tp_rc tp_pki_policy_take(struct tp_bytes *at, char ret_policy[TP_PKI_OID_MAX])
{
    struct tp_bytes oid;
    if (!tp_der_take(at, TP_DER_OID, &oid, NULL))
        return TP_NOT_FOUND;
    return tp_pki_oid_text(oid, ret_policy, TP_PKI_OID_MAX);
}

/* X.690 §8.3.2: not empty, and no longer than need be, so that what is sent back is what came. */
static bool is_integer(struct tp_bytes number)
{
    return number.len == 1 || (number.len > 1 && !(number.data[0] == 0 && (number.data[1] & 0x80) == 0) &&
                               !(number.data[0] == 0xff && (number.data[1] & 0x80) != 0));
}

enum tp_rc tp_pki_nonce_take(struct tp_bytes *at, uint8_t ret_nonce[TP_PKI_NONCE_MAX], size_t *ret_len)
{
    struct tp_bytes nonce;
    if (!tp_der_take(at, TP_DER_INTEGER, NULL, &nonce))
        return TP_NOT_FOUND;
    if (nonce.len > TP_PKI_NONCE_MAX)
        return TP_TOO_LARGE;
    if (!is_integer(nonce))
        return TP_MALFORMED;
    memcpy(ret_nonce, nonce.data, nonce.len);
    *ret_len = nonce.len;
    return TP_OK;
}

enum tp_rc tp_pki_flag_take(struct tp_bytes *at, bool *ret_flag)
{
    struct tp_bytes flag;
    *ret_flag = false;
    if (!tp_der_take(at, TP_DER_BOOLEAN, NULL, &flag))
        return TP_OK;
    if (flag.len != 1)
        return TP_MALFORMED;
    *ret_flag = flag.data[0] != 0;
    return TP_OK;
}

/* ---- writing ---- */

enum tp_rc tp_pki_timestamp_request_make(const struct tp_pki_timestamp_request *request, struct tp_buf *ret_der)
{
    size_t mark;
    if (request->imprint_len > IMPRINT_MOST || request->nonce_len > TP_PKI_NONCE_MAX)
        return TP_TOO_LARGE;
    TP_TRY(tp_der_open(ret_der, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_number(ret_der, 1));
    TP_TRY(tp_pki_imprint_put(ret_der, request->hash, request->imprint_bare, TP_BYTES(request->imprint, request->imprint_len)));
    if (request->policy[0] != '\0')
        TP_TRY(tp_der_put_oid(ret_der, request->policy));
    if (request->nonce_len > 0)
        TP_TRY(tp_der_put(ret_der, TP_DER_INTEGER, TP_BYTES(request->nonce, request->nonce_len)));
    if (request->cert_req)
        TP_TRY(tp_buf_append(ret_der, TP_BYTES(tp_pki_der_true, sizeof tp_pki_der_true)));
    return tp_der_close(ret_der, mark);
}

/* ---- reading ---- */

static enum tp_rc optional(enum tp_rc rc)
{
    return rc == TP_NOT_FOUND ? TP_OK : rc;
}

static size_t head_len(size_t len)
{
    size_t count = 0;
    while (len >= 0x80 && count < sizeof len && len >> (8 * count) != 0)
        count++;
    return 2 + count;
}

/* X.690 §10.1, §11.1: each length as short as can be, and TRUE as 0xff. What is constructed has others inside, one after the other,
 * so that a walk through all heads sees each. (A DEFAULT that is written all the same is let through: some clients do.) */
static bool is_der(struct tp_bytes at)
{
    struct tp_bytes whole, content;
    while (at.len > 0) {
        struct tp_bytes rest = at;
        if (!tp_der_take(&rest, TP_DER_ANY, &whole, &content) || whole.len - content.len != head_len(content.len))
            return false;
        if (whole.data[0] == TP_DER_BOOLEAN && content.len == 1 && content.data[0] != 0 && content.data[0] != 0xff)
            return false;
        const bool constructed = (whole.data[0] & 0x20) != 0;
        at = constructed ? TP_BYTES(content.data, at.len - (whole.len - content.len)) : rest;
    }
    return true;
}

static enum tp_rc fields_read(struct tp_bytes at, struct tp_pki_timestamp_request *request, int *failure)
{
    struct tp_bytes version;
    struct tp_pki_imprint imprint = {.bytes = request->imprint, .len = &request->imprint_len};
    if (!tp_der_take(&at, TP_DER_INTEGER, NULL, &version))
        return TP_MALFORMED;
    if (version.len != 1 || version.data[0] != 1) {
        *failure = TP_PKI_BAD_REQUEST;
        return TP_UNSUPPORTED;
    }
    TP_TRY(tp_pki_imprint_take(&at, &imprint));
    request->hash = imprint.odd ? TP_PKI_HASH_NONE : imprint.hash; /* what they would change of it is not known */
    request->imprint_bare = imprint.bare;
    TP_TRY(optional(tp_pki_policy_take(&at, request->policy)));
    TP_TRY(optional(tp_pki_nonce_take(&at, request->nonce, &request->nonce_len)));
    TP_TRY(tp_pki_flag_take(&at, &request->cert_req));
    request->has_extensions = tp_der_take(&at, TP_DER_CONSTRUCTED + 0, NULL, NULL);
    return at.len == 0 ? TP_OK : TP_MALFORMED;
}

static const struct {
    enum tp_rc rc;
    const char *words;
} complaints[] = {
    {TP_UNSUPPORTED, "the request is of another version than 1"},
    {TP_DATA_LENGTH, "the hash in the request is not as long as its algorithm makes it"},
    {TP_TOO_LARGE, "the nonce is longer than 64 bytes"},
    {TP_MALFORMED, "this is not a TimeStampReq of RFC 3161 in DER"},
};

enum tp_rc tp_pki_timestamp_request_parse(struct tp_bytes der, struct tp_error *error,
                                          struct tp_pki_timestamp_request *ret_request, int *ret_failure)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_timestamp_request request = {0};
    struct tp_bytes fields;
    int failure = TP_PKI_BAD_DATA_FORMAT;
    enum tp_rc rc = TP_MALFORMED;
    if (der.len <= TP_PKI_TIMESTAMP_REQUEST_MAX && is_der(der) && tp_der_take(&der, TP_DER_SEQUENCE, NULL, &fields) &&
        der.len == 0)
        rc = fields_read(fields, &request, &failure);
    if (rc == TP_OK) {
        *ret_request = request;
        return TP_OK;
    }
    *ret_failure = failure;
    for (size_t i = 0; i < sizeof complaints / sizeof complaints[0]; i++)
        if (rc == complaints[i].rc)
            return tp_error_set(error, TP_MALFORMED, "%s", complaints[i].words);
    return rc;
}
