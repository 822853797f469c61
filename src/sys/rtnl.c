/* SPDX-License-Identifier: MIT */
#include "sys/rtnl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"
#include "sys/rtnl_message.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

int rtnl_open(struct rtnl **out)
{
    struct rtnl *nl = mem_zalloc(sizeof(*nl));
    nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        int r = -errno;
        rtnl_close(nl);
        return r;
    }
    int on = 1;
    (void)mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
    nl->port = mnl_socket_get_portid(nl->socket);
    nl->seq = (unsigned)time(NULL);
    *out = nl;
    return 0;
}

void rtnl_close(struct rtnl *nl)
{
    if (!nl) {
        return;
    }
    if (nl->socket) {
        (void)mnl_socket_close(nl->socket);
    }
    free(nl);
}

const char *rtnl_error_text(const struct rtnl *nl)
{
    return nl->error_text;
}

struct nlmsghdr *rtnl_begin(struct rtnl *nl, uint16_t type, uint16_t flags, size_t extra, void *family_header)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(nl->buffer);
    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = ++nl->seq;
    *(void **)family_header = mnl_nlmsg_put_extra_header(header, extra);
    return header;
}

struct transaction {
    struct rtnl *nl;
    rtnl_message_fn fn;
    void *arg;
    int error;
};

/* The kernel's explanation follows the header that it echoes (whole request unless CAP_ACK cut it). */
static void keep_error_text(struct rtnl *nl, const struct nlmsghdr *header, const struct nlmsgerr *error)
{
    if (!(header->nlmsg_flags & NLM_F_ACK_TLVS)) {
        return;
    }
    size_t skip = sizeof(*error);
    if (!(header->nlmsg_flags & NLM_F_CAPPED)) {
        skip += error->msg.nlmsg_len - sizeof(error->msg);
    }
    RTNL_EACH_ATTR(attr, header, skip) {
        if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
            (void)snprintf(nl->error_text, sizeof(nl->error_text), "%.*s", (int)mnl_attr_get_payload_len(attr),
                           mnl_attr_get_str(attr));
        }
    }
}

static int on_error(const struct nlmsghdr *header, void *arg)
{
    struct transaction *t = arg;
    if (header->nlmsg_len < mnl_nlmsg_size(sizeof(struct nlmsgerr))) {
        t->error = -EBADMSG;
        return MNL_CB_STOP;
    }
    const struct nlmsgerr *error = mnl_nlmsg_get_payload(header);
    t->error = error->error > 0 ? -error->error : error->error;
    if (t->error < 0) {
        keep_error_text(t->nl, header, error);
    }
    return MNL_CB_STOP;
}

static int on_done(const struct nlmsghdr *header, void *arg)
{
    (void)header;
    (void)arg;
    return MNL_CB_STOP;
}

static int on_message(const struct nlmsghdr *header, void *arg)
{
    struct transaction *t = arg;
    if (t->fn) {
        t->fn(header, t->arg);
    }
    /* An answer to a request for one object has no terminator unless an acknowledgement was asked for. */
    return MNL_CB_OK;
}

int rtnl_transact(struct rtnl *nl, struct nlmsghdr *header, rtnl_message_fn fn, void *arg)
{
    mnl_cb_t control[NLMSG_MIN_TYPE] = {[NLMSG_ERROR] = on_error, [NLMSG_DONE] = on_done};
    struct transaction t = {.nl = nl, .fn = fn, .arg = arg};
    unsigned seq = header->nlmsg_seq;
    nl->error_text[0] = '\0';
    if (mnl_socket_sendto(nl->socket, header, header->nlmsg_len) < 0) {
        return -errno;
    }
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(nl->socket, nl->buffer, sizeof(nl->buffer));
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        int r = mnl_cb_run2(nl->buffer, (size_t)n, seq, nl->port, on_message, &t, control, NLMSG_MIN_TYPE);
        if (r < 0 && (errno == ESRCH || errno == EPROTO)) {
            continue; /* an answer to an earlier request that was given up */
        }
        if (r < 0) {
            return -errno;
        }
        if (r == MNL_CB_STOP) {
            return t.error;
        }
    }
}

void rtnl_put_ip(struct nlmsghdr *header, uint16_t type, const struct ip_addr *ip)
{
    mnl_attr_put(header, type, ip_len(ip), ip->bytes);
}
