/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "config/arena.h"
#include "config/validate.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "wire/mtu.h"

#define TUN_MTU_MIN 100

/* tcp without a role: what we are decides. */
static enum config_proto complete_proto(const struct check *k, enum config_proto proto)
{
    if (proto < CONFIG_PROTO_TCP) {
        return proto;
    }
    unsigned family = (unsigned)(proto - CONFIG_PROTO_TCP);
    enum config_proto base = k->c->mode == CONFIG_MODE_SERVER ? CONFIG_PROTO_TCP_SERVER : CONFIG_PROTO_TCP_CLIENT;
    return (enum config_proto)(base + family);
}

static enum mtu_cipher_kind kind_of(const struct cipher_info *cipher)
{
    static const enum mtu_cipher_kind kinds[] = {[CIPHER_NONE] = MTU_CIPHER_NONE,
                                                 [CIPHER_AEAD] = MTU_CIPHER_AEAD,
                                                 [CIPHER_CBC] = MTU_CIPHER_CBC,
                                                 [CIPHER_CFB] = MTU_CIPHER_STREAM,
                                                 [CIPHER_OFB] = MTU_CIPHER_STREAM};
    return cipher ? kinds[cipher->kind] : MTU_CIPHER_CBC;
}

/* link-mtu stands for a tun-mtu. */
static void complete_link_mtu(struct check *k, struct config_connection *e)
{
    if (!e->link_mtu || config_is_given(k->c, "tun-mtu")) {
        return;
    }
    const struct cipher_info *cipher = k->c->cipher ? cipher_find(k->c->cipher) : NULL;
    const struct digest_info *digest = digest_find(k->c->auth ? k->c->auth : "SHA1");
    const struct mtu_link link = {.kind = kind_of(cipher),
                                  .block_size = cipher ? cipher->block_size : 0,
                                  .iv_size = cipher ? cipher->iv_size : 0,
                                  .hmac_size = digest ? digest->size : 0,
                                  .tcp = config_proto_is_tcp(e->proto)};
    unsigned mtu = mtu_tun_mtu(&link, e->link_mtu, !cipher);
    if (mtu < TUN_MTU_MIN) {
        check_error(k, "--link-mtu %u leaves a tun-mtu of %u, less than %d", e->link_mtu, mtu, TUN_MTU_MIN);
        return;
    }
    e->tun_mtu = mtu;
}

/* With link-mtu there is no mssfix by default, as in OpenVPN. Other defaults depend on what is pushed (node/data_keys.c). */
static void complete_mssfix(struct config_connection *e)
{
    e->mssfix.given |= e->link_mtu && !e->fragment.size;
}

static bool is_tcp_client(enum config_proto proto)
{
    return proto >= CONFIG_PROTO_TCP_CLIENT && proto <= CONFIG_PROTO_TCP6_CLIENT;
}

/* Whether the socket is bound to a local port (client behaviour 2.5). */
static void complete_bind(struct check *k, struct config_connection *e)
{
    bool asked = e->bind || e->lport_given || e->local.count > 0;
    bool client_like = k->c->pull || is_tcp_client(e->proto) || e->socks_proxy.host;
    e->bind = !e->nobind && (asked || !client_like);
}

static void check_entry(struct check *k, const struct config_connection *e)
{
    bool tcp = config_proto_is_tcp(e->proto);
    if (e->bind && e->nobind) {
        check_error(k, "--bind and --nobind can't be used together");
    }
    if (e->local.count && e->nobind) {
        check_error(k, "--local and --nobind don't make sense when used together");
    }
    if (e->lport_given && e->nobind) {
        check_error(k, "--lport and --nobind don't make sense when used together");
    }
    if (e->http_proxy.host && !is_tcp_client(e->proto)) {
        check_error(k, "--http-proxy MUST be used in TCP Client mode (i.e. --proto tcp-client)");
    }
    if (e->http_proxy.host && e->socks_proxy.host) {
        check_error(k, "--http-proxy can not be used together with --socks-proxy");
    }
    if (e->socks_proxy.host && tcp && !is_tcp_client(e->proto)) {
        check_error(k, "--socks-proxy can not be used in TCP Server mode");
    }
    if (tcp && e->fragment.size) {
        check_error(k, "--fragment can only be used with --proto udp");
    }
    if (tcp && k->c->mtu_test) {
        check_error(k, "--mtu-test only makes sense with --proto udp");
    }
    if (e->link_mtu && config_is_given(k->c, "tun-mtu")) {
        check_error(k, "only one of --tun-mtu or --link-mtu may be defined");
    }
    int wraps = config_file_given(&e->tls_auth) + config_file_given(&e->tls_crypt) + config_file_given(&e->tls_crypt_v2);
    if (k->c->tls_client && wraps > 1) {
        check_error(k, "--tls-auth, --tls-crypt and --tls-crypt-v2 are mutually exclusive in client mode");
    }
    if (config_file_given(&e->tls_auth) && config_file_given(&e->tls_crypt)) {
        check_error(k, "--tls-auth and --tls-crypt are mutually exclusive");
    }
}

