/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and what is known of them. */
#include "cli/rows/rows.h"

#define KEY_STATE OPTIONS(USER, REASON)
#define KEY_WORDS "KEY is the key's id or its label; trustp11 key list shows both."

static const struct tp_cli_command rows[] = {
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
};

TP_CLI_ROWS(tp_cli_rows_key);
