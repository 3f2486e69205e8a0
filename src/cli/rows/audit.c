/* SPDX-License-Identifier: Apache-2.0 */
/* The log. */
#include "cli/rows/rows.h"
#include "audit/action.h"

#define OFFER_ACTION(name, text, words) "|" text
#define ALL_ACTIONS (&(TP_ACTION_TABLE(OFFER_ACTION))[1]) /* without the first bar */

static const struct tp_cli_command rows[] = {
    {"audit", "list", "", "show entries of the audit log",
     "Without other choice the newest 50, oldest first. A signature shows how it ended, which the log says in a later "
     "entry; until then its outcome is intent. --json prints one object a line, with \"outcome\" as the entry itself "
     "says it and \"ended\" from that later one.",
     "trustp11 audit list --user alice --action sign --since 2026-11-01 --local\n"
     "trustp11 audit list --user alice --object 'Alice signs' --all\n"
     "trustp11 audit list --outcome refused --all --json",
     OPTIONS(TEXT("user", "USER", "by this user, or about them"),
             OFFERED("action", "ACTION", "such as sign, login or user.add; \"user.\" is all that begin so", ALL_ACTIONS),
             CHOICE("outcome", "how it ended", "ok|refused|failed|intent|unknown"),
             TEXT("object", "NAME", "about this: an id, a user's name, or the label of a key of --user"),
             PAST("since", "from then on: a time, or how long ago, as in 1h or 7d"),
             PAST("until", "before then, likewise"), NUMBER("last", "N", "the newest N of them", 1, 1000000),
             FLAG("all", "all of them"), FLAG("local", "local time instead of UTC")),
     tp_cli_audit_list},
    {"audit", "verify", "", "check the log and the records against the log's key",
     "Reads the store itself. The store, the log's key and the origin come from the engine's configuration where it "
     "can be "
     "read, and from the options otherwise. An engine that runs is asked to sign first what no checkpoint covers yet; "
     "without it, the entries after the last checkpoint are proven by nobody's signature. Only an older checkpoint, kept "
     "elsewhere, shows that a log was cut or replaced. Exit status 1 when anything is wrong.",
     "trustp11 audit verify --checkpoint /mnt/safe/2026-11-01.note\n"
     "trustp11 audit verify --store copy.db --key audit.pem --origin trustp11/demo --json",
     OPTIONS(A_FILE("store", "the store"), A_FILE("key", "the log's public key, in PEM"),
             TEXT("origin", "TEXT", "the log's name, as in its checkpoints"),
             A_FILE("checkpoint", "a checkpoint that this log must extend"),
             FLAG("offline", "do not ask the engine for a checkpoint first; so also with --store")),
     tp_cli_audit_verify},
    {"audit", "checkpoint", "", "make a signed checkpoint of the log, to be kept elsewhere",
     "A signed note in the format of C2SP tlog-checkpoint.",
     "trustp11 audit checkpoint --out /mnt/safe/2026-11-22.note",
     OPTIONS(A_FILE("out", "write it into FILE, which must not be there; default: standard output")),
     tp_cli_audit_checkpoint},
    {"audit", "accept", "", "let an engine that has found a mismatch serve again, after it has been looked into",
     "The engine refuses to work when records or log are not what it wrote. Find out why first: trustp11 audit verify. "
     "This "
     "is written to the log.",
     "trustp11 audit accept --reason 'restored from the backup of 2026-11-20, ticket 4711'", OPTIONS(REASON, YES),
     tp_cli_audit_accept},
};

TP_CLI_ROWS(tp_cli_rows_audit);
