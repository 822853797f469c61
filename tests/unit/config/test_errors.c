/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "load.h"

/** A configuration and what has to be said about it. */
struct wrong {
    const char *text;
    const char *message;
};

static void each(const struct wrong *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct load *load = load_text(cases[i].text);
        cr_expect(load->rc == ERR_CONFIG && !load->config, "accepted: %s", cases[i].text);
        cr_expect(load_said(load, cases[i].message), "%s\nsaid: %sinstead of: %s", cases[i].text,
                  buf_str(&load->messages), cases[i].message);
        load_free(load);
    }
}

#define EACH(cases) each(cases, sizeof(cases) / sizeof((cases)[0]))

/* Texts that the installed openvpn 2.6.14 prints for the same input, file and line added where it has none. */
Test(errors, grammar)
{
    static const struct wrong cases[] = {
        {"foo bar\n", "Options error: Unrecognized option or missing or extra parameter(s) in t.conf:1: foo ("},
        {"verb\n", "Unrecognized option or missing or extra parameter(s) in t.conf:1: verb ("},
        {"\nverb 1 2\n", "Unrecognized option or missing or extra parameter(s) in t.conf:2: verb ("},
        {"verb 3 \"x\n", "Options error: No closing quotation (\") in t.conf:1"},
        {"echo 'x\n", "Options error: No closing single quotation (') in t.conf:1"},
        {"dev tun\nup c\\x\n", "Options warning: Bad backslash ('\\') usage in t.conf:2: remember"},
        {"<verb>\n3\n</verb>\n", "Options error: option 'verb' is not expected to be inline (t.conf:1)"},
        {"<ca>\n3\n", "ERROR: Endtag </ca> missing"},
        {"<foo>\n3\n</foo>\n", "missing or extra parameter(s) in t.conf:1: foo ("},
        {"<ca> x\n3\n</ca>\n", "missing or extra parameter(s) in t.conf:1: <ca> ("},
        {"iroute 1.2.3.4\n", "Options error: option 'iroute' cannot be used in this context (t.conf"},
        {"peer-id 3\n", "option 'peer-id' cannot be used in this context (t.conf"},
        {"config none.conf\n", "In t.conf:1: Error opening configuration file: none.conf"},
        {"config t.conf\n", "In t.conf:1: Maximum recursive include levels exceeded in include attempt of file t.conf"},
        {"<connection>\nremote a\nverb 3\n</connection>\n", "option 'verb' cannot be used in this context"},
        {"<connection>\nnobind\n</connection>\n", "Each 'connection' block must contain exactly one 'remote' directive"},
        {"up a b\n", "the --up directive should have at most 1 parameter.  To pass a list of arguments as one of the "
                     "parameters, try enclosing them in double quotes (\"\"). (t.conf:1)"},
        {"auth-user-pass-verify a via-env b\n", "directive should have at most 2 parameters."},
        {"tls-crypt a 1 2\n", "missing or extra parameter(s) in t.conf:1: tls-crypt ("},
        {"setenv GENERIC_CONFIG\n", "this is a generic configuration and cannot directly be used"},
        {"setenv opt\n", "t.conf:1: setenv opt"},
    };
    EACH(cases);
}

