/* SPDX-License-Identifier: Apache-2.0 */
#include "authn/permit.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOBODY ((enum tp_role)0)

/* Columns: held alone; the role that the log names, or NOBODY where it must be refused. */
struct row {
    const char *operation;
    enum tp_role anyone, owner, officer, auditor, operator, engine;
};

#define A TP_ROLE_ANYONE
#define W TP_ROLE_OWNER
#define O TP_ROLE_OFFICER
#define U TP_ROLE_AUDITOR
#define P TP_ROLE_OPERATOR
#define E TP_ROLE_ENGINE
#define _ NOBODY

static const struct row rows[] = {
    /*                 anyone owner officer auditor operator engine */
    {"hello", A, A, A, A, A, A},        {"token", A, A, A, A, A, A},        {"objects", A, A, A, A, A, A},
    {"login", W, W, W, W, W, W},        {"logout", A, A, A, A, A, A},       {"authorisation", A, A, A, A, A, A},
    {"pin change", W, W, W, W, W, W},   {"enrol", W, W, W, W, W, W},        {"enrol confirm", W, W, W, W, W, W},
    {"sign", _, W, _, _, _, _},         {"key csr", _, W, _, _, _, _},      {"user add", _, _, O, _, _, E},
    {"user list", _, _, O, U, P, E},    {"user suspend", _, _, O, _, _, E}, {"user resume", _, _, O, _, _, E},
    {"user unlock", _, _, O, _, _, E},  {"user close", _, _, O, _, _, E},   {"user reset", _, _, O, _, _, E},
    {"factor add", _, _, O, _, _, E},   {"factor list", _, _, O, U, P, E},  {"factor remove", _, _, O, _, _, E},
    {"key generate", _, W, O, _, _, E}, {"key state", _, W, O, _, _, E},    {"key delete", _, _, O, _, _, E},
    {"cert import", _, _, O, _, _, E},  {"crl import", _, _, O, _, _, E},   {"policy explain", _, W, O, U, P, E},
    {"pin init", _, _, O, _, _, E},     {"token init", _, _, O, _, _, E},
    {"user erase", _, _, O, _, _, E},   {"policy show", _, W, O, U, P, E},  {"audit list", _, _, O, U, _, E},   {"audit checkpoint", _, _, O, U, _, E},
    {"status", _, _, O, U, P, E},       {"doctor", _, _, O, U, P, E},       {"accept", _, _, O, _, _, E},
};

#define ROWS (sizeof rows / sizeof rows[0])

static void check(const char *operation, unsigned held, enum tp_role expected)
{
    enum tp_role role = NOBODY;
    const enum tp_rc rc = tp_permit(operation, held, &role);
    cr_assert_eq(rc, expected != NOBODY ? TP_OK : TP_NOT_PERMITTED, "%s held %#x", operation, held);
    cr_assert_eq(role, expected, "%s held %#x: %s", operation, held, tp_role_name(role));
}

Test(permit, allows_and_refuses_each_role_alone_as_written)
{
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert(tp_permit_known(rows[i].operation), "%s", rows[i].operation);
        check(rows[i].operation, 0, rows[i].anyone);
        check(rows[i].operation, A, rows[i].anyone);
        check(rows[i].operation, A | W, rows[i].owner);
        check(rows[i].operation, A | O, rows[i].officer);
        check(rows[i].operation, A | U, rows[i].auditor);
        check(rows[i].operation, A | P, rows[i].operator);
        check(rows[i].operation, A | E, rows[i].engine);
    }
}

Test(permit, of_several_roles_names_the_least_that_suffices)
{
    check("key state", A | W | O | E, W);
    check("user list", A | O | P | U | E, P);
    check("user list", A | O | U | E, U);
    check("audit list", A | O | P | E, O);
    check("user add", A | O | P | U | E, O);
    check("user add", A | W | P | U | E, E);
    check("sign", A | O | P | U | E, NOBODY);
}

static void assert_words(const char *operation, const char *owner, const char *expected)
{
    char words[64];
    tp_permit_words(operation, owner, words, sizeof words);
    cr_assert_str_eq(words, expected, "%s: %s", operation, words);
}

Test(permit, says_who_may)
{
    char cut[8];
    assert_words("key generate", "alice", "alice and officers");
    assert_words("key csr", "alice", "alice");
    assert_words("policy show", "", "officers, auditors and operators");
    assert_words("audit list", "", "officers and auditors");
    assert_words("user add", "zoe", "officers");
    assert_words("no such operation", "alice", "nobody");
    tp_permit_words("policy show", "", cut, sizeof cut);
    cr_assert_str_eq(cut, "officer");
    cr_assert(tp_permit_owner("key csr") && !tp_permit_owner("user add") && !tp_permit_owner("no such operation"));
}

Test(permit, refuses_what_it_does_not_list_to_everyone)
{
    static const char *const operations[] = {"", "user", "user add ", "User add", "user drop", "signs"};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        cr_assert_not(tp_permit_known(operations[i]));
        check(operations[i], ~0u, NOBODY);
    }
}

Test(role, given_to_users_is_officer_auditor_or_operator_only)
{
    static const struct {
        const char *name;
        enum tp_role role;
    } names[] = {{"officer", O}, {"auditor", U}, {"operator", P}, {"owner", NOBODY},
                 {"engine", _},  {"anyone", _},  {"", _},         {"Officer", _}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum tp_role role = NOBODY;
        cr_assert_eq(tp_role_parse(names[i].name, &role), names[i].role != NOBODY ? TP_OK : TP_BAD_ARGUMENT);
        cr_assert_eq(role, names[i].role);
        if (role != NOBODY)
            cr_assert_str_eq(tp_role_name(role), names[i].name);
    }
    cr_assert_str_eq(tp_role_name(W), "owner");
    cr_assert_str_eq(tp_role_name(E), "engine");
    cr_assert_str_eq(tp_role_name(A), "anyone");
    cr_assert_str_eq(tp_role_name((enum tp_role)(O | U)), "none");
}
