/* SPDX-License-Identifier: MIT */
#include "node/firewall.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/forwarding.h"
#include "node/journal.h"
#include "sys/nftables.h"
#include "sys/sysctl.h"

#define JOURNAL_TABLE "nft "
#define TABLE_PREFIX "vpnd-"
#define NAME_CHARS 32
#define RULES_MAX_BYTES (1 << 20)
#define NAT_PORT_FIRST 1024u
#define NAT_PORT_LAST 65535u
/* An empty chain whose name tells every vpnd of this host how the forwarding switches stood at first. */
#define ORIGINAL_CHAIN "forwarding-was-"

struct firewall {
    struct nftables *nft;
    struct journal *journal;
    char table[sizeof(TABLE_PREFIX) + NAME_CHARS];
    bool listed;            /* in the journal */
    struct forwarding *forwarding;
    char *masquerade;       /* chains of the table; NULL: none */
    char *kill_switch;
};

/* ------------------------------------------------------------------ the table */

static void name_table(const char *name, char out[sizeof(TABLE_PREFIX) + NAME_CHARS])
{
    size_t len = strlen(name);
    const char *tail = len > NAME_CHARS ? name + len - NAME_CHARS : name;
    char *at = stpcpy(out, TABLE_PREFIX);
    for (; *tail; tail++) {
        *at++ = isalnum((unsigned char)*tail) || *tail == '-' ? *tail : '_';
    }
    *at = '\0';
}

int firewall_new(const char *name, struct journal *journal, struct firewall **out)
{
    struct nftables *nft = NULL;
    int r = nftables_open(&nft);
    if (r < 0) {
        return r;
    }
    struct firewall *firewall = mem_zalloc(sizeof(*firewall));
    firewall->nft = nft;
    firewall->journal = journal;
    name_table(name, firewall->table);
    *out = firewall;
    return 0;
}

static void enlist(struct firewall *firewall)
{
    if (firewall->listed) {
        return;
    }
    char *line = mem_printf(JOURNAL_TABLE "%s", firewall->table);
    journal_forget(firewall->journal, line);
    journal_add(firewall->journal, line);
    free(line);
    firewall->listed = true;
}

/* The table with what it had before gives way to the new one in a single transaction. */
static int replace_table(struct firewall *firewall, const char *masquerade, const char *kill_switch)
{
    struct buf text = BUF_INIT(RULES_MAX_BYTES);
    int r = buf_printf(&text, "add table inet %s\ndelete table inet %s\n", firewall->table, firewall->table);
    bool empty = !masquerade && !kill_switch;
    if (r == 0 && !empty) {
        r = buf_printf(&text, "table inet %s {\n%s%s}\n", firewall->table, masquerade ? masquerade : "",
                       kill_switch ? kill_switch : "");
    }
    if (r == 0) {
        enlist(firewall);
        r = nftables_run(firewall->nft, buf_str(&text));
    }
    if (r == 0 && empty) {
        journal_forget(firewall->journal, JOURNAL_TABLE);
        firewall->listed = false;
    }
    buf_free(&text, false);
    return r;
}

static int complain(struct firewall *firewall, const char *option, int r)
{
    const char *advice = r == -EPERM           ? "; start as root or with CAP_NET_ADMIN"
                         : r == -EOPNOTSUPP    ? "; the kernel needs nftables (nf_tables, nft_masq, nft_chain_nat)"
                                               : "";
    const char *detail = nftables_error(firewall->nft);
    log_error("%s: cannot set the packet filter: %s%s", option, detail[0] ? detail : err_str(r), advice);
    return r;
}

/* Interface names stand in quotes in the rules, where '*' is a wildcard. */
static int check_device(const char *option, const char *device)
{
    bool bad = device[0] == '\0' || strlen(device) >= IF_NAMESIZE;
    for (const char *at = device; *at && !bad; at++) {
        bad = !isgraph((unsigned char)*at) || strchr("\"*\\", *at);
    }
    if (bad) {
        log_error("%s: a device called '%s' cannot stand in a packet filter rule", option, device);
        return -EINVAL;
    }
    return 0;
}

/* ------------------------------------------------------------------ masquerade */

/* Return: a vpnd's table other than @own (NULL: any) that needs forwarding was found; *original is what it notes. */
static bool find_original(struct nftables *nft, const char *own, struct forwarding_original *original)
{
    *original = (struct forwarding_original){.known = false};
    if (nftables_run(nft, "list chains inet") < 0) {
        return false;
    }
    bool ours = false;
    for (const char *line = nftables_output(nft); *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char table[128];
        if (sscanf(line, " table inet %127s", table) == 1) {
            ours = strncmp(table, TABLE_PREFIX, strlen(TABLE_PREFIX)) != 0 || (own && strcmp(table, own) == 0);
        } else if (!ours &&
                   sscanf(line, " chain " ORIGINAL_CHAIN "%d-%d", &original->four, &original->six) == 2) {
            original->known = true;
            return true;
        }
    }
    return false;
}

