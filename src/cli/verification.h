/* SPDX-License-Identifier: Apache-2.0
 *
 * What `pdf verify` and `cms verify` share: what a judgement rests on, by options, and how it is told.
 */
#ifndef TP_CLI_VERIFICATION_H
#define TP_CLI_VERIFICATION_H

#include "cli/output.h"
#include "pades/verify/verify.h"

/* Anchors, given evidence and the source of more, by --trust, --at, --crl, --ocsp and --online. */
struct tp_cli_trial {
    struct tp_pades_trial trial;
    struct tp_pki_anchors *anchors, *tsa_anchors;
    struct tp_evidence *given;
    struct tp_validation_source *source;
};
TP_MUST_USE enum tp_rc tp_cli_trial_open(struct tp_cli *cli, struct tp_cli_trial *ret_trial);
void tp_cli_trial_close(struct tp_cli_trial *trial);

/* The whole tree. */
json_t *tp_cli_verification_json(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification);
/* For people, on CLI's output. */
void tp_cli_verification_print(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification);
/* --report FILE, by its ending; nothing without the option. */
TP_MUST_USE enum tp_rc tp_cli_verification_report(struct tp_cli *cli, const char *name,
                                                  const struct tp_pades_verification *verification);
/* A name with a wrong ending, no place for the file, a language of no report: before anything is judged. */
TP_MUST_USE enum tp_rc tp_cli_verification_report_check(struct tp_cli *cli);

#endif
