/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup/nss.h"
#include "cli/file.h"
#include "cli/module.h"
#include "cli/setup/program.h"
#include "cli/setup/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROXY "p11-kit-proxy.so"
#define TOOLS "libnss3-tools"

static const char *const database_files[] = {"cert9.db", "key4.db", "pkcs11.txt"};

/* ---- reading ---- */

/* Entries are lines KEY=VALUE, parted by an empty line. */
static void read_line(const char *line, size_t len, struct tp_setup_nss_entry *entry)
{
    static const char library[] = "library=", name[] = "name=";
    if (strncmp(line, library, sizeof library - 1) == 0)
        (void)snprintf(entry->library, sizeof entry->library, "%.*s", (int)(len - sizeof library + 1),
                       line + sizeof library - 1);
    else if (strncmp(line, name, sizeof name - 1) == 0)
        (void)snprintf(entry->name, sizeof entry->name, "%.*s", (int)(len - sizeof name + 1), line + sizeof name - 1);
}

static void each_of(const char *text, bool (*see)(const struct tp_setup_nss_entry *entry, void *context), void *context)
{
    struct tp_setup_nss_entry entry = {.library = ""};
    for (const char *line = text;; line++) {
        size_t len = strcspn(line, "\n");
        read_line(line, len, &entry);
        line += len;
        bool ends = len == 0 || *line == '\0';
        if (ends && entry.library[0] != '\0' && see(&entry, context))
            return;
        if (*line == '\0')
            return;
        if (ends)
            memset(&entry, 0, sizeof entry);
    }
}

void tp_setup_nss_each(const char *folder, bool (*see)(const struct tp_setup_nss_entry *entry, void *context),
                       void *context)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char path[PATH_MAX];
    tp_setup_look_path(path, "%s/pkcs11.txt", folder);
    if (tp_cli_file_read(path, TP_SETUP_TEXT_MAX, NULL, &text) == TP_OK)
        each_of(tp_buf_string(&text), see, context);
}

static bool see_proxy(const struct tp_setup_nss_entry *entry, void *context)
{
    const char *slash = strrchr(entry->library, '/');
    *(bool *)context = strcmp(slash == NULL ? entry->library : slash + 1, PROXY) == 0;
    return *(bool *)context;
}

bool tp_setup_nss_has_proxy(const char *folder)
{
    bool found = false;
    tp_setup_nss_each(folder, see_proxy, &found);
    return found;
}

const char *tp_setup_nss_folder(const char *name)
{
    static const char sql[] = "sql:";
    return name + (strncmp(name, sql, sizeof sql - 1) == 0 ? sizeof sql - 1 : 0);
}

void tp_setup_nss_default(const struct tp_setup *setup, char ret_folder[PATH_MAX])
{
    tp_setup_look_path(ret_folder, "%s/.pki/nssdb", setup->home);
}

struct finding {
    struct tp_setup *setup;
    const char *folder;
    json_t *found;
};

static bool see_ours(const struct tp_setup_nss_entry *entry, void *context)
{
    struct finding *finding = context;
    if (tp_cli_module_is_named(entry->library))
        tp_setup_find_add(finding->setup, finding->found, finding->folder, entry->library);
    return false;
}

void tp_setup_nss_find(struct tp_setup *setup, const char *folder, json_t *found)
{
    struct finding finding = {setup, folder, found};
    tp_setup_nss_each(folder, see_ours, &finding);
}

/* ---- steps ---- */

static enum tp_rc run_modutil(const char *folder, const char *add, struct tp_error *error)
{
    char database[PATH_MAX + 8];
    (void)snprintf(database, sizeof database, "sql:%s", folder);
    const char *adding[] = {"modutil", "-dbdir", database, "-add", TP_SETUP_NAME, "-libfile", add, "-force", NULL};
    const char *deleting[] = {"modutil", "-dbdir", database, "-delete", TP_SETUP_NAME, "-force", NULL};
    enum tp_rc rc = tp_setup_program_run(add != NULL ? adding : deleting, error);
    return rc == TP_OK ? rc : tp_error_prefix(error, rc, "%s", folder);
}

