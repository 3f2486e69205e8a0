/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net_conf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tp_conf_key schema[] = {
    {"", "listen", TP_CONF_STRING, "127.0.0.1:3180", NULL, 0, 0},
    {"", "user", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "connections", TP_CONF_INTEGER, "512", NULL, 1, 16384},
    {"", "time", TP_CONF_DURATION, "10s", NULL, 1000, 600000},
    {"", "access_log", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"engine", "socket", TP_CONF_PATH, "/run/trustp11/engine.sock", NULL, 0, 0},
    {"engine", "user", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"tsa", "path", TP_CONF_STRING, "/tsa", NULL, 0, 0},
    {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0},
};

/* "127.0.0.1:3180" or "[::1]:3180": numbers, so that no name has to be looked up. */
static bool place_parse(const char *text, struct tp_net_place *ret_place)
{
    const char *colon = strrchr(text, ':');
    char *end;
    if (colon == NULL)
        return false;
    const bool bracketed = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    const char *from = bracketed ? text + 1 : text;
    const size_t len = (size_t)(colon - from) - (bracketed ? 1 : 0);
    const unsigned long port = strtoul(colon + 1, &end, 10);
    if (len >= sizeof ret_place->address || colon[1] == '\0' || *end != '\0' || port == 0 || port > UINT16_MAX)
        return false;
    memcpy(ret_place->address, from, len);
    ret_place->address[len] = '\0';
    ret_place->port = (uint16_t)port;
    struct in6_addr number;
    return inet_pton(bracketed ? AF_INET6 : AF_INET, ret_place->address, &number) == 1;
}

static enum tp_rc read_places(const struct tp_conf *file, struct tp_error *error, struct tp_net_conf *conf)
{
    char word[96];
    const char *list = tp_conf_string(file, "", "listen");
    for (size_t i = 0; tp_conf_list_item(list, i, word, sizeof word); i++)
        if (i == TP_NET_PLACES || !place_parse(word, &conf->places[conf->places_len++]))
            return tp_error_set(error, TP_CONFIG, "%s: listen: \"%s\" is not as 127.0.0.1:3180 or [::1]:3180, or one too many",
                                tp_conf_path(file), word);
    return conf->places_len > 0 ? TP_OK : tp_error_set(error, TP_CONFIG, "%s: listen names no address", tp_conf_path(file));
}

static const char *unless_empty(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

static enum tp_rc read_all(struct tp_conf *file, struct tp_error *error, struct tp_net_conf *conf)
{
    conf->user = unless_empty(tp_conf_string(file, "", "user"));
    conf->connections = (unsigned)tp_conf_integer(file, "", "connections");
    conf->time_ms = tp_conf_integer(file, "", "time");
    conf->access_log = tp_conf_boolean(file, "", "access_log");
    conf->engine = tp_conf_string(file, "engine", "socket");
    conf->engine_user = unless_empty(tp_conf_string(file, "engine", "user"));
    conf->tsa = unless_empty(tp_conf_string(file, "tsa", "path"));
    if (conf->tsa != NULL && conf->tsa[0] != '/')
        return tp_error_set(error, TP_CONFIG, "%s: [tsa] path does not begin with \"/\"", tp_conf_path(file));
    return read_places(file, error, conf);
}

enum tp_rc tp_net_conf_read(const char *path, struct tp_error *error, struct tp_net_conf *ret_conf)
{
    struct tp_conf *file TP_AUTO(tp_conf_free_p) = NULL;
    struct tp_net_conf conf = {0};
    TP_TRY(tp_conf_read(path, schema, true, error, &file));
    TP_TRY(read_all(file, error, &conf));
    conf.file = file;
    file = NULL;
    *ret_conf = conf;
    return TP_OK;
}

void tp_net_conf_clear(struct tp_net_conf *conf)
{
    tp_conf_free(conf->file);
    memset(conf, 0, sizeof *conf);
}
