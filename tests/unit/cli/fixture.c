/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "cli/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS_MAX 32

struct asked asked[ASKED_MAX];
size_t asked_len;
int status;
char *out, *err;

static struct answer {
    enum tp_rc rc;
    const char *words;
    uint8_t *reply;
    size_t reply_len;
    char secret[128];
} answers[TP_IPC_OP_END];

static char folder[32];

/* ---- the engine ---- */

void engine_answers(enum tp_ipc_op op, const ProtobufCMessage *reply, const char *secret)
{
    struct answer *answer = &answers[op];
    free(answer->reply);
    memset(answer, 0, sizeof *answer);
    if (reply != NULL) {
        answer->reply_len = protobuf_c_message_get_packed_size(reply);
        answer->reply = malloc(answer->reply_len + 1);
        (void)protobuf_c_message_pack(reply, answer->reply);
    }
    (void)snprintf(answer->secret, sizeof answer->secret, "%s", secret == NULL ? "" : secret);
}

void engine_refuses(enum tp_ipc_op op, enum tp_rc rc, const char *words)
{
    engine_answers(op, NULL, NULL);
    answers[op].rc = rc;
    answers[op].words = words;
}

static ProtobufCMessage *copy_message(const ProtobufCMessage *message)
{
    uint8_t *packed = malloc(protobuf_c_message_get_packed_size(message) + 1);
    size_t len = protobuf_c_message_pack(message, packed);
    ProtobufCMessage *copy = protobuf_c_message_unpack(message->descriptor, NULL, len, packed);
    free(packed);
    return copy;
}

static void remember(enum tp_ipc_op op, const ProtobufCMessage *request, struct tp_bytes secret_0,
                     struct tp_bytes secret_1)
{
    cr_assert_lt(asked_len, ASKED_MAX);
    struct asked *one = &asked[asked_len++];
    one->op = op;
    one->request = copy_message(request);
    (void)snprintf(one->secret[0], sizeof one->secret[0], "%.*s", (int)secret_0.len, (const char *)secret_0.data);
    (void)snprintf(one->secret[1], sizeof one->secret[1], "%.*s", (int)secret_1.len, (const char *)secret_1.data);
}

static enum tp_rc made_up_call(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                               struct tp_bytes secret_0, struct tp_bytes secret_1, int64_t timeout_ms,
                               struct tp_error *error, struct tp_ipc_reply *ret_reply)
{
    (void)client;
    (void)timeout_ms;
    const struct tp_ipc_operation *operation = tp_ipc_operation(op);
    const struct answer *answer = &answers[op];
    cr_assert_eq(request->descriptor, operation->request, "%s got a request of another type", operation->words);
    memset(ret_reply, 0, sizeof *ret_reply);
    remember(op, request, secret_0, secret_1);
    if (answer->rc != TP_OK)
        return answer->words == NULL ? answer->rc : tp_error_set(error, answer->rc, "%s", answer->words);
    ret_reply->message = protobuf_c_message_unpack(operation->reply, NULL, answer->reply_len, answer->reply);
    if (answer->secret[0] != '\0')
        cr_assert_eq(tp_secret_new_copy(tp_bytes_of_string(answer->secret), &ret_reply->secret), TP_OK);
    return TP_OK;
}

const struct asked *asked_last(enum tp_ipc_op op)
{
    for (size_t i = asked_len; i > 0; i--)
        if (asked[i - 1].op == op)
            return &asked[i - 1];
    cr_assert_fail("%s was not asked", tp_ipc_operation(op)->words);
    return NULL;
}

const void *asked_for(enum tp_ipc_op op)
{
    return asked_last(op)->request;
}

static void forget_asked(void)
{
    for (size_t i = 0; i < asked_len; i++)
        protobuf_c_message_free_unpacked(asked[i].request, NULL);
    asked_len = 0;
}

/* ---- running ---- */

static int split(char *line, char *words[WORDS_MAX])
{
    int count = 0;
    for (char *at = line + strspn(line, " "); *at != '\0'; at += strspn(at, " ")) {
        char end = *at == '\'' ? '\'' : ' ';
        at += end == '\'';
        words[count++] = at;
        at = strchrnul(at, end);
        if (*at != '\0')
            *at++ = '\0';
    }
    return count;
}

static int input_of(const char *input)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    size_t len = input == NULL ? 0 : strlen(input);
    cr_assert_eq(write(ends[1], input == NULL ? "" : input, len), (ssize_t)len);
    (void)close(ends[1]);
    return ends[0];
}

void run(const char *input, const char *line)
{
    char *copy = strdup(line), *words[WORDS_MAX + 1] = {"trustp11"};
    size_t out_len, err_len;
    int count = 1 + split(copy, words + 1);
    free(out);
    free(err);
    forget_asked();
    struct tp_cli cli = {
        .out = open_memstream(&out, &out_len),
        .err = open_memstream(&err, &err_len),
        .in = input_of(input),
        .call = made_up_call,
    };
    status = tp_cli_run(&cli, count, words);
    (void)fclose(cli.out);
    (void)fclose(cli.err);
    (void)close(cli.in);
    free(copy);
}

/* ---- files ---- */

void write_file(const char *name, mode_t mode, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fchmod(fd, mode), 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    if (file == NULL)
        return NULL;
    if (getdelim(&text, &capacity, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    (void)fclose(file);
    return text;
}

void fixture_set_up(void)
{
    tp_cli_text_start();
    strcpy(folder, "/tmp/tp-cli-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    for (unsigned op = 0; op < TP_IPC_OP_END; op++)
        engine_refuses(op, TP_INTERNAL, "the test did not foresee this");
}

void fixture_tear_down(void)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        (void)unlink(entry->d_name);
    (void)closedir(dir);
    cr_assert_eq(chdir("/"), 0);
    (void)rmdir(folder);
    forget_asked();
    for (unsigned op = 0; op < TP_IPC_OP_END; op++)
        free(answers[op].reply);
    free(out);
    free(err);
}
