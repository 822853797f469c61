/* SPDX-License-Identifier: MIT */

/*
 * A longer path: udp_delay LISTEN_PORT SERVER PORT MILLISECONDS [LOSS_PERCENT] relays UDP both ways on IPv4 and holds
 * each datagram for half of the given round trip. Says READY, runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX 2048
#define HELD_MAX 8192
#define CLIENTS_MAX 64

/** One client and the socket that stands for it towards the server. */
struct client {
    struct sockaddr_in address;
    int fd;
};

struct held {
    uint64_t due_us;
    size_t client;
    int to_server;
    size_t len;
    unsigned char data[PACKET_MAX];
};

struct relay {
    int listener;
    struct sockaddr_in server;
    uint64_t delay_us;
    unsigned loss; /* percent */
    struct client clients[CLIENTS_MAX];
    size_t client_count;
    struct held *held; /* ring */
    size_t head;
    size_t count;
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static size_t client_of(struct relay *r, const struct sockaddr_in *address)
{
    for (size_t i = 0; i < r->client_count; i++) {
        if (r->clients[i].address.sin_port == address->sin_port &&
            r->clients[i].address.sin_addr.s_addr == address->sin_addr.s_addr) {
            return i;
        }
    }
    size_t i = r->client_count < CLIENTS_MAX ? r->client_count++ : 0;
    if (r->clients[i].fd > 0) {
        close(r->clients[i].fd);
    }
    r->clients[i].address = *address;
    r->clients[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    (void)connect(r->clients[i].fd, (const struct sockaddr *)&r->server, sizeof(r->server));
    return i;
}

static void hold(struct relay *r, size_t client, int to_server, const unsigned char *data, size_t len)
{
    if (r->count == HELD_MAX || (r->loss && (unsigned)(rand() % 100) < r->loss)) {
        return;
    }
    struct held *h = &r->held[(r->head + r->count++) % HELD_MAX];
    h->due_us = now_us() + r->delay_us;
    h->client = client;
    h->to_server = to_server;
    h->len = len;
    memcpy(h->data, data, len);
}

static void take(struct relay *r, int fd, size_t client)
{
    unsigned char data[PACKET_MAX];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
    if (n >= 0) {
        int from_client = fd == r->listener;
        hold(r, from_client ? client_of(r, &from) : client, from_client, data, (size_t)n);
    }
}

static void deliver(struct relay *r)
{
    while (r->count && r->held[r->head].due_us <= now_us()) {
        struct held *h = &r->held[r->head];
        struct client *c = &r->clients[h->client];
        if (h->to_server) {
            (void)send(c->fd, h->data, h->len, 0);
        } else {
            (void)sendto(r->listener, h->data, h->len, 0, (struct sockaddr *)&c->address, sizeof(c->address));
        }
        r->head = (r->head + 1) % HELD_MAX;
        r->count--;
    }
}

static void turn(struct relay *r)
{
    struct pollfd fds[CLIENTS_MAX + 1] = {{.fd = r->listener, .events = POLLIN}};
    for (size_t i = 0; i < r->client_count; i++) {
        fds[i + 1] = (struct pollfd){.fd = r->clients[i].fd, .events = POLLIN};
    }
    size_t watched = r->client_count;
    struct timespec wait = {.tv_sec = 10};
    if (r->count) {
        uint64_t now = now_us();
        uint64_t due = r->held[r->head].due_us;
        wait = (struct timespec){.tv_nsec = due > now ? (long)(due - now) * 1000 : 0};
    }
    if (ppoll(fds, watched + 1, &wait, NULL) > 0) {
        for (size_t i = 0; i <= watched; i++) {
            if (fds[i].revents) {
                take(r, fds[i].fd, i - 1);
            }
        }
    }
    deliver(r);
}

int main(int argc, char *argv[])
{
    struct relay r = {.server = {.sin_family = AF_INET}};
    if (argc < 5 || inet_pton(AF_INET, argv[2], &r.server.sin_addr) != 1) {
        fprintf(stderr, "usage: %s LISTEN_PORT SERVER PORT MILLISECONDS [LOSS_PERCENT]\n", argv[0]);
        return 2;
    }
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10))};
    r.server.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
    r.delay_us = strtoul(argv[4], NULL, 10) * 500u;
    r.loss = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0;
    r.held = calloc(HELD_MAX, sizeof(*r.held));
    r.listener = socket(AF_INET, SOCK_DGRAM, 0);
    if (!r.held || r.listener < 0 || bind(r.listener, (struct sockaddr *)&here, sizeof(here))) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        return 1;
    }
    puts("READY");
    fflush(stdout);
    for (;;) {
        turn(&r);
    }
}
