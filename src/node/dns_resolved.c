/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "node/dns_way.h"

/*
 * systemd-resolved: settings of one link, given over D-Bus (org.freedesktop.resolve1(5)). They vanish with the
 * device; a device that stays gets RevertLink().
 */
#define NOTE "resolved "

static bool resolver_is_named(void)
{
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    bool named = false;
    if (dns_file_read(DNS_RESOLV_CONF, &content) == 0) {
        named = dns_file_names(&content, "127.0.0.53") || dns_file_names(&content, "127.0.0.54");
    }
    buf_free(&content, false);
    return named;
}

static bool switch_names_it(void)
{
    struct buf content = BUF_INIT(DNS_FILE_MAX_BYTES);
    bool named = false;
    if (dns_file_read("/etc/nsswitch.conf", &content) == 0) {
        for (const char *line = buf_str(&content); *line; line += strcspn(line, "\n"), line += *line == '\n') {
            const char *word = strstr(line, "resolve");
            named |= strncmp(line, "hosts:", 6) == 0 && word && word < line + strcspn(line, "\n");
        }
    }
    buf_free(&content, false);
    return named;
}

/* Programs reach it through its stub, its link in /etc, or the name service switch. */
static bool host_asks_resolved(void)
{
    char target[PATH_MAX];
    bool linked = realpath(DNS_RESOLV_CONF, target) && strncmp(target, "/run/systemd/resolve/", 21) == 0;
    return linked || resolver_is_named() || switch_names_it();
}

#ifdef HAVE_SYSTEMD

#include <systemd/sd-bus.h>

#define SERVICE "org.freedesktop.resolve1"
#define MANAGER_PATH "/org/freedesktop/resolve1"
#define MANAGER "org.freedesktop.resolve1.Manager"
#define LINK "org.freedesktop.resolve1.Link"
#define CALL_TIMEOUT_US (5u * 1000 * 1000)

/* ------------------------------------------------------------------ calls */

struct call {
    sd_bus *bus;
    sd_bus_message *message;
    int result;
};

static void begin(struct call *call, sd_bus *bus, const char *method, uint32_t ifindex)
{
    *call = (struct call){.bus = bus};
    call->result = sd_bus_message_new_method_call(bus, &call->message, SERVICE, MANAGER_PATH, MANAGER, method);
    if (call->result >= 0) {
        call->result = sd_bus_message_append(call->message, "i", (int)ifindex);
    }
}

