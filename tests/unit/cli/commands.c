/* SPDX-License-Identifier: Apache-2.0
 *
 * What each command asks of the engine, what it tells people, and what it leaves behind.
 */
#include "base/clock.h"
#include "fixture.h"
#include "hsm/hsm.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t mode_of(const char *name)
{
    struct stat of;
    cr_assert_eq(stat(name, &of), 0, "%s is not there", name);
    return of.st_mode & 07777;
}

static void answer_new_user(void)
{
    Tp__Ipc__UserAddReply reply = TP__IPC__USER_ADD_REPLY__INIT;
    reply.user_id = "0123";
    reply.until_ms = 1000;
    engine_answers(TP_OP_USER_ADD, &reply.base, "abcd-efgh");
    engine_answers(TP_OP_USER_RESET, &reply.base, "ijkl-mnop");
}

CliTest(user, add_sends_roles_and_shows_the_code_once)
{
    answer_new_user();
    run(NULL, "user add olga --role officer --role auditor --display 'Olga O'");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__UserAddRequest *request = asked_for(TP_OP_USER_ADD);
    cr_assert_str_eq(request->user, "olga");
    cr_assert_str_eq(request->display, "Olga O");
    cr_assert_eq(request->n_roles, 2);
    cr_assert_str_eq(request->roles[1], "auditor");
    cr_assert_not_null(strstr(out, "Enrolment code: abcd-efgh\n"));
    cr_assert_not_null(strstr(out, "trustp11 enrol --user olga"));
}

CliTest(user, a_code_file_gets_the_code_and_nobody_else_can_read_it)
{
    answer_new_user();
    run(NULL, "user add alice --code-file alice.code --json");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_null(strstr(out, "abcd-efgh"));
    char *code = read_text("alice.code");
    cr_assert_str_eq(code, "abcd-efgh");
    free(code);
    cr_assert_eq(mode_of("alice.code"), 0600);
}

CliTest(user, a_code_file_that_is_there_is_refused_before_a_user_is_made)
{
    answer_new_user();
    write_file("alice.code", 0600, "mine");
    run(NULL, "user add alice --code-file alice.code");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 0);
    char *kept = read_text("alice.code");
    cr_assert_str_eq(kept, "mine");
    free(kept);
}

CliTest(user, a_code_file_that_cannot_be_made_is_refused_before_a_user_is_made)
{
    answer_new_user();
    run(NULL, "user add alice --code-file nodir/alice.code");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "nodir/alice.code: No such file"));
    run(NULL, "user reset alice --yes --code-file nodir/alice.code");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 0);
}

CliTest(user, a_code_file_is_taken_away_when_the_engine_refuses)
{
    engine_refuses(TP_OP_USER_ADD, TP_EXISTS, "alice is there already");
    engine_refuses(TP_OP_USER_RESET, TP_NOT_FOUND, "there is no user alice");
    run(NULL, "user add alice --code-file alice.code");
    cr_assert_eq(status, 1);
    cr_assert_null(read_text("alice.code"));
    run(NULL, "user reset alice --yes --code-file alice.code");
    cr_assert_eq(status, 1);
    cr_assert_null(read_text("alice.code"));
}

CliTest(user, reset_says_that_keys_are_lost_and_needs_a_yes)
{
    answer_new_user();
    run(NULL, "user reset alice");
    cr_assert_eq(status, 2);
    cr_assert_not_null(strstr(err, "new keys"));
    cr_assert_eq(asked_len, 0);
    run(NULL, "user reset alice --yes --reason lost");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__UserRequest *)asked_for(TP_OP_USER_RESET))->reason, "lost");
    cr_assert_not_null(strstr(out, "ijkl-mnop"));
}

CliTest(user, a_name_for_people_holds_no_control_characters)
{
    answer_new_user();
    run(NULL, "user add alice --display 'Alice\nroot'");
    cr_assert_eq(status, 2);
    cr_assert_eq(asked_len, 0);
}

