/* SPDX-License-Identifier: Apache-2.0
 *
 * PKCS#10 requests (RFC 2986), signed by a signer: the private key is somewhere else.
 */
#include "pki/internal.h"
#include "pki/signer.h"

#include <string.h>

#define NAMES_MOST 64

TP_DEFINE_AUTO(X509_REQ, X509_REQ_free)
TP_DEFINE_AUTO(GENERAL_NAMES, GENERAL_NAMES_free)

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

static enum tp_rc request_sign(X509_REQ *request, const struct tp_pki_signer *signer, struct tp_error *error)
{
    const char *hash = tp_pki_hash_libcrypto(tp_pki_signer_hash(signer));
    (void)tp_pki_signer_failed(NULL, TP_OK); /* of before */
    if (X509_REQ_sign(request, tp_pki_signer_key(signer), hash != NULL ? tp_crypto_digest(hash) : NULL) > 0)
        return TP_OK;
    const enum tp_rc rc = tp_pki_signer_failed(error, TP_OK);
    return rc != TP_OK ? rc : tp_error_set(error, TP_CRYPTO, "the request cannot be signed");
}

enum tp_rc tp_pki_request_make(const struct tp_pki_signer *signer, const char *subject, const char *const *dns,
                               size_t dns_len, const char *const *email, size_t email_len, struct tp_error *error,
                               struct tp_buf *ret_der)
{
    TP_PKI_ERRORS_KEEP;
    X509_REQ *request TP_AUTO(X509_REQ_free_p) = X509_REQ_new_ex(tp_crypto_libctx(), NULL);
    GENERAL_NAMES *names TP_AUTO(GENERAL_NAMES_free_p) = GENERAL_NAMES_new();
    if (request == NULL || names == NULL)
        return TP_MEMORY;
    TP_TRY(request_fill(request, tp_pki_signer_key(signer), subject, error));
    TP_TRY(names_fill(names, dns, dns_len, email, email_len, error));
    if (sk_GENERAL_NAME_num(names) > 0)
        TP_TRY(extensions_add(request, names));
    TP_TRY(request_sign(request, signer, error));
    unsigned char *der = NULL;
    return tp_pki_der_take(&der, i2d_X509_REQ(request, &der), ret_der);
}
