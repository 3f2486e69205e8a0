/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/frame.h"
#include "ipc/messages.pb-c.h"
#include "ipc/operation.h"

#include <criterion/criterion.h>
#include <string.h>

static enum tp_rc unpack(struct tp_ipc_header header, int reply)
{
    uint8_t bytes[TP_IPC_HEADER_LEN];
    struct tp_ipc_header back;
    tp_ipc_header_pack(&header, bytes);
    return tp_ipc_header_unpack(bytes, reply, &back);
}

static enum tp_rc request(struct tp_ipc_header header)
{
    return unpack(header, 0);
}

static enum tp_rc reply(struct tp_ipc_header header)
{
    return unpack(header, 1);
}

Test(frame, header_lies_little_endian_at_the_documented_offsets)
{
    static const uint8_t wanted[TP_IPC_HEADER_LEN] = {0x00, 0x30, 0, 0, 11, 0, 0, 0, 4, 3, 2, 1,
                                                      0xE8, 3,    0, 0, 6,  0, 0, 4, 0, 0, 0, 0};
    struct tp_ipc_header header = {
        .body_len = 0x3000, .op = TP_OP_ENROL_CONFIRM, .number = 0x01020304, .wait_ms = 1000, .secret_len = {6, 1024}};
    uint8_t bytes[TP_IPC_HEADER_LEN];
    struct tp_ipc_header back;
    tp_ipc_header_pack(&header, bytes);
    cr_assert_arr_eq(bytes, wanted, sizeof(wanted));
    cr_assert_eq(tp_ipc_header_unpack(bytes, 0, &back), TP_OK);
    cr_assert_eq(back.body_len, header.body_len);
    cr_assert_eq(back.op, header.op);
    cr_assert_eq(back.number, header.number);
    cr_assert_eq(back.wait_ms, header.wait_ms);
    cr_assert_eq(back.secret_len[0], 6);
    cr_assert_eq(back.secret_len[1], 1024);
    cr_assert_eq(tp_ipc_header_total(&back), 24u + 0x3000 + 6 + 1024);
}

Test(frame, what_must_be_zero_is_zero)
{
    uint8_t bytes[TP_IPC_HEADER_LEN];
    struct tp_ipc_header back = {.number = 99};
    tp_ipc_header_pack(&(struct tp_ipc_header){.op = TP_OP_STATUS}, bytes);
    cr_assert_eq(tp_ipc_header_unpack(bytes, 0, &back), TP_OK);
    for (size_t i = 20; i < TP_IPC_HEADER_LEN; i++) {
        back.number = 99;
        bytes[i] = 1;
        cr_assert_eq(tp_ipc_header_unpack(bytes, 0, &back), TP_MALFORMED);
        cr_assert_eq(back.number, 99, "outputs stay untouched");
        bytes[i] = 0;
    }
}

Test(frame, operations_of_the_table_are_accepted_and_no_others)
{
    for (unsigned number = 0; number <= UINT16_MAX; number++) {
        const struct tp_ipc_operation *operation = tp_ipc_operation(number);
        unsigned secrets = operation == NULL ? 0 : operation->secrets;
        struct tp_ipc_header header = {.op = (uint16_t)number,
                                       .secret_len = {secrets > 0 ? 1 : 0, secrets > 1 ? 1 : 0}};
        cr_assert_eq(request(header), operation != NULL ? TP_OK : TP_MALFORMED, "operation %u", number);
    }
}

Test(frame, a_request_body_may_reach_its_operations_limit_and_not_pass_it)
{
    for (size_t i = 0; i < tp_ipc_operations_len(); i++) {
        const struct tp_ipc_operation *operation = tp_ipc_operation_at(i);
        struct tp_ipc_header header = {.op = (uint16_t)operation->op,
                                       .body_len = (uint32_t)operation->most,
                                       .secret_len = {operation->secrets > 0, operation->secrets > 1}};
        cr_assert_eq(request(header), TP_OK, "%s", operation->words);
        header.body_len++;
        cr_assert_eq(request(header), TP_MALFORMED, "%s", operation->words);
    }
}

