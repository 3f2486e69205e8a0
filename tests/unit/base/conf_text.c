/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configuration file may not hold, whatever its schema says.
 */
#include "base/bytes.h"
#include "base/conf.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tp_conf_key schema[] = {
    {"", "a", TP_CONF_STRING, NULL, NULL, 0, 0},    {"", "b", TP_CONF_STRING, NULL, NULL, 0, 0},
    {"s", "a", TP_CONF_STRING, NULL, NULL, 0, 0},   {"two words", "a", TP_CONF_STRING, NULL, NULL, 0, 0},
    {NULL, NULL, TP_CONF_STRING, NULL, NULL, 0, 0},
};

static char folder[] = "/tmp/tp-conf-text-XXXXXX";
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

TestSuite(conf_text, .init = make_folder, .fini = remove_folder);

static enum tp_rc read_text(const char *text, size_t len, struct tp_error *error, struct tp_conf **ret_conf)
{
    FILE *out = fopen(file, "w");
    cr_assert_eq(fwrite(text, 1, len, out), len);
    cr_assert_eq(fclose(out), 0);
    return tp_conf_read(file, schema, false, error, ret_conf);
}

static struct tp_conf *accepted(const char *text)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    cr_assert_eq(read_text(text, strlen(text), &error, &conf), TP_OK, "%s\n%s", text, tp_error_words(&error));
    return conf;
}

/* WORDS: "LINE: …", what must come after the file's name. */
static void assert_refused_bytes(const char *text, size_t len, const char *words)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    char expected[256];
    cr_assert_eq(read_text(text, len, &error, &conf), TP_CONFIG, "%s", text);
    cr_assert_null(conf);
    (void)snprintf(expected, sizeof(expected), "%s:%s", file, words);
    cr_assert_eq(strncmp(error.words, expected, strlen(expected)), 0, "%s\n%s\nwanted %s", text, error.words, expected);
}

static void assert_refused(const char *text, const char *words)
{
    assert_refused_bytes(text, strlen(text), words);
}

static void assert_value(const char *text, const char *section, const char *value)
{
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = accepted(text);
    cr_assert_str_eq(tp_conf_string(conf, section, "a"), value, "%s", text);
}

Test(conf_text, an_empty_file_and_comments_are_accepted)
{
    tp_conf_free(accepted(""));
    tp_conf_free(accepted("\n\n   \n# a comment with $ENV::HOME\n   # .include /etc/passwd\n"));
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = accepted("");
    cr_assert_null(tp_conf_string(conf, "", "a"));
}

Test(conf_text, values_are_what_nconf_makes_of_them)
{
    assert_value("a = x\n", "", "x");
    assert_value("a=x", "", "x");
    assert_value("a =   x y  # why\n", "", "x y");
    assert_value("a = \"x # y\"\n", "", "x # y");
    assert_value("a = x\\\\y\n", "", "x\\y");
    assert_value("a = x\\\n  y\n", "", "x  y");
    assert_value("a = x\\\\\nb = y\n", "", "x\\");
    assert_value("a = x\r\nb = y\r\n", "", "x");
    assert_value("\xEF\xBB\xBF"
                 "a = x\n",
                 "", "x");
    assert_value("b = z\na = x$b\n", "", "xz");
    assert_value("a =\n", "", "");
    assert_value("[ two words ]\na = caf\xC3\xA9\n", "two words", "caf\xC3\xA9");
    assert_value("[s]\n[default]\na = x\n", "", "x");
}

Test(conf_text, the_unnamed_section_does_not_leak_into_others)
{
    struct tp_conf *conf TP_AUTO(tp_conf_free_p) = accepted("a = x\n[s]\n");
    cr_assert_null(tp_conf_string(conf, "s", "a"));
}

Test(conf_text, the_environment_is_refused)
{
    setenv("TP_MARK", "mark", 1);
    assert_refused("a = $ENV::TP_MARK\n", "1: $ENV:: is not allowed");
    assert_refused("\na = ${ENV::TP_MARK}\n", "2: $ENV:: is not allowed");
    assert_refused("a = x$(ENV::TP_MARK)\n", "1: $ENV:: is not allowed");
    assert_refused("a = $EN\\\nV::TP_MARK\n", "1: $ENV:: is not allowed");
    assert_refused("[$ENV::TP_MARK]\n", "1: $ENV:: is not allowed");
}

