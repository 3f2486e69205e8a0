/* SPDX-License-Identifier: Apache-2.0
 *
 * What is looked at in a message before it is unpacked.
 */
#include "ipc/internal.h"
#include "ipc/messages.pb-c.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static enum tp_rc check(const char *bytes, size_t len)
{
    return tp_ipc_fields_check(&tp__ipc__list_request__descriptor, TP_BYTES(bytes, len));
}

Test(fields, that_are_known_are_taken)
{
    uint8_t packed[256];
    char user[] = "somebody", dns[] = "example.org", *names[] = {dns, dns, dns};
    Tp__Ipc__ListRequest list = TP__IPC__LIST_REQUEST__INIT;
    Tp__Ipc__CsrRequest csr = TP__IPC__CSR_REQUEST__INIT;
    list.user = csr.user = user;
    list.cursor = UINT64_MAX;
    list.limit = 5;
    csr.dns = names;
    csr.n_dns = 3;
    size_t len = tp__ipc__list_request__pack(&list, packed);
    cr_expect_eq(tp_ipc_fields_check(list.base.descriptor, TP_BYTES(packed, len)), TP_OK);
    cr_expect_eq(tp_ipc_fields_check(list.base.descriptor, TP_BYTES_NONE), TP_OK);
    len = tp__ipc__csr_request__pack(&csr, packed);
    cr_expect_eq(tp_ipc_fields_check(csr.base.descriptor, TP_BYTES(packed, len)), TP_OK);
}

Test(fields, that_are_not_known_are_told_from_what_cannot_be_read)
{
    cr_expect_eq(check("\x10\x01\x78\x00", 4), TP_UNSUPPORTED, "number 15");
    char next[] = {(char)((tp__ipc__list_request__descriptor.n_fields + 1) << 3), 0};
    cr_expect_eq(check(next, 2), TP_UNSUPPORTED, "the one after the last");
    cr_expect_eq(check("\x10", 1), TP_MALFORMED, "no value");
    cr_expect_eq(check("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12), TP_MALFORMED, "too long a number");
    cr_expect_eq(check("\x0a\x05" "abcd", 6), TP_MALFORMED, "a text that is cut off");
    cr_expect_eq(check("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), TP_MALFORMED, "longer than memory");
    cr_expect_eq(check("\x09\x01\x02", 3), TP_MALFORMED, "eight bytes");
    cr_expect_eq(check("\x0d\x01\x02", 3), TP_MALFORMED, "four bytes");
    cr_expect_eq(check("\x0b\x0c", 2), TP_MALFORMED, "a group");
    cr_expect_eq(check("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10), TP_MALFORMED, "a field's number past 32 bits");
}

Test(fields, are_counted)
{
    char bytes[2 * (TP_IPC_FIELDS_MOST + 1)];
    for (size_t i = 0; i < sizeof(bytes); i += 2)
        memcpy(bytes + i, "\x10\x01", 2);
    cr_expect_eq(check(bytes, sizeof(bytes) - 2), TP_OK);
    cr_expect_eq(check(bytes, sizeof(bytes)), TP_MALFORMED);
}

/* What the check takes, the message library takes as well, whatever is in it: and the other way round no field gets by. */
Test(fields, that_pass_leave_nothing_unknown_in_the_message)
{
    unsigned passed = 0;
    srand(1);
    for (unsigned round = 0; round < 200000; round++) {
        char bytes[12];
        size_t len = 1 + (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(rand() % 3 == 0 ? rand() : rand() % 32);
        if (check(bytes, len) != TP_OK)
            continue;
        Tp__Ipc__ListRequest *list = tp__ipc__list_request__unpack(NULL, len, (uint8_t *)bytes);
        passed++;
        if (list != NULL) {
            cr_assert_eq(list->base.n_unknown_fields, 0u);
            tp__ipc__list_request__free_unpacked(list, NULL);
        }
    }
    cr_assert_gt(passed, 1000u);
}

Test(fields, of_requests_have_no_messages_in_them)
{
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++)
        for (unsigned field = 0; field < operation->request->n_fields; field++) {
            const ProtobufCFieldDescriptor *at = &operation->request->fields[field];
            bool is_list = at->label == PROTOBUF_C_LABEL_REPEATED;
            bool is_text = at->type == PROTOBUF_C_TYPE_STRING || at->type == PROTOBUF_C_TYPE_BYTES;
            cr_expect_neq(at->type, PROTOBUF_C_TYPE_MESSAGE, "%s: %s", operation->words, at->name);
            cr_expect(!is_list || is_text, "%s: %s may be a packed list, which is not counted", operation->words, at->name);
        }
}
