/* SPDX-License-Identifier: MIT */
#include "node/settings_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "session/wrap.h"

#define KEY_FILE_MAX 65536

/* One combination of key options; connections that say the same share it. */
struct wrap_entry {
    char *tls_auth; /* identity of the file, or NULL */
    char *tls_crypt;
    char *tls_crypt_v2;
    int direction;
    bool force_cookie;
    struct wrap_config *wrap;
};

struct settings_keys {
    unsigned refs;
    struct tls_context *tls;
    void (*tls_release)(struct tls_context *tls);
    struct wrap_entry *entries;
    size_t count;
};

/* Inline contents are their own identity; a path stands for the file as it was at load time. */
static char *file_identity(const struct config_file *file)
{
    if (!config_file_given(file)) {
        return NULL;
    }
    return file->is_inline ? mem_strndup(file->data, file->len) : mem_strdup(file->path);
}

static void forget(char **identity)
{
    if (*identity) {
        secret_wipe(*identity, strlen(*identity)); /* it may be an inline key */
        free(*identity);
        *identity = NULL;
    }
}

static void free_entry(struct wrap_entry *entry)
{
    forget(&entry->tls_auth);
    forget(&entry->tls_crypt);
    forget(&entry->tls_crypt_v2);
    wrap_config_free(entry->wrap);
}

static void identify(const struct config_connection *connection, struct wrap_entry *out)
{
    *out = (struct wrap_entry){.tls_auth = file_identity(&connection->tls_auth),
                               .tls_crypt = file_identity(&connection->tls_crypt),
                               .tls_crypt_v2 = file_identity(&connection->tls_crypt_v2),
                               .direction = connection->key_direction,
                               .force_cookie = connection->tls_crypt_v2_cookie == CONFIG_COOKIE_FORCE};
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct wrap_entry *a, const struct wrap_entry *b)
{
    return same_text(a->tls_auth, b->tls_auth) && same_text(a->tls_crypt, b->tls_crypt) &&
           same_text(a->tls_crypt_v2, b->tls_crypt_v2) && a->direction == b->direction &&
           a->force_cookie == b->force_cookie;
}

