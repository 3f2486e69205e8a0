/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of others, tables, JSON, progress, QR codes.
 */
#include "cli/progress.h"
#include "cli/qr.h"
#include "cli/table.h"
#include "cli/text.h"
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct tp_cli_column columns[] = {{"name", "NAME"}, {"keys", "KEYS"}, {NULL, NULL}};

static char *clean(const char *text)
{
    struct tp_buf buf = TP_BUF_INIT;
    cr_assert_eq(tp_cli_text_clean(text, &buf), TP_OK);
    char *copy = strdup(tp_buf_string(&buf));
    tp_buf_clear(&buf);
    return copy;
}

static void assert_cleaned(const char *text, const char *expected)
{
    char *got = clean(text);
    cr_assert_str_eq(got, expected);
    free(got);
}

CliTest(text, names_of_people_stay_as_they_are)
{
    assert_cleaned("Žofie 山田 太郎", "Žofie 山田 太郎");
    cr_assert_eq(tp_cli_text_width("山田"), 4);
    cr_assert_eq(tp_cli_text_width("Žofie"), 5);
}

CliTest(text, what_steers_a_terminal_or_is_not_utf8_is_replaced)
{
    assert_cleaned("a\033[2Jb\r\nc\x7f", "a?[2Jb??c?");
    assert_cleaned("\xc2\x9b"
                   "31m",
                   "?31m"); /* C1: CSI */
    assert_cleaned("a\xff\xe5\xb1", "a???");
    assert_cleaned(NULL, "");
}

CliTest(text, what_turns_a_line_around_or_is_not_to_be_seen_is_replaced)
{
    static const char *const unseen[] = {"\u200b", "\u200e", "\u200f", "\u202a", "\u202e",     "\u2060",
                                         "\u2066", "\u2069", "\ufeff", "\u061c", "\U000e0041", "\u00ad"};
    char text[32];
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++) {
        (void)snprintf(text, sizeof text, "a%sb", unseen[i]);
        assert_cleaned(text, "a?b");
    }
}

CliTest(text, combining_marks_and_variants_of_characters_stay)
{
    assert_cleaned("Z\u030cofie", "Z\u030cofie");
    assert_cleaned("か\u3099", "か\u3099");
    assert_cleaned("葛\U000e0100城", "葛\U000e0100城");
}

static char *table(json_t *list)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    cr_assert_eq(tp_cli_table_list(to, list, columns), TP_OK);
    (void)fclose(to);
    json_decref(list);
    return text;
}

CliTest(table, columns_are_aligned_by_width_on_the_terminal)
{
    char *text = table(json_pack("[{s:s,s:i},{s:s,s:i},{s:s}]", "name", "山田", "keys", 1, "name", "al", "keys", 22,
                                 "name", "\033[1m"));
    cr_assert_str_eq(text, "NAME  KEYS\n山田  1\nal    22\n?[1m  -\n");
    free(text);
}

CliTest(table, a_record_leaves_out_what_is_not_there)
{
    char *text;
    size_t len;
    json_t *object = json_pack("{s:[s,s]}", "name", "a", "b");
    FILE *to = open_memstream(&text, &len);
    cr_assert_eq(tp_cli_table_record(to, object, columns), TP_OK);
    (void)fclose(to);
    cr_assert_str_eq(text, "NAME:  a, b\n");
    free(text);
    json_decref(object);
}

CliTest(json, text_that_is_not_utf8_does_not_make_an_answer_unprintable)
{
    Tp__Ipc__User user = TP__IPC__USER__INIT, *users[] = {&user};
    Tp__Ipc__UserListReply reply = TP__IPC__USER_LIST_REPLY__INIT;
    user.name = "a\xff";
    reply.users = users;
    reply.n_users = 1;
    engine_answers(TP_OP_USER_LIST, &reply.base, NULL);
    run(NULL, "user list --json");
    cr_assert_eq(status, 0);
    json_t *list = json_loads(out, 0, NULL);
    cr_assert_not_null(list);
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(list, 0), "name")), "a?");
    json_decref(list);
}

CliTest(json, wrong_usage_is_an_object_too_unless_the_word_is_no_option)
{
    run(NULL, "status --nonsense --json");
    cr_assert_eq(status, 2);
    json_t *object = json_loads(err, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(object, "error")), "TP_USAGE");
    json_decref(object);
    run(NULL, "status --nonsense -- --json");
    cr_assert_eq(status, 2);
    cr_assert_null(json_loads(err, 0, NULL));
}

