/* SPDX-License-Identifier: MIT */
/*
 * Nanoseconds per packet of each stage of the data plane, apart from the others: read, split, seal, send; receive,
 * open, merge, write. The four in the kernel run in a network namespace of their own (needs root; left out otherwise).
 *
 *   bench_stages [--cipher AES-256-GCM] [--auth SHA1] [--engine auto] [--size 1400] [--batch 40] [--json]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"
#include "dp/user/gro.h"
#include "dp/user/gso.h"
#include "dp/user/keyslot.h"
#include "wire/csum.h"

#define SEGMENTS 40
#define ROUNDS 3000
#define REPEATS 5
#define HEADERS 40
#define ROOM 2048

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

struct bench {
    const char *cipher;
    const char *auth;         /* of a cipher that is no AEAD */
    unsigned payload;         /* bytes of one segment's payload */
    unsigned segments;        /* of one super-packet */
    struct crypto_engines *engines;
    struct rcu_domain rcu;
    struct keyslot_worker worker;
    struct keyslot *tx;
    struct keyslot *rx;
    uint8_t super[VNET_HEADER_SIZE + 65536];
    size_t super_len;
    uint8_t arena[256 * 1024];
    struct gso_segment cut[SEGMENTS];
    struct packet packets[SEGMENTS];
    uint8_t saved[256 * 1024];
    struct gro_batch merged;
    int tun;
    int out;                  /* UDP socket that sends */
    int in;                   /* and the one that receives it */
    union addr to;
};

static double now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ------------------------------------------------------------------ stages in this process */

/* A TCP super-packet as a device would deliver it. */
static void build_super(struct bench *b)
{
    struct vnet_header vnet = {.flags = VNET_NEEDS_CSUM, .gso_type = VNET_GSO_TCP4, .gso_size = (uint16_t)b->payload,
                               .csum_start = 20, .csum_offset = 16};
    uint8_t *ip = b->super + VNET_HEADER_SIZE;
    size_t len = HEADERS + (size_t)b->segments * b->payload;
    memcpy(b->super, &vnet, sizeof(vnet));
    ip[0] = 0x45;
    be16_store(ip + 2, (uint16_t)len);
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    be32_store(ip + 12, 0x0A090001);
    be32_store(ip + 16, 0x0A090002);
    csum_ip4_header(ip, 20);
    ip[20 + 12] = 0x50;
    ip[20 + 13] = 0x10;
    for (size_t i = HEADERS; i < len; i++) {
        ip[i] = (uint8_t)(i * 7);
    }
    b->super_len = VNET_HEADER_SIZE + len;
}

static void split(struct bench *b)
{
    struct gso_plan plan;
    struct gso_layout layout = {.headroom = (uint16_t)keyslot_head(b->tx, false), .tailroom = b->tx->body_tail};
    if (gso_parse(b->super, b->super_len, false, &plan)) {
        abort();
    }
    (void)gso_emit(&plan, &layout, 0, plan.segments, b->arena, b->cut);
}

static void take_cut(struct bench *b)
{
    for (unsigned i = 0; i < b->segments; i++) {
        b->packets[i] = (struct packet){.data = b->cut[i].data, .len = b->cut[i].len, .verdict = PACKET_OK};
    }
}

static void seal(struct bench *b)
{
    struct keyslot_header header = {.tx_id = 1};
    bool report;
    take_cut(b);
    (void)keyslot_seal(&b->worker, b->tx, &header, b->packets, b->segments, &report);
}

static void open_records(struct bench *b)
{
    bool report;
    if (keyslot_open(&b->worker, b->rx, b->packets, b->segments, 1, &report) != b->segments) {
        abort();
    }
}

