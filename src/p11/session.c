/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/session.h"
#include "base/crypto.h"
#include "p11/module.h"
#include "p11/slot.h"

#include <stdlib.h>

#define PLACE_BITS 20 /* a million sessions at the same time */
#define PLACE_MASK (((CK_ULONG)1 << PLACE_BITS) - 1)
#define NO_PLACE   SIZE_MAX

/* ---- one session ---- */

static struct tp_p11_session *session_new(struct tp_p11_slot *slot, CK_FLAGS flags)
{
    struct tp_p11_session *session = calloc(1, sizeof(*session));
    if (session == NULL || pthread_mutex_init(&session->mutex, NULL) != 0) {
        free(session);
        return NULL;
    }
    atomic_init(&session->refs, 1);
    session->slot = slot;
    session->flags = flags;
    return session;
}

/* All of libcrypto's that a session has. */
static void operations_clear(struct tp_p11_session *session)
{
    tp_p11_digest_clear(&session->digest);
    tp_p11_operation_clear(&session->sign);
    tp_p11_operation_clear(&session->verify);
    tp_p11_verify_signature_clear(&session->verify_signature);
    tp_p11_message_clear(&session->message_sign);
    tp_p11_message_clear(&session->message_verify);
    tp_p11_cipher_end(&session->encrypt);
    tp_p11_cipher_end(&session->decrypt);
}

void tp_p11_session_unref(struct tp_p11_session *session)
{
    if (atomic_fetch_sub_explicit(&session->refs, 1, memory_order_acq_rel) != 1)
        return;
    tp_p11_find_clear(&session->find);
    if (!tp_crypto_ended())
        operations_clear(session);
    (void)pthread_mutex_destroy(&session->mutex);
    free(session);
}

static bool is_rw(const struct tp_p11_session *session)
{
    return (session->flags & CKF_RW_SESSION) != 0;
}

static void count_in(struct tp_p11_session *session)
{
    (void)atomic_fetch_add(&session->slot->sessions, 1);
    if (is_rw(session))
        (void)atomic_fetch_add(&session->slot->rw_sessions, 1);
}

/* What goes with a session: its objects, and with the slot's last session the login (3.0 §5.6.2). */
static void count_out(struct tp_p11_session *session)
{
    struct tp_p11_slot *slot = session->slot;
    tp_p11_inventory_drop_session(slot, session->handle);
    if (is_rw(session))
        (void)atomic_fetch_sub(&slot->rw_sessions, 1);
    if (atomic_fetch_sub(&slot->sessions, 1) == 1)
        tp_p11_login_forget(slot);
}

/* ---- the table ---- */

enum tp_rc tp_p11_sessions_init(struct tp_p11_sessions *sessions)
{
    pthread_rwlockattr_t attributes;
    sessions->first_free = NO_PLACE;
    if (pthread_rwlockattr_init(&attributes) != 0)
        return TP_MEMORY;
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    int failed = pthread_rwlock_init(&sessions->lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
    return failed != 0 ? TP_MEMORY : TP_OK;
}

void tp_p11_sessions_clear(struct tp_p11_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sessions->places[i].session != NULL)
            tp_p11_session_unref(sessions->places[i].session);
    free(sessions->places);
    (void)pthread_rwlock_destroy(&sessions->lock);
}

/* The place that HANDLE names, if it is that session's still; the lock is held. */
static struct tp_p11_place *place_of(struct tp_p11_sessions *sessions, CK_SESSION_HANDLE handle)
{
    size_t index = handle & PLACE_MASK;
    if (index >= sessions->count || sessions->places[index].session == NULL ||
        sessions->places[index].session->handle != handle)
        return NULL;
    return &sessions->places[index];
}

struct tp_p11_session *tp_p11_session_get(struct tp_p11_module *module, CK_SESSION_HANDLE handle)
{
    struct tp_p11_sessions *sessions = &module->sessions;
    pthread_rwlock_rdlock(&sessions->lock);
    struct tp_p11_place *place = place_of(sessions, handle);
    struct tp_p11_session *session = place == NULL ? NULL : place->session;
    if (session != NULL)
        (void)atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
    pthread_rwlock_unlock(&sessions->lock);
    return session;
}

