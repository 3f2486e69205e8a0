/* SPDX-License-Identifier: Apache-2.0
 *
 * The log, status, doctor and init, as far as they go without an engine or an HSM.
 */
#include "audit/entry.pb-c.h"
#include "base/clock.h"
#include "fixture.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- audit ---- */

static void answer_entries(void)
{
    static uint8_t packed[2][128];
    Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
    Tp__Ipc__AuditEntry rows[2] = {TP__IPC__AUDIT_ENTRY__INIT, TP__IPC__AUDIT_ENTRY__INIT},
                        *both[] = {&rows[0], &rows[1]};
    Tp__Ipc__AuditListReply reply = TP__IPC__AUDIT_LIST_REPLY__INIT;
    entry.time_ms = 1795000000123;
    entry.action = "login";
    entry.outcome = "ok";
    entry.program = "\033[2J";
    entry.has_client = true;
    for (size_t i = 0; i < 2; i++) {
        rows[i].index = 8 - i; /* newest first, as they are asked for */
        rows[i].subject = "alice";
        rows[i].entry = (ProtobufCBinaryData){.data = packed[i], .len = tp__audit__entry__pack(&entry, packed[i])};
    }
    rows[1].entry.len -= 1; /* damaged */
    reply.entries = both;
    reply.n_entries = 2;
    engine_answers(TP_OP_AUDIT_LIST, &reply.base, NULL);
}

CliTest(audit, list_shows_the_newest_oldest_first_and_hides_nothing_that_is_damaged)
{
    answer_entries();
    run(NULL, "audit list --user alice --last 2");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__AuditListRequest *request = asked_for(TP_OP_AUDIT_LIST);
    cr_assert(request->backwards && request->from == UINT64_MAX && request->limit == 2);
    cr_assert_str_eq(request->user, "alice");
    const char *seven = strstr(out, "\n7 "), *eight = strstr(out, "\n8 ");
    cr_assert(seven != NULL && eight != NULL && seven < eight);
    cr_assert_not_null(strstr(out, "cannot be read"));
    cr_assert_null(strchr(out, '\033'));
}

CliTest(audit, list_in_json_is_one_object_a_line)
{
    answer_entries();
    run(NULL, "audit list --since 2026-01-01 --json");
    cr_assert_eq(status, 0, "%s", err);
    const Tp__Ipc__AuditListRequest *request = asked_for(TP_OP_AUDIT_LIST);
    cr_assert(!request->backwards && request->since_ms == 1767225600000);
    char *line = strtok(out, "\n");
    json_t *object = json_loads(line, 0, NULL);
    cr_assert_eq(json_integer_value(json_object_get(object, "index")), 8);
    cr_assert_str_eq(json_string_value(json_object_get(object, "time")), "2026-11-18T11:06:40.123Z");
    json_decref(object);
    cr_assert_not_null(strtok(NULL, "\n"));
    cr_assert_null(strtok(NULL, "\n"));
}

CliTest(audit, a_time_may_be_said_as_how_long_ago)
{
    answer_entries();
    run(NULL, "audit list --since 1h");
    cr_assert_eq(status, 0, "%s", err);
    int64_t ago_ms = tp_clock_utc_ms() - ((const Tp__Ipc__AuditListRequest *)asked_for(TP_OP_AUDIT_LIST))->since_ms;
    cr_assert(ago_ms >= 3600000 && ago_ms < 3600000 + 60000);
    run(NULL, "audit list --since 2026");
    cr_assert_eq(status, 2);
    run(NULL, "audit list --since 1y");
    cr_assert_eq(status, 2);
}

CliTest(audit, an_action_may_be_the_beginning_of_one_and_nothing_else)
{
    answer_entries();
    run(NULL, "audit list --action user.");
    cr_assert_eq(status, 0, "%s", err);
    run(NULL, "audit list --action singn");
    cr_assert_eq(status, 2);
    cr_assert_not_null(strstr(err, "begin with login, logout, sign, outcome, "));
    cr_assert_not_null(strstr(err, ", deployment, engine\n"));
    cr_assert_eq(asked_len, 0);
}

/* Newest first, as the engine answers: how entry 7 ended, entry 7, and an intent that has not ended yet. */
static void answer_intents(void)
{
    static uint8_t packed[3][128];
    Tp__Audit__Completion completion = TP__AUDIT__COMPLETION__INIT, *completions[] = {&completion};
    Tp__Audit__Entry entry = TP__AUDIT__ENTRY__INIT;
    Tp__Ipc__AuditEntry rows[3], *all[] = {&rows[0], &rows[1], &rows[2]};
    Tp__Ipc__AuditListReply reply = TP__IPC__AUDIT_LIST_REPLY__INIT;
    entry.has_client = true;
    entry.completions = completions;
    completion.intent = 7;
    completion.outcome = "failed";
    for (size_t i = 0; i < 3; i++) {
        tp__ipc__audit_entry__init(&rows[i]);
        rows[i].index = 8 - i;
        entry.action = i == 0 ? "sign.completed" : "sign";
        entry.outcome = i == 0 ? "ok" : "intent";
        entry.n_completions = i == 0;
        rows[i].ended = i == 1 ? "failed" : "";
        rows[i].entry = (ProtobufCBinaryData){.data = packed[i], .len = tp__audit__entry__pack(&entry, packed[i])};
    }
    reply.entries = all;
    reply.n_entries = 3;
    engine_answers(TP_OP_AUDIT_LIST, &reply.base, NULL);
}

