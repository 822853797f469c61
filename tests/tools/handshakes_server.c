/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "handshakes.h"
#include "session/cookie.h"
#include "session/negotiate.h"
#include "wire/opcode.h"

#define CLIENTS_MAX 4096

struct served {
    bool used;
    bool failed;
    bool pushed;
    bool key_waits;
    unsigned keys;
    union addr address;
    struct session *session;
    struct negotiated outcome;
    struct negotiate_peer peer;
};

struct server {
    const struct handshakes *h;
    int fd;
    struct cookie_jar jar;
    struct cookie_filter filter;
    struct served *clients;
    unsigned completed;
};

static void export_key(struct served *c, uint8_t key_id)
{
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    c->failed = c->failed || session_export_keys(c->session, key_id, c->outcome.derivation, material);
    c->keys++;
}

static void push(struct server *sv, struct served *c, struct clock_now now)
{
    char flags[NEGOTIATE_TEXT_MAX];
    char text[SESSION_MESSAGE_MAX];
    negotiate_flags_option(&c->peer, &c->outcome, flags);
    snprintf(text, sizeof text, "PUSH_REPLY,ping 10,ping-restart 60,ifconfig 10.8.0.2 255.255.255.0,topology subnet%s%s%s,"
                                "cipher %s",
             c->outcome.data_v2 ? ",peer-id 0" : "", flags[0] ? "," : "", flags, c->outcome.cipher);
    if (c->outcome.dynamic_crypt && session_enable_dynamic_crypt(c->session, now)) {
        c->failed = true;
    }
    if (!c->pushed && c->key_waits) {
        export_key(c, 0);
        sv->completed++;
    }
    c->pushed = true;
    (void)session_message(c->session, now, text);
}

static void served_event(struct server *sv, struct served *c, struct clock_now now, const struct session_event *e)
{
    const char *refusal;
    handshakes_event_print(sv->h, "server:", e);
    switch (e->type) {
    case SESSION_EV_KEY_EXCHANGE: {
        struct negotiate_policy policy = {.data_ciphers = CIPHER_LIST_DEFAULT, .proto = NEGOTIATE_PROTO_CLIENT};
        if (e->first) {
            negotiate_peer_parse(e->peer_info, e->options_string, &c->peer);
            c->failed = negotiate_server(&policy, &c->peer, &c->outcome, &refusal) != 0;
        }
        bool good = !sv->h->options.username ||
                    (e->username && strcmp(e->username, sv->h->options.username) == 0 && e->password &&
                     strcmp(e->password, sv->h->options.password) == 0);
        session_authorize(c->session, now, e->key_id, good ? SESSION_AUTH_OK : SESSION_AUTH_FAILED);
        if (!good) {
            (void)session_message(c->session, now, "AUTH_FAILED");
        }
        break;
    }
    case SESSION_EV_KEYS_READY:
        if (e->first) {
            c->key_waits = true;
        } else {
            export_key(c, e->key_id);
        }
        break;
    case SESSION_EV_MESSAGE:
        if (strcmp(e->text, "PUSH_REQUEST") == 0 && c->key_waits) {
            push(sv, c, now);
        }
        break;
    case SESSION_EV_FAILED:
        c->failed = true;
        break;
    default:
        break;
    }
}

static void send_to(const struct server *sv, const union addr *to, const uint8_t *packet, size_t len)
{
    (void)!sendto(sv->fd, packet, len, 0, &to->any, addr_size(to));
}

static void served_flush(struct server *sv, struct served *c, struct clock_now now)
{
    struct session_event e;
    uint8_t packet[SESSION_PACKET_MAX];
    size_t len;
    while (session_next_event(c->session, &e)) {
        served_event(sv, c, now, &e);
    }
    while ((len = session_send(c->session, now, packet)) > 0) {
        send_to(sv, &c->address, packet, len);
    }
    if (c->failed) {
        session_free(c->session);
        memset(c, 0, sizeof *c);
    }
}

static struct served *find(struct server *sv, const union addr *from, const uint8_t *packet, size_t len)
{
    uint8_t own[SESSION_ID_SIZE];
    uint8_t peer[SESSION_ID_SIZE];
    for (size_t i = 0; len >= 9 && i < CLIENTS_MAX; i++) {
        struct served *c = &sv->clients[i];
        if (c->used && addr_equal(&c->address, from)) {
            session_ids(c->session, own, peer);
            if (memcmp(peer, packet + 1, SESSION_ID_SIZE) == 0) {
                return c;
            }
        }
    }
    return NULL;
}