CliTest(factor, remove_looks_before_it_asks)
{
    Tp__Ipc__Factor factor = TP__IPC__FACTOR__INIT, *factors[] = {&factor};
    Tp__Ipc__FactorListReply list = TP__IPC__FACTOR_LIST_REPLY__INIT;
    factor.id = "5f1c";
    list.factors = factors;
    list.n_factors = 1;
    engine_answers(TP_OP_FACTOR_LIST, &list.base, NULL);
    engine_answers(TP_OP_FACTOR_REMOVE, NULL, NULL);
    run(NULL, "factor remove 0000 --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "alice has no factor \"0000\""));
    run(NULL, "factor remove 5f1c --user alice --yes");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__FactorRequest *)asked_for(TP_OP_FACTOR_REMOVE))->factor, "5f1c");
}

CliTest(user, list_follows_the_pages)
{
    Tp__Ipc__User user = TP__IPC__USER__INIT, *users[] = {&user};
    Tp__Ipc__UserListReply reply = TP__IPC__USER_LIST_REPLY__INIT;
    user.name = "alice";
    user.state = "active";
    reply.users = users;
    reply.n_users = 1;
    engine_answers(TP_OP_USER_LIST, &reply.base, NULL);
    run(NULL, "user list alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__ListRequest *)asked_for(TP_OP_USER_LIST))->user, "alice");
    cr_assert_not_null(strstr(out, "alice"));
}

CliTest(login, wishes_are_sent)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    Tp__Ipc__LoginReply login = TP__IPC__LOGIN_REPLY__INIT;
    token.enrolled = true;
    login.signatures_left = 20;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_LOGIN, &login.base, NULL);
    run("pin\n1\n", "login --user alice --for 15m --signatures 20");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__LoginRequest *request = asked_for(TP_OP_LOGIN);
    cr_assert(request->shared);
    cr_assert_eq(request->for_ms, 900000);
    cr_assert_eq(request->signatures, 20);
    cr_assert_not_null(strstr(out, "Signatures left:  20"));
}

CliTest(login, a_wish_that_was_cut_is_told)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    Tp__Ipc__LoginReply login = TP__IPC__LOGIN_REPLY__INIT;
    token.enrolled = true;
    login.until_ms = tp_clock_utc_ms() + 3600000;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_LOGIN, &login.base, NULL);
    run("pin\n1\n", "login --user alice --for 8h");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(err, "policy allows no more"));
    run("pin\n1\n", "login --user alice --for 1h");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_empty(err);
}

CliTest(login, who_cannot_log_in_is_told_before_being_asked_for_a_pin)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    run("pin\n1\n", "login --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "trustp11 enrol --user alice"));
    token.enrolled = token.locked = true;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    run("pin\n1\n", "login --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "trustp11 user unlock alice"));
    cr_assert_eq(asked_len, 1);
}

CliTest(login, a_code_that_cannot_be_one_is_not_sent_to_count_as_a_try)
{
    static const char *const codes[] = {"pin\n123\n", "pin\n1234567\n", "pin\n12345x\n"};
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    token.enrolled = true;
    token.code_digits = 6;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_LOGIN, NULL, NULL);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        run(codes[i], "login --user alice");
        cr_assert_eq(status, 1);
        cr_assert_eq(asked_len, 1);
        cr_assert_not_null(strstr(err, "the one-time code has 6 digits"));
    }
    run("pin\n123456\n", "login --user alice");
    cr_assert_eq(status, 0, "%s", err);
}

CliTest(login, a_configuration_that_is_not_there_is_told_with_who_named_it)
{
    run(NULL, "logout --config /nope");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "the client configuration, as --config names it: /nope: No such file"));
    cr_assert_eq(setenv("TRUSTP11_CONF", "/neither", 1), 0);
    run(NULL, "logout");
    cr_assert_eq(unsetenv("TRUSTP11_CONF"), 0);
    cr_assert_not_null(strstr(err, "as TRUSTP11_CONF names it: /neither: No such file"));
}

CliTest(login, without_user_the_only_configured_one_is_meant)
{
    engine_answers(TP_OP_LOGOUT, NULL, NULL);
    write_file("one.conf", 0600, "users = alice\n");
    run(NULL, "logout --config one.conf");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__LogoutRequest *)asked_for(TP_OP_LOGOUT))->user, "alice");
    write_file("two.conf", 0600, "users = alice, bob\n");
    run(NULL, "logout --config two.conf");
    cr_assert_eq(status, 2);
    cr_assert_eq(asked_len, 0);
}

