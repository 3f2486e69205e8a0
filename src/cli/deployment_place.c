/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deployment_place.h"
#include "cli/engine_program.h"
#include "cli/file.h"
#include "cli/reference.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_DIR "/etc/trustp11"
#define STATE_DIR  "/var/lib/trustp11"

/* ---- where ---- */

static enum tp_rc make_dir(struct tp_cli *cli, const char *path, mode_t mode, const char **ret_made)
{
    if (mkdir(path, mode) == 0)
        *ret_made = path;
    else if (errno != EEXIST)
        return tp_error_set(&cli->error, TP_IO, "%s: %s", path, strerror(errno));
    return TP_OK;
}

static enum tp_rc set_paths(struct tp_cli *cli, const char *dir, struct tp_cli_place *place)
{
    int engine_len = snprintf(place->engine_conf, sizeof place->engine_conf, "%s/engine.conf", dir);
    int client_len = snprintf(place->client_conf, sizeof place->client_conf, "%s/trustp11.conf", dir);
    if (engine_len < 0 || client_len < 0 || client_len >= TP_CLI_PLACE_MAX)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the name of the directory is too long");
    return TP_OK;
}

static enum tp_rc set_owner(struct tp_cli *cli, const struct passwd *owner, const char *name,
                            struct tp_cli_place *place)
{
    if (owner == NULL)
        return tp_error_set(&cli->error, TP_NOT_FOUND,
                            "there is no user %s for the engine; systemd-sysusers makes it, or say --service-user",
                            name);
    if (strlen(owner->pw_name) >= sizeof place->owner)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the name of the engine's user is too long");
    strcpy(place->owner, owner->pw_name);
    place->uid = owner->pw_uid;
    place->gid = owner->pw_gid;
    return TP_OK;
}

static enum tp_rc find_service(struct tp_cli *cli, struct tp_cli_place *place)
{
    const char *name = tp_cli_text(&cli->args, "service-user");
    name = name == NULL ? "trustp11" : name;
    if (geteuid() != 0)
        return tp_error_set(&cli->error, TP_NOT_PERMITTED,
                            "a service is made by root; for a deployment of your own, say --dir DIR");
    place->service = true;
    TP_TRY(set_owner(cli, getpwnam(name), name, place));
    TP_TRY(make_dir(cli, SYSTEM_DIR, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH, &place->made_dirs[0]));
    TP_TRY(make_dir(cli, STATE_DIR, S_IRWXU, &place->made_dirs[1]));
    if (chown(STATE_DIR, place->uid, place->gid) != 0)
        return tp_error_set(&cli->error, TP_IO, STATE_DIR ": %s", strerror(errno));
    return set_paths(cli, SYSTEM_DIR, place);
}

enum tp_rc tp_cli_place_find(struct tp_cli *cli, struct tp_cli_place *ret_place)
{
    const char *dir = tp_cli_text(&cli->args, "dir");
    memset(ret_place, 0, sizeof *ret_place);
    if (dir == NULL)
        return find_service(cli, ret_place);
    TP_TRY(set_owner(cli, getpwuid(geteuid()), "of this number", ret_place));
    TP_TRY(make_dir(cli, dir, S_IRWXU, &ret_place->made_dirs[0]));
    char *absolute = realpath(dir, NULL); /* it is told to people, who may be elsewhere by then */
    if (absolute == NULL)
        return tp_error_set(&cli->error, TP_IO, "%s: %s", dir, strerror(errno));
    enum tp_rc rc = set_paths(cli, absolute, ret_place);
    free(absolute);
    return rc;
}

/* ---- the configurations ---- */

/* In a directory of its own everything is beside the configuration; a service has the defaults. */
static enum tp_rc fill_engine(struct tp_cli *cli, const struct tp_cli_place *place, struct tp_buf *ret_text)
{
    bool spawn = tp_cli_flag(&cli->args, "spawn"), own = !place->service;
    const struct tp_cli_setting settings[] = {
        {"name", tp_cli_text(&cli->args, "name")},
        {"hsm", tp_cli_text(&cli->args, "hsm")},
        {"socket", own ? "engine.sock" : NULL},
        {"socket_open", spawn ? "no" : NULL},
        {"store", own ? "store.db" : NULL},
        {"audit_key", own ? "audit.pem" : NULL},
        {NULL, NULL},
    };
    return tp_cli_reference_fill(TP_CLI_ENGINE_CONF, settings, &cli->error, ret_text);
}

