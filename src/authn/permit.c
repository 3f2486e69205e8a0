/* SPDX-License-Identifier: Apache-2.0
 *
 * The table. A row's roles are those that may; ROLE_AS is what goes into the log when nothing but ANYONE is held: the
 * operations that carry their proof within the request are the owner's doing.
 */
#include "authn/permit.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ANYONE  TP_ROLE_ANYONE
#define ADMIN   (TP_ROLE_OFFICER | TP_ROLE_ENGINE)
#define LOOKING (ADMIN | TP_ROLE_AUDITOR | TP_ROLE_OPERATOR)
#define KNOWN   (LOOKING | TP_ROLE_OWNER)

static const struct {
    const char *operation;
    unsigned roles;
    enum tp_role role_as; /* 0: the role that was held */
} permits[] = {
    {"hello", ANYONE, TP_ROLE_ANYONE},
    {"token", ANYONE, TP_ROLE_ANYONE},
    {"objects", ANYONE, TP_ROLE_ANYONE},
    {"login", ANYONE, TP_ROLE_OWNER},
    {"logout", ANYONE, TP_ROLE_ANYONE},
    {"authorisation", ANYONE, TP_ROLE_ANYONE},
    {"pin change", ANYONE, TP_ROLE_OWNER},
    {"enrol", ANYONE, TP_ROLE_OWNER},
    {"enrol confirm", ANYONE, TP_ROLE_OWNER},

    {"approval list", ANYONE, TP_ROLE_ANYONE}, /* of one's own account: the engine looks */
    {"approval give", ANYONE, TP_ROLE_OWNER},
    {"approval refuse", ANYONE, TP_ROLE_ANYONE},

    {"sign", TP_ROLE_OWNER, 0}, /* nobody signs in another's name, not even root */
    {"key csr", TP_ROLE_OWNER, 0},

    {"events", ANYONE, TP_ROLE_ANYONE}, /* of users who are named */

    {"timestamp", ANYONE, TP_ROLE_ANYONE}, /* an authority answers whoever asks */
    {"tsa key make", TP_ROLE_ENGINE, 0},   /* the service's own key: whoever holds the engine */
    {"tsa key csr", TP_ROLE_ENGINE, 0},
    {"tsa cert import", TP_ROLE_ENGINE, 0},

    {"user add", ADMIN, 0},
    {"user list", LOOKING, 0},
    {"user suspend", ADMIN, 0},
    {"user resume", ADMIN, 0},
    {"user unlock", ADMIN, 0},
    {"user close", ADMIN, 0},
    {"user reset", ADMIN, 0},
    {"user erase", ADMIN, 0},
    {"pin init", ADMIN, 0},
    {"token init", ADMIN, 0},
    {"factor add", ADMIN, 0},
    {"factor list", LOOKING, 0},
    {"factor remove", ADMIN, 0},

    {"key generate", ADMIN | TP_ROLE_OWNER, 0},
    {"key import", ADMIN | TP_ROLE_OWNER, 0}, /* an owner's if the engine's configuration says so: [owner] */
    {"key state", ADMIN | TP_ROLE_OWNER,
     0}, /* RS-16: an owner stops a key at once; the engine allows the owner no more */
    {"key delete", ADMIN | TP_ROLE_OWNER, 0}, /* owners: here and in the next as far as [owner] of engine.conf goes */
    {"key change", ADMIN | TP_ROLE_OWNER, 0},
    {"object put", ADMIN | TP_ROLE_OWNER, 0},
    {"object delete", ADMIN | TP_ROLE_OWNER, 0},
    {"cert import", ADMIN | TP_ROLE_OWNER, 0},
    {"cert remove", ADMIN | TP_ROLE_OWNER, 0},
    {"crl import", ADMIN, 0},

    {"policy explain", KNOWN, 0},
    {"policy show", KNOWN, 0},
    {"audit list", ADMIN | TP_ROLE_AUDITOR, 0},
    {"audit checkpoint", ADMIN | TP_ROLE_AUDITOR, 0},
    {"status", LOOKING, 0},
    {"doctor", LOOKING, 0},
    {"accept", ADMIN, 0},
};

