/* SPDX-License-Identifier: Apache-2.0
 *
 * What setup writes into files of others: blocks, files, and plans that are carried out or undone.
 */
#include "cli/module.h"
#include "cli/setup/block.h"
#include "cli/setup/mozilla.h"
#include "cli/setup/nss.h"
#include "cli/setup/plan.h"
#include "cli/setup/program.h"
#include "cli/setup/textfile.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN "# trustp11 setup: begin\n"
#define END   "# trustp11 setup: end\n"

static struct tp_error error;

/* ---- blocks ---- */

static const struct tp_setup_block nothing_made = {.made_file = false};

static void assert_put(const char *text, const struct tp_setup_block *made, const char *body, const char *expected)
{
    struct tp_buf after = TP_BUF_INIT;
    cr_assert_eq(tp_setup_block_put(text, made, body, &after), TP_OK);
    cr_assert_str_eq(tp_buf_string(&after), expected);
    tp_buf_clear(&after);
}

static void assert_cut(const char *text, const char *expected)
{
    struct tp_buf after = TP_BUF_INIT;
    cr_assert_eq(tp_setup_block_cut(text, &after), TP_OK);
    cr_assert_str_eq(tp_buf_string(&after), expected);
    tp_buf_clear(&after);
}

Test(block, goes_before_everything)
{
    assert_put("Host a\n  User b", &nothing_made, "x\n", BEGIN "x\n" END "Host a\n  User b");
    assert_put("", &nothing_made, "x\n", BEGIN "x\n" END);
}

Test(block, is_replaced_where_it_stands)
{
    assert_put("a\n" BEGIN "x\n" END "b", &nothing_made, "y\nz\n", "a\n" BEGIN "y\nz\n" END "b");
    assert_put(BEGIN "x\n" END, &nothing_made, "x\n", BEGIN "x\n" END);
}

Test(block, is_taken_out_to_the_byte)
{
    static const char *const texts[] = {"", "\n", "a", "a\n", "a\r\nb\r\n", "# a comment: end\n\n\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tp_buf with = TP_BUF_INIT;
        cr_assert_eq(tp_setup_block_put(texts[i], &nothing_made, "x\n", &with), TP_OK);
        assert_cut(tp_buf_string(&with), texts[i]);
        assert_cut(texts[i], texts[i]);
        tp_buf_clear(&with);
    }
    assert_cut("a\n" BEGIN "x\n" END "b\n", "a\nb\n");
}

Test(block, keeps_what_was_made_for_it)
{
    static const struct tp_setup_block made[] = {{.made_file = true},
                                                 {.made_file = true, .folders = 1},
                                                 {.made_file = true, .folders = 12},
                                                 {.made_file = false}};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        struct tp_buf text = TP_BUF_INIT, again = TP_BUF_INIT;
        struct tp_setup_block found;
        cr_assert_eq(tp_setup_block_put("", &made[i], "x\n", &text), TP_OK);
        cr_assert_eq(tp_setup_block_put(tp_buf_string(&text), &nothing_made, "y\n", &again), TP_OK);
        cr_assert_eq(tp_setup_block_find(tp_buf_string(&again), &found), TP_OK);
        cr_assert(found.there);
        cr_assert_eq(found.made_file, made[i].made_file);
        cr_assert_eq(found.folders, made[i].folders);
        tp_buf_clear(&text);
        tp_buf_clear(&again);
    }
}

Test(block, lines_that_are_no_pair_are_refused)
{
    static const char *const texts[] = {BEGIN "x\n",         END,       BEGIN BEGIN END,
                                        BEGIN END BEGIN END, END BEGIN, BEGIN "x\n" END END};
    struct tp_setup_block block;
    struct tp_buf after = TP_BUF_INIT;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_eq(tp_setup_block_find(texts[i], &block), TP_MALFORMED, "%zu", i);
        cr_assert_eq(tp_setup_block_put(texts[i], &nothing_made, "x\n", &after), TP_MALFORMED);
        cr_assert_eq(tp_setup_block_cut(texts[i], &after), TP_MALFORMED);
    }
    tp_buf_clear(&after);
}

