/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading: the text is scanned (conf_text.c), then interpreted by NCONF, then every value is taken over into a table of
 * our own. NCONF_get_string() is not used: it looks a missing key up in the unnamed section, and for the section "ENV"
 * in the environment. NCONF strips quotes and backslashes from values: a backslash is written "\\".
 */
#include "base/conf.h"
#include "base/crypto.h"
#include "base/internal.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNNAMED_SECTION "default" /* NCONF's name for what comes before the first section */

struct item {
    const struct tp_conf_key *row;
    char *section;
    struct tp_conf_value value;
};

struct tp_conf {
    char *path;   /* absolute */
    char *folder; /* of the file */
    const struct tp_conf_key *schema;
    struct tp_conf_value *fallbacks; /* one for each row of the schema; no text where there is none */
    struct item *items;
    size_t item_count, item_capacity;
    struct tp_conf_places places; /* of the file's sections and keys, in its order */
};

/* What reading needs besides what it makes. */
struct reader {
    const char *file; /* as the caller named it: for the words */
    struct tp_error *error;
    struct tp_conf *conf;
};

/* ---- schema ---- */

static bool section_matches(const char *pattern, const char *section)
{
    size_t len = strlen(pattern);
    if (len == 0 || pattern[len - 1] != '*')
        return strcmp(pattern, section) == 0;
    return strncmp(pattern, section, len - 1) == 0 && section[len - 1] != '\0';
}

static const struct tp_conf_key *row_find(const struct tp_conf_key *schema, const char *section, const char *key)
{
    for (const struct tp_conf_key *row = schema; row->section != NULL; row++)
        if (strcmp(row->key, key) == 0 && section_matches(row->section, section))
            return row;
    return NULL;
}

static bool section_known(const struct tp_conf_key *schema, const char *section)
{
    const struct tp_conf_key *row = schema;
    while (row->section != NULL && !section_matches(row->section, section))
        row++;
    return row->section != NULL;
}

/* ---- words ---- */

static void list_add(struct tp_buf *list, const char *before, const char *word, const char *after)
{
    if (tp_buf_printf(list, "%s%s%s%s", list->len > 0 ? ", " : "", before, word, after) != TP_OK)
        tp_buf_reset(list); /* words without the list are better than none */
}

static enum tp_rc refuse_section(const struct reader *reader, const char *section, unsigned line)
{
    struct tp_buf known TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *last = "";
    for (const struct tp_conf_key *row = reader->conf->schema; row->section != NULL; row++) {
        if (row->section[0] != '\0' && strcmp(row->section, last) != 0)
            list_add(&known, "[", row->section, "]");
        last = row->section;
    }
    if (known.len == 0)
        return tp_error_set(reader->error, TP_CONFIG,
                            "%s:%u: unknown section [%s]; this file has keys, and no sections", reader->file, line,
                            section);
    return tp_error_set(reader->error, TP_CONFIG, "%s:%u: unknown section [%s]; known sections are %s", reader->file,
                        line, section, tp_buf_string(&known));
}

static enum tp_rc refuse_key(const struct reader *reader, const struct tp_conf_place *place)
{
    struct tp_buf known TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    for (const struct tp_conf_key *row = reader->conf->schema; row->section != NULL; row++)
        if (section_matches(row->section, place->section))
            list_add(&known, "", row->key, "");
    if (place->section[0] == '\0')
        return tp_error_set(reader->error, TP_CONFIG,
                            "%s:%u: unknown key \"%s\" before the first section; known keys are %s", reader->file,
                            place->line, place->key, known.len > 0 ? tp_buf_string(&known) : "none: add a [section]");
    return tp_error_set(reader->error, TP_CONFIG, "%s:%u: unknown key \"%s\" in section [%s]; known keys are %s",
                        reader->file, place->line, place->key, place->section, tp_buf_string(&known));
}

/* ---- interpreting ---- */

/* Why NCONF did not like the text. */
static enum tp_rc refuse_syntax(const struct reader *reader, long line)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return tp_error_set(reader->error, TP_CONFIG, "%s:%ld: %s; see config(5ssl) for the syntax", reader->file, line,
                        reason == NULL ? "not understood" : reason);
}

static enum tp_rc load_text(const struct reader *reader, struct tp_bytes text, CONF **ret_nconf)
{
    OSSL_LIB_CTX *libctx = tp_crypto_libctx();
    CONF *nconf = libctx == NULL ? NULL : NCONF_new_ex(libctx, NULL);
    BIO *bio = BIO_new_mem_buf(text.len > 0 ? (const void *)text.data : "", (int)text.len);
    enum tp_rc rc = nconf == NULL || bio == NULL ? TP_MEMORY : TP_OK;
    long line = 0;
    (void)ERR_set_mark();
    if (rc == TP_OK && NCONF_load_bio(nconf, bio, &line) != 1)
        rc = refuse_syntax(reader, line);
    (void)ERR_pop_to_mark();
    BIO_free(bio);
    if (rc == TP_OK)
        *ret_nconf = nconf;
    else
        NCONF_free(nconf);
    return rc;
}

