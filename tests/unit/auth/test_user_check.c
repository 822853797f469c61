/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/user_check.h"
#include "base/err.h"
#include "base/rand.h"
#include "config/config.h"
#include "hooks/env.h"
#include "hooks/event.h"

#define NOW 1700000000u

/* Somebody who checks users, and what he saw. */
struct judge {
    enum event_vote vote;
    const char *reason;
    const char *method;      /* tell the peer to wait for it */
    int asked;
    bool again;
    char username[256];
    char password[256];
    char session_id[64];
    char session_state[64];
    struct event_request *request;
    struct event_listener listener;
};

struct outcome {
    int calls;
    bool accepted;
    char reason[256];
    unsigned pending_s;
    char info[256];
};

static struct event_bus *bus;
static struct judge judge;
static struct config config;
static struct rand_seeded seeded;
static struct user_policy *policy;
static struct user_state *state;
static struct user_check_request request;
static struct outcome outcome;

static void remember(const struct env *env, const char *name, char *out, size_t cap)
{
    snprintf(out, cap, "%s", env_get(env, name) ? env_get(env, name) : "-");
}

static enum event_vote on_event(void *arg, const struct event *event, struct event_request *asked)
{
    (void)arg;
    if (event->type != EVENT_USER_PASS) {
        return EVENT_ABSTAIN;
    }
    judge.asked++;
    judge.again = event->flag;
    judge.request = asked;
    snprintf(judge.username, sizeof(judge.username), "%s", event->username);
    snprintf(judge.password, sizeof(judge.password), "%s", event->password);
    remember(event->env, "session_id", judge.session_id, sizeof(judge.session_id));
    remember(event->env, "session_state", judge.session_state, sizeof(judge.session_state));
    if (judge.method && !event_pending(asked, 30, judge.method, "WEB_AUTH::https://x")) {
        return EVENT_REJECT;
    }
    if (judge.reason) {
        event_note(asked, judge.reason);
    }
    return judge.vote;
}

static void done(void *arg, const struct user_check_result *result)
{
    struct outcome *o = arg;
    o->calls++;
    o->accepted = result->accepted;
    snprintf(o->reason, sizeof(o->reason), "%s", result->reason ? result->reason : "-");
}

static void pending(void *arg, unsigned timeout_s, const char *info_pre)
{
    struct outcome *o = arg;
    o->pending_s = timeout_s;
    snprintf(o->info, sizeof(o->info), "%s", info_pre ? info_pre : "-");
}

static void setup(void)
{
    cr_redirect_stdout();
    bus = event_bus_new();
    judge = (struct judge){.vote = EVENT_ACCEPT, .listener = {.name = "judge", .handle = on_event}};
    event_listen(bus, &judge.listener);
    memset(&config, 0, sizeof(config));
    config.reneg_sec = 3600;
    rand_seeded_init(&seeded, 7);
    state = user_state_new();
    policy = NULL;
    request = (struct user_check_request){.state = state,
                                          .bus = bus,
                                          .username = "anna",
                                          .password = "secret",
                                          .iv_sso = "webauth,crtext",
                                          .unix_s = NOW,
                                          .done = done,
                                          .pending = pending,
                                          .arg = &outcome};
}

static void teardown(void)
{
    user_state_free(state);
    user_policy_free(policy);
    event_bus_free(bus);
}

TestSuite(user_check, .init = setup, .fini = teardown);

static struct user_check *check(void)
{
    if (!policy) {
        cr_assert_eq(user_policy_new(&config, true, &seeded.source, &policy), 0);
    }
    request.policy = policy;
    outcome = (struct outcome){0};
    return user_check_start(&request);
}

static void expect(bool accepted, const char *reason)
{
    cr_assert_null(check());
    cr_assert_eq(outcome.calls, 1);
    cr_assert_eq(outcome.accepted, accepted);
    cr_assert_str_eq(outcome.reason, reason);
}