/* ---- enrolment ---- */

static void answer_enrolment(const char *seed)
{
    Tp__Ipc__EnrolReply enrol = TP__IPC__ENROL_REPLY__INIT;
    Tp__Ipc__LoginReply login = TP__IPC__LOGIN_REPLY__INIT;
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    enrol.issuer = "demo";
    enrol.factor = "totp";
    enrol.digits = 6;
    enrol.period_s = 30;
    enrol.algorithm = "SHA1";
    engine_answers(TP_OP_ENROL, &enrol.base, seed);
    engine_answers(TP_OP_ENROL_CONFIRM, &login.base, NULL);
}

CliTest(enrol, writes_the_uri_for_its_owner_alone_and_confirms)
{
    answer_enrolment("12345678901234567890");
    run("abcd-efgh\ncorrect horse\n492039\n", "enrol --user alice --uri-file alice.uri");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(asked_last(TP_OP_ENROL)->secret[0], "abcd-efgh");
    cr_assert_str_eq(asked_last(TP_OP_ENROL)->secret[1], "correct horse");
    cr_assert_str_eq(((const Tp__Ipc__EnrolRequest *)asked_for(TP_OP_ENROL))->factor, "totp");
    cr_assert_str_eq(asked_last(TP_OP_ENROL_CONFIRM)->secret[0], "abcd-efgh");
    cr_assert_str_eq(asked_last(TP_OP_ENROL_CONFIRM)->secret[1], "492039");
    char *uri = read_text("alice.uri");
    cr_assert_not_null(strstr(uri, "otpauth://totp/demo:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    cr_assert_null(strstr(out, "GEZDGNBV"));
    free(uri);
    cr_assert_eq(mode_of("alice.uri"), 0600);
}

CliTest(enrol, can_be_done_in_two_steps)
{
    answer_enrolment("12345678901234567890");
    run("abcd-efgh\ncorrect horse\n", "enrol --user alice --uri-file alice.uri --no-confirm");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_eq(asked_len, 2);
    cr_assert_not_null(strstr(out, "trustp11 enrol --user alice --confirm, which asks for the enrolment code again"));
    run("abcd-efgh\n492039\n", "enrol --user alice --confirm");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_eq(asked_len, 2);
    cr_assert_str_eq(asked_last(TP_OP_ENROL_CONFIRM)->secret[1], "492039");
}

CliTest(enrol, a_wrong_first_code_is_told_how_to_go_on)
{
    answer_enrolment("12345678901234567890");
    engine_refuses(TP_OP_ENROL_CONFIRM, TP_PIN_WRONG, "the code is wrong");
    run("abcd-efgh\ncorrect horse\n492039\n", "enrol --user alice --uri-file alice.uri");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "the code is wrong; go on with: trustp11 enrol --user alice --confirm"));
}

CliTest(enrol, a_first_code_that_is_missing_is_told_how_to_go_on_with_the_same_code_file)
{
    answer_enrolment("12345678901234567890");
    write_file("alice.code", 0600, "abcd-efgh\n");
    run("", "enrol --user alice --confirm --code-file alice.code");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "First one-time code: none on standard input"));
    cr_assert_not_null(strstr(err, "trustp11 enrol --user alice --confirm --code-file alice.code, and a first one-time"));
}

CliTest(enrol, what_going_on_cannot_mend_is_not_told_how_to_go_on)
{
    answer_enrolment("12345678901234567890");
    engine_refuses(TP_OP_ENROL_CONFIRM, TP_PIN_LOCKED, "locked after 5 wrong tries");
    run("abcd-efgh\n492039\n", "enrol --user alice --confirm");
    cr_assert_eq(status, 1);
    cr_assert_str_eq(err, "trustp11: locked after 5 wrong tries\n");
}

CliTest(enrol, who_is_enrolled_already_is_told_so_before_being_asked)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    token.enrolled = true;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    run("abcd-efgh\n492039\n", "enrol --user alice --confirm");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 1);
    cr_assert_not_null(strstr(err, "alice is enrolled already"));
    cr_assert_not_null(strstr(err, "costs the keys"));
    cr_assert_null(strstr(err, "go on"));
}