static void receive_unknown(struct server *sv, struct clock_now now, const union addr *from, const uint8_t *packet,
                            size_t len)
{
    struct cookie_verdict v;
    cookie_decide(&sv->filter, now, from, packet, len, &v);
    if (v.action == COOKIE_REPLY) {
        send_to(sv, from, v.reply, v.reply_len);
    } else if (v.action == COOKIE_DROP && sv->h->options.verbose) {
        printf("server: packet of %zu bytes, first byte %02x, dropped: reason %d\n", len, packet[0], (int)v.reason);
    }
    for (size_t i = 0; v.action == COOKIE_ACCEPT && i < CLIENTS_MAX; i++) {
        struct served *c = &sv->clients[i];
        if (!c->used) {
            c->used = true;
            c->address = *from;
            BUG_ON(session_new(&sv->h->config, &v.open, now, &c->session));
            (void)session_receive(c->session, now, packet, len);
            served_flush(sv, c, now);
            break;
        }
    }
    secret_free(&v.open.client_key);
}

static void readable(struct server *sv, struct clock_now now)
{
    uint8_t packet[SESSION_PACKET_MAX];
    struct sockaddr_storage ss;
    socklen_t size = sizeof ss;
    ssize_t n;
    while ((n = recvfrom(sv->fd, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&ss, &size)) > 0) {
        union addr from;
        if (addr_from_sockaddr(&from, (struct sockaddr *)&ss, size) == 0 && !opcode_is_data(opcode_of(packet[0]))) {
            struct served *c = find(sv, &from, packet, (size_t)n);
            if (c) {
                int err = session_receive(c->session, now, packet, (size_t)n);
                if (err && sv->h->options.verbose) {
                    printf("server: packet of %zd bytes, first byte %02x, dropped: %d\n", n, packet[0], err);
                }
                served_flush(sv, c, now);
            } else {
                receive_unknown(sv, now, &from, packet, (size_t)n);
            }
        }
        size = sizeof ss;
    }
}

int handshakes_server_run(const struct handshakes *h)
{
    const struct handshakes_options *o = &h->options;
    struct server sv = {.h = h, .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    if (inet_pton(AF_INET, o->host, &at.sin_addr) != 1 || bind(sv.fd, (struct sockaddr *)&at, sizeof at) < 0) {
        perror("handshakes: bind");
        return 2;
    }
    cookie_jar_init(&sv.jar, rand_system(), 60);
    sv.filter = (struct cookie_filter){.jar = &sv.jar, .wrap = h->wrap};
    sv.clients = mem_array(CLIENTS_MAX, sizeof *sv.clients);
    struct clock_now now = clock_read();
    uint64_t end = now.mono_ms + (uint64_t)o->timeout_s * 1000;
    uint64_t leave = CLOCK_NEVER;
    while (now.mono_ms < end && now.mono_ms < leave) {
        uint64_t next = now.mono_ms + 200;
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
            struct served *c = &sv.clients[i];
            if (c->used && session_deadline(c->session) <= now.mono_ms) {
                session_tick(c->session, now);
                served_flush(&sv, c, now);
            }
            if (c->used && session_deadline(c->session) < next) {
                next = session_deadline(c->session);
            }
        }
        struct pollfd p = {.fd = sv.fd, .events = POLLIN};
        (void)poll(&p, 1, next > now.mono_ms ? (int)(next - now.mono_ms) : 0);
        now = clock_read();
        readable(&sv, now);
        if (leave == CLOCK_NEVER && o->count && sv.completed >= o->count) {
            leave = now.mono_ms + (uint64_t)o->hold_s * 1000 + 1000;
        }
    }
    unsigned keys = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        keys += sv.clients[i].keys;
        session_free(sv.clients[i].session);
    }
    printf("handshakes: %u clients served, %u keys alive\n", sv.completed, keys);
    close(sv.fd);
    free(sv.clients);
    return o->count == 0 || sv.completed >= o->count ? 0 : 1;
}
