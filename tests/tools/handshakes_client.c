/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "handshakes.h"
#include "session/negotiate.h"

#define EVENTS_MAX 256
#define PUSH_REPEAT_MS 5000

enum state { IDLE, WORKING, HOLDING };

#define HOLDING_LOOK_MS 100 /* a tenth of those who hold is looked at so often */
#define HOLDING_PARTS 10

struct client {
    enum state state;
    struct link link;
    struct session *session;
    uint64_t began_ms;
    uint64_t until_ms;    /* HOLDING */
    uint64_t push_at_ms;  /* next PUSH_REQUEST */
    uint64_t ping_at_ms;  /* HOLDING: next keepalive */
    struct pinger_key ping;
    char cipher[64];
    uint32_t peer_id;
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
    unsigned working;     /* entries of @busy */
    struct client **busy; /* clients that shake hands, and some that have just ended */
    unsigned holding;
    unsigned part;        /* of those who hold: looked at next */
    uint64_t look_at_ms;
    struct pinger *pinger;
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
    link_open(&c->link, o, r->started);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    BUG_ON(epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->link.fd, &ev));
    struct session_open open = {.hooks = {.credentials = credentials, .arg = (void *)(uintptr_t)r->h}};
    BUG_ON(session_new(&r->h->config, &open, now, &c->session));
    c->state = WORKING;
    c->began_ms = now.mono_ms;
    c->push_at_ms = CLOCK_NEVER;
    r->started++;
}

static void client_stop(struct run *r, struct client *c)
{
    r->holding -= c->state == HOLDING;
    session_free(c->session);
    pinger_key_free(&c->ping);
    link_close(&c->link, r->h->options.reset);
    c->session = NULL;
    c->state = IDLE;
}

