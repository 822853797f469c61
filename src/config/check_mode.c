/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "config/arena.h"
#include "config/validate.h"

/** An option and how messages call it; NULL: by its name. */
struct rule {
    enum config_option option;
    const char *text;
};

/* Options that make sense on a server only, and that a user of another mode has to be told about. */
static const struct rule server_only[] = {
    {CONFIG_OPT_ifconfig_pool, "ifconfig-pool/--ifconfig-pool-persist"},
    {CONFIG_OPT_ifconfig_pool_persist, "ifconfig-pool/--ifconfig-pool-persist"},
    {CONFIG_OPT_ifconfig_ipv6_pool, NULL},
    {CONFIG_OPT_hash_size, NULL},
    {CONFIG_OPT_learn_address, NULL},
    {CONFIG_OPT_client_connect, NULL},
    {CONFIG_OPT_client_crresponse, NULL},
    {CONFIG_OPT_client_disconnect, NULL},
    {CONFIG_OPT_client_config_dir, "client-config-dir/--ccd-exclusive"},
    {CONFIG_OPT_ccd_exclusive, "client-config-dir/--ccd-exclusive"},
    {CONFIG_OPT_client_to_client, NULL},
    {CONFIG_OPT_duplicate_cn, NULL},
    {CONFIG_OPT_connect_freq, NULL},
    {CONFIG_OPT_verify_client_cert, NULL},
    {CONFIG_OPT_username_as_common_name, NULL},
    {CONFIG_OPT_auth_user_pass_optional, NULL},
    {CONFIG_OPT_auth_user_pass_verify, NULL},
    {CONFIG_OPT_auth_gen_token, NULL},
    {CONFIG_OPT_auth_pam, NULL},
    {CONFIG_OPT_stale_routes_check, NULL},
    {CONFIG_OPT_vlan_tagging, NULL},
    {CONFIG_OPT_vlan_accept, NULL},
    {CONFIG_OPT_nat_masquerade, NULL},
    {CONFIG_OPT_management_client_auth, NULL},
};

/* Options that a server cannot have. */
static const struct rule not_server[] = {
    {CONFIG_OPT_pull, NULL},
    {CONFIG_OPT_shaper, NULL},
    {CONFIG_OPT_ipchange, NULL},
    {CONFIG_OPT_http_proxy, NULL},
    {CONFIG_OPT_socks_proxy, NULL},
    {CONFIG_OPT_route_delay, NULL},
    {CONFIG_OPT_up_delay, NULL},
    {CONFIG_OPT_kill_switch, NULL},
    {CONFIG_OPT_remote_parallel, NULL},
};

