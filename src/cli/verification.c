/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verification.h"
#include "base/clock.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/text.h"
#include "pades/report/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what it rests on ---- */

static enum tp_rc add_given(struct tp_cli *cli, const char *option, enum tp_evidence_kind kind, struct tp_evidence *evidence)
{
    const char *path;
    for (size_t i = 0; (path = tp_cli_text_at(&cli->args, option, i)) != NULL; i++) {
        struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        TP_TRY(tp_cli_file_read(path, TP_CLI_FILE_MAX, &cli->error, &file));
        enum tp_rc rc = kind == TP_EVIDENCE_CRL ? tp_pki_crl_der(tp_buf_bytes(&file), &cli->error, &der)
                                                : tp_buf_append(&der, tp_buf_bytes(&file));
        if (rc == TP_OK)
            rc = tp_evidence_add(evidence, kind, tp_buf_bytes(&der), path, INT64_MAX);
        if (rc != TP_OK)
            return tp_error_prefix(&cli->error, rc, "%s", path);
    }
    return TP_OK;
}

enum tp_rc tp_cli_trial_open(struct tp_cli *cli, struct tp_cli_trial *ret_trial)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = NULL;
    TP_TRY(tp_cli_documents(cli, &conf));
    TP_TRY(tp_cli_documents_anchors(cli, conf, TP_DOCUMENTS_SIGNERS, &ret_trial->anchors));
    TP_TRY(tp_cli_documents_anchors(cli, conf, TP_DOCUMENTS_TSAS, &ret_trial->tsa_anchors));
    TP_TRY(tp_evidence_new(&ret_trial->given));
    TP_TRY(add_given(cli, "crl", TP_EVIDENCE_CRL, ret_trial->given));
    TP_TRY(add_given(cli, "ocsp", TP_EVIDENCE_OCSP, ret_trial->given));
    if (tp_cli_flag(&cli->args, "online"))
        TP_TRY(tp_documents_conf_source(conf, TP_DOCUMENTS_ASK_ALWAYS, &cli->error, &ret_trial->source));
    ret_trial->trial = (struct tp_pades_trial){.anchors = ret_trial->anchors, .tsa_anchors = ret_trial->tsa_anchors, .given = ret_trial->given, .source = ret_trial->source,
                                               .at_ms = tp_cli_number(&cli->args, "at", 0),
                                               .fingerprint = cli->json || tp_cli_text(&cli->args, "report") != NULL};
    return TP_OK;
}

void tp_cli_trial_close(struct tp_cli_trial *trial)
{
    if (trial->source != NULL)
        tp_validation_source_free(trial->source);
    if (trial->given != NULL)
        tp_evidence_free(trial->given);
    if (trial->anchors != NULL)
        tp_pki_anchors_free(trial->anchors);
    if (trial->tsa_anchors != NULL)
        tp_pki_anchors_free(trial->tsa_anchors);
}

/* ---- JSON ---- */

static void put_verdict(struct tp_cli *cli, json_t *object, const struct tp_verdict *verdict)
{
    tp_cli_put_text(cli, object, "verdict", tp_indication_name(verdict->indication));
    tp_cli_put_text(cli, object, "sub", tp_subindication_name(verdict->sub));
    tp_cli_put_text(cli, object, "words", verdict->why[0] != '\0' ? verdict->why : tp_subindication_words(verdict->sub));
    tp_cli_put_text(cli, object, "hint", verdict->hint);
}

static json_t *rect_json(const double rect[4])
{
    json_t *list = json_array();
    for (size_t i = 0; i < 4; i++)
        (void)json_array_append_new(list, json_real(rect[i]));
    return list;
}

static json_t *changes_json(struct tp_cli *cli, const struct tp_pades_signature *signature)
{
    json_t *list = json_array();
    for (size_t i = 0; i < signature->changes_len; i++) {
        const struct tp_pades_change *change = &signature->changes[i];
        json_t *object = json_object();
        tp_cli_put_text(cli, object, "nature", tp_pades_nature_name(change->nature));
        tp_cli_put_flag(cli, object, "allowed", change->allowed);
        tp_cli_put_flag(cli, object, "warned", change->warned);
        tp_cli_put_text(cli, object, "words", change->words);
        if (change->revision > 0)
            tp_cli_put_number(cli, object, "revision", change->revision);
        if (change->page > 0)
            tp_cli_put_number(cli, object, "page", change->page);
        if (change->has_rect)
            tp_cli_put(cli, object, "rect", rect_json(change->rect));
        if (change->ref.id > 0)
            tp_cli_put_number(cli, object, "object", change->ref.id);
        tp_cli_list_add(cli, list, object);
    }
    return list;
}

