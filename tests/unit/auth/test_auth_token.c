/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "../crypto/vectors.h"
#include "auth/auth_token.h"

static uint8_t key[AUTH_TOKEN_KEY_SIZE];
static struct auth_token facts;

static json_t *load(void)
{
    json_t *root = vectors_load("control_auth_token.json");
    cr_assert_eq(vectors_hex(root, "hmac_key", key, sizeof(key)), sizeof(key));
    cr_assert_eq(vectors_hex(root, "session_id", facts.id, sizeof(facts.id)), sizeof(facts.id));
    facts.initial = facts.renewed = vectors_number(root, "initial_timestamp");
    return root;
}

Test(auth_token, vectors_are_made)
{
    json_t *root = load();
    char text[AUTH_TOKEN_LEN + 1];
    cr_assert_eq(vectors_number(root, "token_length"), AUTH_TOKEN_LEN);
    cr_assert_eq(auth_token_format(key, &facts, vectors_text(root, "username"), text), 0);
    cr_assert_str_eq(text, vectors_text(root, "first_token"));
    facts.renewed = vectors_number(root, "renewed_timestamp");
    cr_assert_eq(auth_token_format(key, &facts, vectors_text(root, "username"), text), 0);
    cr_assert_str_eq(text, vectors_text(root, "renewed_token"));
    cr_assert_eq(auth_token_format(key, &facts, "", text), 0);
    cr_assert_str_eq(text, vectors_text(root, "empty_user_token"));
    json_decref(root);
}

static enum auth_token_state check_at(const char *text, const char *user, uint64_t now, unsigned lifetime,
                                      unsigned renewal)
{
    struct auth_token out;
    bool empty_user;
    return auth_token_check(key, text, user, now, lifetime, renewal, &empty_user, &out);
}

Test(auth_token, life_ends_exactly)
{
    json_t *root = load();
    const char *token = vectors_text(root, "renewed_token");
    uint64_t t0 = facts.initial, t1 = vectors_number(root, "renewed_timestamp");
    cr_assert_eq(check_at(token, "alice", t1, 0, 3600), AUTH_TOKEN_VALID);
    cr_assert_eq(check_at(token, "alice", t1 - 1, 0, 3600), AUTH_TOKEN_EXPIRED);
    cr_assert_eq(check_at(token, "alice", t1 + 7199, 0, 3600), AUTH_TOKEN_VALID);
    cr_assert_eq(check_at(token, "alice", t1 + 7200, 0, 3600), AUTH_TOKEN_EXPIRED);
    cr_assert_eq(check_at(token, "alice", t1 + 700000, 0, 0), AUTH_TOKEN_VALID);
    cr_assert_eq(check_at(token, "alice", t0 + 5000, 5000, 3600), AUTH_TOKEN_VALID);
    cr_assert_eq(check_at(token, "alice", t0 + 5001, 5000, 3600), AUTH_TOKEN_EXPIRED);
    json_decref(root);
}

Test(auth_token, a_renewal_before_the_login_is_expired)
{
    json_t *root = load();
    char text[AUTH_TOKEN_LEN + 1];
    facts.renewed = facts.initial - 1;
    cr_assert_eq(auth_token_format(key, &facts, "alice", text), 0);
    cr_assert_eq(check_at(text, "alice", facts.initial, 0, 0), AUTH_TOKEN_EXPIRED);
    json_decref(root);
}

Test(auth_token, forgeries)
{
    json_t *root = load();
    const char *token = vectors_text(root, "first_token");
    struct auth_token out;
    bool empty_user;
    for (size_t i = 0; i < AUTH_TOKEN_LEN; i++) {
        char changed[AUTH_TOKEN_LEN + 1];
        memcpy(changed, token, sizeof(changed));
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        cr_assert_eq(check_at(changed, "alice", facts.initial, 0, 0), AUTH_TOKEN_INVALID, "character %zu", i);
    }
    cr_assert_eq(check_at(token, "bob", facts.initial, 0, 0), AUTH_TOKEN_INVALID);
    cr_assert_eq(check_at("", "alice", facts.initial, 0, 0), AUTH_TOKEN_INVALID);
    key[0] ^= 1;
    cr_assert_eq(check_at(token, "alice", facts.initial, 0, 0), AUTH_TOKEN_INVALID);
    key[0] ^= 1;
    token = vectors_text(root, "empty_user_token");
    cr_assert_eq(auth_token_check(key, token, "alice", facts.initial + 3600, 0, 0, &empty_user, &out), AUTH_TOKEN_VALID);
    cr_assert(empty_user);
    cr_assert_eq(auth_token_check(key, token, "", facts.initial + 3600, 0, 0, &empty_user, &out), AUTH_TOKEN_VALID);
    cr_assert_not(empty_user);
    cr_assert_eq(memcmp(out.id, facts.id, sizeof(out.id)), 0);
    json_decref(root);
}

Test(auth_token, what_has_its_form)
{
    json_t *root = load();
    cr_assert(auth_token_is_one(vectors_text(root, "first_token")));
    cr_assert_not(auth_token_is_one("SESS_ID_AT_"));
    cr_assert_not(auth_token_is_one("secret"));
    cr_assert_not(auth_token_is_one(""));
    json_decref(root);
}
