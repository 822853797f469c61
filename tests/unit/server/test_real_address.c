/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "server/context.h"
#include "server/instance.h"
#include "server/real_address.h"

static void expect(const char *ip, bool tcp, bool socket_ipv6, enum config_address_form form, const char *status,
                   const char *log)
{
    struct config *config = calloc(1, sizeof(*config));
    struct server server = {.config = config};
    struct instance instance = {.server = &server, .tcp = tcp, .socket_ipv6 = socket_ipv6};
    union addr *remote = &instance.entry.path.remote;
    char text[REAL_ADDRESS_MAX];
    config->status_real_address = form;
    if (strchr(ip, ':')) {
        remote->v6.sin6_family = AF_INET6;
        remote->v6.sin6_port = htons(5000);
        cr_assert_eq(inet_pton(AF_INET6, ip, &remote->v6.sin6_addr), 1);
    } else {
        remote->v4.sin_family = AF_INET;
        remote->v4.sin_port = htons(5000);
        cr_assert_eq(inet_pton(AF_INET, ip, &remote->v4.sin_addr), 1);
    }
    cr_expect_str_eq(real_address_status(&instance, text), status);
    cr_expect_str_eq(real_address_log(&instance, text), log);
    free(config);
}

Test(real_address, as_2_6_writes_it)
{
    expect("192.0.2.1", false, true, CONFIG_ADDRESS_2_6, "192.0.2.1:5000", "192.0.2.1:5000");
    expect("2001:db8::1", false, true, CONFIG_ADDRESS_2_6, "2001:db8::1", "[2001:db8::1]:5000");
}

Test(real_address, as_2_7_writes_it)
{
    expect("192.0.2.1", false, false, CONFIG_ADDRESS_2_7, "udp4:192.0.2.1:5000", "udp4:192.0.2.1:5000");
    expect("192.0.2.1", false, true, CONFIG_ADDRESS_2_7, "udp6:192.0.2.1:5000", "udp6:192.0.2.1:5000");
    expect("192.0.2.1", true, false, CONFIG_ADDRESS_2_7, "tcp4-server:192.0.2.1:5000", "tcp4-server:192.0.2.1:5000");
    expect("2001:db8::1", true, true, CONFIG_ADDRESS_2_7, "tcp6-server:[2001:db8::1]:5000",
           "tcp6-server:[2001:db8::1]:5000");
}
