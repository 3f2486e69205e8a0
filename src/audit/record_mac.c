/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record_mac.h"

#include <string.h>

#define TAG_LEN 24
static const char tag_mac[TAG_LEN] = "trustp11 record mac 1";
static const char tag_leaf[TAG_LEN] = "trustp11 record leaf 1";

/* Everything but the content. */
struct preamble {
    size_t len;
    uint8_t bytes[TAG_LEN + 4 * 4 + sizeof(struct tp_store_record) + 3 * 8];
};

static void put_string(struct preamble *preamble, const char *text, size_t most)
{
    size_t len = strnlen(text, most);

    tp_put_be32(preamble->bytes + preamble->len, (uint32_t)len);
    memcpy(preamble->bytes + preamble->len + 4, text, len);
    preamble->len += 4 + len;
}

static void put_integer(struct preamble *preamble, uint64_t value)
{
    tp_put_be64(preamble->bytes + preamble->len, value);
    preamble->len += 8;
}

static struct tp_bytes preamble_make(struct preamble *preamble, const char tag[TAG_LEN],
                                     const struct tp_store_record *record)
{
    memcpy(preamble->bytes, tag, TAG_LEN);
    preamble->len = TAG_LEN;
    put_string(preamble, record->kind, sizeof record->kind);
    put_string(preamble, record->id, sizeof record->id);
    put_string(preamble, record->owner, sizeof record->owner);
    put_string(preamble, record->name, sizeof record->name);
    put_integer(preamble, record->slot);
    put_integer(preamble, record->version);
    put_integer(preamble, record->content.len);
    return TP_BYTES(preamble->bytes, preamble->len);
}

enum tp_rc tp_record_mac(const struct tp_ledger_keys *keys, const struct tp_store_record *record,
                         struct tp_error *error, uint8_t ret_mac[TP_STORE_MAC_LEN])
{
    struct preamble preamble;

    return keys->mac(keys->context, preamble_make(&preamble, tag_mac, record), record->content, error, ret_mac);
}

enum tp_rc tp_record_mac_check(const struct tp_ledger_keys *keys, const struct tp_store_record *record,
                               struct tp_error *error)
{
    uint8_t mac[TP_STORE_MAC_LEN];

    TP_TRY(tp_record_mac(keys, record, error, mac));
    if (tp_bytes_equal_secret(TP_BYTES(mac, sizeof mac), TP_BYTES(record->mac, sizeof record->mac)))
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: %s %s has a MAC that this deployment's HSM did not make; restore it from a backup",
                        record->kind, record->id);
}

enum tp_rc tp_record_leaf(const struct tp_store_record *record, struct tp_state_hash *ret_leaf)
{
    struct preamble preamble;

    return tp_sha256(preamble_make(&preamble, tag_leaf, record), record->content,
                     TP_BYTES(record->mac, sizeof record->mac), ret_leaf->bytes);
}
