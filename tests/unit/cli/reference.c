/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference configurations against the schemas that programs really use: they cannot drift apart.
 */
#include "cli/reference.h"
#include "engine/engine_conf.h"
#include "fixture.h"
#include "ipc/client_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ENGINE_CONF TP_SOURCE_ROOT "/conf/engine.conf"
#define CLIENT_CONF TP_SOURCE_ROOT "/conf/trustp11.conf"

static struct tp_error error;

/* Writes the reference as NAME; with UNCOMMENT, "#key = value" becomes "key = value". */
static void copy_reference(const char *path, const char *name, bool uncomment)
{
    char *text = read_text(path);
    cr_assert_not_null(text, "%s", path);
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool starts_line = from == text || from[-1] == '\n';
        if (uncomment && starts_line && from[0] == '#' && islower((unsigned char)from[1]))
            continue;
        *to++ = *from;
    }
    *to = '\0';
    write_file(name, 0600, text);
    free(text);
}

static void read_engine(struct tp_engine_conf *ret_conf)
{
    cr_assert_eq(tp_engine_conf_read("engine.conf", &error, ret_conf), TP_OK, "%s", error.words);
}

CliTest(reference, the_engines_is_readable_as_it_is_and_with_every_default_written_out)
{
    struct tp_engine_conf as_is, written_out;
    copy_reference(ENGINE_CONF, "engine.conf", false);
    read_engine(&as_is);
    copy_reference(ENGINE_CONF, "engine.conf", true);
    read_engine(&written_out);
    tp_engine_conf_clear(&as_is);
    tp_engine_conf_clear(&written_out);
}

/* What the reference calls a default is one: field by field, but for the strings, which follow. */
CliTest(reference, the_engines_defaults_are_the_programs)
{
    struct tp_engine_conf bare, full;
    write_file("engine.conf", 0600, "name = a\nhsm = b\n");
    read_engine(&bare);
    copy_reference(ENGINE_CONF, "engine.conf", true);
    read_engine(&full);
    cr_assert_str_eq(bare.socket, full.socket);
    cr_assert_str_eq(bare.store, full.store);
    cr_assert_str_eq(bare.audit_key, full.audit_key);
    cr_assert_str_eq(bare.otp_issuer, full.otp_issuer);
    cr_assert_eq(memcmp(&bare.otp, &full.otp, sizeof bare.otp), 0);
    cr_assert_eq(memcmp(&bare.pin_cost, &full.pin_cost, sizeof bare.pin_cost), 0);
    cr_assert_eq(bare.socket_open, full.socket_open);
    cr_assert_eq(bare.workers, full.workers);
    cr_assert_eq(bare.login_workers, full.login_workers);
    cr_assert_eq(bare.cached_keys, full.cached_keys);
    cr_assert_eq(bare.idle_ms, full.idle_ms);
    cr_assert_eq(bare.checkpoint_entries, full.checkpoint_entries);
    cr_assert_eq(bare.checkpoint_ms, full.checkpoint_ms);
    cr_assert_eq(bare.pin_least, full.pin_least);
    cr_assert_eq(bare.tries_most, full.tries_most);
    cr_assert_eq(bare.enrol_ms, full.enrol_ms);
    cr_assert_eq(bare.login_ms, full.login_ms);
    cr_assert_eq(bare.shared_login_ms, full.shared_login_ms);
    cr_assert_eq(bare.authorisations_most, full.authorisations_most);
    cr_assert_arr_eq(bare.owner, full.owner, sizeof bare.owner);
    cr_assert_eq(bare.policy.allow_sha1, full.policy.allow_sha1);
    cr_assert_eq(bare.policy.allow_no_certificate, full.policy.allow_no_certificate);
    cr_assert_eq(bare.policy.require_synchronised_clock, full.policy.require_synchronised_clock);
    cr_assert_eq(bare.policy.rsa_bits_least, full.policy.rsa_bits_least);
    cr_assert_eq(bare.policy.signatures_most, full.policy.signatures_most);
    cr_assert_eq(bare.policy.login_age_most_ms, full.policy.login_age_most_ms);
    cr_assert_eq(bare.policy.hour_from, full.policy.hour_from);
    cr_assert_eq(bare.policy.hour_until, full.policy.hour_until);
    cr_assert_eq(bare.policy.mechanisms, full.policy.mechanisms);
    tp_engine_conf_clear(&bare);
    tp_engine_conf_clear(&full);
}

/* Reading a file with an unknown key names the keys that are known: each must stand in the reference and the manual. */
static void assert_all_known_are_in(const char *words, const char *reference, const char *page)
{
    char *text = read_text(reference), *manual = read_text(page);
    cr_assert(text != NULL && manual != NULL);
    char *list = strstr(words, "known keys are ");
    cr_assert_not_null(list, "%s", words);
    list = strdup(list + strlen("known keys are "));
    for (char *key = strtok(list, ", "); key != NULL; key = strtok(NULL, ", ")) {
        char commented[64], set[64], described[64];
        (void)snprintf(commented, sizeof commented, "\n#%s = ", key);
        (void)snprintf(set, sizeof set, "\n%s = ", key);
        cr_assert(strstr(text, commented) != NULL || strstr(text, set) != NULL, "%s lacks the key %s", reference, key);
        (void)snprintf(described, sizeof described, "\n.It Cm %s\n", key);
        cr_assert_not_null(strstr(manual, described), "%s lacks the key %s", page, key);
    }
    free(list);
    free(manual);
    free(text);
}

