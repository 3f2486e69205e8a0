/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables that an operation must be in: forgetting one is how a door stays open, or never opens.
 */
#include "authn/permit.h"
#include "engine/call.h"
#include "ipc/operation.h"

#include <criterion/criterion.h>

Test(engine_actions, every_operation_but_hello_has_a_duty)
{
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++) {
        if (operation->op == TP_OP_HELLO)
            cr_expect_null(tp_duty(operation->op), "hello is the server's own");
        else
            cr_expect_not_null(tp_duty(operation->op), "%s", operation->words);
    }
}

Test(engine_actions, every_operation_has_a_row_in_the_permit_table)
{
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++)
        cr_expect(tp_permit_known(operation->words), "%s", operation->words);
}

Test(engine_actions, an_action_without_function_is_the_hot_path_alone)
{
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++) {
        const struct tp_duty *duty = tp_duty(operation->op);
        if (duty != NULL)
            cr_expect_eq(duty->run == NULL, operation->op == TP_OP_SIGN || operation->op == TP_OP_TIMESTAMP, "%s", operation->words);
    }
}

Test(engine_actions, nobody_without_a_role_administrates)
{
    static const char *const looking_or_proving[] = {"hello", "token", "objects", "login", "logout", "authorisation",
                                                     "pin change", "enrol", "enrol confirm",
                                                     "approval list", "approval give", "approval refuse", "events", "timestamp"};
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++) {
        enum tp_role role;
        bool open = false;
        for (size_t j = 0; j < sizeof looking_or_proving / sizeof looking_or_proving[0]; j++)
            open = open || strcmp(operation->words, looking_or_proving[j]) == 0;
        cr_expect_eq(tp_permit(operation->words, TP_ROLE_ANYONE, &role) == TP_OK, open, "%s", operation->words);
    }
}

Test(engine_actions, an_operator_changes_nothing)
{
    static const char *const looking[] = {"user list", "factor list", "policy explain", "policy show", "status", "doctor"};
    const struct tp_ipc_operation *operation;
    for (size_t i = 0; (operation = tp_ipc_operation_at(i)) != NULL; i++) {
        enum tp_role role;
        bool allowed = tp_permit(operation->words, TP_ROLE_OPERATOR, &role) == TP_OK &&
                       tp_permit(operation->words, TP_ROLE_ANYONE, &role) != TP_OK;
        bool may_look = false;
        for (size_t j = 0; j < sizeof looking / sizeof looking[0]; j++)
            may_look = may_look || strcmp(operation->words, looking[j]) == 0;
        cr_expect(!allowed || may_look, "%s", operation->words);
    }
}
