/* SPDX-License-Identifier: Apache-2.0
 *
 * Anchors of timestamp authorities, one file each in a folder: what is taken over can be seen, and taken out, by
 * anybody with a file manager; what is damaged is written anew by the next import.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "cli/commands.h"
#include "cli/documents.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/trust_list.h"
#include "pki/timestamp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST ((size_t)32 << 20) /* trust lists of large countries have 10 MiB */

static const struct tp_cli_column columns[] = {
    {"what", "WHAT"}, {"subject", "SUBJECT"}, {"not_after", "VALID UNTIL"}, {"file", "FILE"}, {NULL, NULL}};

struct import {
    struct tp_cli *cli;
    const char *folder;
    json_t *list;
    size_t seen, unfit, imported;
    bool dry_run;
};

static enum tp_rc make_folder(struct tp_cli *cli, const char *folder)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s", folder) >= sizeof path)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the folder's path is too long");
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(path, 0755); /* the last one says whether it has worked */
        *at = '/';
    }
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return TP_OK;
    return tp_error_set(&cli->error, TP_IO, "%s: %s", folder, strerrordesc_np(errno));
}

/* Named by its hash: the same certificate is the same file, whichever list it came from. */
static enum tp_rc path_of(const struct import *import, struct tp_bytes der, char ret_path[PATH_MAX])
{
    uint8_t hash[TP_SHA256_LEN];
    char hex[2 * TP_SHA256_LEN + 1];
    TP_TRY(tp_sha256(der, TP_BYTES_NONE, TP_BYTES_NONE, hash));
    tp_hex_encode(TP_BYTES(hash, sizeof hash), hex);
    return (size_t)snprintf(ret_path, PATH_MAX, "%s/%.32s.pem", import->folder, hex) < PATH_MAX ? TP_OK : TP_TOO_LARGE;
}

static enum tp_rc write_anchor(const struct import *import, const char *path, struct tp_bytes der)
{
    struct tp_buf pem TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (import->dry_run)
        return TP_OK;
    TP_TRY(tp_pki_pem_write("CERTIFICATE", der, &pem));
    return tp_cli_file_replace(path, 0644, tp_buf_bytes(&pem), &import->cli->error);
}

static enum tp_rc compare(void *context, struct tp_bytes der)
{
    return tp_bytes_equal(*(const struct tp_bytes *)context, der) ? TP_OK : TP_TAMPERED;
}

/* Whether the file has what its name says, and nothing else: somebody could have edited it, and a disk could have been full. */
static bool has_anchor(const char *path, struct tp_bytes der)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    return tp_cli_file_read(path, FILE_MOST, NULL, &file) == TP_OK &&
           tp_pki_certificates_read(tp_buf_bytes(&file), NULL, compare, &der) == TP_OK;
}

/* A root from before version 3 says nothing of what it is for. */
static bool is_old_root(const struct tp_pki_certificate *certificate)
{
    return certificate->key_usage == ~0u &&
           tp_bytes_equal(tp_buf_bytes(&certificate->subject_der), tp_buf_bytes(&certificate->issuer_der));
}

/* No timestamp would ever be believed for the sake of another one. */
static bool is_fit(struct tp_bytes der, const struct tp_pki_certificate *certificate)
{
    return certificate->is_ca || is_old_root(certificate) || tp_pki_timestamp_certificate_check(der, NULL) == TP_OK;
}

static enum tp_rc take_new(struct import *import, struct tp_bytes der, const struct tp_pki_certificate *certificate,
                           const char *path, const char **ret_what)
{
    static const char *const words[2][2] = {{"imported", "would be imported"},
                                            {"there, but damaged: written anew", "there, but damaged: would be written anew"}};
    if (!is_fit(der, certificate)) {
        import->unfit++;
        *ret_what = "neither a CA's nor for timestamps: left out";
        return TP_OK;
    }
    if (certificate->not_after_ms < tp_clock_utc_ms() && !tp_cli_flag(&import->cli->args, "expired")) {
        *ret_what = "expired: left out";
        return TP_OK;
    }
    const bool there = access(path, F_OK) == 0;
    if (there && has_anchor(path, der)) {
        *ret_what = "there already";
        return TP_OK;
    }
    TP_TRY(write_anchor(import, path, der));
    import->imported++;
    *ret_what = words[there][import->dry_run];
    return TP_OK;
}

