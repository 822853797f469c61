/* SPDX-License-Identifier: MIT */
#include "server/push_update.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "wire/cmd.h"
#include "wire/peer_info.h"

static const char *const updatable[] = {
    "block-ipv6",  "block-outside-dns", "dhcp-option",  "dns",      "redirect-gateway", "redirect-private", "route",
    "route-ipv6",  "route-gateway",     "route-metric", "topology", "tun-mtu",          "keepalive",
};

static bool is_updatable(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(updatable) / sizeof(updatable[0]); i++) {
        if (strlen(updatable[i]) == len && strncmp(text, updatable[i], len) == 0) {
            return true;
        }
    }
    return false;
}

bool push_update_valid(const char *options)
{
    for (const char *at = options; *at;) {
        at += *at == ' ';
        const char *name = at + (*at == '-');
        name += *name == '?';
        size_t len = strcspn(name, " ,");
        if (len == 0 || !is_updatable(name, len)) {
            log_error("push-update: '%.*s' cannot be changed in a connected client", (int)len, name);
            return false;
        }
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return *options != '\0';
}

bool push_update_send(struct instance *instance, const char *options)
{
    if (instance->state != INSTANCE_CONNECTED || !(instance->current->peer.proto & PEER_INFO_PROTO_PUSH_UPDATE)) {
        return false;
    }
    struct cmd_push push;
    char *copy = mem_strdup(options);
    char *rest = copy;
    cmd_push_begin(&push, "PUSH_UPDATE");
    for (char *one = strsep(&rest, ","); one; one = strsep(&rest, ",")) {
        one += *one == ' ';
        int rc = cmd_push_option(&push, one);
        if (rc == 1) {
            instance_session_send(instance->current, push.text);
            cmd_push_next(&push);
            rc = cmd_push_option(&push, one);
        }
        if (rc < 0) {
            instance_log(instance, LOG_SEV_ERROR, 1, "push-update: '%s' is too long; it is left out", one);
        }
    }
    cmd_push_end(&push);
    instance_session_send(instance->current, push.text);
    free(copy);
    return true;
}
