/* SPDX-License-Identifier: MIT */
#include "server/port_share.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "node/loop.h"
#include "server/port_share_rule.h"
#include "session/ratelimit.h"
#include "sys/sock.h"

#define PEEK_SIZE 3
#define FIRST_BYTES_LIMIT_MS 30000 /* a connection that says nothing is nobody's */
#define ONE_BYTE_WAIT_MS 50        /* too few first bytes: look again, the socket stays readable */
#define CHUNK 16384
#define VISITORS_MAX 1024 /* who says nothing for longest goes first */
#define RELAYS_MAX 4096   /* of 32 KiB and two descriptors each */
#define FILES_SHARE 8     /* never more than this part of all descriptors for visitors, nor for one end of relays */
#define KEEPALIVE_S 120   /* silent connections are asked whether they still exist */
#define LINES_MAX 5       /* in so many seconds: any stranger can cause them */
#define LINES_PERIOD_S 10

struct port_share {
    struct loop *loop;
    union addr target;
    char *dir;              /* where clients' addresses are told, or NULL */
    struct list visitors;   /* struct visitor: not judged yet */
    struct list relays;     /* struct relay */
    unsigned visitor_count;
    unsigned visitors_max;
    unsigned relay_count;
    unsigned relays_max;
    struct ratelimit lines;
};

struct visitor {
    struct list link;
    struct port_share *share;
    int fd;
    union addr peer;
    struct loop_watch *watch;
    struct loop_timer *timer;
    unsigned waited_ms;
    port_share_ours_fn ours;
    void *arg;
};

/* One direction of a relayed connection: read from @from, write to the other side. */
struct half {
    struct relay *relay;
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    char buffer[CHUNK];
    bool ended;             /* nothing more comes from here */
};

struct relay {
    struct list link;
    struct port_share *share;
    struct half client;
    struct half server;
    uv_connect_t connect;
    union addr peer;
    char *note;             /* file that tells the client's address, or NULL */
    unsigned open;          /* handles that are not closed */
    bool closing;
};

static bool may_log(struct port_share *share)
{
    return ratelimit_take(&share->lines, clock_read().mono_ms);
}

/* ------------------------------------------------------------------ relay */

static void on_closed(uv_handle_t *handle)
{
    struct half *half = handle->data;
    struct relay *relay = half->relay;
    if (--relay->open > 0) {
        return;
    }
    if (relay->note) {
        (void)unlink(relay->note);
        free(relay->note);
    }
    list_remove(&relay->link);
    relay->share->relay_count--;
    free(relay);
}

static void relay_close(struct relay *relay)
{
    if (!relay->closing) {
        relay->closing = true;
        uv_close((uv_handle_t *)&relay->client.tcp, on_closed);
        uv_close((uv_handle_t *)&relay->server.tcp, on_closed);
    }
}

static struct half *other_half(struct half *half)
{
    return half == &half->relay->client ? &half->relay->server : &half->relay->client;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct half *half = handle->data;
    (void)size;
    *out = uv_buf_init(half->buffer, CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status)
{
    struct half *half = write->data;
    if (half->relay->closing) {
        return;
    }
    if (status < 0 || uv_read_start((uv_stream_t *)&half->tcp, on_alloc, on_read) < 0) {
        relay_close(half->relay);
    }
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    struct half *half = shutdown->data;
    (void)status;
    if (half->ended && other_half(half)->ended) {
        relay_close(half->relay);
    }
}

/* One chunk is under way at a time: the reader waits until the other side has taken it. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct half *half = stream->data;
    struct half *other = other_half(half);
    if (n == 0) {
        return;
    }
    (void)uv_read_stop(stream); /* always succeeds */
    if (n < 0) {
        half->ended = true;
        half->shutdown.data = half;
        if (n != UV_EOF || uv_shutdown(&half->shutdown, (uv_stream_t *)&other->tcp, on_shut) < 0) {
            relay_close(half->relay);
        }
        return;
    }
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)n);
    half->write.data = half;
    if (uv_write(&half->write, (uv_stream_t *)&other->tcp, &out, 1, on_written) < 0) {
        relay_close(half->relay);
    }
}