/* ---- taking over ---- */

static enum tp_rc items_reserve(struct tp_conf *conf)
{
    if (conf->item_count < conf->item_capacity)
        return TP_OK;
    size_t capacity = conf->item_capacity == 0 ? 32 : 2 * conf->item_capacity;
    struct item *items = reallocarray(conf->items, capacity, sizeof(*items));
    if (items == NULL)
        return TP_MEMORY;
    conf->items = items;
    conf->item_capacity = capacity;
    return TP_OK;
}

static enum tp_rc item_add(struct tp_conf *conf, const char *section, const struct tp_conf_key *row,
                           struct tp_conf_value value)
{
    TP_TRY(items_reserve(conf));
    char *copy = strdup(section);
    if (copy == NULL)
        return TP_MEMORY;
    conf->items[conf->item_count++] = (struct item){.row = row, .section = copy, .value = value};
    return TP_OK;
}

static enum tp_rc take_value(const struct reader *reader, const char *section, const char *key, const char *text)
{
    const struct tp_conf_place *place = tp_conf_places_find(&reader->conf->places, section, key);
    if (place == NULL) /* NCONF has read another key than a person does */
        return tp_error_set(reader->error, TP_CONFIG,
                            "%s: \"%s\" in section [%s] is written in a way that is not clear; "
                            "use plain words and no backslashes in names",
                            reader->file, key, section);
    const struct tp_conf_key *row = row_find(reader->conf->schema, section, key);
    if (row == NULL)
        return refuse_key(reader, place);
    struct tp_conf_value value = {0};
    enum tp_rc rc = tp_conf_value_parse(row, reader->conf->folder, text, reader->error, &value);
    if (rc != TP_OK)
        return tp_error_prefix(reader->error, rc, "%s:%u: %s", reader->file, place->line, key);
    rc = item_add(reader->conf, section, row, value);
    if (rc != TP_OK)
        tp_conf_value_clear(&value);
    return rc;
}

static enum tp_rc take_section(const struct reader *reader, const CONF *nconf, const char *name)
{
    const char *section = strcmp(name, UNNAMED_SECTION) == 0 ? "" : name;
    if (section[0] != '\0' && !section_known(reader->conf->schema, section)) {
        const struct tp_conf_place *place = tp_conf_places_find(&reader->conf->places, section, "");
        return refuse_section(reader, section, place == NULL ? 0 : place->line);
    }
    STACK_OF(CONF_VALUE) *values = NCONF_get_section(nconf, name);
    for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *value = sk_CONF_VALUE_value(values, i);
        TP_TRY(take_value(reader, section, value->name, value->value));
    }
    return TP_OK;
}

static int compare_names(const char *const *a, const char *const *b)
{
    return strcmp(*a, *b);
}

/* In the order of the names, since NCONF's own is that of a hash table: the same file gives the same words. */
static enum tp_rc take_sections(const struct reader *reader, const CONF *nconf)
{
    STACK_OF(OPENSSL_CSTRING) *names = NCONF_get_section_names(nconf);
    if (names == NULL)
        return TP_MEMORY;
    (void)sk_OPENSSL_CSTRING_set_cmp_func(names, compare_names);
    sk_OPENSSL_CSTRING_sort(names);
    enum tp_rc rc = TP_OK;
    for (int i = 0; rc == TP_OK && i < sk_OPENSSL_CSTRING_num(names); i++)
        rc = take_section(reader, nconf, sk_OPENSSL_CSTRING_value(names, i));
    sk_OPENSSL_CSTRING_free(names);
    return rc;
}

/* ---- the handle ---- */

static enum tp_rc set_path(struct tp_conf *conf, const char *file)
{
    struct tp_buf path TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (file[0] != '/') {
        char *here = getcwd(NULL, 0);
        enum tp_rc rc = here == NULL ? TP_IO : tp_buf_printf(&path, "%s/", strcmp(here, "/") == 0 ? "" : here);
        free(here);
        TP_TRY(rc);
    }
    TP_TRY(tp_buf_append_string(&path, file));
    const char *slash = strrchr(tp_buf_string(&path), '/');
    size_t folder_len = (size_t)(slash - tp_buf_string(&path));
    conf->path = strdup(tp_buf_string(&path));
    conf->folder = folder_len == 0 ? strdup("/") : strndup(tp_buf_string(&path), folder_len);
    return conf->path == NULL || conf->folder == NULL ? TP_MEMORY : TP_OK;
}

