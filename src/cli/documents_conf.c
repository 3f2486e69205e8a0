/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/documents_conf.h"
#include "base/conf.h"
#include "cli/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATTERN      "tsa *"
#define PATTERN_LEN  (sizeof PATTERN - 2) /* "tsa " */
#define ANCHORS_FILE ((size_t)8 << 20)
#define RECENT_MS    600000 /* as in the schema */

#define OR_LEVEL(id, name, other) "|" name "|" other
static const char LEVELS[] = TP_PADES_LEVELS(OR_LEVEL);

static const struct tp_conf_key schema[] = {
    {PATTERN, "url", TP_CONF_STRING, NULL, NULL, 0, 0},
    {PATTERN, "policy", TP_CONF_STRING, NULL, NULL, 0, 0},
    {PATTERN, "ca_file", TP_CONF_PATH, NULL, NULL, 0, 0},
    {PATTERN, "certificate_file", TP_CONF_PATH, NULL, NULL, 0, 0},
    {PATTERN, "key_file", TP_CONF_PATH, NULL, NULL, 0, 0},
    {PATTERN, "user", TP_CONF_STRING, NULL, NULL, 0, 0},
    {PATTERN, "password_file", TP_CONF_PATH, NULL, NULL, 0, 0},
    {PATTERN, "timeout", TP_CONF_DURATION, "15s", NULL, 1000, 600000},
    {"trust", "signers", TP_CONF_PATH, NULL, NULL, 0, 0},
    {"trust", "tsas", TP_CONF_PATH, "tsa-trust", NULL, 0, 0},
    {"cache", "dir", TP_CONF_PATH, NULL, NULL, 0, 0},
    {"cache", "recent", TP_CONF_DURATION, "10m", NULL, 1000, INT64_C(10) * 365 * 86400 * 1000},
    {"signing", "level", TP_CONF_CHOICE, "B-B", &LEVELS[1], 0, 0}, /* without the first bar */
    {"signing", "key", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"signing", "certificate", TP_CONF_PATH, NULL, NULL, 0, 0},
    {"signing", "hash", TP_CONF_CHOICE, NULL, "sha256|sha384|sha512|sha3-256|sha3-384|sha3-512", 0, 0},
    {.section = NULL},
};

struct tp_documents_conf {
    struct tp_conf *conf; /* NULL: there is no file */
    char *folder, *tsa_trust, *cache;
    struct tp_tsa_place places[TP_TSA_MOST];
    const char *names[TP_TSA_MOST];
    struct tp_secret *passwords[TP_TSA_MOST];
    size_t places_len;
};

/* ---- reading ---- */

/* The first line of the file. */
static enum tp_rc read_password(const char *path, struct tp_error *error, struct tp_secret **ret_password)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_cli_file_read_secret(path, error, &secret));
    const struct tp_bytes bytes = tp_secret_bytes(secret);
    const uint8_t *end = bytes.len > 0 ? memchr(bytes.data, '\n', bytes.len) : NULL;
    if (end != NULL)
        TP_TRY(tp_secret_set_len(secret, (size_t)(end - bytes.data)));
    *ret_password = secret;
    secret = NULL;
    return TP_OK;
}

static enum tp_rc check_place(const struct tp_documents_conf *conf, const char *section,
                              const struct tp_tsa_place *place, struct tp_error *error)
{
    const char *file = tp_conf_path(conf->conf), *password = tp_conf_string(conf->conf, section, "password_file");
    if (place->url == NULL)
        return tp_error_set(error, TP_CONFIG, "%s: [%s] has no url", file, section);
    if ((place->access.user == NULL) != (password == NULL))
        return tp_error_set(error, TP_CONFIG, "%s: [%s]: user and password_file belong together", file, section);
    if ((place->access.certificate_file == NULL) != (place->access.key_file == NULL))
        return tp_error_set(error, TP_CONFIG, "%s: [%s]: certificate_file and key_file belong together", file, section);
    const enum tp_rc rc = tp_tsa_place_check(place, error);
    return rc == TP_OK || rc == TP_MEMORY ? rc : tp_error_prefix(error, TP_CONFIG, "%s: [%s]", file, section);
}

