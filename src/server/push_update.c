/* SPDX-License-Identifier: MIT */
#include "server/push_update.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/token.h"
#include "server/addresses.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "wire/cmd.h"
#include "wire/peer_info.h"

static const char *const updatable[] = {
    "block-ipv6",       "block-outside-dns", "dhcp-option", "dns",        "ifconfig",      "ifconfig-ipv6", "redirect-gateway",
    "redirect-private", "route",             "route-ipv6",  "route-gateway", "route-metric", "topology",      "tun-mtu",
    "keepalive",
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

/* ------------------------------------------------------------------ addresses */

/* "ifconfig LOCAL NETMASK-OR-REMOTE" */
static bool read_ifconfig(const struct token_line *words, struct addresses_change *out)
{
    out->v4 = true;
    return words->count == 3 && ip_parse(words->text[1], &out->local4) == 0 && out->local4.family == AF_INET &&
           ip_parse(words->text[2], &out->remote4) == 0 && out->remote4.family == AF_INET;
}

/* "ifconfig-ipv6 LOCAL/BITS REMOTE" */
static bool read_ifconfig_ipv6(const struct token_line *words, struct addresses_change *out)
{
    out->v6 = true;
    char *text = words->count == 3 ? mem_strdup(words->text[1]) : NULL;
    char *slash = text ? strchr(text, '/') : NULL;
    char *end = NULL;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : 0;
    bool good = slash && end != slash + 1 && !*end && bits <= 128;
    if (good) {
        *slash = '\0';
        out->bits6 = (unsigned)bits;
        good = ip_parse(text, &out->local6) == 0 && out->local6.family == AF_INET6 &&
               ip_parse(words->text[2], &out->remote6) == 0 && out->remote6.family == AF_INET6;
    }
    free(text);
    return good;
}

/* One option, if it is about the client's address. Return: false after one log line: it cannot be read. */
static bool read_address(const struct instance *instance, const char *option, struct addresses_change *out)
{
    struct token_line words;
    bool remove = *option == '-';
    const char *text = option + remove;
    text += *text == '?';
    if (token_split(text, strlen(text), &words) != TOKEN_OK || words.count == 0) {
        return true; /* the client says so, if it has to be right */
    }
    bool v4 = strcmp(words.text[0], "ifconfig") == 0;
    if (!v4 && strcmp(words.text[0], "ifconfig-ipv6") != 0) {
        return true;
    }
    if (remove) {
        out->v4 |= v4;
        out->v6 |= !v4;
        return true;
    }
    if (v4 ? read_ifconfig(&words, out) : read_ifconfig_ipv6(&words, out)) {
        return true;
    }
    instance_log(instance, LOG_SEV_ERROR, 1, "push-update: '%s' is not %s", text,
                 v4 ? "ifconfig ADDRESS NETMASK-OR-REMOTE" : "ifconfig-ipv6 ADDRESS/BITS REMOTE");
    return false;
}

/* The server's side of an address that changes. Return: false: refused, logged. */
static bool move_addresses(struct instance *instance, const char *options)
{
    struct addresses_change change = {0};
    char *copy = mem_strdup(options);
    char *rest = copy;
    bool good = true;
    for (char *one = strsep(&rest, ","); one && good; one = strsep(&rest, ",")) {
        good = read_address(instance, one + (*one == ' '), &change);
    }
    free(copy);
    return good && ((!change.v4 && !change.v6) || addresses_change(instance, &change));
}

/* ------------------------------------------------------------------ sending */

bool push_update_send(struct instance *instance, const char *options)
{
    if (instance->state != INSTANCE_CONNECTED || !(instance->current->peer.proto & PEER_INFO_PROTO_PUSH_UPDATE)) {
        return false;
    }
    if (!move_addresses(instance, options)) {
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
