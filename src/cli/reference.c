/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reference.h"
#include "cli/reference_text.h"

#include <string.h>

static const char *const texts[] = {
    [TP_CLI_ENGINE_CONF] = reference_engine_conf,
    [TP_CLI_CLIENT_CONF] = reference_client_conf,
};

/* "key = " or "#key = " at the start of LINE. */
static bool sets(const char *line, const char *key)
{
    size_t len = strlen(key);
    line += line[0] == '#';
    return strncmp(line, key, len) == 0 && strncmp(line + len, " = ", 3) == 0;
}

static const struct tp_cli_setting *find(const struct tp_cli_setting *settings, const char *line)
{
    for (const struct tp_cli_setting *setting = settings; setting->key != NULL; setting++)
        if (setting->value != NULL && sets(line, setting->key))
            return setting;
    return NULL;
}

/* What config(5ssl) would take for something else is written with a backslash. */
static enum tp_rc append_value(const char *value, struct tp_error *error, struct tp_buf *ret_text)
{
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return tp_error_set(error, TP_BAD_ARGUMENT, "a value holds a control character");
        if (strchr("\\\"'$#`", *at) != NULL)
            TP_TRY(tp_buf_append_u8(ret_text, '\\'));
        TP_TRY(tp_buf_append_u8(ret_text, (uint8_t)*at));
    }
    return TP_OK;
}

static enum tp_rc append_setting(const struct tp_cli_setting *setting, struct tp_error *error, struct tp_buf *ret_text)
{
    TP_TRY(tp_buf_printf(ret_text, "%s = ", setting->key));
    enum tp_rc rc = append_value(setting->value, error, ret_text);
    if (rc != TP_OK)
        return tp_error_prefix(error, rc, "--%s", setting->key); /* what people set has its option of the same name */
    return tp_buf_append_u8(ret_text, '\n');
}

enum tp_rc tp_cli_reference_fill(enum tp_cli_reference reference, const struct tp_cli_setting *settings,
                                 struct tp_error *error, struct tp_buf *ret_text)
{
    bool unnamed = true;
    for (const char *line = texts[reference]; *line != '\0';) {
        size_t len = strcspn(line, "\n") + 1;
        unnamed = unnamed && line[0] != '[';
        const struct tp_cli_setting *setting = unnamed ? find(settings, line) : NULL;
        TP_TRY(setting != NULL ? append_setting(setting, error, ret_text)
                               : tp_buf_append(ret_text, TP_BYTES(line, len)));
        line += len;
    }
    return TP_OK;
}