static void export_key(struct run *r, struct client *c, uint8_t key_id)
{
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    if (session_export_keys(c->session, key_id, c->derivation, material)) {
        c->failed = true;
    } else if (r->pinger && key_id == 0) {
        pinger_key_set(r->pinger, &c->ping, material, c->cipher, c->peer_id);
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

static void push_reply(struct run *r, struct client *c, struct clock_now now, const char *reply)
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
    snprintf(c->cipher, sizeof c->cipher, "%s", outcome.cipher);
    c->peer_id = pushed.has_peer_id ? (uint32_t)strtoul(peer_id, NULL, 10) : 0xFFFFFF;
    if (outcome.dynamic_crypt && session_enable_dynamic_crypt(c->session, now)) {
        c->failed = true;
    }
    if (c->key_waits) {
        export_key(r, c, 0);
    }
}

static void client_event(struct run *r, struct client *c, struct clock_now now, const struct session_event *e)
{
    handshakes_event_print(r->h, "client:", e);
    switch (e->type) {
    case SESSION_EV_KEY_EXCHANGE:
        session_authorize(c->session, now, e->key_id, SESSION_AUTH_OK);
        break;
    case SESSION_EV_ACTIVE:
        if (e->first) {
            c->push_at_ms = now.mono_ms;
        }
        break;
    case SESSION_EV_KEYS_READY:
        if (e->first && !c->pushed) {
            c->key_waits = true;
        } else {
            export_key(r, c, e->key_id);
        }
        break;
    case SESSION_EV_MESSAGE:
        if (strncmp(e->text, "PUSH_REPLY", 10) == 0) {
            push_reply(r, c, now, e->text);
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
        c->failed |= !link_send(&c->link, packet, len);
    }
    if (c->failed) {
        r->failed++;
        client_stop(r, c);
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
        r->holding++;
        if (r->completed <= o->deaf) {
            BUG_ON(epoll_ctl(r->epoll, EPOLL_CTL_DEL, c->link.fd, NULL));
        }
        c->ping_at_ms = now.mono_ms + (uint64_t)o->ping_s * 1000 * (r->completed % 100) / 100; /* spread */
        c->until_ms = now.mono_ms + (uint64_t)o->hold_s * 1000;
    }
    if (c->state == HOLDING && o->hold_s == 0 && session_idle(c->session)) {
        client_stop(r, c);
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
    if (c->state == HOLDING && r->pinger && c->ping_at_ms <= now.mono_ms) {
        c->ping_at_ms = now.mono_ms + (uint64_t)r->h->options.ping_s * 1000;
        pinger_send(r->pinger, &c->ping, &c->link);
    }
    if (c->state == HOLDING && now.mono_ms >= c->until_ms && session_idle(c->session)) {
        client_stop(r, c);
    }
}

static void client_readable(struct run *r, struct client *c, struct clock_now now)
{
    uint8_t packet[SESSION_PACKET_MAX];
    ssize_t n;
    while (c->session && (n = link_receive(&c->link, packet)) != 0) {
        if (n < 0) {
            c->failed = true;
            client_flush(r, c, now);
            return;
        }
        if (c->state == HOLDING && packet[0] >> 3 == 9) {
            continue; /* the server's keepalives */
        }
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

static void report(struct run *r, uint64_t ms)
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
}

static bool may_start(const struct run *r)
{
    return r->started < r->h->options.count + r->failed && r->failed <= r->h->options.count;
}

/* Start clients and drive those that shake hands. Return: when the next of them has to be looked at. */
static uint64_t drive_working(struct run *r, struct clock_now now)
{
    uint64_t next = now.mono_ms + HOLDING_LOOK_MS;
    for (unsigned i = 0; may_start(r) && r->working + r->holding < r->h->options.parallel; i++) {
        struct client *c = &r->clients[i];
        if (c->state == IDLE) {
            client_start(r, c, now);
            r->busy[r->working++] = c;
        }
    }
    for (unsigned i = 0; i < r->working;) {
        struct client *c = r->busy[i];
        if (c->state == WORKING) {
            client_tick(r, c, now);
        }
        if (c->state == WORKING) {
            uint64_t due = session_deadline(c->session);
            due = c->push_at_ms < due ? c->push_at_ms : due;
            next = due < next ? due : next;
            i++;
        } else {
            r->busy[i] = r->busy[--r->working];
        }
    }
    return next;
}

static void drive_holding(struct run *r, struct clock_now now)
{
    if (now.mono_ms < r->look_at_ms || r->holding == 0) {
        return;
    }
    r->look_at_ms = now.mono_ms + HOLDING_LOOK_MS;
    r->part = (r->part + 1) % HOLDING_PARTS;
    for (unsigned i = r->part; i < r->h->options.parallel; i += HOLDING_PARTS) {
        if (r->clients[i].state == HOLDING) {
            client_tick(r, &r->clients[i], now);
        }
    }
}

static void wait_for_packets(struct run *r, uint64_t until_ms, struct clock_now *now)
{
    struct epoll_event events[EVENTS_MAX];
    int wait = until_ms > now->mono_ms ? (int)(until_ms - now->mono_ms) : 0;
    int n = epoll_wait(r->epoll, events, EVENTS_MAX, wait);
    *now = clock_read();
    for (int i = 0; i < n; i++) {
        client_readable(r, events[i].data.ptr, *now);
    }
}

int handshakes_client_run(const struct handshakes *h)
{
    const struct handshakes_options *o = &h->options;
    struct run r = {.h = h, .epoll = epoll_create1(EPOLL_CLOEXEC), .pinger = o->ping_s ? pinger_new() : NULL};
    struct rlimit files = {.rlim_cur = o->parallel + 64, .rlim_max = o->parallel + 64};
    (void)setrlimit(RLIMIT_NOFILE, &files); /* without the right, socket() will say so */
    r.clients = mem_array(o->parallel, sizeof *r.clients);
    r.busy = mem_array(o->parallel, sizeof(struct client *));
    r.latency = mem_array(o->count, sizeof *r.latency);
    struct clock_now now = clock_read();
    uint64_t began = now.mono_ms;
    uint64_t last = 0;
    bool said = false;
    do {
        uint64_t next = drive_working(&r, now);
        drive_holding(&r, now);
        if (r.completed >= o->count && !said) {
            last = now.mono_ms;
            said = true;
            report(&r, last - began);
            fflush(stdout);
        }
        wait_for_packets(&r, next, &now);
    } while ((r.working > 0 || r.holding > 0 || may_start(&r)) && now.mono_ms - began < (uint64_t)o->timeout_s * 1000);
    if (!said) {
        report(&r, now.mono_ms - began);
    }
    for (unsigned i = 0; i < o->parallel; i++) {
        if (r.clients[i].state != IDLE) {
            client_stop(&r, &r.clients[i]);
        }
    }
    close(r.epoll);
    pinger_free(r.pinger);
    free(r.clients);
    free(r.busy);
    free(r.latency);
    return r.completed >= o->count ? 0 : 1;
}
