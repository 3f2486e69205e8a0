/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and logins. */
#include "cli/rows/rows.h"

#define CODE_OUT  A_FILE("code-file", "write the enrolment code into FILE (made with mode 0600) instead of showing it")
#define USER_ACT  OPTIONS(REASON)
#define DORMANT   SPAN("dormant", "only who has not logged in for so long, as in 90d, nor was added, resumed or reset")

static const struct tp_cli_command rows[] = {
    {"init", NULL, "", "make a deployment: configuration, token keys, store, first log entry",
     "Writes engine.conf and trustp11.conf unless they are there, makes the token keys in the HSM, the store and the "
     "log's key. With --dir all files lie in DIR and belong to whoever runs this; without, they lie in /etc/trustp11 "
     "and /var/lib/trustp11 and the engine runs as the service user.\n"
     "The token keys are wrapped to the backup custodians' RSA key as they are made, and never leave the HSM after "
     "that: without --backup-key there is no backup and never can be, so a lost token means that every user key is "
     "lost.",
     "trustp11 init --hsm "
     "'pkcs11:token=trust?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/trustp11/"
     "hsm.pin' --backup-key custodians.pem\n"
     "trustp11 init --dir ~/try --spawn --users alice,bob --hsm 'pkcs11:token=try?module-path=/usr/lib/softhsm/"
     "libsofthsm2.so&pin-source=file:/home/me/try.pin' --no-backup",
     OPTIONS(TEXT("dir", "DIR", "where everything goes; default: /etc/trustp11 and /var/lib/trustp11"),
             TEXT("hsm", "URI", "PKCS#11 URI (RFC 7512) of the token, with module-path and pin-source"),
             TEXT("name", "NAME", "name of the deployment; also in the log's origin; default: trustp11"),
             FLAG("spawn", "development: the engine is started on first use, under the user's own account"),
             TEXT("users", "USER,…", "users of the client configuration, a slot each"),
             A_FILE("backup-key", "RSA public key or certificate (PEM or DER) of the backup custodians"),
             TEXT("backup-dir", "DIR", "where the wrapped token keys go; default: beside the store"),
             FLAG("no-backup", "make no backup of the token keys"),
             TEXT("service-user", "USER", "without --dir: whom the engine runs as; default: trustp11")),
     tp_cli_init},
    {"user", "add", "USER", "make a user, and a one-time enrolment code for them",
     "Hand the code over so that nobody else sees it: whoever has it first sets the PIN. It is shown once.",
     "trustp11 user add alice --display 'Alice Example'\n"
     "trustp11 user add olga --role officer --code-file olga.code",
     OPTIONS(CHOICES("role", "ROLE", "a role, besides being a user; may be given again", "officer|auditor|operator"),
             TEXT("display", "TEXT", "name for people"), CODE_OUT),
     tp_cli_user_add},
    {"user", "list", "[USER]", "show the users, or one of them", "",
     "trustp11 user list\ntrustp11 user list alice --json\ntrustp11 user list --dormant 90d", OPTIONS(DORMANT),
     tp_cli_user_list},
    {"user", "suspend", "[USER]", "stop a user, or all who are dormant, from signing, until resumed",
     "Ends the user's logins at once. Nothing is lost. With --dormant each has an entry in the log, with the reason "
     "\"dormant\" unless another is given; the last officer who can act is left alone.",
     "trustp11 user suspend alice --reason 'left the office'\ntrustp11 user suspend --dormant 90d --yes",
     OPTIONS(DORMANT, REASON, YES), tp_cli_user_suspend},
    {"user", "resume", "USER", "let a suspended user sign again", "", "trustp11 user resume alice", USER_ACT,
     tp_cli_user_resume},
    {"user", "unlock", "USER", "let a user try again after too many wrong PINs",
     "The PIN stays as it is. A forgotten one needs user reset.", "trustp11 user unlock alice", USER_ACT,
     tp_cli_user_unlock},
    {"user", "close", "USER", "end a user's account for good", "Their keys are destroyed. It cannot be undone.",
     "trustp11 user close alice --reason 'contract ended' --yes", OPTIONS(REASON, YES), tp_cli_user_close},
    {"user", "erase", "USER", "erase what is known of a closed user",
     "Their records and names leave the store, and the audit log keeps their entries without saying whose they are; it "
     "verifies as before. The name can be given again. It cannot be undone. Backups are not reached, and neither are "
     "reasons that people have written: write no names there.",
     "trustp11 user erase alice --reason 'asked for, ticket 4711' --yes", OPTIONS(REASON, YES), tp_cli_user_erase},
    {"user", "reset", "USER", "a new enrolment code for a user who has lost PIN or second factor",
     "Keys are sealed with the PIN, and nobody can recover it: a forgotten PIN means new keys and new certificates. "
     "The "
     "present keys cannot sign any more.",
     "trustp11 user reset alice --reason 'phone and PIN lost' --code-file alice.code", OPTIONS(REASON, YES, CODE_OUT),
     tp_cli_user_reset},
    {"login", NULL, "", "one PIN and one-time code for all programs of this account",
     "As kinit does for Kerberos: programs of the same user of the machine then log in with the PIN alone, or need no "
     "login where the client configuration says login = session. How long and for how many signatures is cut to what "
     "the "
     "policy allows.\n" SECRETS,
     "trustp11 login --user alice --for 15m --signatures 20\n"
     "printf '%s\\n' 492039 | trustp11 login --user alice --pin-file alice.pin",
     OPTIONS(USER, SPAN("for", "how long, as in 15m or 8h"),
             NUMBER("signatures", "N", "for how many signatures", 1, INT32_MAX), PIN_FILE),
     tp_cli_login},
    {"logout", NULL, "", "end what login began", "Programs that use it are logged out.", "trustp11 logout --user alice",
     OPTIONS(USER), tp_cli_logout},
    {"approval", "list", "", "show the logins that wait for one's own approval",
     "Where the engine's configuration says approval = yes, programs are given the PIN alone, and their login waits until "
     "it is approved here, in another place, with a one-time code.",
     "trustp11 approval list --user alice", OPTIONS(USER), tp_cli_approval_list},
    {"approval", "give", "[LOGIN]", "approve a login that waits, with a one-time code",
     "LOGIN is its id, as approval list shows it; it is needed when more than one waits. See which program it is: once "
     "approved, it can sign.",
     "trustp11 approval give --user alice", OPTIONS(USER), tp_cli_approval_give},
    {"approval", "refuse", "[LOGIN]", "refuse a login that waits", "", "trustp11 approval refuse --user alice",
     OPTIONS(USER), tp_cli_approval_refuse},
    {"enrol", NULL, "", "set one's own PIN and second factor, with the enrolment code",
     "Asks for the enrolment code and the new PIN, shows the new one-time code secret as a QR code and as a URI for an "
     "authenticator app, and asks for a first code, which confirms it. Nobody can read the PIN or recover it: if it is "
     "forgotten, the keys are lost.\n" SECRETS "\n"
     "A script uses --uri-file with --no-confirm, computes a code, and calls again with --confirm, which wants the "
     "enrolment code once more (--code-file, or the first line) and then the one-time code.",
     "trustp11 enrol --user alice\n"
     "trustp11 enrol --user alice --factor hardware\n"
     "trustp11 enrol --user bot --code-file bot.code --pin-file bot.pin --uri-file bot.uri --no-confirm\n"
     "printf '%s\\n' 492039 | trustp11 enrol --user bot --code-file bot.code --confirm",
     OPTIONS(USER,
             CHOICE("factor",
                    "totp (an app), hotp (an app that counts), hardware (a token that an officer has imported)",
                    "totp|hotp|hardware"),
             A_FILE("code-file", "read the enrolment code from the first line of FILE"), PIN_FILE,
             A_FILE("uri-file", "write the otpauth URI into FILE (made with mode 0600) instead of showing it"),
             FLAG("no-qr", "show the URI only"), FLAG("no-confirm", "stop before the first one-time code"),
             FLAG("confirm", "only confirm: asks for the enrolment code again, then for a first one-time code"),
             TEXT("serial", "SERIAL", "with --factor hardware: which token, where several are registered")),
     tp_cli_enrol},
    {"pin", "change", "", "set a new PIN",
     "Asks for the present PIN, a one-time code, and the new PIN. Nobody can recover a PIN that is "
     "forgotten.\n" SECRETS,
     "trustp11 pin change --user alice",
     OPTIONS(USER, PIN_FILE, A_FILE("new-pin-file", "read the new PIN from the first line of FILE")),
     tp_cli_pin_change},
    {"factor", "list", "", "show a user's second factors", "", "trustp11 factor list --user alice", OPTIONS(USER),
     tp_cli_factor_list},
    {"factor", "remove", "FACTOR", "take a second factor away",
     "FACTOR is its id, as factor list shows it. A user without a factor cannot log in.",
     "trustp11 factor remove 5f1c0e9a77d24c2b8e6f3a90b1d2c3e4 --user alice", OPTIONS(USER, YES), tp_cli_factor_remove},
    {"factor", "import", "FILE", "register a hardware token from its maker's PSKC file (RFC 6030)",
     "Give --serial when the file holds more than one token. A token is one user's; it counts from their next enrolment "
     "on.",
     "trustp11 factor import tokens.xml --user alice --serial 987654321 --key-file transport.key",
     OPTIONS(USER, TEXT("serial", "SERIAL", "which token of the file"),
             A_FILE("key-file", "the file's pre-shared key, as raw bytes"),
             A_FILE("passphrase-file", "the file's passphrase, on the first line of FILE")),
     tp_cli_factor_import},
};

TP_CLI_ROWS(tp_cli_rows_account);
