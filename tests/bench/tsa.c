/* SPDX-License-Identifier: Apache-2.0
 *
 * What a timestamp costs: raw signatures of libcrypto, and timestamps over HTTP on loopback, in closed loops.
 *
 *   bench-tsa raw KEY THREADS MS                      signatures/s, CPU µs a signature
 *   bench-tsa load PORT QUERY CONNECTIONS MS PID...   timestamps/s, CPU µs a timestamp of this program, and of each PID
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MOST 64
#define PIDS_MOST    4
#define HEAD "POST /tsa HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/timestamp-query\r\nContent-Length: %zu\r\n\r\n"

static volatile bool ended;

static _Noreturn void die(const char *words)
{
    fprintf(stderr, "bench-tsa: %s\n", words);
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        die("a clock cannot be read; has a process ended?");
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct worker {
    pthread_t thread;
    unsigned long done;
    EVP_PKEY *key;
    unsigned short port;
    const char *request;
    size_t request_len;
};

/* ---- raw ---- */

static void *sign_on(void *context)
{
    struct worker *worker = context;
    unsigned char digest[32] = {1}, signature[1024];
    while (!ended) {
        size_t len = sizeof signature;
        EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new(worker->key, NULL);
        if (signing == NULL || EVP_PKEY_sign_init(signing) != 1 || EVP_PKEY_CTX_set_signature_md(signing, EVP_sha256()) < 1 ||
            EVP_PKEY_sign(signing, signature, &len, digest, sizeof digest) != 1)
            die("libcrypto does not sign");
        EVP_PKEY_CTX_free(signing);
        worker->done++;
    }
    return NULL;
}

/* ---- load ---- */

static int dial(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("nobody listens");
    return fd;
}

/* One answer: 200, a body of its length. */
static void take_answer(int fd)
{
    char answer[8192];
    size_t have = 0, whole = sizeof answer;
    while (have < whole) {
        ssize_t len = recv(fd, answer + have, sizeof answer - 1 - have, 0);
        if (len <= 0)
            die("the connection was closed");
        have += (size_t)len;
        answer[have] = '\0';
        const char *body = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "\r\nContent-Length:");
        if (body != NULL && length != NULL && length < body)
            whole = (size_t)(body + 4 - answer) + strtoul(length + 17, NULL, 10);
    }
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
        die("the answer is not 200");
    if (whole < 1000)
        die("the answer is no timestamp");
}

static void *ask_on(void *context)
{
    struct worker *worker = context;
    int fd = dial(worker->port);
    while (!ended) {
        if (send(fd, worker->request, worker->request_len, MSG_NOSIGNAL) != (ssize_t)worker->request_len)
            die("the connection was closed");
        take_answer(fd);
        worker->done++;
    }
    close(fd);
    return NULL;
}

/* ---- both ---- */

struct usage {
    double wall, own, others[PIDS_MOST];
};

static struct usage usage_now(char *const *pids, int pids_len)
{
    struct usage usage = {.wall = seconds_of(CLOCK_MONOTONIC), .own = seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
    for (int i = 0; i < pids_len; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(atoi(pids[i]), &clock) != 0)
            die("there is no such process");
        usage.others[i] = seconds_of(clock);
    }
    return usage;
}

static unsigned long sum(const struct worker *workers, int len)
{
    unsigned long done = 0;
    for (int i = 0; i < len; i++)
        done += ((const volatile struct worker *)&workers[i])->done;
    return done;
}

static void run(struct worker *workers, int len, void *(*work)(void *), int ms, char *const *pids, int pids_len)
{
    for (int i = 0; i < len; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            die("no thread");
    usleep(200000); /* caches, connections */
    const unsigned long before = sum(workers, len);
    const struct usage begin = usage_now(pids, pids_len);
    usleep((useconds_t)ms * 1000);
    const unsigned long done = sum(workers, len) - before;
    const struct usage end = usage_now(pids, pids_len);
    ended = true;
    for (int i = 0; i < len; i++)
        pthread_join(workers[i].thread, NULL);
    const double each = done > 0 ? 1e6 / (double)done : 0;
    printf("%.1f %.2f", (double)done / (end.wall - begin.wall), (end.own - begin.own) * each);
    for (int i = 0; i < pids_len; i++)
        printf(" %.2f", (end.others[i] - begin.others[i]) * each);
    putchar('\n');
}

static void raw(char **argv)
{
    static struct worker workers[THREADS_MOST];
    FILE *file = fopen(argv[0], "re");
    EVP_PKEY *key = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);
    const int threads = atoi(argv[1]);
    if (key == NULL || threads < 1 || threads > THREADS_MOST)
        die("no key, or too many threads");
    fclose(file);
    for (int i = 0; i < threads; i++)
        workers[i].key = key;
    run(workers, threads, sign_on, atoi(argv[2]), NULL, 0);
    EVP_PKEY_free(key);
}

static size_t read_query(const char *path, char *ret_bytes, size_t size)
{
    FILE *file = fopen(path, "re");
    const size_t len = file == NULL ? 0 : fread(ret_bytes, 1, size, file);
    if (len == 0)
        die("the query cannot be read");
    fclose(file);
    return len;
}

static void load(int argc, char **argv)
{
    static struct worker workers[THREADS_MOST];
    char query[1024], request[2048];
    const size_t query_len = read_query(argv[1], query, sizeof query);
    const int head_len = snprintf(request, sizeof request, HEAD, query_len), connections = atoi(argv[2]);
    if (connections < 1 || connections > THREADS_MOST || argc - 4 > PIDS_MOST)
        die("too many connections or processes");
    memcpy(request + head_len, query, query_len);
    for (int i = 0; i < connections; i++) {
        workers[i].port = (unsigned short)atoi(argv[0]);
        workers[i].request = request;
        workers[i].request_len = (size_t)head_len + query_len;
    }
    run(workers, connections, ask_on, atoi(argv[3]), argv + 4, argc - 4);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "raw") == 0)
        raw(argv + 2);
    else if (argc >= 6 && strcmp(argv[1], "load") == 0)
        load(argc - 2, argv + 2);
    else
        die("usage: bench-tsa raw KEY THREADS MS | load PORT QUERY CONNECTIONS MS PID...");
    return 0;
}