Test(block, settings_outside_of_it_are_found_and_those_inside_are_not)
{
    char line[32];
    cr_assert(tp_setup_block_foreign("a\n  pkcs11provider /x.so\r\n", "PKCS11Provider", line, sizeof line));
    cr_assert_str_eq(line, "pkcs11provider /x.so");
    cr_assert(tp_setup_block_foreign("module:/x", "module", line, sizeof line));
    cr_assert(tp_setup_block_foreign("name=x", "name", line, sizeof line));
    cr_assert_not(tp_setup_block_foreign("modules: x\n# module: x\n", "module", line, sizeof line));
    cr_assert_not(tp_setup_block_foreign(BEGIN "module: x\n" END, "module", line, sizeof line));
    cr_assert(tp_setup_block_foreign(BEGIN "module: x\n" END "module: y\n", "module", line, sizeof line));
    cr_assert_str_eq(line, "module: y");
    cr_assert(
        tp_setup_block_foreign("module: a path that is longer than the room for it", "module", line, sizeof line));
    cr_assert_eq(strlen(line), sizeof line - 1);
}

/* ---- files ---- */

static void here(const char *name, char ret_path[PATH_MAX])
{
    cr_assert_not_null(getcwd(ret_path, PATH_MAX - 64));
    strcat(ret_path, "/");
    strcat(ret_path, name);
}

static enum tp_rc read_file(const char *name, struct tp_setup_textfile *ret_file)
{
    char path[PATH_MAX];
    here(name, path);
    return tp_setup_textfile_read(path, &error, ret_file);
}

static mode_t mode_of(const char *path)
{
    struct stat status_of;
    cr_assert_eq(stat(path, &status_of), 0);
    return status_of.st_mode & 07777;
}

static void assert_text(const char *path, const char *expected)
{
    char *text = read_text(path);
    cr_assert_not_null(text, "%s", path);
    cr_assert_str_eq(text, expected);
    free(text);
}

CliTest(textfile, is_replaced_with_its_mode_and_leaves_nothing_beside_it)
{
    struct tp_setup_textfile file;
    cr_assert_eq(mkdir("folder", 0700), 0);
    write_file("folder/config", 0640, "before");
    cr_assert_eq(read_file("folder/config", &file), TP_OK, "%s", error.words);
    cr_assert(file.there);
    cr_assert_eq(file.mode, 0640);
    cr_assert_str_eq(tp_buf_string(&file.text), "before");
    cr_assert_eq(tp_setup_textfile_replace(file.path, file.mode, TP_BYTES("after", 5), &error), TP_OK);
    assert_text("folder/config", "after");
    cr_assert_eq(mode_of("folder/config"), 0640);
    tp_setup_textfile_clear(&file);
    cr_assert_eq(unlink("folder/config"), 0);
    cr_assert_eq(rmdir("folder"), 0, "something was left beside it");
}

CliTest(textfile, behind_a_link_the_link_stays)
{
    struct tp_setup_textfile file;
    struct stat status_of;
    write_file("dotfile", 0600, "before");
    cr_assert_eq(symlink("dotfile", "config"), 0);
    cr_assert_eq(read_file("config", &file), TP_OK, "%s", error.words);
    cr_assert_eq(tp_setup_textfile_replace(file.path, file.mode, TP_BYTES("after", 5), &error), TP_OK);
    tp_setup_textfile_clear(&file);
    assert_text("dotfile", "after");
    cr_assert_eq(lstat("config", &status_of), 0);
    cr_assert(S_ISLNK(status_of.st_mode));
}

CliTest(textfile, what_is_not_ours_to_change_is_refused)
{
    struct tp_setup_textfile file;
    write_file("read-only", 0444, "x");
    cr_assert_eq(read_file("read-only", &file), TP_NOT_PERMITTED);
    cr_assert_not_null(strstr(error.words, "read-only"));
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_assert_eq(read_file("fifo", &file), TP_NOT_PERMITTED);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    cr_assert_eq(read_file("dangling", &file), TP_NOT_FOUND);
    cr_assert_eq(read_file("read-only/below", &file), TP_IO);
    if (geteuid() != 0)
        return;
    write_file("others", 0644, "x");
    cr_assert_eq(chown("others", 65534, 65534), 0);
    cr_assert_eq(read_file("others", &file), TP_NOT_PERMITTED);
    cr_assert_not_null(strstr(error.words, "another user"));
}

