/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_CONFIG_TYPES_H
#define VPND_CONFIG_CONFIG_TYPES_H

/*
 * What the values of options look like once they are parsed. Strings and arrays belong to the configuration
 * they were found in and live as long as it does. A string that was not given is NULL, an address that was not
 * given has family AF_UNSPEC.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** "infinite" where a number of seconds or a count may be that. */
#define CONFIG_INFINITE 0xFFFFFFFFu
/** A pushed peer id that was not given. */
#define CONFIG_NO_PEER_ID 0xFFFFFFu

/** CONFIG_LIST - a growable array type: struct NAME_list { struct NAME *items; size_t count; size_t cap; }. */
#define CONFIG_LIST(element)                                                                                           \
    struct element##_list {                                                                                            \
        struct element *items;                                                                                         \
        size_t count;                                                                                                  \
        size_t cap;                                                                                                    \
    }

/** A file option: contents given inline, or a path. Read it with config_file_read(). All NULL when not given. */
struct config_file {
    char *path;     /* "[INLINE]" for inline contents; the word "stdin" where the option allows it; NULL: absent */
    char *data;     /* inline contents, NUL-terminated, else NULL */
    size_t len;     /* bytes at @data */
    bool is_inline;
};

enum config_mode { CONFIG_MODE_P2P, CONFIG_MODE_SERVER };
enum config_dev_type { CONFIG_DEV_TYPE_UNSET, CONFIG_DEV_TUN, CONFIG_DEV_TAP, CONFIG_DEV_NULL };
enum config_topology { CONFIG_TOPOLOGY_NET30, CONFIG_TOPOLOGY_P2P, CONFIG_TOPOLOGY_SUBNET };
enum config_auth_retry { CONFIG_AUTH_RETRY_NONE, CONFIG_AUTH_RETRY_NOINTERACT, CONFIG_AUTH_RETRY_INTERACT };
enum config_client_cert { CONFIG_CLIENT_CERT_REQUIRE, CONFIG_CLIENT_CERT_OPTIONAL, CONFIG_CLIENT_CERT_NONE };
enum config_cert_profile { CONFIG_PROFILE_LEGACY, CONFIG_PROFILE_PREFERRED, CONFIG_PROFILE_SUITEB,
                           CONFIG_PROFILE_INSECURE };
