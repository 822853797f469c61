/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_SOCKS_H
#define VPND_WIRE_SOCKS_H

#include "base/addr.h"
#include "base/span.h"

/* SOCKS5 client codec (RFC 1928, 1929; client behaviour spec, 3.2). */
#define SOCKS_UDP_HEADER 10
#define SOCKS_REQUEST_MAX 520 /* longest message that any writer makes */

enum socks_method { SOCKS_NO_AUTH = 0, SOCKS_PASSWORD = 2 };
enum socks_command { SOCKS_CONNECT = 1, SOCKS_UDP_ASSOCIATE = 3 };

/** socks_greeting - offer exactly one method. */
void socks_greeting(struct wr *w, enum socks_method method);

/** socks_greeting_reply - Return: 1 accepted, 0 more bytes needed, ERR_AUTH refused (FF or another method),
 *  ERR_FORMAT not SOCKS5. On 1 the reader is advanced. */
int socks_greeting_reply(struct rd *r, enum socks_method method);

/** socks_login - user name and password; the bytes are secret. Return: 0 or ERR_LIMIT (over 255 bytes). */
int socks_login(struct wr *w, const char *username, const char *password);

/** socks_login_reply - `01 00` and `05 00` are success. Return: 1, 0 more bytes needed, ERR_AUTH. */
int socks_login_reply(struct rd *r);

/** socks_request - CONNECT to a host name, or UDP ASSOCIATE (host ignored). Return: 0 or ERR_LIMIT. */
int socks_request(struct wr *w, enum socks_command command, const char *host, uint16_t port);

/**
 * socks_reply - answer to a request
 * @bound: out: relay address (AF_UNSPEC when the proxy names a host)
 * @code:  out: the reply code, 0 success
 * Return: 1 (check @code), 0 more bytes needed, ERR_FORMAT. On 1 the reader is advanced.
 */
int socks_reply(struct rd *r, union addr *bound, uint8_t *code);

/** socks_reply_text - words for a reply code. */
const char *socks_reply_text(uint8_t code);

/** socks_udp_header - the header in front of every datagram to @target (IPv4). Return: 0 or ERR_UNSUPPORTED. */
int socks_udp_header(uint8_t out[SOCKS_UDP_HEADER], const union addr *target);

/** socks_udp_unwrap - strip the header of a datagram from the relay. Return: 0, ERR_TRUNCATED, or ERR_FORMAT
 *  (fragment, or not IPv4). */
int socks_udp_unwrap(struct rd *r, union addr *source);

#endif