CliTest(audit, an_intent_says_how_it_ended_as_far_as_the_engine_knows)
{
    answer_intents();
    run(NULL, "audit list");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_not_null(strstr(strstr(out, "\n7 "), "failed"));
    cr_assert_eq(strstr(strstr(out, "\n6 "), "intent") < strstr(out, "\n7 "), true);
    cr_assert_not_null(strstr(out, "uid 0"));
    answer_intents();
    run(NULL, "audit list --json");
    cr_assert_not_null(strstr(out, "\"ended\":\"failed\""));
    cr_assert_null(strstr(strstr(out, "\"ended\"") + 1, "\"ended\""));
}

static void answer_alice_and_her_key(void)
{
    Tp__Ipc__Credential key = TP__IPC__CREDENTIAL__INIT, *keys[] = {&key};
    Tp__Ipc__ObjectsReply objects = TP__IPC__OBJECTS_REPLY__INIT;
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    key.id = "11111111111111111111111111111111";
    key.label = "Alice signs";
    objects.credentials = keys;
    objects.n_credentials = 1;
    token.user_id = "22222222222222222222222222222222";
    engine_answers(TP_OP_OBJECTS, &objects.base, NULL);
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
}

static void assert_object(const char *line, const char *object, const char *user)
{
    answer_entries();
    run(NULL, line);
    cr_assert_eq(status, 0, "%s: %s", line, err);
    const Tp__Ipc__AuditListRequest *request = asked_for(TP_OP_AUDIT_LIST);
    cr_assert_str_eq(request->object, object, "%s", line);
    cr_assert_str_eq(request->user, user, "%s", line);
}

CliTest(audit, an_object_is_an_id_a_users_name_or_a_label)
{
    answer_alice_and_her_key();
    assert_object("audit list --object 0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef", "");
    cr_assert_eq(asked_len, 1);
    assert_object("audit list --object alice", "22222222222222222222222222222222", "");
    assert_object("audit list --user alice --object 'Alice signs'", "11111111111111111111111111111111", "");
    assert_object("audit list --user alice --object alice", "22222222222222222222222222222222", "alice");
}

CliTest(audit, an_object_that_nobody_knows_is_told_how_to_be_named)
{
    engine_refuses(TP_OP_TOKEN, TP_NOT_FOUND, "there is no user \"Alice signs\"");
    run(NULL, "audit list --object 'Alice signs'");
    cr_assert_eq(status, 2);
    cr_assert_not_null(strstr(err, "--user USER"));
    engine_refuses(TP_OP_TOKEN, TP_UNREACHABLE, "the engine does not answer");
    run(NULL, "audit list --object alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "does not answer"));
}

CliTest(audit, all_and_last_exclude_each_other)
{
    run(NULL, "audit list --all --last 3");
    cr_assert_eq(status, 2);
}

CliTest(audit, accept_needs_a_reason_and_a_yes)
{
    engine_answers(TP_OP_ACCEPT, NULL, NULL);
    run(NULL, "audit accept --yes");
    cr_assert_eq(status, 2);
    run(NULL, "audit accept --reason restored");
    cr_assert_eq(status, 2);
    run(NULL, "audit accept --reason restored --yes");
    cr_assert_eq(status, 0, "%s", err);
}

CliTest(audit, a_checkpoint_is_never_written_over_another)
{
    Tp__Ipc__CheckpointReply reply = TP__IPC__CHECKPOINT_REPLY__INIT;
    reply.note = "trustp11/demo\n1\n";
    engine_answers(TP_OP_AUDIT_CHECKPOINT, &reply.base, NULL);
    run(NULL, "audit checkpoint --out a.note");
    cr_assert_eq(status, 0, "%s", err);
    char *note = read_text("a.note");
    cr_assert_str_eq(note, "trustp11/demo\n1\n");
    free(note);
    run(NULL, "audit checkpoint --out a.note");
    cr_assert_eq(status, 1);
}

CliTest(audit, verify_says_what_it_needs_when_it_cannot_read_the_configuration)
{
    write_file("c.conf", 0600, "engine_conf = nowhere.conf\n");
    run(NULL, "audit verify --config c.conf");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "--store, --key and --origin"));
}

/* ---- status and doctor ---- */