CliTest(enrol, which_hardware_token_is_asked_for_and_told)
{
    Tp__Ipc__EnrolReply enrol = TP__IPC__ENROL_REPLY__INIT;
    answer_enrolment(NULL);
    enrol.factor = "hardware";
    enrol.serial = "4711";
    engine_answers(TP_OP_ENROL, &enrol.base, NULL);
    run("abcd-efgh\ncorrect horse\n492039\n", "enrol --user alice --factor hardware --serial 4711");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__EnrolRequest *)asked_for(TP_OP_ENROL))->serial, "4711");
    cr_assert_str_eq(out, "alice: PIN and second factor (token 4711) are set\n");
    run("abcd-efgh\ncorrect horse\n492039\n", "enrol --user alice --serial 4711");
    cr_assert_eq(status, 2);
}

CliTest(enrol, who_has_no_slot_yet_is_told_so)
{
    answer_enrolment("12345678901234567890");
    write_file("c.conf", 0600, "users = bob\n");
    run("abcd-efgh\n492039\n", "enrol --user alice --confirm --config c.conf");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(err, "c.conf"));
    run("abcd-efgh\n492039\n", "enrol --user bob --confirm --config c.conf");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_empty(err);
}

CliTest(enrol, a_hardware_token_has_its_secret_already)
{
    answer_enrolment(NULL);
    run("abcd-efgh\ncorrect horse\n492039\n", "enrol --user alice --factor hardware --json");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__EnrolRequest *)asked_for(TP_OP_ENROL))->factor, "hardware");
}

CliTest(enrol, a_seed_that_would_be_lost_is_not_asked_for)
{
    answer_enrolment("12345678901234567890");
    write_file("alice.uri", 0600, "mine");
    run("abcd-efgh\ncorrect horse\n1\n", "enrol --user alice --uri-file alice.uri");
    cr_assert_eq(status, 1);
    run("abcd-efgh\ncorrect horse\n1\n", "enrol --user alice --json");
    cr_assert_eq(status, 2);
    cr_assert_eq(asked_len, 0);
}

CliTest(pin, change_sends_both)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    token.enrolled = true;
    token.code_digits = 6;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_PIN_CHANGE, NULL, NULL);
    run("old pin\n492039\nnew pin\n", "pin change --user alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(asked_last(TP_OP_PIN_CHANGE)->secret[0], "old pin492039");
    cr_assert_str_eq(asked_last(TP_OP_PIN_CHANGE)->secret[1], "new pin");
}

/* ---- keys ---- */

static void answer_keys(size_t count)
{
    Tp__Ipc__Credential one = TP__IPC__CREDENTIAL__INIT, two = TP__IPC__CREDENTIAL__INIT, *both[] = {&one, &two};
    Tp__Ipc__ObjectsReply reply = TP__IPC__OBJECTS_REPLY__INIT;
    one.id = "1111";
    two.id = "2222";
    one.label = two.label = "Alice signs";
    one.key_type = "p-256";
    two.key_type = "rsa-2048";
    one.state = two.state = "active";
    reply.credentials = both;
    reply.n_credentials = count;
    engine_answers(TP_OP_OBJECTS, &reply.base, NULL);
}

static void answer_request(bool open)
{
    static uint8_t der[] = {0x30, 0x00};
    Tp__Ipc__AuthorisationReply authorisation = TP__IPC__AUTHORISATION_REPLY__INIT;
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    Tp__Ipc__LoginReply login = TP__IPC__LOGIN_REPLY__INIT;
    Tp__Ipc__DerReply reply = TP__IPC__DER_REPLY__INIT;
    authorisation.open = open;
    token.enrolled = true;
    login.authorisation = "abcd";
    reply.der = (ProtobufCBinaryData){.data = der, .len = sizeof der};
    engine_answers(TP_OP_AUTHORISATION, &authorisation.base, NULL);
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_LOGIN, &login.base, NULL);
    engine_answers(TP_OP_LOGOUT, NULL, NULL);
    engine_answers(TP_OP_CSR, &reply.base, NULL);
}

