/* SPDX-License-Identifier: MIT */
/*
 * A server data plane with several workers under traffic, while control does to its peers everything that it can do:
 * new keys, swaps, moves, floats, removal and return, routes, a device that goes and comes back. Made for
 * ThreadSanitizer, but also checks that every client can still be talked to in the end.
 *
 *   stress [SECONDS]     (default 2)
 *
 *   traffic thread <--socket pairs--> [server, 3 workers] <--UDP, TCP--> [clients] <--socket pairs--> traffic thread
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/span.h"
#include "dp/dp.h"

#define WORKERS 3
#define CLIENTS 5
#define FIRST_TCP 3 /* clients from this one on use TCP */
#define PACKET 300

struct client {
    struct dp *dp;
    struct dp_peer here;    /* the client's view */
    struct dp_peer there;   /* the server's */
    int device;
    unsigned key_id;
    unsigned keys;          /* made so far */
    bool gone;              /* waiting for DP_EV_PEER_GONE */
};

static struct dp *server;
static struct client clients[CLIENTS];
static int queues[WORKERS];
static union addr server_address;
static uint32_t server_listener;
static atomic_bool stop;
static atomic_ulong received;
static struct rand_seeded dice;

static unsigned pick(unsigned limit)
{
    return rand_below(&dice.source, limit);
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "stress: %s failed: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* ------------------------------------------------------------------ sockets and devices */

static int udp_socket(union addr *address, bool shared)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(*address);
    must(fd >= 0 && (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
             bind(fd, &address->any, sizeof(address->v4)) == 0 && getsockname(fd, &address->any, &len) == 0,
         "UDP socket");
    return fd;
}

static union addr loopback(void)
{
    union addr a;
    memset(&a, 0, sizeof(a));
    a.v4.sin_family = AF_INET;
    a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void attach(struct dp *dp, int *ends, unsigned count)
{
    struct dp_device device = {.queues = count, .mtu = 1500};
    for (unsigned i = 0; i < count; i++) {
        int pair[2];
        must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        device.fds[i] = pair[0];
        if (ends[i] > 0) { /* the traffic thread goes on with the same number */
            must(dup2(pair[1], ends[i]) >= 0, "dup2");
            (void)close(pair[1]);
        } else {
            ends[i] = pair[1];
        }
    }
    must(dp_device_attach(dp, &device) == 0, "attach");
}

static void tcp_pair(uint32_t *at_server, struct client *c, uint32_t *at_client)
{
    union addr address = loopback();
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(listener, &address.any, sizeof(address.v4)) == 0 && listen(listener, 1) == 0 &&
             getsockname(listener, &address.any, &len) == 0 && connect(fd, &address.any, sizeof(address.v4)) == 0,
         "TCP socket");
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    must(accepted >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "accept");
    (void)close(listener);
    must(dp_conn_add(server, accepted, NULL, 0, at_server) == 0 && dp_conn_add(c->dp, fd, NULL, 0, at_client) == 0,
         "connection");
}

/* ------------------------------------------------------------------ peers */

static struct dp_key key_of(unsigned client, unsigned number, unsigned key_id, bool mirrored)
{
    static const char *const ciphers[] = {"AES-256-GCM", "CHACHA20-POLY1305", "AES-256-CBC", "AES-128-GCM"};
    struct dp_key key = {.key_id = (uint8_t)key_id, .auth = "SHA1", .cipher = ciphers[(client + number) % 4]};
    struct rand_seeded r;
    rand_seeded_init(&r, client * 100000u + number);
    rand_fill(&r.source, &key.tx, sizeof(key.tx));
    rand_fill(&r.source, &key.rx, sizeof(key.rx));
    key.format = (client + number) % 4 == 2   ? DP_FORMAT_CBC
                 : (client + number) % 4 == 3 ? DP_FORMAT_EPOCH
                                              : DP_FORMAT_AEAD;
    if (mirrored) {
        struct dp_key_half tx = key.tx;
        key.tx = key.rx;
        key.rx = tx;
    }
    return key;
}

static void set_key(unsigned i, enum dp_key_slot slot)
{
    struct client *c = &clients[i];
    c->keys++;
    struct dp_key here = key_of(i, c->keys, c->key_id, false);
    struct dp_key there = key_of(i, c->keys, c->key_id, true);
    must(dp_key_new(server, i, slot, &there) == 0 && dp_key_new(c->dp, i, slot, &here) == 0, "key");
}

static void add_route(unsigned i)
{
    struct dp_route route = {0};
    char text[32];
    (void)snprintf(text, sizeof(text), "10.8.0.%u/32", i + 10);
    must(prefix_parse(text, &route.net) == 0 && dp_route_add(server, &route, i) == 0, "route");
}

static void add_at_server(unsigned i)
{
    struct client *c = &clients[i];
    must(dp_peer_new(server, &c->there) == 0, "peer");
    add_route(i);
    c->key_id = (c->key_id + 1) % 8;
    set_key(i, DP_KEY_PRIMARY);
}

static void add_client(unsigned i)
{
    struct client *c = &clients[i];
    struct dp_config config = {.mode = DP_MODE_P2P, .workers = 1};
    must(dp_open(&config, &c->dp) == 0, "client");
    c->here = (struct dp_peer){.id = i, .tx_id = i, .replay_window = 64, .keepalive_interval_s = 1};
    c->there = (struct dp_peer){.id = i, .tx_id = i, .may_float = i < FIRST_TCP, .tx_ordered = true,
                                .keepalive_timeout_s = 60, .mssfix = 1400};
    if (i >= FIRST_TCP) {
        tcp_pair(&c->there.path.conn, c, &c->here.path.conn);
    } else {
        union addr own = loopback();
        int fd = udp_socket(&own, false);
        must(dp_listener_add(c->dp, &fd, 1, false, NULL, NULL, &c->here.path.listener) == 0, "listener");
        c->here.path.remote = server_address;
        c->there.path.listener = server_listener;
        c->there.path.remote = own;
    }
    must(dp_peer_new(c->dp, &c->here) == 0, "peer");
    add_at_server(i);
    attach(c->dp, &c->device, 1);
}

/* ------------------------------------------------------------------ traffic */

static void fill_packet(uint8_t *p, unsigned client, bool up)
{
    memset(p, 0, PACKET);
    p[0] = 0x45;
    be16_store(p + 2, PACKET);
    p[8] = 64;
    p[9] = 17;
    uint32_t ends[2] = {0x0A080000u + client + 10, 0x0A080001u};
    be32_store(p + 12, ends[!up]);
    be32_store(p + 16, ends[up]);
}

static void *traffic(void *arg)
{
    (void)arg;
    uint8_t packet[PACKET];
    uint8_t got[4096];
    for (unsigned n = 0; !atomic_load(&stop); n++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            fill_packet(packet, i, true);
            (void)!send(clients[i].device, packet, PACKET, MSG_DONTWAIT | MSG_NOSIGNAL);
            fill_packet(packet, i, false);
            (void)!send(queues[n % WORKERS], packet, PACKET, MSG_DONTWAIT | MSG_NOSIGNAL);
            while (recv(clients[i].device, got, sizeof(got), MSG_DONTWAIT) > 0) {
                atomic_fetch_add(&received, 1);
            }
        }
        for (unsigned i = 0; i < WORKERS; i++) {
            while (recv(queues[i], got, sizeof(got), MSG_DONTWAIT) > 0) {
                atomic_fetch_add(&received, 1);
            }
        }
        if (n % 16 == 0) {
            struct pollfd p = {.fd = queues[0], .events = POLLIN};
            (void)poll(&p, 1, 1);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ control */

static void on_event(const struct dp_event *event, void *arg)
{
    (void)arg;
    if (event->type == DP_EV_PEER_GONE && clients[event->peer].gone) {
        clients[event->peer].gone = false;
        add_at_server(event->peer);
    }
}

static void ignore(const struct dp_event *event, void *arg)
{
    (void)event;
    (void)arg;
}

static void drain_all(void)
{
    (void)dp_drain(server, on_event, NULL, 256);
    for (unsigned i = 0; i < CLIENTS; i++) {
        (void)dp_drain(clients[i].dp, ignore, NULL, 256);
    }
}

static void rekey(unsigned i)
{
    clients[i].key_id = (clients[i].key_id + 1) % 8;
    set_key(i, DP_KEY_SECONDARY);
    must(dp_key_swap(server, i) == 0 && dp_key_swap(clients[i].dp, i) == 0, "swap");
    if (pick(2)) {
        must(dp_key_del(server, i, DP_KEY_SECONDARY) == 0, "key removal");
    }
}

static void float_client(unsigned i)
{
    struct client *c = &clients[i];
    union addr own = loopback();
    int fd = udp_socket(&own, false);
    uint32_t old = c->here.path.listener;
    must(dp_listener_add(c->dp, &fd, 1, false, NULL, NULL, &c->here.path.listener) == 0, "listener");
    must(dp_peer_move(c->dp, i, &c->here.path) == 0, "move");
    dp_listener_del(c->dp, old);
    c->there.path.remote = own; /* where it will be found when it is added again */
}

static void act(unsigned i)
{
    struct dp_stats stats;
    struct dp_peer_stats peer_stats;
    struct client *c = &clients[i];
    switch (pick(10)) {
    case 0:
    case 1:
    case 2:
        rekey(i);
        break;
    case 3:
        if (i < FIRST_TCP) {
            float_client(i);
        }
        break;
    case 4:
        must(dp_peer_del(server, i) == 0, "removal");
        c->gone = true;
        break;
    case 5:
        add_route(i);
        break;
    case 6:
        c->there.mssfix = 1000 + pick(400);
        must(dp_peer_set(server, &c->there, DP_SET_MSSFIX | DP_SET_KEEPALIVE) == 0, "settings");
        break;
    case 7:
        dp_stats(server, &stats);
        (void)dp_peer_stats(server, i, &peer_stats);
        break;
    case 8:
        (void)dp_payload_send(server, i, "no IP packet", 12);
        break;
    default:
        if (pick(20) == 0) {
            dp_device_detach(server);
            attach(server, queues, WORKERS);
        }
        break;
    }
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wait until packets went both ways for every client. */
static bool all_alive(void)
{
    for (unsigned round = 0; round < 100; round++) {
        unsigned alive = 0;
        drain_all();
        for (unsigned i = 0; i < CLIENTS; i++) {
            struct dp_peer_stats before;
            struct dp_peer_stats after;
            if (clients[i].gone || dp_peer_stats(server, i, &before)) {
                continue;
            }
            (void)poll(NULL, 0, 20);
            (void)dp_peer_stats(server, i, &after);
            alive += after.tunnel_rx_packets > before.tunnel_rx_packets &&
                     after.tunnel_tx_packets > before.tunnel_tx_packets;
        }
        if (alive == CLIENTS) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    double limit = argc > 1 ? atof(argv[1]) : 2;
    struct dp_config config = {.mode = DP_MODE_MULTIPOINT, .workers = WORKERS, .max_peers = 16};
    int fds[WORKERS];
    rand_seeded_init(&dice, 1);
    server_address = loopback();
    for (unsigned i = 0; i < WORKERS; i++) {
        fds[i] = udp_socket(&server_address, true);
    }
    must(dp_open(&config, &server) == 0, "server");
    must(dp_listener_add(server, fds, WORKERS, false, NULL, NULL, &server_listener) == 0, "listener");
    attach(server, queues, WORKERS);
    for (unsigned i = 0; i < CLIENTS; i++) {
        add_client(i);
    }
    pthread_t thread;
    must(pthread_create(&thread, NULL, traffic, NULL) == 0, "thread");
    unsigned long actions = 0;
    for (double until = seconds() + limit; seconds() < until;) {
        unsigned i = pick(CLIENTS);
        if (!clients[i].gone) {
            act(i);
            actions++;
        }
        drain_all();
        (void)poll(NULL, 0, 1);
    }
    bool alive = all_alive();
    atomic_store(&stop, true);
    (void)pthread_join(thread, NULL);
    (void)printf("%lu actions, %lu packets carried, %s\n", actions, atomic_load(&received),
                 alive ? "all clients alive" : "NOT all clients alive");
    for (unsigned i = 0; i < CLIENTS; i++) {
        dp_close(clients[i].dp);
        (void)close(clients[i].device);
    }
    dp_close(server);
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)close(queues[i]);
    }
    return alive && atomic_load(&received) > 100 ? 0 : 1;
}
