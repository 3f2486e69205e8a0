/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "audit/action.h"
#include "cli/commands.h"

#include <string.h>

/* ---- options ---- */

/* clang-format off */
#define FLAG(n, w)              {.name = n, .kind = TP_CLI_FLAG, .words = w}
#define TEXT(n, a, w)           {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w}
#define TEXTS(n, a, w)          {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w, .repeated = true}
#define A_FILE(n, w)            {.name = n, .kind = TP_CLI_FILE, .argument = "FILE", .words = w}
#define NUMBER(n, a, w, lo, hi) {.name = n, .kind = TP_CLI_INTEGER, .argument = a, .words = w, .min = lo, .max = hi}
#define SPAN(n, w)              {.name = n, .kind = TP_CLI_DURATION, .argument = "TIME", .words = w}
#define WHEN(n, w)              {.name = n, .kind = TP_CLI_TIME, .argument = "TIME", .words = w}
#define PAST(n, w)              {.name = n, .kind = TP_CLI_PAST, .argument = "TIME", .words = w}
#define CHOICE(n, w, c)         {.name = n, .kind = TP_CLI_CHOICE, .argument = "WORD", .words = w, .choices = c}
#define CHOICES(n, a, w, c)     {.name = n, .kind = TP_CLI_CHOICE, .argument = a, .words = w, .choices = c, .repeated = true}
#define OFFERED(n, a, w, o)     {.name = n, .kind = TP_CLI_TEXT, .argument = a, .words = w, .offers = o}
#define END                     {.name = NULL}
/* clang-format on */
#define OPTIONS(...) ((const struct tp_cli_option[]){__VA_ARGS__, END})
#define NO_OPTIONS   ((const struct tp_cli_option[]){END})

#define USER      TEXT("user", "USER", "whom it is about; default: the one user that the client configuration names")
#define REASON    TEXT("reason", "TEXT", "why; written to the audit log")
#define YES       FLAG("yes", "do not ask whether it is meant")
#define CODE_OUT  A_FILE("code-file", "write the enrolment code into FILE (made with mode 0600) instead of showing it")
#define PIN_FILE  A_FILE("pin-file", "read the PIN from the first line of FILE, which only its owner may read")
#define KEY_STATE OPTIONS(USER, REASON)
#define USER_ACT  OPTIONS(REASON)
#define REMOVE    FLAG("remove", "take it away again: what setup has written, and nothing else")
#define DRY_RUN   FLAG("dry-run", "show what would be changed, and change nothing")
#define MODULE    A_FILE("module", "path of libtrustp11.so; default: the installed one")
#define SYSTEM    FLAG("system", "as root, for the whole machine instead of this account")
#define SETUP     OPTIONS(REMOVE, DRY_RUN, MODULE, SYSTEM)
#define DORMANT   SPAN("dormant", "only who has not logged in for so long, as in 90d, nor was added, resumed or reset")

const struct tp_cli_option tp_cli_global_options[] = {
    A_FILE("config", "the client configuration; default: $TRUSTP11_CONF, ~/.config/trustp11/trustp11.conf, "
                     "/etc/trustp11/trustp11.conf"),
    FLAG("json", "answer in JSON"),
    SPAN("timeout", "how long to wait for the engine, as in 90s or 2m"),
    END,
};

/* ---- words that several rows share ---- */

#define SECRETS                                                                                                        \
    "Secrets are asked for at the terminal, without echo. When standard input is not a terminal, they are read from "  \
    "it: one line a prompt, in the order of the prompts."
#define OFFER_ACTION(name, text, words) "|" text
#define ALL_ACTIONS (&(TP_ACTION_TABLE(OFFER_ACTION))[1]) /* without the first bar */
#define KEY_WORDS "KEY is the key's id or its label; trustp11 key list shows both."
#define SETUP_WORDS                                                                                                    \
    "It shows what it changes. What others have written is left alone: where that is in the way, it refuses, and says "  \
    "what to do by hand. Given again, it changes nothing more; --remove takes away what it has written."

/* ---- the table ---- */