static json_t *chain_json(struct tp_cli *cli, const struct tp_validation_answer *answer)
{
    json_t *list = json_array();
    for (size_t i = 0; i < answer->steps_len; i++) {
        const struct tp_validation_step *step = &answer->steps[i];
        json_t *object = json_object();
        tp_cli_put_text(cli, object, "subject", step->certificate.subject);
        tp_cli_put_text(cli, object, "issuer", step->certificate.issuer);
        tp_cli_put_text(cli, object, "serial", step->certificate.serial);
        tp_cli_put_time(cli, object, "not_before", step->certificate.not_before_ms, false);
        tp_cli_put_time(cli, object, "not_after", step->certificate.not_after_ms, false);
        tp_cli_put_flag(cli, object, "anchor", step->anchor);
        tp_cli_put_text(cli, object, "status", step->status_from);
        if (step->revoked) {
            tp_cli_put_time(cli, object, "revoked", step->revoked_ms, false);
            tp_cli_put_text(cli, object, "reason", step->reason);
        }
        tp_cli_list_add(cli, list, object);
    }
    return list;
}

static json_t *stamps_json(struct tp_cli *cli, const struct tp_pades_signature *signature)
{
    json_t *list = json_array();
    for (size_t i = 0; i < signature->stamps_len; i++) {
        const struct tp_pades_stamp *stamp = &signature->stamps[i];
        json_t *object = json_object();
        put_verdict(cli, object, &stamp->verdict);
        tp_cli_put_time(cli, object, "time", stamp->time_ms, false);
        tp_cli_put_text(cli, object, "tsa", stamp->tsa);
        tp_cli_put_text(cli, object, "policy", stamp->policy);
        tp_cli_put_text(cli, object, "algorithm", stamp->algorithm);
        tp_cli_put(cli, object, "chain", chain_json(cli, &stamp->answer));
        tp_cli_list_add(cli, list, object);
    }
    return list;
}

static void put_range(struct tp_cli *cli, json_t *object, const struct tp_pades_signature *signature)
{
    json_t *list = json_array();
    for (size_t i = 0; i < 4; i++)
        tp_cli_list_add(cli, list, json_integer((json_int_t)signature->range[i]));
    tp_cli_put(cli, object, "byte_range", list);
    tp_cli_put_flag(cli, object, "whole", signature->whole);
    if (signature->revision > 0)
        tp_cli_put_number(cli, object, "revision", signature->revision);
    if (signature->restriction.permission > 0)
        tp_cli_put_number(cli, object, "permission", signature->restriction.permission);
}

static json_t *locks_json(struct tp_cli *cli, const struct tp_pades_locks *locks)
{
    json_t *object = json_object(), *fields = json_array();
    tp_cli_put_text(cli, object, "action", tp_pades_locking_name(locks->kind));
    for (size_t i = 0; i < locks->len; i++)
        tp_cli_list_add(cli, fields, json_string(locks->names[i]));
    tp_cli_put(cli, object, "fields", fields);
    return object;
}

