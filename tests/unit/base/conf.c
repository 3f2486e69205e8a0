/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration against its schema.
 */
#include "base/conf.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tp_conf_key schema[] = {
    {"", "name", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"", "user", TP_CONF_STRING, "nobody", NULL, 0, 0},
    {"engine", "threads", TP_CONF_INTEGER, "4", NULL, 1, 64},
    {"engine", "offset", TP_CONF_INTEGER, NULL, NULL, 0, 0},
    {"engine", "idle", TP_CONF_DURATION, "15m", NULL, 1000, 86400000},
    {"engine", "strict", TP_CONF_BOOLEAN, "yes", NULL, 0, 0},
    {"engine", "store", TP_CONF_PATH, "store.db", NULL, 0, 0},
    {"engine", "start", TP_CONF_CHOICE, "spawn", "spawn|service", 0, 0},
    {"policy *", "hash", TP_CONF_STRING, "sha256", NULL, 0, 0},
    {"policy *", "uses", TP_CONF_INTEGER, NULL, NULL, 1, 10},
    {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0},
};

static char folder[] = "/tmp/tp-conf-XXXXXX";
static char file[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/t.conf", folder);
}

static void remove_folder(void)
{
    (void)unlink(file);
    (void)rmdir(folder);
}

TestSuite(conf, .init = make_folder, .fini = remove_folder);

static void write_text(const char *text)
{
    FILE *out = fopen(file, "w");
    cr_assert_geq(fputs(text, out), 0);
    cr_assert_eq(fclose(out), 0);
}

static struct tp_conf *accepted(const char *text)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    write_text(text);
    cr_assert_eq(tp_conf_read(file, schema, false, &error, &conf), TP_OK, "%s\n%s", text, tp_error_words(&error));
    return conf;
}

static void assert_refused(const char *text, const char *words)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    char expected[512];
    write_text(text);
    cr_assert_eq(tp_conf_read(file, schema, false, &error, &conf), TP_CONFIG, "%s", text);
    cr_assert_null(conf);
    (void)snprintf(expected, sizeof(expected), "%s:%s", file, words);
    cr_assert_str_eq(error.words, expected);
}

Test(conf, values_of_every_type_are_read)
{
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) =
        accepted("name = n\n[engine]\nthreads = 64\noffset = -7\nidle = 1h\nstrict = no\nstore = /var/x\n"
                 "start = service\n[policy a b]\nhash = sha512\nuses = 10\n");
    cr_assert_str_eq(tp_conf_string(conf, "", "name"), "n");
    cr_assert_eq(tp_conf_integer(conf, "engine", "threads"), 64);
    cr_assert_eq(tp_conf_integer(conf, "engine", "offset"), -7);
    cr_assert_eq(tp_conf_integer(conf, "engine", "idle"), 3600000);
    cr_assert_not(tp_conf_boolean(conf, "engine", "strict"));
    cr_assert_str_eq(tp_conf_string(conf, "engine", "store"), "/var/x");
    cr_assert_str_eq(tp_conf_string(conf, "engine", "start"), "service");
    cr_assert_str_eq(tp_conf_string(conf, "policy a b", "hash"), "sha512");
    cr_assert_eq(tp_conf_integer(conf, "policy a b", "uses"), 10);
    cr_assert_str_eq(tp_conf_path(conf), file);
}

Test(conf, what_is_absent_has_its_default_or_nothing)
{
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = accepted("[policy a]\nuses = 3\n");
    char store[80];
    (void)snprintf(store, sizeof(store), "%s/store.db", folder);
    cr_assert_null(tp_conf_string(conf, "", "name"));
    cr_assert_str_eq(tp_conf_string(conf, "", "user"), "nobody");
    cr_assert_eq(tp_conf_integer(conf, "engine", "threads"), 4);
    cr_assert_eq(tp_conf_integer(conf, "engine", "offset"), 0);
    cr_assert_eq(tp_conf_integer(conf, "engine", "idle"), 900000);
    cr_assert(tp_conf_boolean(conf, "engine", "strict"));
    cr_assert_str_eq(tp_conf_string(conf, "engine", "store"), store);
    cr_assert_str_eq(tp_conf_string(conf, "policy a", "hash"), "sha256");
    cr_assert_eq(tp_conf_integer(conf, "policy other", "uses"), 0);
}

