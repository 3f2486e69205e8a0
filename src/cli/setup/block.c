/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/block.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BEGIN "# trustp11 setup: begin"
#define END   "# trustp11 setup: end"

static size_t line_length(const char *line)
{
    size_t len = strcspn(line, "\n");
    return len + (line[len] == '\n');
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* "made this file", "made this file and 2 folders": what the first line says in brackets. */
static void read_made(const char *line, struct tp_setup_block *block)
{
    unsigned folders = 0;
    block->made_file = begins(line + strlen(BEGIN), " (made this file");
    if (block->made_file && sscanf(line + strlen(BEGIN), " (made this file and %2u", &folders) == 1)
        block->folders = folders;
}

enum tp_rc tp_setup_block_find(const char *text, struct tp_setup_block *ret_block)
{
    struct tp_setup_block block = {0};
    bool inside = false;
    for (const char *line = text; *line != '\0'; line += line_length(line)) {
        bool is_begin = begins(line, BEGIN), is_end = begins(line, END);
        if ((is_begin && block.there) || (is_end && !inside))
            return TP_MALFORMED;
        if (is_begin) {
            block.there = inside = true;
            block.at = (size_t)(line - text);
            read_made(line, &block);
        } else if (is_end) {
            inside = false;
            block.len = (size_t)(line - text) + line_length(line) - block.at;
        }
    }
    if (inside)
        return TP_MALFORMED;
    *ret_block = block;
    return TP_OK;
}

static enum tp_rc append_begin(const struct tp_setup_block *made, struct tp_buf *ret_text)
{
    if (!made->made_file)
        return tp_buf_append_string(ret_text, BEGIN "\n");
    if (made->folders == 0)
        return tp_buf_append_string(ret_text, BEGIN " (made this file)\n");
    return tp_buf_printf(ret_text, BEGIN " (made this file and %u folder%s)\n", made->folders,
                         made->folders == 1 ? "" : "s");
}

enum tp_rc tp_setup_block_put(const char *text, const struct tp_setup_block *made, const char *body,
                              struct tp_buf *ret_text)
{
    struct tp_setup_block old;
    TP_TRY(tp_setup_block_find(text, &old));
    TP_TRY(tp_buf_append(ret_text, TP_BYTES(text, old.at)));
    TP_TRY(append_begin(old.there ? &old : made, ret_text));
    TP_TRY(tp_buf_append_string(ret_text, body));
    TP_TRY(tp_buf_append_string(ret_text, END "\n"));
    return tp_buf_append_string(ret_text, text + old.at + old.len);
}

enum tp_rc tp_setup_block_cut(const char *text, struct tp_buf *ret_text)
{
    struct tp_setup_block old;
    TP_TRY(tp_setup_block_find(text, &old));
    TP_TRY(tp_buf_append(ret_text, TP_BYTES(text, old.at)));
    return tp_buf_append_string(ret_text, text + old.at + old.len);
}

static bool is_setting(const char *line, const char *key)
{
    size_t len = strlen(key);
    line += strspn(line, " \t");
    return strncasecmp(line, key, len) == 0 && strchr(" \t=:\r\n", line[len]) != NULL; /* and the NUL */
}

bool tp_setup_block_foreign(const char *text, const char *key, char *ret_line, size_t line_len)
{
    struct tp_setup_block own = {0};
    if (tp_setup_block_find(text, &own) != TP_OK)
        return false;
    for (const char *line = text; *line != '\0'; line += line_length(line)) {
        bool is_own = own.there && line >= text + own.at && line < text + own.at + own.len;
        if (is_own || !is_setting(line, key))
            continue;
        line += strspn(line, " \t");
        (void)snprintf(ret_line, line_len, "%.*s", (int)strcspn(line, "\r\n"), line);
        return true;
    }
    return false;
}
