/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net_conf.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum tp_rc read_text(const char *text, struct tp_error *error, struct tp_net_conf *ret_conf)
{
    char path[] = "/tmp/trustp11-net-conf.XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    const enum tp_rc rc = tp_net_conf_read(path, error, ret_conf);
    unlink(path);
    return rc;
}

Test(net_conf, defaults_and_values)
{
    struct tp_error error = {0};
    struct tp_net_conf conf = {0};
    cr_assert_eq(read_text("", &error, &conf), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(conf.places_len, 1);
    cr_expect_str_eq(conf.places[0].address, "127.0.0.1");
    cr_expect_eq(conf.places[0].port, 3180);
    cr_expect_str_eq(conf.tsa, "/tsa");
    cr_expect_null(conf.user);
    cr_expect_null(conf.engine_user);
    cr_expect(conf.access_log);
    tp_net_conf_clear(&conf);
    cr_assert_eq(read_text("listen = 192.0.2.1:80, [2001:db8::1]:8080\nuser = u\ntime = 1m\n[tsa]\npath =\n", &error, &conf), TP_OK,
                 "%s", tp_error_words(&error));
    cr_expect_eq(conf.places_len, 2);
    cr_expect_str_eq(conf.places[1].address, "2001:db8::1");
    cr_expect_eq(conf.places[1].port, 8080);
    cr_expect_str_eq(conf.user, "u");
    cr_expect_eq(conf.time_ms, 60000);
    cr_expect_null(conf.tsa);
    tp_net_conf_clear(&conf);
}

Test(net_conf, mistakes)
{
    static const char *const bad[] = {
        "listen = localhost:80\n", "listen = 127.0.0.1\n",  "listen = 127.0.0.1:0\n", "listen = 127.0.0.1:65536\n",
        "listen = ::1:80\n",       "listen = [::1]\n",      "listen = [127.0.0.1]:80\n", "listen = 127.0.0.1:8x\n",
        "listen = ,\n",            "connections = 0\n",     "time = 1ms\n",           "[tsa]\npath = tsa\n",
        "unknown = 1\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tp_error error = {0};
        struct tp_net_conf conf = {0};
        cr_expect_eq(read_text(bad[i], &error, &conf), TP_CONFIG, "%s", bad[i]);
        cr_expect_null(conf.file);
    }
}