/* Fill in what an entry has not said itself. */
static void complete_entry(struct check *k, struct config_connection *e)
{
    struct config *c = k->c;
    if (e->remote.count) {
        const struct config_remote *remote = &e->remote.items[0];
        e->rport = remote->port ? remote->port : e->rport;
        e->proto = remote->proto_given ? remote->proto : e->proto;
    }
    e->proto = complete_proto(k, e->proto);
    if (!e->tls_wrap_given) {
        e->tls_auth = c->top.tls_auth;
        e->tls_crypt = c->top.tls_crypt;
        e->tls_crypt_v2 = c->top.tls_crypt_v2;
        e->tls_crypt_v2_cookie = c->top.tls_crypt_v2_cookie;
        e->key_direction = e->key_direction < 0 ? c->top.key_direction : e->key_direction;
    }
    if (c->http_proxy_override.host && is_tcp_client(e->proto)) {
        e->http_proxy = c->http_proxy_override;
        e->socks_proxy = (struct config_socks_proxy){0};
    }
    if (config_proto_is_tcp(e->proto) && e->explicit_exit_notify && c->mode != CONFIG_MODE_SERVER) {
        check_note(k, "NOTICE: --explicit-exit-notify ignored for --proto tcp");
        e->explicit_exit_notify = 0;
    }
    check_entry(k, e);
    complete_bind(k, e);
    complete_link_mtu(k, e);
    complete_mssfix(e);
}

static bool transport_wanted(const struct config *c, const struct config_connection *e)
{
    return c->proto_force == CONFIG_TRANSPORT_ANY ||
           (c->proto_force == CONFIG_TRANSPORT_TCP) == config_proto_is_tcp(e->proto);
}

/* Bare remote lines become entries, unless there are blocks. */
static void entries_from_remotes(struct check *k)
{
    struct config *c = k->c;
    if (c->connections.count > 0) {
        if (c->top.remote.count > 0) {
            check_warning(k, "remote lines outside of <connection> blocks are ignored because there are such blocks; put "
                             "them into blocks of their own");
        }
        return;
    }
    for (size_t i = 0; i < c->top.remote.count; i++) {
        struct config_connection *e = CONFIG_APPEND(c->arena, &c->connections);
        *e = c->top;
        e->remote = (struct config_remote_list){.items = &c->top.remote.items[i], .count = 1, .cap = 1};
    }
    if (c->connections.count == 0) {
        *CONFIG_APPEND(c->arena, &c->connections) = c->top;
    }
}

void connections_build(struct check *k)
{
    struct config *c = k->c;
    bool remotes = c->connections.count > 0 || c->top.remote.count > 0;
    if (c->mode == CONFIG_MODE_SERVER && remotes) {
        check_error(k, "--remote cannot be used with --mode server");
        return;
    }
    if (c->mode == CONFIG_MODE_SERVER && c->proto >= CONFIG_PROTO_TCP) {
        check_error(k, "--proto tcp is ambiguous in this context. Please specify --proto tcp-server or --proto "
                       "tcp-client");
        return;
    }
    entries_from_remotes(k);
    struct config_connection_list usable = {0};
    for (size_t i = 0; i < c->connections.count && !check_stop(k); i++) {
        struct config_connection e = c->connections.items[i];
        complete_entry(k, &e);
        if (transport_wanted(c, &e)) {
            *CONFIG_APPEND(c->arena, &usable) = e;
        }
    }
    if (usable.count == 0 && !k->errors) {
        check_error(k, "No usable connection profiles are present: proto-force leaves no remote");
    }
    c->connections = usable;
    if (usable.count > 0 && !remotes) {
        c->top = usable.items[0]; /* servers and listeners read the top level */
    }
    for (size_t i = 0; i < c->top.local.count; i++) {
        c->top.local.items[i].proto = complete_proto(k, c->top.local.items[i].proto);
    }
    complete_link_mtu(k, &c->top);
    complete_mssfix(&c->top);
    bool needs_remote = c->pull || (usable.count > 0 && usable.items[0].nobind);
    if (needs_remote && !remotes && c->mode != CONFIG_MODE_SERVER) {
        check_error(k, "--nobind doesn't make sense unless used with --remote");
    }
}
