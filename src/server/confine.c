/* SPDX-License-Identifier: Apache-2.0 */
#include "server/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- whose it is ---- */

enum tp_rc tp_confine_become(const char *user, struct tp_error *error)
{
    if (geteuid() != 0)
        return TP_OK;
    if (user == NULL)
        return tp_error_set(error, TP_CONFIG, "started as root: name the user to become (user = trustp11-net)");
    const struct passwd *who = getpwnam(user);
    if (who == NULL)
        return tp_error_set(error, TP_CONFIG, "there is no user \"%s\" on this machine", user);
    if (who->pw_uid == 0)
        return tp_error_set(error, TP_CONFIG, "\"%s\" is root: take a user that owns nothing", user);
    const gid_t gid = who->pw_gid;
    const uid_t uid = who->pw_uid;
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        return tp_error_set(error, TP_IO, "cannot become \"%s\": %s", user, strerror(errno));
    return TP_OK;
}

/* ---- system calls ---- */

static const int allowed[] = {
    /* sockets that are there, and the engine's */
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(shutdown),
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(fstat),
    /* waiting */
    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(futex), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(timerfd_settime), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
    /* memory, randomness, signals, ending */
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(getrandom), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(tgkill), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* a thread that is just beginning, or ending: glibc, and the sanitizers, abort when it cannot */
    SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(sched_getaffinity), SCMP_SYS(sigaltstack)};

static int add_conditions(scmp_filter_ctx filter)
{
    int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return failed;
}

static int load(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return -ENOMEM;
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* the thread that dials, too */
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (failed == 0)
        failed = add_conditions(filter);
    if (failed == 0)
        failed = seccomp_load(filter); /* with no-new-privs, which it sets first */
    seccomp_release(filter);
    return failed;
}

enum tp_rc tp_confine(struct tp_error *error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return tp_error_set(error, TP_IO, "cannot give up new privileges: %s", strerror(errno));
    const int failed = load();
    if (failed != 0)
        return tp_error_set(error, TP_UNSUPPORTED, "this kernel takes no filter of system calls: %s", strerror(-failed));
    return TP_OK;
}
