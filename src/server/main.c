/* SPDX-License-Identifier: Apache-2.0
 *
 * trustp11d: the service. The engine, which holds store and HSM, and the net process, which strangers reach:
 *
 *   trustp11d engine --config FILE             in the foreground, for a service manager
 *   trustp11d engine --config FILE --spawned   in the background, for `engine = spawn`: ends by itself when idle
 *   trustp11d net --config FILE                in the foreground: HTTP, for which it asks the engine
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/process.h"
#include "base/secret.h"
#include "engine/engine.h"
#include "server/net.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIM_THRESHOLD (64 << 20)
#define DEFAULT_CONF "/etc/trustp11/engine.conf"
#define DEFAULT_NET_CONF "/etc/trustp11/net.conf"

static struct tp_engine *running; /* for the signal handler */

static void on_signal(int number)
{
    (void)number;
    if (running != NULL)
        tp_engine_stop(running);
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* A connection is a descriptor; the soft limit is low for the sake of programs that use select(2). That it cannot be
 * raised only means fewer connections. */
static void raise_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* Leaves whoever spawned us: its terminal, session and folder. The first parent ends when the engine serves or has failed,
 * so that the client that waits for it need not guess; its exit status says which. */
static int detach(int *ret_ready_fd)
{
    int ready[2];
    char status = 1;
    if (pipe2(ready, O_CLOEXEC) != 0)
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child > 0) {
        close(ready[1]);
        if (read(ready[0], &status, 1) != 1)
            status = 1;
        _exit(status);
    }
    close(ready[0]);
    setsid();
    if (chdir("/") != 0)
        return -1;
    *ret_ready_fd = ready[1];
    return 0;
}

static void tell_parent(int *ready_fd, char status)
{
    if (*ready_fd < 0)
        return;
    if (write(*ready_fd, &status, 1) != 1)
        tp_log(TP_LOG_WARNING, "nobody waits for this engine any more");
    close(*ready_fd);
    *ready_fd = -1;
}

static void tell_tampered(const char *words)
{
    tp_log(TP_LOG_ERROR, "serving only those who look, until an officer has: %s", words);
}

static int serve(const char *conf_path, bool spawned, int ready_fd)
{
    struct tp_error error = {0};
    struct tp_engine *engine = NULL;
    enum tp_rc rc = tp_engine_new(conf_path, spawned, &error, &engine);
    if (rc == TP_EXISTS && spawned) { /* another client's engine was faster: that one serves */
        tell_parent(&ready_fd, 0);
        return 0;
    }
    if (rc != TP_OK) {
        tp_log(TP_LOG_ERROR, "%s", tp_error_words(&error));
        tell_parent(&ready_fd, 1);
        return tp_rc_status(rc);
    }
    running = engine;
    handle_signals();
    tp_engine_on_tampered(engine, tell_tampered);
    if (tp_engine_without_timestamps(engine) != NULL)
        tp_log(TP_LOG_WARNING, "no timestamps are given: %s", tp_engine_without_timestamps(engine));
    tp_log(TP_LOG_INFO, "serving %s%s", conf_path, spawned ? " (development: spawned under the user's own account)" : "");
    tell_parent(&ready_fd, 0);
    rc = tp_engine_run(engine, &error);
    if (rc != TP_OK)
        tp_log(TP_LOG_ERROR, "%s", tp_error_words(&error));
    running = NULL;
    tp_engine_free(engine);
    tp_log(TP_LOG_INFO, "ended");
    return tp_rc_status(rc);
}

static void usage(FILE *to)
{
    fputs("usage: trustp11d engine [--config FILE] [--spawned]\n"
          "       trustp11d net [--config FILE]\n"
          "\n"
          "engine serves the keys of a deployment that `trustp11 init` has made; net answers HTTP, for which it asks the engine.\n"
          "  --config FILE   the configuration (default " DEFAULT_CONF ", " DEFAULT_NET_CONF ")\n"
          "  --spawned       go into the background and end when idle: what `engine = spawn` starts\n"
          "  --help, --version\n"
          "\n"
          "examples: trustp11d engine --config /etc/trustp11/engine.conf\n"
          "          trustp11d net --config /etc/trustp11/net.conf\n",
          to);
}

static int run_engine(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"spawned", no_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {0}};
    char *conf_path = NULL;
    bool spawned = false;
    int option, ready_fd = -1;
    const char *wanted = DEFAULT_CONF;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c')
            wanted = optarg;
        else if (option == 's')
            spawned = true;
        else {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    conf_path = realpath(wanted, NULL); /* before the folder changes */
    if (conf_path == NULL) {
        tp_log(TP_LOG_ERROR, "%s: %s", wanted, strerror(errno));
        return 1;
    }
    if (spawned && detach(&ready_fd) != 0) {
        tp_log(TP_LOG_ERROR, "cannot go into the background: %s", strerror(errno));
        free(conf_path);
        return 1;
    }
    int status = serve(conf_path, spawned, ready_fd);
    free(conf_path);
    return status;
}

static int run_net(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *conf_path = DEFAULT_NET_CONF;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option != 'c') {
            usage(option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        conf_path = optarg;
    }
    if (optind < argc) {
        usage(stderr);
        return 2;
    }
    return tp_net_serve(conf_path);
}

int main(int argc, char **argv)
{
    struct tp_process_std std;
    if (!tp_process_std_fill(&std))
        return 1; /* and nowhere to say so */
    umask(077);
    tp_process_harden();
    bool wipes = tp_crypto_wipe_freed();
    tp_crypto_ignore_conf();
    raise_files();
    /* The committer's memory grows and shrinks with each group: giving it back to the kernel each time costs more than
     * the bookkeeping that it was for. */
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    tp_log_open(STDERR_FILENO, TP_LOG_INFO, "trustp11d");
    if (!wipes)
        tp_log(TP_LOG_WARNING, "something has used libcrypto before us: what it frees is not wiped");
    if (argc >= 2 && strcmp(argv[1], "engine") == 0)
        return run_engine(argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[1], "net") == 0)
        return run_net(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("trustp11d " TP_VERSION) < 0;
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    usage(help ? stdout : stderr);
    return help ? 0 : 2;
}