static enum tp_rc read_tsa(struct tp_documents_conf *conf, const char *section, struct tp_error *error)
{
    const struct tp_conf *from = conf->conf;
    struct tp_tsa_place *place = &conf->places[conf->places_len];
    *place = (struct tp_tsa_place){.url = tp_conf_string(from, section, "url"),
                                   .policy = tp_conf_string(from, section, "policy"),
                                   .timeout_ms = tp_conf_integer(from, section, "timeout"),
                                   .access = {.ca_file = tp_conf_string(from, section, "ca_file"),
                                              .certificate_file = tp_conf_string(from, section, "certificate_file"),
                                              .key_file = tp_conf_string(from, section, "key_file"),
                                              .user = tp_conf_string(from, section, "user")}};
    TP_TRY(check_place(conf, section, place, error));
    const char *password = tp_conf_string(from, section, "password_file");
    if (password != NULL) {
        const enum tp_rc rc = read_password(password, error, &conf->passwords[conf->places_len]);
        if (rc != TP_OK)
            return tp_error_prefix(error, rc, "%s: [%s]", tp_conf_path(from), section);
        place->access.password = conf->passwords[conf->places_len];
    }
    conf->names[conf->places_len++] = section + PATTERN_LEN;
    return TP_OK;
}

static enum tp_rc read_tsas(struct tp_documents_conf *conf, struct tp_error *error)
{
    const char *section;
    for (size_t i = 0; (section = tp_conf_section(conf->conf, PATTERN, i)) != NULL; i++) {
        if (i == TP_TSA_MOST)
            return tp_error_set(error, TP_CONFIG, "%s: more than %d [tsa] sections", tp_conf_path(conf->conf),
                                TP_TSA_MOST);
        TP_TRY(read_tsa(conf, section, error));
    }
    return TP_OK;
}

static enum tp_rc read_signing(struct tp_documents_conf *conf, struct tp_error *error)
{
    if (tp_documents_conf_certificate(conf) != NULL && tp_documents_conf_key(conf) == NULL)
        return tp_error_set(error, TP_CONFIG, "%s: [signing] has a certificate without the key that it is of", tp_conf_path(conf->conf));
    return TP_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder of ours in the user's: $VARIABLE/trustp11/NAME, or below HOME; NULL without either, or memory. Services have
 * homes like /nonexistent, which nobody is to make for them. */
static char *own_folder(const char *variable, const char *below_home, const char *name)
{
    char *path = NULL;
    const char *base = secure_getenv(variable), *home = secure_getenv("HOME");
    int len = -1;
    if (base != NULL && base[0] == '/')
        len = asprintf(&path, "%s/trustp11%s", base, name);
    else if (home != NULL && home[0] == '/' && is_folder(home))
        len = asprintf(&path, "%s%s/trustp11%s", home, below_home, name);
    return len < 0 ? NULL : path;
}

static void set_folders(struct tp_documents_conf *conf)
{
    conf->folder = conf->conf != NULL ? tp_cli_file_folder(tp_conf_path(conf->conf)) : NULL;
    const char *cache = conf->conf != NULL ? tp_conf_string(conf->conf, "cache", "dir") : NULL;
    conf->cache = cache != NULL ? strdup(cache) : own_folder("XDG_CACHE_HOME", "/.cache", "/evidence");
    conf->tsa_trust = conf->conf != NULL ? strdup(tp_conf_string(conf->conf, "trust", "tsas"))
                                         : own_folder("XDG_CONFIG_HOME", "/.config", "/tsa-trust");
}

static enum tp_rc read_file(struct tp_documents_conf *conf, const char *path, struct tp_error *error)
{
    char found[PATH_MAX];
    if (path == NULL) {
        const enum tp_rc rc = tp_conf_find_named("TRUSTP11_DOCUMENTS", "documents.conf", error, found, sizeof found);
        if (rc == TP_NOT_FOUND)
            tp_error_clear(error);
        if (rc != TP_OK)
            return rc == TP_NOT_FOUND ? TP_OK : rc;
        path = found;
    }
    TP_TRY(tp_conf_read(path, schema, true, error, &conf->conf));
    TP_TRY(read_signing(conf, error));
    return read_tsas(conf, error);
}

enum tp_rc tp_documents_conf_read(const char *path, struct tp_error *error, struct tp_documents_conf **ret_conf)
{
    struct tp_documents_conf *conf TP_AUTO(tp_documents_conf_free_p) = calloc(1, sizeof *conf);
    struct tp_error own = {0};
    if (conf == NULL)
        return TP_MEMORY;
    const enum tp_rc rc = read_file(conf, path, error != NULL ? error : &own);
    TP_TRY(rc);
    set_folders(conf);
    *ret_conf = conf;
    conf = NULL;
    return TP_OK;
}

void tp_documents_conf_free(struct tp_documents_conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; i < TP_TSA_MOST; i++)
        tp_secret_free(conf->passwords[i]);
    if (conf->conf != NULL)
        tp_conf_free(conf->conf);
    free(conf->folder);
    free(conf->tsa_trust);
    free(conf->cache);
    free(conf);
}

