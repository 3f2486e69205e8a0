/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that have little: no standard descriptors, another root, a filter on their system calls, a set-uid bit.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- descriptors 0 to 2 ---- */

static bool any_standard_open(void)
{
    return fcntl(STDIN_FILENO, F_GETFD) >= 0 || fcntl(STDOUT_FILENO, F_GETFD) >= 0 ||
           fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

/* What lies there is what a program's next printf goes to, or its perror: nothing of ours may. */
static void closed_descriptors(void)
{
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    HOLDS(kept >= 0);
    (void)close(STDIN_FILENO);
    (void)close(STDOUT_FILENO);
    (void)close(STDERR_FILENO);
    CK_SESSION_HANDLE session = guest_begin();
    bool while_open = any_standard_open();
    guest_work(guest.p11, session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    bool afterwards = any_standard_open();
    HOLDS(dup2(kept, STDERR_FILENO) >= 0);
    HOLDS(!while_open);
    HOLDS(!afterwards);
}

/* ---- programs that close all that they do not know, and use the numbers again ---- */

#define OWN 40 /* sockets of the program's, of two ends each */

static int ends[OWN][2];

static void close_all_and_open_own(void)
{
    HOLDS(close_range(STDERR_FILENO + 1, ~0U, 0) == 0);
    for (size_t i = 0; i < OWN; i++)
        HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]) == 0);
    for (size_t i = 0; i < OWN; i++)
        HOLDS(write(ends[i][0], "own", 3) == 3);
}

/* Nothing was closed, read or written. */
static void own_are_as_they_were(void)
{
    for (size_t i = 0; i < OWN; i++) {
        char bytes[8];
        HOLDS(read(ends[i][1], bytes, sizeof bytes) == 3);
        HOLDS(read(ends[i][1], bytes, sizeof bytes) < 0 && errno == EAGAIN);
        HOLDS(read(ends[i][0], bytes, sizeof bytes) < 0 && errno == EAGAIN);
    }
}

static void all_descriptors_closed(void)
{
    CK_SESSION_HANDLE session = guest_begin();
    close_all_and_open_own();
    (void)guest.p11->C_Logout(session);
    IS(guest_login(guest.p11, session), CKR_OK);
    guest_work(guest.p11, session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    own_are_as_they_were();
}

static void finalized_when_closed(void)
{
    (void)guest_begin();
    close_all_and_open_own();
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    own_are_as_they_were();
}

static void become_daemon(void)
{
    close_all_and_open_own();
    (void)guest_begin();
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    own_are_as_they_were();
}

static void daemon_after_login(void)
{
    CK_SESSION_HANDLE session = guest_begin();
    guest_in_child(become_daemon);
    guest_work(guest.p11, session);
}

/* ---- chroot ---- */

static void enter_root(void)
{
    HOLDS(guest.folder != NULL && chroot(guest.folder) == 0 && chdir("/") == 0);
}

static void chroot_after_login(void)
{
    CK_SESSION_HANDLE session = guest_begin();
    enter_root();
    guest_work(guest.p11, session);
    IS(guest.p11->C_Logout(session), CKR_OK);
    IS(guest_login(guest.p11, session), CKR_OK);
    guest_work(guest.p11, session);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

/* The engine's socket is not in there. */
static void chroot_before_use(void)
{
    CK_TOKEN_INFO info;
    guest_initialize();
    enter_root();
    IS(guest.p11->C_GetTokenInfo(0, &info), CKR_DEVICE_REMOVED);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
    IS(guest.p11->C_Initialize(NULL), CKR_GENERAL_ERROR); /* TRUSTP11_CONF names a file that is not in there either */
}

/* ---- seccomp ---- */

/* What a program keeps that has opened all that it needs: memory, clocks, locks, and open sockets. */
static const int common[] = {
    SYS_read,          SYS_write,        SYS_readv,           SYS_writev,   SYS_recvfrom,
    SYS_recvmsg,       SYS_sendto,       SYS_sendmsg,         SYS_shutdown, SYS_close,
    SYS_ppoll,         SYS_mmap,         SYS_munmap,          SYS_mprotect, SYS_mremap,
    SYS_madvise,       SYS_brk,          SYS_munlock,         SYS_futex,    SYS_getrandom,
    SYS_clock_gettime, SYS_gettimeofday, SYS_clock_nanosleep, SYS_getpid,   SYS_rt_sigreturn,
    SYS_exit,          SYS_exit_group,   SYS_sched_yield,
#ifdef SYS_poll
    SYS_poll,
#endif
};
static const int sockets[] = {SYS_socket, SYS_connect, SYS_getsockopt, SYS_fcntl};
/* Refused rather than fatal: a library may try these, and must do without. */
static const int refused[] = {
    SYS_mlock,      SYS_mlock2, SYS_openat,  SYS_faccessat,  SYS_newfstatat,
    SYS_readlinkat, SYS_socket, SYS_connect, SYS_getsockopt, SYS_fcntl,
#ifdef SYS_open
    SYS_open,       SYS_access,
#endif
};

struct filter {
    struct sock_filter code[200];
    unsigned short len;
};

static void add(struct filter *filter, struct sock_filter instruction)
{
    HOLDS(filter->len < LEN_OF(filter->code));
    filter->code[filter->len++] = instruction;
}

static void add_all(struct filter *filter, const int *numbers, size_t count, unsigned answer)
{
    for (size_t i = 0; i < count; i++) {
        add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1));
        add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
    }
}

