/* SPDX-License-Identifier: MIT */
/*
 * What a packet costs a server with 1, 100, 1,000 and 10,000 peers in its tables: CPU time of its worker per packet, in
 * both directions, with traffic of one peer and spread over all of them.
 *
 *   bench_peers [--json]
 *   bench_peers PEERS out|in|out_all|in_all|out_all_gcm|in_all_gcm     one of these alone, for a profiler: half a million packets
 *
 *   this program <--socket pair--> [server, N peers] <--UDP, one socket--> this program
 *
 * The peers use `cipher none`, so that nothing but tables, queues and system calls is left, and this program can be all
 * of them; the last columns are with AES-256-GCM. "One" peer's packets leave as one run that the kernel cuts; those of
 * different peers are a datagram each, which costs the kernel most of what is measured.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"
#include "crypto/aead.h"
#include "dp/dp.h"
#include "wire/csum.h"

#define SIZE 100
#define RECORD (8 + SIZE)      /* opcode and peer id, packet id, payload */
#define BATCH 64
#define PACKETS (64 * 1500)
#define PROFILE_PACKETS (64 * 8000)
#define REPEATS 5
#define WAYS 6
#define WAYS_PLAIN 4
#define RECORD_MAX (RECORD + 16) /* with a tag */
#define KEY_OUT 1                /* each byte of the keys */
#define KEY_IN 2
#define PEERS_MAX 10000

static struct dp *dp;
static int device;
static int udp;
static union addr server;
static uint32_t next_id[PEERS_MAX];
static unsigned peers;
static pid_t worker;

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "bench_peers: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* The kernel's clock of another thread's CPU time, as pthread_getcpuclockid() would make it of a pthread_t. */
static clockid_t cpu_clock_of(pid_t thread)
{
    return (clockid_t)((~(unsigned)thread << 3) | 6u);
}

/* The server's worker: the thread that gave itself this name. Return: its id, or 0. */
static pid_t find_worker(void)
{
    pid_t found = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        char path[320];
        char name[32] = "";
        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "r");
        if (f) {
            (void)!fgets(name, sizeof(name), f);
            (void)fclose(f);
        }
        found = strncmp(name, "vpnd-worker0", 12) == 0 ? atoi(e->d_name) : found;
    }
    if (tasks) {
        (void)closedir(tasks);
    }
    return found;
}

/* CPU time of the worker so far, nanoseconds. */
static double worker_ns(void)
{
    struct timespec t;
    must(clock_gettime(cpu_clock_of(worker), &t) == 0, "the worker's clock");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int udp_socket(union addr *address)
{
    int size = 8 * 1024 * 1024;
    socklen_t len = sizeof(*address);
    memset(address, 0, sizeof(*address));
    address->v4.sin_family = AF_INET;
    address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    must(fd >= 0 && bind(fd, &address->any, sizeof(address->v4)) == 0 && getsockname(fd, &address->any, &len) == 0,
         "socket");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size))) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    return fd;
}

static void add_peer(uint32_t id, uint32_t listener, const union addr *own, bool sealed)
{
    struct dp_peer peer = {.id = id, .tx_id = id, .path = {.listener = listener, .remote = *own}};
    struct dp_key key = {.format = DP_FORMAT_CBC, .cipher = "none", .auth = "none"};
    if (sealed) {
        key = (struct dp_key){.format = DP_FORMAT_AEAD, .cipher = "AES-256-GCM"};
        memset(key.tx.cipher, KEY_OUT, sizeof(key.tx.cipher));
        memset(key.rx.cipher, KEY_IN, sizeof(key.rx.cipher));
    }
    struct dp_route route = {.net = {.bits = 32}};
    route.net.addr = ip4_from_u32(0x0A000000u + id);
    must(dp_peer_new(dp, &peer) == 0 && dp_key_new(dp, id, DP_KEY_PRIMARY, &key) == 0 &&
             dp_route_add(dp, &route, id) == 0,
         "peer");
    next_id[id] = 1;
}

/* A pair of sockets in place of the device. Return: the server's end. */
static int device_pair(void)
{
    int pair[2];
    int size = 4 * 1024 * 1024;
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    device = pair[1];
    return pair[0];
}

static void await_worker(void)
{
    worker = 0;
    for (unsigned i = 0; i < 200 && !worker; i++) {
        (void)poll(NULL, 0, 5);
        worker = find_worker();
    }
    must(worker != 0, "no worker");
}

