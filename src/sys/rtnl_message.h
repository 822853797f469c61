/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_RTNL_MESSAGE_H
#define VPND_SYS_RTNL_MESSAGE_H

/*
 * Building and reading rtnetlink messages; shared by the rtnl_*.c files only.
 */
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "sys/rtnl.h"

#define RTNL_BUFFER_SIZE 32768
#define RTNL_DUMP_TRIES 8 /* a list that changed while it was read (NLM_F_DUMP_INTR, -EINTR) is read again */

struct rtnl {
    struct mnl_socket *socket;
    unsigned port;
    unsigned seq;
    char error_text[128];
    char buffer[RTNL_BUFFER_SIZE]; /* of the request, then of the answers */
};

/** rtnl_attr_room - bytes from @attr to the end of the message. */
static inline int rtnl_attr_room(const struct nlmsghdr *header, const struct nlattr *attr)
{
    return (int)((const char *)mnl_nlmsg_get_payload_tail(header) - (const char *)attr);
}

/** RTNL_EACH_ATTR - iterate over the attributes behind @offset bytes of family header (declares @attr). */
#define RTNL_EACH_ATTR(attr, header, offset)                                                                           \
    for (const struct nlattr *attr = mnl_nlmsg_get_payload_offset(header, offset);                                     \
         mnl_attr_ok(attr, rtnl_attr_room(header, attr)); attr = mnl_attr_next(attr))

/** Called for each message of an answer; may not send on the handle. */
typedef void (*rtnl_message_fn)(const struct nlmsghdr *header, void *arg);

/** rtnl_begin - start a request of @type with @extra bytes of zeroed family header (*family_header). */
struct nlmsghdr *rtnl_begin(struct rtnl *nl, uint16_t type, uint16_t flags, size_t extra, void *family_header);

/** rtnl_transact - send and take all answers. Return: 0 or -errno. */
int rtnl_transact(struct rtnl *nl, struct nlmsghdr *header, rtnl_message_fn fn, void *arg);

/** rtnl_put_ip - an attribute with the address's 4 or 16 bytes. */
void rtnl_put_ip(struct nlmsghdr *header, uint16_t type, const struct ip_addr *ip);

/** rtnl_link_parse - read RTM_NEWLINK or RTM_DELLINK. Return: 0 or ERR_FORMAT. */
int rtnl_link_parse(const struct nlmsghdr *header, struct rtnl_link *out);

/** rtnl_addr_parse - read RTM_NEWADDR or RTM_DELADDR. Return: 0 or ERR_FORMAT (another family). */
int rtnl_addr_parse(const struct nlmsghdr *header, struct rtnl_addr *out);

/** rtnl_route_parse - read RTM_NEWROUTE or RTM_DELROUTE. Return: 0; ERR_FORMAT when it is no IP unicast route. */
int rtnl_route_parse(const struct nlmsghdr *header, struct rtnl_route *out);

#endif
