/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "handshakes.h"
#include "wire/stream.h"

#define IN_MAX (2 * (STREAM_HEADER_SIZE + STREAM_PACKET_MAX))

static void die(const char *what)
{
    fprintf(stderr, "handshakes: ");
    perror(what);
    exit(2);
}

/* On loopback each client has an address of its own: a port that is used again would meet the client that had it before,
 * whom a server still remembers. */
static void choose_source(unsigned number, int fd, const struct sockaddr_in *to)
{
    uint32_t host = ntohl(to->sin_addr.s_addr);
    if (host >> 24 != 127) {
        return;
    }
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl((127u << 24) + (number % 0xFFFF00) + 256)};
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) {
        die("bind");
    }
}

void link_open(struct link *l, const struct handshakes_options *o, unsigned number)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    int on = 1;
    int small = 4096;
    *l = (struct link){.tcp = o->tcp, .fd = socket(AF_INET, (o->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)};
    if (l->fd < 0 || inet_pton(AF_INET, o->host, &to.sin_addr) != 1) {
        die("socket");
    }
    choose_source(number, l->fd, &to);
    if (o->tcp) {
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* soon full, when we do not read */
        l->in = mem_array(IN_MAX, 1);
    }
    if (connect(l->fd, (struct sockaddr *)&to, sizeof to) < 0) {
        die("connect");
    }
    (void)fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

void link_close(struct link *l, bool reset)
{
    struct linger at_once = {.l_onoff = 1};
    if (reset) {
        (void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(l->fd);
    free(l->in);
    *l = (struct link){.fd = -1};
}

bool link_send(struct link *l, const void *packet, size_t len)
{
    uint8_t framed[STREAM_HEADER_SIZE + SESSION_PACKET_MAX];
    if (!l->tcp) {
        (void)!send(l->fd, packet, len, 0); /* lost: it is sent again */
        return true;
    }
    stream_header(framed, len);
    memcpy(framed + STREAM_HEADER_SIZE, packet, len);
    len += STREAM_HEADER_SIZE;
    return send(l->fd, framed, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The next whole record that was read, if there is one. */
static ssize_t next_record(struct link *l, uint8_t *packet)
{
    struct rd r = rd_init(l->in, l->have);
    struct span record;
    int more = stream_next(&r, SESSION_PACKET_MAX, &record);
    if (more != 1) {
        return more;
    }
    memcpy(packet, record.data, record.len);
    l->have = rd_left(&r);
    memmove(l->in, rd_rest(&r).data, l->have);
    return (ssize_t)record.len;
}

ssize_t link_receive(struct link *l, uint8_t packet[SESSION_PACKET_MAX])
{
    if (!l->tcp) {
        ssize_t n = recv(l->fd, packet, SESSION_PACKET_MAX, 0);
        return n > 0 ? n : 0;
    }
    ssize_t len = next_record(l, packet);
    if (len) {
        return len;
    }
    ssize_t n = recv(l->fd, l->in + l->have, IN_MAX - l->have, 0);
    if (n == 0) {
        return -1;
    }
    l->have += n > 0 ? (size_t)n : 0;
    return next_record(l, packet);
}
