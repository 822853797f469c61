/* SPDX-License-Identifier: MIT */
#include "wire/peer_info.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

static bool name_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Length of the name in front of '=', 0 when the line is not NAME=value. */
static size_t name_length(struct span line)
{
    size_t n = 0;
    while (n < line.len && name_char(line.data[n])) {
        n++;
    }
    return n < line.len && line.data[n] == '=' ? n : 0;
}

bool peer_info_next(struct span *text, struct peer_info_line *out)
{
    while (text->len) {
        const uint8_t *end = memchr(text->data, '\n', text->len);
        struct span line = {text->data, end ? (size_t)(end - text->data) : text->len};
        size_t used = line.len + (end ? 1 : 0);
        text->data += used;
        text->len -= used;
        if (line.len > PEER_INFO_LINE_MAX) {
            line.len = PEER_INFO_LINE_MAX;
        }
        if (line.len && line.data[line.len - 1] == '\r') {
            line.len--;
        }
        size_t name = name_length(line);
        if (name) {
            out->name = (struct span){line.data, name};
            out->value = (struct span){line.data + name + 1, line.len - name - 1};
            return true;
        }
    }
    return false;
}

bool peer_info_find(const char *text, const char *name, struct span *value)
{
    struct span rest = {(const uint8_t *)text, text ? strlen(text) : 0};
    struct peer_info_line line;
    size_t name_len = strlen(name);
    while (peer_info_next(&rest, &line)) {
        if (line.name.len == name_len && memcmp(line.name.data, name, name_len) == 0) {
            *value = line.value;
            return true;
        }
    }
    return false;
}

unsigned peer_info_number(const char *text, const char *name, unsigned max, unsigned absent)
{
    struct span value;
    if (!peer_info_find(text, name, &value) || value.len == 0) {
        return absent;
    }
    uint64_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return absent;
        }
        n = n * 10 + (uint64_t)(value.data[i] - '0');
        if (n > max) {
            return absent;
        }
    }
    return (unsigned)n;
}

unsigned peer_info_proto(const char *text)
{
    return peer_info_number(text, "IV_PROTO", INT32_MAX, 0);
}

bool peer_info_exported(struct span name)
{
    return name.len > 3 && (memcmp(name.data, "IV_", 3) == 0 || memcmp(name.data, "UV_", 3) == 0);
}

size_t peer_info_sanitise(struct span value, char *out, size_t cap)
{
    size_t n = 0;
    while (n < value.len && n + 1 < cap) {
        uint8_t c = value.data[n];
        bool bad = c <= ' ' || c >= 0x7F || c == '$' || c == '(' || c == '`';
        out[n++] = bad ? '_' : (char)c;
    }
    if (cap) {
        out[n] = '\0';
    }
    return n;
}

/* One line, unless @value is absent. */
static void line_text(struct wr *w, const char *name, const char *value)
{
    if (value && value[0]) {
        wr_bytes(w, name, strlen(name));
        wr_u8(w, '=');
        wr_bytes(w, value, strlen(value));
        wr_u8(w, '\n');
    }
}

static void line_number(struct wr *w, const char *name, unsigned value)
{
    char text[12];
    if (value) {
        snprintf(text, sizeof(text), "%u", value);
        line_text(w, name, text);
    }
}

static void compress_lines(struct wr *w, const struct peer_info_fields *f)
{
    if (f->compress == PEER_INFO_COMPRESS_ASYM) {
        line_text(w, "IV_LZ4", "1");
        line_text(w, "IV_LZ4v2", "1");
        line_text(w, "IV_LZO", f->lzo ? "1" : NULL);
    }
    if (f->compress == PEER_INFO_COMPRESS_STUB || (f->compress == PEER_INFO_COMPRESS_ASYM && !f->lzo)) {
        line_text(w, "IV_LZO_STUB", "1");
    }
    if (f->compress == PEER_INFO_COMPRESS_STUB ||
        (f->compress == PEER_INFO_COMPRESS_ASYM && f->compress_stub_configured)) {
        line_text(w, "IV_COMP_STUB", "1");
        line_text(w, "IV_COMP_STUBv2", "1");
    }
}

static void pull_lines(struct wr *w, const struct peer_info_fields *f)
{
    line_text(w, "IV_VER", f->version);
    line_text(w, "IV_PLAT", f->platform);
    line_text(w, "IV_TCPNL", "1");
    line_number(w, "IV_MTU", f->mtu);
    line_text(w, "IV_NCP", f->ncp ? "2" : NULL);
}

static void extra_lines(struct wr *w, const struct peer_info_fields *f)
{
    line_text(w, "IV_GUI_VER", f->gui_version);
    line_text(w, "IV_SSO", f->sso);
    if (f->level == PEER_INFO_PUSH) {
        line_text(w, "IV_HWADDR", f->hardware_address);
        line_text(w, "IV_SSL", f->tls_library);
        line_text(w, "IV_PLAT_VER", f->platform_version);
    }
    for (const char *const *line = f->extra; line && *line; line++) {
        wr_bytes(w, *line, strlen(*line));
        wr_u8(w, '\n');
    }
}

int peer_info_build(const struct peer_info_fields *fields, char *out, size_t cap)
{
    struct wr w = wr_init(out, cap);
    if (fields->level >= PEER_INFO_PULL) {
        pull_lines(&w, fields);
    }
    if (fields->level != PEER_INFO_NONE) {
        line_text(&w, "IV_CIPHERS", fields->ciphers);
        line_number(&w, "IV_PROTO", fields->proto);
    }
    if (fields->level >= PEER_INFO_PULL) {
        compress_lines(&w, fields);
        extra_lines(&w, fields);
    }
    size_t len = wr_len(&w);
    wr_u8(&w, 0);
    return wr_ok(&w) ? (int)len : ERR_LIMIT;
}