CliTest(key, generate_has_the_users_name_as_label_unless_told)
{
    Tp__Ipc__Credential made = TP__IPC__CREDENTIAL__INIT;
    Tp__Ipc__KeyReply reply = TP__IPC__KEY_REPLY__INIT;
    made.id = "1111";
    reply.credential = &made;
    engine_answers(TP_OP_KEY_GENERATE, &reply.base, NULL);
    run(NULL, "key generate --user alice --id 0aff");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__KeyGenerateRequest *request = asked_for(TP_OP_KEY_GENERATE);
    cr_assert_str_eq(request->label, "alice");
    cr_assert_str_eq(request->key_type, "p-256");
    cr_assert(request->cka_id.len == 2 && request->cka_id.data[1] == 0xff);
    run(NULL, "key generate --user alice --id 0af");
    cr_assert_eq(status, 2);
}

/* A P-256 key that is nobody's; `openssl pkcs8 -topk8` with the password "horse". */
#define PLAIN_KEY                                                                                                      \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7zPYVBnmepc32tKi\n"                                               \
    "ZssS/fTEzXg9xVI9UuoLBgbg3D6hRANCAASrQwwXRvi8X7rcN6uth/n3F5BEymZu\n"                                               \
    "jqAzMeLgRBc29vY5yEN6nBc/7mbweAm3xEGIVrCkUFTUtchS3Fkg1bTp\n"                                                       \
    "-----END PRIVATE KEY-----\n"
#define ENCRYPTED_KEY                                                                                                  \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                                                                          \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiQURQ9f6qmaAICCAAw\n"                                               \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEED4I0SzDwh2hRatAI4wFUkgEgZD8\n"                                               \
    "hnmCUm7s/T0+UxJiYaXFELpiSfqJwLRg82Ju0y8QYzvQPLj/1sa0qEBH6KbCnJvr\n"                                               \
    "k9krsDoTpUF1amIRK4ae/LcqDeRsRsRa6bW6GtvSaks4mj1qGohQiWy718t1+QHD\n"                                               \
    "ttdNZX4MElrSiu+kwgqQJ6M8m8tVjAzWof/aFA/LnGiRX5je6UioPam1GxGmqIc=\n"                                               \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
#define OTHERS_CERTIFICATE                                                                                             \
    "-----BEGIN CERTIFICATE-----\n"                                                                                    \
    "MIIBdzCCAR2gAwIBAgIUSgLsCJS7znTq8BRDp5fQ42xPV3AwCgYIKoZIzj0EAwIw\n"                                               \
    "EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTI4MTIxMDA1WhgPMjEyNjExMDQxMjEw\n"                                               \
    "MDVaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"                                               \
    "Z3O+tBzMTvk6jf77sl8IM2RpsxGmsFGK5CcjM/qFrfLE79ZBJJn6g4sfoeD95cGU\n"                                               \
    "PWeflRV/g0UldJKMHACHdaNTMFEwHQYDVR0OBBYEFC0TZT4qbrAlq6y+l1GvEMfb\n"                                               \
    "9R4TMB8GA1UdIwQYMBaAFC0TZT4qbrAlq6y+l1GvEMfb9R4TMA8GA1UdEwEB/wQF\n"                                               \
    "MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPbJIHl0zGwuq2eE56ol/Kho0b0zkaF9\n"                                               \
    "lp9YlaWnaUkXAiAb22CkjDK4hFWD+WrDAhTb0Sv+qWH70jwwjrM4NR9ibw==\n"                                                   \
    "-----END CERTIFICATE-----\n"

static void answer_imported(void)
{
    Tp__Ipc__Credential made = TP__IPC__CREDENTIAL__INIT;
    Tp__Ipc__KeyReply reply = TP__IPC__KEY_REPLY__INIT;
    made.id = "1111";
    reply.credential = &made;
    engine_answers(TP_OP_KEY_IMPORT, &reply.base, NULL);
    write_file("plain.pem", 0600, PLAIN_KEY);
    write_file("encrypted.pem", 0600, ENCRYPTED_KEY);
    write_file("open.pem", 0644, PLAIN_KEY);
    write_file("both.pem", 0600, PLAIN_KEY OTHERS_CERTIFICATE);
    write_file("password", 0600, "horse\n");
}