Test(errors, values)
{
    static const struct wrong cases[] = {
        {"proto foo\n", "Bad protocol: 'foo'. Allowed protocols with --proto option: ["},
        {"port 70000\n", "t.conf:1: port: '70000' is not valid; expected a number from 0 to 65535"},
        {"port no-such-service\n", "port: 'no-such-service' is not valid; expected a port number or the name of a service"},
        {"management 127.0.0.1 x\n", "management: 'x' is not valid; expected a port number"},
        {"verb abc\n", "t.conf:1: verb: 'abc' is not valid"},
        {"ping -1\n", "ping: '-1' is not valid"},
        {"topology foo\n", "topology: 'foo' is not valid; expected 'net30', 'p2p' or 'subnet'"},
        {"tls-version-min 1.5\n", "unknown tls-version-min parameter: 1.5"},
        {"remote-cert-tls foo\n", "--remote-cert-tls must be 'client' or 'server'"},
        {"auth-retry foo\n", "expected 'none', 'nointeract' or 'interact'"},
        {"pull-filter foo bar\n", "Unknown --pull-filter type: foo"},
        {"compress foo\n", "bad comp option: foo"},
        {"ifconfig a.example 255.255.255.0\n", "ifconfig parms 'a.example' and '255.255.255.0' must be valid addresses"},
        {"route-gateway a.example\n", "route-gateway parm 'a.example' must be a valid address (t.conf:1)"},
        {"route-ipv6-gateway 1.2.3.4\n", "route-ipv6-gateway parm '1.2.3.4' must be a valid address"},
        {"route 1.2.3.4 foo\n", "route: 'foo' is not valid; expected a netmask"},
        {"route-ipv6 1.2.3.4/3\n", "expected an IPv6 address with its prefix length"},
        {"script-security 7\n", "expected a number from 0 to 3"},
        {"server-ipv6 fd00::/48\n", "--server-ipv6 settings: network must be between /64 and /124 (not /48)"},
        {"peer-fingerprint 00:11\n", "is not a fingerprint of 32 bytes"},
        {"key-direction 2\n", "Unknown key direction '2'"},
        {"x509-username-field ext:foo\n", "Unsupported x509-username-field extension: ext:foo (t.conf:1)"},
        {"compat-mode 2.4\n", "cannot parse version number for --compat-mode: 2.4"},
        {"fragment 1300 foo\n", "Unknown parameter to --fragment: foo"},
        {"dns server 1 address x\n", "expected ADDRESS, ADDRESS:PORT or [IPV6]:PORT"},
        {"dns foo bar\n", "unrecognized dns option"},
        {"dhcp-option DNS x\n", "dhcp-option DNS: 'x' is not an address"},
        {"dhcp-option DOMAIN a;b\n", "dhcp-option"},
        {"setenv a-b c\n", "expected a variable name"},
        {"remote a 1 foo\n", "Bad protocol: 'foo'"},
        {"http-proxy a\n", "http-proxy port number not defined"},
        {"http-proxy-option CUSTOM-HEADER\n", "Bad http-proxy-option"},
        {"keepalive 0 10\n", "expected a number from 1 to 86400"},
        {"client-nat foo 1.2.3.4 255.0.0.0 1.2.3.4\n", "expected 'snat' or 'dnat'"},
        {"push a,b\n", "contains a comma"},
        {"data-ciphers :\n", "expected cipher names"},
    };
    EACH(cases);
}

Test(errors, refused_options_say_why_and_what_to_do)
{
    static const struct wrong cases[] = {
        {"no-replay\n", "t.conf:1: option 'no-replay' is not supported"},
        {"client-cert-not-required\n", "use verify-client-cert none"},
        {"secret key\n", "option 'secret' is not supported"},
        {"key-method 1\n", "key-method 1 is not supported"},
        {"inetd nowait x\n", "removed in OpenVPN 2.5"},
        {"cryptoapicert x\n", "exists on Windows only"},
        {"mtu-dynamic 1 2\n", "use fragment"},
    };
    EACH(cases);
}

