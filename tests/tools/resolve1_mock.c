/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for systemd-resolved on a private bus (DBUS_SYSTEM_BUS_ADDRESS): it takes the settings of one link, says
 * on standard output what it was told, and gives them back. With the argument "refuse" every change is denied; with
 * "forget" servers are taken but not kept.
 */
#include "config.h"

#ifdef HAVE_SYSTEMD

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/addr.h"

#define LINK_PATH "/org/freedesktop/resolve1/link/only"
#define SERVERS_MAX 16

struct mock {
    bool refuse;
    bool forget;
    struct ip_addr servers[SERVERS_MAX];
    size_t count;
};

static int answer(struct mock *mock, sd_bus_message *m, sd_bus_error *error)
{
    if (mock->refuse) {
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "refused for the test");
    }
    return sd_bus_reply_method_return(m, "");
}

static int read_server(struct mock *mock, sd_bus_message *m, bool extended)
{
    int32_t family = 0;
    const void *bytes = NULL;
    size_t len = 0;
    uint16_t port = 0;
    const char *name = "";
    int r = sd_bus_message_read(m, "i", &family);
    r = r < 0 ? r : sd_bus_message_read_array(m, 'y', &bytes, &len);
    if (r >= 0 && extended) {
        r = sd_bus_message_read(m, "qs", &port, &name);
    }
    struct ip_addr ip = {.family = (uint16_t)family};
    if (r < 0 || len != ip_len(&ip) || mock->count == SERVERS_MAX) {
        return -EINVAL;
    }
    memcpy(ip.bytes, bytes, len);
    char text[ADDR_TEXT_MAX];
    printf(" %s", ip_format(&ip, text));
    if (extended) {
        printf(":%u:%s", port, name);
    }
    mock->servers[mock->count++] = ip;
    return 0;
}

static int set_servers(sd_bus_message *m, struct mock *mock, sd_bus_error *error, bool extended)
{
    int32_t ifindex = 0;
    mock->count = 0;
    int r = sd_bus_message_read(m, "i", &ifindex);
    printf("servers");
    r = r < 0 ? r : sd_bus_message_enter_container(m, 'a', extended ? "(iayqs)" : "(iay)");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', extended ? "iayqs" : "iay")) > 0) {
        r = read_server(mock, m, extended);
        r = r < 0 ? r : sd_bus_message_exit_container(m);
    }
    printf("\n");
    if (mock->forget) {
        mock->count = 0;
    }
    return r < 0 ? r : answer(mock, m, error);
}

static int on_dns(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    return set_servers(m, arg, error, false);
}

static int on_dns_ex(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    return set_servers(m, arg, error, true);
}

static int on_domains(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    int32_t ifindex = 0;
    const char *name = NULL;
    int routing = 0;
    int r = sd_bus_message_read(m, "i", &ifindex);
    r = r < 0 ? r : sd_bus_message_enter_container(m, 'a', "(sb)");
    printf("domains");
    while (r >= 0 && (r = sd_bus_message_read(m, "(sb)", &name, &routing)) > 0) {
        printf(" %s%s", routing ? "~" : "", name);
    }
    printf("\n");
    return r < 0 ? r : answer(arg, m, error);
}

static int on_default_route(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    int32_t ifindex = 0;
    int on = 0;
    int r = sd_bus_message_read(m, "ib", &ifindex, &on);
    printf("default-route %d\n", on);
    return r < 0 ? r : answer(arg, m, error);
}

static int on_word(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    int32_t ifindex = 0;
    const char *word = NULL;
    int r = sd_bus_message_read(m, "is", &ifindex, &word);
    printf("%s %s\n", sd_bus_message_get_member(m), word ? word : "?");
    return r < 0 ? r : answer(arg, m, error);
}

static int on_revert(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    struct mock *mock = arg;
    (void)error;
    mock->count = 0;
    printf("reverted\n");
    return sd_bus_reply_method_return(m, "");
}

static int on_flush(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    (void)arg;
    (void)error;
    return sd_bus_reply_method_return(m, "");
}

static int on_get_link(sd_bus_message *m, void *arg, sd_bus_error *error)
{
    (void)arg;
    (void)error;
    return sd_bus_reply_method_return(m, "o", LINK_PATH);
}

static int get_dns(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                   void *arg, sd_bus_error *error)
{
    const struct mock *mock = arg;
    (void)bus;
    (void)path;
    (void)interface;
    (void)property;
    (void)error;
    int r = sd_bus_message_open_container(reply, 'a', "(iay)");
    for (size_t i = 0; i < mock->count && r >= 0; i++) {
        r = sd_bus_message_open_container(reply, 'r', "iay");
        r = r < 0 ? r : sd_bus_message_append(reply, "i", (int)mock->servers[i].family);
        r = r < 0 ? r : sd_bus_message_append_array(reply, 'y', mock->servers[i].bytes, ip_len(&mock->servers[i]));
        r = r < 0 ? r : sd_bus_message_close_container(reply);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("SetLinkDNS", "ia(iay)", "", on_dns, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDNSEx", "ia(iayqs)", "", on_dns_ex, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDomains", "ia(sb)", "", on_domains, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDefaultRoute", "ib", "", on_default_route, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDNSOverTLS", "is", "", on_word, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetLinkDNSSEC", "is", "", on_word, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RevertLink", "i", "", on_revert, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetLink", "i", "o", on_get_link, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("FlushCaches", "", "", on_flush, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable link_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("DNS", "a(iay)", get_dns, 0, 0),
    SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
    struct mock mock = {
        .refuse = argc > 1 && strcmp(argv[1], "refuse") == 0,
        .forget = argc > 1 && strcmp(argv[1], "forget") == 0,
    };
    sd_bus *bus = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int r = sd_bus_open_system(&bus);
    r = r < 0 ? r
              : sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/resolve1", "org.freedesktop.resolve1.Manager",
                                         manager, &mock);
    r = r < 0 ? r
              : sd_bus_add_object_vtable(bus, NULL, LINK_PATH, "org.freedesktop.resolve1.Link", link_vtable, &mock);
    r = r < 0 ? r : sd_bus_request_name(bus, "org.freedesktop.resolve1", 0);
    if (r >= 0) {
        printf("ready\n");
    }
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0) {
            r = sd_bus_wait(bus, UINT64_MAX);
        }
    }
    fprintf(stderr, "resolve1_mock: %s\n", strerror(-r));
    return 1;
}

#else

int main(void)
{
    return 77;
}

#endif
