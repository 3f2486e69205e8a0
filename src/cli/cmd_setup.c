/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/module.h"
#include "cli/output.h"
#include "cli/setup/setup.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is registered ---- */

/* Blanks, quotes and the like mean something in one or another of the files that would name it. */
static enum tp_rc check_characters(struct tp_cli *cli, const char *path)
{
    for (const char *at = path; *at != '\0'; at++)
        if (strchr(" \"'\\#$;,<>&|", *at) != NULL || (unsigned char)*at < ' ')
            return tp_error_set(
                &cli->error, TP_UNSUPPORTED,
                "%s: programs' configurations cannot name a path with such characters; install the module "
                "elsewhere",
                path);
    return TP_OK;
}

/* One that does not start is ours by its name; doctor says what keeps it from starting. */
static const struct {
    enum tp_rc rc;
    const char *words; /* behind what the loader says, or the path */
} verdicts[] = {
    [TP_CLI_MODULE_OK] = {TP_OK, ""},
    [TP_CLI_MODULE_UNLOADABLE] = {TP_NOT_FOUND, "; install the module, or name it with --module"},
    [TP_CLI_MODULE_OTHER_ARCH] = {TP_UNSUPPORTED, "; it is for another kind of machine"},
    [TP_CLI_MODULE_NO_PKCS11] = {TP_BAD_ARGUMENT, " is not libtrustp11.so"},
    [TP_CLI_MODULE_NOT_OURS] = {TP_BAD_ARGUMENT, " is not libtrustp11.so"},
    [TP_CLI_MODULE_NOT_STARTING] = {TP_OK, ""},
};

static enum tp_rc find_module(struct tp_cli *cli, char ret_path[PATH_MAX])
{
    char path[PATH_MAX], words[PATH_MAX + 256];
    tp_cli_module_path(cli, path);
    TP_TRY(tp_setup_absolute(cli, path, ret_path));
    TP_TRY(check_characters(cli, ret_path));
    enum tp_cli_module found = tp_cli_module_look(ret_path, words, sizeof words);
    if (verdicts[found].rc != TP_OK)
        return tp_error_set(&cli->error, verdicts[found].rc, "%s%s", words, verdicts[found].words);
    if (!tp_cli_module_is_named(ret_path)) /* --remove and doctor know it again by its name */
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT, "%s: the module's file has to be called " TP_CLI_MODULE_FILE,
                            ret_path);
    return TP_OK;
}

/* ---- where ---- */

static enum tp_rc check_system(const struct tp_setup *setup)
{
    struct tp_error *error = &setup->cli->error;
    if (!setup->system)
        return TP_OK;
    if (setup->target->system != NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "there is nothing for the whole machine: %s", setup->target->system);
    if (geteuid() != 0)
        return tp_error_set(error, TP_NOT_PERMITTED, "--system is for root; without it, this is for your own account");
    return TP_OK;
}

static enum tp_rc check_home(struct tp_setup *setup)
{
    const char *home = secure_getenv("HOME");
    if (home == NULL || home[0] != '/')
        return tp_error_set(&setup->cli->error, TP_CONFIG, "HOME does not say where your files are");
    setup->home = home;
    return TP_OK;
}

static enum tp_rc check_installed(const struct tp_setup *setup)
{
    const struct tp_setup_target *target = setup->target;
    if (setup->remove || tp_setup_target_installed(target))
        return TP_OK;
    return tp_error_set(&setup->cli->error, TP_NOT_FOUND, "%s is not installed; Debian's package is %s",
                        target->programs[0], target->package);
}

/* ---- telling ---- */

