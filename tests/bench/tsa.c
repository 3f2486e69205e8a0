/* SPDX-License-Identifier: Apache-2.0
 *
 * Timestamps from an authority over HTTP on this machine: CONNECTIONS connections that are kept, each with one request under
 * way, one thread for all. Each request has an imprint and a nonce of its own, and each answer is looked at: granted, with that
 * imprint and that nonce in it. A share of them is kept in full with --keep, for openssl ts to verify.
 *
 *   tsa --port PORT [--connections N] [--ms N] [--pid PID]… [--keep FILE]
 *
 * Prints: tokens per second, CPU µs per token of this process and of the PIDs together, and the share of the machine's
 * processor time that neither this process nor a stranger took (0 to the number of processors).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define PIDS_MAX        4
#define WARM_UP_MS      500
#define ANSWER_MAX      16384
#define IMPRINT_LEN     32
#define NONCE_LEN       8
#define BODY_LEN        66

/* TimeStampReq (RFC 3161 §2.4.1): version 1, SHA-256; imprint and nonce follow, and no certificates are asked for. */
static const uint8_t query[BODY_LEN] = {0x30, 0x40, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
                                        0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
#define IMPRINT_AT 24
#define NONCE_AT   (IMPRINT_AT + IMPRINT_LEN + 2)

struct connection {
    int fd;
    uint8_t body[BODY_LEN];
    uint8_t answer[ANSWER_MAX];
    size_t len;
};

static struct {
    uint16_t port;
    unsigned connections;
    long ms;
    pid_t pid[PIDS_MAX];
    unsigned pids;
    const char *keep;
} options = {.connections = 1, .ms = 1000};

static struct connection connections[CONNECTIONS_MAX];
static unsigned long tokens;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "tsa: %s\n", what);
    exit(1);
}

