/* SPDX-License-Identifier: Apache-2.0 */
/* Documents. */
#include "cli/rows/rows.h"

#define KEY_OPTIONS                                                                                                    \
    TEXT("key", "URI", "the key: a PKCS#11 URI (RFC 7512); default: of documents.conf"),                               \
        A_FILE("key-file", "the key from FILE instead: PEM, PKCS#8 or PKCS#12, which only its owner may read"),        \
        A_FILE("certificate", "the key's certificate and its issuers, where the token has them not")
#define TSA_OPTIONS                                                                                                    \
    TEXTS("tsa", "URL", "a timestamp authority; may be given again: the next one is asked when one fails; default: those of " \
                        "documents.conf"),                                                                             \
        FILES("trust", "trust anchors, in PEM or DER, or a folder of them, of signers and TSAs; may be given again; default: those of " \
                               "documents.conf")
#define EVIDENCE_OPTIONS                                                                                               \
    FILES("evidence", "CRLs or certificates of issuers that are used before any are asked for; may be given again"), \
        FLAG("offline", "ask no OCSP responder and fetch no CRL")
#define PDF_PASSWORD A_FILE("password-file", "read the password of encrypted PDFs from the first line of FILE")
#define DOCUMENTS A_FILE("documents", "the configuration for documents; default: $TRUSTP11_DOCUMENTS, ~/.config/trustp11/documents.conf, " \
                                      "/etc/trustp11/documents.conf")
#define HASH                                                                                                           \
    OFFERED("hash", "NAME", "default: of documents.conf, or what fits the key", "sha256|sha384|sha512|sha3-256|sha3-384|sha3-512")
#define BATCH                                                                                                          \
    TEXT("batch", "DIR|LIST", "many: a folder, or a file of names"), A_FILE("out", "the folder for what comes of --batch"), \
        NUMBER("jobs", "N", "documents at a time; default: twice the processors", 1, 256)
#define FORCE FLAG("force", "write over what is there under the result's name")

#define FILES(n, w) {.name = n, .kind = TP_CLI_FILE, .argument = "FILE", .words = w, .repeated = true}

#define JUDGING                                                                                                        \
    FILES("trust", "trust anchors, in PEM or DER, or a folder of them, of signers and TSAs; may be given again; default: those of documents.conf"), \
        WHEN("at", "judge as of that time; default: now"),                                                             \
        FILES("crl", "a CRL that is believed where it fits; may be given again"),                                      \
        FILES("ocsp", "an OCSP response in DER, likewise"),                                                            \
        FLAG("online", "ask OCSP responders and fetch CRLs for what is missing or may be newer"),                      \
        A_FILE("report", "write a report into FILE, which must not be there: .html, .xml (ETSI TS 119 102-2) or .json"), \
        CHOICE("lang", "of --report FILE.html, not without it; default: en", "en|ja|both"), DOCUMENTS

#define VERDICTS                                                                                                       \
    "The verdict is that of ETSI EN 319 102-1: TOTAL-PASSED, TOTAL-FAILED, or INDETERMINATE when what is there proves neither. "

