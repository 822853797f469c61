/* SPDX-License-Identifier: MIT */
#include "standalone.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "auth/tls_setup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "crypto/engines.h"
#include "crypto/cipher.h"
#include "crypto/keyfile.h"
#include "crypto/provider.h"
#include "mgmt/show_status.h"

extern __typeof__(tls_setup_show_ciphers) tls_setup_show_ciphers __attribute__((weak));
extern __typeof__(tls_setup_show_groups) tls_setup_show_groups __attribute__((weak));

#define TEXT_MAX 65536
#define OPENVPN_VERSION "2.6.14" /* whose behaviour and formats vpnd has by default */

const char *standalone_title(bool as_openvpn, char *out, size_t cap)
{
    struct utsname host;
    uname(&host);
#ifdef HAVE_LZO
    const char *lzo = " [LZO]";
#else
    const char *lzo = "";
#endif
    snprintf(out, cap, "%s %s %s-pc-linux-gnu [SSL (OpenSSL)]%s [LZ4] [EPOLL] [MH/PKTINFO] [AEAD]%s",
             as_openvpn ? "OpenVPN" : "vpnd", as_openvpn ? OPENVPN_VERSION : VERSION, host.machine, lzo,
             as_openvpn ? " (vpnd " VERSION ")" : "");
    return out;
}

const char *standalone_libraries(char *out, size_t cap)
{
    snprintf(out, cap, "library versions: %s", provider_library());
    return out;
}

static int show(int (*fill)(struct buf *out))
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int rc = fill ? fill(&text) : ERR_UNSUPPORTED;
    if (rc != 0) {
        log_fatal("the list cannot be made: %s", err_str(rc));
    } else {
        fputs(buf_str(&text), stdout);
    }
    buf_free(&text, false);
    return rc == 0 ? 0 : 1;
}

static int show_tls(const struct config *config)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int rc = tls_setup_show_ciphers ? tls_setup_show_ciphers(config, &text) : ERR_UNSUPPORTED;
    fputs(buf_str(&text), stdout);
    buf_free(&text, false);
    return rc == 0 ? 0 : 1;
}

static int v2_client_key(const struct config *config, struct buf *out)
{
    struct buf file = BUF_INIT(KEYFILE_TEXT_MAX);
    struct keyfile_slot server;
    struct keyfile_v2_client client;
    int rc = config_file_read(&config->tls_crypt_v2, &file);
    if (rc != 0) {
        log_fatal("the server key '%s' cannot be read: %s", config->tls_crypt_v2.path, err_str(rc));
        return rc;
    }
    rc = keyfile_server_parse(buf_str(&file), file.len, KEYFILE_LABEL_V2_SERVER, &server);
    buf_free(&file, true);
    if (rc != 0) {
        log_fatal("'%s' is not a tls-crypt-v2 server key; make one with --genkey tls-crypt-v2-server FILE",
                  config->tls_crypt_v2.path);
        return rc;
    }
    struct clock_now now = clock_read();
    rc = keyfile_v2_client_generate(rand_system(), &server, config->genkey.metadata, now.unix_s, &client);
    if (rc != 0) {
        log_fatal("the client key cannot be made: %s", rc == ERR_FORMAT  ? "METADATA is not base64"
                                                       : rc == ERR_LIMIT ? "METADATA is too long"
                                                                         : err_str(rc));
    } else {
        rc = keyfile_v2_client_format(&client, out);
    }
    secret_wipe(&server, sizeof(server));
    secret_wipe(&client, sizeof(client));
    return rc;
}

static int make_key(const struct config *config, struct buf *out)
{
    enum keyfile_type type;
    struct keyfile_static key;
    struct keyfile_slot slot;
    int rc = keyfile_type_find(config->genkey.type, &type);
    if (rc != 0) {
        return rc;
    }
    switch (type) {
    case KEYFILE_V2_CLIENT:
        return v2_client_key(config, out);
    case KEYFILE_SECRET:
        keyfile_static_generate(rand_system(), &key);
        rc = keyfile_static_format(&key, out);
        secret_wipe(&key, sizeof(key));
        return rc;
    default:
        keyfile_server_generate(rand_system(), &slot);
        rc = keyfile_server_format(
            &slot, type == KEYFILE_V2_SERVER ? KEYFILE_LABEL_V2_SERVER : KEYFILE_LABEL_AUTH_TOKEN, out);
        secret_wipe(&slot, sizeof(slot));
        return rc;
    }
}

static int generate_key(const struct config *config)
{
    struct buf text = BUF_INIT(KEYFILE_TEXT_MAX);
    int rc = make_key(config, &text);
    if (rc == 0) {
        rc = keyfile_write(config->genkey.path, &text);
        if (rc != 0) {
            log_fatal("the key cannot be written to '%s': %s", config->genkey.path ? config->genkey.path : "stdout",
                      err_str(rc));
        }
    }
    buf_free(&text, true);
    return rc == 0 ? 0 : 1;
}

static int test_crypto(void)
{
    struct crypto_engines *engines = NULL;
    int rc = crypto_engines_new("auto", &engines);
    if (rc != 0) {
        log_fatal("the self-test of the data ciphers failed: %s", err_str(rc));
        return 1;
    }
    log_info("Data ciphers tested against each other: %s", crypto_engines_describe(engines));
    crypto_engines_free(engines);
    return 0;
}

static int show_version(bool as_openvpn)
{
    char text[256];
    puts(standalone_title(as_openvpn, text, sizeof(text)));
    puts(standalone_libraries(text, sizeof(text)));
    return 0;
}

int standalone_run(const struct config *config, bool as_openvpn)
{
    switch (config->command) {
    case CONFIG_COMMAND_VERSION:
        return show_version(as_openvpn);
    case CONFIG_COMMAND_HELP:
        config_print_help();
        return 1;
    case CONFIG_COMMAND_GENKEY:
        return generate_key(config);
    case CONFIG_COMMAND_SHOW_CIPHERS:
        return show(cipher_show);
    case CONFIG_COMMAND_SHOW_DIGESTS:
        return show(digest_show);
    case CONFIG_COMMAND_SHOW_TLS:
        return show_tls(config);
    case CONFIG_COMMAND_SHOW_GROUPS:
        return show(tls_setup_show_groups);
    case CONFIG_COMMAND_SHOW_ENGINES:
        puts("Sorry, OpenSSL hardware crypto engine functionality is not available.");
        return 0;
    case CONFIG_COMMAND_SHOW_GATEWAY:
        return standalone_gateway(config->command_argument);
    case CONFIG_COMMAND_MKTUN:
        return standalone_persist(config, true);
    case CONFIG_COMMAND_RMTUN:
        return standalone_persist(config, false);
    case CONFIG_COMMAND_SHOW_STATUS:
        return show_status(config->command_argument);
    case CONFIG_COMMAND_TEST_CRYPTO:
        return test_crypto();
    default:
        return 1;
    }
}
