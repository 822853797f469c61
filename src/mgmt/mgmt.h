/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_MGMT_H
#define VPND_MGMT_MGMT_H

/*
 * The management interface: a line protocol over TCP or a Unix socket, byte-compatible with OpenVPN 2.6 (version 5;
 * management interface spec), and with 2.7 (version 6) for a client that says `version 6`, or with management-version 6. Beyond OpenVPN it serves several clients at once: the one that has been connected
 * longest is in charge of hold and passwords, the others read and act.
 *
 * It listens on the event list for what happens, asks its own questions (hold, passwords, remote, proxy) through the
 * mgmt_ask_*() calls below, and acts on the process through struct mgmt_host.
 *
 * Thread: the loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"
#include "base/buf.h"
#include "hooks/event.h"

struct config;
struct mgmt;

#define MGMT_VERSION 5      /* what is announced, unless management-version says otherwise */
#define MGMT_VERSION_LAST 6 /* OpenVPN 2.7 */

/** Transport bytes of the whole process. */
struct mgmt_load {
    uint64_t clients;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/** One entry of the client's remote list. */
struct mgmt_remote {
    const char *host;
    const char *port;
    const char *proto; /* "udp", "tcp-client", ... */
    bool enabled;
};

/** Which transport `kill ADDR` names. */
enum mgmt_transport { MGMT_ANY, MGMT_UDP, MGMT_TCP };

/** What the process can do. A NULL member: "not supported by the current daemon mode". */
struct mgmt_host {
    int (*status)(void *arg, unsigned version, const char *eol, struct buf *out); /* version 0: the configured one */
    /** SIGHUP, SIGTERM, SIGUSR1, SIGUSR2; @reason: static text, "" as if it came from outside */
    void (*signal)(void *arg, int signo, const char *reason);
    void (*load)(void *arg, struct mgmt_load *out);

    /* server; return how many clients that were, or whether there is such a client */
    unsigned (*kill_name)(void *arg, const char *common_name);
    unsigned (*kill_address)(void *arg, const union addr *address, enum mgmt_transport transport);
    bool (*client_kill)(void *arg, uint64_t client_id, const char *message);
    bool (*push_update)(void *arg, uint64_t client_id, const char *options);
    unsigned (*push_update_all)(void *arg, const char *options);
    /** call @fn for each established client: >BYTECOUNT_CLI */
    void (*each_client)(void *arg, void (*fn)(void *fn_arg, uint64_t client_id, uint64_t in, uint64_t out),
                        void *fn_arg);

