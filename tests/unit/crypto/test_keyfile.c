/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "crypto/keyfile.h"
#include "vectors.h"

Test(keyfile, static_key_vector)
{
    json_t *root = vectors_load("control_static_key.json");
    json_t *slots = json_object_get(root, "slots");
    const char *file = vectors_text(root, "file");
    struct keyfile_static key;
    cr_assert_eq(keyfile_static_parse(file, strlen(file), &key), 0);
    vectors_expect(root, "bytes", (const uint8_t *)&key, sizeof(key));
    vectors_expect(slots, "cipher1", key.slot[1].cipher, 64);
    vectors_expect(slots, "hmac0", key.slot[0].hmac, 64);
    struct buf text = BUF_INIT(KEYFILE_TEXT_MAX);
    cr_assert_eq(keyfile_static_format(&key, &text), 0);
    cr_assert_str_eq(buf_str(&text), file);
    cr_assert_eq(keyfile_slot_out(&key, KEYFILE_BIDIRECTIONAL), &key.slot[0]);
    cr_assert_eq(keyfile_slot_in(&key, KEYFILE_BIDIRECTIONAL), &key.slot[0]);
    cr_assert_eq(keyfile_slot_out(&key, KEYFILE_NORMAL), &key.slot[0]);
    cr_assert_eq(keyfile_slot_in(&key, KEYFILE_NORMAL), &key.slot[1]);
    cr_assert_eq(keyfile_slot_out(&key, KEYFILE_INVERSE), &key.slot[1]);
    cr_assert_eq(keyfile_slot_in(&key, KEYFILE_INVERSE), &key.slot[0]);
    buf_free(&text, true);
    json_decref(root);
}

static int parse_changed(const char *file, size_t at, char c, size_t len)
{
    struct keyfile_static key;
    char *copy = strdup(file);
    copy[at] = c;
    int err = keyfile_static_parse(copy, len, &key);
    free(copy);
    return err;
}

Test(keyfile, static_key_negative)
{
    json_t *root = vectors_load("control_static_key.json");
    const char *file = vectors_text(root, "file");
    size_t len = strlen(file);
    size_t hex = (size_t)(strstr(file, "V1-----\n") + 8 - file);
    struct keyfile_static key;
    cr_assert_eq(parse_changed(file, hex, 'g', len), ERR_FORMAT);
    cr_assert_eq(parse_changed(file, hex, '\0', len), ERR_FORMAT);
    cr_assert_eq(parse_changed(file, hex, ' ', len), ERR_TRUNCATED);
    cr_assert_eq(parse_changed(file, hex - 3, '!', len), ERR_FORMAT);
    for (size_t cut = 0; cut < len - 2; cut++) {
        cr_assert_lt(keyfile_static_parse(file, cut, &key), 0);
    }
    cr_assert_eq(keyfile_static_parse("", 0, &key), ERR_FORMAT);
    cr_assert_eq(keyfile_static_parse(NULL, 0, &key), ERR_FORMAT);
    json_decref(root);
}

Test(keyfile, v2_vectors)
{
    json_t *root = vectors_load("control_tls_crypt_v2.json");
    struct keyfile_slot server;
    struct keyfile_static want_kc;
    const char *pem = vectors_text(root, "server_key_pem");
    cr_assert_eq(keyfile_server_parse(pem, strlen(pem), KEYFILE_LABEL_V2_SERVER, &server), 0);
    vectors_expect(root, "server_key", (const uint8_t *)&server, sizeof(server));
    cr_assert_eq(keyfile_server_parse(pem, strlen(pem), KEYFILE_LABEL_AUTH_TOKEN, &server), ERR_NOT_FOUND);
    vectors_hex(root, "Kc", (uint8_t *)&want_kc, sizeof(want_kc));
    struct buf text = BUF_INIT(KEYFILE_TEXT_MAX);
    cr_assert_eq(keyfile_server_format(&server, KEYFILE_LABEL_V2_SERVER, &text), 0);
    cr_assert_str_eq(buf_str(&text), pem);
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(root, "wrapped"), i, v) {
        struct keyfile_v2_client client;
        struct keyfile_static kc;
        uint8_t metadata[KEYFILE_METADATA_MAX];
        uint8_t wkc[KEYFILE_WKC_MAX];
        pem = vectors_text(v, "client_key_pem");
        cr_assert_eq(keyfile_v2_client_parse(pem, strlen(pem), &client), 0);
        vectors_expect(v, "WKc", client.wkc, client.wkc_len);
        int n = keyfile_unwrap(&server, client.wkc, client.wkc_len, &kc, metadata);
        cr_assert_geq(n, 0);
        vectors_expect(v, "metadata", metadata, (size_t)n);
        cr_assert(memcmp(&kc, &want_kc, sizeof(kc)) == 0);
        n = keyfile_wrap(&server, &kc, metadata, (size_t)n, wkc);
        cr_assert_eq((size_t)n, client.wkc_len);
        cr_assert(memcmp(wkc, client.wkc, (size_t)n) == 0);
        buf_reset(&text);
        cr_assert_eq(keyfile_v2_client_format(&client, &text), 0);
        cr_assert_str_eq(buf_str(&text), pem);
    }
    buf_free(&text, true);
    json_decref(root);
}

