/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a configuration file. Besides not crashing: no value may come from the environment or from
 * another file, and what is refused has words that begin with the file's name and are one line.
 */
#include "base/conf.h"
#include "base/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct tp_conf_key schema[] = {
    {"", "s", TP_CONF_STRING, NULL, NULL, 0, 0},          {"", "n", TP_CONF_INTEGER, "3", NULL, -5, 5},
    {"a", "s", TP_CONF_STRING, "x", NULL, 0, 0},          {"a", "b", TP_CONF_BOOLEAN, "no", NULL, 0, 0},
    {"a", "d", TP_CONF_DURATION, NULL, NULL, 0, 3600000}, {"p *", "f", TP_CONF_PATH, NULL, NULL, 0, 0},
    {"p *", "c", TP_CONF_CHOICE, NULL, "one|two", 0, 0},  {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0},
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What $ENV::E would give: new in each process, and compared by hand, so that the fuzzer cannot learn it and write it
 * into its input. */
static char mark[TP_ID_LEN];

static bool holds_mark(const char *value)
{
    for (; *value != '\0'; value++) {
        size_t same = 0;
        while (same < TP_ID_LEN - 1 && value[same] == mark[same])
            same++;
        if (same == TP_ID_LEN - 1)
            return true;
    }
    return false;
}

static void set_mark(void)
{
    if (mark[0] == '\0')
        require(tp_id_make(mark) == TP_OK && setenv("E", mark, 1) == 0);
}

static void check_values(const struct tp_conf *conf)
{
    static const struct {
        const char *section, *key;
    } strings[] = {{"", "s"}, {"a", "s"}, {"p x", "f"}, {"p x", "c"}};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        const char *value = tp_conf_string(conf, strings[i].section, strings[i].key);
        require(value == NULL || !holds_mark(value));
    }
    int64_t n = tp_conf_integer(conf, "", "n"), d = tp_conf_integer(conf, "a", "d");
    require(n >= -5 && n <= 5 && d >= 0 && d <= 3600000);
    (void)tp_conf_boolean(conf, "a", "b");
}

static void check_refusal(const struct tp_error *error, const char *path, enum tp_rc rc)
{
    require(error->rc == rc && strncmp(error->words, path, strlen(path)) == 0);
    for (const char *at = error->words; *at != '\0'; at++)
        require((unsigned char)*at >= 0x20 && *at != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[32];
    struct tp_error error = {0};
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = NULL;
    set_mark();
    int fd = memfd_create("conf", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum tp_rc rc = tp_conf_read(path, schema, false, &error, &conf);
    if (rc == TP_OK)
        check_values(conf);
    else
        check_refusal(&error, path, rc);
    close(fd);
    return 0;
}
