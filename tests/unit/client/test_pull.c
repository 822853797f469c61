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
    return pull_add(p, text, NULL, 0, false);
}

Test(pull, knows_its_messages)
{
    cr_assert(pull_is_message("PUSH_REPLY"));
    cr_assert(pull_is_message("PUSH_REPLY,ping 10"));
    cr_assert(pull_is_message("PUSH_UPDATE,-route"));
    cr_assert_not(pull_is_message("PUSH_REPLYX"));
    cr_assert_not(pull_is_message("PUSH_REQUEST"));
    cr_assert_not(pull_is_message("AUTH_FAILED"));
}

Test(pull, single_reply_gives_its_lines)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_REPLY,route-gateway 10.8.0.1,, topology subnet,ping 10"), PULL_COMPLETE);
    cr_assert_eq(p.count, 3);
    cr_assert_str_eq(p.lines[0].text, "route-gateway 10.8.0.1");
    cr_assert_str_eq(p.lines[1].text, "topology subnet");
    cr_assert_str_eq(p.lines[2].text, "ping 10");
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
    cr_assert_str_eq(p.lines[2].text, "ping 10");
    cr_assert_eq(add(&p, "PUSH_REPLY,auth-token SESS_ID_x"), PULL_COMPLETE);
    cr_assert_eq(p.count, 1);
    pull_free(&p);
}

Test(pull, first_matching_filter_decides_by_prefix)
{
    struct pull p;
    pull_init(&p);
    static const struct pull_filter filters[] = {
        {PULL_FILTER_ACCEPT, "route 10.1."},
        {PULL_FILTER_IGNORE, "route "},
        {PULL_FILTER_REJECT, "redirect-gateway"},
    };
    cr_assert_eq(pull_add(&p, "PUSH_REPLY,route 10.1.0.0 255.255.0.0, route 10.2.0.0,route-gateway 10.8.0.1", filters, 3,
                          false),
                 PULL_COMPLETE);
    cr_assert_eq(p.count, 2);
    cr_assert_str_eq(p.lines[0].text, "route 10.1.0.0 255.255.0.0");
    cr_assert_str_eq(p.lines[1].text, "route-gateway 10.8.0.1");
    cr_assert_eq(pull_add(&p, "PUSH_REPLY,ping 10,redirect-gateway def1", filters, 3, false), PULL_REJECTED);
    cr_assert_str_eq(p.offender, "redirect-gateway def1");
    pull_free(&p);
}

Test(pull, fingerprint_leaves_out_what_changes_with_each_connection)
{
    struct pull p;
    pull_init(&p);
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,peer-id 0,auth-token abc,cipher AES-256-GCM,ping 10");
    cr_assert_not(pull_same(&p), "there is nothing to compare with yet");
    pull_keep(&p);
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,peer-id 7,auth-token def,cipher AES-256-GCM,ping 20");
    cr_assert(pull_same(&p));
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.3 255.255.255.0,peer-id 7,cipher AES-256-GCM");
    cr_assert_not(pull_same(&p));
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,cipher AES-128-GCM");
    cr_assert_not(pull_same(&p));
    add(&p, "PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,push-continuation 2");
    add(&p, "PUSH_REPLY,cipher AES-256-GCM,push-continuation 1");
    cr_assert(pull_same(&p), "the cut into parts does not matter");
    pull_forget(&p);
    cr_assert_not(pull_same(&p));
    pull_free(&p);
}

Test(pull, cipher_may_be_left_out_of_the_fingerprint)
{
    struct pull p;
    pull_init(&p);
    pull_add(&p, "PUSH_REPLY,ping 1,cipher AES-256-GCM", NULL, 0, true);
    pull_keep(&p);
    pull_add(&p, "PUSH_REPLY,ping 1,cipher AES-128-GCM", NULL, 0, true);
    cr_assert(pull_same(&p));
    pull_free(&p);
}

Test(pull, updates_carry_removals_and_optional_items)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_UPDATE,route 10.1.0.0 255.255.0.0,-dns,-?dhcp-option,?cipher AES-128-GCM,push-continuation 2"),
                 PULL_MORE);
    cr_assert_eq(add(&p, "PUSH_UPDATE,?tun-mtu 1400,push-continuation 1"), PULL_COMPLETE);
    cr_assert_eq(p.kind, PULL_UPDATE);
    cr_assert_eq(p.count, 4);
    cr_assert_not(p.lines[0].remove);
    cr_assert(p.lines[1].remove);
    cr_assert_not(p.lines[1].optional);
    cr_assert_str_eq(p.lines[1].text, "dns");
    cr_assert(p.lines[2].remove && p.lines[2].optional);
    cr_assert_str_eq(p.lines[3].text, "tun-mtu 1400");
    pull_free(&p);
}

Test(pull, mandatory_update_of_something_fixed_is_an_offence)
{
    struct pull p;
    pull_init(&p);
    cr_assert_eq(add(&p, "PUSH_UPDATE,cipher AES-128-GCM"), PULL_OFFENDING);
    cr_assert_str_eq(p.offender, "cipher AES-128-GCM");
    cr_assert_eq(add(&p, "PUSH_UPDATE,?-route"), PULL_OFFENDING);
    static const struct pull_filter filters[] = {{PULL_FILTER_IGNORE, "route"}};
    cr_assert_eq(pull_add(&p, "PUSH_UPDATE,route 10.0.0.0", filters, 1, false), PULL_OFFENDING);
    cr_assert_eq(pull_add(&p, "PUSH_UPDATE,?route 10.0.0.0", filters, 1, false), PULL_COMPLETE);
    cr_assert_eq(p.count, 0);
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

Test(pull, log_copy_hides_tokens)
{
    char *text = pull_redact("PUSH_REPLY,ping 10,auth-token SESS_ID_secret,auth-token-user Ym9i,peer-id 0");
    cr_assert_str_eq(text, "PUSH_REPLY,ping 10,auth-token [REDACTED],auth-token-user Ym9i,peer-id 0");
    free(text);
}
