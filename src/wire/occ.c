/* SPDX-License-Identifier: MIT */
#include "wire/occ.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

static void add(struct wr *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct wr *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf((char *)w->p, wr_left(w), format, args);
    va_end(args);
    (void)wr_reserve(w, n < 0 || (size_t)n >= wr_left(w) ? SIZE_MAX : (size_t)n);
}

static const char *proto_name(bool tcp, bool server)
{
    if (!tcp) {
        return "UDPv4";
    }
    return server ? "TCPv4_SERVER" : "TCPv4_CLIENT";
}

static bool is_none(const char *name)
{
    return strcmp(name, "none") == 0;
}

static void add_ifconfig(struct wr *w, const struct occ_config *c, bool of_peer)
{
    if (!c->p2p || !c->ifconfig_local || !c->ifconfig_remote) {
        return;
    }
    /* In tun p2p a side names its remote address first, so the two strings are mirror images. */
    bool local_first = c->ifconfig_net || of_peer;
    add(w, ",ifconfig %s %s", local_first ? c->ifconfig_local : c->ifconfig_remote,
        local_first ? c->ifconfig_remote : c->ifconfig_local);
}

static void add_crypto(struct wr *w, const struct occ_config *c)
{
    bool aead = c->cipher && (c->link.kind == MTU_CIPHER_AEAD || c->link.kind == MTU_CIPHER_EPOCH);
    if (c->p2p || (c->cipher && c->cipher_listed)) {
        const char *name = c->cipher ? c->cipher : "BF-CBC";
        add(w, ",cipher %s", is_none(name) ? "[null-cipher]" : name);
    }
    bool no_digest = aead || !c->auth || is_none(c->auth);
    add(w, ",auth %s,keysize %u", no_digest ? "[null-digest]" : c->auth, c->cipher ? c->key_bits : 128);
}

int occ_build(const struct occ_config *config, bool of_peer, char *out, size_t cap)
{
    struct wr w = wr_init(out, cap);
    bool server = config->server != of_peer;
    const char *device = config->device_null ? "null" : config->link.tap ? "tap" : "tun";
    unsigned link_mtu = config->link_mtu ? config->link_mtu
                                         : mtu_link_mtu(&config->link, config->tun_mtu, config->cipher == NULL);
    add(&w, "V4,dev-type %s,link-mtu %u,tun-mtu %u,proto %s", device, link_mtu, config->tun_mtu,
        proto_name(config->link.tcp, server));
    if (config->p2p && config->tun_ipv6) {
        add(&w, ",tun-ipv6");
    }
    add_ifconfig(&w, config, of_peer);
    if (config->compress) {
        add(&w, ",comp-lzo");
    }
    if (config->link.fragment) {
        add(&w, ",mtu-dynamic");
    }
    if (config->key_direction >= 0) {
        add(&w, ",keydir %d", of_peer ? !config->key_direction : config->key_direction);
    }
    add_crypto(&w, config);
    if (config->tls_auth) {
        add(&w, ",tls-auth");
    }
    add(&w, ",key-method 2,%s", server ? "tls-server" : "tls-client");
    return wr_ok(&w) ? (int)wr_len(&w) : ERR_LIMIT;
}

/* Next comma separated item of @rest. */
static bool item_next(struct span *rest, struct span *item)
{
    if (!rest->data) {
        return false;
    }
    const uint8_t *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    item->data = rest->data;
    item->len = comma ? (size_t)(comma - rest->data) : rest->len;
    if (comma) {
        rest->len -= item->len + 1;
        rest->data = comma + 1;
    } else {
        *rest = (struct span){NULL, 0};
    }
    return true;
}

static struct span first_word(struct span item)
{
    const uint8_t *space = item.len ? memchr(item.data, ' ', item.len) : NULL;
    return (struct span){item.data, space ? (size_t)(space - item.data) : item.len};
}

static bool same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static struct span of_text(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

/* The item of @list with the first word @word. */
static bool find(struct span list, struct span word, struct span *item)
{
    while (item_next(&list, item)) {
        if (item->len && same(first_word(*item), word)) {
            return true;
        }
    }
    return false;
}

bool occ_item(const char *options, const char *name, struct span *value)
{
    struct span item;
    struct span word = of_text(name);
    if (!find(of_text(options), word, &item)) {
        return false;
    }
    size_t skip = word.len + (item.len > word.len ? 1 : 0);
    *value = (struct span){item.data + skip, item.len - skip};
    return true;
}

bool occ_cipher(const char *options, char *out, size_t cap)
{
    struct span value;
    if (!occ_item(options, "cipher", &value) || value.len == 0) {
        return false;
    }
    if (same(value, of_text("[null-cipher]"))) {
        value = of_text("none");
    }
    if (value.len >= cap) {
        return false;
    }
    memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    return true;
}

static bool never_matters(struct span word)
{
    static const char *const names[] = {"key-method", "keydir", "proto", "tls-auth", "tun-ipv6", "cipher"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (same(word, of_text(names[i]))) {
            return true;
        }
    }
    return false;
}

bool occ_is_device_kind(const struct occ_difference *difference)
{
    struct span tun = of_text("dev-type tun");
    struct span tap = of_text("dev-type tap");
    return (same(difference->local, tun) && same(difference->remote, tap)) ||
           (same(difference->local, tap) && same(difference->remote, tun));
}

unsigned occ_compare(const char *expected, const char *received,
                     void (*fn)(void *arg, const struct occ_difference *difference), void *arg)
{
    struct span local = of_text(expected);
    struct span remote = of_text(received);
    if (same(local, remote)) {
        return 0;
    }
    if (strncmp(expected, received, 2) != 0) {
        fn(arg, &(struct occ_difference){.kind = OCC_VERSION, .local = local, .remote = remote});
        return 1;
    }
    unsigned count = 0;
    struct span item;
    struct span other;
    for (struct span rest = local; item_next(&rest, &item);) {
        struct span word = first_word(item);
        if (item.len == 0 || never_matters(word)) {
            continue;
        }
        if (!find(remote, word, &other)) {
            fn(arg, &(struct occ_difference){.kind = OCC_ONLY_LOCAL, .local = item});
            count++;
        } else if (!same(item, other)) {
            fn(arg, &(struct occ_difference){.kind = OCC_INCONSISTENT, .local = item, .remote = other});
            count++;
        }
    }
    for (struct span rest = remote; item_next(&rest, &item);) {
        struct span word = first_word(item);
        if (item.len && !never_matters(word) && !find(local, word, &other)) {
            fn(arg, &(struct occ_difference){.kind = OCC_ONLY_REMOTE, .remote = item});
            count++;
        }
    }
    return count;
}
