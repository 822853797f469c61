/* SPDX-License-Identifier: MIT */
#include "mgmt/mgmt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "mgmt/endpoint.h"
#include "mgmt/mgmt_private.h"

#define TICK_MS 1000

/* ------------------------------------------------------------------ lines for everybody */

void mgmt_broadcast(struct mgmt *m, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    BUG_ON(n < 0);
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (c->authenticated && !c->finishing) {
            connection_printf(c, "%s\r\n", text);
        }
    }
    secret_wipe(text, (size_t)n);
    free(text);
}

/* ------------------------------------------------------------------ log lines, from any thread */

static char severity_letter(enum log_severity severity)
{
    static const char letters[] = {
        [LOG_SEV_FATAL] = 'F', [LOG_SEV_ERROR] = 'N', [LOG_SEV_WARN] = 'W',
        [LOG_SEV_INFO] = 'I',  [LOG_SEV_USUAL] = 0,   [LOG_SEV_DEBUG] = 'D',
    };
    return letters[severity];
}

static void on_log(void *arg, enum log_severity severity, const char *line)
{
    struct mgmt *m = arg;
    char letter[2] = {severity_letter(severity), 0};
    char *text = mem_printf("%lld,%s,%s", (long long)time(NULL), letter, line);
    size_t len = strlen(text);
    struct mgmt_log_line *entry = mem_zalloc(sizeof(*entry) + len + 1);
    entry->kind = severity == LOG_SEV_FATAL ? LOG_FATAL_LINE : LOG_ORDINARY;
    memcpy(entry->text, text, len);
    free(text);
    pthread_mutex_lock(&m->log_lock);
    list_push(&m->log_waiting, &entry->link);
    pthread_mutex_unlock(&m->log_lock);
    uv_async_send(&m->log_async);
}

static void deliver_log_line(struct mgmt *m, const struct mgmt_log_line *entry)
{
    history_add(&m->log, entry->text);
    const char *text = strchr(entry->text, ',');
    text = text ? strchr(text + 1, ',') : NULL;
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (!c->authenticated) {
            continue;
        }
        if (c->log_on) {
            connection_printf(c, ">LOG:%s\r\n", entry->text);
        }
        if (entry->kind == LOG_FATAL_LINE && text) {
            connection_printf(c, ">FATAL:%s\r\n", text + 1);
        }
    }
}

void mgmt_log_flush(struct mgmt *m)
{
    struct list taken;
    list_init(&taken);
    pthread_mutex_lock(&m->log_lock);
    list_for(node, next, &m->log_waiting)
    {
        list_remove(node);
        list_push(&taken, node);
    }
    pthread_mutex_unlock(&m->log_lock);
    list_for(node, next, &taken)
    {
        struct mgmt_log_line *entry = container_of(node, struct mgmt_log_line, link);
        list_remove(node);
        deliver_log_line(m, entry);
        free(entry);
    }
}

static void on_log_async(uv_async_t *async)
{
    mgmt_log_flush(async->data);
}

/* ------------------------------------------------------------------ events */

static void tell_state(struct mgmt *m, const struct event *e)
{
    const char *cells[7] = {e->args[0], e->tunnel4, e->remote_host, e->remote_port, e->local_host, e->local_port, NULL};
    struct buf line = BUF_INIT(2048);
    (void)buf_printf(&line, "%lld,%s", (long long)time(NULL), e->text);
    for (int i = 0; i < 6; i++) {
        (void)buf_printf(&line, ",%s", cells[i] ? cells[i] : "");
    }
    if (e->tunnel6 && *e->tunnel6) {
        (void)buf_printf(&line, ",%s", e->tunnel6);
    }
    history_add(&m->state, buf_str(&line));
    bool told = false;
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (c->authenticated && c->state_on) {
            connection_printf(c, ">STATE:%s\r\n", buf_str(&line));
            told = true;
        }
    }
    if (told) {
        log_usual("MANAGEMENT: >STATE:%s", buf_str(&line));
    }
    buf_free(&line, false);
}

static void tell_echo(struct mgmt *m, const char *text)
{
    char *line = mem_printf("%lld,%s", (long long)time(NULL), text);
    history_add(&m->echo, line);
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (c->authenticated && c->echo_on) {
            connection_printf(c, ">ECHO:%s\r\n", line);
        }
    }
    free(line);
}

