/* SPDX-License-Identifier: MIT */
#include "wire/http_connect.h"

#include <stdio.h>
#include <strings.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/digest.h"

#define HEX_SIZE (2 * DIGEST_MD5_SIZE)
#define CREDENTIAL_MAX 512
#define NONCE_COUNT "00000001"

static void add(struct wr *w, const char *text)
{
    wr_bytes(w, text, strlen(text));
}

static void add_line(struct wr *w, const char *name, const char *value)
{
    if (value) {
        add(w, name);
        add(w, value);
        add(w, "\r\n");
    }
}

/* Text that would break out of its line. */
static bool breaks_line(const char *text)
{
    return text && text[strcspn(text, "\r\n")] != '\0';
}

static bool is_bare_ipv6(const char *host)
{
    return host[0] != '[' && strchr(host, ':') != NULL;
}

int http_connect_target(const char *host, uint16_t port, char *out, size_t cap)
{
    const char *format = is_bare_ipv6(host) ? "[%s]:%u" : "%s:%u";
    int n = snprintf(out, cap, format, host, port);
    return n < 0 || (size_t)n >= cap ? ERR_LIMIT : n;
}

int http_connect_request(struct wr *w, const struct http_connect_request *request)
{
    char target[300];
    bool own_host = false;
    bool broken = breaks_line(request->host) || breaks_line(request->version) || breaks_line(request->user_agent) ||
                  breaks_line(request->authorization) || strpbrk(request->host, " \t") != NULL;
    for (unsigned i = 0; i < HTTP_CONNECT_HEADERS_MAX && request->headers[i]; i++) {
        broken |= breaks_line(request->headers[i]);
        own_host |= strncasecmp(request->headers[i], "Host:", 5) == 0;
    }
    if (broken) {
        return ERR_FORMAT;
    }
    if (http_connect_target(request->host, request->port, target, sizeof(target)) < 0) {
        return ERR_LIMIT;
    }
    add(w, "CONNECT ");
    add(w, target);
    add_line(w, " HTTP/", request->version ? request->version : "1.0");
    for (unsigned i = 0; i < HTTP_CONNECT_HEADERS_MAX && request->headers[i]; i++) {
        add_line(w, "", request->headers[i]);
    }
    if (!own_host) {
        *strrchr(target, ':') = '\0';
        add_line(w, "Host: ", target);
    }
    add_line(w, "User-Agent: ", request->user_agent);
    add_line(w, "Proxy-Connection: ", request->keep_alive ? "Keep-Alive" : NULL);
    add_line(w, "Proxy-Authorization: ", request->authorization);
    add(w, "\r\n");
    return wr_ok(w) ? 0 : ERR_LIMIT;
}

/* ------------------------------------------------------------------ lines */

/* One line without its line end; false when there is no whole line. */
static bool line_next(struct rd *r, struct span *line)
{
    size_t left = rd_left(r);
    const uint8_t *end = left ? memchr(r->p, '\n', left) : NULL;
    if (!end) {
        return false;
    }
    size_t len = (size_t)(end - r->p);
    const uint8_t *at = rd_bytes(r, len + 1);
    if (len && at[len - 1] == '\r') {
        len--;
    }
    *line = (struct span){at, len};
    return true;
}

/* Whether @s begins with @word, case ignored; @s moves behind it and the blanks that follow. */
static bool skip(struct span *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len < n || strncasecmp((const char *)s->data, word, n) != 0) {
        return false;
    }
    s->data += n;
    s->len -= n;
    while (s->len && (*s->data == ' ' || *s->data == '\t')) {
        s->data++;
        s->len--;
    }
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int parse_status(struct span line, struct http_connect_response *out)
{
    if (line.len < 12 || !skip(&line, "HTTP/") || line.len < 7 || !is_digit(line.data[0]) || line.data[1] != '.' ||
        !is_digit(line.data[2]) || line.data[3] != ' ') {
        return ERR_FORMAT;
    }
    line.data += 4;
    line.len -= 4;
    for (unsigned i = 0; i < 3; i++) {
        if (!is_digit(line.data[i])) {
            return ERR_FORMAT;
        }
        out->status = out->status * 10 + (unsigned)(line.data[i] - '0');
    }
    line.data += 3;
    line.len -= 3;
    if (line.len && line.data[0] != ' ') {
        return ERR_FORMAT;
    }
    (void)skip(&line, " ");
    out->reason = line;
    return 0;
}

/* ------------------------------------------------------------------ challenges */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Value of parameter @name in a challenge, quotes removed, escapes kept. */
static bool parameter(struct span list, const char *name, struct span *value)
{
    size_t name_len = strlen(name);
    while (list.len) {
        while (list.len && (*list.data == ' ' || *list.data == ',' || *list.data == '\t')) {
            list.data++;
            list.len--;
        }
        size_t n = 0;
        while (n < list.len && list.data[n] != '=' && list.data[n] != ',') {
            n++;
        }
        bool found = n == name_len && strncasecmp((const char *)list.data, name, n) == 0;
        if (n == list.len || list.data[n] == ',') {
            list = (struct span){list.data + n, list.len - n};
            continue;
        }
        size_t start = n + 1;
        bool quoted = start < list.len && list.data[start] == '"';
        start += quoted;
        size_t end = start;
        while (end < list.len && list.data[end] != (quoted ? '"' : ',')) {
            end += quoted && list.data[end] == '\\' && end + 1 < list.len ? 2 : 1;
        }
        if (found) {
            while (!quoted && end > start && is_blank(list.data[end - 1])) {
                end--;
            }
            *value = (struct span){list.data + start, end - start};
            return true;
        }
        end += quoted && end < list.len;
        list = (struct span){list.data + end, list.len - end};
    }
    return false;
}

static bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.data, text, s.len) == 0;
}

/* Whether a comma separated qop list has "auth". */
static bool offers_auth(struct span list)
{
    while (list.len) {
        size_t n = 0;
        while (n < list.len && list.data[n] != ',') {
            n++;
        }
        struct span item = {list.data, n};
        (void)skip(&item, " ");
        if (span_is(item, "auth")) {
            return true;
        }
        n += n < list.len;
        list = (struct span){list.data + n, list.len - n};
    }
    return false;
}

struct challenge {
    struct span realm;
    struct span nonce;
    struct span opaque;
    bool has_opaque;
    bool session; /* MD5-sess */
    bool qop;
};

static int parse_challenge(struct span text, struct challenge *out)
{
    struct span value;
    memset(out, 0, sizeof(*out));
    if (!parameter(text, "realm", &out->realm) || !parameter(text, "nonce", &out->nonce)) {
        return ERR_FORMAT;
    }
    out->has_opaque = parameter(text, "opaque", &out->opaque);
    if (parameter(text, "algorithm", &value)) {
        out->session = span_is(value, "MD5-sess");
        if (!out->session && !span_is(value, "MD5")) {
            return ERR_UNSUPPORTED;
        }
    }
    if (parameter(text, "qop", &value)) {
        out->qop = true;
        return offers_auth(value) ? 0 : ERR_UNSUPPORTED;
    }
    return 0;
}

/* Whether a scheme's name begins at @s, rather than another parameter of the challenge before: no "=" follows. */
static bool is_scheme(struct span s)
{
    size_t n = 0;
    while (n < s.len && !is_blank(s.data[n]) && s.data[n] != '=' && s.data[n] != ',') {
        n++;
    }
    size_t name_len = n;
    while (n < s.len && is_blank(s.data[n])) {
        n++;
    }
    return name_len > 0 && (n == s.len || s.data[n] != '=');
}

/* Bytes up to the next comma outside of quotes, or all. */
static size_t item_len(struct span s)
{
    bool quoted = false;
    size_t n = 0;
    while (n < s.len && (quoted || s.data[n] != ',')) {
        if (s.data[n] == '"') {
            quoted = !quoted;
        } else if (quoted && s.data[n] == '\\' && n + 1 < s.len) {
            n++;
        }
        n++;
    }
    return n;
}

/* The next challenge of a list (RFC 7235, 4.3); one header line may have several. */
static bool challenge_next(struct span *list, struct span *out)
{
    while (list->len && (is_blank(list->data[0]) || list->data[0] == ',')) {
        list->data++;
        list->len--;
    }
    struct span rest = *list;
    size_t end = 0; /* of the last item that belongs to it */
    do {
        size_t n = item_len(rest);
        end = (size_t)(rest.data - list->data) + n;
        rest = (struct span){rest.data + n, rest.len - n};
        while (rest.len && (is_blank(rest.data[0]) || rest.data[0] == ',')) {
            rest.data++;
            rest.len--;
        }
    } while (rest.len && !is_scheme(rest));
    *out = (struct span){list->data, end};
    *list = rest;
    return out->len > 0;
}

/* Of several Digest challenges the first that can be answered counts: a proxy lists them as it prefers them
 * (RFC 7616, 3.7). */
static void parse_challenge_header(struct span value, struct http_connect_response *out)
{
    struct challenge digest;
    if (skip(&value, "Digest ")) {
        bool first = !(out->schemes & HTTP_CONNECT_DIGEST);
        if (first && parse_challenge(value, &digest) == 0) {
            out->schemes |= HTTP_CONNECT_DIGEST;
            out->digest = value;
        } else if (first) {
            out->schemes |= HTTP_CONNECT_OTHER_DIGEST;
        }
    } else if (skip(&value, "NTLM")) {
        out->schemes |= HTTP_CONNECT_NTLM;
        out->ntlm = value;
    } else if (skip(&value, "Basic")) {
        out->schemes |= HTTP_CONNECT_BASIC;
    }
}

static void parse_header(struct span line, struct http_connect_response *out)
{
    struct span challenge;
    if (!skip(&line, "Proxy-Authenticate:")) {
        return;
    }
    while (challenge_next(&line, &challenge)) {
        parse_challenge_header(challenge, out);
    }
}

/* ------------------------------------------------------------------ response */