Test(frame, a_request_has_exactly_its_operations_secrets)
{
    static const uint16_t lens[] = {0, 1, TP_IPC_SECRET_MAX, TP_IPC_SECRET_MAX + 1};
    for (size_t i = 0; i < tp_ipc_operations_len(); i++) {
        const struct tp_ipc_operation *operation = tp_ipc_operation_at(i);
        for (size_t a = 0; a < 4; a++) {
            for (size_t b = 0; b < 4; b++) {
                struct tp_ipc_header header = {.op = (uint16_t)operation->op, .secret_len = {lens[a], lens[b]}};
                unsigned first = lens[a] > 0, second = lens[b] > 0;
                bool right = first == (operation->secrets > 0) && second == (operation->secrets > 1) && a < 3 && b < 3;
                cr_assert_eq(request(header), right ? TP_OK : TP_MALFORMED, "%s %u %u", operation->words, lens[a],
                             lens[b]);
            }
        }
    }
}

Test(frame, only_a_reply_has_a_code)
{
    struct tp_ipc_header header = {.op = TP_OP_STATUS, .rc = TP_BUSY};
    cr_assert_eq(reply(header), TP_OK);
    cr_assert_eq(request(header), TP_MALFORMED);
    header.rc = TP_RC_COUNT;
    cr_assert_eq(reply(header), TP_MALFORMED, "no such code");
}

Test(frame, only_a_request_has_a_wait)
{
    struct tp_ipc_header header = {.op = TP_OP_STATUS, .wait_ms = UINT32_MAX};
    cr_assert_eq(request(header), TP_OK);
    cr_assert_eq(reply(header), TP_MALFORMED);
}

Test(frame, a_reply_has_at_most_one_secret_and_then_a_small_body)
{
    cr_assert_eq(reply((struct tp_ipc_header){.op = TP_OP_STATUS, .secret_len = {8, 0}}), TP_OK);
    cr_assert_eq(reply((struct tp_ipc_header){.op = TP_OP_STATUS, .secret_len = {8, 8}}), TP_MALFORMED);
    cr_assert_eq(reply((struct tp_ipc_header){.op = TP_OP_STATUS, .secret_len = {0, 8}}), TP_MALFORMED);
    struct tp_ipc_header header = {.op = TP_OP_ENROL, .body_len = TP_IPC_BODY_SMALL, .secret_len = {8, 0}};
    cr_assert_eq(reply(header), TP_OK);
    header.body_len++;
    cr_assert_eq(reply(header), TP_MALFORMED);
}

Test(frame, a_reply_body_may_reach_the_limit_and_not_pass_it)
{
    struct tp_ipc_header header = {.op = TP_OP_OBJECTS, .body_len = TP_IPC_REPLY_MAX};
    cr_assert_eq(reply(header), TP_OK);
    header.body_len++;
    cr_assert_eq(reply(header), TP_MALFORMED);
    header.body_len = UINT32_MAX;
    cr_assert_eq(reply(header), TP_MALFORMED);
}

Test(operation, each_row_is_found_by_its_number_once)
{
    cr_assert_gt(tp_ipc_operations_len(), 30u);
    for (size_t i = 0; i < tp_ipc_operations_len(); i++) {
        const struct tp_ipc_operation *row = tp_ipc_operation_at(i);
        cr_assert_eq(tp_ipc_operation(row->op), row, "%s has its number alone", row->words);
        cr_assert_leq(row->secrets, (unsigned)TP_IPC_SECRETS_MAX);
        cr_assert(row->secrets == 0 || row->most == TP_IPC_BODY_SMALL, "secrets travel with small bodies");
    }
    cr_assert_null(tp_ipc_operation_at(tp_ipc_operations_len()));
    cr_assert_null(tp_ipc_operation(0));
    cr_assert_null(tp_ipc_operation(TP_IPC_OP_END));
}

Test(operation, rows_name_their_messages)
{
    cr_assert_eq(tp_ipc_operation(TP_OP_SIGN)->request, &tp__ipc__sign_request__descriptor);
    cr_assert_eq(tp_ipc_operation(TP_OP_SIGN)->reply, &tp__ipc__sign_reply__descriptor);
    cr_assert_eq(tp_ipc_operation(TP_OP_LOGOUT)->reply, &tp__ipc__empty__descriptor);
    cr_assert_str_eq(tp_ipc_operation(TP_OP_KEY_GENERATE)->words, "key generate");
}
