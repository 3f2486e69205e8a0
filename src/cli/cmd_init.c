/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto.h"
#include "cli/commands.h"
#include "cli/deployment_place.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/deployment.h"
#include "pki/key.h"

#include <string.h>

#define KEY_MAX ((size_t)64 << 10)

/* What makes one, besides its place. */
struct ingredients {
    struct tp_engine_conf conf;
    struct tp_buf custodian; /* SPKI; empty without a backup */
    char backup_dir[TP_CLI_PLACE_MAX];
};

static void ingredients_clear(struct ingredients *ingredients)
{
    tp_engine_conf_clear(&ingredients->conf);
    tp_buf_clear(&ingredients->custodian);
}

/* ---- before anything is made ---- */

static enum tp_rc check_options(struct tp_cli *cli)
{
    bool backup = tp_cli_text(&cli->args, "backup-key") != NULL, none = tp_cli_flag(&cli->args, "no-backup");
    if (backup == none)
        return tp_error_set(
            &cli->error, TP_USAGE,
            "say either --backup-key FILE or --no-backup: the token keys are wrapped for a backup as they "
            "are made, or never; without one a lost token means that every user's key is lost");
    const char *hsm = tp_cli_text(&cli->args, "hsm");
    if (hsm != NULL && tp_hsm_uri_check(hsm, &cli->error) != TP_OK)
        return tp_error_prefix(&cli->error, TP_USAGE, "--hsm");
    if (tp_cli_flag(&cli->args, "spawn") && tp_cli_text(&cli->args, "dir") == NULL)
        return tp_error_set(&cli->error, TP_USAGE, "--spawn is for a deployment of one's own: say --dir DIR");
    return TP_OK;
}

static enum tp_rc read_custodian(struct tp_cli *cli, struct tp_buf *ret_spki)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pki_key_info info;
    const char *path = tp_cli_text(&cli->args, "backup-key");
    if (path == NULL)
        return TP_OK;
    TP_TRY(tp_cli_file_read(path, KEY_MAX, &cli->error, &file));
    enum tp_rc rc = tp_pki_key_read(tp_buf_bytes(&file), &cli->error, ret_spki);
    if (rc == TP_OK)
        rc = tp_pki_key_info(tp_buf_bytes(ret_spki), &cli->error, &info);
    if (rc != TP_OK)
        return tp_error_prefix(&cli->error, rc, "%s", path);
    if (!info.is_rsa)
        return tp_error_set(&cli->error, TP_UNSUPPORTED, "%s: not an RSA key, and only those can wrap (RSA-OAEP)",
                            path);
    return TP_OK;
}

static enum tp_rc find_backup_dir(struct tp_cli *cli, struct ingredients *ingredients)
{
    const char *dir = tp_cli_text(&cli->args, "backup-dir");
    const char *beside = ingredients->conf.store, *slash = strrchr(beside, '/');
    int len = dir != NULL ? snprintf(ingredients->backup_dir, sizeof ingredients->backup_dir, "%s", dir)
                          : snprintf(ingredients->backup_dir, sizeof ingredients->backup_dir, "%.*s",
                                     slash == NULL ? 1 : (int)(slash - beside), slash == NULL ? "." : beside);
    if (len < 0 || (size_t)len >= sizeof ingredients->backup_dir)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the name of the backup directory is too long");
    return TP_OK;
}

/* ---- making ---- */

static void show_progress(void *context, unsigned done, unsigned total, const char *what)
{
    tp_cli_progress_update(context, done, total, what);
}

static enum tp_rc create(struct tp_cli *cli, const struct tp_cli_place *place, const struct ingredients *ingredients,
                         struct tp_buf *ret_audit_spki)
{
    bool backup = ingredients->custodian.len > 0;
    TP_TRY(tp_cli_place_become_owner(cli, place));
    struct tp_cli_progress *progress = tp_cli_progress_begin(cli, "making the deployment");
    enum tp_rc rc = tp_deployment_create(&ingredients->conf, tp_buf_bytes(&ingredients->custodian),
                                         backup ? ingredients->backup_dir : NULL, show_progress, progress, &cli->error,
                                         ret_audit_spki);
    tp_cli_progress_end(progress);
    return rc;
}

