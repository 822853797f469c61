/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "load.h"

static struct load *load;
static struct config *active;

static void begin(const char *extra)
{
    char text[1000];
    snprintf(text, sizeof(text), "%s%s", CLIENT, extra);
    load = load_text(text);
    cr_assert_not_null(load->config, "%s", buf_str(&load->messages));
    active = config_clone(load->config);
    config_select(active, 0);
    load_reset(load);
}

static void end(void)
{
    config_free(active);
    load_free(load);
}

static enum config_push_result push(const char *line)
{
    return config_push_apply(active, 1, line, &load->reporter);
}

Test(push, applies_to_the_clone_only)
{
    begin("route 192.0.2.0 255.255.255.0\n");
    for (int i = 0; i < 20; i++) {
        cr_expect_eq(push("route 10.1.0.0 255.255.0.0"), CONFIG_PUSH_APPLIED);
    }
    cr_expect_eq(push("ifconfig 10.8.0.6 10.8.0.5"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("peer-id 7"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("protocol-flags cc-exit tls-ekm"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("explicit-exit-notify 2"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("ping-restart 60"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("setenv-safe A b"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("block-outside-dns"), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(active->route.count, 21);
    cr_expect_eq(active->peer_id, 7);
    cr_expect_eq(active->protocol_flags, CONFIG_FLAG_CC_EXIT | CONFIG_FLAG_TLS_EKM);
    cr_expect_eq(active->explicit_exit_notify, 2);
    cr_expect_eq(load->config->route.count, 1);
    cr_expect_eq(load->config->peer_id, CONFIG_NO_PEER_ID);
    cr_expect_null(load->config->ifconfig.local);
    cr_expect_eq(load->config->setenv.count, 0);
    cr_expect_str_eq(active->setenv.items[0].name, "OPENVPN_A");
    cr_expect_str_eq(buf_str(&load->messages), "");
    end();
}

Test(push, what_may_not_be_pushed)
{
    begin("");
    static const char *const lines[] = {"up /bin/sh",      "ca x",           "remote evil",     "script-security 3",
                                        "plugin x",        "log /etc/x",     "auth SHA512",     "dev tap",
                                        "keepalive 1 2",   "config x",       "setenv A b",      "pull-filter accept x",
                                        "management a 1",  "<ca>",           "iroute 1.2.3.4",  "tls-verify x",
                                        "writepid /tmp/x", "route-up x",     "cd /",            "client-connect x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_eq(push(lines[i]), CONFIG_PUSH_SKIPPED, "%s", lines[i]);
    }
    cr_expect(load_said(load, "E Options error: option 'up' cannot be used in this context ([PUSH-OPTIONS])"));
    cr_expect_null(active->up);
    cr_expect_eq(push("foo"), CONFIG_PUSH_SKIPPED);
    cr_expect(load_said(load, "missing or extra parameter(s) in [PUSH-OPTIONS]:1: foo ("));
    end();
}

Test(push, nonsense_is_refused)
{
    begin("");
    static const char *const lines[] = {"route 10.0.0.0 255.0.255.0", "ifconfig a b;c",     "route evil.example",
                                        "tun-mtu 3",                  "dhcp-option DNS $(x)", "dhcp-option DOMAIN a`b`",
                                        "dns server 1 address x",     "topology foo",        "route-gateway x/y",
                                        "dns search-domains a;b",     "ping x",              "dns server -1 address 1.2.3.4"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_eq(push(lines[i]), CONFIG_PUSH_SKIPPED, "%s", lines[i]);
    }
    cr_expect_eq(push("peer-id 16777215"), CONFIG_PUSH_REJECTED);
    cr_expect_eq(push("key-derivation foo"), CONFIG_PUSH_REJECTED);
    cr_expect_eq(active->dns.servers.count, 0);
    end();
    begin("allow-pull-fqdn\n");
    cr_expect_eq(push("route good.example"), CONFIG_PUSH_APPLIED);
    end();
}

Test(push, tun_mtu_is_limited)
{
    begin("");
    cr_expect_eq(push("tun-mtu 9000"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->tun_mtu, 1600);
    cr_expect(load_said(load, "Server-pushed tun-mtu is too large, please add tun-mtu-max 9000"));
    end();
    begin("tun-mtu-max 9000\n");
    cr_expect_eq(push("tun-mtu 9000"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->tun_mtu, 9000);
    end();
}

Test(push, route_nopull)
{
    begin("route-nopull\n");
    cr_expect_eq(push("route 10.0.0.0"), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(push("dhcp-option DNS 1.2.3.4"), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(push("redirect-gateway def1"), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(push("ifconfig 1.2.3.4 1.2.3.5"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push("route-gateway 1.2.3.5"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->route.count, 0);
    cr_expect_eq(active->redirect_gateway, 0);
    end();
}

/* A name in disguise would pass the checks that look at the text of the line. */
Test(push, names_are_written_plainly)
{
    begin("route-nopull\npull-filter reject verb\n");
    static const char *const lines[] = {"\"route\" 10.0.0.0",       "'route' 10.0.0.0",  "--route 10.0.0.0",
                                        "\vroute 10.0.0.0",         "\rroute 10.0.0.0",  "\\ route 10.0.0.0",
                                        "--redirect-gateway def1", "\"tun-mtu\" 65000", "--verb 9", "\"verb\" 9"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_eq(push(lines[i]), CONFIG_PUSH_SKIPPED, "%s", lines[i]);
    }
    cr_expect(load_said(load, "missing or extra parameter(s) in [PUSH-OPTIONS]:1: --route ("));
    cr_expect_eq(push("\troute 10.0.0.0"), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(push("\t verb 9"), CONFIG_PUSH_REJECTED);
    cr_expect_eq(active->route.count, 0);
    cr_expect_eq(active->redirect_gateway, 0);
    cr_expect_eq(active->tun_mtu, 1500);
    cr_expect_eq(active->verb, 1);
    end();
}

Test(push, pull_filter)
{
    begin("pull-filter accept \"route 10.1\"\npull-filter ignore route\npull-filter reject dhcp\n");
    cr_expect_eq(push("route 10.1.0.0 255.255.0.0"), CONFIG_PUSH_APPLIED);
    cr_expect_eq(push(" route 10.2.0.0 255.255.0.0"), CONFIG_PUSH_SKIPPED);
    cr_expect(load_said(load, "N Pushed option removed by filter: ' route 10.2.0.0 255.255.0.0'"));
    cr_expect_eq(push("dhcp-option DNS 1.2.3.4"), CONFIG_PUSH_REJECTED);
    cr_expect(load_said(load, "Pushed option rejected by filter: 'dhcp-option DNS 1.2.3.4'."));
    end();
}

Test(push, update_replaces_lists)
{
    begin("");
    push("route 10.1.0.0 255.255.0.0");
    push("route 10.2.0.0 255.255.0.0");
    push("dhcp-option DNS 1.2.3.4");
    push("redirect-gateway def1");
    struct config_push_update u = {0};
    cr_expect_eq(config_push_update_apply(active, &u, 1, "route 10.3.0.0 255.255.0.0", &load->reporter),
                 CONFIG_PUSH_APPLIED);
    cr_expect_eq(config_push_update_apply(active, &u, 2, "route 10.4.0.0 255.255.0.0", &load->reporter),
                 CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->route.count, 2);
    cr_expect_str_eq(active->route.items[0].network, "10.3.0.0");
    cr_expect_eq(config_push_update_apply(active, &u, 3, "-dhcp-option", &load->reporter), CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->dhcp_option.count, 0);
    cr_expect_eq(config_push_update_apply(active, &u, 4, "redirect-private ipv6", &load->reporter),
                 CONFIG_PUSH_APPLIED);
    cr_expect_eq(active->redirect_gateway, CONFIG_REDIRECT_ENABLED | CONFIG_REDIRECT_IPV6);
    cr_expect(u.changed);
    cr_expect_eq(config_push_update_apply(active, &u, 5, "?cipher AES-128-GCM", &load->reporter), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(config_push_update_apply(active, &u, 6, "cipher AES-128-GCM", &load->reporter), CONFIG_PUSH_REJECTED);
    cr_expect_eq(config_push_update_apply(active, &u, 7, "-?topology", &load->reporter), CONFIG_PUSH_APPLIED);
    cr_expect_eq(config_push_update_apply(active, &u, 8, "?-topology", &load->reporter), CONFIG_PUSH_SKIPPED);
    cr_expect_eq(config_push_update_apply(active, &u, 9, "?unknown", &load->reporter), CONFIG_PUSH_SKIPPED);
    end();
}

Test(push, updates_do_not_take_memory_for_ever)
{
    begin("");
    enum config_push_result result = CONFIG_PUSH_APPLIED;
    unsigned n = 0;
    for (; n < 1000000 && result == CONFIG_PUSH_APPLIED; n++) {
        struct config_push_update u = {0};
        result = config_push_update_apply(active, &u, 1, "route 10.3.0.0 255.255.0.0", &load->reporter);
    }
    cr_expect_eq(result, CONFIG_PUSH_REJECTED);
    cr_expect(n > 10000, "%u", n);
    cr_expect(load_said(load, "The server has updated so many options that the session has to begin anew"));
    end();
}

Test(push, digest)
{
    cr_expect(config_push_in_digest("route 1.2.3.4", false));
    cr_expect(config_push_in_digest("cipher AES-256-GCM", false));
    cr_expect(!config_push_in_digest("cipher AES-256-GCM", true));
    cr_expect(!config_push_in_digest("peer-id 3", false));
    cr_expect(!config_push_in_digest("auth-token-user x", false));
}

Test(client_options, own_lines_of_a_client)
{
    load = load_text(SERVER_NET "push \"route 10.1.0.0\"\npush \"dhcp-option DNS 1.2.3.4\"\n");
    cr_assert_not_null(load->config);
    struct config_client *one = config_client_new(load->config);
    load_reset(load);
    load_file("ccd", "iroute 192.0.2.0 255.255.255.0\niroute-ipv6 fd01::/64\nifconfig-push 10.8.0.6 10.8.0.5\n"
                     "push-remove dhcp-option\npush \"route 10.9.0.0\"\ndisable\nping 5\ncompat-mode 2.4.0\n"
                     "data-ciphers AES-128-GCM\nconfig more\nvlan-pvid 7\n");
    load_file("more", "push-remove ifconfig\ncomp-lzo no\n");
    cr_expect_eq(config_client_apply_file(one, "ccd", &load->reporter), 0, "%s", buf_str(&load->messages));
    cr_expect_eq(one->iroute.count, 1);
    cr_expect_eq(one->iroute.items[0].prefix.bits, 24);
    cr_expect_str_eq(one->ifconfig_push.local, "10.8.0.6");
    cr_expect(one->disable && one->push_ifconfig_blocked && !one->push_ifconfig_ipv6_blocked);
    cr_expect_eq(one->ping, 5);
    cr_expect_eq(one->vlan_pvid, 7);
    cr_expect_eq(one->compress, CONFIG_COMPRESS_LZO_NO);
    cr_expect_str_eq(one->data_ciphers, "AES-128-GCM");
    cr_expect_eq(one->push.count, 4);
    cr_expect_str_eq(one->push.items[0].text, "route 10.1.0.0");
    cr_expect_str_eq(one->push.items[3].text, "route 10.9.0.0");
    cr_expect_eq(load->config->push.count, 4);
    cr_expect_eq(config_client_apply(one, "hook", 1, "push-reset", &load->reporter), 0);
    cr_expect_eq(one->push.count, 0);
    cr_expect_eq(load->config->push.count, 4);
    config_client_free(one);
    load_free(load);
}

Test(client_options, wrong_lines_are_told_and_the_rest_counts)
{
    load = load_text(SERVER_NET);
    struct config_client *one = config_client_new(load->config);
    load_reset(load);
    load_file("ccd", "verb 5\nfoo\niroute 1.2.3.4 255.255.0.0\nup /bin/sh\npush \"x\"\n");
    cr_expect_eq(config_client_apply_file(one, "ccd", &load->reporter), ERR_CONFIG);
    cr_expect(load_said(load, "option 'verb' cannot be used in this context (ccd:1)"));
    cr_expect(load_said(load, "parameter(s) in ccd:2: foo ("));
    cr_expect(load_said(load, "ccd:3: iroute: 1.2.3.4 is not the address of a network"));
    cr_expect(load_said(load, "option 'up' cannot be used in this context"));
    cr_expect_str_eq(one->push.items[one->push.count - 1].text, "x");
    cr_expect_eq(config_client_apply_file(one, "none", &load->reporter), -ENOENT);
    config_client_free(one);
    load_free(load);
}
