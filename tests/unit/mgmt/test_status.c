/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mgmt/status.h"

/* The rows are those that OpenVPN 2.6.14 printed. */
static const struct status_client client = {
    .common_name = "client1", .real_address = "10.99.0.2:38957", .virtual4 = "10.77.0.2", .virtual6 = "fd77::1000",
    .bytes_received = 2216, .bytes_sent = 2480, .since_unix = 1795315167, .username = "user1", .cipher = "AES-256-GCM"};
static const struct status_route routes[] = {
    {"10.77.0.2", "client1", "10.99.0.2:38957", 1795315167, false},
    {"10.66.0.5", "client1", "10.99.0.2:38957", 1795315167, true},
};
static const struct status_server server = {
    .title = "OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)]", .now_unix = 1795315171, .clients = &client,
    .client_count = 1, .routes = routes, .route_count = 2, .bcast_queue_max = 1};

static void utc(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
}

TestSuite(status, .init = utc);

Test(status, version_1)
{
    struct buf out = BUF_INIT(4096);
    cr_assert_eq(status_format_server(&server, 1, "\n", &out), 0);
    cr_assert_str_eq(buf_str(&out),
                     "OpenVPN CLIENT LIST\nUpdated,2026-11-22 02:39:31\n"
                     "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since\n"
                     "client1,10.99.0.2:38957,2216,2480,2026-11-22 02:39:27\n"
                     "ROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n"
                     "10.77.0.2,client1,10.99.0.2:38957,2026-11-22 02:39:27\n"
                     "10.66.0.5C,client1,10.99.0.2:38957,2026-11-22 02:39:27\n"
                     "GLOBAL STATS\nMax bcast/mcast queue length,1\nEND\n");
    buf_free(&out, false);
}

Test(status, version_2_and_3_differ_by_the_separator)
{
    static const char expected[] =
        "TITLE,OpenVPN 2.6.14 x86_64-pc-linux-gnu [SSL (OpenSSL)]\r\n"
        "TIME,2026-11-22 02:39:31,1795315171\r\n"
        "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,"
        "Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher\r\n"
        "CLIENT_LIST,client1,10.99.0.2:38957,10.77.0.2,fd77::1000,2216,2480,2026-11-22 02:39:27,1795315167,user1,0,0,"
        "AES-256-GCM\r\n"
        "HEADER,ROUTING_TABLE,Virtual Address,Common Name,Real Address,Last Ref,Last Ref (time_t)\r\n"
        "ROUTING_TABLE,10.77.0.2,client1,10.99.0.2:38957,2026-11-22 02:39:27,1795315167\r\n"
        "ROUTING_TABLE,10.66.0.5C,client1,10.99.0.2:38957,2026-11-22 02:39:27,1795315167\r\n"
        "GLOBAL_STATS,Max bcast/mcast queue length,1\r\nGLOBAL_STATS,dco_enabled,0\r\nEND\r\n";
    struct buf out = BUF_INIT(8192);
    cr_assert_eq(status_format_server(&server, 2, "\r\n", &out), 0);
    cr_assert_str_eq(buf_str(&out), expected);
    struct buf tabs = BUF_INIT(8192);
    cr_assert_eq(status_format_server(&server, 3, "\r\n", &tabs), 0);
    for (size_t i = 0; i < tabs.len; i++) {
        if (tabs.data[i] == '\t') {
            tabs.data[i] = ',';
        }
    }
    cr_assert_str_eq(buf_str(&tabs), expected);
    buf_free(&out, false);
    buf_free(&tabs, false);
}

Test(status, a_name_cannot_break_a_row)
{
    struct status_client evil = client;
    evil.common_name = "a,b\nCLIENT_LIST,x";
    evil.username = NULL;
    struct status_server s = server;
    s.clients = &evil;
    struct buf out = BUF_INIT(8192);
    cr_assert_eq(status_format_server(&s, 2, "\n", &out), 0);
    cr_assert_not_null(strstr(buf_str(&out), "CLIENT_LIST,a_b_CLIENT_LIST_x,10.99.0.2:38957"));
    cr_assert_not_null(strstr(buf_str(&out), ",UNDEF,0,0,AES-256-GCM\n"));
    struct buf small = BUF_INIT(100);
    cr_assert_lt(status_format_server(&s, 2, "\n", &small), 0);
    buf_free(&out, false);
    buf_free(&small, false);
}

Test(status, client_file_is_rewritten_in_place)
{
    struct status_link link = {.now_unix = 1795315313, .device_read = 96, .device_write = 48, .link_read = 2259,
                               .link_write = 2151, .auth_read = 48};
    char path[] = "/tmp/vpnd-test-status-XXXXXX";
    close(mkstemp(path));
    struct status_file file;
    cr_assert_eq(status_file_open(&file, path), 0);
    struct buf out = BUF_INIT(4096);
    cr_assert_eq(buf_printf(&out, "%0500d", 1), 0);
    cr_assert_eq(status_file_write(&file, &out), 0);
    buf_reset(&out);
    cr_assert_eq(status_format_link(&link, "\n", &out), 0);
    cr_assert_eq(status_file_write(&file, &out), 0);
    status_file_close(&file);
    char text[1024] = "";
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    unlink(path);
    cr_assert_eq(n, out.len);
    cr_assert_str_eq(text, "OpenVPN STATISTICS\nUpdated,2026-11-22 02:41:53\nTUN/TAP read bytes,96\n"
                           "TUN/TAP write bytes,48\nTCP/UDP read bytes,2259\nTCP/UDP write bytes,2151\n"
                           "Auth read bytes,48\nEND\n");
    buf_free(&out, false);
}
