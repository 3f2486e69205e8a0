/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may do what: one role × operation table (RS-7). What it does not list is refused.
 */
#ifndef TP_AUTHN_PERMIT_H
#define TP_AUTHN_PERMIT_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>

enum tp_role {
    TP_ROLE_ANYONE = 1 << 0, /* whoever can open the socket */
    TP_ROLE_OWNER =
        1 << 1, /* the user in question, logged in, or proving it within the request (login, enrol, PIN change) */
    TP_ROLE_OFFICER = 1 << 2,  /* users, factors, keys, certificates */
    TP_ROLE_AUDITOR = 1 << 3,  /* reads the log */
    TP_ROLE_OPERATOR = 1 << 4, /* may look, may not operate (RS-7) */
    TP_ROLE_ENGINE = 1 << 5    /* the engine's own uid, and root */
};
/* "officer", …; only OFFICER, AUDITOR and OPERATOR can be given to a user. */
const char *tp_role_name(enum tp_role role);
TP_MUST_USE enum tp_rc tp_role_parse(const char *name, enum tp_role *ret_role);

/* OPERATION: its words in ipc/operation.h ("user add"). The most fitting of HELD that allows it goes to *RET_ROLE (for
 * the log); TP_NOT_PERMITTED when none does. */
TP_MUST_USE enum tp_rc tp_permit(const char *operation, unsigned held, enum tp_role *ret_role);
/* Who may, for people: "alice, officers and auditors". OWNER: whose OPERATION it would be, "" where it is nobody's. The
 * engine's own uid, which may whatever an officer may, goes without saying. */
void tp_permit_words(const char *operation, const char *owner, char *ret_words, size_t ret_words_len);
/* Whether the owner may. */
bool tp_permit_owner(const char *operation);
/* Whether the table has a row for OPERATION (a test asks for every operation of ipc/operation.h). */
bool tp_permit_known(const char *operation);

#endif