static json_t *signature_json(struct tp_cli *cli, const struct tp_pades_signature *signature)
{
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "form", tp_pades_signature_form_words(signature->form));
    tp_cli_put_text(cli, object, "field", signature->field);
    put_verdict(cli, object, &signature->verdict);
    tp_cli_put_text(cli, object, "level", tp_pades_reached_name(signature->reached));
    tp_cli_put_flag(cli, object, "intact", signature->intact);
    tp_cli_put_text(cli, object, "signer", signature->signer);
    tp_cli_put_text(cli, object, "algorithm", signature->algorithm);
    tp_cli_put_time(cli, object, "claimed", signature->claimed_ms, false);
    if (signature->proven_ms != INT64_MAX)
        tp_cli_put_time(cli, object, "proven", signature->proven_ms, false);
    tp_cli_put_text(cli, object, "sub_filter", signature->sub_filter);
    tp_cli_put_text(cli, object, "reason", signature->reason);
    tp_cli_put_text(cli, object, "location", signature->location);
    tp_cli_put_text(cli, object, "contact", signature->contact);
    if (signature->form != TP_PADES_CMS) {
        put_range(cli, object, signature);
        if (signature->restriction.locks.kind != TP_PADES_LOCKS_NONE)
            tp_cli_put(cli, object, "locks", locks_json(cli, &signature->restriction.locks));
        tp_cli_put(cli, object, "changes", changes_json(cli, signature));
    }
    if (signature->changes_more > 0)
        tp_cli_put_count(cli, object, "changes_more", signature->changes_more);
    tp_cli_put(cli, object, "timestamps", stamps_json(cli, signature));
    tp_cli_put(cli, object, "chain", chain_json(cli, &signature->answer));
    return object;
}

json_t *tp_cli_verification_json(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification)
{
    json_t *object = json_object(), *signatures = json_array(), *notes = json_array();
    tp_cli_put_text(cli, object, "file", name);
    tp_cli_put_flag(cli, object, "signed", tp_pades_is_signed(verification));
    if (tp_pades_is_signed(verification) || (verification->signatures_len > 0 && verification->verdict.indication != TP_TOTAL_PASSED))
        put_verdict(cli, object, &verification->verdict);
    else
        tp_cli_put_text(cli, object, "words", verification->verdict.why);
    tp_cli_put_time(cli, object, "at", verification->at_ms, false);
    tp_cli_put_count(cli, object, "length", verification->length);
    tp_cli_put_hex(cli, object, "sha256", TP_BYTES(verification->sha256, verification->sha256_len));
    tp_cli_put_number(cli, object, "revisions", verification->revisions);
    tp_cli_put_flag(cli, object, "encrypted", verification->encrypted);
    tp_cli_put_flag(cli, object, "damaged", verification->damaged);
    tp_cli_put_flag(cli, object, "covered", verification->covered);
    for (size_t i = 0; i < verification->signatures_len; i++)
        tp_cli_list_add(cli, signatures, signature_json(cli, verification->signatures[i]));
    for (size_t i = 0; i < verification->notes_len; i++)
        tp_cli_list_add(cli, notes, json_string(verification->notes[i]));
    tp_cli_put(cli, object, "signatures", signatures);
    tp_cli_put(cli, object, "notes", notes);
    return object;
}

/* ---- for people ---- */

TP_PRINTF(3, 4) static void print_line(struct tp_cli *cli, unsigned indent, const char *format, ...)
{
    struct tp_buf clean TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (tp_cli_text_clean(text, &clean) == TP_OK)
        (void)fprintf(cli->out, "%*s%s\n", (int)indent, "", tp_buf_string(&clean));
}

static void print_time(struct tp_cli *cli, const char *heading, int64_t utc_ms, const char *more)
{
    char text[TP_TIME_TEXT_LEN];
    if (utc_ms == 0 || utc_ms == INT64_MAX)
        return;
    tp_time_format(utc_ms, false, text);
    print_line(cli, 4, "%-12s %.10s %.8s UTC%s", heading, text, text + 11, more);
}

static void print_text(struct tp_cli *cli, const char *heading, const char *text)
{
    if (text[0] != '\0')
        print_line(cli, 4, "%-12s %s", heading, text);
}

static const char *before_hint(const struct tp_verdict *verdict)
{
    return verdict->hint != NULL ? "; " : "";
}

static const char *hint(const struct tp_verdict *verdict)
{
    return verdict->hint != NULL ? verdict->hint : "";
}

static void print_verdict(struct tp_cli *cli, unsigned indent, const char *what, const struct tp_verdict *verdict)
{
    const char *words = verdict->why[0] != '\0' ? verdict->why : tp_subindication_words(verdict->sub);
    print_line(cli, indent, "%s: %s%s%s", what, tp_indication_name(verdict->indication), verdict->sub == TP_SUB_NONE ? "" : ", ",
               tp_subindication_name(verdict->sub));
    if (words[0] != '\0' && (verdict->indication != TP_TOTAL_PASSED || indent == 0))
        print_line(cli, indent + 2, "%s%s%s%s", words, before_hint(verdict), hint(verdict),
                   verdict->indication == TP_INDETERMINATE ? " (neither proven good nor bad)" : "");
}