static double now_s(clockid_t which)
{
    struct timespec now;
    require(clock_gettime(which, &now) == 0, "no clock");
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- processor time ---- */

/* All threads of another process. */
static double cpu_of(pid_t pid)
{
    clockid_t clock;
    require(clock_getcpuclockid(pid, &clock) == 0, "a server has ended");
    return now_s(clock);
}

static double cpu_of_servers(void)
{
    double all = 0;
    for (unsigned i = 0; i < options.pids; i++)
        all += cpu_of(options.pid[i]);
    return all;
}

/* Of the whole machine: what was done for nobody (idle, and waiting for the disk). */
static double idle_s(void)
{
    unsigned long long user, nice, system, idle, waiting;
    FILE *file = fopen("/proc/stat", "re");
    require(file != NULL && fscanf(file, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting) == 5, "no /proc/stat");
    (void)fclose(file);
    return (double)(idle + waiting) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- one connection ---- */

static void ask(struct connection *connection)
{
    char head[256];
    memcpy(connection->body, query, sizeof query);
    connection->body[NONCE_AT - 2] = 0x02;
    connection->body[NONCE_AT - 1] = NONCE_LEN;
    require(getrandom(connection->body + IMPRINT_AT, IMPRINT_LEN, 0) == IMPRINT_LEN, "no random bytes");
    require(getrandom(connection->body + NONCE_AT, NONCE_LEN, 0) == NONCE_LEN, "no random bytes");
    /* Positive, and in its shortest form: DER. */
    connection->body[NONCE_AT] = (uint8_t)((connection->body[NONCE_AT] & 0x7f) | 0x40);
    const int head_len = snprintf(head, sizeof head, "POST /tsa HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/timestamp-query\r\n"
                                  "Content-Length: %d\r\n\r\n", NONCE_AT + NONCE_LEN);
    struct iovec parts[2] = {{head, (size_t)head_len}, {connection->body, NONCE_AT + NONCE_LEN}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    require(sendmsg(connection->fd, &message, MSG_NOSIGNAL) == head_len + NONCE_AT + NONCE_LEN, "the server takes no request");
    connection->len = 0;
}

static const uint8_t *find(const uint8_t *in, size_t in_len, const void *what, size_t len)
{
    return memmem(in, in_len, what, len);
}

/* The body when the answer is whole. */
static const uint8_t *body_of(const struct connection *connection, size_t *ret_len)
{
    const uint8_t *end = find(connection->answer, connection->len, "\r\n\r\n", 4);
    if (end == NULL)
        return NULL;
    const uint8_t *length = find(connection->answer, (size_t)(end - connection->answer), "Content-Length: ", 16);
    require(length != NULL, "an answer without a length");
    *ret_len = strtoul((const char *)length + 16, NULL, 10);
    end += 4;
    return (size_t)(connection->answer + connection->len - end) >= *ret_len ? end : NULL;
}

static void keep(const struct connection *connection, const uint8_t *body, size_t len)
{
    char path[512];
    static const char *const suffixes[] = {"tsq", "tsr"};
    const uint8_t *const contents[] = {connection->body, body};
    const size_t lens[] = {NONCE_AT + NONCE_LEN, len};
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s.%s", options.keep, suffixes[i]);
        FILE *file = fopen(path, "we");
        require(file != NULL && fwrite(contents[i], 1, lens[i], file) == lens[i] && fclose(file) == 0, "cannot keep an answer");
    }
}

static void check(const struct connection *connection, const uint8_t *body, size_t len)
{
    static const uint8_t granted[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    require(find(connection->answer, 16, " 200 ", 5) != NULL, "an answer that is not 200");
    require(len > 16 && find(body, 16, granted, sizeof granted) != NULL, "a timestamp was not granted");
    require(find(body, len, connection->body + IMPRINT_AT, IMPRINT_LEN) != NULL, "a timestamp over something else");
    require(find(body, len, connection->body + NONCE_AT - 2, NONCE_LEN + 2) != NULL, "somebody else's nonce");
}

static void take(struct connection *connection)
{
    const ssize_t len = recv(connection->fd, connection->answer + connection->len, ANSWER_MAX - connection->len, 0);
    size_t body_len = 0;
    if (len < 0 && errno == EINTR)
        return;
    require(len > 0, "the server has closed a connection");
    connection->len += (size_t)len;
    const uint8_t *body = body_of(connection, &body_len);
    if (body == NULL)
        return;
    check(connection, body, body_len);
    if (tokens == 0 && options.keep != NULL)
        keep(connection, body, body_len);
    tokens++;
    ask(connection);
}

static void open_connection(struct connection *connection)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(connection->fd >= 0 && connect(connection->fd, (const struct sockaddr *)&address, sizeof address) == 0, "nobody listens");
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ask(connection);
}

/* ---- the loop ---- */

static void run_for(long ms)
{
    struct pollfd wait[CONNECTIONS_MAX];
    const double until = now_s(CLOCK_MONOTONIC) + (double)ms / 1000;
    for (unsigned i = 0; i < options.connections; i++)
        wait[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
    while (now_s(CLOCK_MONOTONIC) < until) {
        require(poll(wait, options.connections, 5000) != 0, "no answer within 5 s");
        for (unsigned i = 0; i < options.connections; i++)
            if (wait[i].revents != 0)
                take(&connections[i]);
    }
}

static void measure(void)
{
    run_for(WARM_UP_MS);
    const unsigned long tokens_before = tokens;
    const double begun = now_s(CLOCK_MONOTONIC), own = now_s(CLOCK_PROCESS_CPUTIME_ID), servers = cpu_of_servers(), idle = idle_s();
    run_for(options.ms);
    const double wall = now_s(CLOCK_MONOTONIC) - begun, done = (double)(tokens - tokens_before);
    const double own_cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - own, servers_cpu = cpu_of_servers() - servers;
    require(done > 0, "no timestamp at all");
    (void)printf("%.1f %.2f %.2f %.4f\n", done / wall, own_cpu / done * 1e6, servers_cpu / done * 1e6,
                 (servers_cpu + idle_s() - idle) / wall);
}

static long number(const char *text, long most)
{
    char *end;
    const long value = strtol(text, &end, 10);
    require(*text != '\0' && *end == '\0' && value > 0 && value <= most, "not a number, or out of range");
    return value;
}

static void parse(int argc, char **argv)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'}, {"connections", required_argument, NULL, 'c'},
                                          {"ms", required_argument, NULL, 'm'},   {"pid", required_argument, NULL, 'i'},
                                          {"keep", required_argument, NULL, 'k'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'p')
            options.port = (uint16_t)number(optarg, 65535);
        else if (option == 'c')
            options.connections = (unsigned)number(optarg, CONNECTIONS_MAX);
        else if (option == 'm')
            options.ms = number(optarg, 3600000);
        else if (option == 'i' && options.pids < PIDS_MAX)
            options.pid[options.pids++] = (pid_t)number(optarg, INT32_MAX);
        else if (option == 'k')
            options.keep = optarg;
        else
            require(false, "usage: tsa --port PORT [--connections N] [--ms N] [--pid PID]… [--keep FILE]");
    }
    require(options.port != 0, "--port is needed");
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    for (unsigned i = 0; i < options.connections; i++)
        open_connection(&connections[i]);
    measure();
    return 0;
}
