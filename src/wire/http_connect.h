/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_HTTP_CONNECT_H
#define VPND_WIRE_HTTP_CONNECT_H

#include "base/span.h"

/* HTTP CONNECT client codec (client behaviour spec, 3.1; RFC 7617, RFC 2617). */
#define HTTP_CONNECT_REQUEST_MAX 4096
#define HTTP_CONNECT_RESPONSE_MAX 16384 /* headers longer than this are refused */
#define HTTP_CONNECT_HEADERS_MAX 10     /* custom header lines */
#define HTTP_CONNECT_AUTH_MAX 1024      /* longest Authorization value */

/** What to ask the proxy. All strings are the caller's. */
struct http_connect_request {
    const char *host;             /* name or numeric address; IPv6 gets brackets */
    uint16_t port;
    const char *version;          /* NULL: "1.0" */
    const char *user_agent;       /* NULL: none */
    const char *headers[HTTP_CONNECT_HEADERS_MAX]; /* whole lines without CRLF, NULL after the last */
    const char *authorization;    /* value of Proxy-Authorization, NULL: none */
    bool keep_alive;              /* NTLM: "Proxy-Connection: Keep-Alive" */
};

/** http_connect_request - append the request. Return: 0; ERR_LIMIT; ERR_FORMAT (a CR, LF or NUL in a part). */
int http_connect_request(struct wr *w, const struct http_connect_request *request);

/** http_connect_target - "host:port" with brackets where needed, as in the request line and Digest's uri.
 *  Return: length or ERR_LIMIT. */
int http_connect_target(const char *host, uint16_t port, char *out, size_t cap);

/** Schemes that a 407 offered, as bits. */
enum http_connect_scheme {
    HTTP_CONNECT_BASIC = 1u << 0,
    HTTP_CONNECT_DIGEST = 1u << 1,       /* one that http_connect_digest() can answer */
    HTTP_CONNECT_NTLM = 1u << 2,
    HTTP_CONNECT_OTHER_DIGEST = 1u << 3, /* one that it cannot answer */
};

/** The proxy's answer; spans point into the bytes that were parsed. */
struct http_connect_response {
    unsigned status;        /* 200 is success */
    unsigned schemes;       /* enum http_connect_scheme */
    struct span digest;     /* parameters after "Digest " of the first that can be answered */
    struct span ntlm;       /* base64 challenge after "NTLM ", empty when there is none */
    struct span reason;     /* status line after the code */
};

/**
 * http_connect_response - parse an answer from the bytes received so far
 * @r: advanced past the empty line on success; what follows belongs to the tunnel
 * Return: 1 complete; 0 more bytes needed; ERR_FORMAT (not HTTP); ERR_LIMIT (headers too long).
 */
int http_connect_response(struct rd *r, struct http_connect_response *out);

/** http_connect_basic - "Basic BASE64(user:password)". The output is secret. Return: length or ERR_LIMIT. */
int http_connect_basic(const char *username, const char *password, char *out, size_t cap);

/**
 * http_connect_digest - value of Proxy-Authorization for a Digest challenge (MD5 and MD5-sess, qop auth or none)
 * @challenge: parameters from the response
 * @target: http_connect_target()
 * @cnonce: caller's random text (8 bytes in base64)
 * Return: length, ERR_FORMAT (no realm or nonce), ERR_UNSUPPORTED (algorithm or qop), ERR_LIMIT, ERR_CRYPTO.
 */
int http_connect_digest(struct span challenge, const char *username, const char *password, const char *target,
                        const char *cnonce, char *out, size_t cap);

#endif
