/* SPDX-License-Identifier: MIT */
#include "client/outfit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/kill_switch.h"
#include "client/proxy_ask.h"
#include "client/state.h"
#include "node/settings.h"
#include "session/negotiate.h"
#include "wire/peer_info.h"

#define TUN_MTU_MAX_DEFAULT 1600u
#define VARIABLES_MAX 64

size_t outfit_count(const struct config *config)
{
    return config->connections.count ? config->connections.count : 1;
}

const struct config_connection *outfit_connection(const struct client *c, size_t i)
{
    return c->config->connections.count ? &c->config->connections.items[i] : &c->config->top;
}

struct config *outfit_entry(const struct client *c, size_t i)
{
    struct config *clone = config_clone(c->config);
    clone->top = *outfit_connection(c, i);
    const struct config_remote *remote = outfit_remote(clone);
    if (remote && remote->proto_given) {
        clone->proto = remote->proto;
    }
    return clone;
}

static const struct config_remote *remote_of(const struct config_connection *e)
{
    return e->remote.count ? &e->remote.items[e->remote.count - 1] : NULL;
}

static const char *port_of(const struct config_connection *e)
{
    const struct config_remote *remote = remote_of(e);
    if (remote && remote->port) {
        return remote->port;
    }
    return e->rport ? e->rport : e->port;
}

bool outfit_entry_is_tcp(const struct client *c, size_t i)
{
    const struct config_connection *e = outfit_connection(c, i);
    const struct config_remote *remote = remote_of(e);
    return config_proto_is_tcp(remote && remote->proto_given ? remote->proto : e->proto);
}

const struct config_remote *outfit_entry_remote(const struct client *c, size_t i)
{
    return remote_of(outfit_connection(c, i));
}

const char *outfit_entry_port(const struct client *c, size_t i)
{
    return port_of(outfit_connection(c, i));
}

const struct config_remote *outfit_remote(const struct config *config)
{
    return remote_of(&config->top);
}

const char *outfit_port(const struct config *config)
{
    return port_of(&config->top);
}

const char *outfit_proxy_host(const struct config *config)
{
    return config->http_proxy.host ? config->http_proxy.host : config->socks_proxy.host;
}

const char *outfit_proxy_port(const struct config *config)
{
    return config->http_proxy.host ? config->http_proxy.port : config->socks_proxy.port;
}

const union addr *outfit_address(const struct attempt *a)
{
    const struct attempt_addresses *known = &a->client->addresses[a->entry];
    return a->address < known->count ? &known->list[a->address] : NULL;
}

/* ------------------------------------------------------------------ sockets */

static int buffer_size(const struct config *config, const char *name, unsigned value)
{
    if (value) {
        return (int)value;
    }
    return config_is_given(config, name) ? SOCK_BUFFER_KEEP : SOCK_BUFFER_DEFAULT;
}

static int mtu_disc(enum config_mtu_disc value)
{
    switch (value) {
    case CONFIG_MTU_DISC_NO:
        return 0;
    case CONFIG_MTU_DISC_MAYBE:
        return 1;
    case CONFIG_MTU_DISC_YES:
        return 2;
    case CONFIG_MTU_DISC_UNSET:
        break;
    }
    return SOCK_MTU_DISC_KEEP;
}

static bool binds(const struct config *config, bool tcp)
{
    if (config->nobind) {
        return false;
    }
    bool given = config->bind || config->local.count || config->lport;
    bool implicit_nobind = config->pull || tcp || config->socks_proxy.host;
    return given || !implicit_nobind;
}

static union addr bind_address(const struct attempt *a, const struct config *config, int family)
{
    const char *port = config->local.count && config->local.items[0].port ? config->local.items[0].port
                       : config->lport                                    ? config->lport
                                                                          : config->port;
    uint16_t number = (uint16_t)strtoul(port, NULL, 10);
    if (a->local.any.sa_family != AF_UNSPEC) {
        union addr local = a->local;
        addr_set_port(&local, number);
        return local;
    }
    struct ip_addr any = {.family = (uint16_t)family};
    return addr_from_ip(&any, number);
}

