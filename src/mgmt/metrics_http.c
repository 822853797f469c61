/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "mgmt/endpoint.h"
#include "mgmt/metrics.h"

#ifdef HAVE_MICROHTTPD
#include <microhttpd.h>

#define CONNECTIONS_MAX 16u
#define REQUEST_MEMORY ((size_t)16 * 1024) /* headers beyond it: status 431 */
#define IDLE_S 5u
#define DEADLINE_MS 10000                  /* of a connection, however slowly it moves */
#define TICK_MS 1000
#define CACHE_MS 500                       /* a flood of requests makes us compose this often, */
#define CACHE_SHARE 20                     /* and so that it takes one part in so many of the loop's time */
#define PAGE_MAX ((size_t)64 * 1024 * 1024)

/* What can be asked for. */
enum page_kind { PAGE_TEXT, PAGE_TEXT_CLIENTS, PAGE_JSON, PAGE_KINDS };

struct cached {
    struct MHD_Response *response; /* NULL: none yet */
    uint64_t made_ms;
    uint64_t keep_ms;
};

/* One HTTP client. */
struct visitor {
    struct list link;
    int fd;
    uint64_t since_ms;
};

struct metrics {
    struct metrics_source source;
    struct MHD_Daemon *http;
    char *path; /* of the Unix socket; NULL: TCP */
    uv_poll_t poll;
    uv_timer_t timer;  /* when the library wants to be called */
    uv_timer_t ticker; /* deadlines */
    unsigned open_handles;
    struct list visitors;
    struct cached pages[PAGE_KINDS];
};

/* ------------------------------------------------------------------ answers */

static int compose(struct metrics *m, enum page_kind kind, struct buf *out)
{
    return kind == PAGE_JSON ? metrics_format_json(&m->source, out)
                             : metrics_format_text(&m->source, kind == PAGE_TEXT_CLIENTS, out);
}

static struct MHD_Response *plain(const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
    (void)MHD_add_response_header(response, "Connection", "close");
    return response;
}

static struct MHD_Response *page(struct metrics *m, enum page_kind kind)
{
    struct cached *c = &m->pages[kind];
    uint64_t now = clock_read().mono_ms;
    if (c->response && now - c->made_ms < c->keep_ms) {
        return c->response;
    }
    struct buf text = BUF_INIT(PAGE_MAX);
    if (compose(m, kind, &text) != 0) {
        buf_free(&text, false);
        return NULL;
    }
    if (c->response) {
        MHD_destroy_response(c->response);
    }
    c->made_ms = clock_read().mono_ms;
    c->keep_ms = CACHE_MS + CACHE_SHARE * (c->made_ms - now);
    /* the buffer's memory passes */
    c->response = MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_FREE);
    (void)MHD_add_response_header(c->response, "Content-Type",
                                  kind == PAGE_JSON ? "application/json" : "text/plain; version=0.0.4; charset=utf-8");
    (void)MHD_add_response_header(c->response, "Connection", "close");
    return c->response;
}

static enum MHD_Result answer_plain(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct MHD_Response *response = plain(text);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, "Allow", "GET, HEAD");
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_page(struct metrics *m, struct MHD_Connection *connection, enum page_kind kind)
{
    struct MHD_Response *response = page(m, kind);
    return response ? MHD_queue_response(connection, MHD_HTTP_OK, response)
                    : answer_plain(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "too much to tell\n");
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *body, size_t *body_len, void **state)
{
    (void)version;
    (void)body;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        *body_len = 0;
        return answer_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "read only\n");
    }
    if (!*state) { /* the library wants to be answered at the second call */
        *state = arg;
        return MHD_YES;
    }
    *body_len = 0;
    if (strcmp(url, "/metrics") == 0) {
        bool clients = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, "clients", strlen("clients"),
                                                     NULL, NULL) == MHD_YES;
        return answer_page(arg, connection, clients ? PAGE_TEXT_CLIENTS : PAGE_TEXT);
    }
    if (strcmp(url, "/status") == 0) {
        return answer_page(arg, connection, PAGE_JSON);
    }
    if (strcmp(url, "/") == 0) {
        return answer_plain(connection, MHD_HTTP_OK,
                            "vpnd: /metrics (Prometheus), /metrics?clients (with each client), /status (JSON)\n");
    }
    return answer_plain(connection, MHD_HTTP_NOT_FOUND, "no such page: /metrics or /status\n");
}

/* ------------------------------------------------------------------ the loop */

static void on_time(uv_timer_t *timer);

