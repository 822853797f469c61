/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/cmd.h"

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

Test(cmd, names_need_a_comma_or_the_end)
{
    cr_assert_eq(cmd_parse("PUSH_REQUEST").type, CMD_PUSH_REQUEST);
    cr_assert_eq(cmd_parse("PUSH_REQUESTS").type, CMD_UNKNOWN);
    cr_assert_eq(cmd_parse("").type, CMD_UNKNOWN);
    cr_assert_eq(cmd_parse("INFO_PRE,x").type, CMD_INFO_PRE);
    cr_assert_eq(cmd_parse("INFO,x").type, CMD_INFO);
    struct cmd c = cmd_parse("AUTH_FAILED,a,b");
    cr_assert_eq(c.type, CMD_AUTH_FAILED);
    cr_assert_str_eq(c.args, "a,b");
    c = cmd_parse("EXIT");
    cr_assert_eq(c.type, CMD_EXIT);
    cr_assert_not(c.has_args);
    cr_assert_str_eq(c.args, "");
}

Test(cmd, record_yields_each_text_and_skips_bad_ones)
{
    const char record[] = "PUSH_REQUEST\0INFO,a\r\n\0bad\x01text\0\0EXIT\0unterminated";
    struct rd r = rd_init(record, sizeof(record) - 1);
    struct span text;
    cr_assert_eq(cmd_record_next(&r, &text), 1);
    cr_assert(span_is(text, "PUSH_REQUEST"));
    cr_assert_eq(cmd_record_next(&r, &text), 1);
    cr_assert(span_is(text, "INFO,a"));
    cr_assert_eq(cmd_record_next(&r, &text), ERR_FORMAT);
    cr_assert_eq(cmd_record_next(&r, &text), ERR_FORMAT);
    cr_assert_eq(cmd_record_next(&r, &text), 1);
    cr_assert(span_is(text, "EXIT"));
    cr_assert_eq(cmd_record_next(&r, &text), ERR_FORMAT);
    cr_assert_eq(cmd_record_next(&r, &text), 0);
}

Test(cmd, auth_failed_variants)
{
    struct cmd_auth_failed f = cmd_auth_failed_parse("");
    cr_assert_eq(f.kind, CMD_AUTH_FAILED_PLAIN);
    f = cmd_auth_failed_parse("TEMPERATURE too high");
    cr_assert_eq(f.kind, CMD_AUTH_FAILED_PLAIN);
    f = cmd_auth_failed_parse("SESSION:token expired");
    cr_assert_eq(f.kind, CMD_AUTH_FAILED_SESSION);
    cr_assert_str_eq(f.text, "token expired");
    f = cmd_auth_failed_parse("TEMP:later");
    cr_assert_eq(f.kind, CMD_AUTH_FAILED_TEMP);
    cr_assert_str_eq(f.text, "later");
    cr_assert_eq(f.advance, CMD_ADVANCE_DEFAULT);
    f = cmd_auth_failed_parse("TEMP[backoff 42,advance no]:x");
    cr_assert_eq(f.backoff_s, 42);
    cr_assert_eq(f.advance, CMD_ADVANCE_NO);
    cr_assert_str_eq(f.text, "x");
    f = cmd_auth_failed_parse("TEMP[advance remote,foo,backoff 3]");
    cr_assert_eq(f.backoff_s, 3);
    cr_assert_eq(f.advance, CMD_ADVANCE_REMOTE);
    cr_assert_str_eq(f.text, "");
    f = cmd_auth_failed_parse("TEMP[advance addr:x");
    cr_assert_eq(f.advance, CMD_ADVANCE_DEFAULT, "unclosed flags are not flags");
    f = cmd_auth_failed_parse("TEMP[backoff 99999999999999,]:x");
    cr_assert_eq(f.backoff_s, 0);
}

Test(cmd, restart_flags)
{
    struct cmd_restart r = cmd_restart_parse("");
    cr_assert_not(r.keep_credentials || r.next_remote);
    r = cmd_restart_parse("[N]");
    cr_assert(r.next_remote);
    cr_assert_str_eq(r.text, "");
    r = cmd_restart_parse("[PxN]:go away");
    cr_assert(r.keep_credentials && r.next_remote);
    cr_assert_str_eq(r.text, "go away");
    r = cmd_restart_parse("[P broken");
    cr_assert_not(r.keep_credentials);
    cr_assert_str_eq(r.text, "[P broken");
}

Test(cmd, challenges_of_the_vectors)
{
    json_t *root = vectors_load("control_challenge.json");
    const json_t *d = json_object_get(root, "dynamic");
    struct cmd c = cmd_parse(vectors_text(d, "server_message"));
    struct cmd_auth_failed f = cmd_auth_failed_parse(c.args);
    cr_assert_eq(f.kind, CMD_AUTH_FAILED_CHALLENGE);
    struct cmd_challenge challenge;
    cr_assert_eq(cmd_challenge_parse(f.text, &challenge), 0);
    cr_assert(challenge.echo && challenge.respond);
    cr_assert(span_is(challenge.state_id, vectors_text(d, "state_id")));
    cr_assert(span_is(challenge.username_base64, "Y3Ix"));
    cr_assert_str_eq(challenge.text, vectors_text(d, "text"));

    const json_t *p = json_object_get(root, "pending");
    c = cmd_parse(json_string_value(json_array_get(json_object_get(p, "server_messages"), 0)));
    cr_assert_eq(c.type, CMD_AUTH_PENDING);
    cr_assert_eq(cmd_pending_timeout(c.args), 240);
    c = cmd_parse(json_string_value(json_array_get(json_object_get(p, "server_messages"), 1)));
    struct cmd_info info = cmd_info_parse(c.args);
    cr_assert_eq(info.kind, CMD_INFO_CR_TEXT);
    cr_assert(info.echo && info.respond);
    cr_assert_str_eq(info.text, "Please enter token PIN");
    static const enum cmd_info_kind kinds[] = {CMD_INFO_WEB_AUTH, CMD_INFO_WEB_AUTH, CMD_INFO_OPEN_URL};
    for (size_t i = 0; i < 3; i++) {
        c = cmd_parse(json_string_value(json_array_get(json_object_get(p, "web"), i)));
        info = cmd_info_parse(c.args);
        cr_assert_eq(info.kind, kinds[i]);
        cr_assert_str_eq(info.text, "https://example.com/x");
    }
    json_decref(root);
}

