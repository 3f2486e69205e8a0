/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <string.h>

#define LOCKED(engine, statement)                                                                                      \
    do {                                                                                                               \
        pthread_mutex_lock(&(engine)->mutex);                                                                          \
        statement;                                                                                                     \
        pthread_mutex_unlock(&(engine)->mutex);                                                                        \
    } while (0)

struct fake_user *fake_add_user(struct fake_engine *engine, const char *name)
{
    MUST(engine->user_count < USERS_MOST);
    struct fake_user *user = &engine->users[engine->user_count++];
    *user = (struct fake_user){.name = strdup(name), .tries_left = TRIES_MOST};
    (void)snprintf(user->id, sizeof(user->id), "%zu%zu112233445566778899aabbccddeeff", engine->user_count - 1,
                   engine->user_count - 1);
    (void)snprintf(user->label, sizeof(user->label), "%s's token", name);
    return user;
}

void fake_engine_add_user(struct fake_engine *engine, const char *name, const char *pin)
{
    pthread_mutex_lock(&engine->mutex);
    struct fake_user *user = fake_add_user(engine, name);
    user->enrolled = true;
    (void)snprintf(user->pin, sizeof(user->pin), "%s", pin);
    fake_tell(engine);
    pthread_mutex_unlock(&engine->mutex);
}

void fake_engine_add_other(struct fake_engine *engine)
{
    fake_engine_add_user(engine, FAKE_OTHER, FAKE_PIN);
}

void fake_engine_set_owner(struct fake_engine *engine, size_t number, const char *name)
{
    LOCKED(engine, engine->keys[number].owner = fake_find_user(engine, name); MUST(engine->keys[number].owner != NULL);
           engine->generation++);
}

void fake_engine_set_state(struct fake_engine *engine, size_t number, const char *state)
{
    LOCKED(engine, (void)snprintf(engine->keys[number].state, sizeof(engine->keys[number].state), "%s", state);
           engine->generation++);
}

void fake_engine_set_label(struct fake_engine *engine, size_t number, const char *label)
{
    LOCKED(engine, free(engine->keys[number].label); engine->keys[number].label = strdup(label); engine->generation++);
}

void fake_engine_set_always_authenticate(struct fake_engine *engine, size_t number)
{
    LOCKED(engine, engine->keys[number].always_authenticate = true; engine->generation++);
}

void fake_engine_set_terms(struct fake_engine *engine, uint32_t signatures, int64_t for_ms)
{
    LOCKED(engine, engine->signatures = signatures; engine->for_ms = for_ms);
}

void fake_engine_end_authorisations(struct fake_engine *engine)
{
    LOCKED(engine, for (unsigned i = 0; i < engine->login_count; i++) engine->logins[i].open = false);
}

void fake_engine_open_shared(struct fake_engine *engine, bool open)
{
    pthread_mutex_lock(&engine->mutex);
    struct fake_login *login = fake_shared_login(engine);
    if (open && login == NULL)
        fake_new_login(engine, &engine->users[0], "")->shared = true;
    if (!open && login != NULL)
        login->open = false;
    pthread_mutex_unlock(&engine->mutex);
}

void fake_engine_set_user(struct fake_engine *engine, bool enrolled, bool locked, bool suspended)
{
    struct fake_user *user = &engine->users[0];
    LOCKED(engine, user->enrolled = enrolled; user->locked = locked; user->suspended = suspended;
           user->pin_initial = false; fake_tell(engine));
}

void fake_engine_enrol(struct fake_engine *engine, const char *name)
{
    LOCKED(engine, struct fake_user *user = fake_find_user(engine, name); MUST(user != NULL); user->enrolled = true;
           user->locked = user->suspended = user->pin_initial = false);
}

void fake_engine_set_factor(struct fake_engine *engine, bool has_factor)
{
    LOCKED(engine, engine->without_factor = !has_factor);
}

unsigned fake_engine_logins(struct fake_engine *engine)
{
    unsigned count = 0;
    LOCKED(engine, for (unsigned i = 0; i < engine->login_count; i++) count += engine->logins[i].open);
    return count;
}

void fake_engine_set_tries(struct fake_engine *engine, uint32_t left)
{
    LOCKED(engine, for (size_t i = 0; i < engine->user_count; i++) engine->users[i].tries_left = left);
}

void fake_engine_fail(struct fake_engine *engine, enum tp_ipc_op op, int rc)
{
    LOCKED(engine, engine->fail[op] = rc);
}

void fake_engine_stall(struct fake_engine *engine, enum tp_ipc_op op, bool stall)
{
    LOCKED(engine, engine->stall[op] = stall; if (!stall) fake_drop_kept(engine));
}

void fake_engine_wait_stalled(struct fake_engine *engine)
{
    LOCKED(engine, while (engine->kept == NULL) pthread_cond_wait(&engine->changed, &engine->mutex));
}

unsigned fake_engine_count(struct fake_engine *engine, enum tp_ipc_op op)
{
    unsigned count;
    LOCKED(engine, count = engine->count[op]);
    return count;
}

struct tp_bytes fake_engine_certificate(struct fake_engine *engine, size_t number)
{
    struct tp_bytes bytes;
    LOCKED(engine, bytes = tp_buf_bytes(&engine->keys[number].certificate));
    return bytes;
}

struct tp_bytes fake_engine_spki(struct fake_engine *engine, size_t number)
{
    struct tp_bytes bytes;
    LOCKED(engine, bytes = tp_buf_bytes(&engine->keys[number].spki));
    return bytes;
}

void fake_engine_last_sign(struct fake_engine *engine, char ret_hash_name[32], size_t *ret_data_len)
{
    LOCKED(engine, memcpy(ret_hash_name, engine->last_hash_name, 32); *ret_data_len = engine->last_data_len);
}

void fake_engine_release(struct fake_engine *engine, enum tp_ipc_op op)
{
    pthread_mutex_lock(&engine->mutex);
    engine->stall[op] = false;
    while (engine->kept != NULL) {
        struct tp_ipc_request *request = engine->kept;
        engine->kept = request->next;
        fake_answer(engine, request);
    }
    pthread_mutex_unlock(&engine->mutex);
}