/* A default that does not fit its own row is a mistake in the program. */
static enum tp_rc set_fallbacks(struct tp_conf *conf, struct tp_error *error)
{
    size_t count = 0;
    while (conf->schema[count].section != NULL)
        count++;
    conf->fallbacks = calloc(count + 1, sizeof(*conf->fallbacks));
    if (conf->fallbacks == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct tp_conf_key *row = &conf->schema[i];
        if (row->fallback == NULL)
            continue;
        enum tp_rc rc = tp_conf_value_parse(row, conf->folder, row->fallback, error, &conf->fallbacks[i]);
        if (rc != TP_OK)
            return tp_error_prefix(error, rc == TP_CONFIG ? TP_INTERNAL : rc, "the default of %s", row->key);
    }
    return TP_OK;
}

static enum tp_rc read_into(struct reader *reader, bool owner_only)
{
    static const uint8_t bom[] = {0xEF, 0xBB, 0xBF}; /* some editors put one first; NCONF skips it too */
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(set_path(reader->conf, reader->file));
    TP_TRY(set_fallbacks(reader->conf, reader->error));
    TP_TRY(tp_conf_file_read(reader->file, owner_only, reader->error, &text));
    struct tp_bytes content = tp_buf_bytes(&text);
    if (content.len >= sizeof(bom) && memcmp(content.data, bom, sizeof(bom)) == 0)
        content = TP_BYTES(content.data + sizeof(bom), content.len - sizeof(bom));
    TP_TRY(tp_conf_text_scan(reader->file, content, reader->error, &reader->conf->places));
    CONF *nconf = NULL;
    TP_TRY(load_text(reader, content, &nconf));
    enum tp_rc rc = take_sections(reader, nconf);
    NCONF_free(nconf);
    return rc;
}

enum tp_rc tp_conf_read(const char *path, const struct tp_conf_key *schema, bool owner_only, struct tp_error *error,
                        struct tp_conf **ret_conf)
{
    struct tp_error own = {0}; /* so that codes without words get the file's name too */
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = calloc(1, sizeof(*conf));
    if (conf == NULL)
        return tp_error_set(error, TP_MEMORY, "%s: %s", path, tp_rc_words(TP_MEMORY));
    conf->schema = schema;
    struct reader reader = {.file = path, .error = &own, .conf = conf};
    enum tp_rc rc = read_into(&reader, owner_only);
    if (rc != TP_OK)
        return own.rc == rc ? tp_error_set(error, rc, "%s", own.words)
                            : tp_error_set(error, rc, "%s: %s", path, tp_rc_words(rc));
    *ret_conf = conf;
    conf = NULL;
    return TP_OK;
}

void tp_conf_free(struct tp_conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; conf->fallbacks != NULL && conf->schema[i].section != NULL; i++)
        tp_conf_value_clear(&conf->fallbacks[i]);
    for (size_t i = 0; i < conf->item_count; i++) {
        tp_conf_value_clear(&conf->items[i].value);
        free(conf->items[i].section);
    }
    tp_conf_places_clear(&conf->places);
    free(conf->fallbacks);
    free(conf->items);
    free(conf->path);
    free(conf->folder);
    free(conf);
}

const char *tp_conf_path(const struct tp_conf *conf)
{
    return conf->path;
}

const char *tp_conf_section(const struct tp_conf *conf, const char *pattern, size_t index)
{
    for (size_t i = 0; i < conf->places.count; i++) {
        const struct tp_conf_place *place = &conf->places.items[i];
        const bool is_section = place->key[0] == '\0' && section_matches(pattern, place->section) &&
                                tp_conf_places_find(&conf->places, place->section, "") == place; /* one may be continued */
        if (is_section && index-- == 0)
            return place->section;
    }
    return NULL;
}

static const struct item *item_find(const struct tp_conf *conf, const char *section, const struct tp_conf_key *row)
{
    for (size_t i = 0; i < conf->item_count; i++)
        if (conf->items[i].row == row && strcmp(conf->items[i].section, section) == 0)
            return &conf->items[i];
    return NULL;
}

/* TYPES: bit t is set when the caller's function reads type t. */
static const struct tp_conf_value *value_of(const struct tp_conf *conf, const char *section, const char *key,
                                            unsigned types)
{
    const struct tp_conf_key *row = row_find(conf->schema, section, key);
    if (row == NULL || (types >> row->type & 1) == 0)
        abort();
    const struct item *item = item_find(conf, section, row);
    return item != NULL ? &item->value : &conf->fallbacks[row - conf->schema];
}

const char *tp_conf_string(const struct tp_conf *conf, const char *section, const char *key)
{
    return value_of(conf, section, key, 1u << TP_CONF_STRING | 1u << TP_CONF_PATH | 1u << TP_CONF_CHOICE)->text;
}

int64_t tp_conf_integer(const struct tp_conf *conf, const char *section, const char *key)
{
    return value_of(conf, section, key, 1u << TP_CONF_INTEGER | 1u << TP_CONF_DURATION)->number;
}

bool tp_conf_boolean(const struct tp_conf *conf, const char *section, const char *key)
{
    return value_of(conf, section, key, 1u << TP_CONF_BOOLEAN)->number != 0;
}