static json_t *show(const struct tp_setup *setup, bool dry)
{
    struct tp_cli *cli = setup->cli;
    json_t *object = json_object(), *changes = json_array();
    tp_cli_put_text(cli, object, "program", setup->target->name);
    tp_cli_put_text(cli, object, "module", setup->module);
    tp_cli_put_flag(cli, object, "removed", setup->remove);
    tp_cli_put_flag(cli, object, "dry_run", dry);
    for (size_t i = 0; i < setup->plan.steps_len; i++)
        tp_cli_list_add(cli, changes, setup->plan.steps[i].kind->show(&setup->plan.steps[i]));
    tp_cli_put(cli, object, "changes", changes);
    tp_cli_put_list(cli, object, "notes", setup->plan.notes, setup->plan.notes_len);
    return object;
}

static enum tp_rc print_line(struct tp_cli *cli, const char *lead, const json_t *line)
{
    struct tp_buf clean TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_text_clean(json_string_value(line), &clean));
    (void)fprintf(cli->out, "%s%s\n", lead, tp_buf_string(&clean));
    return TP_OK;
}

static enum tp_rc print_lines(struct tp_cli *cli, const char *lead, const json_t *lines)
{
    for (size_t i = 0; i < json_array_size(lines); i++)
        TP_TRY(print_line(cli, lead, json_array_get(lines, i)));
    return TP_OK;
}

/* "made", "would be made". */
static enum tp_rc print_change(struct tp_cli *cli, const json_t *change, bool dry)
{
    const char *program = json_string_value(json_object_get(change, "program"));
    struct tp_buf where TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_text_clean(json_string_value(json_object_get(change, "where")), &where));
    (void)fprintf(cli->out, "%s: %s%s%s%s\n", tp_buf_string(&where), dry ? "would be " : "",
                  json_string_value(json_object_get(change, "change")), program == NULL ? "" : ", by ",
                  program == NULL ? "" : program);
    TP_TRY(print_lines(cli, "    - ", json_object_get(change, "removed")));
    return print_lines(cli, "    + ", json_object_get(change, "added"));
}

static enum tp_rc print_all(struct tp_cli *cli, const json_t *object, bool dry)
{
    const json_t *changes = json_object_get(object, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++)
        TP_TRY(print_change(cli, json_array_get(changes, i), dry));
    if (json_array_size(changes) == 0)
        (void)fprintf(cli->out, "nothing to change\n");
    return print_lines(cli, "note: ", json_object_get(object, "notes"));
}

static enum tp_rc emit(const struct tp_setup *setup, bool dry)
{
    struct tp_cli *cli = setup->cli;
    json_t *object = show(setup, dry);
    if (cli->json || cli->memory_out)
        return tp_cli_emit_record(cli, object, NULL);
    enum tp_rc rc = print_all(cli, object, dry);
    json_decref(object);
    return rc;
}

/* ---- the command ---- */

static enum tp_rc run(struct tp_setup *setup)
{
    bool dry = tp_cli_flag(&setup->cli->args, "dry-run");
    TP_TRY(check_system(setup));
    TP_TRY(check_home(setup));
    TP_TRY(check_installed(setup));
    TP_TRY(setup->target->plan(setup));
    if (!dry)
        TP_TRY(tp_setup_plan_act(&setup->plan, &setup->cli->error));
    return emit(setup, dry);
}

enum tp_rc tp_cli_setup(struct tp_cli *cli)
{
    char module[PATH_MAX] = "";
    struct tp_setup *setup = calloc(1, sizeof *setup); /* large, for its plan */
    if (setup == NULL)
        return TP_MEMORY;
    setup->cli = cli;
    setup->target = tp_setup_target_find(cli->args.command->verb);
    setup->module = module;
    setup->profile = tp_cli_operand(&cli->args, 0);
    setup->system = tp_cli_flag(&cli->args, "system");
    setup->remove = tp_cli_flag(&cli->args, "remove");
    enum tp_rc rc = setup->remove ? TP_OK : find_module(cli, module);
    if (rc == TP_OK)
        rc = run(setup);
    tp_setup_plan_clear(&setup->plan);
    free(setup);
    return rc;
}