Test(conf, relative_paths_are_below_the_folder_of_the_file)
{
    char expected[80];
    struct tp_error error = {0};
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = NULL;
    (void)snprintf(expected, sizeof(expected), "%s/db/x", folder);
    write_text("[engine]\nstore = db/x\n");
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(tp_conf_read("t.conf", schema, false, &error, &conf), TP_OK);
    cr_assert_str_eq(tp_conf_string(conf, "engine", "store"), expected);
    cr_assert_str_eq(tp_conf_path(conf), file);
}

Test(conf, an_unknown_key_is_named_with_its_line)
{
    assert_refused(
        "name = n\n[engine]\n# threads\nthread = 3\n",
        "4: unknown key \"thread\" in section [engine]; known keys are threads, offset, idle, strict, store, "
        "start");
    assert_refused("nam = n\n", "1: unknown key \"nam\" before the first section; known keys are name, user");
    assert_refused("[policy x]\nname = n\n",
                   "2: unknown key \"name\" in section [policy x]; known keys are hash, uses");
    assert_refused("Name = n\n", "1: unknown key \"Name\" before the first section; known keys are name, user");
}

Test(conf, an_unknown_section_is_named_with_its_line)
{
    assert_refused("\n[engin]\nthreads = 3\n", "2: unknown section [engin]; known sections are [engine], [policy *]");
    assert_refused("[policy]\n", "1: unknown section [policy]; known sections are [engine], [policy *]");
    assert_refused("[policy \\\n]\n", "1: unknown section [policy]; known sections are [engine], [policy *]");
}

Test(conf, numbers_at_the_limits_are_accepted)
{
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) =
        accepted("[engine]\nthreads = 1\nidle = 1s\noffset = 9223372036854775807\n");
    cr_assert_eq(tp_conf_integer(conf, "engine", "threads"), 1);
    cr_assert_eq(tp_conf_integer(conf, "engine", "idle"), 1000);
    cr_assert_eq(tp_conf_integer(conf, "engine", "offset"), INT64_MAX);
}

Test(conf, values_that_do_not_fit_their_type_are_refused)
{
    assert_refused("[engine]\nthreads = 0\n", "2: threads: 0 is outside 1 to 64");
    assert_refused("[engine]\nthreads = 65\n", "2: threads: 65 is outside 1 to 64");
    assert_refused("[engine]\nthreads = four\n", "2: threads: \"four\" is not a whole number");
    assert_refused("[engine]\nthreads = 4k\n", "2: threads: \"4k\" is not a whole number");
    assert_refused("[engine]\nthreads = +4\n", "2: threads: \"+4\" is not a whole number");
    assert_refused("[engine]\nthreads =\n", "2: threads: \"\" is not a whole number");
    assert_refused("[engine]\noffset = 9223372036854775808\n",
                   "2: offset: \"9223372036854775808\" is not a whole number");
    assert_refused("[engine]\nidle = 2d\n", "2: idle: 2d is outside 1s to 86400s");
    assert_refused("[engine]\nidle = soon\n", "2: idle: \"soon\" is not a time span such as 90s, 15m, 8h or 30d, of 3653d at most");
    assert_refused("[engine]\nstrict = true\n", "2: strict: \"true\" is neither yes nor no");
    assert_refused("[engine]\nstart = spaw\n", "2: start: \"spaw\" is not one of spawn|service");
    assert_refused("[engine]\nstart = spawn|service\n", "2: start: \"spawn|service\" is not one of spawn|service");
    assert_refused("[engine]\nstart =\n", "2: start: \"\" is not one of spawn|service");
    assert_refused("[engine]\nstore =\n", "2: store: is empty; give a path, or leave the line out");
}

static void assert_file_refused(const char *path, bool owner_only, const char *words)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    cr_assert_eq(tp_conf_read(path, schema, owner_only, &error, &conf), TP_CONFIG);
    cr_assert_null(conf);
    cr_assert_eq(strncmp(error.words, path, strlen(path)), 0);
    cr_assert_not_null(strstr(error.words, words), "%s", error.words);
}

