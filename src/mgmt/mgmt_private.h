/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_MGMT_PRIVATE_H
#define VPND_MGMT_MGMT_PRIVATE_H

/* What the files of this folder share; nobody else includes it. */
#include <pthread.h>

#include "base/hashmap.h"
#include "base/list.h"
#include "config/token.h"
#include "mgmt/history.h"
#include "mgmt/mgmt.h"

#define LINE_SIZE 1024              /* longest command line; more is thrown away */
#define OUTPUT_MAX (4 * 1024 * 1024) /* unsent bytes after which a reader is given up */
#define OUTPUT_HIGH (256 * 1024)     /* unsent bytes after which no further command is read, */
#define TURN_NS (10 * 1000 * 1000)   /* of commands, after which the other work of the loop has its turn */
#define OUTPUT_LOW (64 * 1024)       /* until so few are left */
#define GATHER_MAX (32 * 1024)       /* bytes that wait for the end of the loop's turn, to be written at once */
#define CONNECTIONS_MAX 32
#define LOGIN_LIMIT_MS 60000         /* for the password */
#define FAREWELL_MS 10000            /* for reading the rest after quit */
#define MULTILINE_MAX (64 * 1024)
#define HISTORY_SIZE 100

enum query_kind { QUERY_NONE, QUERY_HOLD, QUERY_CREDENTIALS, QUERY_REMOTE, QUERY_PROXY, QUERY_SIGNATURE,
                  QUERY_CERTIFICATE };

/* The question that is open; there is at most one. */
struct mgmt_query {
    enum query_kind kind;
    char *prompt; /* repeated to whoever connects */
    char *type;
    bool need_username;
    bool need_password;
    char *username;
    char *password;
    void (*released)(void *arg);
    void (*credentials)(void *arg, const struct mgmt_credentials *answer);
    void (*remote)(void *arg, const struct mgmt_remote_answer *answer);
    void (*proxy)(void *arg, const struct mgmt_proxy_answer *answer);
    void (*signature)(void *arg, const void *signature, size_t len);
    void (*certificate)(void *arg, const char *pem);
    void *arg;
};

/* A client of the server that this interface decides on. */
struct mgmt_login {
    struct hash_node node;
    uint64_t client_id;
    uint64_t key_id;
    struct event_request *request; /* NULL once decided */
    bool accepted;
    char *config;                  /* lines of client-auth, until the connect stage takes them */
};

/* What a management client decided. */
struct mgmt_verdict {
    uint64_t client_id;
    uint64_t key_id;
    bool accept;
    const char *text;              /* accepted: configuration lines; refused: reason for the client; NULL */
    struct event_request *request; /* set by client_auth_decide() */
};

struct mgmt_connection;
typedef void (*mgmt_lines_fn)(struct mgmt_connection *c, const char *lines);

/* One management client. */
struct mgmt_connection {
    struct list link;
    struct mgmt *mgmt;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    unsigned version;      /* of the protocol that it is spoken to in */
    bool authenticated;
    bool closing;
    bool paused;           /* commands wait until the reader has caught up */
    uint64_t waiting;      /* commands wait for a later turn of the loop, lowest number first; 0: they do not */
    bool finishing;        /* no more commands; closed once everything is sent */
    uint64_t since_ms;     /* loop time: connected, or when finishing began */
    uv_shutdown_t shutdown;
    unsigned wrong_passwords;
    char line[LINE_SIZE];
    size_t line_len;
    bool log_on;
    bool state_on;
    bool echo_on;
    unsigned bytecount_s;
    uint64_t bytecount_at; /* loop time of the last report */
    struct buf gathered;   /* to be written before the loop waits again */
    struct buf lines;      /* of a command that goes on until END */
    bool lines_cut;        /* they were too many */
    mgmt_lines_fn lines_done;
    uint64_t lines_cid;
    uint64_t lines_kid;
    char read_buffer[4096];
    size_t read_at;        /* what of it was not looked at yet */
    size_t read_end;
};

