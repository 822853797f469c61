/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SYS_NETNS_H
#define TESTS_UNIT_SYS_NETNS_H

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Criterion runs every test in a process of its own, so a test can simply move into a network namespace that
 * dies with it.
 */
static inline int netns_enter(void)
{
    if (unshare(CLONE_NEWNET) == 0) {
        return system("ip link set lo up") == 0 ? 0 : -1;
    }
    return -1;
}

#define NETNS_OR_SKIP()                                                                                                \
    do {                                                                                                               \
        if (netns_enter() != 0) {                                                                                      \
            cr_skip_test("needs root (CAP_SYS_ADMIN) for a network namespace");                                        \
        }                                                                                                              \
    } while (0)

#define TUN_OR_SKIP()                                                                                                  \
    do {                                                                                                               \
        NETNS_OR_SKIP();                                                                                               \
        if (access("/dev/net/tun", R_OK | W_OK) != 0) {                                                                \
            cr_skip_test("needs /dev/net/tun");                                                                        \
        }                                                                                                              \
    } while (0)

/** shell - whether the command succeeds; its output is dropped. */
static inline bool shell(const char *command)
{
    return system(command) == 0;
}

#endif