static void print_change(struct tp_cli *cli, const struct tp_pades_change *change)
{
    char where[160] = "";
    size_t len = 0;
    if (change->page > 0)
        len += (size_t)snprintf(where, sizeof where, ", page %u", change->page);
    if (change->has_rect)
        len += (size_t)snprintf(where + len, sizeof where - len, " at [%.0f %.0f %.0f %.0f]", change->rect[0], change->rect[1],
                                change->rect[2], change->rect[3]);
    if (change->revision > 0 && len < sizeof where)
        (void)snprintf(where + len, sizeof where - len, " (revision %u)", change->revision);
    print_line(cli, 4, "%-12s %s%s%s", !change->allowed ? "CHANGED" : change->warned ? "look at" : "changed", change->words, where,
               change->allowed ? "" : ": not allowed");
}

static void print_chain(struct tp_cli *cli, const struct tp_validation_answer *answer)
{
    for (size_t i = 0; i < answer->steps_len; i++) {
        const struct tp_validation_step *step = &answer->steps[i];
        print_line(cli, 4, "%-12s %s%s%s", i == 0 ? "certificates" : "", step->certificate.subject, step->anchor ? ", trusted" : ", ",
                   step->anchor ? "" : step->status_from[0] != '\0' ? step->status_from : "status not known");
    }
}

static void print_stamps(struct tp_cli *cli, const struct tp_pades_signature *signature)
{
    for (size_t i = 0; i < signature->stamps_len && signature->form != TP_PADES_DOCUMENT_TIMESTAMP; i++) {
        const struct tp_pades_stamp *stamp = &signature->stamps[i];
        char more[TP_PKI_DN_MAX + TP_ERROR_WORDS_LEN + 128];
        (void)snprintf(more, sizeof more, " by %s: %s%s%s%s%s", stamp->tsa[0] != '\0' ? stamp->tsa : "an unknown TSA",
                       tp_indication_name(stamp->verdict.indication), stamp->verdict.why[0] != '\0' ? ": " : "", stamp->verdict.why,
                       before_hint(&stamp->verdict), hint(&stamp->verdict));
        print_time(cli, "timestamp", stamp->time_ms, more);
    }
}

/* DocMDP's P (ISO 32000-2 Table 257). */
static void print_permission(struct tp_cli *cli, unsigned permission)
{
    static const char *const permits[] = {"", "no changes", "filling in forms and signing", "filling in forms, signing, annotations"};
    if (permission > 0 && permission < sizeof permits / sizeof permits[0])
        print_line(cli, 4, "%-12s %s", "permits", permits[permission]);
}

static void print_locks(struct tp_cli *cli, const struct tp_pades_locks *locks)
{
    static const char *const heads[] = {"", "all form fields", "form fields ", "all form fields but "};
    char names[1024];
    tp_pades_locks_list(locks, names, sizeof names);
    if (locks->kind != TP_PADES_LOCKS_NONE)
        print_line(cli, 4, "%-12s %s%s", "locks", heads[locks->kind], locks->kind == TP_PADES_LOCKS_ALL ? "" : names);
}

static void print_level(struct tp_cli *cli, const struct tp_pades_signature *signature)
{
    const char *level = tp_pades_reached_name(signature->reached);
    if (level[0] != '\0')
        print_line(cli, 4, "%-12s %s%s", "level", level,
                   tp_pades_is_stamped_in_vain(signature) ? ", since its timestamp is not proven: see there" : "");
}