static void tell_up_down(struct mgmt *m, const struct event *e, const char *word)
{
    if (m->config->management_up_down) {
        mgmt_broadcast(m, ">UPDOWN:%s", word);
        client_auth_env(m, ">UPDOWN:ENV", e->env, NULL, NULL);
    }
}

static int start_listening(struct mgmt *m, const char *address);

/* The address goes with the device, and the next one may be another: clients see an end instead of silence. */
static void leave_tunnel(struct mgmt *m)
{
    if (!m->listening || strcmp(m->config->management.address, "tunnel") != 0) {
        return;
    }
    list_for(node, next, &m->connections)
    {
        connection_close(container_of(node, struct mgmt_connection, link));
    }
    m->listening = false;
    uv_close(&m->server.handle, mgmt_handle_closed);
}

static enum event_vote handle(void *arg, const struct event *e, struct event_request *request)
{
    struct mgmt *m = arg;
    const char *text = e->text ? e->text : "";
    switch (e->type) {
    case EVENT_STATE:
        if (!m->listening && !m->outgoing && strcmp(text, "CONNECTED") == 0 && e->tunnel4 && *e->tunnel4) {
            (void)start_listening(m, e->tunnel4);
        }
        tell_state(m, e);
        return EVENT_ABSTAIN;
    case EVENT_ECHO:
        tell_echo(m, text);
        return EVENT_ABSTAIN;
    case EVENT_INFO_MESSAGE:
        mgmt_broadcast(m, ">INFOMSG:%s", text);
        return EVENT_ABSTAIN;
    case EVENT_NOTIFY:
        mgmt_broadcast(m, ">NOTIFY:%s,%s,%s", e->args[0], e->args[1], text);
        return EVENT_ABSTAIN;
    case EVENT_AUTH_FAILED:
        mgmt_password_failed(m, "Auth", text);
        return EVENT_ABSTAIN;
    case EVENT_AUTH_TOKEN:
        mgmt_broadcast(m, ">PASSWORD:Auth-Token:%s", text);
        return EVENT_ABSTAIN;
    case EVENT_ROUTES_UP:
        tell_up_down(m, e, "UP");
        return EVENT_ABSTAIN;
    case EVENT_ROUTES_PRE_DOWN:
        leave_tunnel(m);
        return EVENT_ABSTAIN;
    case EVENT_DEVICE_DOWN:
        tell_up_down(m, e, "DOWN");
        return EVENT_ABSTAIN;
    default:
        return m->config->management_client_auth ? client_auth_event(m, e, request) : EVENT_ABSTAIN;
    }
}

static void on_request_cancelled(void *arg, struct event_request *request)
{
    client_auth_cancel(arg, request);
}

void mgmt_password_failed(struct mgmt *mgmt, const char *type, const char *reason)
{
    if (!mgmt) {
        return;
    }
    if (reason && *reason) {
        mgmt_broadcast(mgmt, ">PASSWORD:Verification Failed: '%s' ['%s']", type, reason);
    } else {
        mgmt_broadcast(mgmt, ">PASSWORD:Verification Failed: '%s'", type);
    }
}

/* ------------------------------------------------------------------ the clock */

static void report_client(void *arg, uint64_t client_id, uint64_t in, uint64_t out)
{
    connection_printf(arg, ">BYTECOUNT_CLI:%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\r\n", client_id, in, out);
}

static void report_bytes(struct mgmt *m, struct mgmt_connection *c)
{
    if (m->host->each_client) {
        m->host->each_client(m->host_arg, report_client, c);
        return;
    }
    struct mgmt_load load = {0};
    m->host->load(m->host_arg, &load);
    connection_printf(c, ">BYTECOUNT:%" PRIu64 ",%" PRIu64 "\r\n", load.bytes_in, load.bytes_out);
}

