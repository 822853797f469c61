/* SPDX-License-Identifier: MIT */
#include "handshakes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "base/mem.h"

#define FILE_MAX 65536

static const char CLIENT_OPTIONS[] =
    "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,tls-client";
static const char SERVER_OPTIONS[] =
    "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,tls-server";
static const char PEER_INFO[] = "IV_VER=2.6.14\nIV_PLAT=linux\nIV_TCPNL=1\nIV_MTU=1600\nIV_NCP=2\n"
                                "IV_CIPHERS=AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305\nIV_PROTO=990\n";
static const char PEER_INFO_OLD[] = "IV_VER=2.5.9\nIV_PLAT=linux\nIV_NCP=2\n"
                                    "IV_CIPHERS=AES-256-GCM:AES-128-GCM\nIV_PROTO=6\n";

static void die(const char *what, const char *name)
{
    fprintf(stderr, "handshakes: %s: %s\n", what, name ? name : "");
    ERR_print_errors_fp(stderr);
    exit(2);
}

void handshakes_event_print(const struct handshakes *h, const char *who, const struct session_event *e)
{
    static const char *const NAMES[] = {
        [SESSION_EV_STARTED] = "STARTED",           [SESSION_EV_CERTIFICATE] = "CERTIFICATE",
        [SESSION_EV_KEY_EXCHANGE] = "KEY_EXCHANGE", [SESSION_EV_ACTIVE] = "ACTIVE",
        [SESSION_EV_KEYS_READY] = "KEYS_READY",     [SESSION_EV_SEND_SWITCH] = "SEND_SWITCH",
        [SESSION_EV_KEY_EXPIRED] = "KEY_EXPIRED",   [SESSION_EV_MESSAGE] = "MESSAGE",
        [SESSION_EV_RENEG_FAILED] = "RENEG_FAILED", [SESSION_EV_FAILED] = "FAILED",
    };
    if (h->options.verbose) {
        printf("%s %s key %u hint %d %s%s%s\n", who, NAMES[e->type], e->key_id, (int)e->hint, e->text ? e->text : "",
               e->tls_description ? e->tls_description : "", e->options_string ? e->options_string : "");
        fflush(stdout);
    }
}

static char *slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        die("cannot read", path);
    }
    char *text = mem_zalloc(FILE_MAX + 1);
    *len = fread(text, 1, FILE_MAX, f);
    fclose(f);
    return text;
}

static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return 0;
}