CliTest(key, import_sends_the_key_as_a_secret_and_asks_for_a_password_only_where_there_is_one)
{
    answer_imported();
    run(NULL, "key import plain.pem --user alice --id 0aff --always-authenticate");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__KeyImportRequest *request = asked_for(TP_OP_KEY_IMPORT);
    cr_assert_str_eq(request->label, "alice");
    cr_assert(request->cka_id.len == 2 && request->always_authenticate && request->n_certificates == 0);
    cr_assert_eq((unsigned char)asked_last(TP_OP_KEY_IMPORT)->secret[0][0], 0x30, "DER");
    run("horse\n", "key import encrypted.pem --user alice --label old --json");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__KeyImportRequest *)asked_for(TP_OP_KEY_IMPORT))->label, "old");
    cr_assert_not_null(strstr(out, "\"imported\""));
    run("", "key import encrypted.pem --user alice --password-file password");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_eq(asked_len, 1);
}

CliTest(key, import_of_what_is_no_key_or_is_open_to_others_asks_nothing_of_the_engine)
{
    static const struct {
        const char *line, *words;
        int status;
    } rows[] = {
        {"key import none.pem --user alice", "No such file", 1},
        {"key import open.pem --user alice", "chmod 600", 1},
        {"key import password --user alice", "no private key", 1},
        {"key import encrypted.pem --user alice", "none on standard input", 1},
        {"key import both.pem --user alice", "--key-only", 1},
        {"key import plain.pem --user alice --id 0af", "--id", 2},
        {"key import --user alice", "FILE", 2},
    };
    answer_imported();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        run("", rows[i].line);
        cr_expect_eq(status, rows[i].status, "%s: %s", rows[i].line, err);
        cr_expect_not_null(strstr(err, rows[i].words), "%s: %s", rows[i].line, err);
        cr_expect_eq(asked_len, 0, "%s", rows[i].line);
    }
    run("donkey\n", "key import encrypted.pem --user alice");
    cr_expect_eq(status, 1);
    cr_expect_not_null(strstr(err, "password is wrong"));
    run("", "key import both.pem --user alice --key-only");
    cr_expect_eq(status, 0, "%s", err);
    engine_refuses(TP_OP_KEY_IMPORT, TP_EXISTS, "the user has this key already");
    run("", "key import plain.pem --user alice");
    cr_expect_eq(status, 1);
    cr_expect_not_null(strstr(err, "has this key already"));
}

CliTest(key, a_label_that_two_keys_have_is_refused_and_an_id_is_not)
{
    answer_keys(2);
    answer_request(true);
    run(NULL, "key csr 'Alice signs' --user alice --subject /CN=Alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "2 keys have the label"));
    run(NULL, "key csr 2222 --user alice --subject /CN=Alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__CsrRequest *)asked_for(TP_OP_CSR))->credential, "2222");
    run(NULL, "key csr 3333 --user alice --subject /CN=Alice");
    cr_assert_eq(status, 1);
}

CliTest(key, csr_uses_the_open_login_and_otherwise_one_of_its_own)
{
    answer_keys(1);
    answer_request(true);
    run(NULL, "key csr 1111 --user alice --subject /CN=Alice --dns a.example --dns b.example");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__CsrRequest *request = asked_for(TP_OP_CSR);
    cr_assert_str_empty(request->authorisation);
    cr_assert_eq(request->n_dns, 2);
    cr_assert_not_null(strstr(out, "BEGIN CERTIFICATE REQUEST"));
    answer_request(false);
    run("pin\n492039\n", "key csr 1111 --user alice --subject /CN=Alice --out a.csr");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(((const Tp__Ipc__CsrRequest *)asked_for(TP_OP_CSR))->authorisation, "abcd");
    cr_assert_str_eq(out, "the request is in a.csr\n");
    cr_assert_str_eq(((const Tp__Ipc__LogoutRequest *)asked_for(TP_OP_LOGOUT))->authorisation, "abcd");
    cr_assert_not(((const Tp__Ipc__LoginRequest *)asked_for(TP_OP_LOGIN))->shared);
}

CliTest(key, csr_asks_for_no_code_before_it_knows_what_to_write_and_where)
{
    answer_keys(1);
    answer_request(false);
    write_file("there.csr", 0644, "mine");
    run("pin\n492039\n", "key csr 1111 --user alice --subject /CN=Alice --out there.csr");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 1, "more than which keys there are");
    run("pin\n492039\n", "key csr 1111 --user alice --subject /CN=Alice --out nodir/a.csr");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "nodir/a.csr: No such file"));
    cr_assert_eq(asked_len, 1);
    run("pin\n492039\n", "key csr 1111 --user alice --subject foo --out a.csr");
    cr_assert_eq(status, 2);
    run("pin\n492039\n", "key csr 1111 --user alice --subject /CN=Alice --dns 'a b' --out a.csr");
    cr_assert_eq(status, 2);
    cr_assert_eq(asked_len, 0);
}

