/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_PAM_HELPER_H
#define VPND_AUTH_PAM_HELPER_H

/*
 * The process that talks to libpam. It keeps the privileges that the daemon drops, forks for every login, and ends
 * when the other end of its socket is closed. A parent starts it again when it dies. One datagram a message.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAM_HELPER_LOGINS_MAX 16 /* at once */
#define PAM_HELPER_NAME_MAX 128  /* bytes, NUL included */
#define PAM_HELPER_PASSWORD_MAX 4096

struct pam_helper_request {
    uint64_t id;
    char username[PAM_HELPER_NAME_MAX];
    char password[PAM_HELPER_PASSWORD_MAX]; /* SCRV1: the response answers the second question */
    char remote_host[64];                   /* "" when unknown */
};

enum pam_helper_reply_kind {
    PAM_HELPER_VERDICT, /* at most once a request */
    PAM_HELPER_GONE,    /* always, at the end: another request may be sent */
    PAM_HELPER_AFRESH,  /* it had died and runs again; the requests so far get no answer (id is 0) */
};

struct pam_helper_reply {
    uint64_t id;
    enum pam_helper_reply_kind kind;
    bool accepted;
    unsigned delay_ms; /* how long a module wants the answer to be held back */
    char text[128];    /* the library's reason for a refusal */
};

/**
 * pam_helper_start - start it
 * @service: name of the file in /etc/pam.d
 * Return: 0, our end of the socket in *fd and its *pid; ERR_UNSUPPORTED (built without libpam), -errno.
 */
int pam_helper_start(const char *service, int *fd, pid_t *pid);

#endif
