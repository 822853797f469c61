/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "load.h"

static struct load *good(const char *text)
{
    struct load *load = load_text(text);
    cr_assert(load->config, "refused: %s\n%s", text, buf_str(&load->messages));
    return load;
}

static void expect_pushes(const struct config *c, const char *expected)
{
    char all[1000] = "";
    for (size_t i = 0; i < c->push.count; i++) {
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s,", c->push.items[i].text);
    }
    cr_expect_str_eq(all, expected);
}

Test(config, a_client_and_its_defaults)
{
    struct load *load = good("\xEF\xBB\xBF--client\r\n" CLIENT "# comment\r\n; another\r\nverb 3\r\n");
    const struct config *c = load->config;
    cr_expect(c->pull && c->tls_client && !c->tls_server);
    cr_expect_eq(c->verb, 3);
    cr_expect_eq(c->mode, CONFIG_MODE_P2P);
    cr_expect_eq(c->dev_type, CONFIG_DEV_TUN);
    cr_expect_eq(c->connections.count, 1);
    const struct config_connection *e = &c->connections.items[0];
    cr_expect_str_eq(e->remote.items[0].host, "192.0.2.1");
    cr_expect_str_eq(e->rport, "1194");
    cr_expect_eq(e->proto, CONFIG_PROTO_UDP);
    cr_expect(!e->bind);
    cr_expect_eq(e->connect_retry, 1);
    cr_expect_eq(e->connect_retry_limit, 300);
    cr_expect_eq(e->connect_timeout, 120);
    cr_expect_not(e->mssfix.given);
    cr_expect_eq(e->key_direction, -1);
    cr_expect_eq(c->peer_id, CONFIG_NO_PEER_ID);
    cr_expect_eq(c->resolv_retry, CONFIG_INFINITE);
    cr_expect_eq(c->hand_window, 60);
    cr_expect_eq(c->reneg_sec, 3600);
    cr_expect_str_eq(c->data_ciphers, "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305");
    cr_expect(!c->data_ciphers_given);
    cr_expect_str_eq(c->auth, "SHA1");
    cr_expect(config_is_given(c, "verb") && !config_is_given(c, "mute"));
    cr_expect(c->ca.is_inline);
    cr_expect_str_eq(c->ca.data, "x\n");
    cr_expect_str_eq(c->ca.path, "[INLINE]");
    load_free(load);
}

Test(config, inline_blocks_are_byte_exact)
{
    struct load *load = good(CLIENT "<tls-crypt>\n a\r\n#b\n\n  </tls-crypt> trailing\nkey-direction 1\n");
    cr_expect_str_eq(load->config->tls_crypt.data, " a\r\n#b\n\n");
    cr_expect_eq(load->config->connections.items[0].tls_crypt.len, 8);
    cr_expect_eq(load->config->key_direction, 1);
    struct buf out = BUF_INIT(100);
    cr_expect_eq(config_file_read(&load->config->tls_crypt, &out), 0);
    cr_expect_str_eq(buf_str(&out), " a\r\n#b\n\n");
    buf_free(&out, true);
    load_free(load);
}

Test(config, unknown_options_can_be_tolerated)
{
    struct load *load = good("setenv opt foo bar\nignore-unknown-option a b\na 1 2\nb\nsetenv opt verb 5\n"
                             "setenv opt verb 1 2 3\n" CLIENT);
    cr_expect(load_said(load, "W Unrecognized option or missing or extra parameter(s) in t.conf:1: foo ("));
    cr_expect(load_said(load, "W Unrecognized option or missing or extra parameter(s) in t.conf:3: a ("));
    cr_expect(load_said(load, "W Unrecognized option or missing or extra parameter(s) in t.conf:6: verb ("));
    cr_expect_eq(load->config->verb, 5);
    load_free(load);
    load = good("setenv FORWARD_COMPATIBLE 1\nfoo\n" CLIENT);
    cr_expect(load_said(load, "W Unrecognized option or missing or extra parameter(s) in t.conf:2: foo ("));
    load_free(load);
}

Test(config, harmless_options_warn_once_by_name)
{
    struct load *load = good(CLIENT "keysize 256\nblock-outside-dns\nfast-io\npersist-key\ncomp-noadapt\nroute-method exe\n");
    cr_expect(load_said(load, "W WARNING: t.conf:13: option 'keysize' is ignored"));
    cr_expect(load_said(load, "option 'block-outside-dns' is ignored: it exists on Windows only"));
    cr_expect(!load_said(load, "fast-io"));
    cr_expect(!load_said(load, "persist-key"));
    load_free(load);
}

