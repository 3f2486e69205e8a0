/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/setup.h"
#include "cli/file.h"
#include "cli/module.h"
#include "cli/output.h"
#include "cli/setup/block.h"
#include "cli/setup/program.h"
#include "cli/setup/textfile.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

static const struct tp_setup_target *const targets[] = {
    &tp_setup_p11_kit, &tp_setup_nss, &tp_setup_firefox, &tp_setup_libreoffice,
    &tp_setup_openssl, &tp_setup_ssh, &tp_setup_java,    &tp_setup_gnupg,
};

const struct tp_setup_target *tp_setup_target_at(size_t index)
{
    return index < sizeof targets / sizeof targets[0] ? targets[index] : NULL;
}

const struct tp_setup_target *tp_setup_target_find(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (strcmp(targets[i]->name, name) == 0)
            return targets[i];
    return NULL;
}

bool tp_setup_target_installed(const struct tp_setup_target *target)
{
    char path[PATH_MAX];
    for (size_t i = 0; target->programs[i] != NULL; i++)
        if (tp_setup_program_find(target->programs[i], path))
            return true;
    return target->programs[0] == NULL;
}

/* ---- paths ---- */

TP_PRINTF(2, 0) static bool format_path(char ret_path[PATH_MAX], const char *format, va_list args)
{
    int len = vsnprintf(ret_path, PATH_MAX, format, args);
    return len >= 0 && len < PATH_MAX;
}

enum tp_rc tp_setup_path(struct tp_setup *setup, char ret_path[PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool fits = format_path(ret_path, format, args);
    va_end(args);
    return fits ? TP_OK : tp_error_set(&setup->cli->error, TP_TOO_LARGE, "a path is too long: %.80s…", ret_path);
}

void tp_setup_look_path(char ret_path[PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!format_path(ret_path, format, args))
        ret_path[0] = '\0';
    va_end(args);
}

void tp_setup_look_folder(const struct tp_setup *setup, const char *variable, const char *fallback,
                          char ret_folder[PATH_MAX])
{
    const char *folder = secure_getenv(variable);
    if (folder != NULL && folder[0] == '/') /* XDG Base Directory Specification, and GnuPG alike */
        tp_setup_look_path(ret_folder, "%s", folder);
    else
        tp_setup_look_path(ret_folder, "%s/%s", setup->home, fallback);
}

void tp_setup_look_config(const struct tp_setup *setup, const char *name, char ret_path[PATH_MAX])
{
    char folder[PATH_MAX];
    tp_setup_look_folder(setup, "XDG_CONFIG_HOME", ".config", folder);
    tp_setup_look_path(ret_path, "%s/%s", folder, name);
}

enum tp_rc tp_setup_config_path(struct tp_setup *setup, const char *name, char ret_path[PATH_MAX])
{
    tp_setup_look_config(setup, name, ret_path);
    if (ret_path[0] == '\0')
        return tp_error_set(&setup->cli->error, TP_TOO_LARGE, "the path of %s is too long", name);
    return TP_OK;
}

enum tp_rc tp_setup_config_or_system(struct tp_setup *setup, const char *name, const char *system_file,
                                     char ret_path[PATH_MAX])
{
    return setup->system ? tp_setup_path(setup, ret_path, "%s", system_file) : tp_setup_config_path(setup, name, ret_path);
}

enum tp_rc tp_setup_absolute(struct tp_cli *cli, const char *path, char ret_path[PATH_MAX])
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return tp_error_set(&cli->error, TP_IO, "the working folder is gone");
    path += strncmp(path, "./", 2) == 0 ? 2 : 0;
    int len = snprintf(ret_path, PATH_MAX, "%s%s%s", here, here[0] == '\0' ? "" : "/", path);
    return len < PATH_MAX ? TP_OK : tp_error_set(&cli->error, TP_TOO_LARGE, "a path is too long: %.80s…", ret_path);
}

/* ---- planning ---- */

enum tp_rc tp_setup_need(struct tp_setup *setup, const char *program, const char *package)
{
    char path[PATH_MAX];
    if (tp_setup_program_find(program, path))
        return TP_OK;
    return tp_error_set(&setup->cli->error, TP_NOT_FOUND, "%s is not installed; Debian's package is %s", program,
                        package);
}

static enum tp_rc refuse_malformed(struct tp_setup *setup, const char *path, enum tp_rc rc)
{
    if (rc != TP_MALFORMED)
        return rc;
    return tp_error_set(&setup->cli->error, rc,
                        "%s: the lines \"# trustp11 setup: begin\" and \"# trustp11 setup: end\" are no pair any more; "
                        "take out by hand what is between them, and them",
                        path);
}

/* What is to be put somewhere by hand, in a sentence. */
static void put_in_line(const char *body, char *ret_words, size_t words_len)
{
    size_t at = 0;
    for (; body[0] != '\0' && at + 4 < words_len; body++) {
        bool parts = body[0] == '\n' && body[1] != '\0';
        if (parts)
            at += (size_t)snprintf(ret_words + at, words_len - at, " | ");
        else if (body[0] != '\n')
            ret_words[at++] = body[0];
    }
    ret_words[at] = '\0';
}