enum config_tls_version { CONFIG_TLS_UNSET, CONFIG_TLS_1_0, CONFIG_TLS_1_1, CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_peer_kind { CONFIG_PEER_ANY, CONFIG_PEER_CLIENT, CONFIG_PEER_SERVER };
enum config_mtu_disc { CONFIG_MTU_DISC_UNSET, CONFIG_MTU_DISC_NO, CONFIG_MTU_DISC_MAYBE, CONFIG_MTU_DISC_YES };
enum config_transport { CONFIG_TRANSPORT_ANY, CONFIG_TRANSPORT_UDP, CONFIG_TRANSPORT_TCP };
enum config_allow_compression { CONFIG_COMPRESSION_NO, CONFIG_COMPRESSION_ASYM, CONFIG_COMPRESSION_YES };
enum config_vlan_accept { CONFIG_VLAN_ALL, CONFIG_VLAN_TAGGED, CONFIG_VLAN_UNTAGGED };
enum config_remap { CONFIG_REMAP_NONE, CONFIG_REMAP_SIGHUP, CONFIG_REMAP_SIGTERM };
enum config_cookie_policy { CONFIG_COOKIE_ALLOW_NONE, CONFIG_COOKIE_FORCE };
enum config_engine { CONFIG_ENGINE_AUTO, CONFIG_ENGINE_OPENSSL, CONFIG_ENGINE_IPSEC_MB };
enum config_address_form { CONFIG_ADDRESS_2_6, CONFIG_ADDRESS_2_7 };

/** proto: the transport and the address family. After validation never one of the bare TCP forms. */
enum config_proto {
    CONFIG_PROTO_UDP,
    CONFIG_PROTO_UDP4,
    CONFIG_PROTO_UDP6,
    CONFIG_PROTO_TCP_CLIENT,
    CONFIG_PROTO_TCP4_CLIENT,
    CONFIG_PROTO_TCP6_CLIENT,
    CONFIG_PROTO_TCP_SERVER,
    CONFIG_PROTO_TCP4_SERVER,
    CONFIG_PROTO_TCP6_SERVER,
    CONFIG_PROTO_TCP, /* role not said: becomes -client or -server */
    CONFIG_PROTO_TCP4,
    CONFIG_PROTO_TCP6,
};

/** compress and comp-lzo: the framing that data packets carry. */
enum config_compress {
    CONFIG_COMPRESS_OFF,        /* no framing at all */
    CONFIG_COMPRESS_STUB,       /* compress, compress stub: one byte with the last byte swapped in */
    CONFIG_COMPRESS_STUB_V2,
    CONFIG_COMPRESS_LZ4,
    CONFIG_COMPRESS_LZ4_V2,
    CONFIG_COMPRESS_LZO,        /* comp-lzo, comp-lzo yes|adaptive, compress lzo */
    CONFIG_COMPRESS_LZO_NO,     /* comp-lzo no: the one-byte framing, nothing compressed */
    CONFIG_COMPRESS_MIGRATE,    /* server: accept comp-lzo clients and push them away from it */
};

/** mssfix: the size that inner TCP segments may have. */
enum config_mssfix_mode {
    CONFIG_MSSFIX_MTU,     /* size of the whole outer IP packet */
    CONFIG_MSSFIX_PAYLOAD, /* size of the UDP or TCP payload */
    CONFIG_MSSFIX_FIXED,   /* the MSS itself */
};

struct config_mssfix {
    unsigned size; /* 0: off */
    enum config_mssfix_mode mode;
    bool given;    /* false: a default that depends on fragment and tun-mtu is in force, whatever the above say */
};

struct config_fragment {
    unsigned size; /* 0: off */
    bool mtu;      /* @size is that of the whole outer IP packet */
};

/** http-proxy and http-proxy-option of one connection. */
enum config_http_auth {
    CONFIG_HTTP_AUTH_NONE,
    CONFIG_HTTP_AUTH_BASIC,
    CONFIG_HTTP_AUTH_NTLM2,
    CONFIG_HTTP_AUTH_AUTO,     /* what the proxy asks for */
    CONFIG_HTTP_AUTH_AUTO_NCT, /* the same but never Basic */
};

struct config_http_proxy {
    char *host; /* NULL: no proxy */
    char *port;
    char *auth_file; /* path, "stdin", or NULL to ask */
    enum config_http_auth auth;
};

struct config_http_header {
    char *name;
    char *value; /* NULL: @name is the whole line */
};
CONFIG_LIST(config_http_header);

struct config_http_proxy_option {
    char *version; /* "1.0" */
    char *agent;
    struct config_http_header_list headers; /* at most 10 */
};

struct config_socks_proxy {
    char *host; /* NULL: no proxy */
    char *port;
    char *auth_file;
};

/** One remote line. */
struct config_remote {
    char *host;
    char *port;  /* NULL: the connection's rport */
    bool proto_given;
    enum config_proto proto;
};
CONFIG_LIST(config_remote);

/** One local line: an address to listen on or to send from. */
struct config_local {
    char *host; /* NULL: any */
    char *port; /* NULL: the connection's lport */
    bool proto_given;
    enum config_proto proto;
};
CONFIG_LIST(config_local);

/** A plain string in a list. */
struct config_text {
    char *text;
};
CONFIG_LIST(config_text);

/** setenv and setenv-safe (whose names already carry their OPENVPN_ prefix). */
struct config_setenv {
    char *name;
    char *value; /* "" when there was none */
};
CONFIG_LIST(config_setenv);

/** A rate limit or another pair of numbers. */
struct config_rate {
    unsigned count;
    unsigned seconds;
};

/** ifconfig: texts, since host names may be allowed; remote_netmask is the peer or the netmask by topology. */
struct config_ifconfig {
    char *local; /* NULL: not configured */
    char *remote_netmask;
};

struct config_ifconfig_ipv6 {
    struct ip_addr local; /* family AF_UNSPEC: not configured */
    unsigned bits;
    struct ip_addr remote; /* may be unset */
};

/** ifconfig-push of one client. */
struct config_ifconfig_push {
    char *local; /* NULL: not given */
    char *remote_netmask;
    char *alias; /* pushed instead of @local, or NULL */
};

/** route: texts because host names and vpn_gateway, net_gateway, remote_host are allowed; NULL or "default": default. */
struct config_route {
    char *network;
    char *netmask;
    char *gateway;
    int metric;     /* -1: route-metric */
    unsigned table; /* route-table in force at that line; 0: main */
};
CONFIG_LIST(config_route);

struct config_route_ipv6 {
    struct ip_prefix network;
    char *gateway; /* address, "net_gateway" or NULL */
    int metric;    /* -1: route-metric */
    unsigned table;
};
CONFIG_LIST(config_route_ipv6);

/** iroute, iroute-ipv6: a network behind a client. */
struct config_network {
    struct ip_prefix prefix;
};
CONFIG_LIST(config_network);

/** Flags of redirect-gateway and redirect-private; lines add up. */
enum config_redirect_flag {
    CONFIG_REDIRECT_ENABLED = 1,
    CONFIG_REDIRECT_DEFAULT_ROUTE = 2, /* redirect-gateway, not redirect-private */
    CONFIG_REDIRECT_LOCAL = 4,
    CONFIG_REDIRECT_AUTOLOCAL = 8,
    CONFIG_REDIRECT_DEF1 = 16,
    CONFIG_REDIRECT_BYPASS_DHCP = 32,
    CONFIG_REDIRECT_BYPASS_DNS = 64,
    CONFIG_REDIRECT_BLOCK_LOCAL = 128,
    CONFIG_REDIRECT_IPV6 = 256,
    CONFIG_REDIRECT_NOT_IPV4 = 512,
};

struct config_route_delay {
    bool given;
    unsigned seconds;
    unsigned window;
};

enum config_nat_kind { CONFIG_NAT_SNAT, CONFIG_NAT_DNAT };

/** client-nat: addresses in host order. */
struct config_client_nat {
    enum config_nat_kind kind;
    uint32_t network;
    uint32_t netmask;
    uint32_t foreign;
};
CONFIG_LIST(config_client_nat);

/** dhcp-option: TYPE and value (NULL: none), and the option line as foreign_option_N shows it. */
struct config_dhcp_option {
    char *type;
    char *value;
    char *line;
};
CONFIG_LIST(config_dhcp_option);

enum config_dnssec { CONFIG_DNSSEC_UNSET, CONFIG_DNSSEC_NO, CONFIG_DNSSEC_YES, CONFIG_DNSSEC_OPTIONAL };
enum config_dns_transport { CONFIG_DNS_TRANSPORT_UNSET, CONFIG_DNS_PLAIN, CONFIG_DNS_OVER_HTTPS, CONFIG_DNS_OVER_TLS };

/** One address of a DNS server; port 0: default. */
struct config_dns_address {
    struct ip_addr ip;
    uint16_t port;
};
CONFIG_LIST(config_dns_address);

/** dns server N; the list is kept sorted by priority, lowest first. */
struct config_dns_server {
    int priority;
    struct config_dns_address_list addresses;
    struct config_text_list resolve_domains;
    enum config_dnssec dnssec;
    enum config_dns_transport transport;
    char *sni;
};
CONFIG_LIST(config_dns_server);

struct config_dns {
    struct config_text_list search_domains;
    struct config_dns_server_list servers;
};

/** dns-updown. */
struct config_dns_updown {
    char *command; /* NULL: built in */
    bool disabled;
    bool forced; /* even when up is configured */
};

enum config_pull_action { CONFIG_PULL_ACCEPT, CONFIG_PULL_IGNORE, CONFIG_PULL_REJECT };

struct config_pull_filter {
    enum config_pull_action action;
    char *text; /* prefix */
};
CONFIG_LIST(config_pull_filter);

/** protocol-flags as pushed. */
enum config_protocol_flag {
    CONFIG_FLAG_CC_EXIT = 1,
    CONFIG_FLAG_TLS_EKM = 2,
    CONFIG_FLAG_DYN_TLS_CRYPT = 4,
    CONFIG_FLAG_AEAD_EPOCH = 8,
};

struct config_auth_user_pass {
    bool enabled;
    struct config_file file; /* not given or "stdin": ask */
    bool username_only;
};

struct config_askpass {
    bool enabled;
    char *path; /* NULL: ask on the console */
};

/** auth-user-pass-verify. */
struct config_user_pass_verify {
    char *command; /* NULL: none */
    bool via_file;
};

struct config_auth_gen_token {
    bool enabled;
    unsigned lifetime; /* seconds; 0 unlimited */
    unsigned renewal;  /* seconds; 0: 2 x reneg-sec rule */
    bool external_auth;
};

struct config_static_challenge {
    char *text; /* NULL: none */
    bool echo;
    bool concat; /* password and response are concatenated, else SCRV1 */
};

enum config_name_check { CONFIG_NAME_SUBJECT, CONFIG_NAME_EXACT, CONFIG_NAME_PREFIX };

struct config_verify_name {
    char *name; /* NULL: no check */
    enum config_name_check check;
};

/** remote-cert-ku: with no value listed, the extension has to exist. */
struct config_key_usage {
    bool required;
    size_t count;
    unsigned values[32];
};

/** peer-fingerprint: SHA-256. */
struct config_fingerprint {
    uint8_t digest[32];
};
CONFIG_LIST(config_fingerprint);

/** verify-hash: fingerprints of the certificate at depth 1. */
struct config_verify_hash {
    bool sha256; /* else SHA-1, in the first 20 bytes */
    struct config_fingerprint_list hashes;
};

struct config_crl_verify {
    struct config_file file; /* or the directory */
    bool is_dir;
};

struct config_key_export {
    char *label; /* NULL: none */
    unsigned length;
};

struct config_x509_track {
    char *attribute;
    bool full_chain; /* leading '+' */
};
CONFIG_LIST(config_x509_track);

struct config_plugin {
    char *module;
    struct config_text_list arguments; /* without the module itself */
};
CONFIG_LIST(config_plugin);

struct config_management {
    char *address; /* NULL: off; a path when @is_unix */
    char *port;
    char *password_file;
    bool is_unix;
};

/** management-external-key and its words. */
struct config_external_key {
    bool enabled;
    bool nopadding;
    bool pkcs1;
    bool pss;
    bool digest;
};

/** metrics: an endpoint, as management's without a password. */
struct config_endpoint {
    char *address; /* NULL: off */
    char *port;
    bool is_unix;
};

struct config_status {
    char *path; /* NULL: off */
    unsigned seconds; /* 0: only read by others, never written (see status in the manual) */
};

struct config_tls_min {
    enum config_tls_version version;
    bool or_highest;
};

/** server NET MASK [nopool]; host order. */
struct config_server_network {
    bool given;
    uint32_t network;
    uint32_t netmask;
    bool nopool;
};

enum config_bridge_kind { CONFIG_BRIDGE_OFF, CONFIG_BRIDGE_POOL, CONFIG_BRIDGE_DHCP, CONFIG_BRIDGE_NOGW };

struct config_server_bridge {
    enum config_bridge_kind kind;
    uint32_t gateway;
    uint32_t netmask;
    uint32_t start;
    uint32_t end;
};

/** ifconfig-pool; host order. */
struct config_pool {
    bool given;
    uint32_t start;
    uint32_t end;
    uint32_t netmask; /* 0: not given */
};

/** ifconfig-ipv6-pool: its first address; the size follows from @bits. */
struct config_pool_ipv6 {
    bool given;
    struct ip_addr base;
    unsigned bits;
};

struct config_pool_persist {
    char *path;       /* NULL: none */
    unsigned seconds; /* 0: read only */
};

/** ifconfig-push-constraint; host order. */
struct config_constraint {
    bool given;
    uint32_t network;
    uint32_t netmask;
};

struct config_keepalive {
    bool given;
    unsigned interval;
    unsigned timeout;
};

struct config_stale_routes {
    unsigned age; /* seconds; 0 off */
    unsigned interval;
};

struct config_port_share {
    char *host; /* NULL: off */
    char *port;
    char *dir;  /* where to tell the other server the client's address, or NULL */
};

/** inactive. */
struct config_inactive {
    unsigned seconds; /* 0 off */
    uint64_t bytes;
};

/** What --genkey was asked for. */
struct config_genkey {
    bool enabled;
    char *type;     /* "secret", "tls-auth", "tls-crypt", "tls-crypt-v2-server", "tls-crypt-v2-client", "auth-token" */
    char *path;     /* NULL: stdout */
    char *metadata; /* base64, tls-crypt-v2-client only */
};

/** What the command line asks the program to do. */
enum config_command {
    CONFIG_COMMAND_RUN,
    CONFIG_COMMAND_CHECK,
    CONFIG_COMMAND_VERSION,
    CONFIG_COMMAND_HELP,
    CONFIG_COMMAND_GENKEY,
    CONFIG_COMMAND_SHOW_CIPHERS,
    CONFIG_COMMAND_SHOW_DIGESTS,
    CONFIG_COMMAND_SHOW_TLS,
    CONFIG_COMMAND_SHOW_GROUPS,
    CONFIG_COMMAND_SHOW_ENGINES,
    CONFIG_COMMAND_SHOW_GATEWAY,
    CONFIG_COMMAND_SHOW_PKCS11,
    CONFIG_COMMAND_SHOW_STATUS,
    CONFIG_COMMAND_MKTUN,
    CONFIG_COMMAND_RMTUN,
    CONFIG_COMMAND_TEST_CRYPTO,
};

/** config_proto_is_tcp - any of the TCP forms. */
bool config_proto_is_tcp(enum config_proto proto);

/** config_proto_family - AF_INET or AF_INET6 when the name says so, else AF_UNSPEC. */
int config_proto_family(enum config_proto proto);

/** config_proto_name - "udp4", "tcp-client", ... as in configuration files. */
const char *config_proto_name(enum config_proto proto);

#endif