static int compare_ports(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The longest run of ports that does not hold one of ours. */
static void choose_ports(const struct firewall_nat *nat, unsigned *first, unsigned *last)
{
    uint16_t *ports = mem_array(nat->own_port_count + 1, sizeof(*ports));
    if (nat->own_port_count > 0) {
        memcpy(ports, nat->own_ports, nat->own_port_count * sizeof(*ports));
        qsort(ports, nat->own_port_count, sizeof(*ports), compare_ports);
    }
    unsigned from = NAT_PORT_FIRST;
    *first = 1;
    *last = 0;
    for (size_t i = 0; i <= nat->own_port_count; i++) {
        unsigned end = i < nat->own_port_count ? ports[i] : NAT_PORT_LAST + 1;
        if (end > from && end - from > *last + 1 - *first) {
            *first = from;
            *last = end - 1;
        }
        from = end + 1 > from ? end + 1 : from;
    }
    free(ports);
}

static int write_masquerade(struct buf *text, const struct forwarding_original *original,
                            const struct firewall_nat *nat)
{
    unsigned first = 0;
    unsigned last = 0;
    choose_ports(nat, &first, &last);
    int r = buf_printf(text,
                       " chain " ORIGINAL_CHAIN "%d-%d { }\n"
                       " chain vpn-nat {\n  type nat hook postrouting priority 100; policy accept;\n",
                       original->four, original->six);
    for (size_t i = 0; i < nat->count && r == 0; i++) {
        char net[ADDR_TEXT_MAX];
        const char *family = nat->nets[i].addr.family == AF_INET6 ? "ip6" : "ip";
        (void)prefix_format(&nat->nets[i], net);
        r = buf_printf(text,
                       "  %s saddr %s oifname != { \"%s\", \"lo\" } meta l4proto { tcp, udp } masquerade to :%u-%u\n"
                       "  %s saddr %s oifname != { \"%s\", \"lo\" } masquerade\n",
                       family, net, nat->device, first, last, family, net, nat->device);
    }
    return r < 0 ? r : buf_printf(text, " }\n");
}

static int enable_forwarding(struct firewall *firewall, const struct firewall_nat *nat)
{
    if (firewall->forwarding) {
        return 0;
    }
    bool four = false;
    bool six = false;
    for (size_t i = 0; i < nat->count; i++) {
        four |= nat->nets[i].addr.family == AF_INET;
        six |= nat->nets[i].addr.family == AF_INET6;
    }
    struct forwarding_original original;
    /* A table of our own name is of an earlier run whose journal is lost; what it notes is as true. */
    (void)find_original(firewall->nft, NULL, &original);
    return forwarding_enable(four, six, &original, firewall->journal, &firewall->forwarding);
}

int firewall_masquerade(struct firewall *firewall, const struct firewall_nat *nat)
{
    int r = check_device("nat-masquerade", nat->device);
    if (r == 0) {
        r = enable_forwarding(firewall, nat);
    }
    if (r < 0) {
        return r;
    }
    struct buf text = BUF_INIT(RULES_MAX_BYTES);
    struct forwarding_original original = forwarding_get_original(firewall->forwarding);
    r = write_masquerade(&text, &original, nat);
    if (r == 0) {
        r = replace_table(firewall, buf_str(&text), firewall->kill_switch);
    }
    if (r == 0) {
        free(firewall->masquerade);
        firewall->masquerade = mem_strdup(buf_str(&text));
        log_info("nat-masquerade: forwarding %zu VPN network(s) behind this host's addresses (nftables table inet %s)",
                 nat->count, firewall->table);
    } else {
        (void)complain(firewall, "nat-masquerade", r);
    }
    buf_free(&text, false);
    return r;
}

/* ------------------------------------------------------------------ kill switch */

static int write_exit(struct buf *text, const struct firewall_exit *at)
{
    char ip[ADDR_TEXT_MAX];
    struct ip_addr to = addr_to_ip(&at->remote);
    if (to.family == AF_UNSPEC) {
        return 0;
    }
    return buf_printf(text, "  %s daddr %s %s dport %u accept\n", to.family == AF_INET6 ? "ip6" : "ip",
                      ip_format(&to, ip), at->tcp ? "tcp" : "udp", addr_port(&at->remote));
}

static int write_kill_switch(struct buf *text, const struct firewall_openings *openings)
{
    const char *device = openings->device;
    int r = buf_printf(text, " chain kill-switch {\n  type filter hook output priority 0; policy drop;\n"
                             "  oifname \"lo\" accept\n");
    if (r == 0 && device) {
        r = buf_printf(text, "  oifname \"%s\" accept\n", device);
    }
    for (size_t i = 0; i < openings->count && r == 0; i++) {
        r = write_exit(text, &openings->exits[i]);
    }
    if (r == 0 && openings->names) {
        r = buf_printf(text, "  udp dport { 53, 853 } accept\n  tcp dport { 53, 853 } accept\n");
    }
    if (r == 0) {
        r = buf_printf(text, "  udp sport 68 udp dport 67 accept\n"
                             "  ip6 daddr ff02::1:2 udp sport 546 udp dport 547 accept\n"
                             "  ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-neighbor-solicit, "
                             "nd-neighbor-advert } accept\n }\n"
                             " chain kill-switch-forward {\n  type filter hook forward priority 0; policy drop;\n");
    }
    if (r == 0 && device) {
        r = buf_printf(text, "  oifname \"%s\" accept\n  iifname \"%s\" accept\n", device, device);
    }
    return r < 0 ? r : buf_printf(text, " }\n");
}

int firewall_kill_switch(struct firewall *firewall, const struct firewall_openings *openings)
{
    int r = openings->device ? check_device("kill-switch", openings->device) : 0;
    if (r < 0) {
        return r;
    }
    struct buf text = BUF_INIT(RULES_MAX_BYTES);
    r = write_kill_switch(&text, openings);
    bool same = r == 0 && firewall->kill_switch && strcmp(firewall->kill_switch, buf_str(&text)) == 0;
    if (r == 0 && !same) {
        r = replace_table(firewall, firewall->masquerade, buf_str(&text));
    }
    if (r < 0) {
        (void)complain(firewall, "kill-switch", r);
    } else if (!same) {
        if (!firewall->kill_switch) {
            log_info("kill-switch: nothing leaves outside the tunnel any more (nftables table inet %s)",
                     firewall->table);
        }
        free(firewall->kill_switch);
        firewall->kill_switch = mem_strdup(buf_str(&text));
    }
    buf_free(&text, false);
    return r;
}

void firewall_open_up(struct firewall *firewall)
{
    if (!firewall->kill_switch) {
        return;
    }
    int r = replace_table(firewall, firewall->masquerade, NULL);
    if (r < 0) {
        (void)complain(firewall, "kill-switch", r);
        return;
    }
    free(firewall->kill_switch);
    firewall->kill_switch = NULL;
}

/* ------------------------------------------------------------------ the end */

void firewall_free(struct firewall *firewall)
{
    if (!firewall) {
        return;
    }
    if (firewall->listed) {
        int r = replace_table(firewall, NULL, NULL);
        if (r < 0) {
            log_warn("cannot remove the nftables table inet %s: %s", firewall->table, err_str(r));
        }
    }
    struct forwarding_original other;
    forwarding_disable(firewall->forwarding, !find_original(firewall->nft, NULL, &other));
    nftables_close(firewall->nft);
    free(firewall->masquerade);
    free(firewall->kill_switch);
    free(firewall);
}

static void drop_table(const char *line, void *arg)
{
    const char *table = line + strlen(JOURNAL_TABLE);
    if (strncmp(table, TABLE_PREFIX, strlen(TABLE_PREFIX)) != 0 ||
        table[strspn(table, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")]) {
        return;
    }
    char *command = mem_printf("add table inet %s\ndelete table inet %s", table, table);
    if (nftables_run(arg, command) == 0) {
        log_info("removed the nftables table inet %s that an earlier run left behind", table);
    } else {
        log_warn("cannot remove the nftables table inet %s: %s", table, nftables_error(arg));
    }
    free(command);
}

void firewall_recover(struct journal *journal)
{
    if (journal_count(journal, JOURNAL_TABLE) == 0) {
        forwarding_recover(journal, true);
        return;
    }
    struct nftables *nft = NULL;
    int r = nftables_open(&nft);
    if (r < 0) {
        log_warn("cannot remove the packet filter of an earlier run: %s", err_str(r));
        return;
    }
    struct forwarding_original other;
    journal_each(journal, JOURNAL_TABLE, drop_table, nft);
    journal_forget(journal, JOURNAL_TABLE);
    forwarding_recover(journal, !find_original(nft, NULL, &other));
    nftables_close(nft);
}

/* ------------------------------------------------------------------ self-check */

static bool has_nat(void)
{
    /* The older iptables keeps its tables elsewhere; with a NAT table there, assume that it is in use. */
    FILE *names = fopen("/proc/net/ip_tables_names", "re");
    char name[64];
    bool found = false;
    while (names && fgets(name, sizeof(name), names)) {
        found |= strcmp(name, "nat\n") == 0;
    }
    if (names) {
        (void)fclose(names);
    }
    struct nftables *nft = NULL;
    int r = found ? 0 : nftables_open(&nft);
    if (found || r < 0) {
        return found || r == -EPERM;
    }
    if (nftables_run(nft, "list ruleset") < 0) {
        found = true; /* not ours to judge */
    } else {
        const char *rules = nftables_output(nft);
        found = strcasestr(rules, "masquerade") || strcasestr(rules, "snat");
    }
    nftables_close(nft);
    return found;
}

unsigned firewall_lacks(void)
{
    unsigned lacks = 0;
    int on = 0;
    if (sysctl_read("net/ipv4/ip_forward", &on) == 0 && !on) {
        lacks |= FIREWALL_NO_FORWARD4;
    }
    if (sysctl_read("net/ipv6/conf/all/forwarding", &on) == 0 && !on) {
        lacks |= FIREWALL_NO_FORWARD6;
    }
    return has_nat() ? lacks : lacks | FIREWALL_NO_NAT;
}
