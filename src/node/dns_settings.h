/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DNS_SETTINGS_H
#define VPND_NODE_DNS_SETTINGS_H

/*
 * What a tunnel says about name resolution, checked and without pointers, so that it can be sent to the helper as it
 * is. Pure but for the log lines of dns_settings_fill(). Shared by the dns*.c files only.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"

#define DNS_NAME_BYTES 256 /* a domain name with its NUL */
#define DNS_SERVERS_MAX 4  /* profiles; further ones are left out */
#define DNS_ADDRESSES_MAX 8
#define DNS_DOMAINS_MAX 32

struct config;

enum dns_dnssec { DNS_DNSSEC_UNSET, DNS_DNSSEC_NO, DNS_DNSSEC_YES, DNS_DNSSEC_OPTIONAL };
enum dns_transport { DNS_PLAIN, DNS_OVER_TLS, DNS_OVER_HTTPS };

struct dns_address {
    struct ip_addr ip;
    uint16_t port; /* 0: the transport's usual one */
};

struct dns_domains {
    char names[DNS_DOMAINS_MAX][DNS_NAME_BYTES];
    size_t count;
};

/** One `dns server N`, or what the dhcp-options say. */
struct dns_server {
    struct dns_address addresses[DNS_ADDRESSES_MAX];
    size_t address_count;
    struct dns_domains only; /* it answers for these; empty: for all names */
    enum dns_dnssec dnssec;
    enum dns_transport transport;
    char sni[DNS_NAME_BYTES];
};

struct dns_settings {
    char device[IF_NAMESIZE];
    uint32_t ifindex;
    struct dns_server servers[DNS_SERVERS_MAX]; /* best first; one of them is used, the first that the host can use */
    size_t server_count;
    struct dns_domains search;
};

/** dns_name_is_valid - a domain name of letters, digits, '-', '_' and dots, with labels and length in bounds. */
bool dns_name_is_valid(const char *name);

/**
 * dns_settings_fill - from `dns` options, or where there are none of a kind, from dhcp-options
 * What is not valid is logged and left out.
 * Return: whether there is anything to apply.
 */
bool dns_settings_fill(const struct config *config, const char *device, uint32_t ifindex, struct dns_settings *out);

/** dns_settings_are_sane - @settings (from another process) are within their bounds and valid. */
bool dns_settings_are_sane(const struct dns_settings *settings);

/** What a way of name resolution can do; a bit set. */
enum dns_ability {
    DNS_CAN_SPLIT = 1u << 0, /* a server for some domains only */
    DNS_CAN_PORT = 1u << 1,
    DNS_CAN_TLS = 1u << 2,
};

/** dns_settings_choose - the first server that a way with @abilities can use. Return: NULL when there is none. */
const struct dns_server *dns_settings_choose(const struct dns_settings *settings, unsigned abilities);

/** dns_settings_describe - append "10.8.0.1, 10.8.0.2 for all names, search corp.example" for a log line.
 *  @server: may be NULL (search domains only). */
void dns_settings_describe(const struct dns_settings *settings, const struct dns_server *server, struct buf *out);

#endif
