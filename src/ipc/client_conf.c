/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that others may write, or that belongs to somebody else, is refused: it says which process may see PINs.
 */
#include "ipc/client_conf.h"

#include <stdlib.h>
#include <string.h>

struct tp_client_conf {
    struct tp_conf *conf;
    size_t user_count;
    bool serves_all;
    char users[TP_CLIENT_USERS_MAX][TP_CLIENT_USER_LEN];
};

static const struct tp_conf_key schema[] = {
    {"", "socket", TP_CONF_PATH, "/run/trustp11/engine.sock", NULL, 0, 0},
    {"", "engine", TP_CONF_CHOICE, "service", "service|spawn", 0, 0},
    {"", "engine_user", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "engine_conf", TP_CONF_PATH, "/etc/trustp11/engine.conf", NULL, 0, 0},
    {"", "engine_program", TP_CONF_PATH, NULL, NULL, 0, 0},
    {"", "users", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "officer", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "login", TP_CONF_CHOICE, "pin", "pin|session", 0, 0},
    {"", "timeout", TP_CONF_DURATION, "30s", NULL, 1000, 600000},
    {"", "debug", TP_CONF_STRING, NULL, NULL, 0, 0},
    {.section = NULL},
};

static enum tp_rc named_twice(const struct tp_client_conf *conf, const char *name, struct tp_error *error)
{
    return tp_error_set(error, TP_CONFIG, "%s: users: \"%s\" is there twice; name each user once",
                        tp_conf_path(conf->conf), name);
}

/* "*" is no user's name. */
static enum tp_rc add_user(struct tp_client_conf *conf, const char *name, struct tp_error *error)
{
    if (strcmp(name, "*") == 0) {
        if (conf->serves_all)
            return named_twice(conf, name, error);
        conf->serves_all = true;
        return TP_OK;
    }
    if (conf->user_count == TP_CLIENT_USERS_MAX)
        return tp_error_set(error, TP_CONFIG, "%s: users: more than %d; use several configuration files",
                            tp_conf_path(conf->conf), TP_CLIENT_USERS_MAX);
    for (size_t i = 0; i < conf->user_count; i++)
        if (strcmp(conf->users[i], name) == 0)
            return named_twice(conf, name, error);
    memcpy(conf->users[conf->user_count++], name, strlen(name) + 1);
    return TP_OK;
}

static enum tp_rc read_users(struct tp_client_conf *conf, struct tp_error *error)
{
    const char *list = tp_conf_string(conf->conf, "", "users");
    char name[TP_CLIENT_USER_LEN], longer[4096];
    size_t i;
    for (i = 0; tp_conf_list_item(list, i, name, sizeof(name)); i++)
        TP_TRY(add_user(conf, name, error));
    /* A name that did not fit ends the loop like the end of the list does. */
    if (tp_conf_list_item(list, i, longer, sizeof(longer)))
        return tp_error_set(error, TP_CONFIG, "%s: users: a name is longer than %d bytes; correct it",
                            tp_conf_path(conf->conf), TP_CLIENT_USER_LEN - 1);
    return TP_OK;
}

static enum tp_rc check_officer(const struct tp_client_conf *conf, struct tp_error *error)
{
    const char *name = tp_client_conf_officer(conf);
    if (name == NULL || (name[0] != '\0' && strlen(name) < TP_CLIENT_USER_LEN))
        return TP_OK;
    return tp_error_set(error, TP_CONFIG, "%s: officer: the name is %s; give one user's", tp_conf_path(conf->conf),
                        name[0] == '\0' ? "empty" : "too long");
}

enum tp_rc tp_client_conf_read(const char *path, struct tp_error *error, struct tp_client_conf **ret_conf)
{
    char found[4096];
    if (path == NULL) {
        TP_TRY(tp_conf_find(error, found, sizeof(found)));
        path = found;
    }
    struct tp_client_conf *conf TP_AUTO(tp_client_conf_free_p) = calloc(1, sizeof(*conf));
    if (conf == NULL)
        return tp_error_set(error, TP_MEMORY, "%s: out of memory", path);
    TP_TRY(tp_conf_read(path, schema, true, error, &conf->conf));
    TP_TRY(read_users(conf, error));
    TP_TRY(check_officer(conf, error));
    *ret_conf = conf;
    conf = NULL;
    return TP_OK;
}

void tp_client_conf_free(struct tp_client_conf *conf)
{
    if (conf == NULL)
        return;
    if (conf->conf != NULL)
        tp_conf_free(conf->conf);
    free(conf);
}

const char *tp_client_conf_path(const struct tp_client_conf *conf)
{
    return tp_conf_path(conf->conf);
}

/* Who must be behind the socket when the file does not say: the service's own user, or whoever started the engine. */
static const char *engine_user(const struct tp_client_conf *conf, bool spawn)
{
    const char *user = tp_conf_string(conf->conf, "", "engine_user");
    return user == NULL && !spawn ? "trustp11" : user;
}

void tp_client_conf_ipc(const struct tp_client_conf *conf, struct tp_ipc_client_config *ret_config)
{
    bool spawn = strcmp(tp_conf_string(conf->conf, "", "engine"), "spawn") == 0;
    *ret_config = (struct tp_ipc_client_config){
        .socket_path = tp_conf_string(conf->conf, "", "socket"),
        .engine_user = engine_user(conf, spawn),
        .spawn = spawn,
        .engine_conf = tp_client_conf_engine_conf(conf),
        .engine_program = tp_conf_string(conf->conf, "", "engine_program"),
        .program = NULL,
        .timeout_ms = tp_conf_integer(conf->conf, "", "timeout"),
    };
}

size_t tp_client_conf_users(const struct tp_client_conf *conf)
{
    return conf->user_count;
}

const char *tp_client_conf_user(const struct tp_client_conf *conf, size_t index)
{
    return index < conf->user_count ? conf->users[index] : NULL;
}

const char *tp_client_conf_officer(const struct tp_client_conf *conf)
{
    return tp_conf_string(conf->conf, "", "officer");
}

bool tp_client_conf_serves_all(const struct tp_client_conf *conf)
{
    return conf->serves_all;
}

bool tp_client_conf_session_login(const struct tp_client_conf *conf)
{
    return strcmp(tp_conf_string(conf->conf, "", "login"), "session") == 0;
}

const char *tp_client_conf_engine_conf(const struct tp_client_conf *conf)
{
    return tp_conf_string(conf->conf, "", "engine_conf");
}

const char *tp_client_conf_debug(const struct tp_client_conf *conf)
{
    return tp_conf_string(conf->conf, "", "debug");
}
