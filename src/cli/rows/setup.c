/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of others, and how it all is. */
#include "cli/rows/rows.h"

#define REMOVE    FLAG("remove", "take it away again: what setup has written, and nothing else")
#define DRY_RUN   FLAG("dry-run", "show what would be changed, and change nothing")
#define SYSTEM    FLAG("system", "as root, for the whole machine instead of this account")
#define SETUP     OPTIONS(REMOVE, DRY_RUN, MODULE, SYSTEM)
#define SETUP_WORDS                                                                                                    \
    "It shows what it changes. What others have written is left alone: where that is in the way, it refuses, and says "  \
    "what to do by hand. Given again, it changes nothing more; --remove takes away what it has written."

static const struct tp_cli_command rows[] = {
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

TP_CLI_ROWS(tp_cli_rows_setup);
