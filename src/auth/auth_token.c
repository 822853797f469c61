/* SPDX-License-Identifier: MIT */
#include "auth/auth_token.h"

#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/hmac.h"

#define PREFIX_LEN (sizeof(AUTH_TOKEN_PREFIX) - 1)
#define STAMP_SIZE 8
#define MAC_SIZE 32
#define FACTS_SIZE (AUTH_TOKEN_ID_SIZE + 2 * STAMP_SIZE) /* what the MAC covers after the user's name */
#define BINARY_SIZE (FACTS_SIZE + MAC_SIZE)

_Static_assert(PREFIX_LEN + BINARY_SIZE / 3 * 4 == AUTH_TOKEN_LEN && BINARY_SIZE % 3 == 0, "a token has no padding");

bool auth_token_is_one(const char *password)
{
    return strncmp(password, AUTH_TOKEN_PREFIX, PREFIX_LEN) == 0 && strlen(password) == AUTH_TOKEN_LEN;
}

static int mac(const uint8_t *key, const char *username, const uint8_t *facts, uint8_t out[HMAC_SIZE_MAX])
{
    struct span parts[] = {{(const uint8_t *)username, strlen(username)}, {facts, FACTS_SIZE}};
    int n = hmac_once("SHA256", key, AUTH_TOKEN_KEY_SIZE, parts, 2, out);
    return n == MAC_SIZE ? 0 : ERR_CRYPTO;
}

int auth_token_format(const uint8_t key[AUTH_TOKEN_KEY_SIZE], const struct auth_token *token, const char *username,
                      char out[AUTH_TOKEN_LEN + 1])
{
    uint8_t binary[BINARY_SIZE];
    uint8_t sum[HMAC_SIZE_MAX];
    struct wr w = wr_init(binary, FACTS_SIZE);
    wr_bytes(&w, token->id, AUTH_TOKEN_ID_SIZE);
    wr_u64(&w, token->initial);
    wr_u64(&w, token->renewed);
    int e = mac(key, username, binary, sum);
    if (e < 0) {
        return e;
    }
    memcpy(binary + FACTS_SIZE, sum, MAC_SIZE);
    memcpy(out, AUTH_TOKEN_PREFIX, PREFIX_LEN);
    e = base64_write(binary, sizeof(binary), out + PREFIX_LEN, AUTH_TOKEN_LEN + 1 - PREFIX_LEN);
    secret_wipe(binary, sizeof(binary));
    secret_wipe(sum, sizeof(sum));
    return e < 0 ? e : 0;
}

static bool mac_fits(const uint8_t *key, const char *username, const uint8_t *binary)
{
    uint8_t sum[HMAC_SIZE_MAX];
    bool fits = mac(key, username, binary, sum) == 0 && secret_equal(sum, binary + FACTS_SIZE, MAC_SIZE);
    secret_wipe(sum, sizeof(sum));
    return fits;
}

static bool is_expired(const struct auth_token *token, uint64_t now, unsigned lifetime, unsigned renewal)
{
    return now < token->renewed || token->renewed < token->initial ||
           (renewal && now - token->renewed >= 2ULL * renewal) || (lifetime && now - token->initial > lifetime);
}

enum auth_token_state auth_token_check(const uint8_t key[AUTH_TOKEN_KEY_SIZE], const char *text, const char *username,
                                       uint64_t unix_s, unsigned lifetime, unsigned renewal, bool *empty_user,
                                       struct auth_token *out)
{
    uint8_t binary[BINARY_SIZE];
    *empty_user = false;
    if (!auth_token_is_one(text) ||
        base64_decode(text + PREFIX_LEN, AUTH_TOKEN_LEN - PREFIX_LEN, binary, sizeof(binary)) != BINARY_SIZE) {
        return AUTH_TOKEN_INVALID;
    }
    if (!mac_fits(key, username, binary)) {
        if (!mac_fits(key, "", binary)) {
            return AUTH_TOKEN_INVALID;
        }
        *empty_user = true;
    }
    struct rd r = rd_init(binary, sizeof(binary));
    memcpy(out->id, rd_bytes(&r, AUTH_TOKEN_ID_SIZE), AUTH_TOKEN_ID_SIZE);
    out->initial = rd_u64(&r);
    out->renewed = rd_u64(&r);
    return is_expired(out, unix_s, lifetime, renewal) ? AUTH_TOKEN_EXPIRED : AUTH_TOKEN_VALID;
}
