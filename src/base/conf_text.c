/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a configuration file before NCONF interprets it. NCONF would obey .include, .pragma and $ENV::x, take a
 * file apart at a NUL, join lines at a backslash that happens to be the 511th character, and let the last of two equal
 * keys win; none of that is announced. So the text is looked at first, with lines joined exactly as NCONF joins them.
 */
#include "base/internal.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN ((size_t)500)  /* below NCONF's own buffer of 512, where its joining of lines goes wrong */
#define PLACES_MAX   ((size_t)4096) /* sections and keys: looking for duplicates is quadratic */
#define LINE_SPACE   " \t\r"

struct scan {
    const char *file;
    struct tp_error *error;
    struct tp_conf_places *places;
    struct tp_buf logical; /* the lines joined so far */
    unsigned first_line;   /* where it began */
    unsigned line;
    char *section;
};

static enum tp_rc refuse(const struct scan *scan, unsigned line, const char *why)
{
    return tp_error_set(scan->error, TP_CONFIG, "%s:%u: %s", scan->file, line, why);
}

const struct tp_conf_place *tp_conf_places_find(const struct tp_conf_places *places, const char *section,
                                                const char *key)
{
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->items[i].section, section) == 0 && strcmp(places->items[i].key, key) == 0)
            return &places->items[i];
    return NULL;
}

void tp_conf_places_clear(struct tp_conf_places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->items[i].section);
        free(places->items[i].key);
    }
    free(places->items);
    *places = (struct tp_conf_places){0};
}

static enum tp_rc places_reserve(struct tp_conf_places *places)
{
    if (places->count < places->capacity)
        return TP_OK;
    size_t capacity = places->capacity == 0 ? 32 : 2 * places->capacity;
    struct tp_conf_place *items = reallocarray(places->items, capacity, sizeof(*items));
    if (items == NULL)
        return TP_MEMORY;
    places->items = items;
    places->capacity = capacity;
    return TP_OK;
}

static enum tp_rc places_add(struct tp_conf_places *places, const char *section, const char *key, unsigned line)
{
    if (places->count == PLACES_MAX)
        return TP_TOO_LARGE;
    TP_TRY(places_reserve(places));
    struct tp_conf_place place = {.section = strdup(section), .key = strdup(key), .line = line};
    if (place.section == NULL || place.key == NULL) {
        free(place.section);
        free(place.key);
        return TP_MEMORY;
    }
    places->items[places->count++] = place;
    return TP_OK;
}

/* "[policy x]". Quotes, escapes and expansions would make the name in the file another than the one that counts. */
static enum tp_rc scan_section(struct scan *scan, char *at)
{
    at += strspn(at, LINE_SPACE);
    size_t len = strcspn(at, "]");
    if (at[len] != ']')
        return refuse(scan, scan->first_line, "the section's name lacks its closing bracket");
    while (len > 0 && strchr(LINE_SPACE, at[len - 1]) != NULL)
        len--;
    at[len] = '\0';
    if (len == 0 || strpbrk(at, "\"'`\\$#") != NULL)
        return refuse(scan, scan->first_line,
                      "a section's name must be plain words, without quotes, backslashes and $");
    char *section = strdup(strcmp(at, "default") == 0 ? "" : at); /* NCONF's name for the unnamed section */
    if (section == NULL)
        return TP_MEMORY;
    free(scan->section);
    scan->section = section;
    if (section[0] == '\0' || tp_conf_places_find(scan->places, section, "") != NULL)
        return TP_OK; /* a section may be continued further down */
    return places_add(scan->places, section, "", scan->first_line);
}

static enum tp_rc scan_key(struct scan *scan, char *at)
{
    if (at[0] == '.')
        return refuse(scan, scan->first_line,
                      ".include and .pragma are not allowed: one file holds the whole configuration");
    size_t len = strcspn(at, "=" LINE_SPACE);
    at[len] = '\0';
    if (strstr(at, "::") != NULL)
        return refuse(scan, scan->first_line, "section::key is not allowed: put the key below its [section]");
    const struct tp_conf_place *before = tp_conf_places_find(scan->places, scan->section, at);
    if (len > 0 && before != NULL)
        return tp_error_set(scan->error, TP_CONFIG, "%s:%u: \"%s\" is set a second time, after line %u; remove one",
                            scan->file, scan->first_line, at, before->line);
    return places_add(scan->places, scan->section, at, scan->first_line);
}

static enum tp_rc scan_logical(struct scan *scan)
{
    char *at = (char *)scan->logical.data;
    at += strspn(at, LINE_SPACE);
    if (*at == '\0' || *at == '#')
        return TP_OK;
    if (strstr(at, "ENV::") != NULL)
        return refuse(scan, scan->first_line, "$ENV:: is not allowed: write the value itself");
    return *at == '[' ? scan_section(scan, at + 1) : scan_key(scan, at);
}

static bool has_control(struct tp_bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.data[i] < 0x20 && line.data[i] != '\t') || line.data[i] == 0x7F)
            return true;
    return false;
}

/* As NCONF does it: a last backslash joins, unless the character before it, in what is joined, is one too. */
static bool take_continuation(struct tp_buf *logical)
{
    if (logical->len == 0 || logical->data[logical->len - 1] != '\\' ||
        (logical->len > 1 && logical->data[logical->len - 2] == '\\'))
        return false;
    logical->data[--logical->len] = '\0';
    return true;
}

static enum tp_rc scan_line(struct scan *scan, struct tp_bytes line, bool *joins)
{
    while (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len > LINE_MAX_LEN)
        return refuse(scan, scan->line, "the line is longer than 500 bytes; go on in a new line after a backslash");
    if (has_control(line))
        return refuse(scan, scan->line, "there is a control character in the line");
    if (!*joins) {
        tp_buf_reset(&scan->logical);
        scan->first_line = scan->line;
    }
    TP_TRY(tp_buf_append(&scan->logical, line));
    *joins = take_continuation(&scan->logical);
    return *joins ? TP_OK : scan_logical(scan);
}

static enum tp_rc scan_lines(struct scan *scan, struct tp_bytes text)
{
    bool joins = false;
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.len);
        size_t len = newline == NULL ? text.len : (size_t)(newline - text.data);
        scan->line++;
        TP_TRY(scan_line(scan, TP_BYTES(text.data, len), &joins));
        size_t used = newline == NULL ? len : len + 1;
        text = TP_BYTES(text.data + used, text.len - used);
    }
    return joins ? scan_logical(scan) : TP_OK;
}

enum tp_rc tp_conf_text_scan(const char *file, struct tp_bytes text, struct tp_error *error,
                             struct tp_conf_places *ret_places)
{
    struct tp_conf_places places = {0};
    struct scan scan = {.file = file, .error = error, .places = &places, .section = strdup("")};
    enum tp_rc rc = scan.section == NULL ? TP_MEMORY : scan_lines(&scan, text);
    tp_buf_clear(&scan.logical);
    free(scan.section);
    if (rc != TP_OK) {
        tp_conf_places_clear(&places);
        return rc;
    }
    *ret_places = places;
    return TP_OK;
}