CliTest(status, serves_or_not_is_the_exit_status)
{
    Tp__Ipc__StatusReply reply = TP__IPC__STATUS_REPLY__INIT;
    reply.hsm_present = true;
    engine_answers(TP_OP_STATUS, &reply.base, NULL);
    run(NULL, "status");
    cr_assert_eq(status, 0);
    reply.tampered = true;
    reply.tampered_words = "record 7 was rolled back";
    engine_answers(TP_OP_STATUS, &reply.base, NULL);
    run(NULL, "status");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(out, "record 7 was rolled back"));
}

CliTest(doctor, finds_what_is_bad_on_either_side)
{
    Tp__Ipc__Check check = TP__IPC__CHECK__INIT, *checks[] = {&check};
    Tp__Ipc__DoctorReply reply = TP__IPC__DOCTOR_REPLY__INIT;
    check.name = "hsm";
    check.verdict = "bad";
    check.words = "no token";
    check.advice = "plug it in";
    reply.checks = checks;
    reply.n_checks = 1;
    engine_answers(TP_OP_DOCTOR, &reply.base, NULL);
    write_file("c.conf", 0600, "socket = nowhere.sock\n");
    run(NULL, "doctor --config c.conf --module /nowhere.so");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(out, "plug it in"));
    cr_assert_not_null(strstr(out, "/nowhere.so"));
    cr_assert_not_null(strstr(out, "nowhere.sock"));
}

CliTest(doctor, a_configured_user_whom_the_engine_does_not_know_is_bad)
{
    Tp__Ipc__DoctorReply reply = TP__IPC__DOCTOR_REPLY__INIT;
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    engine_answers(TP_OP_DOCTOR, &reply.base, NULL);
    engine_refuses(TP_OP_TOKEN, TP_NOT_FOUND, "no such user");
    write_file("c.conf", 0600, "users = alice\n");
    run(NULL, "doctor --config c.conf");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(out, "trustp11 user add alice"));
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    run(NULL, "doctor --config c.conf");
    cr_assert_not_null(strstr(out, "trustp11 enrol --user alice"));
    token.enrolled = true;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    run(NULL, "doctor --config c.conf");
    cr_assert_null(strstr(out, "alice"));
}

CliTest(doctor, the_clock_is_told_once)
{
    Tp__Ipc__Check check = TP__IPC__CHECK__INIT, *checks[] = {&check};
    Tp__Ipc__DoctorReply reply = TP__IPC__DOCTOR_REPLY__INIT;
    check.name = "clock";
    check.verdict = "ok";
    reply.checks = checks;
    reply.n_checks = 1;
    engine_answers(TP_OP_DOCTOR, &reply.base, NULL);
    run(NULL, "doctor");
    const char *first = strstr(out, "clock: ");
    cr_assert_not_null(first);
    cr_assert_null(strstr(first + 1, "clock: "));
}

/* ---- init, as far as it goes without an HSM ---- */

CliTest(init, wants_a_word_about_the_backup)
{
    run(NULL, "init --dir d --hsm pkcs11:token=x");
    cr_assert_eq(status, 2);
    run(NULL, "init --dir d --hsm pkcs11:token=x --no-backup --backup-key k.pem");
    cr_assert_eq(status, 2);
    run(NULL, "init --hsm pkcs11:token=x --no-backup --spawn");
    cr_assert_eq(status, 2);
}

CliTest(init, leaves_no_configuration_behind_when_it_fails)
{
    run(NULL, "init --dir . --no-backup --users alice --hsm 'pkcs11:token=nowhere?module-path=/nowhere.so&pin-source=file:/nowhere'");
    cr_assert_eq(status, 1);
    cr_assert_null(read_text("engine.conf"));
    cr_assert_null(read_text("trustp11.conf"));
    cr_assert_null(read_text("store.db.lock"));
    run(NULL, "init --dir made --no-backup --users alice --hsm 'pkcs11:token=nowhere?module-path=/nowhere.so&pin-source=file:/nowhere'");
    cr_assert_eq(status, 1);
    cr_assert_neq(access("made", F_OK), 0);
}

CliTest(init, keeps_a_directory_that_was_there)
{
    cr_assert_eq(mkdir("kept", 0700), 0);
    run(NULL, "init --dir kept --no-backup --users alice --hsm 'pkcs11:token=nowhere?module-path=/nowhere.so&pin-source=file:/nowhere'");
    cr_assert_eq(status, 1);
    cr_assert_eq(rmdir("kept"), 0);
}

CliTest(init, does_not_touch_a_configuration_that_is_there)
{
    write_file("engine.conf", 0600, "mine");
    run(NULL, "init --dir . --no-backup --hsm 'pkcs11:token=x?module-path=/nowhere.so&pin-source=file:/nowhere'");
    cr_assert_eq(status, 1);
    char *kept = read_text("engine.conf");
    cr_assert_str_eq(kept, "mine");
    free(kept);
}