static const struct tp_cli_command commands[] = {
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

    {"key", "generate", "", "make a key pair in the HSM",
     "A key that an officer makes waits for its owner's first login before it can sign.",
     "trustp11 key generate --user alice --type p-256 --label 'Alice signs'",
     OPTIONS(USER, CHOICE("type", "kind of key; default p-256", "rsa-2048|rsa-3072|rsa-4096|p-256|p-384|p-521|ed25519"),
             TEXT("label", "TEXT", "CKA_LABEL; default: the user's name"),
             TEXT("id", "HEX", "CKA_ID; default: made from the public key"),
             FLAG("always-authenticate", "each signature wants PIN and code: CKA_ALWAYS_AUTHENTICATE, libtrustp11(7)")),
     tp_cli_key_generate},
    {"key", "import", "FILE", "take over a private key that was made elsewhere",
     "FILE is PKCS#12, PEM (PKCS#8 or traditional) or DER; - is standard input. Others must not be able to read it. RSA "
     "with 2048, 3072 or 4096 bits, P-256, P-384, P-521. It holds one key; the key's certificate and its issuers, where "
     "they are in the file, go along. Nothing is written anywhere but into the store, wrapped by the HSM; whatever else "
     "has a copy can go on signing. Owners may import where the engine's configuration says so ([owner] import).\n"
     "The file's password is asked for when it has one. " SECRETS,
     "trustp11 key import alice.p12 --user alice --label 'Alice signs'\n"
     "trustp11 key import server.pem --user server --password-file server.password --always-authenticate\n"
     "ssh old-host cat /etc/ssl/private/server.pem | trustp11 key import - --user server",
     OPTIONS(USER, TEXT("label", "TEXT", "CKA_LABEL; default: the user's name"),
             TEXT("id", "HEX", "CKA_ID; default: made from the public key"),
             FLAG("always-authenticate", "each signature wants PIN and code: CKA_ALWAYS_AUTHENTICATE, libtrustp11(7)"),
             FLAG("key-only", "leave the file's certificates out"),
             A_FILE("password-file", "read the file's password from the first line of FILE")),
     tp_cli_key_import},
    {"key", "list", "", "show a user's keys", "", "trustp11 key list --user alice", OPTIONS(USER), tp_cli_key_list},
    {"key", "csr", "KEY", "make a PKCS#10 request, signed with the key",
     KEY_WORDS " Asks for PIN and one-time code unless trustp11 login has been there.",
     "trustp11 key csr 'Alice signs' --user alice --subject '/C=JP/O=Example/CN=Alice' --out alice.csr",
     OPTIONS(USER, TEXT("subject", "NAME", "distinguished name, as /C=JP/O=…/CN=… or CN=…,O=…,C=JP"),
             TEXTS("dns", "NAME", "DNS name for subjectAltName; may be given again"),
             TEXTS("email", "ADDRESS", "mail address for subjectAltName; may be given again"),
             A_FILE("out", "write it into FILE, which must not be there; default: standard output"),
             FLAG("der", "in DER instead of PEM"), PIN_FILE),
     tp_cli_key_csr},
    {"key", "suspend", "KEY", "stop a key from signing, until resumed", KEY_WORDS,
     "trustp11 key suspend 'Alice signs' --user alice --reason 'on leave'", KEY_STATE, tp_cli_key_suspend},
    {"key", "resume", "KEY", "let a suspended or doubted key sign again", KEY_WORDS,
     "trustp11 key resume 'Alice signs' --user alice", KEY_STATE, tp_cli_key_resume},
    {"key", "doubt", "KEY", "stop a key that may be compromised, until an officer resumes or revokes it", KEY_WORDS,
     "trustp11 key doubt 'Alice signs' --user alice --reason 'laptop stolen'", KEY_STATE, tp_cli_key_doubt},
    {"key", "revoke", "KEY", "stop a key for good", KEY_WORDS " It cannot be undone. Tell the CA too.",
     "trustp11 key revoke 'Alice signs' --user alice --reason 'key compromise'", OPTIONS(USER, REASON, YES),
     tp_cli_key_revoke},
    {"key", "delete", "KEY", "destroy a key", KEY_WORDS " It cannot be undone.",
     "trustp11 key delete 'Alice signs' --user alice --yes", OPTIONS(USER, REASON, YES), tp_cli_key_delete},
    {"key", "change", "KEY", "give a key another label or id",
     KEY_WORDS " Label and id are those of its public key and its certificate too.",
     "trustp11 key change 'Alice signs' --user alice --label 'Alice, contracts'",
     OPTIONS(USER, TEXT("label", "TEXT", "the new CKA_LABEL"), TEXT("id", "HEX", "the new CKA_ID")), tp_cli_key_change},

    {"cert", "import", "FILE", "register a certificate, with its chain, for a key",
     "FILE holds PEM (any number), one DER, or PKCS#7; the end entity's certificate comes first. The key is found by "
     "its "
     "public key unless --key says which.",
     "trustp11 cert import alice.pem --user alice", OPTIONS(USER, TEXT("key", "KEY", "id or label of the key")),
     tp_cli_cert_import},
    {"cert", "show", "[KEY]", "show the certificates of a user's keys, or of a file", KEY_WORDS,
     "trustp11 cert show 'Alice signs' --user alice --pem\ntrustp11 cert show --file alice.pem",
     OPTIONS(USER, A_FILE("file", "show those in FILE instead"), FLAG("pem", "print PEM, chain included")),
     tp_cli_cert_show},
    {"cert", "remove", "KEY", "take a key's certificate and its chain away", KEY_WORDS " The key signs no more until it has another.",
     "trustp11 cert remove 'Alice signs' --user alice --yes", OPTIONS(USER, REASON, YES), tp_cli_cert_remove},
    {"crl", "import", "FILE", "give the engine a certificate revocation list",
     "PEM or DER. Keys whose certificates are on it sign no more, and the newest list of each issuer is kept: a "
     "certificate that is on it is not imported. A list is believed when its issuer's certificate verifies it: one that "
     "was imported with a user's certificate, or that of --issuer.",
     "trustp11 crl import ca.crl\ntrustp11 crl import ca.crl --issuer ca.pem",
     OPTIONS(A_FILE("issuer", "the certificate of the CA that has signed the list")), tp_cli_crl_import},

    {"policy", "show", "", "show the rules that are in force", "", "trustp11 policy show", NO_OPTIONS,
     tp_cli_policy_show},
    {"policy", "explain", "KEY", "say whether a key might sign, and which rule decides",
     KEY_WORDS " Asks the function that decides about real signatures. Exit status 1 when the answer is no.",
     "trustp11 policy explain 'Alice signs' --user alice --mechanism rsa-pss --hash SHA-256\n"
     "trustp11 policy explain 'Alice signs' --user alice --at 2027-01-01T09:00:00+09:00",
     OPTIONS(USER, CHOICE("mechanism", "default: what goes with the key", "rsa-pkcs|rsa-pss|ecdsa|eddsa"),
             TEXT("hash", "NAME", "hash of what would be signed; default SHA-256"),
             TEXT("digest", "HEX", "its value, to have the data checked too (not with eddsa, which signs messages)"),
             NUMBER("salt-len", "BYTES", "rsa-pss: length of the salt; default: the hash's", 0, 512),
             WHEN("at", "when; default: now"), NUMBER("used", "N", "signatures made since the login", 0, INT32_MAX),
             SPAN("login-age", "how long ago the login was")),
     tp_cli_policy_explain},

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

    {"setup", "p11-kit", "", "let p11-kit know the module, and with it GnuTLS and all that use p11-kit",
     "Writes trustp11.module into ~/.config/pkcs11/modules, or with --system into /etc/pkcs11/modules. " SETUP_WORDS,
     "trustp11 setup p11-kit\ntrustp11 setup p11-kit --system", SETUP, tp_cli_setup},
    {"setup", "nss", "[PROFILE]", "put the module into an NSS database, as pdfsig and Chromium use it",
     "PROFILE is the database's folder; default: ~/.pki/nssdb, which is Chromium's. A database that is not there is made, "
     "with an empty password. " SETUP_WORDS,
     "trustp11 setup nss\ntrustp11 setup nss ~/nss --dry-run", SETUP, tp_cli_setup},
    {"setup", "firefox", "", "put the module into each profile of Firefox",
     "Profiles are those that profiles.ini lists, of snap's and flatpak's Firefox too; none may be open. With --system a "
     "policy in /etc/firefox/policies/policies.json does it for everybody. " SETUP_WORDS,
     "trustp11 setup firefox\ntrustp11 setup firefox --system --remove", SETUP, tp_cli_setup},
    {"setup", "libreoffice", "", "put the module into the NSS database that LibreOffice takes",
     "Which one that is, is shown: as MOZILLA_CERTIFICATE_FOLDER or LibreOffice's settings say, or that of Thunderbird's or "
     "Firefox's default profile. Where there is none, one is made, and named in the settings. " SETUP_WORDS,
     "trustp11 setup libreoffice", SETUP, tp_cli_setup},
    {"setup", "openssl", "", "write a configuration of OpenSSL, for its PKCS#11 provider or engine",
     "It is ~/.config/trustp11/openssl.cnf, or with --system /etc/trustp11/openssl.cnf, for OPENSSL_CONF to name. OpenSSL's "
     "own stays as it is. " SETUP_WORDS,
     "trustp11 setup openssl", SETUP, tp_cli_setup},
    {"setup", "ssh", "", "let ssh offer the keys",
     "Puts PKCS11Provider before all else in ~/.ssh/config, or with --system into /etc/ssh/ssh_config.d. " SETUP_WORDS,
     "trustp11 setup ssh", SETUP, tp_cli_setup},
    {"setup", "java", "", "write a configuration of Java's SunPKCS11 provider",
     "It is ~/.config/trustp11/java.cfg, or with --system /etc/trustp11/java.cfg, for commands to name. " SETUP_WORDS,
     "trustp11 setup java", SETUP, tp_cli_setup},
    {"setup", "gnupg", "", "make gnupg-pkcs11-scd the smart card daemon of GnuPG, with the module",
     "Writes into gpg-agent.conf and gnupg-pkcs11-scd.conf, in $GNUPGHOME or ~/.gnupg. " SETUP_WORDS,
     "trustp11 setup gnupg", SETUP, tp_cli_setup},

    {"status", NULL, "", "show how the engine is", "Exit status 1 when it does not answer or may not serve.",
     "trustp11 status --json", NO_OPTIONS, tp_cli_status},
    {"doctor", NULL, "", "look for what is wrong, and say what to do",
     "Checks this side (configuration, socket, module, what programs know of it, users' certificates) and asks the engine to "
     "check its own. Exit status 1 when anything is bad.",
     "trustp11 doctor", OPTIONS(MODULE), tp_cli_doctor},
};

