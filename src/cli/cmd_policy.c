/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/credential.h"
#include "cli/output.h"
#include "cli/text.h"
#include "hsm/hsm.h"
#include "pki/digest_info.h"

#include <string.h>

static const struct tp_cli_column setting_columns[] = {
    {"name", "RULE"}, {"value", "VALUE"}, {"meaning", "MEANING"}, {NULL, NULL}};
static const struct tp_cli_column finding_columns[] = {{"rule", "RULE"}, {"ok", "OK"}, {"words", "WHY"}, {NULL, NULL}};

enum tp_rc tp_cli_policy_show(struct tp_cli *cli)
{
    struct tp_ipc_reply reply TP_AUTO(tp_ipc_reply_clear) = {0};
    Tp__Ipc__Empty request = TP__IPC__EMPTY__INIT;
    TP_TRY(tp_cli_call(cli, TP_OP_POLICY_SHOW, &request.base, NULL, NULL, &reply));
    const Tp__Ipc__SettingsReply *settings = (const void *)reply.message;
    json_t *list = json_array();
    for (size_t i = 0; i < settings->n_settings; i++) {
        json_t *object = json_object();
        tp_cli_put_text(cli, object, "name", settings->settings[i]->name);
        tp_cli_put_text(cli, object, "value", settings->settings[i]->value);
        tp_cli_put_text(cli, object, "meaning", settings->settings[i]->meaning);
        tp_cli_list_add(cli, list, object);
    }
    return tp_cli_emit_list(cli, list, setting_columns, "no rules");
}

/* ---- explain ---- */

/* What would be signed, and how. */
struct question {
    enum tp_pki_hash hash;
    enum tp_hsm_mechanism mechanism;
    struct tp_buf data; /* empty: not asked about */
};

static const struct {
    const char *word;
    enum tp_hsm_mechanism mechanism;
} mechanisms[] = {
    {"rsa-pkcs", TP_HSM_RSA_PKCS}, {"rsa-pss", TP_HSM_RSA_PSS}, {"ecdsa", TP_HSM_ECDSA}, {"eddsa", TP_HSM_EDDSA}};

static enum tp_hsm_mechanism choose_mechanism(const struct tp_cli *cli, const char *key_type)
{
    const char *word = tp_cli_text(&cli->args, "mechanism");
    for (size_t i = 0; word != NULL && i < sizeof mechanisms / sizeof mechanisms[0]; i++)
        if (strcmp(mechanisms[i].word, word) == 0)
            return mechanisms[i].mechanism;
    if (strncmp(key_type, "ed", 2) == 0)
        return TP_HSM_EDDSA;
    return strncmp(key_type, "rsa-", 4) == 0 ? TP_HSM_RSA_PKCS : TP_HSM_ECDSA;
}

static enum tp_rc read_digest(struct tp_cli *cli, const char *hex, struct question *question)
{
    struct tp_buf digest TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t info[TP_PKI_DIGEST_INFO_MAX];
    size_t info_len = 0;
    if (tp_hex_decode(hex, strlen(hex), &digest) != TP_OK || digest.len != tp_pki_hash_len(question->hash))
        return tp_error_set(&cli->error, TP_USAGE, "--digest: not %zu bytes in hexadecimal, as %s has",
                            tp_pki_hash_len(question->hash), tp_pki_hash_name(question->hash));
    if (question->mechanism != TP_HSM_RSA_PKCS)
        return tp_buf_append(&question->data, tp_buf_bytes(&digest));
    TP_TRY(tp_pki_digest_info_make(question->hash, tp_buf_bytes(&digest), info, &info_len));
    return tp_buf_append(&question->data, TP_BYTES(info, info_len));
}

static enum tp_rc read_question(struct tp_cli *cli, const char *key_type, struct question *question)
{
    const char *hash = tp_cli_text(&cli->args, "hash"), *digest = tp_cli_text(&cli->args, "digest");
    question->hash = tp_pki_hash_parse(hash == NULL ? "SHA-256" : hash);
    if (question->hash == TP_PKI_HASH_NONE)
        return tp_error_set(&cli->error, TP_USAGE, "--hash %s: not known; SHA-256, SHA-384, SHA-512 and SHA3-256 are",
                            hash);
    question->mechanism = choose_mechanism(cli, key_type);
    if (question->mechanism == TP_HSM_EDDSA && (hash != NULL || digest != NULL))
        return tp_error_set(&cli->error, TP_USAGE, "EdDSA signs messages, not hashes: leave out --hash and --digest");
    if (question->mechanism == TP_HSM_EDDSA)
        question->hash = TP_PKI_HASH_NONE;
    return digest == NULL ? TP_OK : read_digest(cli, digest, question);
}