static void merge(struct bench *b)
{
    struct gro_config config = {.tso4 = true, .tso6 = true, .uso = true};
    struct gro_packet packets[SEGMENTS];
    for (unsigned i = 0; i < b->segments; i++) {
        packets[i] = (struct gro_packet){b->packets[i].data, b->packets[i].len};
    }
    if (gro_merge(&config, packets, b->segments, &b->merged) != 1) {
        abort();
    }
}

/* ------------------------------------------------------------------ stages in the kernel */

static void send_run(struct bench *b)
{
    struct iovec iov = {b->saved, (size_t)b->segments * (b->payload + HEADERS + 24)};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))];
    struct msghdr msg = {.msg_name = &b->to, .msg_namelen = sizeof(b->to.v4), .msg_iov = &iov, .msg_iovlen = 1,
                         .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    uint16_t size = (uint16_t)(b->payload + HEADERS + 24);
    *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(size)), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
    memcpy(CMSG_DATA(c), &size, sizeof(size));
    if (sendmsg(b->out, &msg, 0) < 0) {
        perror("bench_stages: sendmsg");
        exit(1);
    }
}

static void receive_run(struct bench *b)
{
    (void)!recv(b->in, b->arena, 65536, MSG_DONTWAIT);
}

static void read_device(struct bench *b)
{
    (void)!read(b->tun, b->arena, 65536 + VNET_HEADER_SIZE);
}

/* What comes back from "send" through the device: the same bytes as UDP to a socket behind it. */
static void write_device(struct bench *b)
{
    const struct gro_frame *f = &b->merged.frame[0];
    if (writev(b->tun, &b->merged.iov[f->iov_first], f->iov_count) < 0) {
        perror("bench_stages: tun");
        exit(1);
    }
}

static bool run(const char *command)
{
    return system(command) == 0;
}

static bool open_kernel(struct bench *b)
{
    int on = 1;
    struct ifreq request = {.ifr_name = "bench0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    if (unshare(CLONE_NEWNET)) {
        return false;
    }
    b->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (b->tun < 0 || ioctl(b->tun, TUNSETIFF, &request) ||
        ioctl(b->tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6) ||
        !run("ip link set lo up && ip addr add 10.9.0.2/24 dev bench0 && ip link set bench0 up txqueuelen 10000")) {
        return false;
    }
    b->out = socket(AF_INET, SOCK_DGRAM, 0);
    b->in = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&b->to, 0, sizeof(b->to));
    b->to.v4.sin_family = AF_INET;
    b->to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(b->to);
    return b->out >= 0 && bind(b->in, &b->to.any, sizeof(b->to.v4)) == 0 &&
           getsockname(b->in, &b->to.any, &len) == 0 &&
           setsockopt(b->in, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0;
}

/* ------------------------------------------------------------------ measuring */

struct stage {
    const char *name;
    void (*before)(struct bench *b); /* not measured; may be NULL */
    void (*fn)(struct bench *b);
    double best;
};

static void nothing(struct bench *b)
{
    (void)b;
}

/* The best of a few repetitions: what disturbs can only add. */
static void measure(struct bench *b, struct stage *s)
{
    s->best = 1e18;
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        double spent = 0;
        for (unsigned i = 0; i < ROUNDS; i++) {
            s->before(b);
            double from = now_ns();
            s->fn(b);
            spent += now_ns() - from;
        }
        double each = spent / ROUNDS / b->segments;
        s->best = each < s->best ? each : s->best;
    }
}

static void split_and_seal(struct bench *b)
{
    split(b);
    seal(b);
}

static void until_open(struct bench *b)
{
    split_and_seal(b);
    open_records(b);
}

static void to_device(struct bench *b)
{
    struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0x0A090001)}};
    int size = (int)b->payload;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
    (void)sendto(fd, b->super, (size_t)b->segments * b->payload, 0, (struct sockaddr *)&far, sizeof(far));
    (void)close(fd);
}

static void until_merged(struct bench *b)
{
    until_open(b);
    merge(b);
}