CliTest(key, csr_leaves_no_file_behind_when_it_is_refused)
{
    answer_keys(1);
    answer_request(true);
    engine_refuses(TP_OP_CSR, TP_KEY_UNUSABLE, "this key is revoked");
    run(NULL, "key csr 1111 --user alice --subject /CN=Alice --out a.csr");
    cr_assert_eq(status, 1);
    cr_assert_null(read_text("a.csr"));
}

CliTest(key, list_shows_the_id_that_programs_find_it_by)
{
    static uint8_t id[] = {0x0a, 0x0b};
    Tp__Ipc__Credential key = TP__IPC__CREDENTIAL__INIT, *keys[] = {&key};
    Tp__Ipc__ObjectsReply reply = TP__IPC__OBJECTS_REPLY__INIT;
    key.cka_id = (ProtobufCBinaryData){.data = id, .len = sizeof id};
    reply.credentials = keys;
    reply.n_credentials = 1;
    engine_answers(TP_OP_OBJECTS, &reply.base, NULL);
    run(NULL, "key list --user alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(out, "CKA_ID"));
    cr_assert_not_null(strstr(out, " 0a0b "));
}

CliTest(usage, what_the_engine_calls_a_bad_argument_is_wrong_usage)
{
    engine_refuses(TP_OP_USER_ADD, TP_BAD_ARGUMENT, "a user's name has letters");
    run(NULL, "user add 'bad name!'");
    cr_assert_eq(status, 2);
    cr_assert_str_eq(err, "trustp11: a user's name has letters\n");
    run(NULL, "user add olga --role admin");
    cr_assert_eq(status, 2);
    cr_assert_not_null(strstr(err, "officer|auditor|operator"));
    engine_refuses(TP_OP_KEY_GENERATE, TP_BAD_ARGUMENT, "a key needs a label");
    run(NULL, "key generate --user alice --label long");
    cr_assert_eq(status, 2);
    engine_refuses(TP_OP_KEY_GENERATE, TP_EXISTS, "there is one");
    run(NULL, "key generate --user alice --label long");
    cr_assert_eq(status, 1);
    run(NULL, "init --dir here --no-backup --hsm foo");
    cr_assert_eq(status, 2);
    cr_assert_not_null(strstr(err, "--hsm: the HSM's URI is not"));
}

CliTest(key, csr_in_json_names_key_and_file)
{
    answer_keys(1);
    answer_request(true);
    run(NULL, "key csr 'Alice signs' --user alice --subject /CN=Alice --out a.csr --json");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(out, "\"key\": \"1111\""));
    cr_assert_not_null(strstr(out, "\"file\": \"a.csr\""));
}

CliTest(key, csr_logs_out_again_when_it_is_refused_and_tells_the_refusal)
{
    answer_keys(1);
    answer_request(false);
    engine_refuses(TP_OP_CSR, TP_KEY_UNUSABLE, "this key is revoked");
    engine_refuses(TP_OP_LOGOUT, TP_UNREACHABLE, "gone");
    run("pin\n492039\n", "key csr 1111 --user alice --subject /CN=Alice");
    cr_assert_eq(status, 1);
    cr_assert_str_eq(err, "trustp11: this key is revoked\n");
    cr_assert_str_eq(((const Tp__Ipc__LogoutRequest *)asked_for(TP_OP_LOGOUT))->authorisation, "abcd");
}

