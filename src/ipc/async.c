/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/async.h"

#include "base/clock.h"
#include "ipc/internal_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#define DIAL_MS  2000
#define REDIAL_MS 250
#define GRACE_MS 1000 /* that an answer may be later than the engine has promised it */
#define TIMEOUT_FALLBACK_MS 30000

struct asked {
    uint32_t number;
    const struct tp_ipc_operation *operation;
    tp_ipc_async_done *done;
    void *context;
    int64_t deadline_ms;
    UT_hash_handle hh;
};

/* The thread that makes connections, and what it has to say. */
struct dialler {
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* of what is below */
    pthread_cond_t changed;
    bool wanted, ended, done;
    int fd; /* -1: it failed */
    struct tp_error error;
};

struct tp_ipc_async {
    struct tp_ipc_client_config config; /* its strings are ours */
    struct tp_ipc_client *client;       /* owns them, and knows who the engine's user is */
    unsigned most;
    int epoll, bell; /* the bell: a dial has ended */
    struct dialler dialler;
    int fd; /* the connection; -1: none */
    bool wants_room; /* EPOLLOUT is asked for */
    bool dialling;
    int64_t next_dial_ms;
    char words[TP_ERROR_WORDS_LEN];
    struct tp_ipc_outbox outbox;
    struct tp_ipc_reader reader;
    uint32_t number;
    struct asked *asked;
    uint8_t input[TP_IPC_INPUT_LEN];
};

/* ---- making connections, in the other thread ---- */

static void dial(struct tp_ipc_async *async)
{
    struct dialler *dialler = &async->dialler;
    struct tp_error error = {0};
    const struct tp_ipc_dial order = {.config = &async->config,
                                      .deadline_ms = tp_clock_monotonic_ms() + DIAL_MS,
                                      .interrupts = &async->client->interrupts,
                                      .interrupt = atomic_load(&async->client->interrupts),
                                      .engine_uid = &async->client->engine_uid};
    int fd = -1;
    const enum tp_rc rc = tp_ipc_dial(&order, &error, &fd);
    pthread_mutex_lock(&dialler->lock);
    dialler->fd = rc == TP_OK ? fd : -1;
    dialler->error = error;
    dialler->done = true;
    pthread_mutex_unlock(&dialler->lock);
    const uint64_t one = 1;
    if (write(async->bell, &one, sizeof one) != sizeof one)
        return; /* it rings already */
}

static void *dial_when_wanted(void *context)
{
    struct tp_ipc_async *async = context;
    struct dialler *dialler = &async->dialler;
    for (;;) {
        pthread_mutex_lock(&dialler->lock);
        while (!dialler->wanted && !dialler->ended)
            pthread_cond_wait(&dialler->changed, &dialler->lock);
        const bool ended = dialler->ended;
        dialler->wanted = false;
        pthread_mutex_unlock(&dialler->lock);
        if (ended)
            return NULL;
        dial(async);
    }
}

static void dialler_tell(struct dialler *dialler, bool *what)
{
    pthread_mutex_lock(&dialler->lock);
    *what = true;
    pthread_cond_signal(&dialler->changed);
    pthread_mutex_unlock(&dialler->lock);
}

/* ---- the handle ---- */

static bool watch(const struct tp_ipc_async *async, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};
    return epoll_ctl(async->epoll, operation, fd, &event) == 0;
}

static enum tp_rc start(struct tp_ipc_async *async)
{
    async->epoll = epoll_create1(EPOLL_CLOEXEC);
    async->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (async->epoll < 0 || async->bell < 0 || !watch(async, EPOLL_CTL_ADD, async->bell, EPOLLIN))
        return TP_IO;
    async->dialler.started = pthread_create(&async->dialler.thread, NULL, dial_when_wanted, async) == 0;
    return async->dialler.started ? TP_OK : TP_MEMORY;
}

enum tp_rc tp_ipc_async_new(const struct tp_ipc_client_config *config, unsigned most, struct tp_error *error,
                            struct tp_ipc_async **ret_async)
{
    struct tp_ipc_async *async = calloc(1, sizeof *async);
    if (async == NULL)
        return TP_MEMORY;
    async->fd = async->epoll = async->bell = async->dialler.fd = -1;
    async->most = most;
    async->reader.reply = 1;
    pthread_mutex_init(&async->dialler.lock, NULL);
    pthread_cond_init(&async->dialler.changed, NULL);
    enum tp_rc rc = tp_ipc_client_new(config, &async->client);
    if (rc == TP_OK) {
        async->config = async->client->config;
        tp_ipc_client_prepare(async->client);
        rc = start(async);
    }
    if (rc != TP_OK) {
        tp_ipc_async_free(async);
        return tp_error_set(error, rc, "the connection to the engine cannot be set up: %s", tp_rc_words(rc));
    }
    *ret_async = async;
    return TP_OK;
}

static void end_dialler(struct tp_ipc_async *async)
{
    if (!async->dialler.started)
        return;
    atomic_fetch_add(&async->client->interrupts, 1);
    dialler_tell(&async->dialler, &async->dialler.ended);
    pthread_join(async->dialler.thread, NULL);
}