static enum tp_rc fill_client(struct tp_cli *cli, const struct tp_cli_place *place, struct tp_buf *ret_text)
{
    char program[PATH_MAX];
    bool spawn = tp_cli_flag(&cli->args, "spawn"), own = !place->service;
    const struct tp_cli_setting settings[] = {
        {"socket", own ? "engine.sock" : NULL},
        {"engine", spawn ? "spawn" : NULL},
        {"engine_user", spawn ? NULL : place->owner},
        {"engine_conf", own ? "engine.conf" : NULL},
        {"engine_program", spawn && tp_cli_engine_program_find(program) ? program : NULL},
        {"users", tp_cli_text(&cli->args, "users")},
        {NULL, NULL},
    };
    return tp_cli_reference_fill(TP_CLI_CLIENT_CONF, settings, &cli->error, ret_text);
}

/* The engine of a service reads its configuration as one of the group: only root may change it. */
static enum tp_rc write_engine(struct tp_cli *cli, struct tp_cli_place *place)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_cli_text(&cli->args, "hsm") == NULL)
        return tp_error_set(&cli->error, TP_USAGE,
                            "say where the token keys live: --hsm 'pkcs11:token=…?module-path=…'");
    TP_TRY(fill_engine(cli, place, &text));
    mode_t mode = place->service ? S_IRUSR | S_IWUSR | S_IRGRP : S_IRUSR | S_IWUSR;
    const gid_t group = place->service ? place->gid : (gid_t)-1;
    TP_TRY(tp_cli_file_write_for(place->engine_conf, mode, group, tp_buf_bytes(&text), &cli->error));
    place->made_engine_conf = true;
    return TP_OK;
}

static enum tp_rc write_client(struct tp_cli *cli, struct tp_cli_place *place)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(fill_client(cli, place, &text));
    const mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
    TP_TRY(tp_cli_file_write_for(place->client_conf, mode, (gid_t)-1, tp_buf_bytes(&text), &cli->error));
    place->made_client_conf = true;
    return TP_OK;
}

enum tp_rc tp_cli_place_write(struct tp_cli *cli, struct tp_cli_place *place)
{
    bool has_engine = access(place->engine_conf, F_OK) == 0, has_client = access(place->client_conf, F_OK) == 0;
    if (has_engine && (tp_cli_text(&cli->args, "hsm") != NULL || tp_cli_text(&cli->args, "name") != NULL))
        return tp_error_set(
            &cli->error, TP_EXISTS,
            "%s is there already and says which HSM and name; leave out --hsm and --name, or move it away",
            place->engine_conf);
    if (!has_engine)
        TP_TRY(write_engine(cli, place));
    return has_client ? TP_OK : write_client(cli, place);
}

enum tp_rc tp_cli_place_watch_lock(struct tp_cli *cli, const char *store, struct tp_cli_place *place)
{
    int len = snprintf(place->lock, sizeof place->lock, "%s.lock", store);
    if (len < 0 || (size_t)len >= sizeof place->lock)
        return tp_error_set(&cli->error, TP_TOO_LARGE, "the name of the store is too long");
    if (access(place->lock, F_OK) == 0)
        place->lock[0] = '\0';
    return TP_OK;
}

void tp_cli_place_undo(const struct tp_cli_place *place)
{
    if (place->lock[0] != '\0')
        (void)unlink(place->lock);
    if (place->made_engine_conf)
        (void)unlink(place->engine_conf);
    if (place->made_client_conf)
        (void)unlink(place->client_conf);
    for (size_t i = 0; i < sizeof place->made_dirs / sizeof place->made_dirs[0]; i++)
        if (place->made_dirs[i] != NULL)
            (void)rmdir(place->made_dirs[i]);
}

/* ---- whose ---- */

/* The effective identity only: files come to belong to the right one, and root can still clean up after a failure. */
enum tp_rc tp_cli_place_become_owner(struct tp_cli *cli, const struct tp_cli_place *place)
{
    if (!place->service)
        return TP_OK;
    if (initgroups(place->owner, place->gid) != 0 || setegid(place->gid) != 0 || seteuid(place->uid) != 0)
        return tp_error_set(&cli->error, TP_IO, "cannot become %s: %s", place->owner, strerror(errno));
    return TP_OK;
}

void tp_cli_place_become_self(const struct tp_cli_place *place)
{
    if (place->service && (seteuid(0) != 0 || setegid(0) != 0))
        return; /* then undoing fails too, and what is left over is named by the next try */
}