static enum tp_rc ask(struct tp_cli *cli, char *user, char *credential, const struct question *question,
                      struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__ExplainRequest request = TP__IPC__EXPLAIN_REQUEST__INIT;
    request.user = user;
    request.credential = credential;
    request.mechanism = question->mechanism;
    if (question->hash != TP_PKI_HASH_NONE)
        request.hash_name = (char *)(uintptr_t)tp_pki_hash_name(question->hash);
    if (question->mechanism == TP_HSM_RSA_PSS) {
        size_t len = tp_pki_hash_len(question->hash);
        request.hash_bits = request.mgf_bits = (uint32_t)(8 * len);
        request.salt_len = (uint32_t)tp_cli_number(&cli->args, "salt-len", (int64_t)len);
    }
    request.at_ms = tp_cli_number(&cli->args, "at", 0);
    request.used = (uint32_t)tp_cli_number(&cli->args, "used", 0);
    request.login_age_ms = tp_cli_number(&cli->args, "login-age", 0);
    request.data = (ProtobufCBinaryData){.data = question->data.data, .len = question->data.len};
    return tp_cli_call(cli, TP_OP_POLICY_EXPLAIN, &request.base, NULL, NULL, ret_reply);
}

static json_t *describe(struct tp_cli *cli, const Tp__Ipc__ExplainReply *reply)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < reply->n_findings; i++) {
        json_t *object = json_object();
        tp_cli_put_text(cli, object, "rule", reply->findings[i]->rule);
        tp_cli_put_flag(cli, object, "ok", reply->findings[i]->ok);
        tp_cli_put_text(cli, object, "words", reply->findings[i]->words);
        tp_cli_list_add(cli, findings, object);
    }
    return findings;
}

/* The rules are asked in order: the first that says no decides. NULL: none does. */
static const Tp__Ipc__Finding *decider(const Tp__Ipc__ExplainReply *reply)
{
    for (size_t i = 0; !reply->allowed && i < reply->n_findings; i++)
        if (!reply->findings[i]->ok)
            return reply->findings[i];
    return NULL;
}

static enum tp_rc say_answer(struct tp_cli *cli, const Tp__Ipc__ExplainReply *reply)
{
    const Tp__Ipc__Finding *rule = decider(reply);
    struct tp_buf words TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (rule == NULL) {
        (void)fprintf(cli->out, "\n%s\n", reply->allowed ? "allowed" : "refused");
        return TP_OK;
    }
    TP_TRY(tp_cli_text_clean(rule->rule, &words));
    TP_TRY(tp_buf_append_string(&words, ": "));
    TP_TRY(tp_cli_text_clean(rule->words, &words));
    (void)fprintf(cli->out, "\nrefused: %s\n", tp_buf_string(&words));
    if (strcmp(rule->rule, "authorisation") == 0 && tp_cli_number(&cli->args, "login-age", 0) == 0)
        tp_cli_remark(cli, "There is no login: --login-age 1m supposes one");
    return TP_OK;
}

static enum tp_rc answer(struct tp_cli *cli, const Tp__Ipc__ExplainReply *reply)
{
    json_t *findings = describe(cli, reply);
    if (cli->json) {
        json_t *object = json_object();
        tp_cli_put_flag(cli, object, "allowed", reply->allowed);
        if (decider(reply) != NULL)
            tp_cli_put_text(cli, object, "rule", decider(reply)->rule);
        tp_cli_put(cli, object, "findings", findings);
        TP_TRY(tp_cli_emit_record(cli, object, NULL));
    } else {
        TP_TRY(tp_cli_emit_list(cli, findings, finding_columns, "no rule has anything to say"));
        TP_TRY(say_answer(cli, reply));
    }
    cli->failed_quietly = !reply->allowed;
    return reply->allowed ? TP_OK : TP_REFUSED;
}

enum tp_rc tp_cli_policy_explain(struct tp_cli *cli)
{
    struct tp_ipc_reply objects TP_AUTO(tp_ipc_reply_clear) = {0}, reply TP_AUTO(tp_ipc_reply_clear) = {0};
    struct question question = {.data = TP_BUF_INIT};
    const Tp__Ipc__Credential *credential;
    char *user;
    TP_TRY(tp_cli_user(cli, &user));
    TP_TRY(tp_cli_credentials(cli, user, &objects));
    TP_TRY(tp_cli_credential_find(cli, &objects, tp_cli_operand(&cli->args, 0), &credential));
    enum tp_rc rc = read_question(cli, credential->key_type, &question);
    if (rc == TP_OK)
        rc = ask(cli, user, credential->id, &question, &reply);
    tp_buf_clear(&question.data);
    TP_TRY(rc);
    return answer(cli, (const void *)reply.message);
}
