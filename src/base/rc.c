/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rc.h"

struct rc_row {
    const char *name;
    int status;
    const char *words;
};

static const struct rc_row rows[TP_RC_COUNT] = {
#define TP_RC_ROW(name, status, words) [TP_##name] = {"TP_" #name, status, words},
    TP_RC_TABLE(TP_RC_ROW)
#undef TP_RC_ROW
};

static const struct rc_row no_row = {"TP_?", 1, "failed for a reason that has no name"};

/* A code may come from the other side of a socket: any number is answered. */
static const struct rc_row *row_of(enum tp_rc rc)
{
    return (unsigned)rc < TP_RC_COUNT ? &rows[rc] : &no_row;
}

const char *tp_rc_name(enum tp_rc rc)
{
    return row_of(rc)->name;
}

const char *tp_rc_words(enum tp_rc rc)
{
    return row_of(rc)->words;
}

int tp_rc_status(enum tp_rc rc)
{
    return row_of(rc)->status;
}
