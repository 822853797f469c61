/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/show_model.h"
#include "mgmt/show_table.h"

static const char json[] =
    "{\"mode\":\"server\",\"version\":\"1.2\",\"time\":1000,\"started\":100,\"pool\":{\"addresses\":10,\"used\":9},"
    "\"traffic\":{\"link_receive_bytes\":5000,\"link_transmit_bytes\":7000,\"dropped_packets\":{\"a\":1,\"b\":2}},"
    "\"handshakes\":{\"failed\":{\"tls\":3,\"login\":1}},\"certificate\":{\"days_left\":2.5},"
    "\"clients\":[{\"client_id\":4,\"common_name\":\"an\\u001b[31mna\\u009b\",\"username\":\"\",\"state\":\"connected\","
    "\"real_address\":\"192.0.2.1:5\",\"virtual_address\":\"10.8.0.2\",\"virtual_ipv6_address\":\"\","
    "\"cipher\":\"AES-256-GCM\",\"connected_since\":940,\"bytes_received\":1000,\"bytes_sent\":2000},"
    "{\"client_id\":5,\"common_name\":\"\",\"state\":\"login\",\"username\":\"bert\"}]}";

static const char management[] =
    ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
    "OpenVPN Version: vpnd 0.1.0 x86_64-pc-linux-gnu\r\nManagement Version: 5\r\nEND\r\n"
    "900,CONNECTED,SUCCESS,10.8.0.1,,,,\r\nEND\r\n"
    "SUCCESS: nclients=1,bytesin=11,bytesout=22\r\n"
    "TITLE\tvpnd\r\nTIME\t2026-11-22 02:41:53\t1000\r\n"
    "HEADER\tCLIENT_LIST\tCommon Name\r\n"
    "CLIENT_LIST\tanna\t192.0.2.1:5\t10.8.0.2\t\t1000\t2000\t2026-11-22 02:40:53\t940\tUNDEF\t4\t0\tAES-256-GCM\r\n"
    "END\r\n";

static const char *table(const struct show_snapshot *s, struct show_room room)
{
    static char text[8192];
    struct buf out = BUF_INIT(sizeof(text) - 1);
    cr_assert_eq(show_table(s, &room, &out), 0);
    strcpy(text, buf_str(&out));
    buf_free(&out, false);
    return text;
}

Test(show, json_becomes_a_table_with_problems_and_harmless_names)
{
    struct show_snapshot s;
    cr_assert_eq(show_model_json(json, &s), 0);
    cr_assert_eq(s.client_count, 2);
    cr_assert_eq(s.waiting, 1);
    const char *text = table(&s, (struct show_room){0});
    cr_assert_not_null(strstr(text, "vpnd 1.2 server, up 15m 00s, 1 client and 1 on the way in, 9 of 10 addresses\n"));
    cr_assert_not_null(strstr(text, "! our certificate expires in 2 days\n"));
    cr_assert_not_null(strstr(text, "! 9 of 10 addresses of the pool are in use\n"));
    cr_assert_not_null(strstr(text, "an?[31mna??"));
    cr_assert_not_null(strstr(text, "- bert"));
    cr_assert_null(strchr(text, '\033'));
    show_model_free(&s);
}

Test(show, management_answers_do_as_well)
{
    struct show_snapshot s;
    cr_assert_eq(show_model_management(management, &s), 0);
    cr_assert(s.server);
    cr_assert_str_eq(s.version, "0.1.0");
    cr_assert_eq(s.rx_bytes, 11);
    cr_assert_eq(s.client_count, 1);
    cr_assert_str_eq(s.clients[0].name, "anna");
    cr_assert_str_eq(s.clients[0].username, "");
    cr_assert_eq(s.clients[0].since_unix_s, 940);
    show_model_free(&s);
    cr_assert_neq(show_model_management("SSH-2.0-x\r\n", &s), 0);
    show_model_free(&s);
    cr_assert_neq(show_model_json("[]", &s), 0);
    show_model_free(&s);
}

Test(show, rates_and_failures_come_from_two_looks)
{
    struct show_snapshot before;
    struct show_snapshot now;
    cr_assert_eq(show_model_json(json, &before), 0);
    cr_assert_eq(show_model_json(json, &now), 0);
    before.mono_ms = 1000;
    now.mono_ms = 3000;
    now.rx_bytes += 4000;
    now.clients[0].tx_bytes += 1000;
    now.failures += 2;
    show_model_compare(&now, &before);
    cr_assert_eq(now.rx_rate, 2000);
    cr_assert_eq(now.clients[0].tx_rate, 500);
    cr_assert_eq(now.clients[1].rx_rate, 0);
    cr_assert_not_null(strstr(table(&now, (struct show_room){0}), "! 2 handshakes or logins failed in the last 2 s\n"));
    show_model_free(&before);
    show_model_free(&now);
}

Test(show, a_small_terminal_gets_fewer_columns_and_rows)
{
    struct show_snapshot s;
    char answers[8192] = "TIME\tx\t1000\r\n";
    for (int i = 0; i < 30; i++) {
        char row[160];
        snprintf(row, sizeof(row),
                 "CLIENT_LIST\ta-client-with-a-very-long-name-indeed-%d\t192.0.2.1:5\t10.8.0.%d\t\t1\t2\tx\t9\tUNDEF\t%d\t0\tC\r\n", i,
                 i, i);
        strcat(answers, row);
    }
    cr_assert_eq(show_model_management(answers, &s), 0);
    cr_assert_eq(s.client_count, 30);
    const char *text = table(&s, (struct show_room){.columns = 40, .rows = 10});
    size_t lines = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        cr_assert_leq(strcspn(at, "\n"), 40);
        lines++;
    }
    cr_assert_leq(lines, 10);
    cr_assert_not_null(strstr(text, " more\n"));
    cr_assert_null(strstr(text, "10.8.0.25 "));
    s.clients[25].rx_rate = 5000;
    s.clients[26].tx_rate = 6000;
    text = table(&s, (struct show_room){.columns = 100, .rows = 10});
    const char *busiest = strstr(text, "10.8.0.26 ");
    cr_assert_not_null(busiest, "who has no traffic makes room");
    cr_assert_gt(strstr(text, "10.8.0.25 "), busiest);
    cr_assert_gt(strstr(text, "10.8.0.0 "), busiest);
    cr_assert_lt(strstr(table(&s, (struct show_room){0}), "10.8.0.25 "), strstr(table(&s, (struct show_room){0}), "10.8.0.26 "));
    show_model_free(&s);
}

Test(show, numbers_for_people)
{
    char text[16];
    cr_assert_str_eq(show_bytes(0, text), "0 B");
    cr_assert_str_eq(show_bytes(999, text), "999 B");
    cr_assert_str_eq(show_bytes(1000, text), "1.0 kB");
    cr_assert_str_eq(show_bytes(999999, text), "1.0 MB");
    cr_assert_str_eq(show_bytes(UINT64_MAX, text), "18.4 EB");
    cr_assert_str_eq(show_duration(59, text), "59s");
    cr_assert_str_eq(show_duration(3600, text), "1h 00m");
    cr_assert_str_eq(show_duration(90061, text), "1d 01h");
}