const char *tp_documents_conf_path(const struct tp_documents_conf *conf)
{
    return conf->conf != NULL ? tp_conf_path(conf->conf) : NULL;
}

/* ---- TSAs ---- */

const char *tp_documents_conf_tsa_name(const struct tp_documents_conf *conf, size_t index)
{
    return index < conf->places_len ? conf->names[index] : NULL;
}

const struct tp_tsa_place *tp_documents_conf_tsas(const struct tp_documents_conf *conf, size_t *ret_len)
{
    *ret_len = conf->places_len;
    return conf->places;
}

static struct tp_tsa_place place_of(const struct tp_documents_conf *conf, const char *url)
{
    for (size_t i = 0; i < conf->places_len; i++)
        if (strcmp(conf->places[i].url, url) == 0)
            return conf->places[i];
    return (struct tp_tsa_place){.url = url};
}

size_t tp_documents_conf_places(const struct tp_documents_conf *conf, const char *const *urls, size_t urls_len,
                                struct tp_tsa_place ret_places[TP_TSA_MOST])
{
    size_t len = 0;
    for (size_t i = 0; i < urls_len && len < TP_TSA_MOST; i++)
        ret_places[len++] = place_of(conf, urls[i]);
    for (size_t i = 0; urls_len == 0 && i < conf->places_len; i++)
        ret_places[len++] = conf->places[i];
    return len;
}

/* ---- anchors ---- */

static enum tp_rc add_file(struct tp_pki_anchors *anchors, const char *path, struct tp_error *error)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_file_read(path, ANCHORS_FILE, error, &file));
    const enum tp_rc rc = tp_pki_anchors_add_file(anchors, tp_buf_bytes(&file), error);
    return rc == TP_OK ? rc : tp_error_prefix(error, rc, "%s", path);
}

static int is_certificate_file(const struct dirent *entry)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"};
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot != NULL && entry->d_name[0] != '.' && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