static enum tp_rc act_module(const struct tp_setup_step *step, struct tp_error *error)
{
    return run_modutil(step->path, step->stays ? step->module : NULL, error);
}

static void undo_module(const struct tp_setup_step *step)
{
    struct tp_error error;
    (void)!run_modutil(step->path, step->stays ? NULL : step->module, &error); /* as well as can be */
}

static json_t *show_module(const struct tp_setup_step *step)
{
    json_t *line = json_sprintf("module %s: %s", TP_SETUP_NAME, step->module), *lines = json_array();
    (void)json_array_append_new(lines, line);
    return json_pack("{s:s, s:s, s:o, s:o, s:s}", "where", step->path, "change", "changed", "added",
                     step->stays ? lines : json_array(), "removed", step->stays ? json_array() : lines, "program",
                     "modutil");
}

const struct tp_setup_step_kind tp_setup_step_module = {act_module, undo_module, show_module};

static void undo_database(const struct tp_setup_step *step)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof database_files / sizeof database_files[0]; i++) {
        tp_setup_look_path(path, "%s/%s", step->path, database_files[i]);
        (void)unlink(path);
    }
    tp_setup_folders_remove(path, step->folders);
}

static enum tp_rc act_database(const struct tp_setup_step *step, struct tp_error *error)
{
    char database[PATH_MAX + 8], below[PATH_MAX];
    (void)snprintf(database, sizeof database, "sql:%s", step->path);
    tp_setup_look_path(below, "%s/", step->path);
    TP_TRY(tp_setup_folders_make(below, S_IRWXU, error));
    const char *argv[] = {"certutil", "-N", "-d", database, "--empty-password", NULL};
    enum tp_rc rc = tp_setup_program_run(argv, error);
    if (rc == TP_OK)
        return TP_OK;
    undo_database(step);
    return tp_error_prefix(error, rc, "%s", step->path);
}

static json_t *show_database(const struct tp_setup_step *step)
{
    return json_pack("{s:s, s:s, s:[], s:[], s:s}", "where", step->path, "change", "made", "added", "removed",
                     "program", "certutil");
}

const struct tp_setup_step_kind tp_setup_step_database = {act_database, undo_database, show_database};

/* ---- planning ---- */