/* Options that only change how --management behaves. */
static const enum config_option with_management[] = {
    CONFIG_OPT_management_client,          CONFIG_OPT_management_hold,
    CONFIG_OPT_management_query_passwords, CONFIG_OPT_management_query_proxy,
    CONFIG_OPT_management_query_remote,    CONFIG_OPT_management_forget_disconnect,
    CONFIG_OPT_management_signal,          CONFIG_OPT_management_up_down,
    CONFIG_OPT_management_client_auth,     CONFIG_OPT_management_client_user,
    CONFIG_OPT_management_client_group,    CONFIG_OPT_management_external_key,
    CONFIG_OPT_management_external_cert,   CONFIG_OPT_management_version,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_of(const struct rule *rule)
{
    return rule->text ? rule->text : config_row(rule->option)->name;
}

static void not_a_server(struct check *k)
{
    for (size_t i = 0; i < COUNT(server_only); i++) {
        if (check_given(k, server_only[i].option)) {
            check_error(k, "--%s requires --mode server", name_of(&server_only[i]));
        }
    }
    if (k->c->port_share.host) {
        check_error(k, "--port-share requires TCP server mode (--mode server --proto tcp-server)");
    }
}

static void needs_login(struct check *k)
{
    const struct config *c = k->c;
    static const char *const with = "must be used with --management-client-auth, an --auth-user-pass-verify script, or "
                                    "plugin";
    if (c->management_client_auth || c->auth_user_pass_verify.command || c->plugin.count || c->auth_pam) {
        return;
    }
    if (c->verify_client_cert != CONFIG_CLIENT_CERT_REQUIRE) {
        check_error(k, "--verify-client-cert none|optional %s", with);
    }
    if (c->username_as_common_name) {
        check_error(k, "--username-as-common-name %s", with);
    }
    if (c->auth_user_pass_optional) {
        check_error(k, "--auth-user-pass-optional %s", with);
    }
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* The same address, port and transport cannot be bound twice. */
static void distinct_listeners(struct check *k)
{
    const struct config *c = k->c;
    for (size_t i = 0; i < c->local.count; i++) {
        const struct config_local *a = &c->local.items[i];
        for (size_t j = 0; j < i; j++) {
            const struct config_local *b = &c->local.items[j];
            enum config_proto a_proto = a->proto_given ? a->proto : c->proto;
            enum config_proto b_proto = b->proto_given ? b->proto : c->proto;
            if (same_text(a->host, b->host) && same_text(a->port ? a->port : c->lport, b->port ? b->port : c->lport) &&
                config_proto_is_tcp(a_proto) == config_proto_is_tcp(b_proto) &&
                config_proto_family(a_proto) == config_proto_family(b_proto)) {
                check_error(k, "two --local lines name the same address, port and protocol (%s); remove one",
                            a->host ? a->host : "*");
                return;
            }
        }
    }
}

static void server_transport(struct check *k)
{
    const struct config *c = k->c;
    bool tcp = config_proto_is_tcp(c->proto);
    for (size_t i = 0; i < c->local.count; i++) {
        tcp |= c->local.items[i].proto_given && config_proto_is_tcp(c->local.items[i].proto);
    }
    distinct_listeners(k);
    if (c->nobind) {
        check_error(k, "--nobind doesn't make sense unless used with --remote");
    }
    if (c->proto >= CONFIG_PROTO_TCP_CLIENT && c->proto <= CONFIG_PROTO_TCP6_CLIENT) {
        check_error(k, "--mode server currently only supports --proto udp or --proto tcp-server or --proto tcp6-server");
    }
    if (c->port_share.host && !tcp) {
        check_error(k, "--port-share only works in TCP server mode (--proto values of tcp-server, tcp4-server, or "
                       "tcp6-server)");
    }
    if (c->connect_freq.count && config_proto_is_tcp(c->proto) && c->local.count == 0) {
        check_error(k, "--connect-freq only works with --mode server --proto udp.  Try --max-clients instead.");
    }
}

static void a_server(struct check *k)
{
    const struct config *c = k->c;
    for (size_t i = 0; i < COUNT(not_server); i++) {
        if (check_given(k, not_server[i].option)) {
            check_error(k, "--%s cannot be used with --mode server", name_of(&not_server[i]));
        }
    }
    if (c->redirect_gateway) {
        check_error(k, "--redirect-gateway cannot be used with --mode server (however --push \"redirect-gateway\" is "
                       "fine)");
    }
    if (c->auth_user_pass.enabled) {
        check_error(k, "--auth-user-pass cannot be used with --mode server (it should be used on the client side only)");
    }
    if (!c->tls_server) {
        check_error(k, "--mode server requires --tls-server");
    }
    if (c->dev_type == CONFIG_DEV_NULL) {
        check_error(k, "--mode server only works with --dev tun or --dev tap");
    }
    if (c->ccd_exclusive && !c->client_config_dir) {
        check_error(k, "--ccd-exclusive must be used with --client-config-dir");
    }
    if ((c->vlan_tagging || c->vlan_accept != CONFIG_VLAN_ALL) && c->dev_type != CONFIG_DEV_TAP) {
        check_error(k, "--vlan-tagging must be used with --dev tap");
    }
    if (c->vlan_accept != CONFIG_VLAN_ALL && !c->vlan_tagging) {
        check_error(k, "--vlan-accept requires --vlan-tagging");
    }
    if (c->auth_gen_token.renewal && c->auth_gen_token.renewal < c->hand_window * 2) {
        check_error(k, "--auth-gen-token renewal time needs to be at least  two times --hand-window (%u).",
                    c->hand_window);
    }
    if (c->ifconfig_pool_persist.path && !c->ifconfig_pool.given && !c->ifconfig_ipv6_pool.given) {
        check_error(k, "--ifconfig-pool-persist must be used with --ifconfig-pool or --ifconfig-ipv6-pool");
    }
    if (c->ifconfig_ipv6_pool.given && c->ifconfig_ipv6.local.family == AF_UNSPEC) {
        check_error(k, "--ifconfig-ipv6-pool needs --ifconfig-ipv6");
    }
    server_transport(k);
    needs_login(k);
}

static void management(struct check *k)
{
    const struct config *c = k->c;
    if (!c->management.address) {
        for (size_t i = 0; i < COUNT(with_management); i++) {
            if (check_given(k, with_management[i])) {
                check_error(k, "--management is not specified, however one or more options which modify the behavior of "
                               "--management were specified");
                return;
            }
        }
        return;
    }
    if (!c->management.is_unix && (c->management_client_user || c->management_client_group)) {
        check_error(k, "--management-client-(user|group) can only be used on unix domain sockets");
    }
    if (!c->management.is_unix && !c->management.password_file) {
        check_warning(k, "Using --management on a TCP port WITHOUT passwords is STRONGLY discouraged and considered "
                         "insecure");
    }
}

static bool is_mac(const char *text)
{
    unsigned b[6];
    char extra = 0;
    return strlen(text) == 17 &&
           sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &extra) == 6;
}

static void device(struct check *k)
{
    const struct config *c = k->c;
    if (c->lladdr && !is_mac(c->lladdr)) {
        check_error(k, "lladdr parm '%s' must be a MAC address", c->lladdr);
    }
    if (c->lladdr && c->dev_type == CONFIG_DEV_TUN) {
        check_error(k, "--lladdr can only be used in --dev tap mode");
    }
    if (c->bridge && c->dev_type != CONFIG_DEV_TAP) {
        check_error(k, "bridge needs a tap device: a tun device carries no Ethernet frames; use dev tap");
    }
    if (c->ifconfig.local && c->mode == CONFIG_MODE_P2P && !c->pull && c->dev_type == CONFIG_DEV_TUN &&
        strcmp(c->ifconfig.local, c->ifconfig.remote_netmask) == 0) {
        check_error(k, "--local and --remote addresses must be distinct from --ifconfig addresses");
    }
    if (c->mode == CONFIG_MODE_P2P && !c->pull && (c->route_nopull || c->pull_filter.count)) {
        check_warning(k, "route-nopull and pull-filter have no effect without pull");
    }
}

void check_mode(struct check *k)
{
    if (k->c->mode == CONFIG_MODE_SERVER) {
        a_server(k);
    } else {
        not_a_server(k);
    }
    management(k);
    device(k);
}
