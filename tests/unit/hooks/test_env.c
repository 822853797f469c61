/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "hooks/env.h"

Test(env, sets_replaces_and_cleans)
{
    struct env env = {0};
    cr_assert_null(env_list(&env)[0]);
    env_set(&env, "X509_0_e-mail", "a\nb\x7f");
    cr_assert_str_eq(env_list(&env)[0], "X509_0_e_mail=a_b_");
    env_set(&env, "common_name", "one");
    env_set(&env, "common_name", "two");
    env_setf(&env, "n", "%d", 7);
    env_set_indexed(&env, "route_", 3, NULL);
    cr_assert_eq(env.count, 4);
    cr_assert_str_eq(env_get(&env, "common_name"), "two");
    cr_assert_str_eq(env_get(&env, "route_3"), "");
    cr_assert_null(env_get(&env, "common"));
    cr_assert_null(env_list(&env)[4]);
    env_unset_prefix(&env, "X509_");
    env_unset(&env, "n");
    env_unset(&env, "not_there");
    cr_assert_eq(env.count, 2);
    struct env copy = {0};
    env_merge(&copy, &env);
    cr_assert_str_eq(env_get(&copy, "common_name"), "two");
    env_free(&env);
    cr_assert_eq(env.count, 0);
    env_free(&copy);
}
