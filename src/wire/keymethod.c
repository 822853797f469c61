/* SPDX-License-Identifier: MIT */
#include "wire/keymethod.h"

#include "base/err.h"

#define METHOD 2
#define METHOD_MASK 0x0F

static int write_string(struct wr *w, const char *text, bool write_empty)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0 && !write_empty) {
        wr_u16(w, 0);
        return 0;
    }
    if (len >= UINT16_MAX) {
        return ERR_LIMIT;
    }
    wr_u16(w, (uint16_t)(len + 1));
    wr_bytes(w, text ? text : "", len + 1);
    return 0;
}

int keymethod_encode(struct wr *w, const struct keymethod_message *message)
{
    wr_u32(w, 0);
    wr_u8(w, METHOD);
    if (message->from_client) {
        wr_bytes(w, message->pre_master, sizeof(message->pre_master));
    }
    wr_bytes(w, message->random1, sizeof(message->random1));
    wr_bytes(w, message->random2, sizeof(message->random2));
    /* A user may have an empty password (a token used as the name): present, but empty, next to the name. */
    bool has_user = message->username && message->username[0];
    if (write_string(w, message->options, true) != 0 || write_string(w, message->username, false) != 0 ||
        write_string(w, message->password, has_user && message->password) != 0 ||
        write_string(w, message->peer_info, false) != 0) {
        return ERR_LIMIT;
    }
    return wr_ok(w) ? 0 : ERR_LIMIT;
}

/* NULL for an absent string. The bytes belong to the caller's writable message, hence the cast. */
static char *read_string(struct rd *r, size_t *len)
{
    *len = 0;
    if (rd_left(r) == 0) {
        return NULL;
    }
    size_t n = rd_u16(r);
    const uint8_t *at = rd_bytes(r, n);
    if (!at || n == 0) {
        return NULL;
    }
    char *text = (char *)(uintptr_t)at;
    text[n - 1] = '\0';
    *len = n;
    return text;
}

int keymethod_decode(uint8_t *data, size_t len, bool from_client, size_t credential_max,
                     struct keymethod_message *out)
{
    struct rd r = rd_init(data, len);
    memset(out, 0, sizeof(*out));
    out->from_client = from_client;
    (void)rd_u32(&r);
    uint8_t method = rd_u8(&r);
    if (rd_ok(&r) && (method & METHOD_MASK) != METHOD) {
        return ERR_FORMAT;
    }
    if (from_client) {
        rd_copy(&r, out->pre_master, sizeof(out->pre_master));
    }
    rd_copy(&r, out->random1, sizeof(out->random1));
    rd_copy(&r, out->random2, sizeof(out->random2));
    if (!rd_ok(&r) || rd_left(&r) == 0) {
        return ERR_TRUNCATED;
    }
    size_t options_len;
    size_t username_len;
    size_t password_len;
    size_t peer_info_len;
    out->options = read_string(&r, &options_len);
    if (options_len > KEYMETHOD_OPTIONS_MAX) {
        return ERR_LIMIT;
    }
    if (!out->options) {
        out->options = "";
    }
    out->username = read_string(&r, &username_len);
    out->password = read_string(&r, &password_len);
    out->peer_info = read_string(&r, &peer_info_len);
    if (!rd_ok(&r)) {
        return ERR_TRUNCATED;
    }
    if (username_len > credential_max || password_len > credential_max) {
        out->credentials_too_long = true;
        out->username = NULL;
        out->password = NULL;
    }
    /* A lone NUL is the old way to say "absent"; an empty password beside a name stays. */
    if (out->username && !out->username[0]) {
        out->username = NULL;
    }
    if (out->password && !out->password[0] && !out->username) {
        out->password = NULL;
    }
    if (out->peer_info && !out->peer_info[0]) {
        out->peer_info = NULL;
    }
    return 0;
}
