/* SPDX-License-Identifier: Apache-2.0 */
#include "server/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a confined process can still do, as bits. */
enum { OPENED = 1, EXECUTED = 2, FORKED = 4, SPOKE_INET = 8, MADE_CODE = 16, KILLED = 32, TRACED = 64 };

static unsigned try_all(void)
{
    char name[] = "true", *const arguments[] = {name, NULL};
    unsigned done = 0;
    done |= open("/etc/passwd", O_RDONLY) >= 0 ? OPENED : 0;
    done |= openat(AT_FDCWD, "/tmp", O_RDONLY) >= 0 ? OPENED : 0;
    done |= fork() >= 0 ? FORKED : 0;
    done |= socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0 ? SPOKE_INET : 0;
    done |= mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? MADE_CODE : 0;
    done |= kill(getppid(), 0) == 0 ? KILLED : 0;
    done |= ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? TRACED : 0;
    (void)execv("/bin/true", arguments);
    return done; /* 0 of /bin/true otherwise: told apart by ALIVE */
}

#define ALIVE 128

static bool works(void)
{
    int pair[2];
    char byte = 0;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 && errno == EPERM && socket(AF_UNIX, SOCK_STREAM, 0) >= 0 &&
           read(0, &byte, 0) == 0;
}

static void *in_a_thread(void *context)
{
    int *gate = context;
    char byte;
    (void)!read(gate[0], &byte, 1);
    return open("/etc/passwd", O_RDONLY) >= 0 ? context : NULL;
}

static int child(void)
{
    struct tp_error error = {0};
    int gate[2];
    pthread_t thread;
    void *opened = NULL;
    if (pipe(gate) != 0 || pthread_create(&thread, NULL, in_a_thread, gate) != 0)
        return 1;
    if (tp_confine(&error) != TP_OK)
        return 2;
    if (write(gate[1], "x", 1) != 1 || pthread_join(thread, &opened) != 0 || opened != NULL)
        return 3; /* a thread that was there before is confined, too */
    if (!works())
        return 4;
    return (int)(ALIVE | try_all());
}

Test(confine, leaves_sockets_and_nothing_else)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "%d", status);
    cr_expect_eq(WEXITSTATUS(status), ALIVE, "%d", WEXITSTATUS(status));
}

/* The twin: nothing of that is refused to who is not confined. */
Test(confine, takes_away_what_was_there)
{
    cr_expect_geq(open("/etc/passwd", O_RDONLY), 0);
    cr_expect_geq(socket(AF_INET, SOCK_STREAM, 0), 0);
}

Test(confine, root_becomes_somebody)
{
    struct tp_error error = {0};
    if (geteuid() != 0) {
        cr_expect_eq(tp_confine_become(NULL, &error), TP_OK); /* who is somebody stays so */
        return;
    }
    cr_expect_eq(tp_confine_become(NULL, &error), TP_CONFIG);
    cr_expect_eq(tp_confine_become("root", &error), TP_CONFIG);
    cr_expect_eq(tp_confine_become("nobody of that name", &error), TP_CONFIG);
    cr_expect_eq(geteuid(), 0);
    cr_expect_eq(tp_confine_become("nobody", &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_neq(geteuid(), 0);
    cr_expect_neq(seteuid(0), 0);
}
