/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_PAM_H
#define VPND_AUTH_PAM_H

#include <uv.h>

/*
 * `auth-pam SERVICE`: a listener that answers EVENT_USER_PASS from libpam, whose calls block and therefore run in
 * the loop's thread pool. Thread: loop.
 */
struct event_bus;
struct auth_pam;

/** auth_pam_new - listen on @bus. Return: 0 and *out, or ERR_UNSUPPORTED (built without libpam). */
int auth_pam_new(uv_loop_t *loop, struct event_bus *bus, const char *service, struct auth_pam **out);

/** auth_pam_free - stop listening; logins that are under way are answered by nobody. NULL is fine. */
void auth_pam_free(struct auth_pam *pam);

#endif
