/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "sys/rtnl_message.h"

static void read_link_attr(const struct nlattr *attr, struct rtnl_link *out)
{
    uint16_t len = mnl_attr_get_payload_len(attr);
    switch (mnl_attr_get_type(attr)) {
    case IFLA_IFNAME:
        if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 && len <= IFNAMSIZ) {
            memcpy(out->name, mnl_attr_get_str(attr), len);
        }
        break;
    case IFLA_MTU:
        if (len == sizeof(uint32_t)) {
            out->mtu = mnl_attr_get_u32(attr);
        }
        break;
    case IFLA_TXQLEN:
        if (len == sizeof(uint32_t)) {
            out->tx_queue_len = mnl_attr_get_u32(attr);
        }
        break;
    case IFLA_MASTER:
        if (len == sizeof(uint32_t)) {
            out->master = mnl_attr_get_u32(attr);
        }
        break;
    case IFLA_ADDRESS:
        if (len == sizeof(out->mac)) {
            memcpy(out->mac, mnl_attr_get_payload(attr), sizeof(out->mac));
            out->has_mac = true;
        }
        break;
    default:
        break;
    }
}

int rtnl_link_parse(const struct nlmsghdr *header, struct rtnl_link *out)
{
    memset(out, 0, sizeof(*out));
    if (mnl_nlmsg_get_payload_len(header) < sizeof(struct ifinfomsg)) {
        return ERR_FORMAT;
    }
    const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
    if (info->ifi_index <= 0 || info->ifi_family == AF_BRIDGE) {
        return ERR_FORMAT;
    }
    out->index = (uint32_t)info->ifi_index;
    out->flags = info->ifi_flags;
    RTNL_EACH_ATTR(attr, header, sizeof(*info)) {
        read_link_attr(attr, out);
    }
    return 0;
}

struct link_answer {
    struct rtnl_link *out;
    bool found;
};

static void take_link(const struct nlmsghdr *header, void *arg)
{
    struct link_answer *answer = arg;
    if (header->nlmsg_type == RTM_NEWLINK && rtnl_link_parse(header, answer->out) == 0) {
        answer->found = true;
    }
}

static int query(struct rtnl *nl, const char *name, uint32_t index, struct rtnl_link *out)
{
    struct ifinfomsg *info;
    struct nlmsghdr *header = rtnl_begin(nl, RTM_GETLINK, NLM_F_ACK, sizeof(*info), &info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = (int)index;
    if (name) {
        mnl_attr_put_strz(header, IFLA_IFNAME, name);
    }
    struct link_answer answer = {.out = out};
    int r = rtnl_transact(nl, header, take_link, &answer);
    return r == 0 && !answer.found ? -ENODEV : r;
}

int rtnl_link_find(struct rtnl *nl, const char *name, struct rtnl_link *out)
{
    return strlen(name) >= IFNAMSIZ ? -ENODEV : query(nl, name, 0, out);
}

int rtnl_link_get(struct rtnl *nl, uint32_t index, struct rtnl_link *out)
{
    return query(nl, NULL, index, out);
}

static struct nlmsghdr *change(struct rtnl *nl, uint32_t index, struct ifinfomsg **info)
{
    struct nlmsghdr *header = rtnl_begin(nl, RTM_NEWLINK, NLM_F_ACK, sizeof(**info), info);
    (*info)->ifi_family = AF_UNSPEC;
    (*info)->ifi_index = (int)index;
    return header;
}

int rtnl_link_set_up(struct rtnl *nl, uint32_t index, bool up)
{
    struct ifinfomsg *info;
    struct nlmsghdr *header = change(nl, index, &info);
    info->ifi_change = IFF_UP;
    info->ifi_flags = up ? IFF_UP : 0;
    return rtnl_transact(nl, header, NULL, NULL);
}

static int set_u32(struct rtnl *nl, uint32_t index, uint16_t attribute, uint32_t value)
{
    struct ifinfomsg *info;
    struct nlmsghdr *header = change(nl, index, &info);
    mnl_attr_put_u32(header, attribute, value);
    return rtnl_transact(nl, header, NULL, NULL);
}

int rtnl_link_set_mtu(struct rtnl *nl, uint32_t index, unsigned mtu)
{
    return set_u32(nl, index, IFLA_MTU, mtu);
}

int rtnl_link_set_mac(struct rtnl *nl, uint32_t index, const uint8_t mac[6])
{
    struct ifinfomsg *info;
    struct nlmsghdr *header = change(nl, index, &info);
    mnl_attr_put(header, IFLA_ADDRESS, 6, mac);
    return rtnl_transact(nl, header, NULL, NULL);
}

int rtnl_link_set_queue_len(struct rtnl *nl, uint32_t index, unsigned packets)
{
    return set_u32(nl, index, IFLA_TXQLEN, packets);
}

int rtnl_link_set_master(struct rtnl *nl, uint32_t index, uint32_t master)
{
    return set_u32(nl, index, IFLA_MASTER, master);
}

int rtnl_link_del(struct rtnl *nl, uint32_t index)
{
    struct ifinfomsg *info;
    struct nlmsghdr *header = rtnl_begin(nl, RTM_DELLINK, NLM_F_ACK, sizeof(*info), &info);
    info->ifi_family = AF_UNSPEC;
    info->ifi_index = (int)index;
    return rtnl_transact(nl, header, NULL, NULL);
}
