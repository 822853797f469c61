/* SPDX-License-Identifier: MIT */
#include "client/udp_refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define ASK_EVERY_MS 1500u
#define ASK_TIMES 3u

struct udp_refusal {
    int fd;
    struct loop_watch *watch;
    struct loop_timer *timer;
    unsigned asked;
    void (*refused)(void *arg);
    void *arg;
};

static void ask(void *arg)
{
    struct udp_refusal *r = arg;
    (void)send(r->fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL); /* an error is read below, or asked for again */
    if (++r->asked == ASK_TIMES) {
        loop_timer_stop(r->timer);
    }
}

static void readable(void *arg)
{
    struct udp_refusal *r = arg;
    char ignored[16];
    if (recv(r->fd, ignored, sizeof(ignored), MSG_DONTWAIT) < 0 && errno == ECONNREFUSED) {
        loop_timer_stop(r->timer);
        loop_watch_free(r->watch);
        r->watch = NULL;
        r->refused(r->arg); /* it may free us */
    }
}

struct udp_refusal *udp_refusal_watch(struct loop *loop, const union addr *remote, const struct sock_options *options,
                                      void (*refused)(void *arg), void *arg)
{
    int fd = sock_udp_open(NULL, remote->any.sa_family, options, NULL);
    if (fd < 0) {
        return NULL;
    }
    struct udp_refusal *r = mem_zalloc(sizeof(*r));
    *r = (struct udp_refusal){.fd = fd, .refused = refused, .arg = arg};
    if (connect(fd, &remote->any, addr_size(remote)) < 0 || loop_watch_new(loop, fd, readable, r, &r->watch) < 0) {
        udp_refusal_free(r);
        return NULL;
    }
    r->timer = loop_timer_new(loop, ask, r);
    loop_timer_every(r->timer, ASK_EVERY_MS);
    return r;
}

void udp_refusal_free(struct udp_refusal *refusal)
{
    if (refusal) {
        loop_watch_free(refusal->watch);
        loop_timer_free(refusal->timer);
        close(refusal->fd);
        free(refusal);
    }
}