/* DIR/[AF_INET]relay-ip:port holds "[AF_INET]client-ip:port" while the connection lasts. */
static void leave_note(struct relay *relay)
{
    struct sockaddr_storage name;
    int size = sizeof(name);
    union addr local;
    char text[ADDR_TEXT_MAX];
    if (!relay->share->dir || uv_tcp_getsockname(&relay->server.tcp, (struct sockaddr *)&name, &size) < 0 ||
        addr_from_sockaddr(&local, (struct sockaddr *)&name, (size_t)size) < 0) {
        return;
    }
    relay->note = mem_printf("%s/%s", relay->share->dir, addr_format_log(&local, text));
    int fd = open(relay->note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        dprintf(fd, "%s\n", addr_format_log(&relay->peer, text));
        close(fd);
    } else if (may_log(relay->share)) {
        log_warn("port-share: cannot write %s: %s", relay->note, strerror(errno));
    }
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct relay *relay = connect->data;
    char text[ADDR_TEXT_MAX];
    if (relay->closing) {
        return;
    }
    if (status < 0) {
        if (may_log(relay->share)) {
            log_warn("port-share: cannot reach %s: %s", addr_format(&relay->share->target, text), uv_strerror(status));
        }
        relay_close(relay);
        return;
    }
    leave_note(relay);
    (void)uv_tcp_keepalive(&relay->client.tcp, 1, KEEPALIVE_S); /* without it only a dead peer stays longer */
    (void)uv_tcp_keepalive(&relay->server.tcp, 1, KEEPALIVE_S);
    if (uv_read_start((uv_stream_t *)&relay->client.tcp, on_alloc, on_read) < 0 ||
        uv_read_start((uv_stream_t *)&relay->server.tcp, on_alloc, on_read) < 0) {
        relay_close(relay);
    }
}

static void half_init(struct relay *relay, struct half *half)
{
    half->relay = relay;
    BUG_ON(uv_tcp_init(loop_uv(relay->share->loop), &half->tcp) != 0);
    half->tcp.data = half;
    relay->open++;
}

static void relay_start(struct port_share *share, int fd, const union addr *peer)
{
    char text[ADDR_TEXT_MAX];
    if (share->relay_count >= share->relays_max) {
        if (may_log(share)) {
            log_warn("port-share: %u connections are relayed already; the one of %s is closed", share->relay_count,
                     addr_format(peer, text));
        }
        close(fd);
        return;
    }
    struct relay *relay = mem_zalloc(sizeof(*relay));
    share->relay_count++;
    relay->share = share;
    relay->peer = *peer;
    list_push(&share->relays, &relay->link);
    half_init(relay, &relay->client);
    half_init(relay, &relay->server);
    relay->connect.data = relay;
    if (uv_tcp_open(&relay->client.tcp, fd) < 0) {
        close(fd);
        relay_close(relay);
    } else if (uv_tcp_connect(&relay->connect, &relay->server.tcp, &share->target.any, on_connected) < 0) {
        relay_close(relay);
    }
}

/* ------------------------------------------------------------------ judgement */

static void visitor_free(struct visitor *visitor, bool close_fd)
{
    loop_watch_free(visitor->watch);
    loop_timer_free(visitor->timer);
    list_remove(&visitor->link);
    visitor->share->visitor_count--;
    if (close_fd) {
        close(visitor->fd);
    }
    free(visitor);
}

