/* SPDX-License-Identifier: MIT */

/* Names and extensions of a certificate that OpenSSL could decode. */
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "auth/cert.h"
#include "base/mem.h"
#include "config/config_types.h"
#include "fuzz.h"
#include "hooks/env.h"

static void printable(const char *text)
{
    for (; *text; text++) {
        FUZZ_REQUIRE((unsigned char)*text >= 0x20 && *text != 0x7f);
    }
}

static void names(X509 *cert)
{
    static const char *const fields[] = {"CN", "ext:subjectAltName", "serialNumber", "emailAddress"};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct config_text field = {.text = (char *)(uintptr_t)fields[i]};
        struct config_text_list list = {.items = &field, .count = 1};
        char name[65];
        if (!cert_username(cert, &list, name, sizeof(name))) {
            FUZZ_REQUIRE(strlen(name) < sizeof(name));
            printable(name);
        }
    }
    char *subject = cert_subject(cert);
    if (subject) {
        printable(subject);
    }
    free(subject);
    char hex[CERT_SERIAL_HEX_MAX];
    (void)cert_serial_hex(cert, hex);
    free(cert_serial_decimal(cert));
}

static void extensions(X509 *cert)
{
    struct config_key_usage any = {0};
    uint32_t found;
    (void)cert_has_key_usage(cert, &any, &found);
    (void)cert_has_extended_key_usage(cert, "TLS Web Client Authentication", "fuzz");
    (void)cert_is_type(cert, CONFIG_PEER_CLIENT);
    (void)cert_not_after(cert);
    static const char *const attributes[] = {"CN", "emailAddress", "subjectAltName", "extendedKeyUsage"};
    struct config_x509_track items[4];
    struct config_x509_track_list tracked = {.items = items};
    for (; tracked.count < 4; tracked.count++) {
        items[tracked.count] = (struct config_x509_track){.attribute = (char *)(uintptr_t)attributes[tracked.count]};
    }
    for (size_t count = 0; count <= 4; count += 4) {
        struct env env = {0};
        tracked.count = count;
        cert_export(cert, 0, &tracked, &env);
        env_free(&env);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *cert = d2i_X509(NULL, &at, (long)size);
    if (cert) {
        names(cert);
        extensions(cert);
        X509_free(cert);
    }
    return 0;
}