CliTest(textfile, that_is_not_there_counts_the_folders_that_are_missing)
{
    struct tp_setup_textfile file;
    cr_assert_eq(read_file("a/b/c", &file), TP_OK, "%s", error.words);
    cr_assert_not(file.there);
    cr_assert_eq(file.missing, 2);
    cr_assert_eq(tp_setup_folders_make(file.path, 0700, &error), TP_OK);
    cr_assert_eq(mode_of("a/b"), 0700);
    tp_setup_folders_remove(file.path, file.missing);
    cr_assert_neq(access("a", F_OK), 0);
    tp_setup_textfile_clear(&file);
}

CliTest(textfile, with_a_nul_in_it_is_no_text)
{
    struct tp_setup_textfile file;
    write_file("binary", 0600, "");
    cr_assert_eq(truncate("binary", 10), 0);
    cr_assert_eq(read_file("binary", &file), TP_MALFORMED);
}

/* ---- plans ---- */

static struct tp_setup_step *plan_file(struct tp_setup_plan *plan, const char *name, const char *before,
                                       const char *after)
{
    struct tp_setup_step *step;
    char path[PATH_MAX];
    here(name, path);
    cr_assert_eq(tp_setup_plan_step(plan, &tp_setup_step_file, path, &step), TP_OK);
    step->mode = 0600;
    step->is_there = before != NULL;
    step->stays = after != NULL;
    cr_assert_eq(tp_buf_append_string(&step->before, before == NULL ? "" : before), TP_OK);
    cr_assert_eq(tp_buf_append_string(&step->after, after == NULL ? "" : after), TP_OK);
    return step;
}

CliTest(plan, is_undone_when_a_later_step_fails)
{
    static struct tp_setup_plan plan;
    write_file("changed", 0600, "1");
    write_file("removed", 0600, "2");
    write_file("in the way", 0600, "changed by somebody");
    (void)plan_file(&plan, "changed", "1", "other");
    (void)plan_file(&plan, "removed", "2", NULL);
    plan_file(&plan, "folder/made", NULL, "3")->folders = 1;
    (void)plan_file(&plan, "in the way", "as it was read", "other");
    cr_assert_eq(tp_setup_plan_act(&plan, &error), TP_BUSY);
    assert_text("changed", "1");
    assert_text("removed", "2");
    assert_text("in the way", "changed by somebody");
    cr_assert_neq(access("folder", F_OK), 0);
    tp_setup_plan_clear(&plan);
}

CliTest(plan, is_done_as_a_whole)
{
    static struct tp_setup_plan plan;
    write_file("changed", 0600, "1");
    write_file("removed", 0600, "2");
    (void)plan_file(&plan, "changed", "1", "other");
    (void)plan_file(&plan, "removed", "2", NULL);
    cr_assert_eq(tp_setup_plan_act(&plan, &error), TP_OK, "%s", error.words);
    assert_text("changed", "other");
    cr_assert_neq(access("removed", F_OK), 0);
    tp_setup_plan_clear(&plan);
}

static void assert_shown(const char *before, const char *after, const char *expected)
{
    static struct tp_setup_plan plan;
    json_t *shown = plan_file(&plan, "f", before, after)->kind->show(&plan.steps[0]);
    json_t *lines = json_pack("[O, O]", json_object_get(shown, "removed"), json_object_get(shown, "added"));
    char *text = json_dumps(lines, JSON_COMPACT);
    cr_assert_str_eq(text, expected);
    free(text);
    json_decref(lines);
    json_decref(shown);
    tp_setup_plan_clear(&plan);
}