/* The version, printed into a pipe whose other end is closed, or into nothing. */
static int print_version(bool closed)
{
    static char *words[] = {"trustp11", "--version", NULL};
    size_t err_len;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    (void)close(ends[0]);
    (void)signal(SIGPIPE, SIG_IGN);
    free(err);
    struct tp_cli cli = {
        .out = fdopen(ends[1], "w"), .err = open_memstream(&err, &err_len), .in = -1, .out_closed = closed};
    int exit_status = tp_cli_run(&cli, 2, words);
    (void)fclose(cli.out);
    (void)fclose(cli.err);
    return exit_status;
}

CliTest(out, a_reader_that_has_gone_ends_the_run_without_a_word)
{
    cr_assert_eq(print_version(false), 0);
    cr_assert_str_empty(err);
}

CliTest(out, a_standard_output_that_is_closed_is_an_error)
{
    cr_assert_eq(print_version(true), 1);
    cr_assert_not_null(strstr(err, "writing the output failed"));
}

CliTest(out, a_full_disk_is_an_error)
{
    static char *words[] = {"trustp11", "--version", NULL};
    size_t err_len;
    free(err);
    struct tp_cli cli = {.out = fopen("/dev/full", "w"), .err = open_memstream(&err, &err_len), .in = -1};
    cr_assert_eq(tp_cli_run(&cli, 2, words), 1);
    (void)fclose(cli.out);
    (void)fclose(cli.err);
    cr_assert_not_null(strstr(err, "writing the output failed"));
}

CliTest(json, an_error_is_an_object_on_one_line)
{
    engine_refuses(TP_OP_STATUS, TP_NOT_PERMITTED, NULL);
    run(NULL, "status --json");
    cr_assert_eq(status, 1);
    cr_assert_str_empty(out);
    json_t *object = json_loads(err, 0, NULL);
    cr_assert_str_eq(json_string_value(json_object_get(object, "error")), "TP_NOT_PERMITTED");
    cr_assert_not_null(json_object_get(object, "advice"));
    json_decref(object);
}

CliTest(errors, advice_is_added_only_where_the_engine_said_nothing)
{
    engine_refuses(TP_OP_STATUS, TP_NOT_PERMITTED, NULL);
    run(NULL, "status");
    cr_assert_not_null(strstr(err, "trustp11 login --user OFFICER"));
    engine_refuses(TP_OP_STATUS, TP_NOT_PERMITTED, "only on Mondays; come back");
    run(NULL, "status");
    cr_assert_str_eq(err, "trustp11: only on Mondays; come back\n");
}

Test(progress, a_bar_where_the_end_is_known_and_seconds_where_not)
{
    char line[128];
    tp_cli_progress_line(line, sizeof line, "verifying", 1, 2, 5000);
    cr_assert_str_eq(line, "verifying  [###############               ]  50 %");
    tp_cli_progress_line(line, sizeof line, "verifying", 3, 2, 5000);
    cr_assert_not_null(strstr(line, "100 %"));
    tp_cli_progress_line(line, sizeof line, "login", 0, 0, 5900);
    cr_assert_str_eq(line, "login … 5 s");
}

Test(progress, nobody_at_a_terminal_means_no_progress)
{
    struct tp_cli cli = {.progress = false};
    cr_assert_null(tp_cli_progress_begin(&cli, "x"));
    tp_cli_progress_update(NULL, 1, 2, "y");
    tp_cli_progress_end(NULL);
}

Test(qr, every_line_is_as_wide_and_ends_with_the_colours_put_back)
{
    struct tp_secret *picture = NULL;
    struct tp_error error = {TP_OK, ""};
    tp_cli_text_start();
    cr_assert_eq(tp_cli_qr(tp_bytes_of_string("otpauth://totp/a:b?secret=AAAA"), &error, &picture), TP_OK);
    char *text = strndup((const char *)tp_secret_data(picture), tp_secret_len(picture));
    size_t lines = 0, width = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        cr_assert(strncmp(line, "\033[97;40m", 8) == 0 && strcmp(line + strlen(line) - 4, "\033[0m") == 0);
        line[strlen(line) - 4] = '\0';
        width = lines == 0 ? tp_cli_text_width(line + 8) : width;
        cr_assert_eq(tp_cli_text_width(line + 8), width);
    }
    cr_assert_eq(lines, (width + 1) / 2); /* square: two rows of modules a line */
    cr_assert_geq(width, 29);             /* the smallest code and its margins */
    free(text);
    tp_secret_free(picture);
}

Test(qr, what_does_not_fit_is_refused)
{
    static char text[4000];
    struct tp_secret *picture = NULL;
    struct tp_error error = {TP_OK, ""};
    memset(text, 'a', sizeof text - 1);
    cr_assert_eq(tp_cli_qr(tp_bytes_of_string(text), &error, &picture), TP_TOO_LARGE);
    cr_assert_null(picture);
}
