/* SPDX-License-Identifier: Apache-2.0 */
#include "served.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void answer_token(struct tp_ipc_request *request)
{
    Tp__Ipc__TokenReply reply = TP__IPC__TOKEN_REPLY__INIT;
    reply.label = ((Tp__Ipc__TokenRequest *)request->message)->user;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
}

static void answer_sign(struct tp_ipc_request *request)
{
    Tp__Ipc__SignReply reply = TP__IPC__SIGN_REPLY__INIT;
    reply.signature = ((Tp__Ipc__SignRequest *)request->message)->data;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
}

static void answer_logout(struct tp_ipc_request *request)
{
    struct tp_error error;
    (void)tp_error_set(&error, TP_PIN_WRONG, "no such login");
    tp_ipc_refuse(request, TP_PIN_WRONG, &error, 3);
}

static void answer_enrol(struct tp_ipc_request *request)
{
    Tp__Ipc__EnrolReply reply = TP__IPC__ENROL_REPLY__INIT;
    reply.digits = (uint32_t)tp_secret_len(request->secret[0]);
    tp_ipc_answer(request, &reply.base, tp_secret_bytes(request->secret[1]));
}

static void answer_objects(struct tp_ipc_request *request)
{
    Tp__Ipc__ObjectsReply reply = TP__IPC__OBJECTS_REPLY__INIT;
    Tp__Ipc__Credential credential = TP__IPC__CREDENTIAL__INIT, *credentials = &credential;
    credential.certificate.len = ((Tp__Ipc__ObjectsRequest *)request->message)->known;
    credential.certificate.data = calloc(1, credential.certificate.len + 1);
    reply.n_credentials = 1;
    reply.credentials = &credentials;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
    free(credential.certificate.data);
}

static void answer_crl(struct tp_ipc_request *request)
{
    Tp__Ipc__CrlReply reply = TP__IPC__CRL_REPLY__INIT;
    reply.revoked = (uint32_t)((Tp__Ipc__CrlRequest *)request->message)->der.len;
    tp_ipc_answer(request, &reply.base, TP_BYTES_NONE);
}

static void answer_kept(struct tp_ipc_request *request)
{
    Tp__Ipc__StatusReply status = TP__IPC__STATUS_REPLY__INIT;
    Tp__Ipc__DoctorReply doctor = TP__IPC__DOCTOR_REPLY__INIT;
    bool is_status = request->operation->op == TP_OP_STATUS;
    tp_ipc_answer(request, is_status ? &status.base : &doctor.base, TP_BYTES_NONE);
}

static void keep(struct served *served, struct tp_ipc_request *request)
{
    pthread_mutex_lock(&served->mutex);
    request->next = served->kept;
    served->kept = request;
    served->kept_count++;
    served->kept_total++;
    pthread_cond_broadcast(&served->changed);
    pthread_mutex_unlock(&served->mutex);
}

static void answer_one(struct served *served, struct tp_ipc_request *request)
{
    switch (request->operation->op) {
    case TP_OP_TOKEN:
        answer_token(request);
        break;
    case TP_OP_SIGN:
        answer_sign(request);
        break;
    case TP_OP_LOGOUT:
        answer_logout(request);
        break;
    case TP_OP_ENROL:
        answer_enrol(request);
        break;
    case TP_OP_OBJECTS:
        answer_objects(request);
        break;
    case TP_OP_CRL_IMPORT:
        answer_crl(request);
        break;
    case TP_OP_STATUS:
    case TP_OP_DOCTOR:
        keep(served, request);
        break;
    default:
        tp_ipc_refuse(request, TP_UNSUPPORTED, NULL, 0);
    }
}

static void handle(void *context, struct tp_ipc_request *requests)
{
    struct served *served = context;
    tp_ipc_hold();
    while (requests != NULL) {
        struct tp_ipc_request *next = requests->next;
        pthread_mutex_lock(&served->mutex);
        served->requests++;
        served->last_peer = *requests->peer;
        pthread_mutex_unlock(&served->mutex);
        answer_one(served, requests);
        requests = next;
    }
    tp_ipc_send();
    if (atomic_load(&served->leaves))
        tp_ipc_server_leave(served->server);
}

static void gone(void *context, const struct tp_ipc_peer *peer)
{
    struct served *served = context;
    pthread_mutex_lock(&served->mutex);
    served->gone++;
    served->last_peer = *peer;
    pthread_cond_broadcast(&served->changed);
    pthread_mutex_unlock(&served->mutex);
}

