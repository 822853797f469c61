/* SPDX-License-Identifier: MIT */

/* Options that a server pushes to a client, the messages that they come in, what becomes of their DNS settings; and
 * lines that a hook returns to a server. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/pull.h"
#include "config/config.h"
#include "fuzz.h"
#include "node/dns_settings.h"

static void quiet(void *arg, enum config_level level, const char *text)
{
    (void)arg;
    (void)level;
    FUZZ_REQUIRE(text[0]);
}

static const struct config_reporter reporter = {.line = quiet};

static char fingerprint[] = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

static struct config *load(const char *words)
{
    char *line = strdup(words);
    char *argv[32];
    int argc = 0;
    for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc++] = (char *)(uintptr_t)"--peer-fingerprint";
    argv[argc++] = fingerprint;
    argv[argc] = NULL;
    struct config *config = NULL;
    FUZZ_REQUIRE(config_load(argc, argv, &reporter, false, &config) == 0);
    free(line);
    return config;
}

/* One configuration of each role for all inputs: reading it again each time would be most of the work. */
static const struct config *base_config(bool server)
{
    static struct config *configs[2];
    if (!configs[server]) {
        configs[server] = load(server ? "vpnd --dev tun --server 10.8.0.0 255.255.255.0 --dh none --cert /dev/null "
                                        "--key /dev/null"
                                      : "vpnd --client --dev tun --remote 192.0.2.1 --cert /dev/null --key /dev/null");
    }
    return configs[server];
}

static void dns(const struct config *config)
{
    static struct dns_settings settings;
    struct buf text = BUF_INIT(65536);
    if (dns_settings_fill(config, "tun0", 1, &settings)) {
        FUZZ_REQUIRE(dns_settings_are_sane(&settings));
        for (unsigned abilities = 0; abilities < 8; abilities++) {
            dns_settings_describe(&settings, dns_settings_choose(&settings, abilities), &text);
        }
    }
    buf_free(&text, false);
}

static void push(const char *text)
{
    struct config *clone = config_clone(base_config(false));
    struct config_push_update update = {0};
    char *copy = strdup(text);
    char *rest = copy;
    unsigned index = 1;
    for (char *line = strsep(&rest, ","); line; line = strsep(&rest, ",")) {
        (void)config_push_apply(clone, index, line, &reporter);
        (void)config_push_update_apply(clone, &update, index++, line, &reporter);
        (void)config_push_in_digest(line, false);
    }
    free(copy);
    dns(clone);
    config_free(clone);
}

/* Twice: the second message goes on with the first, or begins anew. */
static void messages(const char *text)
{
    struct cmd message = cmd_parse(text);
    if (message.type == CMD_PUSH_REPLY || message.type == CMD_PUSH_UPDATE) {
        struct pull pull;
        struct pull_print print = {0};
        pull_init(&pull);
        for (int turn = 0; turn < 2; turn++) {
            if (pull_add(&pull, &message) == PULL_COMPLETE) {
                pull_print_take(&print, &pull, true);
                FUZZ_REQUIRE(pull_print_equal(&print, &print));
                pull_print_free(&print);
            }
        }
        pull_free(&pull);
    }
    free(pull_redact(text));
}

static void client_lines(const char *text)
{
    struct config_client *client = config_client_new(base_config(true));
    char *copy = strdup(text);
    char *rest = copy;
    unsigned number = 1;
    for (char *line = strsep(&rest, "\n,"); line; line = strsep(&rest, "\n,")) {
        (void)config_client_apply(client, "input", number++, line, &reporter);
    }
    free(copy);
    config_client_free(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    log_settings_set(&(struct log_settings){.verb = 0});
    push(text);
    messages(text);
    client_lines(text);
    free(text);
    return 0;
}
