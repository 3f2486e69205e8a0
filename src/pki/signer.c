/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/signer.h"
#include "pki/signature.h"
#include "pki/signer_internal.h"

#include <stdlib.h>

#define RSA_BITS_LEAST  1024 /* PKCS#1 of SHA-512 needs 752 (RFC 8017 §9.2), PSS with a salt as long 1034 (§9.1.1) */
#define ED25519_LEN     64
#define ED448_LEN       114
#define ECDSA_DER_EXTRA 9 /* two INTEGERs with a zero each in front, in a SEQUENCE whose length may take two bytes */

/* ---- words ---- */

/* libcrypto carries a failure through its layers, but not our words. */
static _Thread_local struct tp_error kept;

void tp_pki_signer_keep(enum tp_rc rc, const char *words)
{
    (void)tp_error_set(&kept, rc, "%s", words);
}

void tp_pki_signer_keep_none(void)
{
    tp_error_clear(&kept);
}

enum tp_rc tp_pki_signer_failed(struct tp_error *error, enum tp_rc fallback)
{
    const enum tp_rc rc = kept.rc != TP_OK ? kept.rc : fallback;
    if (kept.rc != TP_OK)
        (void)tp_error_set(error, rc, "%s", tp_error_words(&kept));
    tp_error_clear(&kept);
    return rc;
}

/* ---- one signature ---- */

static const struct {
    const char *name;
    bool rsa, ec;
} schemes[] = {
    [TP_PKI_RSA_PKCS1] = {"RSA PKCS#1 v1.5", true, false},
    [TP_PKI_RSA_PSS] = {"RSA-PSS", true, false},
    [TP_PKI_ECDSA] = {"ECDSA", false, true},
    [TP_PKI_EDDSA] = {"EdDSA", false, false},
};

static enum tp_rc input_check(const struct tp_pki_signer *signer, const struct tp_pki_sign_input *input,
                              struct tp_error *error)
{
    if ((size_t)input->scheme >= sizeof schemes / sizeof schemes[0] ||
        schemes[input->scheme].rsa != signer->info.is_rsa || schemes[input->scheme].ec != signer->info.is_ec)
        return tp_error_set(error, TP_MECHANISM, "a key of type %s does not sign with %s", signer->info.type,
                            (size_t)input->scheme < sizeof schemes / sizeof schemes[0] ? schemes[input->scheme].name
                                                                                       : "an unknown scheme");
    if (signer->info.is_ed && input->hash != TP_PKI_HASH_NONE)
        return tp_error_set(error, TP_MECHANISM, "a key of type %s signs the message itself, not its hash",
                            signer->info.type);
    if (!signer->info.is_ed && (input->hash == TP_PKI_HASH_NONE || input->input.len != tp_pki_hash_len(input->hash)))
        return tp_error_set(error, TP_DATA_LENGTH, "%zu bytes to be signed are no %s hash", input->input.len,
                            tp_pki_hash_name(input->hash));
    return TP_OK;
}

static size_t raw_len(const struct tp_pki_signer *signer)
{
    if (signer->info.is_rsa)
        return (signer->info.bits + 7) / 8;
    if (signer->info.is_ec)
        return (size_t)2 * signer->info.field_len;
    return signer->info.bits == 256 ? ED25519_LEN : ED448_LEN;
}

size_t tp_pki_signer_most(const struct tp_pki_signer *signer)
{
    return raw_len(signer) + (signer->info.is_ec ? ECDSA_DER_EXTRA : 0);
}

/* A key that is not the certificate's, a token that miscalculates (one wrong RSA signature by the CRT gives the key
 * away), or a program between us and the token: it shows here, and not at the reader of the document. */
