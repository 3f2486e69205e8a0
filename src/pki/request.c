/* SPDX-License-Identifier: Apache-2.0
 *
 * PKCS#10 requests (RFC 2986), signed by a callback: the private key is somewhere else.
 */
#include "pki/internal.h"

#include <limits.h>
#include <openssl/asn1t.h>
#include <string.h>

#define NAMES_MOST 64

TP_DEFINE_AUTO(X509_REQ, X509_REQ_free)
TP_DEFINE_AUTO(X509_ALGOR, X509_ALGOR_free)
TP_DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
TP_DEFINE_AUTO(GENERAL_NAMES, GENERAL_NAMES_free)

/* What a key of this kind signs its request with; the hash is as strong as the curve (FIPS 186-5). */
struct scheme {
    int nid;
    enum tp_pki_hash hash; /* NONE: the key signs the message itself */
    int parameter;         /* RFC 4055 §5: NULL for RSA; RFC 5758 §3.2, RFC 8410 §3: absent */
};

static enum tp_rc scheme_choose(const struct tp_pki_key_info *info, struct scheme *ret_scheme)
{
    static const struct {
        const char *type;
        struct scheme scheme;
    } schemes[] = {
        {"p-256", {NID_ecdsa_with_SHA256, TP_PKI_SHA256, V_ASN1_UNDEF}},
        {"p-384", {NID_ecdsa_with_SHA384, TP_PKI_SHA384, V_ASN1_UNDEF}},
        {"p-521", {NID_ecdsa_with_SHA512, TP_PKI_SHA512, V_ASN1_UNDEF}},
        {"ed25519", {NID_ED25519, TP_PKI_HASH_NONE, V_ASN1_UNDEF}},
        {"ed448", {NID_ED448, TP_PKI_HASH_NONE, V_ASN1_UNDEF}},
    };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strcmp(schemes[i].type, info->type) != 0)
            continue;
        *ret_scheme = schemes[i].scheme;
        return TP_OK;
    }
    *ret_scheme = (struct scheme){NID_sha256WithRSAEncryption, TP_PKI_SHA256, V_ASN1_NULL};
    return info->is_rsa ? TP_OK : TP_UNSUPPORTED;
}

/* ---- subjectAltName ---- */

/* RFC 5280 §4.2.1.6 wants IA5 characters and the "preferred name syntax"; a wildcard may lead. */
static bool is_dns_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    const size_t len = strlen(rest);
    return len > 0 && len <= 253 && strspn(rest, allowed) == len && rest[0] != '.' && rest[0] != '-' &&
           rest[len - 1] != '.' && rest[len - 1] != '-' && strstr(rest, "..") == NULL;
}

static bool is_mailbox(const char *name)
{
    const char *at = strrchr(name, '@');
    if (at == NULL || at == name || at - name > 64 || !is_dns_name(at + 1) || at[1] == '*')
        return false;
    for (const char *c = name; c < at; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("()<>[]:;@\\,\"", *c) != NULL)
            return false;
    return true;
}

static enum tp_rc name_push(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, (int)strlen(text)) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(value);
        return TP_MEMORY;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return TP_OK;
    GENERAL_NAME_free(name);
    return TP_MEMORY;
}

static enum tp_rc names_push(GENERAL_NAMES *names, int type, const char *const *texts, size_t texts_len,
                             struct tp_error *error)
{
    if (texts_len > NAMES_MOST)
        return tp_error_set(error, TP_TOO_LARGE, "more than %d names in one request", NAMES_MOST);
    for (size_t i = 0; i < texts_len; i++) {
        if (!(type == GEN_DNS ? is_dns_name(texts[i]) : is_mailbox(texts[i])))
            return tp_error_set(error, TP_BAD_ARGUMENT, "\"%s\" is not %s", texts[i],
                                type == GEN_DNS ? "a DNS name in ASCII" : "an e-mail address in ASCII");
        TP_TRY(name_push(names, type, texts[i]));
    }
    return TP_OK;
}

static enum tp_rc extensions_add(X509_REQ *request, GENERAL_NAMES *names)
{
    X509_EXTENSIONS *extensions = NULL;
    const bool done = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
                      X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return done ? TP_OK : TP_MEMORY;
}

/* ---- the signature ---- */

static enum tp_rc algorithm_set(X509_REQ *request, const struct scheme *scheme)
{
    X509_ALGOR *algorithm TP_AUTO(X509_ALGOR_free_p) = X509_ALGOR_new();
    if (algorithm == NULL || X509_ALGOR_set0(algorithm, OBJ_nid2obj(scheme->nid), scheme->parameter, NULL) != 1 ||
        X509_REQ_set1_signature_algo(request, algorithm) != 1)
        return TP_MEMORY;
    return TP_OK;
}