static void run(struct metrics *m)
{
    MHD_UNSIGNED_LONG_LONG wait;
    (void)MHD_run(m->http);
    if (MHD_get_timeout(m->http, &wait) == MHD_YES) {
        (void)uv_timer_start(&m->timer, on_time, wait, 0);
    } else {
        (void)uv_timer_stop(&m->timer);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void on_time(uv_timer_t *timer)
{
    run(timer->data);
}

/* Who takes longer than the deadline is cut off, whether it reads, writes or waits. */
static void on_tick(uv_timer_t *timer)
{
    struct metrics *m = timer->data;
    uint64_t now = clock_read().mono_ms;
    list_for (node, next, &m->visitors) {
        struct visitor *v = container_of(node, struct visitor, link);
        if (now - v->since_ms >= DEADLINE_MS) {
            (void)shutdown(v->fd, SHUT_RDWR);
        }
    }
    run(m);
    if (list_empty(&m->visitors)) {
        (void)uv_timer_stop(timer);
    }
}

static void on_visitor(void *arg, struct MHD_Connection *connection, void **context,
                       enum MHD_ConnectionNotificationCode code)
{
    struct metrics *m = arg;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct visitor *gone = *context;
        list_remove(&gone->link);
        free(gone);
        return;
    }
    struct visitor *v = mem_zalloc(sizeof(*v));
    v->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    v->since_ms = clock_read().mono_ms;
    list_init(&v->link);
    list_push(&m->visitors, &v->link);
    *context = v;
    if (!uv_is_active((uv_handle_t *)&m->ticker)) {
        (void)uv_timer_start(&m->ticker, on_tick, TICK_MS, TICK_MS);
    }
}

/* ------------------------------------------------------------------ life */

static void quiet(void *arg, const char *format, va_list args)
{
    (void)arg;
    (void)format; /* what a stranger sends does not belong into the log */
    (void)args;
}

static void on_closed(uv_handle_t *handle)
{
    struct metrics *m = handle->data;
    if (--m->open_handles == 0) {
        free(m->path);
        free(m);
    }
}

static int start_http(struct metrics *m, int fd)
{
    m->http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, m,                             //
                               MHD_OPTION_LISTEN_SOCKET, fd,                                            //
                               MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,                            //
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_MEMORY,                      //
                               MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,                                   //
                               MHD_OPTION_NOTIFY_CONNECTION, on_visitor, m,                             //
                               MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,                                 //
                               MHD_OPTION_END);
    return m->http ? 0 : -ENOMEM;
}

static void start_handles(struct metrics *m, uv_loop_t *loop)
{
    int epoll = MHD_get_daemon_info(m->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_poll_init(loop, &m->poll, epoll);
    uv_timer_init(loop, &m->timer);
    uv_timer_init(loop, &m->ticker);
    m->poll.data = m->timer.data = m->ticker.data = m;
    m->open_handles = 3;
    uv_unref((uv_handle_t *)&m->poll);
    uv_unref((uv_handle_t *)&m->timer);
    uv_unref((uv_handle_t *)&m->ticker);
    (void)uv_poll_start(&m->poll, UV_READABLE, on_readable);
}

int metrics_new(uv_loop_t *loop, const struct config_endpoint *where, const struct metrics_source *source,
                struct metrics **out)
{
    *out = NULL;
    if (!where->address) {
        return 0;
    }
    struct metrics *m = mem_zalloc(sizeof(*m));
    m->source = *source;
    list_init(&m->visitors);
    int fd = endpoint_listen(where->address, where->port, where->is_unix);
    int err = fd < 0 ? fd : start_http(m, fd);
    if (err < 0) {
        log_error("metrics: cannot listen on %s%s%s: %s", where->address, where->is_unix ? "" : ":",
                  where->is_unix ? "" : where->port,
                  err == -EADDRINUSE ? "another process serves it" : err_str(err));
        if (fd >= 0) {
            close(fd);
        }
        free(m);
        return ERR_CONFIG;
    }
    m->path = where->is_unix ? mem_strdup(where->address) : NULL;
    start_handles(m, loop);
    log_usual("Metrics: listening on %s%s%s", where->address, where->is_unix ? "" : ":",
              where->is_unix ? "" : where->port);
    *out = m;
    return 0;
}

void metrics_free(struct metrics *m)
{
    if (!m) {
        return;
    }
    (void)uv_poll_stop(&m->poll);
    for (int i = 0; i < PAGE_KINDS; i++) {
        if (m->pages[i].response) {
            MHD_destroy_response(m->pages[i].response);
        }
    }
    MHD_stop_daemon(m->http);
    if (m->path) {
        (void)unlink(m->path);
    }
    uv_close((uv_handle_t *)&m->poll, on_closed);
    uv_close((uv_handle_t *)&m->timer, on_closed);
    uv_close((uv_handle_t *)&m->ticker, on_closed);
}

#else

int metrics_new(uv_loop_t *loop, const struct config_endpoint *where, const struct metrics_source *source,
                struct metrics **out)
{
    (void)loop;
    (void)source;
    *out = NULL;
    if (!where->address) {
        return 0;
    }
    log_error("metrics: this vpnd was built without libmicrohttpd; build it with that library or leave the option out");
    return ERR_CONFIG;
}

void metrics_free(struct metrics *m)
{
    (void)m;
}

#endif