Test(keyfile, unwrap_negative)
{
    struct rand_seeded rand;
    struct keyfile_slot server;
    struct keyfile_v2_client client;
    struct keyfile_static kc;
    uint8_t metadata[KEYFILE_METADATA_MAX];
    rand_seeded_init(&rand, 5);
    keyfile_server_generate(&rand.source, &server);
    cr_assert_eq(keyfile_v2_client_generate(&rand.source, &server, NULL, 1700000000, &client), 0);
    cr_assert_eq(client.wkc_len, 299);
    cr_assert_eq(keyfile_unwrap(&server, client.wkc, client.wkc_len, &kc, metadata), 9);
    cr_assert_eq(metadata[0], KEYFILE_METADATA_TIME);
    cr_assert(memcmp(&kc, &client.kc, sizeof(kc)) == 0);
    for (size_t i = 0; i < client.wkc_len; i++) {
        client.wkc[i] ^= 0x10;
        cr_assert_lt(keyfile_unwrap(&server, client.wkc, client.wkc_len, &kc, metadata), 0, "byte %zu", i);
        client.wkc[i] ^= 0x10;
    }
    cr_assert_eq(keyfile_unwrap(&server, client.wkc, 289, &kc, metadata), ERR_FORMAT);
    cr_assert_eq(keyfile_unwrap(&server, client.wkc, 0, &kc, metadata), ERR_FORMAT);
    cr_assert_eq(keyfile_v2_client_generate(&rand.source, &server, "c2VyaWFs", 0, &client), 0);
    cr_assert_eq(keyfile_unwrap(&server, client.wkc, client.wkc_len, &kc, metadata), 7);
    cr_assert(memcmp(metadata, "\0serial", 7) == 0);
    cr_assert_eq(keyfile_v2_client_generate(&rand.source, &server, "!!", 0, &client), ERR_FORMAT);
    char large[1200];
    memset(large, 'A', sizeof(large));
    large[980] = '\0';
    cr_assert_eq(keyfile_v2_client_generate(&rand.source, &server, large, 0, &client), ERR_LIMIT);
}

Test(keyfile, pem_negative)
{
    struct keyfile_slot server;
    struct keyfile_v2_client client;
    const char *cases[] = {"", "-----BEGIN OpenVPN tls-crypt-v2 client key-----\nAAAA",
                           "-----BEGIN OpenVPN tls-crypt-v2 client key-----\nAAAA\n"
                           "-----END OpenVPN tls-crypt-v2 client key-----\n",
                           "-----BEGIN OpenVPN tls-crypt-v2 client key-----\n*\n"
                           "-----END OpenVPN tls-crypt-v2 client key-----\n"};
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(keyfile_v2_client_parse(cases[i], strlen(cases[i]), &client), i ? ERR_FORMAT : ERR_NOT_FOUND);
    }
    const char *small = "-----BEGIN OpenVPN auth-token server key-----\nAAAA\n-----END OpenVPN auth-token server key-----\n";
    cr_assert_eq(keyfile_server_parse(small, strlen(small), KEYFILE_LABEL_AUTH_TOKEN, &server), ERR_FORMAT);
}

Test(keyfile, genkey_types)
{
    enum keyfile_type type;
    cr_assert(keyfile_type_find("secret", &type) == 0 && type == KEYFILE_SECRET);
    cr_assert(keyfile_type_find("tls-crypt", &type) == 0 && type == KEYFILE_SECRET);
    cr_assert(keyfile_type_find("tls-crypt-v2-client", &type) == 0 && type == KEYFILE_V2_CLIENT);
    cr_assert(keyfile_type_find("auth-token", &type) == 0 && type == KEYFILE_AUTH_TOKEN);
    cr_assert_eq(keyfile_type_find("tls", &type), ERR_NOT_FOUND);
}

Test(keyfile, write_is_private)
{
    char path[] = "/tmp/vpnd-keyfile-XXXXXX";
    char file[64];
    struct stat st;
    cr_assert_not_null(mkdtemp(path));
    snprintf(file, sizeof(file), "%s/key", path);
    struct buf text = BUF_INIT(100);
    buf_printf(&text, "hello\n");
    cr_assert_eq(keyfile_write(file, &text), 0);
    cr_assert_eq(stat(file, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(st.st_size, 6);
    cr_assert_eq(keyfile_write("/nonexistent/dir/key", &text), -ENOENT);
    cr_assert_eq(chmod(file, 0644), 0);
    cr_assert_eq(keyfile_write(file, &text), 0);
    cr_assert_eq(stat(file, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600, "an older file that others may read");
    unlink(file);
    rmdir(path);
    buf_free(&text, false);
}

Test(keyfile, write_removes_only_its_own_file)
{
    char path[] = "/tmp/vpnd-keyfile-XXXXXX";
    char file[64];
    struct stat st;
    cr_assert_not_null(mkdtemp(path));
    snprintf(file, sizeof(file), "%s/device", path);
    cr_assert_eq(symlink("/dev/full", file), 0);
    struct buf text = BUF_INIT(100);
    buf_printf(&text, "hello\n");
    cr_assert_eq(keyfile_write(file, &text), -ENOSPC);
    cr_assert_eq(lstat(file, &st), 0, "a device that takes nothing was removed");
    unlink(file);
    rmdir(path);
    buf_free(&text, false);
}