static const struct {
    enum tp_role role;
    const char *name;
    bool given; /* to a user, by an officer */
} roles[] = {
    /* in the order in which the log prefers them: the least that allowed it */
    {TP_ROLE_OWNER, "owner", false},    {TP_ROLE_OPERATOR, "operator", true}, {TP_ROLE_AUDITOR, "auditor", true},
    {TP_ROLE_OFFICER, "officer", true}, {TP_ROLE_ENGINE, "engine", false},    {TP_ROLE_ANYONE, "anyone", false},
};

#define PERMITS (sizeof permits / sizeof permits[0])
#define ROLES   (sizeof roles / sizeof roles[0])

const char *tp_role_name(enum tp_role role)
{
    for (size_t i = 0; i < ROLES; i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "none";
}

enum tp_rc tp_role_parse(const char *name, enum tp_role *ret_role)
{
    for (size_t i = 0; i < ROLES; i++) {
        if (!roles[i].given || strcmp(roles[i].name, name) != 0)
            continue;
        *ret_role = roles[i].role;
        return TP_OK;
    }
    return TP_BAD_ARGUMENT;
}

static size_t permit_find(const char *operation)
{
    size_t i = 0;
    while (i < PERMITS && strcmp(permits[i].operation, operation) != 0)
        i++;
    return i;
}

bool tp_permit_known(const char *operation)
{
    return permit_find(operation) < PERMITS;
}

enum tp_rc tp_permit(const char *operation, unsigned held, enum tp_role *ret_role)
{
    const size_t row = permit_find(operation);
    if (row == PERMITS)
        return TP_NOT_PERMITTED;
    if ((permits[row].roles & ANYONE) != 0) {
        *ret_role = permits[row].role_as;
        return TP_OK;
    }
    for (size_t i = 0; i < ROLES; i++) {
        if ((permits[row].roles & held & roles[i].role) == 0)
            continue;
        *ret_role = roles[i].role;
        return TP_OK;
    }
    return TP_NOT_PERMITTED;
}

/* In the order in which a reader looks for themselves. */
static const struct {
    enum tp_role role;
    const char *words; /* NULL: the owner's name */
} people[] = {
    {TP_ROLE_OWNER, NULL},
    {TP_ROLE_OFFICER, "officers"},
    {TP_ROLE_AUDITOR, "auditors"},
    {TP_ROLE_OPERATOR, "operators"},
};

#define PEOPLE (sizeof people / sizeof people[0])

static size_t permit_people(const char *operation, const char *owner, const char *ret_people[PEOPLE])
{
    const size_t row = permit_find(operation);
    size_t len = 0;
    for (size_t i = 0; row < PERMITS && i < PEOPLE; i++) {
        const char *words = people[i].words == NULL ? owner : people[i].words;
        if ((permits[row].roles & people[i].role) != 0 && words[0] != '\0')
            ret_people[len++] = words;
    }
    return len;
}

void tp_permit_words(const char *operation, const char *owner, char *ret_words, size_t ret_words_len)
{
    const char *who[PEOPLE];
    const size_t len = permit_people(operation, owner, who);
    size_t used = 0;
    (void)snprintf(ret_words, ret_words_len, "nobody");
    for (size_t i = 0; i < len && used < ret_words_len; i++)
        used += (size_t)snprintf(ret_words + used, ret_words_len - used, "%s%s",
                                 i == 0 ? "" : i + 1 == len ? " and " : ", ", who[i]);
}

bool tp_permit_owner(const char *operation)
{
    const size_t row = permit_find(operation);
    return row < PERMITS && (permits[row].roles & TP_ROLE_OWNER) != 0;
}
