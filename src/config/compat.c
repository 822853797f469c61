/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/arena.h"
#include "config/validate.h"
#include "crypto/cipher.h"
#include "crypto/provider.h"

#define VERSION_2_3_7 20307
#define VERSION_2_4 20400
#define VERSION_2_5 20500
#define VERSION_2_6 20600

static bool older_than(const struct config *c, unsigned version)
{
    return c->compat_mode && c->compat_mode < version;
}

/* What peers of that version need (client behaviour 13). */
static void old_peers(struct check *k)
{
    struct config *c = k->c;
    if (older_than(c, VERSION_2_3_7) && !check_given(k, CONFIG_OPT_tls_version_min)) {
        c->tls_version_min = (struct config_tls_min){.version = CONFIG_TLS_1_0};
    }
    if (older_than(c, VERSION_2_4) && !c->data_ciphers_fallback) {
        c->data_ciphers_fallback = arena_strdup(c->arena, c->cipher ? c->cipher : "BF-CBC");
    }
    if (older_than(c, VERSION_2_5) && c->cipher && !cipher_list_contains(c->data_ciphers, c->cipher)) {
        c->data_ciphers = arena_printf(c->arena, "%s:%s", c->data_ciphers, c->cipher);
    }
    if (older_than(c, VERSION_2_6) && !check_given(k, CONFIG_OPT_allow_compression)) {
        c->allow_compression = CONFIG_COMPRESSION_ASYM;
    }
}

void compat_load_providers(struct check *k)
{
    for (size_t i = 0; i < k->c->providers.count; i++) {
        const char *names[] = {k->c->providers.items[i].text, NULL};
        const char *bad = NULL;
        if (provider_load(names, &bad) != 0) {
            check_error(k, "providers: OpenSSL has no provider '%s'", bad);
        }
    }
}

static void data_ciphers(struct check *k)
{
    struct config *c = k->c;
    char list[CIPHER_LIST_MAX + 1];
    char bad[CIPHER_NAME_MAX] = "";
    int rc = cipher_list_normalise(c->data_ciphers, list, bad);
    if (rc != 0) {
        check_error(k, "--data-ciphers list contains unsupported ciphers or is too long.%s%s", *bad ? " Unknown here: " : "",
                    bad);
        return;
    }
    c->data_ciphers = arena_strdup(c->arena, list);
    if (c->cipher && !cipher_list_contains(list, c->cipher) && strcasecmp(c->cipher, "none") != 0) {
        const struct cipher_info *known = cipher_find(c->cipher);
        if (!known || !cipher_list_contains(list, known->name)) {
            check_note(k, "DEPRECATED OPTION: --cipher set to '%s' but missing in --data-ciphers (%s). OpenVPN ignores "
                          "--cipher for cipher negotiations. ", c->cipher, list);
        }
    }
}

/* What cannot work is said now: it would be missed only when a peer needs it. */
static void algorithms(struct check *k)
{
    struct config *c = k->c;
    const struct cipher_info *fallback = c->data_ciphers_fallback ? cipher_find(c->data_ciphers_fallback) : NULL;
    const struct digest_info *digest = digest_find(c->auth);
    if (c->cipher && !cipher_find(c->cipher)) {
        check_error(k, "cipher: the cipher '%s' is unknown; --show-ciphers lists those that work", c->cipher);
    }
    if (c->data_ciphers_fallback && !fallback) {
        check_error(k, "data-ciphers-fallback: the cipher '%s' is unknown; --show-ciphers lists those that work",
                    c->data_ciphers_fallback);
    } else if (fallback && !cipher_available(fallback) && !check_given(k, CONFIG_OPT_data_ciphers_fallback)) {
        c->data_ciphers_fallback = NULL; /* compat-mode's: peers that negotiate do not need it */
    } else if (fallback && !cipher_available(fallback)) {
        check_error(k, "data-ciphers-fallback: OpenSSL cannot do %s here; old ciphers need 'providers legacy default'",
                    fallback->name);
    }
    if (!digest) {
        check_error(k, "auth: the digest '%s' is unknown; --show-digests lists those that work", c->auth);
    } else if (!digest_available(digest)) {
        check_error(k, "auth: OpenSSL cannot do %s here; old digests need 'providers legacy default'", digest->name);
    }
}

static void tls_versions(struct check *k)
{
    struct config *c = k->c;
    enum config_tls_version max = c->tls_version_max;
    if (max == CONFIG_TLS_UNSET || c->tls_version_min.version <= max) {
        return;
    }
    if (check_given(k, CONFIG_OPT_tls_version_min)) {
        check_error(k, "--tls-version-min bigger than --tls-version-max");
    } else {
        c->tls_version_min.version = max;
    }
}

void compat_apply(struct check *k)
{
    struct config *c = k->c;
    old_peers(k);
    compat_load_providers(k);
    data_ciphers(k);
    algorithms(k);
    tls_versions(k);
    if (!c->reneg_sec_min || c->reneg_sec_min > c->reneg_sec) {
        /* Servers spread renegotiations, so that all clients of a restart do not come at once. */
        c->reneg_sec_min = c->mode == CONFIG_MODE_SERVER ? c->reneg_sec / 10 * 9 : c->reneg_sec;
    }
    if (!c->tmp_dir) {
        const char *env = getenv("TMPDIR");
        c->tmp_dir = arena_strdup(c->arena, env && *env ? env : "/tmp");
    }
    if (c->compress != CONFIG_COMPRESS_OFF && c->allow_compression == CONFIG_COMPRESSION_YES) {
        check_warning(k, "compression together with encryption can reveal contents to an eavesdropper (VORACLE); "
                         "allow-compression asym only receives compressed packets");
    }
}