static CK_RV grow(struct tp_p11_sessions *sessions)
{
    if (sessions->count < sessions->capacity)
        return CKR_OK;
    size_t capacity = sessions->capacity == 0 ? 64 : 2 * sessions->capacity;
    if (capacity > PLACE_MASK + 1)
        return CKR_SESSION_COUNT;
    struct tp_p11_place *places = reallocarray(sessions->places, capacity, sizeof(*places));
    if (places == NULL)
        return CKR_HOST_MEMORY;
    sessions->places = places;
    sessions->capacity = capacity;
    return CKR_OK;
}

static CK_RV take_place(struct tp_p11_sessions *sessions, size_t *ret_index)
{
    if (sessions->first_free != NO_PLACE) {
        *ret_index = sessions->first_free;
        sessions->first_free = sessions->places[*ret_index].next_free;
        return CKR_OK;
    }
    CK_RV rv = grow(sessions);
    if (rv != CKR_OK)
        return rv;
    sessions->places[sessions->count] = (struct tp_p11_place){.next_free = NO_PLACE};
    *ret_index = sessions->count++;
    return CKR_OK;
}

/* Takes a reference of its own: what is in the table, another thread may close. */
static CK_RV table_add(struct tp_p11_sessions *sessions, struct tp_p11_session *session)
{
    size_t index = 0;
    pthread_rwlock_wrlock(&sessions->lock);
    CK_RV rv = take_place(sessions, &index);
    if (rv == CKR_OK) {
        struct tp_p11_place *place = &sessions->places[index];
        place->generation = (place->generation + 1) & (~(CK_ULONG)0 >> PLACE_BITS);
        place->generation += place->generation == 0; /* CK_INVALID_HANDLE is 0 */
        session->handle = (place->generation << PLACE_BITS) | index;
        place->session = session;
        (void)atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
        count_in(session);
    }
    pthread_rwlock_unlock(&sessions->lock);
    return rv;
}

static void free_place(struct tp_p11_sessions *sessions, struct tp_p11_place *place)
{
    place->session = NULL;
    place->next_free = sessions->first_free;
    sessions->first_free = (size_t)(place - sessions->places);
}

static CK_RV close_one(struct tp_p11_sessions *sessions, struct tp_p11_session *session)
{
    pthread_rwlock_wrlock(&sessions->lock);
    struct tp_p11_place *place = place_of(sessions, session->handle);
    if (place != NULL)
        free_place(sessions, place);
    pthread_rwlock_unlock(&sessions->lock);
    if (place == NULL)
        return CKR_SESSION_HANDLE_INVALID; /* another thread was faster */
    count_out(session);
    tp_p11_session_unref(session); /* the table's; a thread that is inside still has its own */
    return CKR_OK;
}

/* While the SO is logged in there is no R/O session (3.0 §5.6.1). It is counted before this is asked, and the SO's login
 * looks at the count once it stands: of two threads one notices. */
static CK_RV beside_the_officer(struct tp_p11_sessions *sessions, struct tp_p11_session *session)
{
    if (is_rw(session) || tp_p11_login_party(session->slot) != TP_P11_OFFICER)
        return CKR_OK;
    (void)close_one(sessions, session);
    return CKR_SESSION_READ_WRITE_SO_EXISTS;
}

/* ---- C_ functions ---- */

CK_RV tp_p11_session_open(struct tp_p11_call *call, CK_SLOT_ID id, CK_FLAGS flags, CK_SESSION_HANDLE *ret_handle)
{
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    if (ret_handle == NULL)
        return CKR_ARGUMENTS_BAD;
    if ((flags & CKF_SERIAL_SESSION) == 0)
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if ((flags & CKF_ASYNC_SESSION) != 0)
        return CKR_SESSION_ASYNC_NOT_SUPPORTED;
    /* The token is write-protected, yet R/W sessions open: OpenSSH asks for nothing else, and C_SetPIN needs one. */
    struct tp_p11_session *session = session_new(slot, flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION));
    if (session == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = table_add(&call->module->sessions, session);
    if (rv == CKR_OK)
        rv = beside_the_officer(&call->module->sessions, session);
    if (rv == CKR_OK)
        *ret_handle = session->handle;
    tp_p11_session_unref(session);
    return rv;
}

