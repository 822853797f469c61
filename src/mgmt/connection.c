/* SPDX-License-Identifier: MIT */
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "mgmt/mgmt_private.h"

#define PASSWORD_ATTEMPTS 3

/* One write in flight. */
struct output {
    uv_write_t request;
    struct buf text;
};

static void take_commands(struct mgmt_connection *c);

static size_t unsent(const struct mgmt_connection *c)
{
    return uv_stream_get_write_queue_size(&c->io.stream) + c->gathered.len;
}

static void output_free(struct output *o)
{
    buf_free(&o->text, true);
    free(o);
}

static void on_written(uv_write_t *request, int status)
{
    struct mgmt_connection *c = request->handle->data;
    output_free(container_of(request, struct output, request));
    if (status == 0 && c->paused && unsent(c) <= OUTPUT_LOW) {
        c->paused = false;
        take_commands(c);
    }
}

/* Each line would be a write of its own: what comes in one turn of the loop goes out in one. */
static void flush(struct mgmt_connection *c)
{
    if (!c->gathered.len) {
        return;
    }
    struct output *o = mem_zalloc(sizeof(*o));
    o->text = c->gathered;
    c->gathered = BUF_INIT(SIZE_MAX / 2);
    uv_buf_t buffer = uv_buf_init((char *)o->text.data, (unsigned)o->text.len);
    if (uv_write(&o->request, &c->io.stream, &buffer, 1, on_written) < 0) {
        output_free(o);
    }
}

void connection_on_flush(uv_prepare_t *prepare)
{
    struct mgmt *m = prepare->data;
    (void)uv_prepare_stop(prepare);
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (!c->closing) {
            flush(c);
        }
    }
}

void connection_write(struct mgmt_connection *c, const char *text, size_t len)
{
    if (c->closing || len == 0) {
        return;
    }
    if (unsent(c) > OUTPUT_MAX) {
        log_warn("MANAGEMENT: a client does not read what it asked for, closing it");
        connection_close(c);
        return;
    }
    (void)buf_append(&c->gathered, text, len); /* no limit of its own */
    if (c->gathered.len >= GATHER_MAX) {
        flush(c);
    } else {
        (void)uv_prepare_start(&c->mgmt->flush, connection_on_flush);
    }
}

void connection_printf(struct mgmt_connection *c, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    BUG_ON(n < 0);
    connection_write(c, text, (size_t)n);
    secret_wipe(text, (size_t)n);
    free(text);
}

struct mgmt_connection *connection_in_charge(const struct mgmt *m)
{
    for (struct list *node = m->connections.next; node != &m->connections; node = node->next) {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (c->authenticated) {
            return c;
        }
    }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct mgmt_connection *c = handle->data;
    handle->data = c->mgmt;
    list_remove(&c->link);
    buf_free(&c->lines, true);
    buf_free(&c->gathered, true);
    secret_wipe(c->line, sizeof(c->line));
    mgmt_handle_closed(handle);
    free(c);
}

/* What the end of a client means to the process. */
static void after_disconnect(struct mgmt *m)
{
    if (m->freeing) {
        return;
    }
    if (m->outgoing) {
        log_usual("MANAGEMENT: the client we called is gone, exiting");
        m->host->signal(m->host_arg, SIGTERM, "management-exit");
        return;
    }
    if (connection_in_charge(m)) {
        return;
    }
    if (m->config->management_forget_disconnect && m->host->forget_passwords) {
        m->host->forget_passwords(m->host_arg);
    }
    if (m->config->management_signal) {
        m->host->signal(m->host_arg, SIGUSR1, "management-disconnect");
    }
}

void connection_close(struct mgmt_connection *c)
{
    if (c->closing) {
        return;
    }
    struct mgmt *m = c->mgmt;
    bool was_in_charge = connection_in_charge(m) == c;
    flush(c);
    c->closing = true; /* it leaves the list later: whoever goes through that may be the one who found it stuck */
    c->authenticated = false;
    c->waiting = 0;
    m->connection_count--;
    uv_close(&c->io.handle, on_closed);
    log_usual("MANAGEMENT: Client disconnected");
    struct mgmt_connection *heir = was_in_charge ? connection_in_charge(m) : NULL;
    if (heir && m->query.kind != QUERY_NONE) {
        connection_printf(heir, "%s\r\n", m->query.prompt);
    }
    after_disconnect(m);
}

void connection_greet(struct mgmt_connection *c)
{
    c->authenticated = true;
    connection_printf(c, ">INFO:OpenVPN Management Interface Version %u -- type 'help' for more info\r\n",
                      c->version);
    if (c->mgmt->query.kind != QUERY_NONE) {
        connection_printf(c, "%s\r\n", c->mgmt->query.prompt);
    }
}

static void check_password(struct mgmt_connection *c, const char *line)
{
    const char *want = c->mgmt->password;
    size_t len = strlen(want);
    bool right = strlen(line) == len && secret_equal(line, want, len);
    if (right) {
        connection_printf(c, "SUCCESS: password is correct\r\n");
        connection_greet(c);
        return;
    }
    if (++c->wrong_passwords >= PASSWORD_ATTEMPTS) {
        log_warn("MAN: client connection rejected after %d failed password attempts", PASSWORD_ATTEMPTS);
        connection_close(c);
        return;
    }
    connection_printf(c, "ENTER PASSWORD:");
}

