/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_SANDBOX_H
#define VPND_SYS_SANDBOX_H

/*
 * Taking system calls away from a thread (seccomp(2)), so that a fault in code that handles packets is of little use.
 */

/**
 * sandbox_packet_thread - from now on the calling thread can move data through the descriptors that the process has,
 * wait, and manage memory; it can open, connect, run or change nothing. What it must not do fails with EPERM.
 * Return: 0; ERR_UNSUPPORTED when this build or kernel has no seccomp; -errno.
 */
int sandbox_packet_thread(void);

#endif
