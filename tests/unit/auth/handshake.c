/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "session/tls.h"

static struct buf lines;

static void collect(void *arg, enum log_severity severity, const char *line)
{
    (void)arg;
    (void)severity;
    buf_printf(&lines, "%s\n", line);
}

const char *scene_log(void)
{
    return buf_str(&lines);
}

void scene_log_reset(void)
{
    buf_reset(&lines);
}

char *scene_keep(struct scene *s, char *text)
{
    cr_assert_lt(s->count, 16);
    s->texts[s->count++] = text;
    return text;
}

void scene_use(struct scene *s, struct config *config, const struct test_cert *c)
{
    config->cert = test_inline(scene_keep(s, test_cert_pem(c)));
    config->key = test_inline(scene_keep(s, test_key_pem(c, NULL)));
}

void scene_open(struct scene *s)
{
    static struct config_text cn = {"CN"};
    *s = (struct scene){0};
    s->ca = test_cert_make(NULL, &(struct test_cert_plan){.subject = "C=DE,O=Spec Org,CN=TestCA", .ca = true});
    s->server = test_cert_make(&s->ca, &(struct test_cert_plan){.subject = "C=DE,O=Spec Org,CN=server1",
                                                                .extensions = {"keyUsage=digitalSignature",
                                                                               "extendedKeyUsage=serverAuth"}});
    s->client = test_cert_make(&s->ca, &(struct test_cert_plan){.subject = "C=DE,O=Spec Org,OU=unit,CN=client1",
                                                                .extensions = {"keyUsage=digitalSignature",
                                                                               "extendedKeyUsage=clientAuth"}});
    struct config *both[] = {&s->server_config, &s->client_config};
    for (int i = 0; i < 2; i++) {
        both[i]->ca = test_inline(scene_keep(s, test_cert_pem(&s->ca)));
        both[i]->x509_username_field = (struct config_text_list){&cn, 1, 1};
        both[i]->tls_version_min.version = CONFIG_TLS_1_2;
        both[i]->tls_cert_profile = CONFIG_PROFILE_LEGACY;
    }
    scene_use(s, &s->server_config, &s->server);
    scene_use(s, &s->client_config, &s->client);
    s->seen_by_server = auth_peer_new("10.0.0.1:5000");
    s->seen_by_client = auth_peer_new(NULL);
    struct log_settings settings = log_settings_get();
    settings.verb = 4;
    log_settings_set(&settings);
    lines = BUF_INIT(65536);
    log_listener_set(collect, NULL);
}

void scene_close(struct scene *s)
{
    log_listener_set(NULL, NULL);
    buf_free(&lines, false);
    for (int i = 0; i < s->count; i++) {
        free(s->texts[i]);
    }
    auth_peer_free(s->seen_by_server);
    auth_peer_free(s->seen_by_client);
    test_cert_free(&s->ca);
    test_cert_free(&s->server);
    test_cert_free(&s->client);
}

static void carry(struct tls *from, struct tls *to)
{
    uint8_t block[4096];
    for (size_t n; (n = tls_output(from, block, sizeof(block))) > 0;) {
        cr_assert_eq(tls_input(to, block, n), 0);
    }
}

bool scene_handshake(struct scene *s)
{
    struct tls_setup *server = NULL;
    struct tls_setup *client = NULL;
    struct tls_setup_request server_request = {.config = &s->server_config, .server = true};
    struct tls_setup_request client_request = {.config = &s->client_config};
    cr_assert_eq(tls_setup_new(&server_request, &server), 0, "%s", scene_log());
    cr_assert_eq(tls_setup_new(&client_request, &client), 0, "%s", scene_log());
    struct tls *a = tls_new(tls_setup_context(server), true, s->seen_by_server);
    struct tls *b = tls_new(tls_setup_context(client), false, s->seen_by_client);
    int err_a = 0;
    int err_b = 0;
    for (int i = 0; i < 12; i++) {
        err_b = err_b ? err_b : tls_handshake(b);
        carry(b, a);
        err_a = err_a ? err_a : tls_handshake(a);
        carry(a, b);
    }
    uint8_t *record = malloc(TLS_RECORD_MAX);
    bool ok = !err_a && !err_b && tls_established(a) && tls_established(b) && tls_read(b, record) == 0;
    free(record);
    tls_free(a);
    tls_free(b);
    tls_setup_release(tls_setup_context(server));
    tls_setup_free(client);
    return ok;
}

/* What the configuration layer does for inline blocks; its own functions take precedence where they are linked. */
__attribute__((weak)) bool config_file_given(const struct config_file *file)
{
    return file->path != NULL;
}

__attribute__((weak)) int config_file_read(const struct config_file *file, struct buf *out)
{
    if (file->is_inline) {
        return buf_append(out, file->data, file->len);
    }
    FILE *f = fopen(file->path, "re");
    if (!f) {
        return -2;
    }
    char block[4096];
    int err = 0;
    for (size_t n; !err && (n = fread(block, 1, sizeof(block), f)) > 0;) {
        err = buf_append(out, block, n);
    }
    fclose(f);
    return err;
}