Test(config, special_variables)
{
    struct load *load = good(CLIENT "setenv PUSH_PEER_INFO\nsetenv SERVER_POLL_TIMEOUT 7\nsetenv UV_X y\n"
                                    "setenv-safe A \"b c\"\nsetenv REMOTE_RANDOM_HOSTNAME 1\nsetenv EMPTY\n");
    const struct config *c = load->config;
    cr_expect(c->push_peer_info && c->remote_random_hostname);
    cr_expect_eq(c->connections.items[0].connect_timeout, 7);
    cr_expect_eq(c->setenv.count, 3);
    cr_expect_str_eq(c->setenv.items[0].name, "UV_X");
    cr_expect_str_eq(c->setenv.items[1].name, "OPENVPN_A");
    cr_expect_str_eq(c->setenv.items[1].value, "b c");
    cr_expect_str_eq(c->setenv.items[2].value, "");
    load_free(load);
}

Test(config, includes_and_command_line)
{
    load_file("inner.conf", "verb 4\nremote b 99 tcp\n");
    load_file("outer.conf", CLIENT "config inner.conf\nport 5000\n");
    struct load *load =
        load_args((const char *const[]){"--config", "outer.conf", "--verb", "5", "--setenv", "X", "y z", NULL});
    cr_assert_not_null(load->config, "%s", buf_str(&load->messages));
    const struct config *c = load->config;
    cr_expect_eq(c->verb, 5);
    cr_expect_eq(c->connections.count, 2);
    cr_expect_str_eq(c->connections.items[0].rport, "5000");
    cr_expect_str_eq(c->connections.items[1].rport, "99");
    cr_expect_eq(c->connections.items[1].proto, CONFIG_PROTO_TCP_CLIENT);
    cr_expect_str_eq(c->setenv.items[0].value, "y z");
    load_free(load);
}

Test(config, local_of_a_block_is_its_own)
{
    struct load *load = load_text(CLIENT "local 192.0.2.8 8\n"
                                  "<connection>\nremote a\nlocal 192.0.2.9 9\n</connection>\n"
                                  "<connection>\nremote b\n</connection>\n");
    cr_assert_not_null(load->config, "%s", buf_str(&load->messages));
    const struct config *c = load->config;
    cr_expect_str_eq(c->connections.items[0].local.items[0].host, "192.0.2.9");
    cr_expect_str_eq(c->connections.items[1].local.items[0].host, "192.0.2.8");
    cr_expect_str_eq(c->connections.items[1].local.items[0].port, "8");
    load_free(load);
}

Test(config, connection_blocks)
{
    struct load *load = good(CLIENT "nobind\n<tls-auth>\ntop\n</tls-auth>\n"
                                    "<connection>\nremote a 1 udp\nmssfix 1300\n<tls-crypt>\nown\n</tls-crypt>\n"
                                    "</connection>\n"
                                    "tun-mtu 1400\n<connection>\nremote first\nremote b 2 tcp4-client\n</connection>\n");
    const struct config *c = load->config;
    cr_expect(load_said(load, "W WARNING: remote lines outside of <connection> blocks are ignored"));
    cr_expect(load_said(load, "W Option 'tun-mtu' in t.conf:"));
    cr_assert_eq(c->connections.count, 2);
    const struct config_connection *a = &c->connections.items[0];
    const struct config_connection *b = &c->connections.items[1];
    cr_expect_str_eq(a->remote.items[0].host, "a");
    cr_expect_eq(a->mssfix.size, 1300);
    cr_expect_eq(a->mssfix.mode, CONFIG_MSSFIX_PAYLOAD);
    cr_expect_eq(a->tun_mtu, 1500);
    cr_expect_str_eq(a->tls_crypt.data, "own\n");
    cr_expect_null(a->tls_auth.path);
    cr_expect_str_eq(b->remote.items[0].host, "b");
    cr_expect_eq(b->remote.count, 1);
    cr_expect_eq(b->proto, CONFIG_PROTO_TCP4_CLIENT);
    cr_expect_eq(config_proto_family(b->proto), AF_INET);
    cr_expect_eq(b->tun_mtu, 1400);
    cr_expect_not(b->mssfix.given);
    cr_expect_str_eq(b->tls_auth.data, "top\n");
    load_free(load);
}