static const struct tp_cli_command rows[] = {
    {"pdf", "sign", "[IN] [OUT]", "sign a PDF, or many",
     "Signs IN into OUT, which may be IN. IN's bytes stay as they are, what is new comes behind them, and earlier signatures stay "
     "valid. OUT appears when it is whole. Levels (ETSI EN 319 142-1): B-B a signature (ES); B-T with a timestamp (ES-T); B-LT "
     "with what proves the certificates, OCSP or CRLs; B-LTA with a document timestamp over all (ES-A). From B-LT on, who is "
     "revoked signs nothing.\n"
     "With --batch all *.pdf of a folder, or the files that LIST names one a line, are signed into --out with one login. What is "
     "there already, and begins with the document as it is now, is left, at the level that it has; so the same command goes on "
     "after it was broken off. It breaks off by itself when the others would fail alike, as when no TSA answers. --json prints a line for each.\n"
     "The signature is not to be seen unless one of --visible, --at, --rect, --size, --page, --text, --language, --image and "
     "--font is given, or the field has a place. Lengths are in points, or mm: --rect 20mm,20mm,70mm,20mm is left, bottom, width, "
     "height, from the lower left corner of the page as it is shown. --text holds lines with \\n between and {name}, {date}, "
     "{reason}, {location} and {contact}. "
     "The PIN comes from the URI's pin-source (a file: pin-source=file:pin.txt is one in the folder where you are), or is asked for: \"PIN and one-time code\" in one. " SECRETS,
     "trustp11 pdf sign --key 'pkcs11:token=alice;object=sign' contract.pdf signed.pdf\n"
     "trustp11 pdf sign --level B-LTA --tsa http://tsa.example.org/ --trust roots.pem --key 'pkcs11:token=alice' in.pdf out.pdf\n"
     "trustp11 pdf sign --at bottom-left --language ja --reason 承認 --key 'pkcs11:token=alice' in.pdf out.pdf\n"
     "trustp11 pdf sign --batch invoices --out signed --key 'pkcs11:token=seal' --json",
     OPTIONS(OFFERED("level", "LEVEL", "B-B, B-T, B-LT, B-LTA; default: of documents.conf, or B-B", "B-B|B-T|B-LT|B-LTA"), KEY_OPTIONS,
             TSA_OPTIONS, EVIDENCE_OPTIONS,
             HASH,
             FLAG("pss", "RSASSA-PSS instead of PKCS#1 v1.5"), TEXT("reason", "TEXT", "why it is signed"),
             TEXT("location", "TEXT", "where"), TEXT("contact", "TEXT", "how the signer is reached"),
             TEXT("name", "TEXT", "the signer's name, where it is not the certificate's"),
             TEXT("field", "NAME", "the signature field; a new one where there is none of that name, or without this option: empty ones "
                                   "that are there are told"),
             CHOICE("certify", "certify the document, as its first signature: what may still be done", "none|forms|annotations"),
             CHOICE("lock", "form fields that may not change from now on", "all|include|exclude"),
             TEXTS("lock-field", "NAME", "a field for --lock include or exclude; may be given again"),
             FLAG("visible", "to be seen, in the lower right corner of the first page"),
             TEXT("page", "LIST", "pages, as in 1,3,last or 1-3 or all; 64 at most"),
             CHOICE("at", "a corner of the page", "top-left|top-right|bottom-left|bottom-right"),
             TEXT("size", "SIZE", "as in 70mmx20mm"), TEXT("rect", "RECT", "place and size, as in 20mm,20mm,70mm,20mm"),
             TEXT("text", "TEXT", "what stands there"), FLAG("no-text", "the image alone"),
             CHOICE("language", "of the lines that stand there without --text", "en|ja|de|fr|es|zh"),
             FLAG("local", "{date} in local time instead of UTC"), A_FILE("image", "PNG or JPEG that stands there, too"),
             A_FILE("font", "a TrueType or OpenType font for the text"), PDF_PASSWORD,
             BATCH, FORCE, DOCUMENTS),
     tp_cli_pdf_sign},
    {"pdf", "extend", "[IN] [OUT]", "make the signatures of a PDF last",
     "For any signed PDF, ours or other programs'. B-T: a document timestamp; B-LT: the evidence for the certificates of signatures "
     "and timestamps, OCSP or CRLs, and a timestamp where one is missing; B-LTA: a document timestamp over all that, which is how an "
     "archive's timestamp is renewed, too. Signatures stay valid: what is new comes behind them. A document with a signature that is "
     "TOTAL-FAILED is refused before a TSA is asked. So is one that it is too late for, since a signer's certificate has ended and no "
     "timestamp that is still good proves that the signature is older; B-T asks no such questions. With --batch as trustp11 pdf sign.",
     "trustp11 pdf extend signed.pdf archived.pdf --trust roots.pem --tsa http://tsa.example.org/\n"
     "trustp11 pdf extend --level B-LT --batch signed --out lasting",
     OPTIONS(OFFERED("level", "LEVEL", "B-T, B-LT or B-LTA; default B-LTA", "B-T|B-LT|B-LTA"), TSA_OPTIONS, EVIDENCE_OPTIONS, HASH,
             PDF_PASSWORD, BATCH, FORCE, DOCUMENTS),
     tp_cli_pdf_extend},
    {"pdf", "renew", "DIR", "renew the timestamps of an archive before they end",
     "Looks at every *.pdf in DIR and below: until when the certificates and algorithms of its newest timestamp are good. What ends "
     "within --within gets the evidence that is missing and a new document timestamp, in its own place; 'as long as can be' is what "
     "the TSA has no longer one for, and stays as it is. All are judged, as by trustp11 pdf verify --online: what it is too late for, and what "
     "has a signature that is TOTAL-FAILED, has failed, due or not, and is left as it is. What was renewed or failed is told at "
     "once on standard error (with --json all, a line each), and the report comes last, also when it was broken off: by ^C, or "
     "since all would fail alike, as when no TSA answers. Exit status 1 when anything failed or was not tried.",
     "trustp11 pdf renew /srv/archive --within 180d\ntrustp11 pdf renew /srv/archive --dry-run --json",
     OPTIONS(SPAN("within", "what ends so soon is renewed; default 90d"), FLAG("dry-run", "report only; no TSA is asked"), TSA_OPTIONS,
             EVIDENCE_OPTIONS, HASH, PDF_PASSWORD, DOCUMENTS),
     tp_cli_pdf_renew},
    {"pdf", "verify", "FILE...", "tell whether the signatures of PDFs are good",
     VERDICTS "Judged are, for each signature and document timestamp: what it covers, what was changed after it and whether that "
              "was allowed, who signed, the chain to a trust anchor at the time that is proven, revocation, timestamps, and the "
              "level reached (B-B to B-LTA). What the document brings along is used first, and nobody is asked unless --online. With "
              "--json there is one object a file. Exit status 0 when every signature is TOTAL-PASSED, 3 when a document is not signed, for "
              "which there is no verdict, 1 otherwise.",
     "trustp11 pdf verify --trust roots.pem contract.pdf\n"
     "trustp11 pdf verify --trust roots.pem --online --report result.html --lang both contract.pdf\n"
     "trustp11 pdf verify --at 2031-01-01 --json contract.pdf",
     OPTIONS(JUDGING, PDF_PASSWORD),
     tp_cli_pdf_verify},
    {"cms", "sign", "FILE", "sign a file of any kind, beside it",
     "A detached CAdES signature (ETSI EN 319 122-1) in DER: B-B, or B-T with a timestamp over it. FILE is read once, whatever its "
     "size; - is standard input. The PIN as in trustp11 pdf sign. OpenSSL checks the result: "
     "openssl cms -verify -cades -binary -inform DER -in FILE.p7s -content FILE -CAfile roots.pem -out /dev/null",
     "trustp11 cms sign data.zip --out data.zip.p7s --key 'pkcs11:token=alice'\n"
     "trustp11 cms sign data.zip --out data.zip.p7s --level B-T --tsa http://tsa.example.org/",
     OPTIONS(A_FILE("out", "write the signature into FILE, which must not be there"),
             OFFERED("level", "LEVEL", "B-B or B-T; default B-B", "B-B|B-T"), KEY_OPTIONS, TSA_OPTIONS, HASH,
             FLAG("pss", "RSASSA-PSS instead of PKCS#1 v1.5"), DOCUMENTS),
     tp_cli_cms_sign},
    {"cms", "verify", "SIGNATURE FILE", "tell whether a detached signature (CMS, CAdES) over a file is good",
     VERDICTS "SIGNATURE is in DER or PEM. Exit status 0 when every signer's is TOTAL-PASSED, 1 otherwise.",
     "trustp11 cms verify --trust roots.pem contract.docx.p7s contract.docx", OPTIONS(JUDGING), tp_cli_cms_verify},
};

TP_CLI_ROWS(tp_cli_rows_pdf);