static void look(void *arg)
{
    struct visitor *visitor = arg;
    struct visitor copy = *visitor;
    uint8_t first[PEEK_SIZE];
    ssize_t n = recv(visitor->fd, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        visitor_free(visitor, true);
        return;
    }
    enum port_share_verdict verdict = n > 0 ? port_share_judge(first, (size_t)n) : PORT_SHARE_MORE;
    if (verdict == PORT_SHARE_MORE) {
        if (n > 0 && visitor->watch) {
            loop_watch_free(visitor->watch); /* readable all the time now: look by the clock */
            visitor->watch = NULL;
            loop_timer_after(visitor->timer, ONE_BYTE_WAIT_MS);
        }
        return;
    }
    visitor_free(visitor, false);
    if (verdict == PORT_SHARE_VPN) {
        copy.ours(copy.arg, copy.fd, &copy.peer);
    } else {
        relay_start(copy.share, copy.fd, &copy.peer);
    }
}

static void on_visitor_timer(void *arg)
{
    struct visitor *visitor = arg;
    visitor->waited_ms += ONE_BYTE_WAIT_MS;
    if (visitor->watch || visitor->waited_ms >= FIRST_BYTES_LIMIT_MS) {
        visitor_free(visitor, true);
        return;
    }
    loop_timer_after(visitor->timer, ONE_BYTE_WAIT_MS);
    look(visitor);
}

void port_share_take(struct port_share *share, int fd, const union addr *peer, port_share_ours_fn ours, void *arg)
{
    if (share->visitor_count >= share->visitors_max) {
        visitor_free(container_of(share->visitors.next, struct visitor, link), true);
    }
    struct visitor *visitor = mem_zalloc(sizeof(*visitor));
    share->visitor_count++;
    *visitor = (struct visitor){.share = share, .fd = fd, .peer = *peer, .ours = ours, .arg = arg};
    list_push(&share->visitors, &visitor->link);
    visitor->timer = loop_timer_new(share->loop, on_visitor_timer, visitor);
    loop_timer_after(visitor->timer, FIRST_BYTES_LIMIT_MS);
    if (loop_watch_new(share->loop, fd, look, visitor, &visitor->watch) < 0) {
        visitor_free(visitor, true);
    }
}

void port_share_forget(struct port_share *share, void *arg)
{
    list_for (at, next, &share->visitors) {
        struct visitor *visitor = container_of(at, struct visitor, link);
        if (visitor->arg == arg) {
            visitor_free(visitor, true);
        }
    }
}

/* ------------------------------------------------------------------ life */

/* So that strangers never use up the descriptors that clients, scripts and files need. */
static void set_limits(struct port_share *share)
{
    struct rlimit files = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_NOFILE, &files); /* cannot fail */
    rlim_t part = files.rlim_cur / FILES_SHARE;
    share->visitors_max = part < VISITORS_MAX ? (unsigned)part : VISITORS_MAX;
    share->relays_max = part < RELAYS_MAX ? (unsigned)part : RELAYS_MAX;
    ratelimit_init(&share->lines, LINES_MAX, LINES_PERIOD_S);
}

int port_share_new(struct loop *loop, const struct config *config, struct port_share **out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(config->port_share.host, config->port_share.port, &hints, &list);
    if (rc != 0) {
        log_fatal("Options error: port-share %s %s: %s", config->port_share.host, config->port_share.port,
                  gai_strerror(rc));
        return ERR_CONFIG;
    }
    struct port_share *share = mem_zalloc(sizeof(*share));
    share->loop = loop;
    memcpy(&share->target, list->ai_addr, list->ai_addrlen);
    freeaddrinfo(list);
    share->dir = mem_strdup(config->port_share.dir);
    list_init(&share->visitors);
    list_init(&share->relays);
    set_limits(share);
    *out = share;
    return 0;
}

void port_share_free(struct port_share *share)
{
    if (!share) {
        return;
    }
    list_for (at, next, &share->visitors) {
        visitor_free(container_of(at, struct visitor, link), true);
    }
    list_for (relay_at, relay_next, &share->relays) {
        relay_close(container_of(relay_at, struct relay, link));
    }
    while (!list_empty(&share->relays)) {
        uv_run(loop_uv(share->loop), UV_RUN_ONCE);
    }
    free(share->dir);
    free(share);
}