static enum tp_rc take(void *context, struct tp_bytes der)
{
    struct import *import = context;
    struct tp_pki_certificate certificate = {0};
    struct tp_error error = {0};
    const char *what = NULL;
    char path[PATH_MAX];
    import->seen++;
    json_t *object = json_object();
    enum tp_rc rc = tp_pki_certificate_parse(der, &error, &certificate);
    if (rc == TP_OK)
        rc = path_of(import, der, path);
    if (rc == TP_OK)
        rc = take_new(import, der, &certificate, path, &what);
    if (what != NULL) {
        tp_cli_put_text(import->cli, object, "subject", certificate.subject);
        tp_cli_put_time(import->cli, object, "not_after", certificate.not_after_ms, false);
        tp_cli_put_text(import->cli, object, "file", path);
    } else if (rc == TP_MALFORMED || rc == TP_TOO_LARGE) { /* one bad entry does not spoil a list */
        what = "not a certificate: left out";
        rc = TP_OK;
    }
    tp_cli_put_text(import->cli, object, "what", what);
    tp_pki_certificate_clear(&certificate);
    tp_cli_list_add(import->cli, import->list, object);
    return rc;
}

/* Of a trust list that is taken over. */
static void remark_list(const struct import *import, const char *path, const struct tp_trust_list_facts *facts)
{
    char time[TP_TIME_TEXT_LEN];
    tp_cli_remark(import->cli, "note: %s: the list's signature is not checked; have it from where you trust it", path);
    if (facts->next_update_ms == 0 || facts->next_update_ms >= tp_clock_utc_ms())
        return;
    tp_time_format(facts->next_update_ms, false, time);
    tp_cli_remark(import->cli, "note: %s: the list is stale since %s, when the next one was due; get that", path, time);
}

/* Whether what was in the file is worth an answer; before: what other files had. */
static enum tp_rc check_taken(const struct import *import, const struct import *before,
                              const struct tp_trust_list_facts *facts)
{
    struct tp_error *error = &import->cli->error;
    const size_t seen = import->seen - before->seen;
    if (seen == 0 && facts->not_granted > 0)
        return tp_error_set(error, TP_NOT_FOUND, "no timestamp authority in it is granted; %zu are not any more",
                            facts->not_granted);
    if (seen == 0)
        return tp_error_set(error, TP_NOT_FOUND, "no timestamp authority is in it");
    if (import->unfit - before->unfit == seen)
        return tp_error_set(
            error, TP_REFUSED,
            "no certificate in it is a CA's or for timestamps (extended key usage timeStamping): that is no anchor");
    return TP_OK;
}

static enum tp_rc take_bytes(struct import *import, const char *path, struct tp_bytes file)
{
    struct tp_trust_list_facts facts = {0};
    struct tp_error *error = &import->cli->error;
    const struct import before = *import;
    const bool is_list = tp_trust_list_is(file);
    TP_TRY(is_list ? tp_trust_list_read(file, error, take, import, &facts)
                   : tp_pki_certificates_read(file, error, take, import));
    TP_TRY(check_taken(import, &before, &facts));
    if (is_list)
        remark_list(import, path, &facts);
    return TP_OK;
}

static enum tp_rc take_file(struct import *import, const char *path)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error *error = &import->cli->error;
    TP_TRY(tp_cli_file_read(path, FILE_MOST, error, &file));
    const enum tp_rc rc = take_bytes(import, path, tp_buf_bytes(&file));
    return rc == TP_OK ? rc : tp_error_prefix(error, rc, "%s", path);
}

static enum tp_rc take_files(struct import *import)
{
    if (!import->dry_run)
        TP_TRY(make_folder(import->cli, import->folder));
    const char *path;
    for (size_t i = 0; (path = tp_cli_operand(&import->cli->args, i)) != NULL; i++)
        TP_TRY(take_file(import, path));
    return TP_OK;
}

enum tp_rc tp_cli_tsa_trust(struct tp_cli *cli)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = NULL;
    const char *to = tp_cli_text(&cli->args, "to");
    TP_TRY(tp_cli_documents(cli, &conf));
    struct import import = {.cli = cli,
                            .folder = to != NULL ? to : tp_documents_conf_tsa_trust(conf),
                            .list = json_array(),
                            .dry_run = tp_cli_flag(&cli->args, "dry-run")};
    if (import.folder == NULL) {
        json_decref(import.list);
        return tp_error_set(&cli->error, TP_CONFIG, "HOME does not say where your files are; name a folder with --to");
    }
    const enum tp_rc rc = take_files(&import);
    if (rc != TP_OK) {
        json_decref(import.list);
        return rc;
    }
    TP_TRY(tp_cli_emit_list(cli, import.list, columns, ""));
    tp_cli_remark(cli, "%zu of %zu certificates %s %s", import.imported, import.seen,
                  import.dry_run ? "would go into" : "went into", import.folder);
    return TP_OK;
}