/* A log line on its way from any thread to the loop. */
struct mgmt_log_line {
    struct list link;
    enum { LOG_ORDINARY, LOG_FATAL_LINE } kind;
    char text[];
};

struct mgmt {
    uv_loop_t *loop;
    struct event_bus *bus;
    const struct config *config;
    const struct mgmt_host *host;
    void *host_arg;
    char *title;
    char *password;
    struct event_listener listener;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } server;
    bool listening;
    bool outgoing; /* management-client */
    char *socket_path;
    uv_async_t log_async;
    uv_timer_t timer;
    uv_prepare_t flush;    /* writes what was gathered; active when there is some */
    uv_timer_t turn;       /* goes on with the commands that wait */
    uint64_t turn_at_ms;   /* loop time of the turn that the next is about */
    uint64_t turn_used_ns; /* by commands */
    uint64_t turn_ticket;
    unsigned open_handles;
    bool freeing;
    struct list connections;
    unsigned connection_count;
    struct hashmap logins; /* struct mgmt_login by client id */
    struct history log;
    struct history state;
    struct history echo;
    struct mgmt_query query;
    bool hold;
    unsigned env_filter;
    unsigned client_version;
    const char *auth_retry; /* of a server; NULL: not asked yet */
    pthread_mutex_t log_lock;
    struct list log_waiting;
};

/* connection.c */
void connection_accept(struct mgmt *m, uv_stream_t *server);
int connection_call_out(struct mgmt *m);
void connection_start(struct mgmt_connection *c);
void connection_close(struct mgmt_connection *c);
void connection_finish(struct mgmt_connection *c); /* close once what was written is on its way */
void connection_write(struct mgmt_connection *c, const char *text, size_t len);
void connection_printf(struct mgmt_connection *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void connection_on_flush(uv_prepare_t *prepare); /* of struct mgmt */
void connection_greet(struct mgmt_connection *c);
struct mgmt_connection *connection_in_charge(const struct mgmt *m);

/* broadcast one line (without its end) to every client that is logged in */
void mgmt_broadcast(struct mgmt *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mgmt_log_flush(struct mgmt *m);
void mgmt_handle_closed(uv_handle_t *handle);

/* commands.c */
void command_run(struct mgmt_connection *c, char *line);

/* query.c */
bool query_answer_username(struct mgmt_connection *c, const char *type, const char *value);
bool query_answer_password(struct mgmt_connection *c, const char *type, const char *value);
bool query_answer_hold(struct mgmt *m);

/** Whether a password of @type is waited for; if not, the client has been told why. */
bool query_wants_password(struct mgmt_connection *c, const char *type);

/** The open password question, answered by lines of base64. */
void query_answer_password_lines(struct mgmt_connection *c, const char *lines);
void query_answer_remote(struct mgmt_connection *c, const struct token_line *words);
void query_answer_proxy(struct mgmt_connection *c, const struct token_line *words);

/** What management-external-key and -external-cert asked for; lines of base64, of PEM. Return: it was asked for. */
bool query_answer_signature(struct mgmt *m, const char *lines);
bool query_answer_certificate(struct mgmt *m, const char *lines);

/* client_auth.c */
enum event_vote client_auth_event(struct mgmt *m, const struct event *event, struct event_request *request);
void client_auth_cancel(struct mgmt *m, struct event_request *request);
/* check and remember; then, after the reply, tell the asker, who acts at once */
bool client_auth_decide(struct mgmt *m, struct mgmt_verdict *verdict);
void client_auth_tell(struct mgmt *m, const struct mgmt_verdict *verdict);
bool client_auth_pending(struct mgmt *m, uint64_t client_id, uint64_t key_id, const char *extra, unsigned timeout_s);
void client_auth_free(struct mgmt *m);
void client_auth_env(struct mgmt *m, const char *prefix, const struct env *env, const char *username,
                     const char *password);

#endif
