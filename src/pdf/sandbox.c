/* SPDX-License-Identifier: Apache-2.0
 *
 * What confines a reader. It has one descriptor, its socket, and the file's for the moment of mapping it.
 */
#include "pdf/process.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CPU_S 600 /* of all its files; the parent's clock is the limit of a question */

static bool limit(int what, rlim_t most)
{
    return setrlimit((__rlimit_resource_t)what, &(struct rlimit){most, most}) == 0;
}

/* RLIMIT_DATA rather than RLIMIT_AS: since Linux 4.7 it counts all private memory that can be written, and not the file that is
 * mapped, which is as long as it is. */
static bool set_limits(size_t memory)
{
    return limit(RLIMIT_DATA, memory) && limit(RLIMIT_CPU, CPU_S) && limit(RLIMIT_FSIZE, 0) &&
           limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, 4) && limit(RLIMIT_NPROC, 0);
}

/* Without arguments that matter. */
static const int allowed[] = {
    SCMP_SYS(brk),          SCMP_SYS(munmap),        SCMP_SYS(mremap), SCMP_SYS(madvise),      SCMP_SYS(futex),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(clock_gettime), SCMP_SYS(exit),   SCMP_SYS(exit_group),   SCMP_SYS(restart_syscall),
    SCMP_SYS(getrandom),    SCMP_SYS(getpid),        SCMP_SYS(gettid), SCMP_SYS(sched_yield),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(close),        SCMP_SYS(sysinfo), /* of qsort(3), which asks how much memory there is */
};
/* On the socket alone: a descriptor that came for the file may have been opened for writing. */
static const int on_socket[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(recvmsg)};

#define TABLE_LEN(table) (sizeof(table) / sizeof((table)[0]))

/* Memory that can be written is nobody else's, and none is ever code. */
static bool allow_memory(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool allow_all(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < TABLE_LEN(allowed); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
            return false;
    for (size_t i = 0; i < TABLE_LEN(on_socket); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, on_socket[i], 1,
                             (struct scmp_arg_cmp){0, SCMP_CMP_EQ, TP_PDF_READER_SOCKET, 0}) != 0)
            return false;
    return allow_memory(filter);
}

static bool filter_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    const bool done = filter != NULL && allow_all(filter) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return done;
}

/* When memory runs out on the machine, readers are the first to go. Who is not dumpable may not say so of himself. */
static void volunteer(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1);
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "1000", 4);
    (void)close(fd);
}

bool tp_pdf_sandbox_enter(size_t memory)
{
    volunteer();
    if (!TP_PDF_CONFINED)
        return true;
    return prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && set_limits(memory) &&
           filter_calls();
}