static enum tp_rc signature_check(const struct tp_pki_signer *signer, const struct tp_pki_sign_input *input,
                                  struct tp_bytes signature, struct tp_error *error)
{
    const struct tp_pki_signature_algorithm algorithm = {.scheme = input->scheme,
                                                         .hash = input->hash,
                                                         .edwards = EVP_PKEY_get_base_id(signer->public_key),
                                                         .mask_hash = input->hash,
                                                         .salt_len = (unsigned)tp_pki_hash_len(input->hash)};
    if (signer->calls->own_libcrypto)
        return TP_OK;
    const enum tp_rc rc =
        signer->info.is_ed
            ? tp_pki_signature_check(&algorithm, signer->public_key, input->input, signature, NULL)
            : tp_pki_signature_check_digest(&algorithm, signer->public_key, input->input, signature, NULL);
    if (rc == TP_MEMORY)
        return rc;
    if (rc == TP_OK)
        return TP_OK;
    return tp_error_set(
        error, TP_CRYPTO,
        "the signature that came back does not fit the public key: the private key is another one's, or "
        "its device fails");
}

enum tp_rc tp_pki_signer_call(const struct tp_pki_signer *signer, const struct tp_pki_sign_input *input,
                              struct tp_error *error, struct tp_buf *ret_signature)
{
    struct tp_buf raw TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(input_check(signer, input, error));
    TP_TRY(signer->calls->sign(signer->context, input, error, &raw));
    if (raw.len != raw_len(signer))
        return tp_error_set(error, TP_CRYPTO, "a signature of %zu bytes came back where a key of type %s makes %zu",
                            raw.len, signer->info.type, raw_len(signer));
    if (signer->info.is_ec && tp_pki_ecdsa_to_der(tp_buf_bytes(&raw), &der) != TP_OK)
        return TP_MEMORY;
    const struct tp_bytes signature = tp_buf_bytes(signer->info.is_ec ? &der : &raw);
    TP_TRY(signature_check(signer, input, signature, error));
    return tp_buf_append(ret_signature, signature);
}

enum tp_rc tp_pki_signer_call_kept(const struct tp_pki_signer *signer, const struct tp_pki_sign_input *input,
                                   struct tp_buf *ret_signature)
{
    struct tp_error error = {0};
    const enum tp_rc rc = tp_pki_signer_call(signer, input, &error, ret_signature);
    tp_error_clear(&kept);
    if (rc != TP_OK)
        (void)tp_error_set(&kept, rc, "%s", error.rc != TP_OK ? tp_error_words(&error) : tp_rc_words(rc));
    return rc;
}

enum tp_rc tp_pki_signer_sign(const struct tp_pki_signer *signer, enum tp_pki_scheme scheme, enum tp_pki_hash hash,
                              struct tp_bytes message, struct tp_error *error, struct tp_buf *ret_signature)
{
    TP_PKI_ERRORS_KEEP;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_pki_sign_input input = {.scheme = scheme, .hash = hash, .input = message};
    if (hash != TP_PKI_HASH_NONE) {
        const char *name = tp_pki_hash_libcrypto(hash);
        const EVP_MD *md = name != NULL ? tp_crypto_digest(name) : NULL;
        if (md == NULL || EVP_Digest(message.data, message.len, digest, NULL, md, NULL) != 1)
            return tp_error_set(error, TP_CRYPTO, "libcrypto has no hash %s", tp_pki_hash_name(hash));
        input.input = TP_BYTES(digest, tp_pki_hash_len(hash));
    }
    return tp_pki_signer_call(signer, &input, error, ret_signature);
}

/* ---- the signer ---- */

void tp_pki_signer_unref(struct tp_pki_signer *signer)
{
    if (atomic_fetch_sub(&signer->references, 1) != 1)
        return;
    if (signer->calls->release != NULL)
        signer->calls->release(signer->context);
    for (size_t i = 0; i < signer->certificates_len; i++)
        tp_buf_clear(&signer->certificates[i]);
    tp_buf_clear(&signer->spki);
    tp_buf_clear(&signer->cms_sid);
    tp_buf_clear(&signer->cms_certificates);
    EVP_PKEY_free(signer->public_key);
    free(signer);
}

void tp_pki_signer_free(struct tp_pki_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    tp_pki_signer_unref(signer);
}

