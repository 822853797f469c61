/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "handshakes.h"
#include "session/negotiate.h"

#define EVENTS_MAX 256
#define PUSH_REPEAT_MS 5000

enum state { IDLE, WORKING, HOLDING };

struct client {
    enum state state;
    int fd;
    struct session *session;
    uint64_t began_ms;
    uint64_t until_ms;    /* HOLDING */
    uint64_t push_at_ms;  /* next PUSH_REQUEST */
    unsigned renegotiations;
    unsigned keys;
    bool pushed;
    enum session_derivation derivation;
    bool dynamic_crypt;
    bool key_waits;       /* first key is ready but the reply is not here */
    bool failed;
};

struct run {
    const struct handshakes *h;
    struct client *clients;
    int epoll;
    unsigned started;
    unsigned completed;
    unsigned failed;
    uint64_t *latency;
};

static void credentials(void *arg, struct session_credentials *out)
{
    const struct handshakes *h = arg;
    out->username = h->options.username;
    out->password = h->options.password;
}

static void client_start(struct run *r, struct client *c, struct clock_now now)
{
    const struct handshakes_options *o = &r->h->options;
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    if (c->fd < 0 || inet_pton(AF_INET, o->host, &to.sin_addr) != 1 ||
        connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("handshakes: socket");
        exit(2);
    }
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    BUG_ON(epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &ev));
    struct session_open open = {.hooks = {.credentials = credentials, .arg = (void *)(uintptr_t)r->h}};
    BUG_ON(session_new(&r->h->config, &open, now, &c->session));
    c->state = WORKING;
    c->began_ms = now.mono_ms;
    c->push_at_ms = CLOCK_NEVER;
    r->started++;
}

static void client_stop(struct client *c)
{
    session_free(c->session);
    close(c->fd);
    c->session = NULL;
    c->state = IDLE;
}

static void export_key(struct client *c, uint8_t key_id)
{
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    if (session_export_keys(c->session, key_id, c->derivation, material)) {
        c->failed = true;
    }
    c->keys++;
}

/* The arguments of one pushed option, or false. */
static bool pushed_option(const char *reply, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    for (const char *at = reply; (at = strchr(at, ',')) != NULL;) {
        at++;
        if (strncmp(at, name, len) == 0 && (at[len] == ' ' || at[len] == ',' || !at[len])) {
            const char *value = at + len + (at[len] == ' ');
            snprintf(out, cap, "%.*s", (int)strcspn(value, ","), value);
            return true;
        }
    }
    return false;
}

static void push_reply(struct client *c, struct clock_now now, const char *reply)
{
    char cipher[64];
    char flags[128];
    char derivation[64];
    char peer_id[32];
    char error[NEGOTIATE_TEXT_MAX];
    char unknown[CIPHER_NAME_MAX];
    if (c->pushed) {
        return;
    }
    struct negotiate_policy policy = {.data_ciphers = CIPHER_LIST_DEFAULT};
    struct negotiate_pushed pushed = {
        .cipher = pushed_option(reply, "cipher", cipher, sizeof cipher) ? cipher : NULL,
        .protocol_flags = pushed_option(reply, "protocol-flags", flags, sizeof flags) ? flags : NULL,
        .key_derivation = pushed_option(reply, "key-derivation", derivation, sizeof derivation) ? derivation : NULL,
        .has_peer_id = pushed_option(reply, "peer-id", peer_id, sizeof peer_id),
    };
    struct negotiated outcome;
    if (negotiate_client(&policy, &pushed, &outcome, error, unknown)) {
        fprintf(stderr, "handshakes: %s\n", error);
        c->failed = true;
        return;
    }
    c->pushed = true;
    c->push_at_ms = CLOCK_NEVER;
    c->derivation = outcome.derivation;
    if (outcome.dynamic_crypt && session_enable_dynamic_crypt(c->session, now)) {
        c->failed = true;
    }
    if (c->key_waits) {
        export_key(c, 0);
    }
}

static void client_event(struct run *r, struct client *c, struct clock_now now, const struct session_event *e)
{
    handshakes_event_print(r->h, "client:", e);
    switch (e->type) {
    case SESSION_EV_ACTIVE:
        if (e->first) {
            c->push_at_ms = now.mono_ms;
        }
        break;
    case SESSION_EV_KEYS_READY:
        if (e->first && !c->pushed) {
            c->key_waits = true;
        } else {
            export_key(c, e->key_id);
        }
        break;
    case SESSION_EV_MESSAGE:
        if (strncmp(e->text, "PUSH_REPLY", 10) == 0) {
            push_reply(c, now, e->text);
        } else if (strncmp(e->text, "AUTH_FAILED", 11) == 0) {
            c->failed = true;
        }
        break;
    case SESSION_EV_FAILED:
    case SESSION_EV_RENEG_FAILED:
        c->failed = true;
        break;
    default:
        break;
    }
}

