/* SPDX-License-Identifier: Apache-2.0
 *
 * Output has the exact length that the specification wants of it (3.0 §5.2): what a call will give is computed before
 * anything is done, so that a question for the length, or a buffer that is too small, changes nothing.
 */
#include "p11/cipher.h"
#include "p11/rv.h"
#include "p11/secret_key.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>

#define BLOCK       16
#define GCM_IV_MAX  128                        /* bytes: libcrypto's limit */
#define GCM_TAG_MAX 16                         /* bytes */
#define GCM_MOST    ((UINT64_C(1) << 36) - 32) /* bytes, SP 800-38D §5.2.1.1 */
#define AAD_MOST    (64u << 20)                /* bytes: nobody has more, and libcrypto counts in int */
#define STEP        ((size_t)1 << 30)          /* bytes that libcrypto gets at a time, for the same reason */

TP_DEFINE_AUTO(EVP_CIPHER, EVP_CIPHER_free)
TP_DEFINE_AUTO(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

void tp_p11_cipher_end(struct tp_p11_cipher *cipher)
{
    EVP_CIPHER_CTX_free(cipher->ctx);
    tp_buf_clear(&cipher->held);
    *cipher = (struct tp_p11_cipher){0};
}

/* ---- beginning ---- */

struct parameters {
    struct tp_bytes iv, aad;
    size_t tag_len;
    uint64_t left;
    uint8_t counter[BLOCK];
};

static CK_RV no_parameter(const CK_MECHANISM *mechanism, struct parameters *ret_parameters)
{
    (void)ret_parameters;
    return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV cbc_parameter(const CK_MECHANISM *mechanism, struct parameters *ret_parameters)
{
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != BLOCK)
        return CKR_MECHANISM_PARAM_INVALID;
    ret_parameters->iv = TP_BYTES(mechanism->pParameter, BLOCK);
    return CKR_OK;
}

/* How many blocks there are before the counter, the low BITS of the block, begins anew: from then on the key stream
 * would be one that was used already (SP 800-38A appendix B). UINT64_MAX: more than anybody has. */
static uint64_t blocks_left(const uint8_t block[BLOCK], CK_ULONG bits)
{
    uint64_t high = tp_get_be64(block), low = tp_get_be64(block + 8);
    if (bits == 128)
        return UINT64_MAX; /* any value may be the first, and 2^128 blocks are never reached */
    if (bits > 64) {
        uint64_t mask = (UINT64_C(1) << (bits - 64)) - 1;
        return (high & mask) != mask || low == 0 ? UINT64_MAX : 0 - low;
    }
    if (bits == 64)
        return low == 0 ? UINT64_MAX : 0 - low;
    return (UINT64_C(1) << bits) - (low & ((UINT64_C(1) << bits) - 1));
}

static CK_RV ctr_parameter(const CK_MECHANISM *mechanism, struct parameters *ret_parameters)
{
    CK_AES_CTR_PARAMS params;
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, mechanism->pParameter, sizeof(params));
    if (params.counter_bits == 0 || params.counter_bits > 128)
        return CKR_MECHANISM_PARAM_INVALID;
    uint64_t blocks = blocks_left(params.cb, params.counter_bits);
    memcpy(ret_parameters->counter, params.cb, BLOCK);
    ret_parameters->iv = TP_BYTES(ret_parameters->counter, BLOCK);
    ret_parameters->left = blocks > UINT64_MAX / BLOCK ? UINT64_MAX : blocks * BLOCK;
    return CKR_OK;
}

/* SP 800-38D §5.2.1.2 */
static bool is_tag_bits(CK_ULONG bits)
{
    return bits == 32 || bits == 64 || (bits >= 96 && bits <= 128 && bits % 8 == 0);
}

/* ulIvBits is an older name of the same thing, which callers leave at 0 or fill in. */
static CK_RV gcm_parameter(const CK_MECHANISM *mechanism, struct parameters *ret_parameters)
{
    CK_GCM_PARAMS params;
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, mechanism->pParameter, sizeof(params));
    if (params.iv_ptr == NULL || params.iv_len == 0 || params.iv_len > GCM_IV_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    if ((params.aad_ptr == NULL && params.aad_len > 0) || params.aad_len > AAD_MOST || !is_tag_bits(params.tag_bits))
        return CKR_MECHANISM_PARAM_INVALID;
    ret_parameters->iv = TP_BYTES(params.iv_ptr, params.iv_len);
    ret_parameters->aad = TP_BYTES(params.aad_ptr, params.aad_len);
    ret_parameters->tag_len = params.tag_bits / 8;
    ret_parameters->left = GCM_MOST;
    return CKR_OK;
}