static enum tp_rc certificates_take(struct tp_pki_signer *signer, const struct tp_bytes *certificates, size_t len,
                                    struct tp_error *error)
{
    struct tp_pki_certificate own TP_AUTO(tp_pki_certificate_clear) = {0};
    if (len > TP_PKI_SIGNER_CERTIFICATES)
        return tp_error_set(error, TP_TOO_LARGE, "a chain of %zu certificates is longer than %d", len,
                            TP_PKI_SIGNER_CERTIFICATES);
    for (size_t i = 0; i < len; i++) {
        TP_TRY(tp_buf_append(&signer->certificates[i], certificates[i]));
        signer->certificates_len++;
    }
    if (len == 0)
        return TP_OK;
    TP_TRY(tp_pki_certificate_parse(certificates[0], error, &own));
    if (!tp_bytes_equal(tp_buf_bytes(&own.spki), tp_buf_bytes(&signer->spki)))
        return tp_error_set(error, TP_BAD_ARGUMENT,
                            "the certificate of \"%s\" is not of this key: its public key is another", own.subject);
    for (size_t i = 1; i < len; i++) {
        const enum tp_rc rc = tp_pki_certificate_issued_by(certificates[i - 1], certificates[i], error);
        if (rc != TP_OK)
            return tp_error_prefix(error, rc, "certificate %zu of the chain is not the issuer of the one before it",
                                   i + 1);
    }
    return TP_OK;
}

static enum tp_rc signer_fill(struct tp_pki_signer *signer, struct tp_bytes spki, const struct tp_bytes *certificates,
                              size_t certificates_len, struct tp_error *error)
{
    TP_TRY(tp_pki_key_info(spki, error, &signer->info));
    if (signer->info.is_rsa && signer->info.bits < RSA_BITS_LEAST)
        return tp_error_set(error, TP_UNSUPPORTED, "an RSA key of %u bits is too short to sign with",
                            signer->info.bits);
    TP_TRY(tp_pki_key_load(spki, error, &signer->public_key));
    TP_TRY(tp_buf_append(&signer->spki, spki));
    TP_TRY(certificates_take(signer, certificates, certificates_len, error));
    TP_TRY(tp_pki_signer_prepare_cms(signer, error));
    const enum tp_rc rc = tp_pki_signer_key_make(signer, &signer->key);
    return rc == TP_OK ? TP_OK : tp_error_set(error, rc, "libcrypto does not take our provider");
}

enum tp_rc tp_pki_signer_new(struct tp_bytes spki, const struct tp_bytes *certificates, size_t certificates_len,
                             const struct tp_pki_signer_calls *calls, void *context, struct tp_error *error,
                             struct tp_pki_signer **ret_signer)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_signer *signer TP_AUTO(tp_pki_signer_free_p) = calloc(1, sizeof *signer);
    if (signer == NULL) {
        if (calls->release != NULL)
            calls->release(context);
        return TP_MEMORY;
    }
    signer->references = 1;
    signer->calls = calls;
    signer->context = context;
    TP_TRY(signer_fill(signer, spki, certificates, certificates_len, error));
    *ret_signer = signer;
    signer = NULL;
    return TP_OK;
}

const struct tp_pki_key_info *tp_pki_signer_info(const struct tp_pki_signer *signer)
{
    return &signer->info;
}

struct tp_bytes tp_pki_signer_spki(const struct tp_pki_signer *signer)
{
    return tp_buf_bytes(&signer->spki);
}

size_t tp_pki_signer_certificates_len(const struct tp_pki_signer *signer)
{
    return signer->certificates_len;
}

struct tp_bytes tp_pki_signer_certificate(const struct tp_pki_signer *signer, size_t index)
{
    return index < signer->certificates_len ? tp_buf_bytes(&signer->certificates[index]) : TP_BYTES_NONE;
}

EVP_PKEY *tp_pki_signer_key(const struct tp_pki_signer *signer)
{
    return signer->key;
}

/* As strong as the curve (FIPS 186-5 §6.1.1). */
enum tp_pki_hash tp_pki_signer_hash(const struct tp_pki_signer *signer)
{
    if (signer->info.is_ed)
        return TP_PKI_HASH_NONE;
    if (signer->info.is_rsa || signer->info.bits <= 256)
        return TP_PKI_SHA256;
    return signer->info.bits <= 384 ? TP_PKI_SHA384 : TP_PKI_SHA512;
}
