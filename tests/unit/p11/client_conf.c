/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/client_conf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/trustp11-conf-XXXXXX";
static struct tp_error error;
static struct tp_client_conf *conf;

static enum tp_rc read_text(const char *text)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return tp_client_conf_read(path, &error, &conf);
}

static void clear(void)
{
    tp_client_conf_free(conf);
    (void)unlink(path);
}

Test(client_conf, an_empty_file_gives_the_documented_defaults, .fini = clear)
{
    struct tp_ipc_client_config config;
    cr_assert_eq(read_text("# nothing\n"), TP_OK, "%s", tp_error_words(&error));
    tp_client_conf_ipc(conf, &config);
    cr_expect_str_eq(config.socket_path, "/run/trustp11/engine.sock");
    cr_expect_str_eq(config.engine_user, "trustp11");
    cr_expect_not(config.spawn);
    cr_expect_str_eq(config.engine_conf, "/etc/trustp11/engine.conf");
    cr_expect_null(config.engine_program);
    cr_expect_eq(config.timeout_ms, 30000);
    cr_expect_eq(tp_client_conf_users(conf), 0);
    cr_expect_null(tp_client_conf_user(conf, 0));
    cr_expect_not(tp_client_conf_session_login(conf));
    cr_expect_null(tp_client_conf_debug(conf));
    cr_expect_null(tp_client_conf_officer(conf));
    cr_expect_str_eq(tp_client_conf_path(conf), path);
}

Test(client_conf, everything_can_be_said, .fini = clear)
{
    struct tp_ipc_client_config config;
    cr_assert_eq(
        read_text("socket = /tmp/s\nengine = service\nengine_user = nobody\nengine_conf = /tmp/e\n"
                  "engine_program = /tmp/d\nusers = alice,  bob\nofficer = olga\nlogin = session\ntimeout = 5s\ndebug = syslog\n"),
        TP_OK, "%s", tp_error_words(&error));
    tp_client_conf_ipc(conf, &config);
    cr_expect_str_eq(config.socket_path, "/tmp/s");
    cr_expect_str_eq(config.engine_user, "nobody");
    cr_expect_str_eq(config.engine_conf, "/tmp/e");
    cr_expect_str_eq(config.engine_program, "/tmp/d");
    cr_expect_eq(config.timeout_ms, 5000);
    cr_expect_eq(tp_client_conf_users(conf), 2);
    cr_expect_str_eq(tp_client_conf_user(conf, 0), "alice");
    cr_expect_str_eq(tp_client_conf_user(conf, 1), "bob");
    cr_expect_null(tp_client_conf_user(conf, 2));
    cr_expect(tp_client_conf_session_login(conf));
    cr_expect_str_eq(tp_client_conf_debug(conf), "syslog");
    cr_expect_str_eq(tp_client_conf_officer(conf), "olga");
}

Test(client_conf, a_spawned_engine_must_be_our_own_process, .fini = clear)
{
    struct tp_ipc_client_config config;
    cr_assert_eq(read_text("engine = spawn\n"), TP_OK);
    tp_client_conf_ipc(conf, &config);
    cr_expect(config.spawn);
    cr_expect_null(config.engine_user);
}

Test(client_conf, an_unknown_key_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("sockt = /tmp/s\n"), TP_CONFIG);
    cr_expect_not_null(strstr(tp_error_words(&error), "sockt"));
}

Test(client_conf, a_value_that_is_none_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("login = sometimes\n"), TP_CONFIG);
    cr_expect_not_null(strstr(tp_error_words(&error), ":1:"));
}

Test(client_conf, a_user_named_twice_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("users = alice, bob, alice\n"), TP_CONFIG);
    cr_expect_not_null(strstr(tp_error_words(&error), "alice"));
}

Test(client_conf, a_star_is_no_user_but_a_slot_for_all, .fini = clear)
{
    cr_assert_eq(read_text("users = *\n"), TP_OK, "%s", tp_error_words(&error));
    cr_expect(tp_client_conf_serves_all(conf));
    cr_expect_eq(tp_client_conf_users(conf), 0);
    cr_expect_null(tp_client_conf_user(conf, 0));
}

Test(client_conf, a_star_stands_besides_names_wherever, .fini = clear)
{
    cr_assert_eq(read_text("users = alice, *, bob\n"), TP_OK, "%s", tp_error_words(&error));
    cr_expect(tp_client_conf_serves_all(conf));
    cr_expect_eq(tp_client_conf_users(conf), 2);
    cr_expect_str_eq(tp_client_conf_user(conf, 1), "bob");
}

Test(client_conf, a_star_twice_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("users = *, *\n"), TP_CONFIG);
}

static void many_users(size_t count, char *text, size_t room)
{
    size_t len = (size_t)snprintf(text, room, "users = u0");
    for (size_t i = 1; i < count; i++)
        len += (size_t)snprintf(text + len, room - len, ", u%zu", i);
    (void)snprintf(text + len, room - len, "\n");
}

Test(client_conf, as_many_users_as_there_may_be_slots, .fini = clear)
{
    char text[1024];
    many_users(TP_CLIENT_USERS_MAX, text, sizeof(text));
    cr_assert_eq(read_text(text), TP_OK);
    cr_expect_eq(tp_client_conf_users(conf), TP_CLIENT_USERS_MAX);
    cr_expect_not(tp_client_conf_serves_all(conf));
}

Test(client_conf, one_user_too_many_is_refused, .fini = clear)
{
    char text[1024];
    many_users(TP_CLIENT_USERS_MAX + 1, text, sizeof(text));
    cr_assert_eq(read_text(text), TP_CONFIG);
}

Test(client_conf, a_name_that_is_too_long_is_refused_not_left_out, .fini = clear)
{
    char text[512] = "users = alice, ";
    memset(text + strlen(text), 'x', 200);
    cr_assert_eq(read_text(text), TP_CONFIG);
}

Test(client_conf, an_officer_without_a_name_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("officer =\n"), TP_CONFIG);
    cr_expect_not_null(strstr(tp_error_words(&error), "officer"));
}

Test(client_conf, an_officer_whose_name_is_too_long_is_refused, .fini = clear)
{
    char text[512] = "officer = ";
    memset(text + strlen(text), 'x', 200);
    cr_assert_eq(read_text(text), TP_CONFIG);
    cr_expect_not_null(strstr(tp_error_words(&error), "officer"));
}

Test(client_conf, a_file_that_others_may_write_is_refused, .fini = clear)
{
    cr_assert_eq(read_text("users = alice\n"), TP_OK);
    tp_client_conf_free(conf);
    conf = NULL;
    cr_assert_eq(chmod(path, 0666), 0);
    cr_assert_eq(tp_client_conf_read(path, &error, &conf), TP_CONFIG);
    cr_assert_null(conf);
}