CliTest(reference, every_key_that_programs_know_is_in_it)
{
    static const char *const sections[] = {"", "audit", "pin", "otp", "login", "policy"};
    struct tp_engine_conf conf;
    struct tp_client_conf *client = NULL;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, sections[i][0] == '\0' ? "%sno_such_key = 1\n" : "[%s]\nno_such_key = 1\n",
                       sections[i]);
        write_file("engine.conf", 0600, text);
        cr_assert_eq(tp_engine_conf_read("engine.conf", &error, &conf), TP_CONFIG);
        assert_all_known_are_in(error.words, ENGINE_CONF, TP_SOURCE_ROOT "/docs/man/trustp11d.8");
    }
    write_file("trustp11.conf", 0600, "no_such_key = 1\n");
    cr_assert_eq(tp_client_conf_read("trustp11.conf", &error, &client), TP_CONFIG);
    assert_all_known_are_in(error.words, CLIENT_CONF, TP_SOURCE_ROOT "/docs/man/trustp11.conf.5");
}

CliTest(reference, the_clients_is_readable_as_it_is_and_with_every_line_written_out)
{
    struct tp_client_conf *as_is = NULL, *full = NULL;
    struct tp_ipc_client_config bare_ipc, full_ipc;
    copy_reference(CLIENT_CONF, "bare.conf", false);
    cr_assert_eq(tp_client_conf_read("bare.conf", &error, &as_is), TP_OK, "%s", error.words);
    copy_reference(CLIENT_CONF, "full.conf", true);
    cr_assert_eq(tp_client_conf_read("full.conf", &error, &full), TP_OK, "%s", error.words);
    tp_client_conf_ipc(as_is, &bare_ipc);
    tp_client_conf_ipc(full, &full_ipc);
    cr_assert_str_eq(bare_ipc.socket_path, full_ipc.socket_path);
    cr_assert_str_eq(bare_ipc.engine_user, full_ipc.engine_user);
    cr_assert_eq(bare_ipc.spawn, full_ipc.spawn);
    cr_assert_eq(bare_ipc.timeout_ms, full_ipc.timeout_ms);
    cr_assert_str_eq(tp_client_conf_engine_conf(as_is), tp_client_conf_engine_conf(full));
    cr_assert_eq(tp_client_conf_session_login(as_is), tp_client_conf_session_login(full));
    tp_client_conf_free(as_is);
    tp_client_conf_free(full);
}

/* ---- filling in ---- */

static void fill(enum tp_cli_reference reference, const char *key, const char *value, const char *name)
{
    const struct tp_cli_setting settings[] = {{key, value}, {NULL, NULL}};
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_cli_reference_fill(reference, settings, &error, &text), TP_OK, "%s", error.words);
    write_file(name, 0600, tp_buf_string(&text));
    tp_buf_clear(&text);
}

CliTest(reference, a_value_comes_back_as_it_was_set)
{
    static const char *const values[] = {"pkcs11:token=a%20b?pin-source=file:/x&module-path=/y",
                                         "a $b #c 'd' \"e\" \\f`", "山田"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct tp_engine_conf conf;
        fill(TP_CLI_ENGINE_CONF, "hsm", values[i], "engine.conf");
        read_engine(&conf);
        cr_assert_str_eq(conf.hsm, values[i]);
        tp_engine_conf_clear(&conf);
    }
}

CliTest(reference, a_commented_line_is_set_and_keys_of_sections_are_left_alone)
{
    struct tp_engine_conf conf;
    fill(TP_CLI_ENGINE_CONF, "store", "here.db", "engine.conf");
    read_engine(&conf);
    cr_assert_not_null(strstr(conf.store, "/here.db"));
    tp_engine_conf_clear(&conf);
    fill(TP_CLI_ENGINE_CONF, "for", "1m", "engine.conf"); /* of [login] */
    read_engine(&conf);
    cr_assert_eq(conf.login_ms, 15 * 60 * 1000);
    tp_engine_conf_clear(&conf);
}

CliTest(reference, a_value_that_would_start_a_new_line_is_refused)
{
    const struct tp_cli_setting settings[] = {{"name", "a\nhsm = b"}, {NULL, NULL}};
    struct tp_buf text = TP_BUF_INIT;
    cr_assert_eq(tp_cli_reference_fill(TP_CLI_ENGINE_CONF, settings, &error, &text), TP_BAD_ARGUMENT);
    tp_buf_clear(&text);
}