int http_connect_response(struct rd *r, struct http_connect_response *out)
{
    static const char start[] = "HTTP/";
    struct rd look = *r;
    struct span line;
    size_t left = rd_left(r);
    size_t check = left < sizeof(start) - 1 ? left : sizeof(start) - 1;
    memset(out, 0, sizeof(*out));
    if (check && strncasecmp((const char *)r->p, start, check) != 0) {
        return ERR_FORMAT;
    }
    int incomplete = left > HTTP_CONNECT_RESPONSE_MAX ? ERR_LIMIT : 0;
    if (!line_next(&look, &line)) {
        return incomplete;
    }
    if (parse_status(line, out) != 0) {
        return ERR_FORMAT;
    }
    while (line_next(&look, &line)) {
        if (line.len == 0) {
            *r = look;
            return 1;
        }
        parse_header(line, out);
    }
    return incomplete;
}

/* ------------------------------------------------------------------ authorization */

int http_connect_basic(const char *username, const char *password, char *out, size_t cap)
{
    static const char scheme[] = "Basic ";
    char pair[2 * CREDENTIAL_MAX];
    int n = snprintf(pair, sizeof(pair), "%s:%s", username, password);
    int written = ERR_LIMIT;
    if (n >= 0 && (size_t)n < sizeof(pair) && cap > sizeof(scheme)) {
        memcpy(out, scheme, sizeof(scheme));
        written = base64_write(pair, (size_t)n, out + sizeof(scheme) - 1, cap - sizeof(scheme) + 1);
    }
    secret_wipe(pair, sizeof(pair));
    return written < 0 ? ERR_LIMIT : written + (int)sizeof(scheme) - 1;
}

/* Bytes of a quoted string as they are hashed: without the escapes. */
static void add_unquoted(struct wr *w, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\' && i + 1 < s.len) {
            i++;
        }
        wr_u8(w, s.data[i]);
    }
}

static void add_quoted(struct wr *w, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            wr_u8(w, '\\');
        }
        wr_u8(w, (uint8_t)*text);
    }
}

/* MD5 of what @w holds, as hex with NUL; @w is emptied and wiped. */
static int hash(struct wr *w, char hex[HEX_SIZE + 1])
{
    uint8_t digest[DIGEST_MD5_SIZE];
    int err = wr_ok(w) ? digest_md5(w->start, wr_len(w), digest) : ERR_LIMIT;
    secret_wipe(w->start, (size_t)(w->end - w->start));
    *w = wr_init(w->start, (size_t)(w->end - w->start));
    for (unsigned i = 0; err == 0 && i < DIGEST_MD5_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return err;
}

/* RFC 2617 3.2.2. */
static int digest_response(const struct challenge *c, const char *username, const char *password, const char *target,
                           const char *cnonce, char response[HEX_SIZE + 1])
{
    uint8_t text[2048];
    char ha1[HEX_SIZE + 1];
    char ha2[HEX_SIZE + 1];
    struct wr w = wr_init(text, sizeof(text));
    add(&w, username);
    add(&w, ":");
    add_unquoted(&w, c->realm);
    add(&w, ":");
    add(&w, password);
    int err = hash(&w, ha1);
    if (err == 0 && c->session) {
        add(&w, ha1);
        add(&w, ":");
        add_unquoted(&w, c->nonce);
        add(&w, ":");
        add(&w, cnonce);
        err = hash(&w, ha1);
    }
    if (err == 0) {
        add(&w, "CONNECT:");
        add(&w, target);
        err = hash(&w, ha2);
    }
    if (err == 0) {
        add(&w, ha1);
        add(&w, ":");
        add_unquoted(&w, c->nonce);
        if (c->qop) {
            add(&w, ":" NONCE_COUNT ":");
            add(&w, cnonce);
            add(&w, ":auth");
        }
        add(&w, ":");
        add(&w, ha2);
        err = hash(&w, response);
    }
    secret_wipe(ha1, sizeof(ha1));
    return err;
}

int http_connect_digest(struct span challenge, const char *username, const char *password, const char *target,
                        const char *cnonce, char *out, size_t cap)
{
    struct challenge c;
    char response[HEX_SIZE + 1];
    int err = parse_challenge(challenge, &c);
    if (err == 0) {
        err = digest_response(&c, username, password, target, cnonce, response);
    }
    if (err != 0) {
        return err;
    }
    struct wr w = wr_init(out, cap);
    add(&w, "Digest username=\"");
    add_quoted(&w, username);
    add(&w, "\", realm=\"");
    wr_bytes(&w, c.realm.data, c.realm.len);
    add(&w, "\", nonce=\"");
    wr_bytes(&w, c.nonce.data, c.nonce.len);
    add(&w, "\", uri=\"");
    add(&w, target);
    add(&w, c.qop ? "\", qop=auth, nc=" NONCE_COUNT ", cnonce=\"" : "\", cnonce=\"");
    add(&w, cnonce);
    add(&w, "\", response=\"");
    add(&w, response);
    if (c.has_opaque) {
        add(&w, "\", opaque=\"");
        wr_bytes(&w, c.opaque.data, c.opaque.len);
    }
    add(&w, c.session ? "\", algorithm=MD5-sess" : "\"");
    size_t len = wr_len(&w);
    wr_u8(&w, 0);
    return wr_ok(&w) ? (int)len : ERR_LIMIT;
}
