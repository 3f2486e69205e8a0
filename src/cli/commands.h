/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rows of the command table run: one function a subcommand, one file a noun (cmd_<noun>.c).
 */
#ifndef TP_CLI_COMMANDS_H
#define TP_CLI_COMMANDS_H

#include "cli/cli.h"

enum tp_rc tp_cli_init(struct tp_cli *cli);
enum tp_rc tp_cli_user_add(struct tp_cli *cli);
enum tp_rc tp_cli_user_list(struct tp_cli *cli);
enum tp_rc tp_cli_user_suspend(struct tp_cli *cli);
enum tp_rc tp_cli_user_resume(struct tp_cli *cli);
enum tp_rc tp_cli_user_unlock(struct tp_cli *cli);
enum tp_rc tp_cli_user_close(struct tp_cli *cli);
enum tp_rc tp_cli_user_erase(struct tp_cli *cli);
enum tp_rc tp_cli_user_reset(struct tp_cli *cli);
enum tp_rc tp_cli_login(struct tp_cli *cli);
enum tp_rc tp_cli_logout(struct tp_cli *cli);
enum tp_rc tp_cli_approval_list(struct tp_cli *cli);
enum tp_rc tp_cli_approval_give(struct tp_cli *cli);
enum tp_rc tp_cli_approval_refuse(struct tp_cli *cli);
enum tp_rc tp_cli_enrol(struct tp_cli *cli);
enum tp_rc tp_cli_pin_change(struct tp_cli *cli);
enum tp_rc tp_cli_factor_list(struct tp_cli *cli);
enum tp_rc tp_cli_factor_remove(struct tp_cli *cli);
enum tp_rc tp_cli_factor_import(struct tp_cli *cli);
enum tp_rc tp_cli_key_generate(struct tp_cli *cli);
enum tp_rc tp_cli_key_import(struct tp_cli *cli);
enum tp_rc tp_cli_key_list(struct tp_cli *cli);
enum tp_rc tp_cli_key_csr(struct tp_cli *cli);
enum tp_rc tp_cli_key_suspend(struct tp_cli *cli);
enum tp_rc tp_cli_key_resume(struct tp_cli *cli);
enum tp_rc tp_cli_key_doubt(struct tp_cli *cli);
enum tp_rc tp_cli_key_revoke(struct tp_cli *cli);
enum tp_rc tp_cli_key_delete(struct tp_cli *cli);
enum tp_rc tp_cli_key_change(struct tp_cli *cli);
enum tp_rc tp_cli_cert_import(struct tp_cli *cli);
enum tp_rc tp_cli_cert_remove(struct tp_cli *cli);
enum tp_rc tp_cli_cert_show(struct tp_cli *cli);
enum tp_rc tp_cli_crl_import(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_stamp(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_check(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_list(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_trust(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_reply(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_key(struct tp_cli *cli);
enum tp_rc tp_cli_tsa_cert(struct tp_cli *cli);
enum tp_rc tp_cli_policy_show(struct tp_cli *cli);
enum tp_rc tp_cli_policy_explain(struct tp_cli *cli);
enum tp_rc tp_cli_audit_list(struct tp_cli *cli);
enum tp_rc tp_cli_audit_verify(struct tp_cli *cli);
enum tp_rc tp_cli_audit_checkpoint(struct tp_cli *cli);
enum tp_rc tp_cli_audit_accept(struct tp_cli *cli);
/* Each row of the noun: the verb names the program. */
enum tp_rc tp_cli_setup(struct tp_cli *cli);
enum tp_rc tp_cli_status(struct tp_cli *cli);
enum tp_rc tp_cli_doctor(struct tp_cli *cli);
enum tp_rc tp_cli_pdf_sign(struct tp_cli *cli);
enum tp_rc tp_cli_pdf_extend(struct tp_cli *cli);
enum tp_rc tp_cli_pdf_renew(struct tp_cli *cli);
enum tp_rc tp_cli_cms_sign(struct tp_cli *cli);

#endif
