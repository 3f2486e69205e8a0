/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the configuration is, and lists in its values.
 */
#include "base/bytes.h"
#include "base/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Folders that are looked into; VARIABLE NULL: the one that is there for everybody. */
static const struct {
    const char *variable;
    const char *below; /* what comes after the variable's value */
} folders[] = {
    {"XDG_CONFIG_HOME", "/trustp11/"},
    {"HOME", "/.config/trustp11/"},
    {NULL, "/etc/trustp11/"},
};

static enum tp_rc hand_out(const char *path, struct tp_error *error, char *ret_path, size_t ret_path_len)
{
    if (strlen(path) >= ret_path_len)
        return tp_error_set(error, TP_TOO_LARGE, "the path of the configuration file is too long: %s", path);
    memcpy(ret_path, path, strlen(path) + 1);
    return TP_OK;
}

enum tp_rc tp_conf_find_named(const char *variable, const char *name, struct tp_error *error, char *ret_path,
                              size_t ret_path_len)
{
    struct tp_buf tried TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf path TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const char *named = secure_getenv(variable);
    if (named != NULL && named[0] != '\0') /* taken whether it exists or not: who names a file wants that one */
        return hand_out(named, error, ret_path, ret_path_len);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *value = folders[i].variable == NULL ? "" : secure_getenv(folders[i].variable);
        if (value == NULL || (folders[i].variable != NULL && value[0] != '/'))
            continue; /* XDG Base Directory Specification: relative paths are to be ignored */
        tp_buf_reset(&path);
        TP_TRY(tp_buf_printf(&path, "%s%s%s", value, folders[i].below, name));
        if (access(tp_buf_string(&path), F_OK) == 0)
            return hand_out(tp_buf_string(&path), error, ret_path, ret_path_len);
        TP_TRY(tp_buf_printf(&tried, "%s%s", tried.len > 0 ? ", " : "", tp_buf_string(&path)));
    }
    return tp_error_set(error, TP_NOT_FOUND,
                        "no configuration file: looked for %s; write one of them, or name yours in %s",
                        tp_buf_string(&tried), variable);
}

enum tp_rc tp_conf_find(struct tp_error *error, char *ret_path, size_t ret_path_len)
{
    return tp_conf_find_named("TRUSTP11_CONF", "trustp11.conf", error, ret_path, ret_path_len);
}

/* The word that starts at *LIST, without the white space around it; *LIST then stands at the next, or is NULL. */
static struct tp_bytes next_word(const char **list)
{
    static const char space[] = " \t";
    const char *start = *list + strspn(*list, space);
    size_t len = strcspn(start, ",");
    *list = start[len] == ',' ? start + len + 1 : NULL;
    while (len > 0 && strchr(space, start[len - 1]) != NULL)
        len--;
    return TP_BYTES(start, len);
}

bool tp_conf_list_item(const char *list, size_t index, char *ret_word, size_t ret_word_len)
{
    while (list != NULL) {
        struct tp_bytes word = next_word(&list);
        if (word.len == 0)
            continue; /* "a,,b" has two words */
        if (index-- > 0)
            continue;
        if (word.len >= ret_word_len)
            return false;
        memcpy(ret_word, word.data, word.len);
        ret_word[word.len] = '\0';
        return true;
    }
    return false;
}
