/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/head.h"

#include <string.h>

static const char tag[TP_HEAD_TAG_LEN] = "trustp11 head 1";

enum {
    AT_ENTRIES = TP_HEAD_TAG_LEN,
    AT_LOG = AT_ENTRIES + 8,
    AT_STATE = AT_LOG + 32,
    AT_SLOTS = AT_STATE + 32,
    AT_OPEN = AT_SLOTS + 8,
    AT_CHECKPOINT = AT_OPEN + 8
};

static enum tp_rc body_mac(const uint8_t *value, const struct tp_ledger_keys *keys, struct tp_error *error,
                           uint8_t ret_mac[TP_STORE_MAC_LEN])
{
    return keys->mac(keys->context, TP_BYTES(value, TP_HEAD_TAG_LEN),
                     TP_BYTES(value + TP_HEAD_TAG_LEN, TP_HEAD_BODY_LEN - TP_HEAD_TAG_LEN), error, ret_mac);
}

enum tp_rc tp_head_seal(const struct tp_head *head, const struct tp_ledger_keys *keys, struct tp_error *error,
                        struct tp_head_value *ret_value)
{
    struct tp_head_value value;

    memcpy(value.bytes, tag, TP_HEAD_TAG_LEN);
    tp_put_be64(value.bytes + AT_ENTRIES, head->entries);
    memcpy(value.bytes + AT_LOG, head->log_root.bytes, 32);
    memcpy(value.bytes + AT_STATE, head->state_root.bytes, 32);
    tp_put_be64(value.bytes + AT_SLOTS, head->slots);
    tp_put_be64(value.bytes + AT_OPEN, head->lowest_open);
    tp_put_be64(value.bytes + AT_CHECKPOINT, head->checkpoint);
    TP_TRY(body_mac(value.bytes, keys, error, value.bytes + TP_HEAD_BODY_LEN));
    *ret_value = value;
    return TP_OK;
}

enum tp_rc tp_head_parse(const struct tp_head_value *value, struct tp_error *error, struct tp_head *ret_head)
{
    struct tp_head head = {
        .entries = tp_get_be64(value->bytes + AT_ENTRIES),
        .slots = tp_get_be64(value->bytes + AT_SLOTS),
        .lowest_open = tp_get_be64(value->bytes + AT_OPEN),
        .checkpoint = tp_get_be64(value->bytes + AT_CHECKPOINT),
    };

    memcpy(head.log_root.bytes, value->bytes + AT_LOG, 32);
    memcpy(head.state_root.bytes, value->bytes + AT_STATE, 32);
    if (memcmp(value->bytes, tag, TP_HEAD_TAG_LEN) != 0 || head.lowest_open > head.entries ||
        head.checkpoint > head.entries || head.slots == 0)
        return tp_error_set(error, TP_TAMPERED, "audit: the head of the log is not well-formed; restore a backup");
    *ret_head = head;
    return TP_OK;
}

enum tp_rc tp_head_check(const struct tp_head_value *value, const struct tp_ledger_keys *keys, struct tp_error *error)
{
    uint8_t mac[TP_STORE_MAC_LEN];

    TP_TRY(body_mac(value->bytes, keys, error, mac));
    if (tp_bytes_equal_secret(TP_BYTES(mac, sizeof mac), TP_BYTES(value->bytes + TP_HEAD_BODY_LEN, sizeof mac)))
        return TP_OK;
    return tp_error_set(error, TP_TAMPERED,
                        "audit: the head of the log has a MAC that this deployment's HSM did not make: "
                        "the store was changed, or belongs to another HSM");
}

enum tp_rc tp_head_read(struct tp_store *store, struct tp_error *error, struct tp_head_value *ret_value)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = tp_store_value_get(store, TP_HEAD_NAME, error, &value);

    if (rc == TP_NOT_FOUND || (rc == TP_OK && value.len != TP_HEAD_LEN))
        return tp_error_set(error, TP_TAMPERED, "audit: the store has no head of the log; restore a backup");
    TP_TRY(rc);
    memcpy(ret_value->bytes, value.data, TP_HEAD_LEN);
    return TP_OK;
}

enum tp_rc tp_head_write(struct tp_store *store, const struct tp_head_value *value, struct tp_error *error)
{
    return tp_store_value_put(store, TP_HEAD_NAME, TP_BYTES(value->bytes, sizeof value->bytes), error);
}
