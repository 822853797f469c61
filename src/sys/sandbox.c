/* SPDX-License-Identifier: MIT */
#include "sys/sandbox.h"

#include <errno.h>

#include "base/err.h"

/* Sanitizers need more of the system than the code that they watch. */
#if defined(HAVE_SECCOMP) && !defined(WITHOUT_SANDBOX)

#include <seccomp.h>
#include <stddef.h>

static const int allowed[] = {
    /* packets and events */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(shutdown),
    /* options and state of sockets and devices that are open */
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(ioctl),
    SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(connect), /* connect: to ask for a path's MTU */
    /* memory */
    SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mprotect), SCMP_SYS(brk),
    SCMP_SYS(mlock), SCMP_SYS(munlock),
    /* other threads; time; randomness */
    SCMP_SYS(futex), SCMP_SYS(membarrier), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getcpu),
    SCMP_SYS(restart_syscall),
    /* ends, and the C library's way to change the user of all threads together */
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
    SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(sigreturn),
};

int sandbox_packet_thread(void)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!context) {
        return -ENOMEM;
    }
    int r = 0;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && r == 0; i++) {
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[i], 0);
        r = r == -EDOM || r == -EEXIST ? 0 : r; /* this architecture has it not, or under another number */
    }
    if (r == 0) {
        r = seccomp_load(context);
    }
    seccomp_release(context);
    return r == -EINVAL || r == -ENOSYS ? ERR_UNSUPPORTED : r;
}

#else

int sandbox_packet_thread(void)
{
    return ERR_UNSUPPORTED;
}

#endif
