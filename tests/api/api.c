/* SPDX-License-Identifier: Apache-2.0
 *
 *   api CALLS [SEED]      default: 200000 calls, seed 1; the seed is told when an answer differs
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t seed = 1, state, step;
static const char *now = "";
static uint64_t succeeded; /* calls of the row, so far */

/* xorshift64*: chance that is the same everywhere. */
uint64_t chance(uint64_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return below == 0 ? 0 : ((state * UINT64_C(2685821657736338717)) >> 20) % below;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "api: seed %llu, call %llu (%s): %s\n", (unsigned long long)seed, (unsigned long long)step,
                  now, what);
    abort();
}

void require(bool condition, const char *what)
{
    if (!condition)
        fail(what);
}

void expect(const char *function, CK_RV got, CK_RV expected)
{
    char words[128];
    succeeded += got == CKR_OK;
    if (got == expected)
        return;
    (void)snprintf(words, sizeof words, "%s answered 0x%lx, not 0x%lx", function, got, expected);
    fail(words);
}

/* ---- which call ---- */

static const struct call *const tables[] = {session_calls, object_calls, operation_calls};
#define TABLES (sizeof tables / sizeof tables[0])

static uint64_t weights(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct call *call = tables[i]; call->name != NULL; call++)
            sum += call->weight;
    return sum;
}

#define ROWS_MAX 100
static uint64_t done[ROWS_MAX]; /* how often a call of the row was answered CKR_OK */

static const struct call *pick(uint64_t sum, size_t *ret_row)
{
    uint64_t at = chance(sum);
    *ret_row = 0;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct call *call = tables[i]; call->name != NULL; call++, ++*ret_row) {
            if (at < call->weight)
                return call;
            at -= call->weight;
        }
    abort();
}

/* A run in which nothing succeeds would test nothing. */
static void check_done(void)
{
    size_t row = 0;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct call *call = tables[i]; call->name != NULL; call++, row++) {
            now = call->name;
            require(row < ROWS_MAX && done[row] > 0, "never succeeded");
        }
    now = "signatures after a login of their own";
    require(model.authorised > 0, "never made");
}

static void tell(void)
{
    size_t row = 0;
    for (size_t i = 0; i < TABLES; i++)
        for (const struct call *call = tables[i]; call->name != NULL; call++)
            (void)printf("%10llu  %s\n", (unsigned long long)done[row++], call->name);
    (void)printf("%10llu  signatures after a login of their own\n", (unsigned long long)model.authorised);
}

/* ---- the run ---- */

#define BOBS_PIN "paper and scissors"

static char folder[] = "/tmp/trustp11-api-XXXXXX", conf_path[64], socket_path[64];

static void add_key(struct slot *slot, unsigned at, enum key_type type, const char *label, bool always_authenticate)
{
    size_t number = fake_engine_add_key(model.engine, type == RSA ? "rsa-2048" : "p-256", label, true);
    fake_engine_set_owner(model.engine, number, slot->user);
    if (always_authenticate)
        fake_engine_set_always_authenticate(model.engine, number);
    slot->key[at] = (struct key){.slot = slot,
                                 .label = label,
                                 .type = type,
                                 .always_authenticate = always_authenticate,
                                 .signature_len = type == RSA ? 256 : 64};
}

static void add_keys(struct slot *slot)
{
    add_key(slot, 0, RSA, "rsa", false);
    add_key(slot, 1, EC, "ec", false);
    add_key(slot, 2, EC, "careful", true);
}

static void prepare(void)
{
    model.slot[0] = (struct slot){.id = 0, .user = FAKE_USER, .pin = FAKE_PIN, .pin_code = FAKE_PIN_CODE};
    model.slot[1] = (struct slot){.id = 1, .user = "bob", .pin = BOBS_PIN, .pin_code = BOBS_PIN FAKE_CODE};
    require(mkdtemp(folder) != NULL, "no temporary folder");
    (void)snprintf(conf_path, sizeof conf_path, "%s/trustp11.conf", folder);
    (void)snprintf(socket_path, sizeof socket_path, "%s/engine.sock", folder);
    FILE *conf = fopen(conf_path, "w");
    require(conf != NULL, "no configuration");
    (void)fprintf(conf, "socket = %s\nengine_user = %u\nusers = %s, %s\nofficer = %s\n", socket_path,
                  (unsigned)getuid(), model.slot[0].user, model.slot[1].user, FAKE_OFFICER);
    (void)fclose(conf);
    (void)setenv("TRUSTP11_CONF", conf_path, 1);
    model.engine = fake_engine_start(socket_path);
    fake_engine_fail(model.engine, TP_OP_KEY_CHANGE, TP_NOT_PERMITTED); /* the keys stay as the model knows them */
    fake_engine_fail(model.engine, TP_OP_KEY_DELETE, TP_NOT_PERMITTED);
    fake_engine_add_user(model.engine, model.slot[1].user, model.slot[1].pin);
    for (unsigned i = 0; i < SLOTS; i++)
        add_keys(&model.slot[i]);
}

static void clear(void)
{
    if (model.initialised)
        expect("C_Finalize", C_Finalize(NULL), CKR_OK);
    fake_engine_stop(model.engine);
    (void)unlink(conf_path);
    (void)rmdir(folder);
}

int main(int argc, char **argv)
{
    uint64_t calls = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    prepare();
    uint64_t sum = weights();
    for (step = 1; step <= calls; step++) {
        size_t row;
        const struct call *call = pick(sum, &row);
        now = call->name;
        succeeded = 0;
        call->make();
        done[row] += succeeded;
    }
    clear();
    tell();
    check_done();
    (void)printf("%llu calls, seed %llu: as the model says\n", (unsigned long long)calls, (unsigned long long)seed);
    return 0;
}