size_t tp_cli_commands_len(void)
{
    return sizeof commands / sizeof commands[0];
}

const struct tp_cli_command *tp_cli_command_at(size_t index)
{
    return index < tp_cli_commands_len() ? &commands[index] : NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

const struct tp_cli_command *tp_cli_command_find(const char *noun, const char *verb)
{
    for (size_t i = 0; i < tp_cli_commands_len(); i++)
        if (same(commands[i].noun, noun) && same(commands[i].verb, verb))
            return &commands[i];
    return NULL;
}

const struct tp_cli_command *tp_cli_noun_find(const char *noun)
{
    for (size_t i = 0; i < tp_cli_commands_len(); i++)
        if (same(commands[i].noun, noun))
            return &commands[i];
    return NULL;
}

static const struct tp_cli_option *find_in(const struct tp_cli_option *options, const char *name, size_t name_len)
{
    for (const struct tp_cli_option *option = options; option->name != NULL; option++)
        if (strlen(option->name) == name_len && memcmp(option->name, name, name_len) == 0)
            return option;
    return NULL;
}

const struct tp_cli_option *tp_cli_option_find(const struct tp_cli_command *command, const char *name, size_t name_len)
{
    const struct tp_cli_option *found = command == NULL ? NULL : find_in(command->options, name, name_len);
    return found != NULL ? found : find_in(tp_cli_global_options, name, name_len);
}