/* What stands in the database already. */
struct content {
    const struct tp_setup *setup;
    struct tp_setup_nss_entry named; /* the entry with our name */
    bool has_named, has_module;      /* this very file, under whatever name */
    char other_name[256];            /* that is not ours */
};

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return strcmp(a, b) == 0 ||
           (stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

static bool see_content(const struct tp_setup_nss_entry *entry, void *context)
{
    struct content *content = context;
    bool named = strcmp(entry->name, TP_SETUP_NAME) == 0;
    bool ours = content->setup->remove ? tp_cli_module_is_named(entry->library)
                                       : is_same_file(entry->library, content->setup->module);
    if (named) {
        content->has_named = true;
        content->named = *entry;
    }
    content->has_module = content->has_module || ours;
    if (ours && !named)
        (void)snprintf(content->other_name, sizeof content->other_name, "%s", entry->name);
    return false;
}

static enum tp_rc plan_module(struct tp_setup *setup, const char *folder, const char *module, bool add)
{
    struct tp_setup_step *step;
    TP_TRY(tp_setup_plan_step(&setup->plan, &tp_setup_step_module, folder, &step));
    step->stays = add;
    step->module = strdup(module);
    return step->module == NULL ? TP_MEMORY : TP_OK;
}

static enum tp_rc plan_out(struct tp_setup *setup, const char *folder, const struct content *content)
{
    if (content->other_name[0] != '\0')
        TP_TRY(tp_setup_plan_note(&setup->plan,
                                  "%s also has the module under the name \"%s\", which setup has not given it; to take "
                                  "that away: modutil -dbdir sql:%s -delete '%s'",
                                  folder, content->other_name, folder, content->other_name));
    if (!content->has_named || !tp_cli_module_is_named(content->named.library))
        return TP_OK;
    return plan_module(setup, folder, content->named.library, false);
}

/* An entry with our name for an older place of the module is replaced; one for another module is not ours. */
static enum tp_rc plan_replaced(struct tp_setup *setup, const char *folder, const struct content *content)
{
    if (!tp_cli_module_is_named(content->named.library))
        return tp_error_set(&setup->cli->error, TP_EXISTS,
                            "%s has a module of the name " TP_SETUP_NAME
                            " that is another one (%s); give it another name, or add ours by hand: modutil -dbdir "
                            "sql:%s -add NAME -libfile %s",
                            folder, content->named.library, folder, setup->module);
    return plan_module(setup, folder, content->named.library, false);
}

/* p11-kit's own registrations, when they reach this database through its proxy. */
static bool comes_by_proxy(struct tp_setup *setup, const char *folder)
{
    json_t *found = json_array();
    if (tp_setup_nss_has_proxy(folder))
        tp_setup_p11_kit.find(setup, found);
    bool comes = json_array_size(found) > 0;
    json_decref(found);
    return comes;
}

static enum tp_rc plan_in(struct tp_setup *setup, const char *folder, const struct content *content)
{
    if (content->has_module)
        return content->other_name[0] == '\0'
                   ? TP_OK
                   : tp_setup_plan_note(&setup->plan, "%s has the module already, under the name \"%s\"", folder,
                                        content->other_name);
    if (comes_by_proxy(setup, folder))
        return tp_setup_plan_note(
            &setup->plan,
            "%s has p11-kit-proxy, and p11-kit knows the module: its programs see it already, and "
            "would see it twice",
            folder);
    if (content->has_named)
        TP_TRY(plan_replaced(setup, folder, content));
    return plan_module(setup, folder, setup->module, true);
}

static enum tp_rc plan_database(struct tp_setup *setup, const char *folder, unsigned missing)
{
    struct tp_setup_step *step;
    TP_TRY(tp_setup_need(setup, "certutil", TOOLS));
    TP_TRY(tp_setup_plan_step(&setup->plan, &tp_setup_step_database, folder, &step));
    step->folders = missing;
    TP_TRY(tp_setup_plan_note(
        &setup->plan,
        "the NSS database in %s is new; its own password is empty, since it holds no keys: those stay in "
        "trustp11. --remove takes the module out, and leaves the database",
        folder));
    return tp_setup_plan_note(&setup->plan, "to trust a CA in it: certutil -A -d sql:%s -n NAME -t CT,C,C -i FILE",
                              folder);
}

static bool has_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    tp_setup_look_path(path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* The Mozilla programs lock this file of a profile while they have it open; they keep the list of modules in memory,
 * and others must not write to it. */
static enum tp_rc check_unused(struct tp_setup *setup, const char *folder)
{
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    tp_setup_look_path(path, "%s/.parentlock", folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool used = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        (void)close(fd);
    if (used)
        return tp_error_set(&setup->cli->error, TP_BUSY, "%s is in use by process %d: end that program first", folder,
                            (int)lock.l_pid);
    return TP_OK;
}

static enum tp_rc check_files(struct tp_setup *setup, const char *folder)
{
    struct tp_setup_textfile file TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    char path[PATH_MAX];
    TP_TRY(tp_setup_path(setup, path, "%s/pkcs11.txt", folder));
    return tp_setup_textfile_read(path, &setup->cli->error, &file);
}

enum tp_rc tp_setup_nss_plan(struct tp_setup *setup, const char *folder)
{
    struct content content = {.setup = setup};
    unsigned missing;
    bool is_there = has_file(folder, "cert9.db");
    if (!is_there && setup->remove)
        return TP_OK;
    TP_TRY(tp_setup_need(setup, "modutil", TOOLS));
    TP_TRY(tp_setup_folder_check(folder, &setup->cli->error, &missing));
    TP_TRY(check_unused(setup, folder));
    TP_TRY(check_files(setup, folder));
    if (!is_there)
        TP_TRY(plan_database(setup, folder, missing));
    tp_setup_nss_each(folder, see_content, &content);
    return setup->remove ? plan_out(setup, folder, &content) : plan_in(setup, folder, &content);
}