/* By name, so that the same folder gives the same words. */
static enum tp_rc add_folder(struct tp_pki_anchors *anchors, const char *path, struct tp_error *error)
{
    struct dirent **entries = NULL;
    const int len = scandir(path, &entries, is_certificate_file, alphasort);
    if (len < 0)
        return tp_error_set(error, TP_IO, "%s: %s", path, strerrordesc_np(errno));
    enum tp_rc rc = TP_OK;
    for (int i = 0; i < len; i++) {
        char file[PATH_MAX];
        const bool fits = (size_t)snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name) < sizeof file;
        if (rc == TP_OK)
            rc = fits ? add_file(anchors, file, error) : TP_TOO_LARGE;
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static enum tp_rc add_path(struct tp_pki_anchors *anchors, const char *path, struct tp_error *error)
{
    return is_folder(path) ? add_folder(anchors, path, error) : add_file(anchors, path, error);
}

/* The default folder need not be there. */
static enum tp_rc add_tsas(const struct tp_documents_conf *conf, struct tp_pki_anchors *anchors, struct tp_error *error)
{
    struct stat st;
    if (conf->tsa_trust == NULL || (stat(conf->tsa_trust, &st) != 0 && errno == ENOENT))
        return TP_OK;
    return add_path(anchors, conf->tsa_trust, error);
}

static enum tp_rc fill_anchors(const struct tp_documents_conf *conf, enum tp_documents_trust trust,
                               const char *const *files, size_t files_len, struct tp_error *error,
                               struct tp_pki_anchors *anchors)
{
    const char *signers = conf->conf != NULL ? tp_conf_string(conf->conf, "trust", "signers") : NULL;
    for (size_t i = 0; i < files_len; i++)
        TP_TRY(add_path(anchors, files[i], error));
    if (trust == TP_DOCUMENTS_TSAS)
        TP_TRY(add_tsas(conf, anchors, error));
    if (tp_pki_anchors_len(anchors) == 0 && files_len == 0 && signers != NULL)
        return add_path(anchors, signers, error);
    return TP_OK;
}

enum tp_rc tp_documents_conf_anchors(const struct tp_documents_conf *conf, enum tp_documents_trust trust,
                                     const char *const *files, size_t files_len, struct tp_error *error,
                                     struct tp_pki_anchors **ret_anchors)
{
    struct tp_pki_anchors *anchors TP_AUTO(tp_pki_anchors_free_p) = NULL;
    TP_TRY(tp_pki_anchors_new(&anchors));
    TP_TRY(fill_anchors(conf, trust, files, files_len, error, anchors));
    *ret_anchors = anchors;
    anchors = NULL;
    return TP_OK;
}

const char *tp_documents_conf_tsa_trust(const struct tp_documents_conf *conf)
{
    return conf->tsa_trust;
}

/* ---- the rest ---- */

enum tp_rc tp_documents_conf_source(const struct tp_documents_conf *conf, enum tp_documents_asking asking, struct tp_error *error,
                                    struct tp_validation_source **ret_source)
{
    struct tp_validation_source_config config = {
        .cache_dir = conf->cache,
        .offline = asking == TP_DOCUMENTS_OFFLINE,
        .always = asking == TP_DOCUMENTS_ASK_ALWAYS,
        .recent_ms = conf->conf != NULL ? tp_conf_integer(conf->conf, "cache", "recent") : RECENT_MS};
    enum tp_rc rc = tp_validation_source_new(&config, error, ret_source);
    const bool chosen = conf->conf != NULL && tp_conf_string(conf->conf, "cache", "dir") != NULL;
    if (rc != TP_IO || chosen)
        return rc;
    config.cache_dir = NULL; /* a home that cannot be written to is no reason to fail */
    tp_error_clear(error);
    return tp_validation_source_new(&config, error, ret_source);
}

const char *tp_documents_conf_key(const struct tp_documents_conf *conf)
{
    return conf->conf == NULL ? NULL : tp_conf_string(conf->conf, "signing", "key");
}

const char *tp_documents_conf_certificate(const struct tp_documents_conf *conf)
{
    return conf->conf == NULL ? NULL : tp_conf_string(conf->conf, "signing", "certificate");
}

const char *tp_documents_conf_folder(const struct tp_documents_conf *conf)
{
    return conf->folder;
}

enum tp_pades_level tp_documents_conf_level(const struct tp_documents_conf *conf)
{
    return conf->conf != NULL ? tp_pades_level_parse(tp_conf_string(conf->conf, "signing", "level")) : TP_PADES_B_B;
}

enum tp_pki_hash tp_documents_conf_hash_wish(const struct tp_documents_conf *conf)
{
    const char *name = conf->conf != NULL ? tp_conf_string(conf->conf, "signing", "hash") : NULL;
    return name != NULL ? tp_pki_hash_parse(name) : TP_PKI_HASH_NONE;
}

enum tp_pki_hash tp_documents_conf_hash(const struct tp_documents_conf *conf)
{
    const enum tp_pki_hash wish = tp_documents_conf_hash_wish(conf);
    return wish != TP_PKI_HASH_NONE ? wish : TP_PKI_SHA256;
}
