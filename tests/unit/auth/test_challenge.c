/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../crypto/vectors.h"
#include "auth/challenge.h"
#include "base/err.h"

static void expect(char *text, const char *wanted)
{
    cr_assert_str_eq(text, wanted);
    free(text);
}

Test(challenge, vectors)
{
    json_t *root = vectors_load("control_challenge.json");
    const json_t *fixed = json_object_get(root, "static");
    const json_t *dynamic = json_object_get(root, "dynamic");
    const char *password = vectors_text(fixed, "password");
    const char *response = vectors_text(fixed, "response");
    char *a, *b;
    expect(challenge_static(password, response, false), vectors_text(fixed, "scrv1"));
    expect(challenge_static(password, response, true), vectors_text(fixed, "concat"));
    cr_assert_eq(challenge_static_parse(vectors_text(fixed, "scrv1"), &a, &b), 0);
    expect(a, password);
    expect(b, response);
    expect(challenge_dynamic(vectors_text(dynamic, "state_id"), response), vectors_text(dynamic, "reply_password"));
    expect(challenge_cr_response(response), vectors_text(json_object_get(root, "pending"), "client_reply"));
    json_decref(root);
}

Test(challenge, malformed_static_answers)
{
    static const char *const bad[] = {"",           "SCRV1",         "SCRV1:",          "SCRV1:YmFy", "SCRV1:YmFy:!!!!",
                                      "SCRV1:=:YQ==", "scrv1:YQ==:YQ==", "SCRV1:YQBi:YQ=="};
    char *a, *b;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(challenge_static_parse(bad[i], &a, &b), ERR_FORMAT, "%s", bad[i]);
    }
    cr_assert_eq(challenge_static_parse("SCRV1::", &a, &b), 0);
    expect(a, "");
    expect(b, "");
}

Test(challenge, addresses_for_a_browser)
{
    static const char *const good[] = {"https://example.com/x", "http://10.0.0.1:8080/?a=b&c=%20d#e", "https://[fd00::1]/"};
    static const char *const bad[] = {"",        "https://",           "file:///etc/passwd",   "javascript:alert(1)",
                                      "https:///x", "https://a b/",     "https://a/\"; x",      "https://a/`id`",
                                      "ftp://a/", " https://a/",        "https://a/\x1b[2J",    "https://a/\xc3\xa4"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_assert(challenge_url_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_not(challenge_url_valid(bad[i]), "%s", bad[i]);
    }
}

Test(challenge, methods_of_the_peer)
{
    cr_assert(challenge_method_supported("webauth,openurl,crtext", "webauth"));
    cr_assert(challenge_method_supported("webauth,openurl,crtext", "crtext"));
    cr_assert_not(challenge_method_supported("webauth,openurl,crtext", "text"));
    cr_assert_not(challenge_method_supported("webauth,openurl,crtext", "open"));
    cr_assert_not(challenge_method_supported("webauth", ""));
    cr_assert_not(challenge_method_supported(NULL, "webauth"));
}