CliTest(key, states_have_the_engines_names)
{
    static const struct {
        const char *verb, *state;
    } verbs[] = {{"suspend", "suspended"}, {"resume", "active"}, {"doubt", "doubt"}};
    engine_answers(TP_OP_KEY_STATE, NULL, NULL);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "key %s 1111 --user alice", verbs[i].verb);
        run(NULL, line);
        cr_assert_eq(status, 0, "%s", err);
        cr_assert_str_eq(((const Tp__Ipc__KeyRequest *)asked_for(TP_OP_KEY_STATE))->state, verbs[i].state);
    }
    run(NULL, "key revoke 1111 --user alice");
    cr_assert_eq(status, 2);
    run(NULL, "key revoke 1111 --user alice --yes");
    cr_assert_eq(status, 0);
    cr_assert_str_eq(((const Tp__Ipc__KeyRequest *)asked_for(TP_OP_KEY_STATE))->state, "revoked");
}

CliTest(cert, a_file_without_certificate_is_not_sent)
{
    write_file("empty.pem", 0644, "nothing\n");
    run(NULL, "cert import empty.pem --user alice");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 0);
    cr_assert_not_null(strstr(err, "empty.pem: neither PEM, DER nor PKCS#7"));
    run(NULL, "cert import missing.pem --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "missing.pem: No such file"));
}

CliTest(crl, a_file_that_is_none_is_not_sent)
{
    write_file("not.crl", 0644, "nothing\n");
    run(NULL, "crl import not.crl");
    cr_assert_eq(status, 1);
    cr_assert_eq(asked_len, 0);
}

/* ---- policy ---- */

static void answer_explain(bool allowed)
{
    Tp__Ipc__Finding finding = TP__IPC__FINDING__INIT, *findings[] = {&finding};
    Tp__Ipc__ExplainReply reply = TP__IPC__EXPLAIN_REPLY__INIT;
    finding.rule = "hour";
    finding.ok = allowed;
    finding.words = "at 3 in the morning";
    reply.allowed = allowed;
    reply.findings = findings;
    reply.n_findings = 1;
    engine_answers(TP_OP_POLICY_EXPLAIN, &reply.base, NULL);
}

CliTest(policy, explain_says_no_with_status_1_and_its_reasons)
{
    answer_keys(1);
    answer_explain(false);
    run(NULL, "policy explain 1111 --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(out, "\nrefused: hour: at 3 in the morning\n"));
    cr_assert_str_empty(err);
    answer_explain(true);
    run(NULL, "policy explain 1111 --user alice");
    cr_assert_eq(status, 0);
}

CliTest(policy, explain_names_the_rule_in_json_too)
{
    answer_keys(1);
    answer_explain(false);
    run(NULL, "policy explain 1111 --user alice --json");
    cr_assert_not_null(strstr(out, "\"rule\": \"hour\",\n  \"findings\""));
    answer_explain(true);
    run(NULL, "policy explain 1111 --user alice --json");
    cr_assert_null(strstr(out, "\"hour\",\n  \"findings\""));
}

CliTest(policy, explain_asks_about_what_programs_would_send)
{
    answer_keys(2);
    answer_explain(true);
    run(NULL, "policy explain 2222 --user alice --digest "
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__ExplainRequest *request = asked_for(TP_OP_POLICY_EXPLAIN);
    cr_assert_eq(request->mechanism, TP_HSM_RSA_PKCS);
    cr_assert_eq(request->data.len, 51); /* DigestInfo of SHA-256 */
    run(NULL, "policy explain 2222 --user alice --mechanism rsa-pss --hash SHA-384");
    request = asked_for(TP_OP_POLICY_EXPLAIN);
    cr_assert(request->hash_bits == 384 && request->mgf_bits == 384 && request->salt_len == 48);
    run(NULL, "policy explain 2222 --user alice --digest e3b0");
    cr_assert_eq(status, 2);
    run(NULL, "policy explain 2222 --user alice --hash ROT13");
    cr_assert_eq(status, 2);
}