    /* client */
    size_t (*remote_count)(void *arg);
    bool (*remote_get)(void *arg, size_t index, struct mgmt_remote *out);
    bool (*remote_is_tcp)(void *arg); /* the entry in use, which an HTTP proxy can carry */
    bool (*cr_response)(void *arg, const char *base64);
    void (*forget_passwords)(void *arg);
    const char *(*auth_retry)(void *arg, const char *mode); /* NULL: current; else set, NULL when unknown */
};

struct mgmt_open {
    uv_loop_t *loop;
    struct event_bus *bus;
    const struct config *config;
    const struct mgmt_host *host; /* kept by reference */
    void *host_arg;
    const char *title;            /* first line of --version, copied */
};

/**
 * mgmt_new - start the interface that `management` describes
 * Return: 0 and *out (NULL when the configuration has none), or ERR_CONFIG after one log line (address in use, live
 * socket, unreadable password file).
 */
int mgmt_new(const struct mgmt_open *open, struct mgmt **out);

/** mgmt_free - say what is waiting in the buffers, close everything, remove the socket. NULL is fine. */
void mgmt_free(struct mgmt *mgmt);

/** mgmt_set_config - after a reload. */
void mgmt_set_config(struct mgmt *mgmt, const struct config *config);

/* ---- questions to the person at the other end; all do nothing and return false without an interface ---- */

/** mgmt_hold - wait for `hold release` when the hold flag is on
 *  @hint_s: seconds that the process would have paused
 *  Return: true: @released is called later; false: no hold, go on. */
bool mgmt_hold(struct mgmt *mgmt, unsigned hint_s, void (*released)(void *arg), void *arg);

/** An answer to mgmt_ask_credentials(); valid during the call. */
struct mgmt_credentials {
    const char *username; /* NULL when not asked for */
    const char *password; /* likewise */
};

/** What is asked for. */
struct mgmt_need {
    const char *type;       /* "Auth", "Private Key", "HTTP Proxy", "SOCKS Proxy" */
    bool username;
    bool password;          /* false: also asked of clients older than version 4, which know no other question */
    const char *challenge;  /* static challenge text, or NULL */
    unsigned challenge_flags; /* 1 echo, 2 concatenate */
};

/** mgmt_asks_passwords - whether `management-query-passwords` routes prompts here. */
bool mgmt_asks_passwords(const struct mgmt *mgmt);

/** mgmt_ask_credentials - >PASSWORD:Need ...; @answer is called once. Return: false: nobody to ask. */
bool mgmt_ask_credentials(struct mgmt *mgmt, const struct mgmt_need *need,
                          void (*answer)(void *arg, const struct mgmt_credentials *credentials), void *arg);

enum mgmt_remote_action { MGMT_REMOTE_ACCEPT, MGMT_REMOTE_SKIP, MGMT_REMOTE_MODIFY };

struct mgmt_remote_answer {
    enum mgmt_remote_action action;
    unsigned skip;    /* SKIP: entries to advance, at least 1 */
    const char *host; /* MODIFY */
    const char *port;
};

/** mgmt_ask_remote - >REMOTE: with management-query-remote. Return: false: not asked for, go on. */
bool mgmt_ask_remote(struct mgmt *mgmt, const struct mgmt_remote *remote,
                     void (*answer)(void *arg, const struct mgmt_remote_answer *answer), void *arg);

enum mgmt_proxy_kind { MGMT_PROXY_NONE, MGMT_PROXY_HTTP, MGMT_PROXY_SOCKS };

struct mgmt_proxy_answer {
    enum mgmt_proxy_kind kind;
    const char *host;
    const char *port;
    bool no_clear_text; /* nct */
};

/** mgmt_ask_proxy - >PROXY: with management-query-proxy. @index from 1. Return: false: not asked for, go on. */
bool mgmt_ask_proxy(struct mgmt *mgmt, unsigned index, bool tcp, const char *host,
                    void (*answer)(void *arg, const struct mgmt_proxy_answer *answer), void *arg);

/**
 * mgmt_ask_signature - >PK_SIGN: with management-external-key
 * @algorithm: as clients of version 3 see it
 * @answer:    called once with the signature, or NULL when what came was no base64; not when cancelled
 * Return: false: nobody to ask.
 */
bool mgmt_ask_signature(struct mgmt *mgmt, const char *algorithm, const void *data, size_t len,
                        void (*answer)(void *arg, const void *signature, size_t len), void *arg);

/** mgmt_ask_certificate - >NEED-CERTIFICATE:HINT with management-external-cert; @answer gets PEM text.
 *  Return: false: nobody to ask. */
bool mgmt_ask_certificate(struct mgmt *mgmt, const char *hint, void (*answer)(void *arg, const char *pem), void *arg);

/** mgmt_ask_open - a question waits for its answer. */
bool mgmt_ask_open(const struct mgmt *mgmt);

/** mgmt_ask_type - "Auth", "Private Key" and so on while a user name or password is asked for, otherwise NULL. */
const char *mgmt_ask_type(const struct mgmt *mgmt);

/** mgmt_ask_cancel - the question that is open, if any, is not of interest any more (a signal came). */
void mgmt_ask_cancel(struct mgmt *mgmt);

/** mgmt_password_failed - >PASSWORD:Verification Failed: 'TYPE' ['REASON'] (@reason NULL or "": without). */
void mgmt_password_failed(struct mgmt *mgmt, const char *type, const char *reason);

#endif
