/* SPDX-License-Identifier: Apache-2.0 */
#include "services.h"
#include "pki/certificate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Criterion's own would keep programs without it from using this. */
#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, __VA_ARGS__);                                                                        \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static FILE *to, *from;
static pid_t process;

void services_start(void)
{
    int in[2], out[2];
    char folder[256];
    REQUIRE(pipe(in) == 0 && pipe(out) == 0, "no pipes\n");
    process = fork();
    if (process == 0) {
        (void)dup2(in[0], 0), (void)dup2(out[1], 1);
        (void)close(in[1]), (void)close(out[0]);
        execlp("python3", "python3", TP_TEST_SERVICES, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]), (void)close(out[1]);
    to = fdopen(in[1], "w");
    from = fdopen(out[0], "r");
    REQUIRE(fgets(folder, sizeof folder, from) != NULL, "the services do not start\n");
}

void services_stop(void)
{
    (void)fclose(to); /* that is what ends it */
    (void)fclose(from);
    REQUIRE(waitpid(process, NULL, 0) == process, "the services do not end\n");
}

TP_PRINTF(1, 0) static const char *ask(const char *format, va_list args)
{
    static char answer[4096];
    (void)vfprintf(to, format, args);
    (void)fputc('\n', to);
    (void)fflush(to);
    REQUIRE(fgets(answer, sizeof answer, from) != NULL, "the services have gone\n");
    answer[strcspn(answer, "\n")] = '\0';
    REQUIRE(answer[0] != '!', "%s: %s\n", format, answer);
    return answer;
}

const char *services_ask(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *answer = ask(format, args);
    va_end(args);
    return answer;
}

long long services_number(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *answer = ask(format, args);
    va_end(args);
    return atoll(answer);
}

static void read_file(const char *path, struct tp_buf *ret_bytes)
{
    uint8_t block[4096];
    size_t got;
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL, "%s\n", path);
    while ((got = fread(block, 1, sizeof block, file)) > 0)
        REQUIRE(tp_buf_append(ret_bytes, TP_BYTES(block, got)) == TP_OK, "no memory\n");
    (void)fclose(file);
}

void services_file(struct tp_buf *ret_bytes, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    read_file(ask(format, args), ret_bytes);
    va_end(args);
}

static enum tp_rc take_first(void *context, struct tp_bytes der)
{
    struct tp_buf *buf = context;
    return buf->len == 0 ? tp_buf_append(buf, der) : TP_OK;
}

struct tp_buf services_certificate(const char *format, ...)
{
    struct tp_buf pem = TP_BUF_INIT, der = TP_BUF_INIT;
    va_list args;
    va_start(args, format);
    read_file(ask(format, args), &pem);
    va_end(args);
    REQUIRE(tp_pki_certificates_read(tp_buf_bytes(&pem), NULL, take_first, &der) == TP_OK && der.len > 0,
            "no certificate\n");
    tp_buf_clear(&pem);
    return der;
}
