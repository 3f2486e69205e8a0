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
     "trust it, and anew when it is stale. What is neither a CA's nor for timestamps is no anchor, and left out. The anchors go into the folder that documents.conf names ([trust] tsas), a file each; to take one out, delete it.",
     "trustp11 tsa trust accredited.pem\ntrustp11 tsa trust TL-JP.xml --dry-run",
     OPTIONS(A_FILE("to", "the folder that they go into; default: as documents.conf says, or ~/.config/trustp11/tsa-trust"),
             FLAG("expired", "expired ones, too: for old timestamps"), FLAG("dry-run", "show what would be imported, and write nothing"),
             DOCUMENTS),
     tp_cli_tsa_trust},
    {"tsa", "reply", "", "answer one timestamp request, as an authority",
     "The engine answers ([tsa] in engine.conf), and the token is in its audit log; or, without any engine, the key that is given. A "
     "request that is rejected has a reply, too, and exit status 1. What is sent is DER: a TimeStampReq, and a TimeStampResp.",
     "trustp11 tsa reply --in query.tsq --out reply.tsr\n"
     "trustp11 tsa reply --in query.tsq --out reply.tsr --key tsa.key --certificate tsa.pem --policy 1.2.3.4",
     OPTIONS(A_FILE("in", "the request; default: standard input"), A_FILE("out", "write the reply into FILE, which must not be there; default: standard output"),
             TEXT("key", "KEY", "a PEM file, which only its owner may read, or a pkcs11: URI, instead of the engine"),
             A_FILE("certificate", "with --key: its certificate for timestamping and those of its issuers, unless they come with it"),
             TEXT("policy", "OID", "with --key: the policies that it gives timestamps under, with commas; the first is the default"),
             NUMBER("accuracy-ms", "MS", "with --key: what is promised of the time; default: 1000", 1, 3600000),
             CHOICE("hash", "with --key: of the signature; default: what fits the key", "sha256|sha384|sha512|sha3-256|sha3-384|sha3-512"),
             FLAG("unwatched-clock", "with --key: believe the clock without NTP")),
     tp_cli_tsa_reply},
    {"tsa", "key", "ACTION", "make the timestamp authority's key in the HSM, or a certificate request for it",
     "ACTION is make or csr. For whoever holds the engine, where engine.conf says [tsa] key = hsm. A new key waits until its certificate is "
     "imported (tsa cert import); until then the one before signs. csr is for the key that waits, or else for the one in use.",
     "trustp11 tsa key make\ntrustp11 tsa key csr --subject '/C=JP/O=Example/CN=Example TSA' --out tsa.csr",
     OPTIONS(CHOICE("type", "of the key; default: rsa-3072", "rsa-2048|rsa-3072|rsa-4096|p-256|p-384"),
             FLAG("replace", "make: give up a key that waits for its certificate"), TEXT("subject", "DN", "csr: who the authority is"),
             A_FILE("out", "csr: write it into FILE, which must not be there")),
     tp_cli_tsa_key},
    {"tsa", "cert", "ACTION FILE", "import the certificate of the timestamp authority's key",
     "ACTION is import. FILE holds the certificate and those of its issuers behind it, in PEM. It must be for timestamping alone "
     "(critical extended key usage), for the key that waits or the one in use; timestamps are signed with it at once.",
     "trustp11 tsa cert import tsa.pem", NO_OPTIONS, tp_cli_tsa_cert},
};

TP_CLI_ROWS(tp_cli_rows_tsa);
