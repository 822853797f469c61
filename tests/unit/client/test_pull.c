/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/log.h"
#include "client/pull.h"

static void quiet(void)
{
    log_settings_set(&(struct log_settings){.verb = 0});
}

TestSuite(pull, .init = quiet);

static enum pull_result add(struct pull *p, const char *text)
{
    struct cmd message = cmd_parse(text);
    return pull_add(p, &message);
}

Test(pull, single_reply_gives_its_lines)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_REPLY,route-gateway 10.8.0.1,,topology subnet,ping 10"), PULL_COMPLETE);
    cr_assert_eq(p.count, 3);
    cr_assert_str_eq(p.lines[0], "route-gateway 10.8.0.1");
    cr_assert_str_eq(p.lines[1], "topology subnet");
    cr_assert_str_eq(p.lines[2], "ping 10");
    cr_assert_eq(add(&p, "PUSH_REPLY"), PULL_COMPLETE, "an empty reply is legal");
    cr_assert_eq(p.count, 0);
    pull_free(&p);
}

Test(pull, parts_are_put_together_and_the_next_reply_starts_anew)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_REPLY,route 10.1.0.0 255.255.0.0,push-continuation 2"), PULL_MORE);
    cr_assert_eq(add(&p, "PUSH_REPLY,route 10.2.0.0 255.255.0.0,push-continuation 2"), PULL_MORE);
    cr_assert_eq(add(&p, "PUSH_REPLY,ping 10,push-continuation 1"), PULL_COMPLETE);
    cr_assert_eq(p.count, 3);
    cr_assert_str_eq(p.lines[2], "ping 10");
    cr_assert_eq(add(&p, "PUSH_REPLY,auth-token SESS_ID_x"), PULL_COMPLETE);
    cr_assert_eq(p.count, 1);
    pull_free(&p);
}

Test(pull, updates_keep_their_prefixes)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_UPDATE,route 10.1.0.0 255.255.0.0,-dns,-?dhcp-option,push-continuation 2"), PULL_MORE);
    cr_assert_eq(add(&p, "PUSH_UPDATE,?tun-mtu 1400,push-continuation 1"), PULL_COMPLETE);
    cr_assert(p.update);
    cr_assert_eq(p.count, 4);
    cr_assert_str_eq(p.lines[1], "-dns");
    cr_assert_str_eq(p.lines[2], "-?dhcp-option");
    cr_assert_str_eq(p.lines[3], "?tun-mtu 1400");
    cr_assert_eq(add(&p, "PUSH_UPDATE,?-route"), PULL_BAD);
    pull_free(&p);
}

Test(pull, endless_replies_are_bounded)
{
    struct pull p;
    pull_init(&p);
    char text[1024] = "PUSH_REPLY";
    while (strlen(text) < 960) {
        strcat(text, ",a");
    }
    strcat(text, ",push-continuation 2");
    enum pull_result r = PULL_MORE;
    int messages = 0;
    while (r == PULL_MORE && messages < 100000) {
        r = add(&p, text);
        messages++;
    }
    cr_assert_eq(r, PULL_BAD);
    cr_assert_leq(p.count, PULL_LINES_MAX);
    pull_free(&p);
}

Test(pull, fingerprint_leaves_out_what_changes_with_each_connection)
{
    struct pull p;
    struct pull_print first = {0};
    struct pull_print second = {0};
    pull_init(&p);
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,peer-id 0,auth-token abc,cipher AES-256-GCM,ping 10");
    pull_print_take(&first, &p, false);
    cr_assert_not(pull_print_equal(&first, &second), "there is nothing to compare with yet");
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,peer-id 7,auth-token def,cipher AES-256-GCM,ping 20");
    pull_print_take(&second, &p, false);
    cr_assert(pull_print_equal(&first, &second));
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.3 255.255.255.0,peer-id 7,cipher AES-256-GCM");
    pull_print_take(&second, &p, false);
    cr_assert_not(pull_print_equal(&first, &second));
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,push-continuation 2");
    add(&p, "PUSH_REPLY,cipher AES-256-GCM,push-continuation 1");
    pull_print_take(&second, &p, false);
    cr_assert(pull_print_equal(&first, &second), "the cut into parts does not matter");
    pull_print_free(&first);
    cr_assert_not(pull_print_equal(&first, &second));
    pull_print_free(&second);
    pull_free(&p);
}

Test(pull, log_copy_hides_tokens)
{
    char *text = pull_redact("PUSH_REPLY,ping 10,auth-token SESS_ID_secret,auth-token-user Ym9i,peer-id 0");
    cr_assert_str_eq(text, "PUSH_REPLY,ping 10,auth-token [REDACTED],auth-token-user Ym9i,peer-id 0");
    free(text);
}