static enum tp_rc make(struct tp_cli *cli, struct tp_cli_place *place, struct ingredients *ingredients,
                       struct tp_buf *ret_audit_spki)
{
    TP_TRY(read_custodian(cli, &ingredients->custodian));
    TP_TRY(tp_cli_place_write(cli, place));
    TP_TRY(tp_engine_conf_read(place->engine_conf, &cli->error, &ingredients->conf));
    TP_TRY(find_backup_dir(cli, ingredients));
    TP_TRY(tp_cli_place_watch_lock(cli, ingredients->conf.store, place));
    enum tp_rc rc = create(cli, place, ingredients, ret_audit_spki);
    tp_cli_place_become_self(place);
    return rc;
}

/* ---- telling ---- */

static void say_next(struct tp_cli *cli, const struct tp_cli_place *place)
{
    (void)fprintf(cli->out, "\nNext:\n");
    if (place->service)
        (void)fprintf(cli->out, "  systemctl enable --now trustp11d\n");
    else if (!tp_cli_flag(&cli->args, "spawn"))
        (void)fprintf(cli->out, "  trustp11d engine --config %s\n", place->engine_conf);
    if (!place->service)
        (void)fprintf(cli->out, "  export TRUSTP11_CONF=%s\n", place->client_conf);
    (void)fprintf(cli->out, "  trustp11 doctor\n  trustp11 user add alice\n");
}

static enum tp_rc tell(struct tp_cli *cli, const struct tp_cli_place *place, const struct ingredients *ingredients,
                       struct tp_bytes audit_spki)
{
    static const struct tp_cli_column columns[] = {
        {"engine_conf", "Engine's configuration"},
        {"client_conf", "Clients' configuration"},
        {"store", "Store"},
        {"audit_key", "Log's public key"},
        {"audit_key_sha256", "SHA-256 of that key"},
        {"backup_dir", "Token keys' backup"},
        {NULL, NULL},
    };
    uint8_t hash[TP_SHA256_LEN];
    json_t *object = json_object();
    tp_cli_put_text(cli, object, "engine_conf", place->engine_conf);
    tp_cli_put_text(cli, object, "client_conf", place->client_conf);
    tp_cli_put_text(cli, object, "store", ingredients->conf.store);
    tp_cli_put_text(cli, object, "audit_key", ingredients->conf.audit_key);
    if (tp_sha256(audit_spki, TP_BYTES_NONE, TP_BYTES_NONE, hash) == TP_OK)
        tp_cli_put_hex(cli, object, "audit_key_sha256", TP_BYTES(hash, sizeof hash));
    if (ingredients->custodian.len > 0)
        tp_cli_put_text(cli, object, "backup_dir", ingredients->backup_dir);
    TP_TRY(tp_cli_emit_record(cli, object, columns));
    if (ingredients->custodian.len == 0)
        tp_cli_remark(cli, "There is no backup of the token keys: if the token is lost, every user's key is lost.");
    if (!cli->json)
        say_next(cli, place);
    return TP_OK;
}

enum tp_rc tp_cli_init(struct tp_cli *cli)
{
    struct ingredients ingredients TP_AUTO(ingredients_clear) = {.custodian = TP_BUF_INIT};
    struct tp_buf audit_spki TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_cli_place place;
    TP_TRY(check_options(cli));
    enum tp_rc rc = tp_cli_place_find(cli, &place);
    if (rc == TP_OK)
        rc = make(cli, &place, &ingredients, &audit_spki);
    if (rc != TP_OK) {
        tp_cli_place_undo(&place);
        return rc;
    }
    return tell(cli, &place, &ingredients, tp_buf_bytes(&audit_spki));
}