Test(conf, a_file_that_others_may_write_is_refused_when_it_matters)
{
    struct tp_conf *conf = NULL;
    write_text("name = n\n");
    cr_assert_eq(chmod(file, 0664), 0);
    assert_file_refused(file, true, "others may write this file; run chmod go-w on it");
    cr_assert_eq(chmod(file, 0602), 0);
    assert_file_refused(file, true, "others may write this file");
    cr_assert_eq(tp_conf_read(file, schema, false, NULL, &conf), TP_OK);
    tp_conf_free(conf);
    cr_assert_eq(chmod(file, 0644), 0);
    cr_assert_eq(tp_conf_read(file, schema, true, NULL, &conf), TP_OK);
    tp_conf_free(conf);
}

Test(conf, a_file_that_belongs_to_another_user_is_refused_when_it_matters)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    struct tp_conf *conf = NULL;
    write_text("name = n\n");
    cr_assert_eq(chown(file, 65534, 65534), 0);
    assert_file_refused(file, true, "belongs to uid 65534");
    cr_assert_eq(tp_conf_read(file, schema, false, NULL, &conf), TP_OK);
    tp_conf_free(conf);
}

Test(conf, what_is_not_a_small_regular_file_is_refused)
{
    assert_file_refused("/nonexistent/t.conf", false, "No such file");
    assert_file_refused(folder, false, "not a regular file");
    assert_file_refused("/dev/zero", false, "not a regular file");
    cr_assert_eq(mkfifo(file, 0600), 0);
    assert_file_refused(file, false, "not a regular file");
    cr_assert_eq(unlink(file), 0);
    write_text("");
    cr_assert_eq(truncate(file, (1 << 20) + 1), 0);
    assert_file_refused(file, false, "larger than 1 MiB");
}

Test(conf, a_default_that_does_not_fit_its_row_is_our_mistake)
{
    static const struct tp_conf_key bad[] = {{"", "n", TP_CONF_INTEGER, "x", NULL, 0, 9},
                                             {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0}};
    struct tp_conf *conf = NULL;
    write_text("");
    cr_assert_eq(tp_conf_read(file, bad, false, NULL, &conf), TP_INTERNAL);
    cr_assert_null(conf);
}

Test(conf, asking_for_a_key_outside_the_schema_aborts, .signal = SIGABRT)
{
    (void)tp_conf_string(accepted(""), "engine", "nothing");
}

Test(conf, a_section_in_a_file_that_has_none_is_refused_in_words_of_its_own)
{
    static const struct tp_conf_key flat[] = {{"", "name", TP_CONF_STRING, NULL, NULL, 0, 0},
                                              {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0}};
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    write_text("name = n\n[engine]\n");
    cr_assert_eq(tp_conf_read(file, flat, false, &error, &conf), TP_CONFIG);
    cr_assert_not_null(strstr(tp_error_words(&error), "2: unknown section [engine]; this file has keys, and no sections"));
    write_text("name = n\n");
    cr_assert_eq(tp_conf_read(file, flat, false, &error, &conf), TP_OK);
    tp_conf_free(conf);
}

Test(conf, asking_for_another_type_aborts, .signal = SIGABRT)
{
    (void)tp_conf_boolean(accepted(""), "engine", "threads");
}

Test(conf, sections_are_told_in_the_order_of_the_file)
{
    struct tp_conf *conf = accepted("[policy z]\nuses = 1\n[engine]\n[policy a]\n[policy z]\nhash = x\n[policy m]\n");
    cr_assert_str_eq(tp_conf_section(conf, "policy *", 0), "policy z");
    cr_assert_str_eq(tp_conf_section(conf, "policy *", 1), "policy a");
    cr_assert_str_eq(tp_conf_section(conf, "policy *", 2), "policy m");
    cr_assert_null(tp_conf_section(conf, "policy *", 3));
    cr_assert_str_eq(tp_conf_section(conf, "engine", 0), "engine");
    cr_assert_null(tp_conf_section(conf, "engine", 1));
    cr_assert_str_eq(tp_conf_string(conf, "policy z", "hash"), "x");
    tp_conf_free(conf);
}