static enum tp_rc signature_set(X509_REQ *request, struct tp_bytes signature)
{
    ASN1_BIT_STRING *bits TP_AUTO(ASN1_BIT_STRING_free_p) = ASN1_BIT_STRING_new();
    if (signature.len > INT_MAX || bits == NULL || ASN1_STRING_set(bits, signature.data, (int)signature.len) != 1)
        return TP_MEMORY;
    /* No unused bits: without this flag the encoder takes trailing zero bits of the signature for unused ones. */
    bits->flags = (bits->flags & ~(long)(ASN1_STRING_FLAG_BITS_LEFT | 0x07)) | ASN1_STRING_FLAG_BITS_LEFT;
    X509_REQ_set0_signature(request, bits);
    bits = NULL;
    return TP_OK;
}

/* What the private key is given: the hash of the message, or the message itself. */
static enum tp_rc input_make(enum tp_pki_hash hash, struct tp_bytes tbs, struct tp_buf *ret_input)
{
    if (hash == TP_PKI_HASH_NONE)
        return tp_buf_append(ret_input, tbs);
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (md == NULL || EVP_Digest(tbs.data, tbs.len, digest, NULL, md, NULL) != 1)
        return TP_CRYPTO;
    return tp_buf_append(ret_input, TP_BYTES(digest, tp_pki_hash_len(hash)));
}

static enum tp_rc request_sign(X509_REQ *request, const struct tp_pki_key_info *info, const struct tp_pki_sign *sign,
                               struct tp_error *error)
{
    struct scheme scheme;
    unsigned char *bytes = NULL;
    struct tp_buf tbs TP_AUTO(tp_buf_clear) = TP_BUF_INIT, input TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf raw TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(scheme_choose(info, &scheme));
    TP_TRY(algorithm_set(request, &scheme));
    TP_TRY(tp_pki_der_take(&bytes, i2d_re_X509_REQ_tbs(request, &bytes), &tbs));
    TP_TRY(input_make(scheme.hash, tp_buf_bytes(&tbs), &input));
    TP_TRY(sign->sign(sign->context, scheme.hash, tp_buf_bytes(&input), error, &raw));
    if (!info->is_ec)
        return signature_set(request, tp_buf_bytes(&raw));
    if (tp_pki_ecdsa_to_der(tp_buf_bytes(&raw), &der) != TP_OK)
        return tp_error_set(error, TP_CRYPTO, "the signature of the request is not r and s");
    return signature_set(request, tp_buf_bytes(&der));
}

/* ---- the request ---- */

static enum tp_rc names_fill(GENERAL_NAMES *names, const char *const *dns, size_t dns_len, const char *const *email,
                             size_t email_len, struct tp_error *error)
{
    TP_TRY(names_push(names, GEN_DNS, dns, dns_len, error));
    return names_push(names, GEN_EMAIL, email, email_len, error);
}

enum tp_rc tp_pki_request_check(const char *subject, const char *const *dns, size_t dns_len, const char *const *email,
                                size_t email_len, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    X509_NAME *name TP_AUTO(X509_NAME_free_p) = NULL;
    GENERAL_NAMES *names TP_AUTO(GENERAL_NAMES_free_p) = GENERAL_NAMES_new();
    if (names == NULL)
        return TP_MEMORY;
    TP_TRY(tp_pki_name_parse(subject, error, &name));
    return names_fill(names, dns, dns_len, email, email_len, error);
}

static enum tp_rc request_fill(X509_REQ *request, EVP_PKEY *key, const char *subject, struct tp_error *error)
{
    X509_NAME *name TP_AUTO(X509_NAME_free_p) = NULL;
    TP_TRY(tp_pki_name_parse(subject, error, &name));
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 || X509_REQ_set_subject_name(request, name) != 1 ||
        X509_REQ_set_pubkey(request, key) != 1)
        return tp_error_set(error, TP_CRYPTO, "the request cannot be put together");
    return TP_OK;
}

enum tp_rc tp_pki_request_make(struct tp_bytes spki, const char *subject, const char *const *dns, size_t dns_len,
                               const char *const *email, size_t email_len, const struct tp_pki_sign *sign,
                               struct tp_error *error, struct tp_buf *ret_der)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_key_info info;
    EVP_PKEY *key TP_AUTO(EVP_PKEY_free_p) = NULL;
    TP_TRY(tp_pki_key_info(spki, error, &info));
    TP_TRY(tp_pki_key_load(spki, error, &key));
    X509_REQ *request TP_AUTO(X509_REQ_free_p) = X509_REQ_new_ex(tp_crypto_libctx(), NULL);
    GENERAL_NAMES *names TP_AUTO(GENERAL_NAMES_free_p) = GENERAL_NAMES_new();
    if (request == NULL || names == NULL)
        return TP_MEMORY;
    TP_TRY(request_fill(request, key, subject, error));
    TP_TRY(names_fill(names, dns, dns_len, email, email_len, error));
    if (sk_GENERAL_NAME_num(names) > 0)
        TP_TRY(extensions_add(request, names));
    TP_TRY(request_sign(request, &info, sign, error));
    /* A wrong key, or an HSM that miscalculated, shows here and not at the CA. */
    if (X509_REQ_verify(request, key) != 1)
        return tp_error_set(error, TP_CRYPTO, "the request's signature does not fit its public key");
    unsigned char *der = NULL;
    return tp_pki_der_take(&der, i2d_X509_REQ(request, &der), ret_der);
}
