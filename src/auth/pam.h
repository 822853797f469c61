/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_PAM_H
#define VPND_AUTH_PAM_H

#include <uv.h>

/*
 * `auth-pam SERVICE`: a listener that answers EVENT_USER_PASS from libpam. Its calls block and its modules do what
 * they like with signals and privileges, so they run in a process of their own (auth/pam_helper.h). Thread: loop.
 */
struct event_bus;
struct auth_pam;

/**
 * auth_pam_new - start the process and listen on @bus
 * Call while the process has its privileges and a single thread.
 * Return: 0 and *out, ERR_UNSUPPORTED (built without libpam; logged), -errno (logged).
 */
int auth_pam_new(uv_loop_t *loop, struct event_bus *bus, const char *service, struct auth_pam **out);

/** auth_pam_free - stop listening and end the process; logins that are under way are refused. NULL is fine. The loop
 *  has to turn once more before it is closed. */
void auth_pam_free(struct auth_pam *pam);

#endif