Test(conf_text, a_dollar_is_kept_out_of_section_names)
{
    assert_refused("a = s\n[$a]\n", "2: a section's name must be plain words");
    assert_refused("[\"s\"]\n", "1: a section's name must be plain words");
    assert_refused("[\\s]\n", "1: a section's name must be plain words");
    assert_refused("[ ]\n", "1: a section's name must be plain words");
    assert_refused("[s\n", "1: the section's name lacks its closing bracket");
}

Test(conf_text, directives_are_refused)
{
    assert_refused(".include /etc/ssl/openssl.cnf\n", "1: .include and .pragma are not allowed");
    assert_refused("  .include = /etc/ssl/openssl.cnf\n", "1: .include and .pragma are not allowed");
    assert_refused(".pragma dollarid:on\n", "1: .include and .pragma are not allowed");
    assert_refused("\n.inc\\\nlude /etc/ssl/openssl.cnf\n", "2: .include and .pragma are not allowed");
    assert_refused("s::.include /etc/ssl/openssl.cnf\n", "1: section::key is not allowed");
    assert_refused("s::a = x\n", "1: section::key is not allowed");
}

Test(conf_text, a_key_is_set_once_in_a_section)
{
    tp_conf_free(accepted("a = x\n[s]\na = y\n[two words]\na = z\n"));
    assert_refused("a = x\nb = y\na = z\n", "3: \"a\" is set a second time, after line 1");
    assert_refused("[s]\na = x\n[two words]\n[s]\na = y\n", "5: \"a\" is set a second time, after line 2");
    assert_refused("a = x\n[default]\na = y\n", "3: \"a\" is set a second time, after line 1");
}

Test(conf_text, control_characters_are_refused)
{
    assert_refused_bytes("a = x\0y\n", 8, "1: there is a control character");
    assert_refused_bytes("#\0\na = y\n", 9, "1: there is a control character");
    assert_refused("a = x\ry\n", "1: there is a control character");
    assert_refused("\n\na = \x1B[1m\n", "3: there is a control character");
    assert_refused("b = x\na = x\\ny\n", "2: a: holds a control character");
}

/* In the place where NCONF, whose buffer is full, would drop a backslash and make ".include" of ".inc\lude". */
Test(conf_text, lines_longer_than_nconf_can_join_are_refused)
{
    char text[600];
    memset(text, ' ', sizeof(text));
    (void)snprintf(text + 506, sizeof(text) - 506, ".inc\\lude /etc/passwd\n");
    assert_refused(text, "1: the line is longer than 500 bytes");
    memset(text, '#', 501);
    text[501] = '\0';
    assert_refused(text, "1: the line is longer than 500 bytes");
    text[500] = '\0';
    tp_conf_free(accepted(text));
}

Test(conf_text, syntax_errors_name_their_line)
{
    assert_refused("a = x\n\nno equal sign\n", "3: ");
    assert_refused("a = $nowhere\n", "1: ");
    assert_refused("a = ${b\n", "1: ");
}

Test(conf_text, names_with_backslashes_are_refused)
{
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    static const char text[] = "a\\=b = x\n";
    cr_assert_eq(read_text(text, strlen(text), &error, &conf), TP_CONFIG);
    cr_assert_null(conf);
}

Test(conf_text, too_many_settings_are_refused)
{
    struct tp_buf text TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_error error = {0};
    struct tp_conf *conf = NULL;
    for (int i = 0; i < 4097; i++)
        cr_assert_eq(tp_buf_printf(&text, "k%d=\n", i), TP_OK);
    cr_assert_eq(read_text(tp_buf_string(&text), text.len, &error, &conf), TP_TOO_LARGE);
    cr_assert_eq(strncmp(error.words, file, strlen(file)), 0);
    cr_assert_null(conf);
}