static void print_signature(struct tp_cli *cli, const struct tp_pades_verification *verification, size_t index)
{
    const struct tp_pades_signature *signature = verification->signatures[index];
    char what[TP_PADES_LINE_MAX + 64];
    bool stamp = signature->form == TP_PADES_DOCUMENT_TIMESTAMP;
    (void)snprintf(what, sizeof what, "%zu. %s%s%s%s", index + 1, tp_pades_signature_form_words(signature->form),
                   signature->field[0] == '\0' ? "" : " \"", signature->field, signature->field[0] == '\0' ? "" : "\"");
    print_verdict(cli, 2, what, &signature->verdict);
    print_text(cli, stamp ? "TSA" : "signed by", signature->signer);
    print_time(cli, stamp ? "time" : "signed at", signature->claimed_ms, stamp ? "" : ", as the signer says");
    print_time(cli, "proven", signature->proven_ms, "");
    print_text(cli, "reason", signature->reason);
    print_text(cli, "place", signature->location);
    print_level(cli, signature);
    print_text(cli, "algorithm", signature->algorithm);
    if (signature->revision > 0 && signature->form != TP_PADES_CMS)
        print_line(cli, 4, "%-12s revision %u of %u%s", "covers", signature->revision, verification->revisions,
                   signature->whole ? ", the whole file" : "");
    print_permission(cli, signature->restriction.permission);
    print_locks(cli, &signature->restriction.locks);
    for (size_t i = 0; i < signature->changes_len; i++)
        print_change(cli, &signature->changes[i]);
    if (signature->changes_more > 0)
        print_line(cli, 4, "%-12s and %zu more", "", signature->changes_more);
    print_stamps(cli, signature);
    print_chain(cli, stamp && signature->stamps_len > 0 ? &signature->stamps[0].answer : &signature->answer);
}

void tp_cli_verification_print(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification)
{
    if (tp_pades_is_signed(verification)) {
        print_verdict(cli, 0, name, &verification->verdict);
    } else {
        print_line(cli, 0, "%s: not signed", name);
        print_line(cli, 2, "%s", verification->verdict.why);
    }
    for (size_t i = 0; i < verification->signatures_len; i++)
        print_signature(cli, verification, i);
    for (size_t i = 0; i < verification->notes_len; i++)
        print_line(cli, 2, "Note: %s.", verification->notes[i]);
}

/* ---- reports ---- */

static enum tp_rc report_json(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification, struct tp_buf *ret_file)
{
    json_t *object = tp_cli_verification_json(cli, name, verification);
    char *text = cli->memory_out ? NULL : json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    enum tp_rc rc = text == NULL ? TP_MEMORY : tp_buf_printf(ret_file, "%s\n", text);
    free(text);
    return rc;
}

static enum tp_rc report_xml(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification, struct tp_buf *ret_file)
{
    (void)cli;
    return tp_pades_report_xml(name, verification, ret_file);
}

static enum tp_rc report_html(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification, struct tp_buf *ret_file)
{
    const char *language = tp_cli_text(&cli->args, "lang");
    enum tp_pades_language which = language == NULL || strcmp(language, "en") == 0 ? TP_PADES_ENGLISH
                                   : strcmp(language, "ja") == 0                   ? TP_PADES_JAPANESE
                                                                                   : TP_PADES_BOTH;
    return tp_pades_report_html(name, verification, which, ret_file);
}

typedef enum tp_rc report_fn(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification,
                             struct tp_buf *ret_file);
static const struct {
    const char *ending;
    report_fn *write;
} reports[] = {{".html", report_html}, {".htm", report_html}, {".xml", report_xml}, {".json", report_json}};

static report_fn *report_of(const char *path)
{
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof reports / sizeof reports[0]; i++)
        if (strcasecmp(ending, reports[i].ending) == 0)
            return reports[i].write;
    return NULL;
}

enum tp_rc tp_cli_verification_report_check(struct tp_cli *cli)
{
    const char *path = tp_cli_text(&cli->args, "report");
    if (path == NULL && tp_cli_text(&cli->args, "lang") != NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--lang is of the page in HTML alone: give --report FILE.html, too, or leave it out");
    if (path == NULL)
        return TP_OK;
    if (report_of(path) == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--report %s: the file's name must end in .html, .xml or .json", path);
    return tp_cli_file_place_check(path, &cli->error);
}

enum tp_rc tp_cli_verification_report(struct tp_cli *cli, const char *name, const struct tp_pades_verification *verification)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *path = tp_cli_text(&cli->args, "report");
    if (path == NULL)
        return TP_OK;
    const char *slash = strrchr(name, '/'); /* reports go to others, whom our folders do not concern */
    TP_TRY(report_of(path)(cli, slash == NULL ? name : slash + 1, verification, &file));
    return tp_cli_file_write(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, tp_buf_bytes(&file), &cli->error);
}
