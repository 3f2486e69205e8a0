/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps (RFC 3161). */
#include "cli/rows/rows.h"

#define DOCUMENTS A_FILE("documents", "the configuration for documents; default: $TRUSTP11_DOCUMENTS, ~/.config/trustp11/documents.conf, "    \
                                      "/etc/trustp11/documents.conf")
#define TRUST                                                                                                          \
    {.name = "trust", .kind = TP_CLI_FILE, .argument = "FILE", .repeated = true,                                       \
     .words = "anchors of timestamp authorities (PEM, DER, PKCS#7, or a folder), besides those of documents.conf; may be given again"}

static const struct tp_cli_command rows[] = {
    {"tsa", "stamp", "FILE", "have a timestamp authority certify that a file exists now",
     "Only the file's hash is sent. The authorities are asked in the order given, the next one after an error as well as after a "
     "bad answer: each token's imprint, nonce, policy, time and signature are checked, and its chain where anchors are known "
     "(--trust, documents.conf). TOKEN is a TimeStampToken in DER, as openssl ts -verify -token_in takes it.",
     "trustp11 tsa stamp contract.pdf --out contract.pdf.tst --tsa https://tsa.example/tsr --trust tsa-root.pem\n"
     "trustp11 tsa stamp data.zip --out data.zip.tst --hash sha512 --json",
     OPTIONS(A_FILE("out", "write the token into FILE, which must not be there"),
             TEXTS("tsa", "URL", "ask this authority instead of those of documents.conf; may be given again, in order of preference"),
             TRUST, CHOICE("hash", "of the file; default: as documents.conf says, or sha256", "sha256|sha384|sha512|sha3-256|sha3-384|sha3-512"),
             TEXT("policy", "OID", "ask for this policy, and take no token under another"), DOCUMENTS),
     tp_cli_tsa_stamp},
    {"tsa", "check", "TOKEN FILE", "check a timestamp over a file",
     "TOKEN is a TimeStampToken or a whole TimeStampResp, in DER. Its authority is validated at the present time (or --at) as ETSI EN "
     "319 102-1 says, with revocation data from the network. Exit status 1 unless it is TOTAL-PASSED.",
     "trustp11 tsa check contract.pdf.tst contract.pdf --trust tsa-root.pem\ntrustp11 tsa check data.zip.tst data.zip --offline --json",
     OPTIONS(TRUST, WHEN("at", "validate as of that time"), FLAG("offline", "ask no network for revocation data"), DOCUMENTS),
     tp_cli_tsa_check},
    {"tsa", "list", "", "show the timestamp authorities of documents.conf, and with --try whether they answer",
     "Exit status 1 when one that was tried has no good answer.", "trustp11 tsa list\ntrustp11 tsa list --try --json",
     OPTIONS(FLAG("try", "ask each of them for a token once"), TRUST, DOCUMENTS), tp_cli_tsa_list},
    {"tsa", "trust", "FILE...", "take over anchors of timestamp authorities",
     "Each FILE is a bundle in PEM, one certificate in DER, PKCS#7, or a trust list of ETSI TS 119 612 in XML, of which the "
     "timestamping services that are granted are taken. The signature of such a list is not checked: have it from where you "
     "trust it. The anchors go into the folder that documents.conf names ([trust] tsas), a file each; to take one out, delete it.",
     "trustp11 tsa trust accredited.pem\ntrustp11 tsa trust TL-JP.xml --dry-run",
     OPTIONS(A_FILE("to", "the folder that they go into; default: as documents.conf says, or ~/.config/trustp11/tsa-trust"),
             FLAG("expired", "expired ones, too: for old timestamps"), FLAG("dry-run", "show what would be imported, and write nothing"),
             DOCUMENTS),
     tp_cli_tsa_trust},
};

TP_CLI_ROWS(tp_cli_rows_tsa);