Test(errors, client)
{
    static const struct wrong cases[] = {
        {"client\ndev tun\n<ca>\n</ca>\n<cert>\n</cert>\n<key>\n</key>\n",
         "--nobind doesn't make sense unless used with --remote"},
        {"client\ndev tun\nremote a\n", "You must define CA file (--ca) or CA path (--capath) and/or peer fingerprint"},
        {"client\ndev tun\nremote a\n<ca>\n</ca>\n", "No client-side authentication method is specified."},
        {"client\ndev tun\nremote a\n<ca>\n</ca>\n<key>\n</key>\n", "If you use one of --cert or --key, you must use them"},
        {"verb 3\n", "You must define TUN/TAP device (--dev)"},
        {"dev tun\n", "neither tls-client nor tls-server"},
        {"dev tun\npull\nremote a\n", "Parameter --pull can only be specified in TLS-mode"},
        {CLIENT "dev foo\n", "add dev-type tun or dev-type tap"},
        {CLIENT "tls-server\n", "specify only one of --tls-server, --tls-client"},
        {CLIENT "client-to-client\n", "--client-to-client requires --mode server"},
        {CLIENT "ifconfig-pool 1.2.3.4 1.2.3.5\n", "--ifconfig-pool/--ifconfig-pool-persist requires --mode server"},
        {CLIENT "bind\nnobind\n", "--bind and --nobind can't be used together"},
        {CLIENT "lport 3\nnobind\n", "--lport and --nobind don't make sense when used together"},
        {CLIENT "local 1.2.3.4\nnobind\n", "--local and --nobind don't make sense when used together"},
        {CLIENT "http-proxy a 3\n", "--http-proxy MUST be used in TCP Client mode"},
        {CLIENT "proto tcp\nfragment 1300\n", "--fragment can only be used with --proto udp"},
        {CLIENT "proto-force tcp\n", "No usable connection profiles are present"},
        {CLIENT "management-hold\n", "--management is not specified, however"},
        {CLIENT "management 127.0.0.1 1\nmanagement-client-user x\n", "can only be used on unix domain sockets"},
        {CLIENT "tls-version-min 1.3\ntls-version-max 1.2\n", "--tls-version-min bigger than --tls-version-max"},
        {CLIENT "data-ciphers FOO\n", "--data-ciphers list contains unsupported ciphers"},
        {CLIENT "auth FOO\n", "the digest 'FOO' is unknown"},
        {CLIENT "auth whirlpool\n", "auth: OpenSSL cannot do whirlpool here"},
        {CLIENT "cipher FOO\n", "the cipher 'FOO' is unknown"},
        {CLIENT "data-ciphers-fallback FOO\n", "the cipher 'FOO' is unknown"},
        {CLIENT "data-ciphers-fallback BF-CBC\n", "data-ciphers-fallback: OpenSSL cannot do BF-CBC here"},
        {CLIENT "pkcs12 t.conf\n", "Parameter --cert cannot be used when --pkcs12 is also specified."},
        {CLIENT "lladdr x\n", "lladdr parm 'x' must be a MAC address"},
        {CLIENT "link-mtu 1400\ntun-mtu 1400\n", "only one of --tun-mtu or --link-mtu may be defined"},
        {CLIENT "server 10.8.0.0 255.255.255.0\n", "--server and --client cannot be used together"},
        {CLIENT "<tls-auth>\n</tls-auth>\n<tls-crypt>\n</tls-crypt>\n", "mutually exclusive"},
    };
    EACH(cases);
}

Test(errors, server)
{
    static const struct wrong cases[] = {
        {SERVER "server 10.8.0.1 255.255.255.0\n", "--server directive network/netmask combination is invalid"},
        {SERVER "server 10.8.0.0 255.254.0.0\n", "netmask allows for too many host addresses"},
        {SERVER "server 10.8.0.0 255.255.255.252\n", "must define a subnet of 255.255.255.248 (/29) or lower"},
        {SERVER "server 10.8.0.0 255.255.255.0\nserver-bridge\n", "--server and --server-bridge cannot be used together"},
        {SERVER "server-bridge\n", "--server-bridge directive only makes sense with --dev tap"},
        {SERVER "mode server\n", "--mode server requires --tls-server"},
        {SERVER "mode server\ntls-server\nproto tcp\n", "--proto tcp is ambiguous in this context."},
        {SERVER_NET "remote a\n", "--remote cannot be used with --mode server"},
        {SERVER_NET "nobind\n", "--nobind doesn't make sense unless used with --remote"},
        {SERVER_NET "shaper 1000\n", "--shaper cannot be used with --mode server"},
        {SERVER_NET "redirect-gateway\n", "--redirect-gateway cannot be used with --mode server (however --push"},
        {SERVER_NET "route-delay\n", "--route-delay cannot be used with --mode server"},
        {SERVER_NET "auth-user-pass\n", "--auth-user-pass cannot be used with --mode server"},
        {SERVER_NET "ccd-exclusive\n", "--ccd-exclusive must be used with --client-config-dir"},
        {SERVER_NET "verify-client-cert none\n", "--verify-client-cert none|optional must be used with"},
        {SERVER_NET "username-as-common-name\n", "--username-as-common-name must be used with"},
        {SERVER_NET "port-share a 1\n", "--port-share only works in TCP server mode"},
        {SERVER_NET "proto tcp\nconnect-freq 1 2\n", "Try --max-clients instead."},
        {SERVER_NET "local a 1194 udp\nlocal a\n", "two --local lines name the same address"},
        {SERVER_NET "vlan-tagging\n", "--vlan-tagging must be used with --dev tap"},
        {SERVER_NET "auth-gen-token 10 100\n", "renewal time needs to be at least  two times --hand-window (60)."},
        {SERVER_NET "ifconfig-pool 10.8.0.4 10.8.0.7\n", "--server already defines an ifconfig-pool"},
        {SERVER_NET "keepalive 10 15\n", "restart timeout=15) must be at least twice the value of the first parameter"},
        {SERVER_NET "keepalive 10 60\nping 4\n", "--keepalive conflicts with --ping, --ping-exit, or --ping-restart."},
        {"dev tun\nserver 10.8.0.0 255.255.255.0\ndh none\n<ca>\n</ca>\n", "You must define certificate file (--cert)"},
    };
    EACH(cases);
}