/* Lines of a command that goes on until END. */
static void collect_line(struct mgmt_connection *c)
{
    if (strcmp(c->line, "END") == 0) {
        mgmt_lines_fn done = c->lines_done;
        c->lines_done = NULL;
        if (c->lines_cut) {
            c->lines_cut = false;
            connection_printf(c, "ERROR: more than %d bytes up to END\r\n", MULTILINE_MAX);
        } else {
            done(c, buf_str(&c->lines));
        }
        buf_free(&c->lines, true); /* a password, perhaps */
        return;
    }
    if (!c->lines_cut && buf_printf(&c->lines, "%s\n", c->line) < 0) {
        c->lines_cut = true; /* half of a configuration or a key is none */
    }
}

/* A browser that was led to this port: its request could carry commands further down. */
static bool is_http(const char *line)
{
    static const char *const methods[] = {"GET ",  "POST ",    "PUT ",   "HEAD ",  "OPTIONS ",
                                          "PATCH ", "CONNECT ", "TRACE ", "DELETE "};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strncmp(line, methods[i], strlen(methods[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void spend(struct mgmt *m, uint64_t ns)
{
    uint64_t now = uv_now(m->loop);
    m->turn_used_ns = m->turn_at_ms == now ? m->turn_used_ns + ns : ns;
    m->turn_at_ms = now;
}

static void line_complete(struct mgmt_connection *c)
{
    c->line[c->line_len] = 0;
    c->line_len = 0;
    if (!c->lines_done && is_http(c->line)) {
        log_warn("MANAGEMENT: an HTTP request was sent to the management port; its connection is closed");
        connection_close(c);
    } else if (!c->authenticated) {
        check_password(c, c->line);
    } else if (c->lines_done) {
        collect_line(c);
    } else {
        uint64_t began = uv_hrtime();
        command_run(c, c->line);
        spend(c->mgmt, uv_hrtime() - began);
    }
    secret_wipe(c->line, sizeof(c->line));
}

static void take_byte(struct mgmt_connection *c, char byte)
{
    unsigned char ch = (unsigned char)byte;
    if (ch == '\n') {
        line_complete(c);
    } else if (ch >= 0x20 && ch != 0x7f) {
        if (c->line_len == LINE_SIZE - 1) {
            c->line_len = 0; /* as OpenVPN does: what was collected is gone */
        }
        c->line[c->line_len++] = byte;
    }
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    (void)wanted;
    struct mgmt_connection *c = handle->data;
    *out = uv_buf_init(c->read_buffer, sizeof(c->read_buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct mgmt_connection *c = stream->data;
    (void)buffer;
    if (n > 0) {
        uv_read_stop(stream); /* until all of it was looked at */
        c->read_at = 0;
        c->read_end = (size_t)n;
        take_commands(c);
    } else if (n == UV_EOF) {
        connection_finish(c); /* who writes and closes gets its answers all the same */
    } else if (n < 0) {
        connection_close(c);
    }
}

/* Whether commands have had their share of this turn of the loop: a table of thousands of clients takes its time, and
 * many clients may want one at once. */
static bool turn_is_over(const struct mgmt *m)
{
    bool somebody_waits = uv_is_active((const uv_handle_t *)&m->turn);
    return somebody_waits || (m->turn_at_ms == uv_now(m->loop) && m->turn_used_ns >= TURN_NS);
}

static struct mgmt_connection *longest_waiting(const struct mgmt *m)
{
    struct mgmt_connection *found = NULL;
    list_for (node, next, &m->connections) {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (c->waiting && (!found || c->waiting < found->waiting)) {
            found = c;
        }
    }
    return found;
}

static void on_next_turn(uv_timer_t *timer)
{
    struct mgmt *m = timer->data;
    struct mgmt_connection *c = longest_waiting(m);
    m->turn_used_ns = 0; /* whatever this turn was spent on: somebody moves on */
    while (c) {
        c->waiting = 0;
        take_commands(c);
        c = turn_is_over(m) ? NULL : longest_waiting(m);
    }
    if (longest_waiting(m)) {
        (void)uv_timer_start(timer, on_next_turn, 1, 0);
    }
}

/* What was read, one line after the other, as fast as the answers are taken. */
static void take_commands(struct mgmt_connection *c)
{
    while (c->read_at < c->read_end && !c->closing && !c->finishing) {
        if (unsent(c) > OUTPUT_HIGH) {
            c->paused = true; /* on_written() goes on */
            return;
        }
        if (turn_is_over(c->mgmt)) {
            c->waiting = ++c->mgmt->turn_ticket; /* on_next_turn() goes on */
            (void)uv_timer_start(&c->mgmt->turn, on_next_turn, 1, 0);
            return;
        }
        take_byte(c, c->read_buffer[c->read_at++]);
    }
    secret_wipe(c->read_buffer, sizeof(c->read_buffer));
    c->read_at = c->read_end = 0;
    if (!c->closing && !c->finishing) {
        uv_read_start(&c->io.stream, on_alloc, on_read);
    }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct mgmt_connection *c = request->handle->data;
    (void)status;
    connection_close(c);
}

void connection_finish(struct mgmt_connection *c)
{
    if (c->closing || c->finishing) {
        return;
    }
    c->finishing = true;
    c->since_ms = uv_now(c->mgmt->loop);
    uv_read_stop(&c->io.stream);
    flush(c);
    if (uv_stream_get_write_queue_size(&c->io.stream) == 0 ||
        uv_shutdown(&c->shutdown, &c->io.stream, on_shutdown) < 0) {
        connection_close(c);
    }
}

static bool user_allowed(const struct config *config, const struct ucred *peer)
{
    if (config->management_client_user) {
        const struct passwd *pw = getpwnam(config->management_client_user);
        if (!pw || pw->pw_uid != peer->uid) {
            return false;
        }
    }
    if (config->management_client_group) {
        const struct group *gr = getgrnam(config->management_client_group);
        if (!gr || gr->gr_gid != peer->gid) {
            return false;
        }
    }
    return true;
}

static bool peer_allowed(struct mgmt_connection *c)
{
    const struct config *config = c->mgmt->config;
    if (!config->management.is_unix || (!config->management_client_user && !config->management_client_group)) {
        return true;
    }
    int fd;
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (uv_fileno(&c->io.handle, &fd) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        return false;
    }
    return user_allowed(config, &peer);
}

static struct mgmt_connection *connection_new(struct mgmt *m)
{
    struct mgmt_connection *c = mem_zalloc(sizeof(*c));
    c->mgmt = m;
    c->lines = BUF_INIT(MULTILINE_MAX);
    c->gathered = BUF_INIT(SIZE_MAX / 2);
    c->version = m->config->management_version;
    list_init(&c->link);
    if (m->config->management.is_unix) {
        uv_pipe_init(m->loop, &c->io.pipe, 0);
    } else {
        uv_tcp_init(m->loop, &c->io.tcp);
    }
    c->io.handle.data = c;
    c->since_ms = uv_now(m->loop);
    m->open_handles++;
    m->connection_count++;
    list_push(&m->connections, &c->link);
    return c;
}

void connection_start(struct mgmt_connection *c)
{
    struct mgmt *m = c->mgmt;
    if (!peer_allowed(c)) {
        log_warn("MANAGEMENT: client refused: it does not run as the user or group that management-client-user and "
                 "management-client-group allow");
        connection_close(c);
        return;
    }
    log_usual("MANAGEMENT: Client connected from %s", m->config->management.address);
    uv_read_start(&c->io.stream, on_alloc, on_read);
    if (m->password) {
        connection_printf(c, "ENTER PASSWORD:");
    } else {
        connection_greet(c);
    }
}

/* Of those who have not said the password. */
static struct mgmt_connection *oldest_stranger(const struct mgmt *m)
{
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (!c->authenticated && !c->closing && !c->finishing) {
            return c;
        }
    }
    return NULL;
}

void connection_accept(struct mgmt *m, uv_stream_t *server)
{
    struct mgmt_connection *c = connection_new(m);
    if (uv_accept(server, &c->io.stream) < 0) {
        connection_close(c);
        return;
    }
    if (m->connection_count > CONNECTIONS_MAX) {
        struct mgmt_connection *stranger = oldest_stranger(m); /* who only holds a place does not keep others out */
        log_warn("MANAGEMENT: more than %d clients at once, %s is sent away", CONNECTIONS_MAX,
                 stranger == c ? "the newest" : "one without the password");
        connection_close(stranger);
    }
    if (!c->closing) {
        connection_start(c);
    }
}

/* ------------------------------------------------------------------ management-client */

static void on_called(uv_connect_t *request, int status)
{
    struct mgmt_connection *c = request->data;
    free(request);
    if (status < 0 && !c->closing) {
        log_error("MANAGEMENT: connect to %s failed: %s", c->mgmt->config->management.address, uv_strerror(status));
        connection_close(c);
        return;
    }
    if (!c->closing) {
        connection_start(c);
    }
}

int connection_call_out(struct mgmt *m)
{
    const struct config_management *how = &m->config->management;
    struct mgmt_connection *c = connection_new(m);
    uv_connect_t *request = mem_zalloc(sizeof(*request));
    request->data = c;
    if (how->is_unix) {
        uv_pipe_connect(request, &c->io.pipe, how->address, on_called);
        return 0;
    }
    struct ip_addr ip;
    if (ip_parse(strcmp(how->address, "localhost") == 0 ? "127.0.0.1" : how->address, &ip) < 0) {
        log_error("management: '%s' is not an address", how->address);
        free(request);
        return -1;
    }
    union addr a = addr_from_ip(&ip, (uint16_t)strtoul(how->port, NULL, 10));
    return uv_tcp_connect(request, &c->io.tcp, &a.any, on_called);
}