static char *copy_token(void)
{
    const char *token = user_state_token(state, policy, request.unix_s);
    cr_assert_not_null(token);
    return strdup(token);
}

/* The same person on a new connection. */
static void forget_state(void)
{
    user_state_free(state);
    request.state = state = user_state_new();
}

Test(user_check, without_anybody_who_checks_names_are_ignored)
{
    cr_assert_eq(user_policy_new(&config, false, &seeded.source, &policy), 0);
    cr_assert_not(user_policy_active(policy));
    expect(true, "-");
    cr_assert_eq(judge.asked, 0);
    cr_assert_null(user_state_username(state));
}

Test(user_check, the_listener_decides)
{
    expect(true, "-");
    cr_assert_str_eq(judge.username, "anna");
    cr_assert_str_eq(judge.password, "secret");
    cr_assert_str_eq(judge.session_state, "-");
    cr_assert_not(judge.again);
    cr_assert_str_eq(user_state_username(state), "anna");
    judge.vote = EVENT_REJECT;
    judge.reason = "account locked";
    expect(false, "account locked");
    cr_assert(judge.again);
}

Test(user_check, nobody_votes)
{
    judge.vote = EVENT_ABSTAIN;
    expect(false, "-");
}

Test(user_check, a_late_answer)
{
    judge.vote = EVENT_LATER;
    cr_assert_not_null(check());
    cr_assert_eq(outcome.calls, 0);
    event_answer(judge.request, &judge.listener, EVENT_ACCEPT, NULL);
    cr_assert_eq(outcome.calls, 1);
    cr_assert(outcome.accepted);
}

Test(user_check, a_cancelled_check_says_nothing)
{
    judge.vote = EVENT_LATER;
    user_check_cancel(check());
    cr_assert_eq(outcome.calls, 0);
}

Test(user_check, credentials_that_are_missing_or_blank)
{
    request.username = request.password = NULL;
    expect(false, "-");
    request.username = "";
    request.password = "x";
    expect(false, "-");
    cr_assert_eq(judge.asked, 0);
    config.auth_user_pass_optional = true;
    request.username = request.password = NULL;
    expect(true, "-");
    cr_assert_str_eq(judge.username, "");
    cr_assert_str_eq(judge.password, "");
}

Test(user_check, long_and_dirty_credentials)
{
    char name[130];
    memset(name, 'a', 127);
    name[127] = '\0';
    request.username = name;
    expect(true, "-");
    forget_state();
    name[127] = 'a';
    name[128] = '\0';
    expect(false, "Username or password is too long. Maximum length is 128 bytes");
    request.username = NULL;
    request.too_long = true;
    expect(false, "Username or password is too long. Maximum length is 128 bytes");
    request.too_long = false;
    request.username = "an\nna\x7f\xc3\xa4 b";
    request.password = "p\rw";
    expect(true, "-");
    cr_assert_str_eq(judge.username, "an_na_\xc3\xa4 b");
    cr_assert_str_eq(judge.password, "p_w");
}

Test(user_check, a_name_that_becomes_the_common_name_is_at_most_64_bytes)
{
    char name[66];
    config.username_as_common_name = true;
    memset(name, 'a', 65);
    name[64] = '\0';
    request.username = name;
    expect(true, "-");
    forget_state();
    name[64] = 'a';
    name[65] = '\0';
    expect(false, "-");
}

Test(user_check, the_name_is_locked)
{
    expect(true, "-");
    request.username = "bert";
    expect(false, "-");
    cr_assert_eq(user_state_override(state, "bert"), 0);
    cr_assert_str_eq(user_state_username(state), "bert");
    expect(true, "-");
    request.username = "anna";
    expect(true, "-");
    cr_assert_str_eq(user_state_username(state), "bert");
    request.username = "carl";
    expect(false, "-");
}

Test(user_check, override_needs_a_login)
{
    cr_assert_eq(user_state_override(state, "bert"), ERR_BAD_STATE);
}