static void on_tick(uv_timer_t *timer)
{
    struct mgmt *m = timer->data;
    uint64_t now = uv_now(m->loop);
    list_for(node, next, &m->connections)
    {
        struct mgmt_connection *c = container_of(node, struct mgmt_connection, link);
        if (now - c->since_ms > (c->finishing ? FAREWELL_MS : LOGIN_LIMIT_MS) && (c->finishing || !c->authenticated)) {
            connection_close(c);
            continue;
        }
        if (c->authenticated && c->bytecount_s && now - c->bytecount_at >= c->bytecount_s * (uint64_t)1000 - 50) {
            c->bytecount_at = now;
            report_bytes(m, c);
        }
    }
}

/* ------------------------------------------------------------------ start and end */

static int read_password(struct mgmt *m, const char *path)
{
    FILE *f = strcmp(path, "stdin") == 0 ? stdin : fopen(path, "re");
    if (!f) {
        log_error("cannot read the management password file '%s': %s", path, strerror(errno));
        return ERR_CONFIG;
    }
    if (f == stdin) {
        fputs("Enter Management Password:", stderr);
    }
    char line[512] = "";
    if (!fgets(line, sizeof(line), f)) {
        line[0] = 0;
    }
    if (f != stdin) {
        fclose(f);
    }
    line[strcspn(line, "\r\n")] = 0;
    m->password = mem_strdup(line);
    secret_wipe(line, sizeof(line));
    if (!*m->password && f == stdin) {
        log_error("management: no password was entered; in the background nobody can be asked: name a file");
        return ERR_CONFIG;
    }
    if (!*m->password) {
        log_error("the management password file '%s' is empty: put the password on its first line", path);
        return ERR_CONFIG;
    }
    return 0;
}

static void on_connection(uv_stream_t *server, int status)
{
    if (status == 0) {
        connection_accept(server->data, server);
    }
}

/* Who may connect is decided by the user, group or password that the configuration names. Without any of these the
 * umask decides. */
static int bind_pipe(const struct mgmt *m, uv_pipe_t *pipe, const char *path)
{
    bool guarded = m->config->management_client_user || m->config->management_client_group || m->password;
    mode_t before = guarded ? umask(0) : 0;
    int err = uv_pipe_bind(pipe, path);
    if (guarded) {
        (void)umask(before);
    }
    return err;
}

static int bind_unix(struct mgmt *m, const char *path)
{
    int err = endpoint_claim(path);
    if (err == 0) {
        err = bind_pipe(m, &m->server.pipe, path);
    }
    if (err == 0) {
        m->socket_path = mem_strdup(path);
    }
    return err;
}

static int bind_tcp(struct mgmt *m, const char *address)
{
    struct ip_addr ip;
    long port = m->config->management.port ? strtol(m->config->management.port, NULL, 10) : 0;
    if (strcmp(address, "localhost") == 0) {
        address = "127.0.0.1";
    }
    if (ip_parse(address, &ip) < 0 || port < 0 || port > 65535) {
        return -EINVAL;
    }
    union addr a = addr_from_ip(&ip, (uint16_t)port);
    return uv_tcp_bind(&m->server.tcp, &a.any, 0);
}

void mgmt_handle_closed(uv_handle_t *handle)
{
    struct mgmt *m = handle->data;
    if (--m->open_handles > 0 || !m->freeing) {
        return;
    }
    pthread_mutex_destroy(&m->log_lock);
    secret_wipe(m->password, m->password ? strlen(m->password) : 0);
    free(m->password);
    free(m->title);
    free(m->socket_path);
    history_free(&m->log);
    history_free(&m->state);
    history_free(&m->echo);
    free(m);
}

static int start_listening(struct mgmt *m, const char *address)
{
    const struct config_management *how = &m->config->management;
    int err;
    if (how->is_unix) {
        err = uv_pipe_init(m->loop, &m->server.pipe, 0);
    } else {
        err = uv_tcp_init(m->loop, &m->server.tcp);
    }
    if (err < 0) {
        return err;
    }
    m->server.handle.data = m;
    m->open_handles++;
    err = how->is_unix ? bind_unix(m, address) : bind_tcp(m, address);
    if (err == 0) {
        err = uv_listen(&m->server.stream, 8, on_connection);
    }
    if (err < 0) {
        log_error("MANAGEMENT: cannot listen on %s%s%s: %s", address, how->is_unix ? "" : ":",
                  how->is_unix ? "" : how->port, err == -EADDRINUSE ? "another process serves it" : uv_strerror(err));
        uv_close(&m->server.handle, mgmt_handle_closed);
        return err;
    }
    m->listening = true;
    if (how->is_unix) {
        log_usual("MANAGEMENT: unix domain socket listening on %s", address);
    } else {
        log_usual("MANAGEMENT: TCP Socket listening on [AF_INET]%s:%s", address, how->port);
    }
    return 0;
}