static enum tp_rc check_keys(struct tp_setup *setup, const struct tp_setup_textfile *file, const char *body,
                             const char *const *keys)
{
    char line[128], words[PATH_MAX];
    put_in_line(body, words, sizeof words);
    for (size_t i = 0; keys[i] != NULL; i++)
        if (tp_setup_block_foreign(tp_buf_string(&file->text), keys[i], line, sizeof line))
            return tp_error_set(&setup->cli->error, TP_EXISTS,
                                "%s says \"%s\" already, which is left alone; put this there by hand instead: %s",
                                file->path, line, words);
    return TP_OK;
}

/* TEXT becomes what the step writes. */
static enum tp_rc edit(const struct tp_setup *setup, const struct tp_setup_textfile *file, const char *body,
                       struct tp_buf *text)
{
    const struct tp_setup_block made = {.made_file = !file->there, .folders = file->missing};
    return setup->remove ? tp_setup_block_cut(tp_buf_string(&file->text), text)
                         : tp_setup_block_put(tp_buf_string(&file->text), &made, body, text);
}

/* ~/.config/trustp11 and /etc/trustp11 hold nothing but ours: whichever file goes last takes them along. */
static unsigned folders_of(const char *path, const struct tp_setup_block *old)
{
    static const char folder[] = "/trustp11";
    const char *slash = strrchr(path, '/');
    bool own = slash - path >= (ptrdiff_t)sizeof folder - 1 &&
               strncmp(slash - sizeof folder + 1, folder, sizeof folder - 1) == 0;
    return own && old->folders == 0 ? 1 : old->folders;
}

static enum tp_rc add_step(struct tp_setup *setup, struct tp_setup_textfile *file, const struct tp_setup_block *old,
                           mode_t mode, struct tp_buf *after)
{
    struct tp_setup_step *step;
    TP_TRY(tp_setup_plan_step(&setup->plan, &tp_setup_step_file, file->path, &step));
    step->mode = file->there ? file->mode : mode;
    step->is_there = file->there;
    step->stays = !(setup->remove && old->made_file && after->len == 0);
    step->folders = file->there ? folders_of(file->path, old) : file->missing;
    step->before = file->text;
    step->after = *after;
    file->text = *after = TP_BUF_INIT;
    return TP_OK;
}

enum tp_rc tp_setup_plan_block(struct tp_setup *setup, const char *path, mode_t mode, const char *body,
                               const char *const *keys)
{
    struct tp_setup_textfile file TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    struct tp_buf after TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_setup_block old = {0};
    struct stat status;
    if (setup->remove && lstat(path, &status) != 0)
        return TP_OK; /* whoever the folders belong to, there is nothing */
    TP_TRY(tp_setup_textfile_read(path, &setup->cli->error, &file));
    TP_TRY(refuse_malformed(setup, path, tp_setup_block_find(tp_buf_string(&file.text), &old)));
    if (!setup->remove)
        TP_TRY(check_keys(setup, &file, body, keys));
    TP_TRY(edit(setup, &file, body, &after));
    if (tp_bytes_equal(tp_buf_bytes(&file.text), tp_buf_bytes(&after)))
        return TP_OK;
    return add_step(setup, &file, &old, mode, &after);
}

/* ---- looking ---- */

void tp_setup_find_add(struct tp_setup *setup, json_t *found, const char *where, const char *module)
{
    json_t *object = json_object();
    tp_cli_put_text(setup->cli, object, "where", where);
    tp_cli_put_text(setup->cli, object, "module", module);
    tp_cli_list_add(setup->cli, found, object);
}

/* The value of "KEY value", "KEY = value" or "KEY: value", without quotes. */
static void value_of(const char *line, const char *key, char *ret_value, size_t value_len)
{
    const char *value = line + strlen(key);
    value += strspn(value, " \t=:\"");
    (void)snprintf(ret_value, value_len, "%.*s", (int)strcspn(value, "\"\r\n"), value);
}

static bool is_line_of(const char *line, const char *key)
{
    size_t len = strlen(key);
    return strncasecmp(line, key, len) == 0 && line[len] != '\0' && strchr(" \t=:", line[len]) != NULL;
}

void tp_setup_find_lines(struct tp_setup *setup, const char *path, const char *key, json_t *found)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char value[PATH_MAX];
    if (tp_cli_file_read(path, TP_SETUP_TEXT_MAX, NULL, &text) != TP_OK)
        return;
    for (const char *line = tp_buf_string(&text); *line != '\0'; line += strspn(line, "\n")) {
        line += strspn(line, " \t");
        if (is_line_of(line, key)) {
            value_of(line, key, value, sizeof value);
            if (tp_cli_module_is_named(value))
                tp_setup_find_add(setup, found, path, value);
        }
        line += strcspn(line, "\n");
    }
}

void tp_setup_find_config(struct tp_setup *setup, const char *name, const char *system_file, const char *key,
                          json_t *found)
{
    char path[PATH_MAX];
    tp_setup_look_config(setup, name, path);
    tp_setup_find_lines(setup, path, key, found);
    tp_setup_find_lines(setup, system_file, key, found);
}
