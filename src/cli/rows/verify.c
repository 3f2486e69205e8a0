/* SPDX-License-Identifier: Apache-2.0 */
/* Whether signatures are good. */
#include "cli/rows/rows.h"

#define FILES(n, w) {.name = n, .kind = TP_CLI_FILE, .argument = "FILE", .words = w, .repeated = true}

#define JUDGING                                                                                                        \
    FILES("trust", "trust anchors, in PEM or DER, of signers and TSAs; may be given again; default: those of documents.conf"), \
        WHEN("at", "judge as of that time; default: now"),                                                             \
        FILES("crl", "a CRL that is believed where it fits; may be given again"),                                      \
        FILES("ocsp", "an OCSP response in DER, likewise"),                                                            \
        FLAG("online", "ask OCSP responders and fetch CRLs for what is missing"),                                      \
        A_FILE("report", "write a report into FILE, which must not be there: .html, .xml (ETSI TS 119 102-2) or .json"), \
        CHOICE("lang", "of the page in HTML; default: en", "en|ja|both"),                                              \
        A_FILE("documents", "the configuration for documents; default: $TRUSTP11_DOCUMENTS, "                          \
                            "~/.config/trustp11/documents.conf, /etc/trustp11/documents.conf")

#define VERDICTS                                                                                                       \
    "The verdict is that of ETSI EN 319 102-1: TOTAL-PASSED, TOTAL-FAILED, or INDETERMINATE when what is there proves neither. "

static const struct tp_cli_command rows[] = {
    {"pdf", "verify", "FILE...", "tell whether the signatures of PDFs are good",
     VERDICTS "Judged are, for each signature and document timestamp: what it covers, what was changed after it and whether that "
              "was allowed, who signed, the chain to a trust anchor at the time that is proven, revocation, timestamps, and the "
              "level reached (B-B to B-LTA). What the document brings along is used first, and nobody is asked unless --online. With "
              "--json there is one object a file. Exit status 0 when every signature is TOTAL-PASSED, 1 otherwise.",
     "trustp11 pdf verify --trust roots.pem contract.pdf\n"
     "trustp11 pdf verify --trust roots.pem --online --report result.html --lang both contract.pdf\n"
     "trustp11 pdf verify --at 2031-01-01 --json contract.pdf",
     OPTIONS(JUDGING, A_FILE("password-file", "read the password of encrypted PDFs from the first line of FILE")),
     tp_cli_pdf_verify},
    {"cms", "verify", "SIGNATURE FILE", "tell whether a detached signature (CMS, CAdES) over a file is good",
     VERDICTS "SIGNATURE is in DER or PEM. Exit status 0 when every signer's is TOTAL-PASSED, 1 otherwise.",
     "trustp11 cms verify --trust roots.pem contract.docx.p7s contract.docx", OPTIONS(JUDGING), tp_cli_cms_verify},
};

TP_CLI_ROWS(tp_cli_rows_verify);
