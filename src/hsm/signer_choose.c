/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a token's keys is meant, and which of its certificates go with it.
 */
#include "hsm/signer_internal.h"
#include "pki/certificate.h"

#include <stdio.h>
#include <string.h>

#define LISTED_MAX 320

/* ---- words ---- */

/* As a URI would have it, so that it can be pasted into one: "object=a;id=%01". */
static void list_key(const struct tp_hsm_card_key *key, char text[LISTED_MAX])
{
    size_t len = strlen(text);
    len += (size_t)snprintf(text + len, LISTED_MAX - len, "%sobject=%s%s", len > 0 ? ", " : "", key->label,
                            key->id_len > 0 ? ";id=" : "");
    for (size_t i = 0; i < key->id_len && len < LISTED_MAX; i++)
        len += (size_t)snprintf(text + len, LISTED_MAX - len, "%%%02x", key->id[i]);
}

static void list_keys(const struct tp_hsm_card_key *keys, size_t keys_len, char text[LISTED_MAX])
{
    text[0] = '\0';
    for (size_t i = 0; i < keys_len && strlen(text) + 1 < LISTED_MAX; i++)
        list_key(&keys[i], text);
}

static enum tp_rc no_key(struct tp_hsm_card *card, struct tp_error *error)
{
    struct tp_hsm_card_key keys[TP_HSM_CARD_KEYS];
    size_t len = 0;
    char text[LISTED_MAX];
    TP_TRY(tp_hsm_card_keys(card, true, error, keys, &len));
    if (len == 0)
        return tp_error_set(error, TP_NOT_FOUND, "the token \"%s\" has no private key", card->name);
    list_keys(keys, len, text);
    return tp_error_set(error, TP_NOT_FOUND,
                        "no private key of the token \"%s\" that signs is the one that the URI names; it has %s",
                        card->name, text);
}

/* ---- certificates ---- */

static bool is_of_key(const struct tp_hsm_card_certificate *certificate, const struct tp_hsm_card_key *key,
                      struct tp_bytes spki, struct tp_pki_certificate *ret_parsed)
{
    if (tp_pki_certificate_parse(tp_buf_bytes(&certificate->der), NULL, ret_parsed) != TP_OK)
        return false;
    if (spki.len > 0)
        return tp_bytes_equal(spki, tp_buf_bytes(&ret_parsed->spki));
    return key->id_len > 0 &&
           tp_bytes_equal(TP_BYTES(key->id, key->id_len), TP_BYTES(certificate->id, certificate->id_len));
}

/* The key's newest; NULL without. By the public key where the token tells it, which is more than a CKA_ID can say. */
static const struct tp_hsm_card_certificate *own_certificate(const struct tp_hsm_card_certificates *certificates,
                                                             const struct tp_hsm_card_key *key, struct tp_bytes spki,
                                                             unsigned *ret_usage)
{
    const struct tp_hsm_card_certificate *best = NULL;
    int64_t best_ms = INT64_MIN;
    for (size_t i = 0; i < certificates->len; i++) {
        struct tp_pki_certificate parsed TP_AUTO(tp_pki_certificate_clear) = {0};
        if (!is_of_key(&certificates->at[i], key, spki, &parsed) || parsed.not_before_ms <= best_ms)
            continue;
        best = &certificates->at[i];
        best_ms = parsed.not_before_ms;
        *ret_usage = parsed.key_usage;
    }
    return best;
}

static bool issued(struct tp_bytes issuer, struct tp_bytes certificate)
{
    struct tp_pki_certificate parsed TP_AUTO(tp_pki_certificate_clear) = {0};
    return !tp_bytes_equal(issuer, certificate) && tp_pki_certificate_parse(issuer, NULL, &parsed) == TP_OK &&
           parsed.is_ca && tp_pki_certificate_issued_by(certificate, issuer, NULL) == TP_OK;
}

static bool is_in(const struct tp_hsm_card_choice *choice, struct tp_bytes der)
{
    for (size_t i = 0; i < choice->chain_len; i++)
        if (tp_bytes_equal(choice->chain[i], der))
            return true;
    return false;
}

/* Upwards as far as the token has them; one that is in the chain already (cross certificates) ends it. */
static void chain_extend(const struct tp_hsm_card_certificates *certificates, struct tp_hsm_card_choice *choice)
{
    bool found = true;
    while (found && choice->chain_len < TP_PKI_SIGNER_CERTIFICATES) {
        const struct tp_bytes last = choice->chain[choice->chain_len - 1];
        found = false;
        for (size_t i = 0; i < certificates->len && !found; i++) {
            const struct tp_bytes der = tp_buf_bytes(&certificates->at[i].der);
            if (is_in(choice, der) || !issued(der, last))
                continue;
            choice->chain[choice->chain_len++] = der;
            found = true;
        }
    }
}

/* ---- the key ---- */

/* Whether its certificate is for signing documents. */
static bool is_meant_for_signing(struct tp_hsm_card *card, const struct tp_hsm_card_certificates *certificates,
                                 const struct tp_hsm_card_key *key)
{
    struct tp_buf spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    unsigned usage = 0;
    if (tp_hsm_card_spki(card, key, &spki) != TP_OK)
        tp_buf_reset(&spki);
    return own_certificate(certificates, key, tp_buf_bytes(&spki), &usage) != NULL &&
           (usage & (TP_PKI_DIGITAL_SIGNATURE | TP_PKI_NON_REPUDIATION)) != 0;
}

static enum tp_rc choose_key(struct tp_hsm_card *card, const struct tp_hsm_card_certificates *certificates,
                             struct tp_error *error, struct tp_hsm_card_key *ret_key)
{
    struct tp_hsm_card_key keys[TP_HSM_CARD_KEYS];
    size_t found = 0, len = 0, meant = 0, which = 0;
    char text[LISTED_MAX];
    TP_TRY(tp_hsm_card_keys(card, false, error, keys, &found));
    for (size_t i = 0; i < found; i++)
        if (keys[i].signs)
            keys[len++] = keys[i];
    if (len == 0)
        return no_key(card, error);
    for (size_t i = 0; len > 1 && i < len; i++)
        if (is_meant_for_signing(card, certificates, &keys[i]) && meant++ == 0)
            which = i;
    if (len > 1 && meant != 1) {
        list_keys(keys, len, text);
        return tp_error_set(error, TP_BAD_ARGUMENT, "%zu keys of the token \"%s\" match the URI: name one of %s", len,
                            card->name, text);
    }
    *ret_key = keys[which];
    return TP_OK;
}

enum tp_rc tp_hsm_card_choose(struct tp_hsm_card *card, const struct tp_hsm_card_certificates *certificates,
                              struct tp_error *error, struct tp_hsm_card_choice *ret_choice)
{
    unsigned usage = 0;
    TP_TRY(choose_key(card, certificates, error, &ret_choice->key));
    const enum tp_rc rc = tp_hsm_card_spki(card, &ret_choice->key, &ret_choice->spki);
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    const struct tp_hsm_card_certificate *own =
        own_certificate(certificates, &ret_choice->key, tp_buf_bytes(&ret_choice->spki), &usage);
    if (own == NULL)
        return TP_OK;
    ret_choice->chain[0] = tp_buf_bytes(&own->der);
    ret_choice->chain_len = 1;
    chain_extend(certificates, ret_choice);
    return TP_OK;
}