static void open_server(unsigned count, bool sealed)
{
    struct dp_config config = {.mode = DP_MODE_MULTIPOINT, .workers = 1, .max_peers = PEERS_MAX};
    union addr own;
    uint32_t listener;
    peers = count;
    udp = udp_socket(&own);
    int fd = udp_socket(&server);
    must(dp_open(&config, &dp) == 0 && dp_listener_add(dp, &fd, 1, false, NULL, NULL, &listener) == 0, "server");
    for (uint32_t i = 0; i < count; i++) {
        add_peer(i, listener, &own, sealed);
    }
    struct dp_device d = {.fds = {device_pair()}, .queues = 1, .mtu = 1500};
    must(dp_device_attach(dp, &d) == 0, "device");
    await_worker();
}

static void close_server(void)
{
    dp_close(dp);
    (void)close(device);
    (void)close(udp);
}

static void fill_packet(uint8_t *p, uint32_t from, uint32_t to)
{
    memset(p, 0, SIZE);
    p[0] = 0x45;
    be16_store(p + 2, SIZE);
    p[8] = 64;
    p[9] = 17;
    be32_store(p + 12, from);
    be32_store(p + 16, to);
    csum_ip4_header(p, 20);
}

/* Take what arrived. Return: packets. */
static unsigned drain(int fd)
{
    uint8_t buffer[65536];
    unsigned n = 0;
    while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
        n++;
    }
    return n;
}

/* A record of a peer with AES-256-GCM. All have equal keys here; the server has one for each. */
static void seal(uint8_t *record, const uint8_t *payload)
{
    static struct aead_engine *engine;
    static struct aead_worker *scratch;
    static struct aead_key *key;
    uint8_t raw[32];
    if (!engine) {
        memset(raw, KEY_IN, sizeof(raw));
        must(aead_engine_new("auto", &engine) == 0 && aead_key_new(engine, "AES-256-GCM", raw, &key) == 0, "AEAD");
        scratch = aead_worker_new(engine);
    }
    struct aead_op op = {.in = payload, .out = record + 24, .tag = record + 8, .aad = record, .aad_len = 8, .len = SIZE};
    memcpy(op.nonce, record + 4, 4);
    must(aead_seal(scratch, key, &op, 1) == 1, "seal");
}

static unsigned peer_of(unsigned i, bool spread)
{
    return spread ? (unsigned)(((uint64_t)i * 2654435761u) % peers) : 0;
}

/* Send a batch and wait until all of it came out at the other side. */
static void carry(bool up, bool spread, bool sealed, unsigned first)
{
    uint8_t record[RECORD_MAX];
    uint8_t packet[SIZE];
    for (unsigned i = 0; i < BATCH; i++) {
        uint32_t peer = peer_of(first + i, spread);
        if (up) {
            be32_store(record, 0x48000000u | peer);
            be32_store(record + 4, next_id[peer]++);
            fill_packet(sealed ? packet : record + 8, 0x0A000000u + peer, 0xC0000201u);
            if (sealed) {
                seal(record, packet);
            }
            (void)!sendto(udp, record, sealed ? RECORD_MAX : RECORD, 0, &server.any, sizeof(server.v4));
        } else {
            fill_packet(record, 0xC0000201u, 0x0A000000u + peer);
            (void)!send(device, record, SIZE, 0);
        }
    }
    int out = up ? device : udp;
    for (unsigned got = 0; got < BATCH;) {
        struct pollfd p = {.fd = out, .events = POLLIN};
        if (poll(&p, 1, 200) != 1) {
            break; /* lost; the average will hardly notice */
        }
        got += drain(out);
    }
}

static double cost(bool up, bool spread, bool sealed, unsigned packets)
{
    double before = worker_ns();
    for (unsigned i = 0; i < packets; i += BATCH) {
        carry(up, spread, sealed, i);
    }
    return (worker_ns() - before) / packets;
}

