/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "client/credentials.h"
#include "config/config.h"

/* Answers that the person at the terminal gives, one after the other. */
static const char *answers[8];
static char asked[8][80];
static size_t asked_count;

static int person(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    (void)echo;
    (void)cancel;
    cr_assert_lt(asked_count, 8);
    snprintf(asked[asked_count], sizeof(asked[0]), "%s", text);
    const char *answer = answers[asked_count++];
    if (!answer) {
        return -ENOTTY;
    }
    snprintf(out, cap, "%s", answer);
    return (int)strlen(out);
}

static void setup(void)
{
    log_settings_set(&(struct log_settings){.verb = 0});
    memset(answers, 0, sizeof(answers));
    asked_count = 0;
}

TestSuite(credentials, .init = setup);

static struct config config_with(const char *file)
{
    struct config config = {0};
    config.auth_user_pass.enabled = true;
    if (file) {
        config.auth_user_pass.file = (struct config_file){
            .path = (char *)"[INLINE]", .data = (char *)file, .len = strlen(file), .is_inline = true};
    }
    return config;
}

static void expect_sent(struct credentials *c, const char *username, const char *password)
{
    struct session_credentials sent;
    credentials_hook(c, &sent);
    cr_assert_str_eq(sent.username, username);
    cr_assert_str_eq(sent.password, password);
}

Test(credentials, nothing_is_sent_without_auth_user_pass)
{
    struct config config = {0};
    struct credentials *c = credentials_new(&config, person);
    struct session_credentials sent;
    cr_assert_not(credentials_wanted(c));
    cr_assert_eq(credentials_obtain(c), 0);
    credentials_hook(c, &sent);
    cr_assert_null(sent.username);
    credentials_free(c);
}

Test(credentials, file_gives_both_and_control_characters_go)
{
    struct config config = config_with("bo\tb\r\nse cret\x01\r\nthird\n");
    struct credentials *c = credentials_new(&config, person);
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_eq(asked_count, 0);
    expect_sent(c, "bob", "se cret");
    credentials_free(c);
}

Test(credentials, missing_password_line_is_asked_for)
{
    struct config config = config_with("bob\n");
    struct credentials *c = credentials_new(&config, person);
    answers[0] = "pw";
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_eq(asked_count, 1);
    cr_assert_str_eq(asked[0], "Enter Auth Password:");
    expect_sent(c, "bob", "pw");
    credentials_free(c);
}

Test(credentials, person_is_asked_for_both_and_an_empty_name_is_an_error)
{
    struct config config = config_with(NULL);
    struct credentials *c = credentials_new(&config, person);
    answers[0] = "bob";
    answers[1] = "pw";
    cr_assert(credentials_missing(c));
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_not(credentials_missing(c));
    cr_assert_str_eq(asked[0], "Enter Auth Username:");
    credentials_free(c);
    setup();
    c = credentials_new(&config, person);
    answers[0] = "";
    cr_assert_eq(credentials_obtain(c), ERR_AUTH);
    credentials_free(c);
    setup();
    c = credentials_new(&config, person);
    cr_assert_eq(credentials_obtain(c), ERR_CONFIG, "nobody to ask");
    credentials_free(c);
}

Test(credentials, username_only_sends_the_blank_tag)
{
    struct config config = config_with(NULL);
    config.auth_user_pass.username_only = true;
    struct credentials *c = credentials_new(&config, person);
    answers[0] = "bob";
    cr_assert_eq(credentials_obtain(c), 0);
    expect_sent(c, "bob", "[[BLANK]]");
    credentials_free(c);
}

Test(credentials, static_challenge_in_both_forms)
{
    struct config config = config_with("bob\npass\n");
    config.static_challenge.text = (char *)"PIN?";
    struct credentials *c = credentials_new(&config, person);
    answers[0] = "1234";
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_str_eq(asked[0], "CHALLENGE: PIN?");
    expect_sent(c, "bob", "SCRV1:cGFzcw==:MTIzNA==");
    config.static_challenge.concat = true;
    expect_sent(c, "bob", "pass1234");
    credentials_free(c);
}

Test(credentials, token_is_used_until_it_is_dropped)
{
    struct config config = config_with("bob\npass\n");
    struct credentials *c = credentials_new(&config, person);
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_not(credentials_drop_token(c));
    credentials_set_token(c, "SESS_ID_x", NULL);
    expect_sent(c, "bob", "SESS_ID_x");
    credentials_set_token(c, "SESS_ID_y", "YWxpY2U=");
    expect_sent(c, "alice", "SESS_ID_y");
    cr_assert(credentials_drop_token(c));
    expect_sent(c, "bob", "pass");
    credentials_free(c);
}

Test(credentials, nocache_forgets_what_was_used_but_keeps_the_name_of_a_token)
{
    struct config config = config_with(NULL);
    config.auth_nocache = true;
    struct credentials *c = credentials_new(&config, person);
    answers[0] = "bob";
    answers[1] = "pass";
    answers[2] = "bob2";
    answers[3] = "pass2";
    expect_sent(c, "bob", "pass");
    credentials_forget_used(c);
    cr_assert(credentials_missing(c));
    expect_sent(c, "bob2", "pass2");
    credentials_set_token(c, "SESS_ID_x", NULL);
    credentials_forget_used(c);
    cr_assert_not(credentials_missing(c));
    expect_sent(c, "bob2", "SESS_ID_x");
    cr_assert_eq(asked_count, 4);
    credentials_free(c);
}

Test(credentials, dynamic_challenge_is_answered_once_with_the_servers_user)
{
    struct config config = config_with("bob\npass\n");
    struct credentials *c = credentials_new(&config, person);
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_eq(credentials_challenge(c, "CRV1:R,E:state77:YWxpY2U=:Enter code"), 0);
    cr_assert(credentials_missing(c));
    answers[0] = "4711";
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_str_eq(asked[0], "CHALLENGE: Enter code");
    expect_sent(c, "alice", "CRV1::state77::4711");
    expect_sent(c, "bob", "pass");
    cr_assert_eq(credentials_challenge(c, "CRV1:nonsense"), ERR_FORMAT);
    credentials_free(c);
}