Test(plan, shows_the_lines_that_differ)
{
    assert_shown("a\nb", "x\na\nb", "[[],[\"x\"]]");
    assert_shown("x\na\n", "y\na\n", "[[\"x\"],[\"y\"]]");
    assert_shown("a\nb\nc\n", "a\nc\n", "[[\"b\"],[]]");
    assert_shown("ax\n", "x\n", "[[\"ax\"],[\"x\"]]");
    assert_shown(NULL, "x\n", "[[],[\"x\"]]");
    assert_shown("x\n", NULL, "[[\"x\"],[]]");
}

/* ---- programs and lists of others ---- */

CliTest(program, is_found_and_run_and_tells_why_it_failed)
{
    char path[PATH_MAX];
    const char *good[] = {"true", NULL}, *bad[] = {"ls", "/no-such-folder", NULL}, *none[] = {"no-such-program", NULL};
    cr_assert(tp_setup_program_find("true", path));
    cr_assert_not(tp_setup_program_find("no-such-program", path));
    cr_assert_eq(tp_setup_program_run(good, &error), TP_OK);
    cr_assert_eq(tp_setup_program_run(bad, &error), TP_IO);
    cr_assert_not_null(strstr(error.words, "/no-such-folder"), "%s", error.words);
    cr_assert_eq(tp_setup_program_run(none, &error), TP_NOT_FOUND);
}

static bool see_entry(const struct tp_setup_nss_entry *entry, void *context)
{
    char *seen = context;
    strcat(seen, entry->library);
    strcat(seen, "|");
    strcat(seen, entry->name);
    strcat(seen, ";");
    return false;
}

CliTest(nss, entries_are_read)
{
    char seen[256] = "";
    write_file(
        "pkcs11.txt", 0600,
        "library=\nname=NSS Internal\nNSS=x\n\nlibrary=/a/p11-kit-proxy.so\nname=proxy\n\n\nname=b\nlibrary=/b.so");
    tp_setup_nss_each(".", see_entry, seen);
    cr_assert_str_eq(seen, "/a/p11-kit-proxy.so|proxy;/b.so|b;");
    cr_assert(tp_setup_nss_has_proxy("."));
    cr_assert_not(tp_setup_nss_has_proxy("/nowhere"));
}

static bool see_profile(const char *folder, bool is_default, void *context)
{
    strcat(context, strrchr(folder, '/'));
    strcat(context, is_default ? "*" : "");
    return true;
}

CliTest(mozilla, profiles_are_those_that_are_listed_and_there)
{
    char seen[256] = "";
    cr_assert_eq(mkdir("one", 0700), 0);
    cr_assert_eq(mkdir("two", 0700), 0);
    write_file("profiles.ini", 0600,
               "[Install1]\nDefault=one\n\n[Profile1]\nName=x\nIsRelative=1\nPath=one\nDefault=1\n"
               "[Profile0]\nIsRelative=1\nPath=gone\n[Profile2]\nIsRelative=1\nPath=two\n\n[General]\nPath=one\n");
    char folder[PATH_MAX];
    cr_assert_not_null(getcwd(folder, sizeof folder));
    tp_setup_mozilla_each(folder, see_profile, seen);
    cr_assert_str_eq(seen, "/one*/two");
    cr_assert_eq(rmdir("one"), 0);
    cr_assert_eq(rmdir("two"), 0);
}

CliTest(module, of_another_machine_is_told_from_one_of_this)
{
    unsigned char header[64] = {0x7f, 'E', 'L', 'F', 1, 1, 1, [16] = 3, [18] = 40}; /* a 32-bit library for ARM */
    FILE *file = fopen("other.so", "w");
    cr_assert_eq(fwrite(header, sizeof header, 1, file), 1);
    (void)fclose(file);
    cr_assert(tp_cli_module_is_foreign("other.so"));
    cr_assert_not(tp_cli_module_is_foreign("/proc/self/exe"));
    cr_assert_not(tp_cli_module_is_foreign("/nowhere"));
    cr_assert(tp_cli_module_is_named("/a/libtrustp11.so"));
    cr_assert_not(tp_cli_module_is_named("/a/mylibtrustp11.so"));
}