Test(config, binding)
{
    static const struct {
        const char *text;
        bool bind;
    } cases[] = {
        {CLIENT, false},
        {CLIENT "port 3\n", false},
        {CLIENT "lport 0\n", true},
        {CLIENT "local 127.0.0.1\n", true},
        {CLIENT "bind\n", true},
        {SERVER_NET, true},
        {"dev tun\ntls-client\nremote a\n<ca>\n</ca>\n<cert>\n</cert>\n<key>\n</key>\n", true},
        {"dev tun\ntls-client\nnobind\nremote a\n<ca>\n</ca>\n<cert>\n</cert>\n<key>\n</key>\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct load *load = good(cases[i].text);
        cr_expect_eq(load->config->connections.items[0].bind, cases[i].bind, "%s", cases[i].text);
        load_free(load);
    }
}

Test(config, server_net30)
{
    struct load *load = good(SERVER_NET "keepalive 10 60\nserver-ipv6 fd00::/64\ntcp-nodelay\npush \"route 1.2.3.4\"\n");
    const struct config *c = load->config;
    cr_expect_eq(c->mode, CONFIG_MODE_SERVER);
    cr_expect(c->tls_server);
    cr_expect_str_eq(c->ifconfig.local, "10.8.0.1");
    cr_expect_str_eq(c->ifconfig.remote_netmask, "10.8.0.2");
    cr_expect_eq(c->ifconfig_pool.start, 0x0A080004u);
    cr_expect_eq(c->ifconfig_pool.end, 0x0A0800FBu);
    cr_expect_eq(c->ifconfig_pool.netmask, 0);
    cr_expect_eq(c->route.count, 1);
    cr_expect_str_eq(c->route.items[0].network, "10.8.0.0");
    cr_expect_eq(c->ping, 10);
    cr_expect_eq(c->ping_restart, 120);
    char text[ADDR_TEXT_MAX];
    cr_expect_str_eq(ip_format(&c->ifconfig_ipv6.local, text), "fd00::1");
    cr_expect_str_eq(ip_format(&c->ifconfig_ipv6_pool.base, text), "fd00::1000");
    cr_expect_eq(c->reneg_sec_min, 3240);
    expect_pushes(c, "route 1.2.3.4,tun-ipv6,route 10.8.0.1,topology net30,ping 10,ping-restart 60,"
                     "socket-flags TCP_NODELAY,");
    load_free(load);
}

Test(config, server_subnet_p2p_and_tap)
{
    struct load *load = good(SERVER_NET "topology subnet\nproto tcp\n");
    const struct config *c = load->config;
    cr_expect_str_eq(c->ifconfig.remote_netmask, "255.255.255.0");
    cr_expect_str_eq(c->route_gateway, "10.8.0.2");
    cr_expect_eq(c->ifconfig_pool.start, 0x0A080002u);
    cr_expect_eq(c->ifconfig_pool.end, 0x0A0800FEu);
    cr_expect_eq(c->ifconfig_push_constraint.netmask, 0xFFFFFF00u);
    cr_expect_eq(c->proto, CONFIG_PROTO_TCP_SERVER);
    expect_pushes(c, "route-gateway 10.8.0.1,topology subnet,");
    load_free(load);

    load = good(SERVER_NET "topology p2p\n");
    expect_pushes(load->config, "topology p2p,");
    load_free(load);

    load = good(SERVER_NET "client-to-client\n");
    expect_pushes(load->config, "route 10.8.0.0 255.255.255.0,topology net30,");
    load_free(load);

    load = good(SERVER_NET "dev tap\n");
    cr_expect_str_eq(load->config->ifconfig.remote_netmask, "255.255.255.0");
    cr_expect_null(load->config->route_gateway);
    expect_pushes(load->config, "route-gateway 10.8.0.1,");
    load_free(load);
}

Test(config, server_bridge)
{
    struct load *load = good(SERVER "dev tap\nserver-bridge 10.8.0.4 255.255.255.0 10.8.0.128 10.8.0.254\n");
    cr_expect_null(load->config->ifconfig.local);
    cr_expect_eq(load->config->ifconfig_pool.start, 0x0A080080u);
    expect_pushes(load->config, "route-gateway 10.8.0.4,");
    load_free(load);
    load = good(SERVER "dev tap\nserver-bridge\n");
    expect_pushes(load->config, "route-gateway dhcp,");
    cr_expect(!load->config->ifconfig_pool.given);
    load_free(load);
    load = good(SERVER "dev tap\nserver-bridge nogw\n");
    expect_pushes(load->config, "");
    load_free(load);
}

Test(config, services_are_ports)
{
    if (!getservbyname("openvpn", NULL)) {
        cr_skip_test("no /etc/services here");
    }
    struct load *load = good(CLIENT "lport openvpn\nhttp-proxy a http\nproto tcp\n");
    cr_expect_str_eq(load->config->top.lport, "1194");
    cr_expect_str_eq(load->config->connections.items[0].http_proxy.port, "80");
    load_free(load);
}

Test(config, tls_crypt_has_no_direction)
{
    load_file("k", "x");
    struct load *load = good(CLIENT "tls-crypt k 1\n");
    cr_expect_str_eq(load->config->top.tls_crypt.path, "k");
    cr_expect_eq(load->config->top.key_direction, -1);
    cr_expect(load_said(load, "tls-crypt: '1' is ignored"));
    load_free(load);
}

Test(config, secrets_are_not_in_the_text_of_a_line)
{
#define PROXY CLIENT "proto tcp\nhttp-proxy a 1\nhttp-proxy-option AGENT me\nsetenv opt auth-token SECRET\n"
    struct load *a = good(PROXY "http-proxy-option CUSTOM-HEADER Proxy-Authorization \"Basic SECRET\"\n");
    struct load *b = good(PROXY "http-proxy-option CUSTOM-HEADER Proxy-Authorization \"Basic OTHER\"\n");
    struct config_changes changes;
    for (size_t i = 0; i < a->config->statements.count; i++) {
        const char *text = a->config->statements.items[i].text;
        cr_expect_null(strstr(text, "SECRET"), "%s", text);
    }
    config_compare(a->config, b->config, &changes);
    cr_expect_eq(changes.count, 1);
    cr_expect_str_eq(buf_str(&changes.restart), "http-proxy-option");
    config_changes_free(&changes);
    load_free(b);
    load_free(a);
#undef PROXY
}

Test(config, tools_know_the_providers)
{
    struct load *load =
        load_args((const char *const[]){"--providers", "legacy", "default", "--show-ciphers", NULL});
    if (load->rc != 0) {
        cr_skip_test("OpenSSL has no legacy provider here");
    }
    cr_expect(cipher_available(cipher_find("BF-CBC")));
    load_free(load);
}

Test(config, compat_mode)
{
    struct load *load = good(CLIENT "compat-mode 2.3.6\ncipher AES-256-CBC\n");
    const struct config *c = load->config;
    cr_expect_eq(c->tls_version_min.version, CONFIG_TLS_1_0);
    cr_expect_str_eq(c->data_ciphers_fallback, "AES-256-CBC");
    cr_expect_not_null(strstr(c->data_ciphers, ":AES-256-CBC"));
    cr_expect_eq(c->allow_compression, CONFIG_COMPRESSION_ASYM);
    load_free(load);
    load = good(CLIENT "compat-mode 2.3.6\n");
    cr_expect_null(load->config->data_ciphers_fallback, "BF-CBC is not there");
    load_free(load);
    load = good(CLIENT "compat-mode 2.5.0\n");
    cr_expect_eq(load->config->tls_version_min.version, CONFIG_TLS_1_2);
    cr_expect_eq(load->config->allow_compression, CONFIG_COMPRESSION_ASYM);
    load_free(load);
}

Test(config, old_names)
{
    struct load *load = good(CLIENT "tls-remote srv\nncp-ciphers AES-128-GCM\nns-cert-type server\nudp-mtu 0\nip-remote-hint a\n");
    const struct config *c = load->config;
    cr_expect_str_eq(c->verify_x509_name.name, "srv");
    cr_expect_eq(c->verify_x509_name.check, CONFIG_NAME_EXACT);
    cr_expect_str_eq(c->data_ciphers, "AES-128-GCM");
    cr_expect_eq(c->ns_cert_type, CONFIG_PEER_SERVER);
    cr_expect(load_said(load, "option 'ip-remote-hint' is ignored: names are resolved when they are needed"));
    cr_expect(config_is_given(c, "data-ciphers"));
    load_free(load);
}

Test(config, mssfix_and_fragment)
{
    static const struct {
        const char *text;
        bool given;
        unsigned size;
        enum config_mssfix_mode mode;
    } cases[] = {
        {"mssfix\n", false, 0, CONFIG_MSSFIX_MTU},
        {"mssfix 1400\n", true, 1400, CONFIG_MSSFIX_PAYLOAD},
        {"mssfix 1400 mtu\n", true, 1400, CONFIG_MSSFIX_MTU},
        {"mssfix 1400 fixed\n", true, 1400, CONFIG_MSSFIX_FIXED},
        {"mssfix 0\n", true, 0, CONFIG_MSSFIX_PAYLOAD},
        {"fragment 1300\n", false, 0, CONFIG_MSSFIX_MTU},
        {"fragment 1300 mtu\nmssfix\n", false, 0, CONFIG_MSSFIX_MTU},
        {"tun-mtu 1400\n", false, 0, CONFIG_MSSFIX_MTU},
        {"link-mtu 1400\n", true, 0, CONFIG_MSSFIX_MTU},
        {"max-packet-size 1000\n", true, 1000, CONFIG_MSSFIX_MTU},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[500];
        snprintf(text, sizeof(text), "%s%s", CLIENT, cases[i].text);
        struct load *load = good(text);
        const struct config_mssfix *m = &load->config->connections.items[0].mssfix;
        cr_expect_eq(m->given, cases[i].given, "%s", cases[i].text);
        cr_expect_eq(m->size, cases[i].size, "%s", cases[i].text);
        cr_expect_eq(m->mode, cases[i].mode, "%s", cases[i].text);
        load_free(load);
    }
}

Test(config, dns_servers_are_sorted)
{
    struct load *load = good(CLIENT "dns server 5 address 192.0.2.5\ndns server -3 address [fd00::1]:53 192.0.2.1:5353\n"
                                    "dns server 5 resolve-domains a.example b.example\ndns server -3 transport DoT\n"
                                    "dns search-domains x.example\ndns search-domains y.example\n");
    const struct config_dns *dns = &load->config->dns;
    cr_assert_eq(dns->servers.count, 2);
    cr_expect_eq(dns->servers.items[0].priority, -3);
    cr_expect_eq(dns->servers.items[0].addresses.items[1].port, 5353);
    cr_expect_eq(dns->servers.items[0].transport, CONFIG_DNS_OVER_TLS);
    cr_expect_eq(dns->servers.items[1].resolve_domains.count, 2);
    cr_expect_eq(dns->search_domains.count, 2);
    load_free(load);
}

Test(config, tools_need_no_working_configuration)
{
    struct load *load = load_args((const char *const[]){"--genkey", "--secret", "k", NULL});
    cr_assert_not_null(load->config);
    cr_expect_eq(load->config->command, CONFIG_COMMAND_GENKEY);
    cr_expect_str_eq(load->config->genkey.path, "k");
    load_free(load);
    load = load_args((const char *const[]){"--genkey", "tls-crypt-v2-client", NULL});
    cr_expect(load_said(load, "--genkey tls-crypt-v2-client requires a server key to be set via --tls-crypt-v2"));
    load_free(load);
    load = load_args((const char *const[]){"--version", NULL});
    cr_expect_eq(load->config->command, CONFIG_COMMAND_VERSION);
    load_free(load);
    load = load_args((const char *const[]){"--genkey", "foo", NULL});
    cr_expect(load_said(load, "Options error: unknown --genkey type: foo"));
    load_free(load);
}

Test(config, compare)
{
    struct load *a = good(SERVER_NET "push \"route 1.2.3.4\"\nverb 3\n");
    struct load *b = good(SERVER_NET "push \"route 1.2.3.5\"\nverb 3\nport 1195\n");
    struct config_changes changes;
    config_compare(a->config, b->config, &changes);
    cr_expect_eq(changes.count, 2);
    cr_expect_str_eq(buf_str(&changes.live), "push");
    cr_expect_str_eq(buf_str(&changes.restart), "port");
    cr_expect_null(changes.keys);
    cr_expect_null(changes.network);
    config_changes_free(&changes);
    config_compare(a->config, a->config, &changes);
    cr_expect_eq(changes.count, 0);
    config_changes_free(&changes);
    struct load *c = good(SERVER_NET "push \"route 1.2.3.4\"\nverb 3\ntls-version-min 1.3\nncp-ciphers AES-256-GCM\ntun-mtu 1400\n");
    config_compare(a->config, c->config, &changes);
    cr_expect_str_eq(buf_str(&changes.live), "data-ciphers tls-version-min");
    cr_expect_str_eq(changes.keys, "tls-version-min");
    cr_expect_str_eq(changes.network, "tun-mtu");
    config_changes_free(&changes);
    load_free(c);
    load_free(a);
    load_free(b);
}

Test(config, check_reports_everything)
{
    load_file("c.conf", "foo\nverb x\nclient\nremote a\n");
    struct load *load = load_args((const char *const[]){"none", NULL});
    load_free(load);
    char *argv[] = {(char[]){"vpnd"}, (char[]){"--check"}, (char[]){"--config"}, (char[]){"c.conf"}, NULL};
    load = load_args((const char *const[]){"--version", NULL});
    load->reporter.keep_going = true;
    struct config *c = NULL;
    cr_expect_neq(config_load(4, argv, &load->reporter, false, &c), 0);
    cr_expect(load_said(load, "c.conf:1: foo"));
    cr_expect(load_said(load, "c.conf:2: verb"));
    cr_expect(load_said(load, "You must define CA file"));
    load_free(load);
}
