/* SPDX-License-Identifier: MIT */

/* What a peer sends as user name and password: tokens, answers to challenges; and addresses that a server sends. */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_token.h"
#include "auth/challenge.h"
#include "auth/user_state.h"
#include "fuzz.h"

static void token(const char *text)
{
    static const uint8_t key[AUTH_TOKEN_KEY_SIZE] = {1, 2, 3};
    struct auth_token facts;
    bool empty_user;
    enum auth_token_state state = auth_token_check(key, text, "anna", 1700000000, 0, 0, &empty_user, &facts);
    FUZZ_REQUIRE(state == AUTH_TOKEN_INVALID || auth_token_is_one(text));
}

static void answer(const char *text)
{
    char *password = NULL;
    char *response = NULL;
    if (challenge_static_parse(text, &password, &response) == 0) {
        char *again = challenge_static(password, response, false);
        FUZZ_REQUIRE(strncmp(again, "SCRV1:", 6) == 0);
        free(again);
        free(password);
        free(response);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char clean[USER_NAME_MAX + 1];
    token(text);
    answer(text);
    (void)user_clean(text, clean, sizeof(clean));
    for (const char *c = clean; *c; c++) {
        FUZZ_REQUIRE((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    if (challenge_url_valid(text)) {
        FUZZ_REQUIRE(!strpbrk(text, "\"'`<>\\ \t\r\n") && strncmp(text, "http", 4) == 0);
    }
    (void)challenge_method_supported(text, "webauth");
    free(text);
    return 0;
}