static void client_flush(struct run *r, struct client *c, struct clock_now now)
{
    struct session_event e;
    uint8_t packet[SESSION_PACKET_MAX];
    while (session_next_event(c->session, &e)) {
        client_event(r, c, now, &e);
    }
    size_t len;
    while ((len = session_send(c->session, now, packet)) > 0) {
        (void)!send(c->fd, packet, len, 0);
    }
    if (c->failed) {
        r->failed++;
        client_stop(c);
        return;
    }
    const struct handshakes_options *o = &r->h->options;
    if (c->state == WORKING && c->pushed && c->keys > c->renegotiations) {
        if (c->renegotiations < o->renegotiate) {
            c->renegotiations++;
            BUG_ON(session_renegotiate(c->session, now));
            client_flush(r, c, now);
            return;
        }
        if (r->completed < o->count) {
            r->latency[r->completed] = now.mono_ms - c->began_ms;
        }
        r->completed++;
        c->state = HOLDING;
        c->until_ms = now.mono_ms + (uint64_t)o->hold_s * 1000;
    }
}

static void client_tick(struct run *r, struct client *c, struct clock_now now)
{
    if (c->push_at_ms <= now.mono_ms) {
        c->push_at_ms = now.mono_ms + PUSH_REPEAT_MS;
        (void)session_message(c->session, now, "PUSH_REQUEST");
    }
    if (session_deadline(c->session) <= now.mono_ms) {
        session_tick(c->session, now);
    }
    client_flush(r, c, now);
    if (c->state == HOLDING && now.mono_ms >= c->until_ms && session_idle(c->session)) {
        client_stop(c);
    }
}

static void client_readable(struct run *r, struct client *c, struct clock_now now)
{
    uint8_t packet[SESSION_PACKET_MAX];
    ssize_t n;
    while (c->session && (n = recv(c->fd, packet, sizeof packet, 0)) > 0) {
        int err = session_receive(c->session, now, packet, (size_t)n);
        if (err && r->h->options.verbose) {
            printf("client: packet of %zd bytes, first byte %02x, dropped: %d\n", n, packet[0], err);
        }
        client_flush(r, c, now);
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int report(struct run *r, uint64_t ms)
{
    unsigned n = r->completed < r->h->options.count ? r->completed : r->h->options.count;
    qsort(r->latency, n, sizeof r->latency[0], compare);
    printf("handshakes: %u completed, %u failed, %.2f s, %.1f per second", r->completed, r->failed,
           (double)ms / 1000, ms ? (double)r->completed * 1000 / (double)ms : 0.0);
    if (n > 0) {
        printf(", latency ms median %llu p99 %llu max %llu", (unsigned long long)r->latency[n / 2],
               (unsigned long long)r->latency[(n * 99) / 100], (unsigned long long)r->latency[n - 1]);
    }
    printf("\n");
    return r->completed >= r->h->options.count ? 0 : 1;
}

int handshakes_client_run(const struct handshakes *h)
{
    const struct handshakes_options *o = &h->options;
    struct run r = {.h = h, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    r.clients = mem_array(o->parallel, sizeof *r.clients);
    r.latency = mem_array(o->count, sizeof *r.latency);
    struct clock_now now = clock_read();
    uint64_t began = now.mono_ms;
    uint64_t last = began;
    unsigned busy = 1;
    while (busy > 0 && now.mono_ms - began < (uint64_t)o->timeout_s * 1000) {
        uint64_t next = now.mono_ms + 1000;
        busy = 0;
        for (unsigned i = 0; i < o->parallel; i++) {
            struct client *c = &r.clients[i];
            if (c->state == IDLE && r.started < o->count + r.failed && r.failed <= o->count) {
                client_start(&r, c, now);
            }
            if (c->state != IDLE) {
                client_tick(&r, c, now);
            }
            if (c->state != IDLE) {
                uint64_t due = session_deadline(c->session);
                due = c->push_at_ms < due ? c->push_at_ms : due;
                due = c->state == HOLDING && c->until_ms < due ? c->until_ms : due;
                next = due < next ? due : next;
                busy++;
            } else if (r.started < o->count + r.failed && r.failed <= o->count) {
                busy++;
                next = now.mono_ms;
            }
        }
        last = r.completed < o->count ? now.mono_ms : last;
        struct epoll_event events[EVENTS_MAX];
        int wait = next > now.mono_ms ? (int)(next - now.mono_ms) : 0;
        int n = epoll_wait(r.epoll, events, EVENTS_MAX, wait);
        now = clock_read();
        for (int i = 0; i < n; i++) {
            client_readable(&r, events[i].data.ptr, now);
        }
    }
    for (unsigned i = 0; i < o->parallel; i++) {
        if (r.clients[i].state != IDLE) {
            client_stop(&r.clients[i]);
        }
    }
    int status = report(&r, last - began);
    close(r.epoll);
    free(r.clients);
    free(r.latency);
    return status;
}