static struct keyslot *make_key(struct bench *b, bool mirrored)
{
    struct dp_key key = {.cipher = b->cipher, .auth = b->auth};
    key.format = strstr(b->cipher, "GCM") || strstr(b->cipher, "POLY") ? DP_FORMAT_AEAD : DP_FORMAT_CBC;
    memset(&key.tx, mirrored ? 1 : 2, sizeof(key.tx));
    memset(&key.rx, mirrored ? 2 : 1, sizeof(key.rx));
    struct keyslot_replay replay = {.window = 8192};
    struct keyslot *ks = NULL;
    if (keyslot_new(b->engines, &b->rcu, &key, &replay, &ks)) {
        (void)fprintf(stderr, "bench_stages: no cipher %s\n", b->cipher);
        exit(1);
    }
    return ks;
}

static void print(const struct bench *b, const struct stage *stages, unsigned count, bool json)
{
    double sum = 0;
    if (json) {
        (void)printf("{\"cipher\": \"%s\", \"bytes\": %u", b->cipher, b->payload + HEADERS);
    } else {
        (void)printf("ns per packet, %s, %u bytes\n", b->cipher, b->payload + HEADERS);
    }
    for (unsigned i = 0; i < count; i++) {
        (void)printf(json ? ", \"%s\": %.1f" : "  %-8s %8.1f\n", stages[i].name, stages[i].best);
        sum += stages[i].best;
    }
    (void)printf(json ? ", \"%s\": %.1f}\n" : "  %-8s %8.1f\n", "sum", sum);
}

int main(int argc, char **argv)
{
    static struct bench b = {.cipher = "AES-256-GCM", .auth = "SHA1", .payload = 1360, .segments = SEGMENTS};
    static const struct option options[] = {
        {"cipher", 1, NULL, 'c'}, {"auth", 1, NULL, 'a'}, {"engine", 1, NULL, 'e'}, {"size", 1, NULL, 's'},
        {"batch", 1, NULL, 'b'},  {"json", 0, NULL, 'j'}, {NULL, 0, NULL, 0}};
    const char *engine = NULL;
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'c': b.cipher = optarg; break;
        case 'a': b.auth = optarg; break;
        case 'e': engine = optarg; break;
        case 'b': b.segments = (unsigned)atoi(optarg); break;
        case 's': b.payload = (unsigned)atoi(optarg) - HEADERS; break;
        case 'j': json = true; break;
        default: return 2;
        }
    }
    if (b.payload < 1 || b.payload > 1460) {
        (void)fprintf(stderr, "bench_stages: --size from %u to 1500\n", HEADERS + 1);
        return 2;
    }
    if (b.segments < 1 || b.segments > SEGMENTS) {
        (void)fprintf(stderr, "bench_stages: --batch from 1 to %d\n", SEGMENTS);
        return 2;
    }
    if (crypto_engines_new(engine, &b.engines)) {
        return 1;
    }
    rcu_domain_init(&b.rcu);
    keyslot_worker_init(&b.worker, b.engines);
    b.tx = make_key(&b, false);
    b.rx = make_key(&b, true);
    build_super(&b);
    bool kernel = open_kernel(&b);
    struct stage stages[] = {{"read", to_device, read_device, 0},    {"split", nothing, split, 0},
                             {"seal", split, seal, 0},               {"send", receive_run, send_run, 0},
                             {"receive", send_run, receive_run, 0},  {"open", split_and_seal, open_records, 0},
                             {"merge", until_open, merge, 0},        {"write", until_merged, write_device, 0}};
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        bool in_kernel = i == 0 || i == 3 || i == 4 || i == 7;
        if (!in_kernel || kernel) {
            measure(&b, &stages[i]);
            stages[count++] = stages[i];
        }
    }
    print(&b, stages, count, json);
    if (!kernel) {
        (void)fprintf(stderr, "bench_stages: no network namespace or tun device: stages in the kernel left out\n");
    }
    return 0;
}
