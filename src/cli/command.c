/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/rows/rows.h"

#include <string.h>

const struct tp_cli_option tp_cli_global_options[] = {
    A_FILE("config", "the client configuration; default: $TRUSTP11_CONF, ~/.config/trustp11/trustp11.conf, "
                     "/etc/trustp11/trustp11.conf"),
    FLAG("json", "answer in JSON"),
    SPAN("timeout", "how long to wait for the engine, as in 90s or 2m"),
    END,
};

/* In the order that --help shows them. */
static const struct tp_cli_rows *const groups[] = {
    &tp_cli_rows_account, &tp_cli_rows_key, &tp_cli_rows_pdf, &tp_cli_rows_tsa, &tp_cli_rows_audit, &tp_cli_rows_setup,
};

size_t tp_cli_commands_len(void)
{
    size_t len = 0;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        len += groups[i]->len;
    return len;
}

const struct tp_cli_command *tp_cli_command_at(size_t index)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (index < groups[i]->len)
            return &groups[i]->commands[index];
        index -= groups[i]->len;
    }
    return NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

const struct tp_cli_command *tp_cli_command_find(const char *noun, const char *verb)
{
    const struct tp_cli_command *command;
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++)
        if (same(command->noun, noun) && same(command->verb, verb))
            return command;
    return NULL;
}

const struct tp_cli_command *tp_cli_noun_find(const char *noun)
{
    const struct tp_cli_command *command;
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++)
        if (same(command->noun, noun))
            return command;
    return NULL;
}

static const struct tp_cli_option *find_in(const struct tp_cli_option *options, const char *name, size_t name_len)
{
    for (const struct tp_cli_option *option = options; option->name != NULL; option++)
        if (strlen(option->name) == name_len && memcmp(option->name, name, name_len) == 0)
            return option;
    return NULL;
}

const struct tp_cli_option *tp_cli_option_find(const struct tp_cli_command *command, const char *name, size_t name_len)
{
    const struct tp_cli_option *found = command == NULL ? NULL : find_in(command->options, name, name_len);
    return found != NULL ? found : find_in(tp_cli_global_options, name, name_len);
}