static int profile(const char *count, const char *way)
{
    static const char *const ways[WAYS] = {"out", "in", "out_all", "in_all", "out_all_gcm", "in_all_gcm"};
    int n = atoi(count);
    for (unsigned what = 0; what < WAYS && n > 0 && n <= PEERS_MAX; what++) {
        if (strcmp(way, ways[what]) == 0) {
            bool sealed = what >= WAYS_PLAIN;
            open_server((unsigned)n, sealed);
            (void)printf("%.0f ns\n", cost(what & 1, sealed || what & 2, sealed, PROFILE_PACKETS));
            close_server();
            return 0;
        }
    }
    (void)fprintf(stderr, "usage: bench_peers [--json] | PEERS out|in|out_all|in_all|out_all_gcm|in_all_gcm\n");
    return 2;
}

/* ------------------------------------------------------------------ the kernel's part */

/** The same system calls on the way out, with nothing between them. */
struct kernel_only {
    int device;
    int udp;
    union addr to;
};

static void *relay(void *arg)
{
    struct kernel_only *k = arg;
    static uint8_t buffer[BATCH][RECORD];
    static struct iovec iov[BATCH];
    static struct mmsghdr out[BATCH];
    (void)prctl(PR_SET_NAME, "vpnd-worker0");
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, k->device, &event);
    while (epoll_wait(epoll, &event, 1, -1) == 1 && !(event.events & EPOLLHUP)) {
        unsigned n = 0;
        while (n < BATCH && read(k->device, buffer[n], RECORD) > 0) {
            iov[n] = (struct iovec){buffer[n], RECORD};
            out[n].msg_hdr = (struct msghdr){
                .msg_name = &k->to, .msg_namelen = sizeof(k->to.v4), .msg_iov = &iov[n], .msg_iovlen = 1};
            n++;
        }
        (void)sendmmsg(k->udp, out, n, MSG_DONTWAIT);
    }
    (void)close(epoll);
    return NULL;
}

static double kernel_cost(void)
{
    struct kernel_only k;
    pthread_t thread;
    peers = 1;
    udp = udp_socket(&k.to);
    k.udp = udp_socket(&server);
    k.device = device_pair();
    must(pthread_create(&thread, NULL, relay, &k) == 0, "thread");
    await_worker();
    double ns = cost(false, false, false, PACKETS);
    (void)close(device);
    (void)pthread_join(thread, NULL);
    (void)close(udp);
    (void)close(k.udp);
    (void)close(k.device);
    return ns;
}

/* ------------------------------------------------------------------ all of them */

static int ascending(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

static double median(double *values)
{
    qsort(values, REPEATS, sizeof(double), ascending);
    return values[REPEATS / 2];
}

static void measure(unsigned count, double results[WAYS][REPEATS], unsigned repeat)
{
    open_server(count, false);
    for (unsigned what = 0; what < WAYS_PLAIN; what++) {
        results[what][repeat] = cost(what & 1, what & 2, false, PACKETS);
    }
    close_server();
    open_server(count, true);
    for (unsigned what = WAYS_PLAIN; what < WAYS; what++) {
        results[what][repeat] = cost(what & 1, true, true, PACKETS);
    }
    close_server();
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = {1, 100, 1000, 10000};
    static double all[4][WAYS][REPEATS];
    double kernel[REPEATS];
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc == 3) {
        return profile(argv[1], argv[2]);
    }
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) { /* alternating, so that a busy moment hits all alike */
        kernel[repeat] = kernel_cost();
        for (unsigned n = 0; n < 4; n++) {
            measure(counts[n], all[n], repeat);
        }
    }
    if (json) {
        (void)printf("[{\"kernel_out\": %.0f}", median(kernel));
    } else {
        (void)printf("ns of the worker per packet of %u bytes; the kernel alone, a datagram each, out: %.0f\n", SIZE,
                     median(kernel));
        (void)printf("   peers   out, one    in, one   out, all    in, all   out, all, GCM   in, all, GCM\n");
    }
    for (unsigned n = 0; n < 4; n++) {
        double *m[WAYS] = {all[n][0], all[n][1], all[n][2], all[n][3], all[n][4], all[n][5]};
        (void)printf(json ? ", {\"peers\": %u, \"out\": %.0f, \"in\": %.0f, \"out_all\": %.0f, \"in_all\": %.0f, "
                            "\"out_all_gcm\": %.0f, \"in_all_gcm\": %.0f}"
                          : "%8u %10.0f %10.0f %10.0f %10.0f %15.0f %13.0f\n",
                     counts[n], median(m[0]), median(m[1]), median(m[2]), median(m[3]), median(m[4]), median(m[5]));
    }
    (void)printf(json ? "]\n" : "");
    return 0;
}