static bool may_send_large(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation)
{
    struct served *served = context;
    cr_assert_eq(peer->pid, getpid());
    cr_assert_gt(operation->most, TP_IPC_BODY_SMALL);
    served->large_asked++;
    return !served->no_large;
}

static void turned_away(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation,
                        enum tp_rc rc, const char *words)
{
    struct served *served = context;
    (void)peer;
    pthread_mutex_lock(&served->mutex);
    served->turned_away++;
    served->away_rc = rc;
    served->away_op = operation == NULL ? 0 : (unsigned)operation->op;
    served->away_words = words;
    pthread_cond_broadcast(&served->changed);
    pthread_mutex_unlock(&served->mutex);
}

static void *run(void *context)
{
    struct served *served = context;
    struct tp_error error;
    enum tp_rc rc = tp_ipc_server_run(served->server, served->grace_ms, &error);
    if (rc != TP_OK || !tp_ipc_server_left(served->server))
        return rc == TP_OK ? NULL : served;
    pthread_t next;
    void *failed = served;
    atomic_fetch_add(&served->left, 1);
    if (pthread_create(&next, NULL, run, served) == 0)
        pthread_join(next, &failed);
    return failed;
}

void served_folder(struct served *served)
{
    *served = (struct served){.grace_ms = 5000};
    (void)snprintf(served->folder, sizeof(served->folder), "/tmp/ipc-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(served->folder));
    (void)snprintf(served->path, sizeof(served->path), "%s/s", served->folder);
    pthread_mutex_init(&served->mutex, NULL);
    pthread_cond_init(&served->changed, NULL);
}

void served_start(struct served *served, struct tp_ipc_server_config config)
{
    struct tp_error error = {.rc = TP_OK};
    config.socket_path = served->path;
    config.socket_mode = 0600;
    config.context = served;
    config.handle = handle;
    config.gone = gone;
    config.may_send_large = may_send_large;
    config.turned_away = turned_away;
    served->turned_away = served->large_asked = 0;
    served->kept_total = served->gone = served->requests = 0;
    cr_assert_eq(tp_ipc_server_new(&config, &error, &served->server), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(pthread_create(&served->thread, NULL, run, served), 0);
}

void served_stop(struct served *served)
{
    void *failed;
    tp_ipc_server_stop(served->server);
    cr_assert_eq(pthread_join(served->thread, &failed), 0);
    cr_assert_null(failed);
    (void)served_release(served);
    tp_ipc_server_free(served->server);
    served->server = NULL;
}

void served_clear(struct served *served)
{
    if (served->server != NULL) {
        (void)served_release(served);
        served_stop(served);
    }
    (void)unlink(served->path);
    cr_assert_eq(rmdir(served->folder), 0, "the server leaves nothing behind");
    pthread_cond_destroy(&served->changed);
    pthread_mutex_destroy(&served->mutex);
}

void served_wait_kept(struct served *served, unsigned total)
{
    pthread_mutex_lock(&served->mutex);
    while (served->kept_total < total)
        pthread_cond_wait(&served->changed, &served->mutex);
    pthread_mutex_unlock(&served->mutex);
}

void served_wait_gone(struct served *served, unsigned count)
{
    pthread_mutex_lock(&served->mutex);
    while (served->gone < count)
        pthread_cond_wait(&served->changed, &served->mutex);
    pthread_mutex_unlock(&served->mutex);
}

void served_wait_away(struct served *served, unsigned count)
{
    pthread_mutex_lock(&served->mutex);
    while (served->turned_away < count)
        pthread_cond_wait(&served->changed, &served->mutex);
    pthread_mutex_unlock(&served->mutex);
}

unsigned served_kept(struct served *served)
{
    pthread_mutex_lock(&served->mutex);
    unsigned count = served->kept_count;
    pthread_mutex_unlock(&served->mutex);
    return count;
}

unsigned served_release(struct served *served)
{
    pthread_mutex_lock(&served->mutex);
    struct tp_ipc_request *kept = served->kept;
    served->kept = NULL;
    served->kept_count = 0;
    pthread_mutex_unlock(&served->mutex);
    unsigned count = 0;
    for (; kept != NULL; count++) {
        struct tp_ipc_request *next = kept->next;
        answer_kept(kept);
        kept = next;
    }
    return count;
}