Test(errors, contradictions_name_their_lines)
{
    static const struct wrong cases[] = {
        {SERVER "server 10.8.0.0 255.255.255.0\nserver-bridge\n", "cannot be used together (t.conf:"},
        {"dev tun\nserver 10.8.0.0 255.255.255.0\nclient\n", "cannot be used together (t.conf:2, t.conf:3)"},
        {"dev tun\nserver 10.8.0.0 255.255.255.0\nkeepalive 10 15\n", "--keepalive 10 60. (t.conf:3)"},
        {"client\ndev tun\nremote a\nbind\nnobind\n", "can't be used together (t.conf:4, t.conf:5)"},
    };
    EACH(cases);
}

Test(errors, files)
{
    static const struct wrong cases[] = {
        {CLIENT "tls-auth none.key 1\n", "--tls-auth fails with 'none.key': No such file or directory (errno=2)"},
        {CLIENT "askpass none\n", "--askpass fails with 'none': No such file or directory (errno=2)"},
        {CLIENT "auth-user-pass none\n", "--auth-user-pass fails with 'none': No such file or directory (errno=2)"},
        {CLIENT "crl-verify none\n", "--crl-verify fails with 'none': No such file or directory (errno=2)"},
        {CLIENT "status /none/x\n", "--status fails with '/none/x': No such file or directory (errno=2)"},
        {CLIENT "writepid /none/x\n", "--writepid fails with '/none/x'"},
        {CLIENT "tmp-dir /none\n", "Temporary directory (--tmp-dir) fails with '/none'"},
        {CLIENT "up 'none x'\n", "--up script fails with 'none': No such file or directory (errno=2)"},
        {CLIENT "up ''\n", "--up script fails with '': No such file or directory (errno=2)"},
        {CLIENT "extra-certs none\n", "Options error: Please correct these errors."},
        {SERVER_NET "client-config-dir /none\n", "--client-config-dir fails with '/none'"},
    };
    EACH(cases);
}

Test(errors, long_lines)
{
    char line[400];
    snprintf(line, sizeof(line), "echo %0249d\n", 0);
    struct load *load = load_text(line);
    cr_expect(!load_said(load, "Maximum option line length"));
    load_free(load);
    snprintf(line, sizeof(line), "echo %0250d\n", 0);
    load = load_text(line);
    cr_expect(load_said(load, "In t.conf:1: Maximum option line length (256) exceeded, line starts with echo 0"));
    load_free(load);
}

Test(errors, command_line)
{
    struct load *load = load_args((const char *const[]){"--verb", "3", "foo", "--dev", "tun", NULL});
    cr_expect(load_said(load, "missing or extra parameter(s) in [CMD-LINE]:1: verb ("));
    load_free(load);
    load = load_args((const char *const[]){"foo", "bar", NULL});
    cr_expect(load_said(load, "I'm trying to parse \"foo\" as an --option parameter but I don't see a leading '--'"));
    load_free(load);
    load = load_args((const char *const[]){"none.conf", NULL});
    cr_expect(load_said(load, "In [CMD-LINE]:1: Error opening configuration file: none.conf"));
    load_free(load);
    load = load_args((const char *const[]){"none.conf", "--check", NULL});
    cr_expect(load_said(load, "a file is named with --config FILE"));
    load_free(load);
}