static int finish(struct call *call, sd_bus_message **reply, struct buf *text)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    int r = call->result;
    if (r >= 0) {
        r = sd_bus_call(call->bus, call->message, CALL_TIMEOUT_US, &error, reply);
    }
    if (r < 0 && text) {
        bool denied = sd_bus_error_has_name(&error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
                      sd_bus_error_has_name(&error, SD_BUS_ERROR_ACCESS_DENIED);
        (void)buf_printf(text, "systemd-resolved refused: %s%s", error.message ? error.message : strerror(-r),
                         denied ? " Start vpnd as root, or allow its user org.freedesktop.resolve1.* in polkit" : "");
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(call->message);
    return r < 0 ? r : 0;
}

static void add(struct call *call, int r)
{
    if (call->result >= 0 && r < 0) {
        call->result = r;
    }
}

static void append_addresses(struct call *call, const struct dns_server *server, bool extended)
{
    sd_bus_message *m = call->message;
    add(call, sd_bus_message_open_container(m, 'a', extended ? "(iayqs)" : "(iay)"));
    for (size_t i = 0; server && i < server->address_count; i++) {
        const struct dns_address *at = &server->addresses[i];
        add(call, sd_bus_message_open_container(m, 'r', extended ? "iayqs" : "iay"));
        add(call, sd_bus_message_append(m, "i", (int)at->ip.family));
        add(call, sd_bus_message_append_array(m, 'y', at->ip.bytes, ip_len(&at->ip)));
        if (extended) {
            add(call, sd_bus_message_append(m, "qs", at->port, server->sni));
        }
        add(call, sd_bus_message_close_container(m));
    }
    add(call, sd_bus_message_close_container(m));
}

static int set_servers(sd_bus *bus, const struct dns_settings *settings, const struct dns_server *server,
                       struct buf *text)
{
    bool extended = server && server->sni[0];
    for (size_t i = 0; server && i < server->address_count; i++) {
        extended |= server->addresses[i].port != 0;
    }
    struct call call;
    begin(&call, bus, extended ? "SetLinkDNSEx" : "SetLinkDNS", settings->ifindex);
    if (call.result >= 0) {
        append_addresses(&call, server, extended);
    }
    return finish(&call, NULL, text);
}

static bool has_domain(const struct dns_domains *domains, const char *name)
{
    bool found = false;
    for (size_t i = 0; i < domains->count && !found; i++) {
        found = strcasecmp(domains->names[i], name) == 0;
    }
    return found;
}

/* A name is either searched or only routed, the last word counts; what is searched is routed as well. */
static void append_domains(struct call *call, const struct dns_settings *settings, const struct dns_server *server)
{
    for (size_t i = 0; i < settings->search.count; i++) {
        add(call, sd_bus_message_append(call->message, "(sb)", settings->search.names[i], 0));
    }
    for (size_t i = 0; server && i < server->only.count; i++) {
        if (!has_domain(&settings->search, server->only.names[i])) {
            add(call, sd_bus_message_append(call->message, "(sb)", server->only.names[i], 1));
        }
    }
}

/* A server for all names takes "." so that no other link's servers are asked as well. */
static int set_domains(sd_bus *bus, const struct dns_settings *settings, const struct dns_server *server,
                       struct buf *text)
{
    struct call call;
    begin(&call, bus, "SetLinkDomains", settings->ifindex);
    if (call.result >= 0) {
        add(&call, sd_bus_message_open_container(call.message, 'a', "(sb)"));
        append_domains(&call, settings, server);
        if (server && server->only.count == 0) {
            add(&call, sd_bus_message_append(call.message, "(sb)", ".", 1));
        }
        add(&call, sd_bus_message_close_container(call.message));
    }
    return finish(&call, NULL, text);
}

static int set_flag(sd_bus *bus, const char *method, uint32_t ifindex, bool on, struct buf *text)
{
    struct call call;
    begin(&call, bus, method, ifindex);
    if (call.result >= 0) {
        add(&call, sd_bus_message_append(call.message, "b", (int)on));
    }
    return finish(&call, NULL, text);
}

static int set_word(sd_bus *bus, const char *method, uint32_t ifindex, const char *word, struct buf *text)
{
    struct call call;
    begin(&call, bus, method, ifindex);
    if (call.result >= 0) {
        add(&call, sd_bus_message_append(call.message, "s", word));
    }
    return finish(&call, NULL, text);
}

static int set_security(sd_bus *bus, const struct dns_settings *settings, const struct dns_server *server,
                        struct buf *text)
{
    static const char *const dnssec[] = {[DNS_DNSSEC_UNSET] = "",
                                         [DNS_DNSSEC_NO] = "no",
                                         [DNS_DNSSEC_YES] = "yes",
                                         [DNS_DNSSEC_OPTIONAL] = "allow-downgrade"};
    int r = set_word(bus, "SetLinkDNSOverTLS", settings->ifindex, server->transport == DNS_OVER_TLS ? "yes" : "no",
                     text);
    if (r == 0 && server->dnssec != DNS_DNSSEC_UNSET) {
        r = set_word(bus, "SetLinkDNSSEC", settings->ifindex, dnssec[server->dnssec], text);
    }
    return r;
}

/* ------------------------------------------------------------------ looking whether it holds */

static bool same_address(sd_bus_message *m, const struct dns_address *at)
{
    int32_t family = 0;
    const void *bytes = NULL;
    size_t len = 0;
    return sd_bus_message_read(m, "i", &family) > 0 && sd_bus_message_read_array(m, 'y', &bytes, &len) >= 0 &&
           family == at->ip.family && len == ip_len(&at->ip) && memcmp(bytes, at->ip.bytes, len) == 0;
}

static bool same_addresses(sd_bus_message *m, const struct dns_server *server)
{
    if (sd_bus_message_enter_container(m, 'a', "(iay)") < 0) {
        return false;
    }
    for (size_t i = 0; i < server->address_count; i++) {
        if (sd_bus_message_enter_container(m, 'r', "iay") <= 0 || !same_address(m, &server->addresses[i]) ||
            sd_bus_message_exit_container(m) < 0) {
            return false;
        }
    }
    return sd_bus_message_at_end(m, 0) > 0;
}

static int verify(sd_bus *bus, const struct dns_settings *settings, const struct dns_server *server, struct buf *text)
{
    struct call call;
    sd_bus_message *reply = NULL;
    sd_bus_message *property = NULL;
    const char *path = NULL;
    begin(&call, bus, "GetLink", settings->ifindex);
    int r = finish(&call, &reply, text);
    if (r == 0 && sd_bus_message_read(reply, "o", &path) > 0) {
        r = sd_bus_get_property(bus, SERVICE, path, LINK, "DNS", NULL, &property, "a(iay)");
        if (r < 0 || (server && !same_addresses(property, server))) {
            r = -EPROTO;
            (void)buf_printf(text, "systemd-resolved did not keep the servers of %s", settings->device);
        }
    }
    sd_bus_message_unref(property);
    sd_bus_message_unref(reply);
    return r < 0 ? r : 0;
}

/* ------------------------------------------------------------------ the way */

static bool resolved_is_in_use(void)
{
    return host_asks_resolved();
}

static void revert_link(sd_bus *bus, uint32_t ifindex)
{
    struct call call;
    begin(&call, bus, "RevertLink", ifindex);
    (void)finish(&call, NULL, NULL);
    sd_bus_error ignored = SD_BUS_ERROR_NULL;
    (void)sd_bus_call_method(bus, SERVICE, MANAGER_PATH, MANAGER, "FlushCaches", &ignored, NULL, "");
    sd_bus_error_free(&ignored);
}

static int set_link(sd_bus *bus, const struct dns_settings *settings, const struct dns_server *server, struct buf *text)
{
    int r = set_servers(bus, settings, server, text);
    if (r == 0) {
        r = set_domains(bus, settings, server, text);
    }
    if (r == 0) {
        r = set_flag(bus, "SetLinkDefaultRoute", settings->ifindex, server && server->only.count == 0, text);
    }
    if (r == 0 && server) {
        r = set_security(bus, settings, server, text);
    }
    return r == 0 ? verify(bus, settings, server, text) : r;
}

static int resolved_apply(const struct dns_settings *settings, const struct dns_server *server, dns_way_note_fn note,
                          void *arg, struct buf *text)
{
    sd_bus *bus = NULL;
    int r = sd_bus_open_system(&bus);
    if (r < 0) {
        (void)buf_printf(text, "systemd-resolved cannot be reached: no system bus (%s)", strerror(-r));
        return r;
    }
    (void)sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_US);
    char line[DNS_NOTE_MAX];
    (void)snprintf(line, sizeof(line), NOTE "%u", settings->ifindex);
    r = note(arg, line, NULL);
    if (r == 0) {
        r = set_link(bus, settings, server, text);
        if (r < 0) {
            revert_link(bus, settings->ifindex);
        }
    }
    if (r == 0) {
        sd_bus_error ignored = SD_BUS_ERROR_NULL;
        (void)sd_bus_call_method(bus, SERVICE, MANAGER_PATH, MANAGER, "FlushCaches", &ignored, NULL, "");
        sd_bus_error_free(&ignored);
        (void)buf_printf(text, "systemd-resolved now has ");
        dns_settings_describe(settings, server, text);
        (void)buf_printf(text, " for %s", settings->device);
    }
    sd_bus_flush_close_unref(bus);
    return r;
}

