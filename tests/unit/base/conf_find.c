/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/tp-find-XXXXXX";

static const char *below(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

/* home/.config/trustp11/ and xdg/trustp11/, without files; the environment points there. */
static void make_homes(void)
{
    static const char *const folders[] = {"home", "home/.config", "home/.config/trustp11", "xdg", "xdg/trustp11"};
    cr_assert_not_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        cr_assert_eq(mkdir(below(folders[i]), 0700), 0);
    unsetenv("TRUSTP11_CONF");
    setenv("XDG_CONFIG_HOME", below("xdg"), 1);
    setenv("HOME", below("home"), 1);
}

static void remove_homes(void)
{
    static const char *const files[] = {"home/.config/trustp11/trustp11.conf", "xdg/trustp11/trustp11.conf"};
    static const char *const folders[] = {"xdg/trustp11", "xdg", "home/.config/trustp11", "home/.config", "home", ""};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlink(below(files[i]));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        (void)rmdir(below(folders[i]));
}

TestSuite(conf_find, .init = make_homes, .fini = remove_homes);

static void make_file(const char *name)
{
    FILE *out = fopen(below(name), "w");
    cr_assert_not_null(out);
    fclose(out);
}

static void assert_found(const char *path)
{
    char found[256] = "";
    cr_assert_eq(tp_conf_find(NULL, found, sizeof(found)), TP_OK);
    cr_assert_str_eq(found, path);
}

Test(conf_find, a_named_file_is_taken_even_when_it_does_not_exist)
{
    make_file("xdg/trustp11/trustp11.conf");
    setenv("TRUSTP11_CONF", "/nonexistent/mine.conf", 1);
    assert_found("/nonexistent/mine.conf");
    setenv("TRUSTP11_CONF", "", 1);
    assert_found(below("xdg/trustp11/trustp11.conf"));
}

Test(conf_find, the_first_file_that_exists_is_taken)
{
    make_file("home/.config/trustp11/trustp11.conf");
    assert_found(below("home/.config/trustp11/trustp11.conf"));
    make_file("xdg/trustp11/trustp11.conf");
    assert_found(below("xdg/trustp11/trustp11.conf"));
}

Test(conf_find, relative_folders_in_the_environment_are_ignored)
{
    make_file("xdg/trustp11/trustp11.conf");
    make_file("home/.config/trustp11/trustp11.conf");
    cr_assert_eq(chdir(root), 0);
    setenv("XDG_CONFIG_HOME", "xdg", 1);
    assert_found(below("home/.config/trustp11/trustp11.conf"));
}

Test(conf_find, without_a_file_the_candidates_are_listed)
{
    if (access("/etc/trustp11/trustp11.conf", F_OK) == 0)
        cr_skip_test("this machine has a configuration");
    struct tp_error error = {0};
    char found[256] = "untouched";
    cr_assert_eq(tp_conf_find(&error, found, sizeof(found)), TP_NOT_FOUND);
    cr_assert_str_eq(found, "untouched");
    cr_assert_not_null(strstr(error.words, below("xdg/trustp11/trustp11.conf")));
    cr_assert_not_null(strstr(error.words, below("home/.config/trustp11/trustp11.conf")));
    cr_assert_not_null(strstr(error.words, "/etc/trustp11/trustp11.conf"));
}

Test(conf_find, a_path_that_does_not_fit_is_refused)
{
    char found[8] = "x", fits[9] = "";
    setenv("TRUSTP11_CONF", "/12345678", 1);
    cr_assert_eq(tp_conf_find(NULL, found, sizeof(found)), TP_TOO_LARGE);
    cr_assert_str_eq(found, "x");
    setenv("TRUSTP11_CONF", "/1234567", 1);
    cr_assert_eq(tp_conf_find(NULL, fits, sizeof(fits)), TP_OK);
    cr_assert_str_eq(fits, "/1234567");
}

static void assert_item(const char *list, size_t index, const char *expected)
{
    char word[16] = "untouched";
    cr_assert_eq(tp_conf_list_item(list, index, word, sizeof(word)), expected != NULL, "%s", list);
    cr_assert_str_eq(word, expected != NULL ? expected : "untouched");
}

Test(conf_find, words_of_a_list_are_trimmed)
{
    assert_item("alice, bob", 0, "alice");
    assert_item("alice, bob", 1, "bob");
    assert_item(" alice\t,,\tbob b ,", 0, "alice");
    assert_item(" alice\t,,\tbob b ,", 1, "bob b");
    assert_item("one", 0, "one");
    assert_item("fifteen letters", 0, "fifteen letters");
}

Test(conf_find, there_is_no_word_past_the_end_and_none_that_does_not_fit)
{
    assert_item("alice, bob", 2, NULL);
    assert_item("alice,", 1, NULL);
    assert_item("", 0, NULL);
    assert_item(" , ,", 0, NULL);
    assert_item(NULL, 0, NULL);
    assert_item("sixteen letters!", 0, NULL);
}

Test(conf_find, another_file_has_its_own_name_and_variable)
{
    char found[256] = "";
    make_file("xdg/trustp11/trustp11.conf");
    cr_assert_eq(tp_conf_find_named("TRUSTP11_OTHER", "no-such.conf", NULL, found, sizeof(found)), TP_NOT_FOUND);
    cr_assert_eq(tp_conf_find_named("TRUSTP11_OTHER", "trustp11.conf", NULL, found, sizeof(found)), TP_OK);
    cr_assert_str_eq(found, below("xdg/trustp11/trustp11.conf"));
    setenv("TRUSTP11_OTHER", "/nonexistent/other.conf", 1);
    cr_assert_eq(tp_conf_find_named("TRUSTP11_OTHER", "trustp11.conf", NULL, found, sizeof(found)), TP_OK);
    cr_assert_str_eq(found, "/nonexistent/other.conf");
    unsetenv("TRUSTP11_OTHER");
}
