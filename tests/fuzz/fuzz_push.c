/* SPDX-License-Identifier: MIT */

/* Options that a server pushes to a client, and lines that a hook returns to a server. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "fuzz.h"

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
    config_free(clone);
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
    push(text);
    client_lines(text);
    free(text);
    return 0;
}