static const char *family_text(bool tcp, int family)
{
    if (family == AF_INET6) {
        return tcp ? "TCPv6_CLIENT" : "UDPv6";
    }
    return tcp ? "TCPv4_CLIENT" : "UDPv4";
}

/* ------------------------------------------------------------------ proxies */

/* "auto basic": nothing to send before the proxy has asked for it. */
static enum proxy_auth http_auth(const struct config *config)
{
    switch (config->http_proxy.auth) {
    case CONFIG_HTTP_AUTH_BASIC:
        return proxy_login_has_source(config, &config->top) ? PROXY_AUTH_BASIC : PROXY_AUTH_AUTO;
    case CONFIG_HTTP_AUTH_AUTO:
        return PROXY_AUTH_AUTO;
    case CONFIG_HTTP_AUTH_AUTO_NCT:
        return PROXY_AUTH_AUTO_NCT;
    case CONFIG_HTTP_AUTH_NONE:
    case CONFIG_HTTP_AUTH_NTLM2:
        break;
    }
    return PROXY_AUTH_NONE;
}

static struct proxy *http_proxy(const struct config *config, const struct proxy_target *target)
{
    const struct config_http_proxy_option *o = &config->http_proxy_option;
    char *lines[10];
    size_t count = 0;
    for (size_t i = 0; i < o->headers.count && i < 10; i++) {
        const struct config_http_header *h = &o->headers.items[i];
        lines[count++] = h->value ? mem_printf("%s: %s", h->name, h->value) : mem_strdup(h->name);
    }
    struct proxy_http_options options = {
        .auth = http_auth(config),
        .version = o->version,
        .user_agent = o->agent,
        .headers = (const char *const *)lines,
        .header_count = count,
    };
    struct proxy *proxy = proxy_http_new(target, &options, rand_system());
    for (size_t i = 0; i < count; i++) {
        free(lines[i]);
    }
    return proxy;
}

static int fill_proxy(const struct attempt *a, const struct config *config, struct transport_request *out)
{
    const struct config_remote *remote = outfit_remote(config);
    if (config->http_proxy.auth == CONFIG_HTTP_AUTH_NTLM2 && config->http_proxy.host) {
        log_error("http-proxy: NTLM is not supported; use basic or auto");
        return ERR_CONFIG;
    }
    if (!remote) {
        log_error("A proxy needs a remote to go to");
        return ERR_CONFIG;
    }
    struct proxy_target target = {
        .host = remote->host,
        .port = (uint16_t)strtoul(outfit_port(config), NULL, 10),
    };
    struct proxy_login login = {0};
    if (proxy_login_read(config, &login)) {
        return ERR_CONFIG;
    }
    const struct proxy_login *given = login.username ? &login : proxy_ask_known(a->client, config);
    if (given) {
        target.username = given->username;
        target.password = given->password;
    }
    out->proxy_is_http = config->http_proxy.host != NULL;
    out->proxy = out->proxy_is_http ? http_proxy(config, &target) : proxy_socks_new(&target, !out->tcp);
    out->proxy_address = a->proxy.list[0];
    proxy_login_wipe(&login);
    return 0;
}

static void let_out(void *arg, const union addr *peer, bool tcp)
{
    kill_switch_exit(arg, peer, tcp);
}