Test(user_check, a_peer_is_told_to_wait)
{
    judge.vote = EVENT_LATER;
    judge.method = "webauth";
    struct user_check *waiting = check();
    cr_assert_not_null(waiting);
    cr_assert_eq(outcome.pending_s, 30);
    cr_assert_str_eq(outcome.info, "INFO_PRE,WEB_AUTH::https://x");
    user_check_cancel(waiting);
    judge.method = "openurl";
    expect(false, "Authentication failed, required pending auth method 'openurl' not supported");
}

Test(user_check, a_token_stands_for_the_password)
{
    config.auth_gen_token.enabled = true;
    expect(true, "-");
    cr_assert_str_eq(judge.session_state, "Initial");
    cr_assert_eq(strlen(judge.session_id), 16);
    char *token = copy_token();
    request.password = token;
    request.unix_s += 100;
    expect(true, "-");
    cr_assert_eq(judge.asked, 1, "the listener is not asked about a token");
    char *renewed = copy_token();
    cr_assert_str_neq(token, renewed);
    cr_assert_eq(strncmp(token, renewed, 11 + 16), 0, "the session's id stays");
    forget_state();
    request.password = renewed;
    expect(true, "-");
    char *again = copy_token();
    cr_assert_str_eq(renewed, again);
    request.username = "bert";
    forget_state();
    expect(false, "-");
    free(token);
    free(renewed);
    free(again);
}

Test(user_check, a_token_of_another_session)
{
    config.auth_gen_token.enabled = true;
    expect(true, "-");
    char *token = copy_token();
    forget_state();
    expect(true, "-");
    request.password = token;
    expect(false, "-");
    free(token);
}

Test(user_check, an_expired_token)
{
    config.auth_gen_token = (struct config_auth_gen_token){.enabled = true, .lifetime = 1000};
    expect(true, "-");
    char *token = copy_token();
    request.password = token;
    request.unix_s += 1001;
    expect(false, "SESSION: token expired");
    cr_assert_eq(judge.asked, 1);
    free(token);
}

Test(user_check, external_auth_sees_the_state)
{
    config.auth_gen_token = (struct config_auth_gen_token){.enabled = true, .lifetime = 1000, .external_auth = true};
    expect(true, "-");
    char *token = copy_token();
    char id[64];
    strcpy(id, judge.session_id);
    request.password = token;
    expect(true, "-");
    cr_assert_str_eq(judge.session_state, "Authenticated");
    cr_assert_str_eq(judge.session_id, id);
    request.unix_s += 1001;
    expect(true, "-");
    cr_assert_str_eq(judge.session_state, "Expired");
    char *fresh = copy_token();
    request.password = fresh;
    expect(true, "-");
    cr_assert_str_eq(judge.session_state, "Authenticated", "accepting an expired token begins a new life");
    fresh[30] = fresh[30] == 'A' ? 'B' : 'A';
    expect(true, "-");
    cr_assert_str_eq(judge.session_state, "Invalid");
    free(token);
    free(fresh);
}

Test(user_check, tokens_are_renewed_only_when_negotiations_are_too_rare)
{
    config.auth_gen_token.enabled = true;
    cr_assert_eq(user_policy_new(&config, true, &seeded.source, &policy), 0);
    cr_assert_eq(user_policy_token_renewal(policy), 0);
    user_policy_free(policy);
    config.auth_gen_token.renewal = 600;
    cr_assert_eq(user_policy_new(&config, true, &seeded.source, &policy), 0);
    cr_assert_eq(user_policy_token_renewal(policy), 600);
}

Test(user_check, a_bad_key_file)
{
    static char text[] = "not a key";
    static char path[] = "[INLINE]";
    config.auth_gen_token.enabled = true;
    config.auth_gen_token_secret = (struct config_file){path, text, sizeof(text) - 1, true};
    cr_assert_eq(user_policy_new(&config, true, &seeded.source, &policy), ERR_CONFIG);
    policy = NULL;
}