static void resolved_revert(const char *note, const struct buf *content, struct buf *text)
{
    (void)content;
    (void)text; /* mostly the device is gone already, and its settings with it */
    unsigned ifindex = 0;
    sd_bus *bus = NULL;
    if (sscanf(note, NOTE "%u", &ifindex) == 1 && sd_bus_open_system(&bus) >= 0) {
        (void)sd_bus_set_method_call_timeout(bus, CALL_TIMEOUT_US);
        revert_link(bus, ifindex);
        sd_bus_flush_close_unref(bus);
    }
}

#else

static bool resolved_is_in_use(void)
{
    return host_asks_resolved();
}

static int resolved_apply(const struct dns_settings *settings, const struct dns_server *server, dns_way_note_fn note,
                          void *arg, struct buf *text)
{
    (void)settings;
    (void)server;
    (void)note;
    (void)arg;
    (void)buf_printf(text, "this vpnd was built without libsystemd and cannot talk to systemd-resolved");
    return ERR_UNSUPPORTED;
}

static void resolved_revert(const char *note, const struct buf *content, struct buf *text)
{
    (void)note;
    (void)content;
    (void)text;
}

#endif

const struct dns_way dns_way_resolved = {
    .name = "resolved",
    .abilities = DNS_CAN_SPLIT | DNS_CAN_PORT | DNS_CAN_TLS,
    .is_in_use = resolved_is_in_use,
    .apply = resolved_apply,
    .revert = resolved_revert,
};