int outfit_transport(const struct attempt *a, struct transport_request *out)
{
    const struct config *config = a->config;
    const union addr *address = outfit_address(a);
    *out = (struct transport_request){.tcp = config_proto_is_tcp(config->proto), .quiet = a->quiet};
    if (address) {
        out->remote = *address;
    }
    out->opening = let_out;
    out->opening_arg = a->client->kill_switch;
    if (outfit_proxy_host(config) && fill_proxy(a, config, out)) {
        return ERR_CONFIG;
    }
    const union addr *peer = out->proxy ? &out->proxy_address : &out->remote;
    int family = peer->any.sa_family != AF_UNSPEC ? peer->any.sa_family : config_proto_family(config->proto);
    out->bind = binds(config, out->tcp);
    out->local = bind_address(a, config, family == AF_UNSPEC ? AF_INET6 : family);
    out->family_text = family_text(out->tcp, out->local.any.sa_family);
    out->socket = SOCK_OPTIONS_INIT;
    out->socket.sndbuf = buffer_size(config, "sndbuf", config->sndbuf);
    out->socket.rcvbuf = buffer_size(config, "rcvbuf", config->rcvbuf);
    out->socket.mark = config->mark;
    out->socket.bind_dev = config->bind_dev;
    out->socket.mtu_disc = mtu_disc(config->mtu_disc);
    out->socket.v6only = config->bind_ipv6only;
    return 0;
}

/* ------------------------------------------------------------------ session */

static const char *variable(const struct config *config, const char *name)
{
    for (size_t i = config->setenv.count; i > 0; i--) {
        if (strcmp(config->setenv.items[i - 1].name, name) == 0) {
            return config->setenv.items[i - 1].value;
        }
    }
    return NULL;
}

/* UV_ and IV_ variables of setenv that a server may be told. */
static size_t user_variables(const struct config *config, char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < config->setenv.count && n < VARIABLES_MAX; i++) {
        const struct config_setenv *v = &config->setenv.items[i];
        if (strncmp(v->name, "UV_", 3) == 0) {
            out[n++] = mem_printf("%s=%s", v->name, v->value);
        }
    }
    return n;
}

static enum peer_info_compress compression(const struct config *config)
{
    return config->allow_compression == CONFIG_COMPRESSION_NO ? PEER_INFO_COMPRESS_STUB : PEER_INFO_COMPRESS_ASYM;
}

static int peer_info(const struct config *config, char *out, size_t cap)
{
    char *variables[VARIABLES_MAX + 1] = {NULL};
    bool full = config->push_peer_info || config->push_peer_info_hint;
    size_t n = user_variables(config, variables);
    const char *sso = variable(config, "IV_SSO");
    struct peer_info_fields fields = {
        .level = full ? PEER_INFO_PUSH : config->pull ? PEER_INFO_PULL : PEER_INFO_P2P,
        .version = VERSION,
        .platform = "linux",
        .mtu = config->tun_mtu_max > TUN_MTU_MAX_DEFAULT ? config->tun_mtu_max : TUN_MTU_MAX_DEFAULT,
        .ncp = true,
        .ciphers = config->data_ciphers,
        .proto = config->pull ? NEGOTIATE_PROTO_CLIENT : NEGOTIATE_PROTO_P2P,
        .compress = compression(config),
        .lzo = true,
        .compress_stub_configured = config->compress != CONFIG_COMPRESS_OFF,
        .sso = sso ? sso : "webauth,openurl,crtext",
        .gui_version = variable(config, "IV_GUI_VER"),
        .extra = (const char *const *)variables,
    };
    int len = peer_info_build(&fields, out, cap);
    for (size_t i = 0; i < n; i++) {
        free(variables[i]);
    }
    return len;
}

struct settings *outfit_settings(const struct attempt *a, const struct transport_request *transport)
{
    const struct config *config = a->config;
    char info[PEER_INFO_MAX];
    if (peer_info(config, info, sizeof(info)) < 0) {
        log_warn("What this client tells about itself is too long and is left out (setenv UV_...)");
        info[0] = '\0';
    }
    const union addr *peer = transport->proxy ? &transport->proxy_address : &transport->remote;
    struct settings_request request = {
        .config = config,
        .keys = a->client->keys,
        .role = config->tls_server ? SESSION_SERVER : SESSION_CLIENT,
        .tcp = transport->tcp,
        .outer_ipv6 = peer->any.sa_family == AF_INET6,
        .peer_info = info,
    };
    struct settings *settings = NULL;
    if (settings_new(&request, &settings)) {
        settings = NULL;
    }
    return settings;
}