static struct tls_context *make_tls(const struct handshakes_options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(o->server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    if (o->tls_version) {
        int version = strcmp(o->tls_version, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
        SSL_CTX_set_min_proto_version(ctx, version);
        SSL_CTX_set_max_proto_version(ctx, version);
    }
    if (!o->ca || SSL_CTX_load_verify_locations(ctx, o->ca, NULL) != 1) {
        die("--ca", o->ca);
    }
    if (o->cert && (SSL_CTX_use_certificate_chain_file(ctx, o->cert) != 1 || !o->key ||
                    SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) != 1)) {
        die("--cert or --key", o->cert);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (o->server && !o->username ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    struct tls_context *context = tls_context_new(ctx, NULL, NULL);
    SSL_CTX_free(ctx);
    return context;
}

static struct wrap_config *make_wrap(const struct handshakes_options *o)
{
    struct wrap_params p = {.server = o->server, .digest = o->auth ? o->auth : "SHA1"};
    struct keyfile_static key;
    struct keyfile_slot v2_server;
    struct keyfile_v2_client v2_client;
    size_t len;
    const char *path = o->tls_auth ? o->tls_auth : o->tls_crypt;
    if (path) {
        char *text = slurp(path, &len);
        if (keyfile_static_parse(text, len, &key)) {
            die("not a static key file", path);
        }
        free(text);
        p.key = &key;
        p.mode = o->tls_auth ? WRAP_TLS_AUTH : WRAP_TLS_CRYPT;
        p.direction = o->key_direction < 0   ? KEYFILE_BIDIRECTIONAL
                      : o->key_direction == 0 ? KEYFILE_NORMAL
                                              : KEYFILE_INVERSE;
    }
    if (o->tls_crypt_v2) {
        char *text = slurp(o->tls_crypt_v2, &len);
        int err = o->server ? keyfile_server_parse(text, len, KEYFILE_LABEL_V2_SERVER, &v2_server)
                            : keyfile_v2_client_parse(text, len, &v2_client);
        if (err) {
            die("not a tls-crypt-v2 key file", o->tls_crypt_v2);
        }
        free(text);
        p.v2_server = o->server ? &v2_server : NULL;
        p.v2_client = o->server ? NULL : &v2_client;
    }
    struct wrap_config *config = NULL;
    if (wrap_config_new(&p, &config)) {
        die("these keys do not go together", "");
    }
    return config;
}

static const struct option OPTIONS[] = {
    {"server", no_argument, NULL, 's'},          {"host", required_argument, NULL, 'h'},
    {"tcp", no_argument, NULL, 'q'},             {"deaf", required_argument, NULL, 'D'},
    {"reset", no_argument, NULL, 'z'},
    {"port", required_argument, NULL, 'p'},      {"ca", required_argument, NULL, 'c'},
    {"cert", required_argument, NULL, 'C'},      {"key", required_argument, NULL, 'k'},
    {"tls-auth", required_argument, NULL, 'a'},  {"key-direction", required_argument, NULL, 'd'},
    {"auth", required_argument, NULL, 'A'},      {"tls-crypt", required_argument, NULL, 't'},
    {"tls-crypt-v2", required_argument, NULL, '2'}, {"tls-version", required_argument, NULL, 'V'},
    {"username", required_argument, NULL, 'u'},  {"password", required_argument, NULL, 'w'},
    {"count", required_argument, NULL, 'n'},     {"parallel", required_argument, NULL, 'j'},
    {"renegotiate", required_argument, NULL, 'r'}, {"hold", required_argument, NULL, 'H'},
    {"timeout", required_argument, NULL, 'T'},   {"reneg-sec", required_argument, NULL, 'R'},
    {"ping", required_argument, NULL, 'P'},
    {"no-export", no_argument, NULL, 'x'},       {"verbose", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

static unsigned number(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);
    if (*end || end == text || v > 100000000) {
        die("not a number", text);
    }
    return (unsigned)v;
}

static void parse_option(int c, struct handshakes_options *o)
{
    switch (c) {
    case 's': o->server = true; break;
    case 'h': o->host = optarg; break;
    case 'q': o->tcp = true; break;
    case 'D': o->deaf = number(optarg); break;
    case 'z': o->reset = true; break;
    case 'p': o->port = (uint16_t)number(optarg); break;
    case 'c': o->ca = optarg; break;
    case 'C': o->cert = optarg; break;
    case 'k': o->key = optarg; break;
    case 'a': o->tls_auth = optarg; break;
    case 'd': o->key_direction = (int)number(optarg); break;
    case 'A': o->auth = optarg; break;
    case 't': o->tls_crypt = optarg; break;
    case '2': o->tls_crypt_v2 = optarg; break;
    case 'V': o->tls_version = optarg; break;
    case 'u': o->username = optarg; break;
    case 'w': o->password = optarg; break;
    case 'n': o->count = number(optarg); break;
    case 'j': o->parallel = number(optarg); break;
    case 'r': o->renegotiate = number(optarg); break;
    case 'H': o->hold_s = number(optarg); break;
    case 'T': o->timeout_s = number(optarg); break;
    case 'R': o->reneg_s = number(optarg); break;
    case 'P': o->ping_s = number(optarg); break;
    case 'x': o->no_export = true; break;
    case 'v': o->verbose = true; break;
    default:
        fprintf(stderr, "usage: handshakes [--server] --ca FILE [--cert FILE --key FILE] [--host ADDR] [--port N]\n"
                        "  [--tls-auth FILE [--key-direction 0|1] [--auth DIGEST] | --tls-crypt FILE]\n"
                        "  [--tls-crypt-v2 FILE] [--tls-version 1.2|1.3] [--username U --password P] [--count N]\n"
                        "  [--parallel N] [--renegotiate N] [--reneg-sec N] [--hold S [--ping S]] [--timeout S]\n"
                        "  [--tcp [--deaf N] [--reset]] [--no-export] [--verbose]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct handshakes h = {.options = {.host = "127.0.0.1", .port = 1194, .key_direction = -1, .count = 1,
                                       .parallel = 1, .timeout_s = 60}};
    int c;
    while ((c = getopt_long(argc, argv, "v", OPTIONS, NULL)) != -1) {
        parse_option(c, &h.options);
    }
    h.tls = make_tls(&h.options);
    h.wrap = make_wrap(&h.options);
    h.config = (struct session_config){
        .role = h.options.server ? SESSION_SERVER : SESSION_CLIENT,
        .tls = h.tls,
        .wrap = h.wrap,
        .rand = rand_system(),
        .replay_seconds = 15,
        .reneg_s = h.options.reneg_s,
        .options_string = h.options.server ? SERVER_OPTIONS : CLIENT_OPTIONS,
        .peer_info = h.options.server ? NULL : h.options.no_export ? PEER_INFO_OLD : PEER_INFO,
        .ack_limit = h.options.server || !wrap_config_plain(h.wrap) ? 8 : 4,
    };
    int status = h.options.server ? handshakes_server_run(&h) : handshakes_client_run(&h);
    wrap_config_free(h.wrap);
    tls_context_free(h.tls);
    return status;
}
