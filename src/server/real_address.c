/* SPDX-License-Identifier: MIT */
#include "server/real_address.h"

#include <stdio.h>

#include "config/config.h"
#include "server/context.h"
#include "server/instance.h"

const char *real_address_log(const struct instance *instance, char out[REAL_ADDRESS_MAX])
{
    char text[ADDR_TEXT_MAX];
    addr_format(&instance->entry.path.remote, text);
    if (instance->server->config->status_real_address == CONFIG_ADDRESS_2_7) {
        (void)snprintf(out, REAL_ADDRESS_MAX, "%s%s%s:%s", instance->tcp ? "tcp" : "udp",
                       instance->socket_ipv6 ? "6" : "4", instance->tcp ? "-server" : "", text);
    } else {
        (void)snprintf(out, REAL_ADDRESS_MAX, "%s", text);
    }
    return out;
}

const char *real_address_status(const struct instance *instance, char out[REAL_ADDRESS_MAX])
{
    struct ip_addr ip = addr_to_ip(&instance->entry.path.remote);
    if (ip.family == AF_INET6 && instance->server->config->status_real_address == CONFIG_ADDRESS_2_6) {
        return ip_format(&ip, out);
    }
    return real_address_log(instance, out);
}