static const struct mode {
    const char *names[3]; /* libcrypto's, by the key's length */
    CK_RV (*read)(const CK_MECHANISM *mechanism, struct parameters *ret_parameters);
} modes[] = {
    [TP_P11_ECB] = {{"AES-128-ECB", "AES-192-ECB", "AES-256-ECB"}, no_parameter},
    [TP_P11_CBC] = {{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"}, cbc_parameter},
    [TP_P11_CBC_PAD] = {{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"}, cbc_parameter},
    [TP_P11_CTR] = {{"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"}, ctr_parameter},
    [TP_P11_GCM] = {{"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"}, gcm_parameter},
};

static bool set_up(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *method, const struct tp_p11_cipher *cipher,
                   const struct parameters *parameters, struct tp_bytes key)
{
    int encrypting = cipher->decrypting ? 0 : 1, len = 0;
    if (EVP_CipherInit_ex2(ctx, method, NULL, NULL, encrypting, NULL) != 1)
        return false;
    if (cipher->mechanism->mode == TP_P11_GCM &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)parameters->iv.len, NULL) != 1)
        return false;
    if (EVP_CipherInit_ex2(ctx, NULL, key.data, parameters->iv.data, encrypting, NULL) != 1)
        return false;
    if (EVP_CIPHER_CTX_set_padding(ctx, cipher->mechanism->mode == TP_P11_CBC_PAD) != 1)
        return false;
    return parameters->aad.len == 0 ||
           EVP_CipherUpdate(ctx, NULL, &len, parameters->aad.data, (int)parameters->aad.len) == 1;
}

static enum tp_rc make_ctx(struct tp_p11_cipher *cipher, const struct parameters *parameters, struct tp_bytes key)
{
    const char *name = modes[cipher->mechanism->mode].names[key.len / 8 - 2];
    EVP_CIPHER *method TP_AUTO(EVP_CIPHER_free_p) = EVP_CIPHER_fetch(tp_crypto_libctx(), name, NULL);
    EVP_CIPHER_CTX *ctx TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    if (method == NULL || ctx == NULL)
        return TP_MEMORY;
    if (!set_up(ctx, method, cipher, parameters, key))
        return TP_CRYPTO;
    cipher->ctx = ctx;
    ctx = NULL;
    return TP_OK;
}

static CK_RV begin(struct tp_p11_cipher *cipher, const struct tp_p11_mechanism *row, CK_FLAGS use,
                   const CK_MECHANISM *mechanism, const struct tp_p11_object *key)
{
    struct tp_p11_cipher new = {.mechanism = row, .decrypting = use == CKF_DECRYPT};
    struct parameters parameters = {.left = UINT64_MAX};
    CK_RV rv = tp_p11_secret_key_check(key, row, new.decrypting ? CKA_DECRYPT : CKA_ENCRYPT);
    if (rv == CKR_OK)
        rv = modes[row->mode].read(mechanism, &parameters);
    if (rv == CKR_OK)
        rv = tp_p11_rv(make_ctx(&new, &parameters, tp_secret_bytes(key->secret)));
    if (rv != CKR_OK)
        return rv;
    new.left = parameters.left;
    new.tag_len = parameters.tag_len;
    *cipher = new;
    return CKR_OK;
}

CK_RV tp_p11_cipher_init(struct tp_p11_call *call, struct tp_p11_cipher *cipher, CK_FLAGS use,
                         const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key_handle)
{
    TP_P11_ERRORS_KEEP;
    struct tp_p11_slot *slot = call->session->slot;
    bool active = cipher->mechanism != NULL;
    if (mechanism == NULL) { /* 3.0 §5.8.1: ends what is active */
        tp_p11_cipher_end(cipher);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (active)
        return CKR_OPERATION_ACTIVE;
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    if (row == NULL || (row->flags & use) == 0)
        return CKR_MECHANISM_INVALID;
    struct tp_p11_object *key TP_AUTO(tp_p11_object_unref_p) = tp_p11_inventory_get(slot, key_handle, true);
    if (key == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (key->is_private && !tp_p11_login_seems_open(slot))
        return CKR_USER_NOT_LOGGED_IN;
    return begin(cipher, row, use, mechanism, key);
}

/* ---- lengths ---- */

static CK_RV data_len_range(const struct tp_p11_cipher *cipher)
{
    return cipher->decrypting ? CKR_ENCRYPTED_DATA_LEN_RANGE : CKR_DATA_LEN_RANGE;
}

static bool is_padded(const struct tp_p11_cipher *cipher)
{
    return cipher->mechanism->mode == TP_P11_CBC_PAD;
}

static bool is_in_blocks(const struct tp_p11_cipher *cipher)
{
    return cipher->mechanism->mode == TP_P11_ECB || cipher->mechanism->mode == TP_P11_CBC || is_padded(cipher);
}

static bool holds(const struct tp_p11_cipher *cipher)
{
    return cipher->mechanism->mode == TP_P11_GCM && cipher->decrypting;
}

/* What comes out when LEN bytes go in, and more may follow. The last block is held back while its padding may be in it.
 */
static size_t len_of_part(const struct tp_p11_cipher *cipher, size_t len)
{
    size_t total = cipher->pending_len + len;
    if (holds(cipher))
        return 0;
    if (!is_in_blocks(cipher))
        return len;
    if (is_padded(cipher) && cipher->decrypting)
        return total == 0 ? 0 : (total - 1) / BLOCK * BLOCK;
    return total / BLOCK * BLOCK;
}

/* ---- libcrypto ---- */

static bool overlap(struct tp_bytes in, const uint8_t *out, size_t out_len)
{
    return in.len > 0 && out_len > 0 && (uintptr_t)in.data < (uintptr_t)out + out_len &&
           (uintptr_t)out < (uintptr_t)in.data + in.len;
}

static enum tp_rc run(EVP_CIPHER_CTX *ctx, struct tp_bytes in, uint8_t *out, size_t *ret_len)
{
    size_t done = 0, out_len = 0;
    while (done < in.len) {
        size_t step = in.len - done < STEP ? in.len - done : STEP;
        int len = 0;
        if (EVP_CipherUpdate(ctx, out + out_len, &len, in.data + done, (int)step) != 1 || len < 0)
            return TP_CRYPTO;
        done += step;
        out_len += (size_t)len;
    }
    *ret_len = out_len;
    return TP_OK;
}

/* Input and output may be the same memory (3.0 §5.8.2). libcrypto, with something pending from before, would write over
 * what it has not read yet: the input is put aside. */
static enum tp_rc run_anywhere(EVP_CIPHER_CTX *ctx, struct tp_bytes in, uint8_t *out, size_t out_len, size_t *ret_len)
{
    if (!overlap(in, out, out_len))
        return run(ctx, in, out, ret_len);
    uint8_t *aside = OPENSSL_memdup(in.data, in.len);
    if (aside == NULL)
        return TP_MEMORY;
    enum tp_rc rc = run(ctx, TP_BYTES(aside, in.len), out, ret_len);
    OPENSSL_clear_free(aside, in.len);
    return rc;
}

/* LEN: what comes out, by our own account; that libcrypto sees it the same way is what the caller's buffer rests on. */
static CK_RV process(struct tp_p11_cipher *cipher, struct tp_bytes in, uint8_t *out, size_t len)
{
    size_t out_len = 0;
    enum tp_rc rc = run_anywhere(cipher->ctx, in, out, len, &out_len);
    if (rc == TP_OK && out_len != len)
        rc = TP_INTERNAL;
    if (rc != TP_OK)
        return tp_p11_rv(rc);
    cipher->pending_len = is_in_blocks(cipher) ? cipher->pending_len + in.len - len : 0;
    cipher->left -= cipher->left == UINT64_MAX ? 0 : in.len;
    return CKR_OK;
}

/* What a copy of CTX gives as its last block. */
static CK_RV last_of(const EVP_CIPHER_CTX *ctx, struct tp_bytes before, uint8_t ret_block[BLOCK], size_t *ret_len)
{
    uint8_t room[3 * BLOCK];
    size_t len = 0;
    int last = 0;
    EVP_CIPHER_CTX *copy TP_AUTO(EVP_CIPHER_CTX_free_p) = EVP_CIPHER_CTX_new();
    if (copy == NULL || EVP_CIPHER_CTX_copy(copy, ctx) != 1)
        return CKR_HOST_MEMORY;
    if (run(copy, before, room, &len) != TP_OK)
        return CKR_FUNCTION_FAILED;
    bool good = EVP_CipherFinal_ex(copy, room + len, &last) == 1;
    if (good && last > 0)
        memcpy(ret_block, room + len, (size_t)last);
    tp_wipe(room, sizeof(room));
    *ret_len = (size_t)last;
    return good ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

/* ---- the end of block modes ---- */

struct end {
    uint8_t block[BLOCK];
    size_t len;
};

/* Without changing anything: the last block, when DATA (a view: only its end is looked at) is all that is to come. */
static CK_RV block_end(const struct tp_p11_cipher *cipher, struct tp_bytes data, struct end *ret_end)
{
    size_t total = cipher->pending_len + data.len, tail_len = data.len < 2 * BLOCK ? data.len : 2 * BLOCK;
    *ret_end = (struct end){.len = 0};
    if (!is_in_blocks(cipher))
        return CKR_OK;
    if (is_padded(cipher) && !cipher->decrypting) {
        ret_end->len = BLOCK; /* padding always adds something; which block it is the end will tell */
        return CKR_OK;
    }
    if (total % BLOCK != 0 || (is_padded(cipher) && total == 0))
        return data_len_range(cipher);
    if (!is_padded(cipher))
        return CKR_OK;
    /* of a whole text, of which nothing is pending: CBC needs the block before the last */
    return last_of(cipher->ctx, TP_BYTES(data.data + (data.len - tail_len), tail_len), ret_end->block, &ret_end->len);
}

static CK_RV put_block_end(struct tp_p11_cipher *cipher, struct end *end, uint8_t *out)
{
    int len = 0;
    if (!is_in_blocks(cipher))
        return CKR_OK;
    if (is_padded(cipher) && EVP_CipherFinal_ex(cipher->ctx, end->block, &len) != 1)
        return cipher->decrypting ? CKR_ENCRYPTED_DATA_INVALID : CKR_FUNCTION_FAILED;
    if ((size_t)len != end->len)
        return CKR_GENERAL_ERROR;
    if (end->len > 0)
        memcpy(out, end->block, end->len);
    return CKR_OK;
}

/* ---- the end of GCM ---- */

static CK_RV put_tag(struct tp_p11_cipher *cipher, uint8_t *out)
{
    uint8_t tag[GCM_TAG_MAX];
    int len = 0;
    if (cipher->mechanism->mode != TP_P11_GCM)
        return CKR_OK;
    if (EVP_CipherFinal_ex(cipher->ctx, tag, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_GET_TAG, (int)cipher->tag_len, tag) != 1)
        return CKR_FUNCTION_FAILED;
    memcpy(out, tag, cipher->tag_len);
    return CKR_OK;
}

/* Nobody sees a text whose tag is wrong: the buffer is wiped. */
static CK_RV open_sealed(struct tp_p11_cipher *cipher, struct tp_bytes sealed, uint8_t *out)
{
    uint8_t tag[GCM_TAG_MAX];
    int none = 0;
    size_t len = sealed.len - cipher->tag_len;
    memcpy(tag, sealed.data + len, cipher->tag_len); /* before OUT, which may be the same memory, is written */
    CK_RV rv = process(cipher, TP_BYTES(sealed.data, len), out, len);
    if (rv == CKR_OK && (EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_SET_TAG, (int)cipher->tag_len, tag) != 1 ||
                         EVP_CipherFinal_ex(cipher->ctx, tag, &none) != 1))
        rv = CKR_ENCRYPTED_DATA_INVALID;
    if (rv != CKR_OK && len > 0)
        tp_wipe(out, len);
    return rv;
}

static CK_RV finish_sealed(struct tp_p11_cipher *cipher, struct tp_bytes sealed, CK_BYTE *ret_data, CK_ULONG *ret_len)
{
    CK_RV rv;
    if (sealed.len < cipher->tag_len)
        rv = CKR_ENCRYPTED_DATA_LEN_RANGE;
    else if (!tp_p11_has_room(ret_data, ret_len, sealed.len - cipher->tag_len, &rv))
        return rv;
    else
        rv = open_sealed(cipher, sealed, ret_data);
    tp_p11_cipher_end(cipher);
    return rv;
}

/* ---- C_ functions ---- */

static CK_RV end_with(struct tp_p11_cipher *cipher, CK_RV rv)
{
    tp_p11_cipher_end(cipher);
    return rv;
}

static CK_RV check_data(const struct tp_p11_cipher *cipher, struct tp_bytes data, const CK_ULONG *ret_len)
{
    if (ret_len == NULL || (data.data == NULL && data.len > 0))
        return CKR_ARGUMENTS_BAD;
    uint64_t most = holds(cipher) ? cipher->left + cipher->tag_len - cipher->held.len : cipher->left;
    return data.len > SIZE_MAX / 2 || data.len > most ? data_len_range(cipher) : CKR_OK;
}

static CK_RV put_whole(struct tp_p11_cipher *cipher, struct tp_bytes data, struct end *end, uint8_t *out, size_t len)
{
    CK_RV rv = process(cipher, data, out, len);
    if (rv == CKR_OK)
        rv = put_block_end(cipher, end, out + len);
    return rv == CKR_OK ? put_tag(cipher, out + len) : rv;
}

CK_RV tp_p11_cipher_whole(struct tp_p11_cipher *cipher, struct tp_bytes data, CK_BYTE *ret_data, CK_ULONG *ret_len)
{
    TP_P11_ERRORS_KEEP;
    struct end end;
    if (cipher->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (cipher->in_parts)
        return CKR_OPERATION_ACTIVE;
    CK_RV rv = check_data(cipher, data, ret_len);
    if (rv != CKR_OK)
        return end_with(cipher, rv);
    if (holds(cipher))
        return finish_sealed(cipher, data, ret_data, ret_len);
    rv = block_end(cipher, data, &end);
    if (rv != CKR_OK)
        return end_with(cipher, rv);
    size_t len = len_of_part(cipher, data.len);
    if (tp_p11_has_room(ret_data, ret_len, len + end.len + cipher->tag_len, &rv))
        rv = end_with(cipher, put_whole(cipher, data, &end, ret_data, len));
    tp_wipe(&end, sizeof(end));
    return rv;
}

/* GCM, decrypting. What is held is encrypted: it may lie anywhere. */
static CK_RV hold(struct tp_p11_cipher *cipher, struct tp_bytes part)
{
    enum tp_rc rc = tp_buf_append(&cipher->held, part);
    return rc == TP_OK ? CKR_OK : end_with(cipher, rc == TP_TOO_LARGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : tp_p11_rv(rc));
}

CK_RV tp_p11_cipher_update(struct tp_p11_cipher *cipher, struct tp_bytes part, CK_BYTE *ret_part, CK_ULONG *ret_len)
{
    TP_P11_ERRORS_KEEP;
    if (cipher->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    cipher->in_parts = true;
    CK_RV rv = check_data(cipher, part, ret_len);
    if (rv != CKR_OK)
        return end_with(cipher, rv);
    size_t len = len_of_part(cipher, part.len);
    if (!tp_p11_has_room(ret_part, ret_len, len, &rv))
        return rv;
    if (holds(cipher))
        return hold(cipher, part);
    rv = process(cipher, part, ret_part, len);
    return rv == CKR_OK ? CKR_OK : end_with(cipher, rv);
}

CK_RV tp_p11_cipher_final(struct tp_p11_cipher *cipher, CK_BYTE *ret_part, CK_ULONG *ret_len)
{
    TP_P11_ERRORS_KEEP;
    struct end end;
    if (cipher->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    cipher->in_parts = true;
    if (ret_len == NULL)
        return end_with(cipher, CKR_ARGUMENTS_BAD);
    if (holds(cipher))
        return finish_sealed(cipher, tp_buf_bytes(&cipher->held), ret_part, ret_len);
    CK_RV rv = block_end(cipher, TP_BYTES_NONE, &end);
    if (rv != CKR_OK)
        return end_with(cipher, rv);
    if (tp_p11_has_room(ret_part, ret_len, end.len + cipher->tag_len, &rv))
        rv = end_with(cipher, put_whole(cipher, TP_BYTES_NONE, &end, ret_part, 0));
    tp_wipe(&end, sizeof(end));
    return rv;
}
