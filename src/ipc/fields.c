/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at a packed message before it is unpacked: the message library makes a piece of memory for each field, also for
 * those that it does not know, and a field can be two bytes long. This one allocates nothing.
 */
#include "ipc/internal.h"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 }; /* 3 and 4: groups, which nobody uses */

#define VARINT_MOST 10 /* bytes */

static bool take(struct tp_bytes *bytes, uint64_t len)
{
    if (len > bytes->len)
        return false;
    bytes->data += len;
    bytes->len -= (size_t)len;
    return true;
}

static bool take_varint(struct tp_bytes *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MOST && i < bytes->len; i++) {
        value |= (uint64_t)(bytes->data[i] & 0x7F) << (7 * i);
        if ((bytes->data[i] & 0x80) == 0) {
            *ret_value = value;
            return take(bytes, i + 1);
        }
    }
    return false;
}

static bool skip_value(struct tp_bytes *bytes, unsigned wire)
{
    uint64_t value;
    switch (wire) {
    case WIRE_VARINT:
        return take_varint(bytes, &value);
    case WIRE_64:
        return take(bytes, 8);
    case WIRE_BYTES:
        return take_varint(bytes, &value) && take(bytes, value);
    case WIRE_32:
        return take(bytes, 4);
    default:
        return false;
    }
}

enum tp_rc tp_ipc_fields_check(const ProtobufCMessageDescriptor *descriptor, struct tp_bytes body)
{
    for (unsigned count = 0; body.len > 0; count++) {
        uint64_t key;
        if (count == TP_IPC_FIELDS_MOST || !take_varint(&body, &key) || key >> 3 > UINT32_MAX)
            return TP_MALFORMED;
        if (protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(key >> 3)) == NULL)
            return TP_UNSUPPORTED;
        if (!skip_value(&body, (unsigned)(key & 7)))
            return TP_MALFORMED;
    }
    return TP_OK;
}
