/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/strength.h"

#include <stdio.h>

static const struct {
    enum tp_pki_hash hash;
    const char *until;
} hashes[] = {{TP_PKI_MD5, "2004-08-01"}, {TP_PKI_SHA1, "2012-08-01"}};

static const struct {
    bool is_modulus;
    unsigned below; /* bits */
    const char *until;
} keys[] = {
    /* the first that fits */
    {true, 1024, NULL}, {true, 1900, "2019-10-01"}, {true, 2048, "2028-12-31"},
    {false, 160, NULL}, {false, 224, "2013-08-01"},
};

/* NULL: never. */
static void note(const char *what, const char *until, int64_t at_ms, struct tp_validation_weakness *weakness)
{
    int64_t until_ms = 0;
    if (until != NULL && tp_time_parse(until, &until_ms) == TP_OK && until_ms > at_ms)
        return;
    weakness->found = true;
    (void)snprintf(weakness->what, sizeof weakness->what, "%s", what);
    (void)snprintf(weakness->until, sizeof weakness->until, "%s", until != NULL ? until : "never");
}

static void note_hash(enum tp_pki_hash hash, int64_t at_ms, struct tp_validation_weakness *weakness)
{
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        if (hashes[i].hash == hash)
            note(tp_pki_hash_name(hash), hashes[i].until, at_ms, weakness);
}

static void note_key(const struct tp_pki_key_size *key, int64_t at_ms, struct tp_validation_weakness *weakness)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].is_modulus == key->is_modulus && key->bits < keys[i].below) {
            note(key->name, keys[i].until, at_ms, weakness);
            return;
        }
}

enum tp_rc tp_validation_strength(struct tp_bytes certificate, enum tp_pki_hash hash, int64_t at_ms,
                                  struct tp_validation_weakness *ret_weakness)
{
    struct tp_pki_certificate parsed TP_AUTO(tp_pki_certificate_clear) = {0};
    struct tp_validation_weakness weakness = {0};
    struct tp_pki_key_size key;
    note_hash(hash, at_ms, &weakness);
    if (certificate.len > 0 && !weakness.found) {
        TP_TRY(tp_pki_certificate_parse(certificate, NULL, &parsed));
        TP_TRY(tp_pki_key_size(tp_buf_bytes(&parsed.spki), NULL, &key));
        note_key(&key, at_ms, &weakness);
    }
    *ret_weakness = weakness;
    return TP_OK;
}