static void close_all(const int *fds, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

void tp_ipc_async_free(struct tp_ipc_async *async)
{
    struct asked *at, *next;
    if (async == NULL)
        return;
    end_dialler(async);
    const int fds[] = {async->fd, async->epoll, async->bell, async->dialler.fd};
    close_all(fds, sizeof fds / sizeof fds[0]);
    HASH_ITER(hh, async->asked, at, next)
    {
        HASH_DEL(async->asked, at);
        free(at);
    }
    tp_ipc_outbox_clear(&async->outbox);
    tp_ipc_reader_clear(&async->reader);
    tp_ipc_client_free(async->client);
    pthread_cond_destroy(&async->dialler.changed);
    pthread_mutex_destroy(&async->dialler.lock);
    free(async);
}

int tp_ipc_async_fd(const struct tp_ipc_async *async)
{
    return async->epoll;
}

unsigned tp_ipc_async_waiting(const struct tp_ipc_async *async)
{
    return HASH_COUNT(async->asked);
}

bool tp_ipc_async_connected(const struct tp_ipc_async *async)
{
    return async->fd >= 0;
}

const char *tp_ipc_async_words(const struct tp_ipc_async *async)
{
    return async->words;
}

/* ---- the connection ---- */

/* ASKED is out of the table first: its callback may ask again. */
static void finish(struct tp_ipc_async *async, struct asked *asked, enum tp_rc rc, const struct tp_error *error,
                   const ProtobufCMessage *reply)
{
    HASH_DEL(async->asked, asked);
    asked->done(asked->context, rc, error, reply);
    free(asked);
}

static void lose(struct tp_ipc_async *async, const char *words)
{
    struct tp_error error = {0};
    struct asked *at, *next;
    (void)tp_error_set(&error, TP_UNREACHABLE, "%s", words);
    memcpy(async->words, error.words, sizeof async->words);
    (void)close(async->fd);
    async->fd = -1;
    async->wants_room = false;
    tp_ipc_outbox_clear(&async->outbox);
    tp_ipc_reader_clear(&async->reader);
    HASH_ITER(hh, async->asked, at, next)
    {
        finish(async, at, TP_UNREACHABLE, &error, NULL);
    }
}

static void want_room(struct tp_ipc_async *async, bool wanted)
{
    if (wanted == async->wants_room)
        return;
    async->wants_room = wanted;
    (void)watch(async, EPOLL_CTL_MOD, async->fd, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void flush(struct tp_ipc_async *async)
{
    size_t sent = 0;
    struct tp_ipc_chunk *chunks = tp_ipc_outbox_take(&async->outbox);
    const enum tp_rc rc = tp_ipc_chunks_send(chunks, async->fd, &sent);
    tp_ipc_outbox_put_back(&async->outbox, chunks, sent);
    if (rc != TP_OK)
        lose(async, "the engine closed the connection; try again");
    else
        want_room(async, async->outbox.waiting > 0);
}

static void take_connection(struct tp_ipc_async *async)
{
    struct dialler *dialler = &async->dialler;
    uint64_t rung;
    (void)!read(async->bell, &rung, sizeof rung);
    pthread_mutex_lock(&dialler->lock);
    const bool done = dialler->done;
    const int fd = dialler->fd;
    if (done)
        (void)snprintf(async->words, sizeof async->words, "%s", fd < 0 ? tp_error_words(&dialler->error) : "");
    dialler->done = false;
    dialler->fd = -1;
    pthread_mutex_unlock(&dialler->lock);
    if (!done)
        return;
    async->dialling = false;
    async->fd = fd;
    if (fd >= 0 && !watch(async, EPOLL_CTL_ADD, fd, EPOLLIN))
        lose(async, "no memory for a connection to the engine");
}

static void answer_with_failure(struct tp_ipc_async *async, struct asked *asked, const struct tp_ipc_frame *frame)
{
    struct tp_error error = {0};
    struct tp_ipc_arena arena;
    const enum tp_rc rc = (enum tp_rc)frame->header.rc;
    tp_ipc_arena_init(&arena);
    const Tp__Ipc__Failure *told = tp__ipc__failure__unpack(&arena.allocator, frame->body.len, frame->body.data);
    (void)tp_error_set(&error, rc, "%s", told != NULL && told->words[0] != '\0' ? told->words : tp_rc_words(rc));
    tp_ipc_arena_clear(&arena);
    finish(async, asked, rc, &error, NULL);
}

static void answer_with_reply(struct tp_ipc_async *async, struct asked *asked, const struct tp_ipc_frame *frame)
{
    struct tp_error error = {0};
    struct tp_ipc_arena arena;
    tp_ipc_arena_init(&arena);
    const ProtobufCMessage *reply =
        protobuf_c_message_unpack(asked->operation->reply, &arena.allocator, frame->body.len, frame->body.data);
    if (reply != NULL)
        finish(async, asked, TP_OK, NULL, reply);
    else
        finish(async, asked, tp_error_set(&error, TP_MALFORMED, "the engine's answer cannot be read; is it of another version?"),
               &error, NULL);
    tp_ipc_arena_clear(&arena);
}

/* A number that nobody waits for: its time was up. */
static void answer(struct tp_ipc_async *async, const struct tp_ipc_frame *frame)
{
    struct asked *asked = NULL;
    HASH_FIND(hh, async->asked, &frame->header.number, sizeof frame->header.number, asked);
    if (asked == NULL)
        return;
    if (frame->header.rc != TP_OK)
        answer_with_failure(async, asked, frame);
    else
        answer_with_reply(async, asked, frame);
}

/* False: there is no connection any more, or nothing more to read. */
static bool receive(struct tp_ipc_async *async)
{
    const ssize_t len = recv(async->fd, async->input, sizeof async->input, MSG_DONTWAIT);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    struct tp_bytes input = TP_BYTES(async->input, len > 0 ? (size_t)len : 0);
    bool complete = len > 0;
    while (complete) {
        struct tp_ipc_frame frame;
        if (tp_ipc_reader_next(&async->reader, &input, &frame, &complete) != TP_OK) {
            lose(async, "what the engine says cannot be read; is it of another version?");
            return false;
        }
        if (complete)
            answer(async, &frame);
        if (async->fd < 0) /* a callback has asked again, and found it broken */
            return false;
    }
    if (len <= 0)
        lose(async, "the engine closed the connection; try again");
    return len == (ssize_t)sizeof async->input;
}

void tp_ipc_async_turn(struct tp_ipc_async *async)
{
    struct epoll_event events[2];
    const int count = epoll_wait(async->epoll, events, 2, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == async->bell) {
            take_connection(async);
            continue;
        }
        if (async->fd >= 0 && (events[i].events & EPOLLOUT) != 0)
            flush(async);
        while (async->fd >= 0 && receive(async))
            continue;
    }
}

static void end_waiting(struct tp_ipc_async *async, int64_t now_ms)
{
    struct tp_error error = {0};
    struct asked *at, *next;
    (void)tp_error_set(&error, TP_TIMEOUT, "the engine did not answer in time");
    HASH_ITER(hh, async->asked, at, next)
    {
        if (now_ms >= at->deadline_ms + GRACE_MS)
            finish(async, at, TP_TIMEOUT, &error, NULL);
    }
}

void tp_ipc_async_tick(struct tp_ipc_async *async)
{
    const int64_t now_ms = tp_clock_monotonic_ms();
    end_waiting(async, now_ms);
    if (async->fd >= 0 || async->dialling || now_ms < async->next_dial_ms)
        return;
    async->dialling = true;
    async->next_dial_ms = now_ms + REDIAL_MS;
    dialler_tell(&async->dialler, &async->dialler.wanted);
}

/* ---- asking ---- */

static enum tp_rc queue(struct tp_ipc_async *async, const struct tp_ipc_operation *operation, const ProtobufCMessage *request,
                        struct asked *asked)
{
    static const struct tp_bytes no_secrets[TP_IPC_SECRETS_MAX];
    struct tp_ipc_body body;
    const struct tp_ipc_header header = {.op = (uint16_t)operation->op,
                                         .number = asked->number,
                                         .wait_ms = (uint32_t)tp_deadline_left_ms(asked->deadline_ms)};
    TP_TRY(tp_ipc_body_pack(request, operation->most, &body));
    const enum tp_rc rc = tp_ipc_outbox_append(&async->outbox, header, body.bytes, no_secrets);
    tp_ipc_body_clear(&body);
    return rc;
}

enum tp_rc tp_ipc_async_ask(struct tp_ipc_async *async, enum tp_ipc_op op, const ProtobufCMessage *request, int64_t timeout_ms,
                            tp_ipc_async_done *done, void *context, struct tp_error *error)
{
    const struct tp_ipc_operation *operation = tp_ipc_operation((unsigned)op);
    if (operation == NULL || request->descriptor != operation->request || operation->secrets > 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the request was not sent: no such operation");
    if (async->fd < 0)
        return tp_error_set(error, TP_UNREACHABLE, "%s", async->words[0] != '\0' ? async->words : "no connection to the engine yet");
    if (HASH_COUNT(async->asked) >= async->most)
        return tp_error_set(error, TP_BUSY, "%u requests wait for the engine already", async->most);
    struct asked *asked = calloc(1, sizeof *asked);
    if (asked == NULL)
        return tp_error_set(error, TP_MEMORY, "out of memory");
    asked->number = ++async->number;
    asked->operation = operation;
    asked->done = done;
    asked->context = context;
    asked->deadline_ms = tp_clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : TIMEOUT_FALLBACK_MS);
    const enum tp_rc rc = queue(async, operation, request, asked);
    if (rc != TP_OK) {
        free(asked);
        return tp_error_set(error, rc, "the request was not sent: %s", tp_rc_words(rc));
    }
    HASH_ADD(hh, async->asked, number, sizeof asked->number, asked);
    if (!async->wants_room)
        flush(async);
    return TP_OK; /* also when the connection has just broken: DONE has been called then */
}
