/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "sys/rtnl_message.h"

struct rtnl_monitor {
    struct mnl_socket *socket;
    void (*fn)(const struct rtnl_change *change, void *arg);
    void *arg;
    char buffer[RTNL_BUFFER_SIZE];
};

int rtnl_monitor_open(struct rtnl_monitor **out)
{
    struct rtnl_monitor *monitor = mem_zalloc(sizeof(*monitor));
    unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
    monitor->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!monitor->socket || mnl_socket_bind(monitor->socket, groups, MNL_SOCKET_AUTOPID) < 0) {
        int r = -errno;
        rtnl_monitor_close(monitor);
        return r;
    }
    *out = monitor;
    return 0;
}

void rtnl_monitor_close(struct rtnl_monitor *monitor)
{
    if (!monitor) {
        return;
    }
    if (monitor->socket) {
        (void)mnl_socket_close(monitor->socket);
    }
    free(monitor);
}

int rtnl_monitor_fd(const struct rtnl_monitor *monitor)
{
    return mnl_socket_get_fd(monitor->socket);
}

static int on_change(const struct nlmsghdr *header, void *arg)
{
    struct rtnl_monitor *monitor = arg;
    struct rtnl_change change = {0};
    bool known = false;
    switch (header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        change.type = RTNL_CHANGE_LINK;
        change.removed = header->nlmsg_type == RTM_DELLINK;
        known = rtnl_link_parse(header, &change.link) == 0;
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        change.type = RTNL_CHANGE_ADDR;
        change.removed = header->nlmsg_type == RTM_DELADDR;
        known = rtnl_addr_parse(header, &change.addr) == 0;
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        change.type = RTNL_CHANGE_ROUTE;
        change.removed = header->nlmsg_type == RTM_DELROUTE;
        known = rtnl_route_parse(header, &change.route) == 0 && change.route.table == RT_TABLE_MAIN;
        break;
    default:
        break;
    }
    if (known) {
        monitor->fn(&change, monitor->arg);
    }
    return MNL_CB_OK;
}

int rtnl_monitor_drain(struct rtnl_monitor *monitor, void (*fn)(const struct rtnl_change *change, void *arg),
                       void *arg)
{
    monitor->fn = fn;
    monitor->arg = arg;
    for (;;) {
        ssize_t n = mnl_socket_recvfrom(monitor->socket, monitor->buffer, sizeof(monitor->buffer));
        if (n < 0 && errno == ENOBUFS) {
            struct rtnl_change lost = {.type = RTNL_CHANGE_LOST};
            fn(&lost, arg);
            continue;
        }
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        (void)mnl_cb_run(monitor->buffer, (size_t)n, 0, 0, on_change, monitor);
    }
}