Test(cmd, broken_challenges)
{
    struct cmd_challenge c;
    cr_assert_eq(cmd_challenge_parse("CRV1:R,E:id", &c), ERR_FORMAT);
    cr_assert_eq(cmd_challenge_parse("CRV1:", &c), ERR_FORMAT);
    cr_assert_eq(cmd_challenge_parse("", &c), ERR_FORMAT);
    cr_assert_eq(cmd_challenge_parse("CRV1::::", &c), 0);
    cr_assert_not(c.respond);
    cr_assert_eq(cmd_info_parse("WEB_AUTH").kind, CMD_INFO_OTHER);
    cr_assert_eq(cmd_pending_timeout(""), 0);
    cr_assert_eq(cmd_pending_timeout("foo 1,timeout 30,timeout 40"), 30);
    cr_assert_eq(cmd_pending_timeout("timeout x"), 0);
}

/* Push @count options and collect them again from the parts. */
static unsigned push_and_collect(unsigned count, unsigned *parts, size_t *longest)
{
    struct cmd_push push;
    char option[64];
    unsigned collected = 0;
    *parts = 0;
    *longest = 0;
    cmd_push_begin(&push, "PUSH_REPLY");
    for (unsigned i = 0; i <= count; i++) {
        int got = 0;
        snprintf(option, sizeof(option), "route 10.%u.0.0 255.255.255.0", i);
        if (i < count) {
            got = cmd_push_option(&push, option);
            cr_assert(got == 0 || got == 1);
        }
        bool last = i == count;
        if (last) {
            cmd_push_end(&push);
        }
        if (got == 1 || last) {
            struct cmd c = cmd_parse(push.text);
            cr_assert_eq(c.type, CMD_PUSH_REPLY);
            cr_assert_eq(strlen(push.text), push.len);
            cr_assert_eq(cmd_push_continuation(c.args), last ? (*parts ? 1 : 0) : 2);
            struct cmd_push_item item;
            for (const char *args = c.args; cmd_push_item_next(&args, false, &item) == 1;) {
                collected += item.text.len > 6 && memcmp(item.text.data, "route ", 6) == 0;
            }
            (*parts)++;
            *longest = push.len > *longest ? push.len : *longest;
        }
        if (got == 1) {
            cmd_push_next(&push);
            cr_assert_eq(cmd_push_option(&push, option), 0);
        }
    }
    return collected;
}

Test(cmd, long_replies_are_split_and_complete)
{
    unsigned parts;
    size_t longest;
    cr_assert_eq(push_and_collect(3, &parts, &longest), 3);
    cr_assert_eq(parts, 1);
    cr_assert_eq(push_and_collect(90, &parts, &longest), 90);
    cr_assert_eq(parts, 3);
    cr_assert_lt(longest, CMD_MAX);
    cr_assert_eq(push_and_collect(0, &parts, &longest), 0);
    cr_assert_eq(longest, strlen("PUSH_REPLY"));
}

Test(cmd, options_that_cannot_be_pushed)
{
    struct cmd_push push;
    char big[CMD_OPTION_MAX + 2];
    memset(big, 'x', sizeof(big));
    big[CMD_OPTION_MAX + 1] = '\0';
    cmd_push_begin(&push, "PUSH_REPLY");
    cr_assert_eq(cmd_push_option(&push, big), ERR_LIMIT);
    cr_assert_eq(cmd_push_option(&push, "a,b"), ERR_FORMAT);
    cr_assert_eq(cmd_push_option(&push, "a\nb"), ERR_FORMAT);
    cr_assert_eq(cmd_push_option(&push, ""), ERR_FORMAT);
    big[CMD_OPTION_MAX] = '\0';
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(cmd_push_option(&push, big), 0);
    }
    cr_assert_eq(cmd_push_option(&push, big), 1);
    cr_assert_lt(push.len, CMD_MAX);
}

Test(cmd, update_prefixes)
{
    const char *args = "route 1,-dns,?x,-?tun-mtu,?-bad,,last";
    struct cmd_push_item item;
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 1);
    cr_assert(span_is(item.text, "route 1") && !item.remove && !item.optional);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 1);
    cr_assert(span_is(item.text, "dns") && item.remove && !item.optional);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 1);
    cr_assert(span_is(item.text, "x") && !item.remove && item.optional);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 1);
    cr_assert(span_is(item.text, "tun-mtu") && item.remove && item.optional);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), ERR_FORMAT);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 1);
    cr_assert(span_is(item.text, "last"));
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 0);
    cr_assert_eq(cmd_push_item_next(&args, true, &item), 0);
}