CK_RV tp_p11_session_close(struct tp_p11_call *call)
{
    return close_one(&call->module->sessions, call->session);
}

/* Takes one session of SLOT out of the table; NULL when there is none. FROM goes on where the last one was. */
static struct tp_p11_session *take_one(struct tp_p11_sessions *sessions, const struct tp_p11_slot *slot, size_t *from)
{
    struct tp_p11_session *session = NULL;
    pthread_rwlock_wrlock(&sessions->lock);
    for (; session == NULL && *from < sessions->count; (*from)++) {
        struct tp_p11_place *place = &sessions->places[*from];
        if (place->session != NULL && place->session->slot == slot) {
            session = place->session;
            free_place(sessions, place);
        }
    }
    pthread_rwlock_unlock(&sessions->lock);
    return session;
}

CK_RV tp_p11_session_close_all(struct tp_p11_call *call, CK_SLOT_ID id)
{
    struct tp_p11_slot *slot = tp_p11_slot_find(call->module, id);
    struct tp_p11_session *session;
    size_t from = 0;
    if (slot == NULL)
        return CKR_SLOT_ID_INVALID;
    while ((session = take_one(&call->module->sessions, slot, &from)) != NULL) {
        count_out(session);
        tp_p11_session_unref(session);
    }
    return CKR_OK;
}

/* In the order of the specification's table of states (3.0 §3.4). A session that needs no login (login = session) is
 * in the public state, which is true: nobody has logged in here. Its keys are public objects. */
static CK_STATE state_of(const struct tp_p11_session *session)
{
    static const CK_STATE states[][2] = {[TP_P11_NOBODY] = {CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION},
                                         [TP_P11_USER] = {CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS},
                                         [TP_P11_OFFICER] = {CKS_RO_PUBLIC_SESSION, CKS_RW_SO_FUNCTIONS}};
    return states[tp_p11_login_party(session->slot)][is_rw(session)];
}

CK_RV tp_p11_session_info(struct tp_p11_call *call, CK_SESSION_INFO *ret_info)
{
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    *ret_info = (CK_SESSION_INFO){
        .slotID = call->session->slot->id,
        .state = state_of(call->session),
        .flags = call->session->flags,
        .ulDeviceError = 0,
    };
    return CKR_OK;
}

/* Operations that we do not have are never active: cancelling them has nothing to do. */
CK_RV tp_p11_session_cancel(struct tp_p11_call *call, CK_FLAGS flags)
{
    struct tp_p11_session *session = call->session;
    if ((flags & CKF_FIND_OBJECTS) != 0)
        tp_p11_find_end(&session->find);
    if ((flags & CKF_DIGEST) != 0)
        tp_p11_digest_end(&session->digest);
    if ((flags & CKF_SIGN) != 0)
        tp_p11_operation_end(&session->sign);
    if ((flags & CKF_VERIFY) != 0) {
        tp_p11_operation_end(&session->verify);
        tp_p11_verify_signature_end(&session->verify_signature);
    }
    if ((flags & CKF_MESSAGE_SIGN) != 0)
        tp_p11_message_end(&session->message_sign);
    if ((flags & CKF_MESSAGE_VERIFY) != 0)
        tp_p11_message_end(&session->message_verify);
    if ((flags & CKF_ENCRYPT) != 0)
        tp_p11_cipher_end(&session->encrypt);
    if ((flags & CKF_DECRYPT) != 0)
        tp_p11_cipher_end(&session->decrypt);
    return CKR_OK;
}

CK_RV tp_p11_session_validation(CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *ret_flags)
{
    if (ret_flags == NULL || type != CKS_LAST_VALIDATION_OK)
        return CKR_ARGUMENTS_BAD;
    *ret_flags = 0;
    return CKR_OK;
}