/* Whatever is not named ends the process. */
static void confine(bool with_sockets)
{
    struct filter filter = {.len = 0};
    add(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    add_all(&filter, common, LEN_OF(common), SECCOMP_RET_ALLOW);
    if (with_sockets)
        add_all(&filter, sockets, LEN_OF(sockets), SECCOMP_RET_ALLOW);
    add_all(&filter, refused, LEN_OF(refused), SECCOMP_RET_ERRNO | EACCES);
    add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    struct sock_fprog program = {filter.len, filter.code};
    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    HOLDS(open("/dev/null", O_RDONLY) < 0 && errno == EACCES);
    HOLDS(with_sockets || (socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES));
}

static void work_confined(CK_SESSION_HANDLE session)
{
    guest_work(guest.p11, session);
    IS(guest.p11->C_Logout(session), CKR_OK);
    IS(guest_login(guest.p11, session), CKR_OK);
    guest_work(guest.p11, session);
    CK_SESSION_HANDLE another = guest_open(guest.p11);
    guest_work(guest.p11, another);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

static void filtered_after_login(void)
{
    CK_SESSION_HANDLE session = guest_begin();
    confine(false);
    work_confined(session);
}

/* Sockets can be opened, files cannot: a daemon's domain under SELinux, for one. Nothing was asked before. */
static void filtered_after_initialize(void)
{
    guest_initialize();
    confine(true);
    CK_SESSION_HANDLE session = guest_open(guest.p11);
    IS(guest_login(guest.p11, session), CKR_OK);
    work_confined(session);
}

/* What cannot be had is said, and no more happens. */
static void filtered_without_sockets(void)
{
    CK_TOKEN_INFO info;
    guest_initialize();
    confine(false);
    IS(guest.p11->C_GetTokenInfo(0, &info), CKR_DEVICE_REMOVED);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

/* ---- set-uid ---- */

static void count_slots(void)
{
    CK_ULONG count = 0;
    guest_initialize();
    IS(guest.p11->C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
    (void)printf("%lu\n", count);
    IS(guest.p11->C_Finalize(NULL), CKR_OK);
}

const struct guest_scenario guest_confined[] = {
    {"closed-descriptors", closed_descriptors},
    {"all-descriptors-closed", all_descriptors_closed},
    {"finalized-when-closed", finalized_when_closed},
    {"daemon-after-login", daemon_after_login},
    {"chroot-after-login", chroot_after_login},
    {"chroot-before-use", chroot_before_use},
    {"filtered-after-login", filtered_after_login},
    {"filtered-after-initialize", filtered_after_initialize},
    {"filtered-without-sockets", filtered_without_sockets},
    {"count-slots", count_slots},
    {NULL, NULL},
};