static void prepare(struct mgmt *m, const struct mgmt_open *open)
{
    m->loop = open->loop;
    m->bus = open->bus;
    m->config = open->config;
    m->host = open->host;
    m->host_arg = open->host_arg;
    m->title = mem_strdup(open->title);
    m->hold = open->config->management_hold;
    m->client_version = 1;
    m->outgoing = open->config->management_client;
    list_init(&m->connections);
    hashmap_init(&m->logins);
    list_init(&m->log_waiting);
    pthread_mutex_init(&m->log_lock, NULL);
    history_init(&m->log, open->config->management_log_cache);
    history_init(&m->state, HISTORY_SIZE);
    history_init(&m->echo, HISTORY_SIZE);
    uv_async_init(m->loop, &m->log_async, on_log_async);
    m->log_async.data = m;
    uv_unref((uv_handle_t *)&m->log_async);
    uv_timer_init(m->loop, &m->timer);
    uv_timer_init(m->loop, &m->turn);
    uv_prepare_init(m->loop, &m->flush);
    m->flush.data = m;
    uv_unref((uv_handle_t *)&m->flush);
    m->turn.data = m;
    uv_unref((uv_handle_t *)&m->turn);
    m->timer.data = m;
    uv_unref((uv_handle_t *)&m->timer);
    uv_timer_start(&m->timer, on_tick, TICK_MS, TICK_MS);
    m->open_handles = 4;
    m->listener = (struct event_listener){
        .name = "management", .handle = handle, .cancel = on_request_cancelled, .arg = m};
    event_listen(m->bus, &m->listener);
    log_listener_set(on_log, m);
}

int mgmt_new(const struct mgmt_open *open, struct mgmt **out)
{
    *out = NULL;
    const struct config_management *how = &open->config->management;
    if (!how->address) {
        return 0;
    }
    struct mgmt *m = mem_zalloc(sizeof(*m));
    prepare(m, open);
    int err = how->password_file ? read_password(m, how->password_file) : 0;
    if (err == 0 && !m->outgoing && !how->is_unix && !m->password) {
        log_warn("WARNING: Using --management on a TCP port WITHOUT passwords is STRONGLY discouraged and considered "
                 "insecure");
    }
    if (err == 0 && m->outgoing) {
        err = connection_call_out(m);
    } else if (err == 0 && strcmp(how->address, "tunnel") != 0) {
        err = start_listening(m, how->address);
    }
    if (err < 0) {
        mgmt_free(m);
        return ERR_CONFIG;
    }
    *out = m;
    return 0;
}

void mgmt_free(struct mgmt *mgmt)
{
    if (!mgmt) {
        return;
    }
    log_listener_set(NULL, NULL);
    mgmt_log_flush(mgmt);
    event_unlisten(mgmt->bus, &mgmt->listener);
    client_auth_free(mgmt);
    mgmt_ask_cancel(mgmt);
    list_for(node, next, &mgmt->connections)
    {
        connection_close(container_of(node, struct mgmt_connection, link));
    }
    if (mgmt->socket_path) {
        (void)unlink(mgmt->socket_path);
    }
    mgmt->freeing = true;
    if (mgmt->listening) {
        mgmt->listening = false;
        uv_close(&mgmt->server.handle, mgmt_handle_closed);
    }
    uv_close((uv_handle_t *)&mgmt->timer, mgmt_handle_closed);
    uv_close((uv_handle_t *)&mgmt->turn, mgmt_handle_closed);
    uv_close((uv_handle_t *)&mgmt->flush, mgmt_handle_closed);
    uv_close((uv_handle_t *)&mgmt->log_async, mgmt_handle_closed);
}

void mgmt_set_config(struct mgmt *mgmt, const struct config *config)
{
    if (mgmt) {
        mgmt->config = config;
    }
}
