/* SPDX-License-Identifier: MIT */
/*
 * What a packet costs a server with 1, 100, 1,000 and 10,000 peers in its tables: CPU time of its worker per packet, in
 * both directions, with traffic of one peer and spread over all of them.
 *
 *   bench_peers [--json]
 *
 *   this program <--socket pair--> [server, N peers] <--UDP, one socket--> this program
 *
 * The peers use `cipher none`, so that nothing but tables, queues and system calls is left, and this program can be all
 * of them.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"
#include "dp/dp.h"
#include "wire/csum.h"

#define SIZE 100
#define RECORD (8 + SIZE)      /* opcode and peer id, packet id, payload */
#define BATCH 64
#define PACKETS (64 * 1500)
#define REPEATS 5
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

static void add_peer(uint32_t id, uint32_t listener, const union addr *own)
{
    struct dp_peer peer = {.id = id, .tx_id = id, .path = {.listener = listener, .remote = *own}};
    struct dp_key key = {.format = DP_FORMAT_CBC, .cipher = "none", .auth = "none"};
    struct dp_route route = {.net = {.bits = 32}};
    route.net.addr = ip4_from_u32(0x0A000000u + id);
    must(dp_peer_new(dp, &peer) == 0 && dp_key_new(dp, id, DP_KEY_PRIMARY, &key) == 0 &&
             dp_route_add(dp, &route, id) == 0,
         "peer");
    next_id[id] = 1;
}

static void open_server(unsigned count)
{
    struct dp_config config = {.mode = DP_MODE_MULTIPOINT, .workers = 1, .max_peers = PEERS_MAX};
    union addr own;
    uint32_t listener;
    int pair[2];
    int size = 4 * 1024 * 1024;
    peers = count;
    udp = udp_socket(&own);
    int fd = udp_socket(&server);
    must(dp_open(&config, &dp) == 0 && dp_listener_add(dp, &fd, 1, false, NULL, NULL, &listener) == 0, "server");
    for (uint32_t i = 0; i < count; i++) {
        add_peer(i, listener, &own);
    }
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0, "socketpair");
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    struct dp_device d = {.fds = {pair[0]}, .queues = 1, .mtu = 1500};
    must(dp_device_attach(dp, &d) == 0, "device");
    device = pair[1];
    worker = 0;
    for (unsigned i = 0; i < 200 && !worker; i++) {
        (void)poll(NULL, 0, 5);
        worker = find_worker();
    }
    must(worker != 0, "no worker");
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

static unsigned peer_of(unsigned i, bool spread)
{
    return spread ? (unsigned)(((uint64_t)i * 2654435761u) % peers) : 0;
}

/* Send a batch and wait until all of it came out at the other side. */
static void carry(bool up, bool spread, unsigned first)
{
    uint8_t record[RECORD];
    for (unsigned i = 0; i < BATCH; i++) {
        uint32_t peer = peer_of(first + i, spread);
        if (up) {
            be32_store(record, 0x48000000u | peer);
            be32_store(record + 4, next_id[peer]++);
            fill_packet(record + 8, 0x0A000000u + peer, 0xC0000201u);
            (void)!sendto(udp, record, RECORD, 0, &server.any, sizeof(server.v4));
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

static double cost(bool up, bool spread)
{
    double before = worker_ns();
    for (unsigned i = 0; i < PACKETS; i += BATCH) {
        carry(up, spread, i);
    }
    return (worker_ns() - before) / PACKETS;
}

static int ascending(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;
    return d < 0 ? -1 : d > 0;
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = {1, 100, 1000, 10000};
    static double all[4][4][REPEATS];
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) { /* alternating, so that a busy moment hits all alike */
        for (unsigned n = 0; n < 4; n++) {
            open_server(counts[n]);
            for (unsigned what = 0; what < 4; what++) {
                all[n][what][repeat] = cost(what & 1, what & 2);
            }
            close_server();
        }
    }
    if (!json) {
        (void)printf("ns of the worker per packet of %u bytes\n   peers   out, one    in, one   out, all    in, all\n", SIZE);
    }
    for (unsigned n = 0; n < 4; n++) {
        for (unsigned what = 0; what < 4; what++) {
            qsort(all[n][what], REPEATS, sizeof(double), ascending);
        }
        (void)printf(json ? "%s{\"peers\": %u, \"out\": %.0f, \"in\": %.0f, \"out_all\": %.0f, \"in_all\": %.0f}"
                          : "%s%8u %10.0f %10.0f %10.0f %10.0f\n",
                     !json ? "" : n ? ", " : "[", counts[n], all[n][0][REPEATS / 2], all[n][1][REPEATS / 2],
                     all[n][2][REPEATS / 2], all[n][3][REPEATS / 2]);
    }
    (void)printf(json ? "]\n" : "");
    return 0;
}
