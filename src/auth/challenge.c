/* SPDX-License-Identifier: MIT */
#include "auth/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"

#define STATIC_PREFIX "SCRV1:"

static void wipe_and_free(char *text)
{
    if (text) {
        secret_wipe(text, strlen(text));
        free(text);
    }
}

char *challenge_static(const char *password, const char *response, bool concat)
{
    if (concat) {
        return mem_printf("%s%s", password, response);
    }
    char *a = base64_encode(password, strlen(password));
    char *b = base64_encode(response, strlen(response));
    char *all = mem_printf(STATIC_PREFIX "%s:%s", a, b);
    wipe_and_free(a);
    wipe_and_free(b);
    return all;
}

/* NULL when it is not base64, too long, or has a NUL inside. */
static char *decode(const char *text, size_t len)
{
    uint8_t raw[CHALLENGE_TEXT_MAX];
    int n = base64_decode(text, len, raw, sizeof(raw));
    bool fits = n >= 0 && !memchr(raw, 0, (size_t)n);
    char *copy = fits ? mem_strndup((const char *)raw, (size_t)n) : NULL;
    secret_wipe(raw, sizeof(raw));
    return copy;
}

int challenge_static_parse(const char *text, char **password, char **response)
{
    if (strncmp(text, STATIC_PREFIX, strlen(STATIC_PREFIX)) != 0) {
        return ERR_FORMAT;
    }
    text += strlen(STATIC_PREFIX);
    const char *colon = strchr(text, ':');
    if (!colon) {
        return ERR_FORMAT;
    }
    char *a = decode(text, (size_t)(colon - text));
    char *b = decode(colon + 1, strlen(colon + 1));
    if (!a || !b) {
        wipe_and_free(a);
        wipe_and_free(b);
        return ERR_FORMAT;
    }
    *password = a;
    *response = b;
    return 0;
}

char *challenge_dynamic(const char *state_id, const char *response)
{
    return mem_printf("CRV1::%s::%s", state_id, response);
}

char *challenge_cr_response(const char *response)
{
    char *text = base64_encode(response, strlen(response));
    char *message = mem_printf("CR_RESPONSE,%s", text);
    wipe_and_free(text);
    return message;
}

bool challenge_url_valid(const char *url)
{
    static const char *const schemes[] = {"https://", "http://"};
    const char *host = NULL;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && !host; i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0) {
            host = url + strlen(schemes[i]);
        }
    }
    if (!host || !*host || *host == '/') {
        return false;
    }
    for (const char *c = host; *c; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("\"'`<>\\^{|}", *c)) {
            return false;
        }
    }
    return true;
}

bool challenge_method_supported(const char *iv_sso, const char *method)
{
    size_t len = strlen(method);
    for (const char *at = iv_sso; at && len; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, method, len) == 0 && (at[len] == ',' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}
