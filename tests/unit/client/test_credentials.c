/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "client/credentials.h"
#include "config/config.h"

static void quiet(void)
{
    log_settings_set(&(struct log_settings){.verb = 0});
}

TestSuite(credentials, .init = quiet);

/* A person: answers by what is asked, and counts. */
static atomic_uint asked;

static int person(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    (void)cancel;
    (void)cap;
    asked++;
    const char *answer = strstr(text, "Username") ? "anna" : strstr(text, "Password") ? "secret" : "123456";
    cr_assert_eq(echo, strstr(text, "Password") == NULL);
    strcpy(out, answer);
    return (int)strlen(answer);
}

static int nobody(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    (void)text;
    (void)echo;
    (void)cancel;
    (void)out;
    (void)cap;
    return -ENOTTY;
}

static void sends(struct credentials *c, const char *username, const char *password)
{
    struct credentials_copy *copy = credentials_copy_new(c);
    struct session_credentials out;
    credentials_hook(copy, &out);
    cr_assert_str_eq(out.username, username);
    cr_assert_str_eq(out.password, password);
    credentials_copy_free(copy);
}

Test(credentials, a_person_is_asked_once)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, person);
    cr_assert(credentials_missing(c));
    cr_assert_eq(credentials_obtain(c), 0);
    cr_assert_not(credentials_missing(c));
    sends(c, "anna", "secret");
    sends(c, "anna", "secret");
    cr_assert_eq(asked, 2);
    credentials_forget(c);
    cr_assert(credentials_missing(c));
    credentials_free(c);
}

Test(credentials, nobody_to_ask_is_an_error)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, nobody);
    cr_assert_eq(credentials_obtain(c), ERR_CONFIG);
    credentials_free(c);
}

Test(credentials, static_challenge_goes_with_the_password)
{
    struct config config = {.auth_user_pass.enabled = true, .static_challenge = {.text = (char *)"Token", .echo = true}};
    struct credentials *c = credentials_new(&config, person);
    sends(c, "anna", "SCRV1:c2VjcmV0:MTIzNDU2");
    config.static_challenge.concat = true;
    sends(c, "anna", "secret123456");
    credentials_free(c);
}

Test(credentials, a_token_takes_the_place_of_the_password_until_it_is_dropped)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, person);
    sends(c, "anna", "secret");
    credentials_set_token(c, "token-1", NULL);
    sends(c, "anna", "token-1");
    credentials_set_token(c, "token-2", "YmVydGE=");
    sends(c, "berta", "token-2");
    cr_assert(credentials_drop_token(c));
    cr_assert_not(credentials_drop_token(c));
    sends(c, "anna", "secret");
    credentials_free(c);
}

Test(credentials, a_dynamic_challenge_is_answered_once)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, person);
    sends(c, "anna", "secret");
    cr_assert_eq(credentials_challenge(c, "CRV1:R,E:state1:YW5uYQ==:Enter the code"), 0);
    sends(c, "anna", "CRV1::state1::123456");
    sends(c, "anna", "secret");
    cr_assert_eq(credentials_challenge(c, "CRV1:R,E:broken"), ERR_FORMAT);
    credentials_free(c);
}

Test(credentials, auth_nocache_forgets_unless_a_token_works)
{
    struct config config = {.auth_user_pass.enabled = true, .auth_nocache = true};
    struct credentials *c = credentials_new(&config, person);
    sends(c, "anna", "secret");
    credentials_forget_used(c);
    cr_assert(credentials_missing(c));
    sends(c, "anna", "secret");
    credentials_set_token(c, "token", NULL);
    credentials_forget_used(c);
    cr_assert_not(credentials_missing(c));
    sends(c, "anna", "token");
    credentials_free(c);
}

/* ------------------------------------------------------------------ threads */

static int gate[2];

static int slow_person(const char *text, bool echo, int cancel, char *out, size_t cap)
{
    char c;
    cr_assert_eq(read(gate[0], &c, 1), 1);
    return person(text, echo, cancel, out, cap);
}

static void *obtain(void *arg)
{
    return (void *)(intptr_t)credentials_obtain(arg);
}

Test(credentials, a_person_who_thinks_keeps_nobody_waiting)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, slow_person);
    pthread_t one;
    pthread_t two;
    cr_assert_eq(pipe(gate), 0);
    pthread_create(&one, NULL, obtain, c);
    pthread_create(&two, NULL, obtain, c);
    cr_assert(credentials_missing(c), "this must not wait for the answer");
    credentials_set_token(c, "token", NULL);
    (void)credentials_drop_token(c);
    cr_assert_eq(write(gate[1], "xx", 2), 2);
    void *result;
    pthread_join(one, &result);
    cr_assert_null(result);
    pthread_join(two, &result);
    cr_assert_null(result);
    cr_assert_eq(asked, 2, "the second thread finds the answers of the first");
    credentials_free(c);
}

Test(credentials, a_copy_outlives_its_owner)
{
    struct config config = {.auth_user_pass.enabled = true};
    struct credentials *c = credentials_new(&config, person);
    struct credentials_copy *copy = credentials_copy_new(c);
    struct session_credentials out;
    credentials_free(c);
    credentials_hook(copy, &out);
    cr_assert_str_eq(out.username, "anna");
    credentials_copy_free(copy);
}