static const struct wrap_entry *find(const struct settings_keys *keys, const struct wrap_entry *wanted)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (same(&keys->entries[i], wanted)) {
            return &keys->entries[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ reading */

static int read_file(const char *option, const struct config_file *file, struct buf *out)
{
    *out = BUF_INIT(KEY_FILE_MAX);
    int r = config_file_read(file, out);
    if (r < 0) {
        log_error("Cannot read the %s file '%s': %s", option, file->path, err_str(r));
        buf_free(out, true);
        return ERR_CONFIG;
    }
    return 0;
}

static int bad_key(const char *option, const struct config_file *file, int r, const char *remedy)
{
    const char *what = r == ERR_TRUNCATED   ? "is cut off"
                       : r == ERR_NOT_FOUND ? "holds no key of this kind"
                                            : "is not a valid key file";
    log_error("%s: '%s' %s; make one with --genkey %s", option, file->path, what, remedy);
    return ERR_CONFIG;
}

static int read_static(const char *option, const struct config_file *file, struct keyfile_static *out)
{
    struct buf text;
    int r = read_file(option, file, &text);
    if (r < 0) {
        return r;
    }
    r = keyfile_static_parse(buf_str(&text), text.len, out);
    buf_free(&text, true);
    return r < 0 ? bad_key(option, file, r, option) : 0;
}

static int read_v2(const struct config_file *file, bool server, struct keyfile_slot *slot,
                   struct keyfile_v2_client *client)
{
    struct buf text;
    int r = read_file("tls-crypt-v2", file, &text);
    if (r < 0) {
        return r;
    }
    if (server) {
        r = keyfile_server_parse(buf_str(&text), text.len, KEYFILE_LABEL_V2_SERVER, slot);
    } else {
        r = keyfile_v2_client_parse(buf_str(&text), text.len, client);
    }
    buf_free(&text, true);
    return r < 0 ? bad_key("tls-crypt-v2", file, r, server ? "tls-crypt-v2-server" : "tls-crypt-v2-client") : 0;
}

/* The raw keys between reading and wrap_config_new(), which copies them into locked memory. */
struct raw_keys {
    struct keyfile_static key;
    struct keyfile_slot v2_server;
    struct keyfile_v2_client v2_client;
};

static int read_keys(const struct config *config, const struct config_connection *connection, struct raw_keys *raw,
                     struct wrap_params *params)
{
    int r = 0;
    if (config_file_given(&connection->tls_auth)) {
        params->mode = WRAP_TLS_AUTH;
        params->key = &raw->key;
        params->direction = connection->key_direction == 0   ? KEYFILE_NORMAL
                            : connection->key_direction == 1 ? KEYFILE_INVERSE
                                                             : KEYFILE_BIDIRECTIONAL;
        params->digest = config->auth ? config->auth : "SHA1";
        r = read_static("tls-auth", &connection->tls_auth, &raw->key);
    } else if (config_file_given(&connection->tls_crypt)) {
        params->mode = WRAP_TLS_CRYPT;
        params->key = &raw->key;
        r = read_static("tls-crypt", &connection->tls_crypt, &raw->key);
    }
    if (r == 0 && config_file_given(&connection->tls_crypt_v2)) {
        r = read_v2(&connection->tls_crypt_v2, params->server, &raw->v2_server, &raw->v2_client);
        if (params->server) {
            params->v2_server = &raw->v2_server;
        } else {
            params->v2_client = &raw->v2_client;
        }
        params->v2_force_cookie = connection->tls_crypt_v2_cookie == CONFIG_COOKIE_FORCE;
        params->v2_max_age_days = config->tls_crypt_v2_max_age;
    }
    return r;
}

static int load_wrap(const struct config *config, const struct config_connection *connection, struct wrap_config **out)
{
    struct raw_keys raw;
    memset(&raw, 0, sizeof(raw));
    struct wrap_params params = {.server = config->mode == CONFIG_MODE_SERVER || config->tls_server};
    int r = read_keys(config, connection, &raw, &params);
    if (r == 0) {
        r = wrap_config_new(&params, out);
        if (r == ERR_UNSUPPORTED) {
            log_error("auth %s: this digest cannot be used for tls-auth with the present OpenSSL", params.digest);
        } else if (r < 0) {
            log_error("the options tls-auth, tls-crypt and tls-crypt-v2 cannot be used together in this way");
        }
    }
    secret_wipe(&raw, sizeof(raw));
    return r < 0 ? ERR_CONFIG : 0;
}

static int add_connection(struct settings_keys *keys, const struct config *config,
                          const struct config_connection *connection)
{
    struct wrap_entry entry;
    identify(connection, &entry);
    if (find(keys, &entry)) {
        free_entry(&entry);
        return 0;
    }
    int r = load_wrap(config, connection, &entry.wrap);
    if (r < 0) {
        free_entry(&entry);
        return r;
    }
    keys->entries = mem_grow(keys->entries, keys->count + 1, sizeof(*keys->entries));
    keys->entries[keys->count++] = entry;
    return 0;
}

int settings_keys_load(const struct config *config, struct tls_context *tls, void (*tls_release)(struct tls_context *tls),
                       struct settings_keys **out)
{
    struct settings_keys *keys = mem_zalloc(sizeof(*keys));
    keys->refs = 1;
    keys->tls = tls;
    keys->tls_release = tls_release;
    int r = add_connection(keys, config, &config->top);
    for (size_t i = 0; i < config->connections.count && r == 0; i++) {
        r = add_connection(keys, config, &config->connections.items[i]);
    }
    if (r < 0) {
        settings_keys_unref(keys);
        return r;
    }
    *out = keys;
    return 0;
}

struct settings_keys *settings_keys_ref(struct settings_keys *keys)
{
    keys->refs++;
    return keys;
}

void settings_keys_unref(struct settings_keys *keys)
{
    if (!keys || --keys->refs > 0) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        free_entry(&keys->entries[i]);
    }
    free(keys->entries);
    if (keys->tls_release) {
        keys->tls_release(keys->tls);
    }
    free(keys);
}

const struct tls_context *settings_keys_tls(const struct settings_keys *keys)
{
    return keys->tls;
}

const struct wrap_config *settings_keys_wrap(const struct settings_keys *keys,
                                             const struct config_connection *connection)
{
    struct wrap_entry wanted;
    identify(connection, &wanted);
    const struct wrap_entry *entry = find(keys, &wanted);
    free_entry(&wanted);
    return entry ? entry->wrap : NULL;
}
