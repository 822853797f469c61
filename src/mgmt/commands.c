/* SPDX-License-Identifier: MIT */
#include "mgmt/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"

/* In which mode a command means something. */
enum where { EVERYWHERE, ON_SERVER, ON_CLIENT };

struct command {
    const char *name;
    unsigned min_arguments;
    bool exact;        /* for the wording of the complaint about too few */
    enum where where;
    const char *wrong_mode_name; /* as the complaint spells it; NULL: @name */
    void (*run)(struct mgmt_connection *c, const struct token_line *words);
};

void command_reply(struct mgmt_connection *c, bool good, const char *success, const char *error)
{
    connection_printf(c, "%s: %s\r\n", good ? "SUCCESS" : "ERROR", good ? success : error);
}

const char *command_word(const struct token_line *words, size_t i)
{
    return i < words->count ? words->text[i] : NULL;
}

bool command_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    if (!text || *text < '0' || *text > '9') {
        return false;
    }
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return errno == 0 && *end == 0 && v <= max;
}

long long command_loose_number(const char *text)
{
    return text ? strtoll(text, NULL, 10) : 0;
}

bool command_scan_number(const char *text, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return end != text;
}

bool command_on_server(const struct mgmt *m)
{
    return m->host->kill_name != NULL;
}

void command_refuse_mode(struct mgmt_connection *c, const char *command)
{
    connection_printf(c, "ERROR: The '%s' command is not supported by the current daemon mode\r\n", command);
}

void command_refuse_count(struct mgmt_connection *c, const char *command, unsigned wanted, bool exact)
{
    connection_printf(c, "ERROR: the '%s' command requires %s%u parameter%s\r\n", command, exact ? "" : "at least ",
                      wanted, wanted > 1 ? "s" : "");
}

/* ------------------------------------------------------------------ table */

static void cmd_help(struct mgmt_connection *c, const struct token_line *words);

static const struct command commands[] = {
    {"help", 0, true, EVERYWHERE, NULL, cmd_help},
    {"version", 0, true, EVERYWHERE, NULL, cmd_version},
    {"pid", 0, true, EVERYWHERE, NULL, cmd_pid},
    {"nclients", 0, true, ON_SERVER, NULL, cmd_nclients},
    {"load-stats", 0, true, EVERYWHERE, NULL, cmd_load_stats},
    {"env-filter", 0, true, EVERYWHERE, NULL, cmd_env_filter},
    {"signal", 1, true, EVERYWHERE, NULL, cmd_signal},
    {"status", 0, true, EVERYWHERE, NULL, cmd_status},
    {"kill", 1, true, ON_SERVER, NULL, cmd_kill},
    {"verb", 0, true, EVERYWHERE, NULL, cmd_verb},
    {"mute", 0, true, EVERYWHERE, NULL, cmd_mute},
    {"auth-retry", 0, true, EVERYWHERE, NULL, cmd_auth_retry},
    {"state", 0, true, EVERYWHERE, NULL, cmd_state},
    {"log", 1, false, EVERYWHERE, NULL, cmd_log},
    {"echo", 1, false, EVERYWHERE, NULL, cmd_echo},
    {"username", 2, true, EVERYWHERE, NULL, cmd_username},
    {"password", 2, true, EVERYWHERE, NULL, cmd_password},
    {"forget-passwords", 0, true, EVERYWHERE, NULL, cmd_forget_passwords},
    {"needok", 2, true, EVERYWHERE, NULL, cmd_needok},
    {"needstr", 2, true, EVERYWHERE, NULL, cmd_needstr},
    {"cr-response", 1, true, ON_CLIENT, "cr-repsonse", cmd_cr_response},
    {"net", 0, true, EVERYWHERE, NULL, cmd_net},
    {"hold", 0, true, EVERYWHERE, NULL, cmd_hold},
    {"bytecount", 1, true, EVERYWHERE, NULL, cmd_bytecount},
    {"client-kill", 1, false, EVERYWHERE, NULL, cmd_client_kill},
    {"client-deny", 3, false, EVERYWHERE, NULL, cmd_client_deny},
    {"client-auth-nt", 2, true, EVERYWHERE, NULL, cmd_client_auth_nt},
    {"client-auth", 2, true, EVERYWHERE, NULL, cmd_client_auth},
    {"client-pending-auth", 4, true, EVERYWHERE, NULL, cmd_client_pending_auth},
    {"rsa-sig", 0, true, EVERYWHERE, NULL, cmd_rsa_sig},
    {"pk-sig", 0, true, EVERYWHERE, NULL, cmd_pk_sig},
    {"certificate", 0, true, EVERYWHERE, NULL, cmd_certificate},
    {"pkcs11-id-count", 0, true, EVERYWHERE, NULL, cmd_pkcs11_count},
    {"pkcs11-id-get", 1, true, EVERYWHERE, NULL, cmd_pkcs11_get},
    {"proxy", 1, false, ON_CLIENT, NULL, cmd_proxy},
    {"remote", 1, false, ON_CLIENT, NULL, cmd_remote},
    {"remote-entry-count", 0, true, ON_CLIENT, NULL, cmd_remote_count},
    {"remote-entry-get", 1, false, ON_CLIENT, NULL, cmd_remote_get},
    {"push-update-broad", 1, true, ON_SERVER, NULL, cmd_push_update_broad},
    {"push-update-cid", 2, true, ON_SERVER, NULL, cmd_push_update_cid},
    {"test", 1, true, EVERYWHERE, NULL, cmd_test},
    {"exit", 0, true, EVERYWHERE, NULL, cmd_exit},
    {"quit", 0, true, EVERYWHERE, NULL, cmd_exit},
};

/* The list of OpenVPN 2.6, which programs show to people as it is. */
static const char help_text[] =
    "Commands:\r\n"
    "auth-retry t           : Auth failure retry mode (none,interact,nointeract).\r\n"
    "bytecount n            : Show bytes in/out, update every n secs (0=off).\r\n"
    "echo [on|off] [N|all]  : Like log, but only show messages in echo buffer.\r\n"
    "cr-response response   : Send a challenge response answer via CR_RESPONSE to server\r\n"
    "exit|quit              : Close management session.\r\n"
    "forget-passwords       : Forget passwords entered so far.\r\n"
    "help                   : Print this message.\r\n"
    "hold [on|off|release]  : Set/show hold flag to on/off state, or\r\n"
    "                         release current hold and start tunnel.\r\n"
    "kill cn                : Kill the client instance(s) having common name cn.\r\n"
    "kill IP:port           : Kill the client instance connecting from IP:port.\r\n"
    "load-stats             : Show global server load stats.\r\n"
    "log [on|off] [N|all]   : Turn on/off realtime log display\r\n"
    "                         + show last N lines or 'all' for entire history.\r\n"
    "mute [n]               : Set log mute level to n, or show level if n is absent.\r\n"
    "needok type action     : Enter confirmation for NEED-OK request of 'type',\r\n"
    "                         where action = 'ok' or 'cancel'.\r\n"
    "needstr type action    : Enter confirmation for NEED-STR request of 'type',\r\n"
    "                         where action is reply string.\r\n"
    "net                    : (Windows only) Show network info and routing table.\r\n"
    "password type p        : Enter password p for a queried OpenVPN password.\r\n"
    "remote type [host port] : Override remote directive, type=ACCEPT|MOD|SKIP.\r\n"
    "remote-entry-count     : Get number of available remote entries.\r\n"
    "remote-entry-get  i|all [j]: Get remote entry at index = i to to j-1 or all.\r\n"
    "proxy type [host port flags] : Enter dynamic proxy server info.\r\n"
    "pid                    : Show process ID of the current OpenVPN process.\r\n"
    "pkcs11-id-count        : Get number of available PKCS#11 identities.\r\n"
    "pkcs11-id-get index    : Get PKCS#11 identity at index.\r\n"
    "client-auth CID KID    : Authenticate client-id/key-id CID/KID (MULTILINE)\r\n"
    "client-auth-nt CID KID : Authenticate client-id/key-id CID/KID\r\n"
    "client-deny CID KID R [CR] : Deny auth client-id/key-id CID/KID with log reason\r\n"
    "                             text R and optional client reason text CR\r\n"
    "client-pending-auth CID KID MSG timeout : Instruct OpenVPN to send AUTH_PENDING and INFO_PRE msg\r\n"
    "                                      to the client and wait for a final client-auth/client-deny\r\n"
    "client-kill CID [M]    : Kill client instance CID with message M (def=RESTART)\r\n"
    "env-filter [level]     : Set env-var filter level\r\n"
    "rsa-sig                : Enter a signature in response to >RSA_SIGN challenge\r\n"
    "                         Enter signature base64 on subsequent lines followed by END\r\n"
    "pk-sig                 : Enter a signature in response to >PK_SIGN challenge\r\n"
    "                         Enter signature base64 on subsequent lines followed by END\r\n"
    "certificate            : Enter a client certificate in response to >NEED-CERT challenge\r\n"
    "                         Enter certificate base64 on subsequent lines followed by END\r\n"
    "signal s               : Send signal s to daemon,\r\n"
    "                         s = SIGHUP|SIGTERM|SIGUSR1|SIGUSR2.\r\n"
    "state [on|off] [N|all] : Like log, but show state history.\r\n"
    "status [n]             : Show current daemon status info using format #n.\r\n"
    "test n                 : Produce n lines of output for testing/debugging.\r\n"
    "username type u        : Enter username u for a queried OpenVPN username.\r\n"
    "verb [n]               : Set log verbosity level to n, or show if n is absent.\r\n"
    "version [n]            : Set client's version to n or show current version of daemon.\r\n"
    "END\r\n";

/* What 2.7 added, and before which line. */
static const struct {
    const char *before;
    const char *lines;
} help_added[] = {
    {"remote type",
     "password type          : (version >=5) Enter password base64-encoded on\r\n"
     "                         subsequent lines followed by END.\r\n"},
    {"END",
     "push-update-broad options : Broadcast a message to update the specified options.\r\n"
     "                            Ex. push-update-broad \"route something, -dns\"\r\n"
     "push-update-cid CID options : Send an update message to the client identified by CID.\r\n"},
};

static void cmd_help(struct mgmt_connection *c, const struct token_line *words)
{
    (void)words;
    const char *at = help_text;
    connection_printf(c, "Management Interface for %s\r\n", c->mgmt->title);
    for (size_t i = 0; c->version >= 6 && i < sizeof(help_added) / sizeof(help_added[0]); i++) {
        char line[40] = "\n";
        strcat(line, help_added[i].before);
        const char *next = strstr(at, line) + 1;
        connection_write(c, at, (size_t)(next - at));
        connection_write(c, help_added[i].lines, strlen(help_added[i].lines));
        at = next;
    }
    connection_write(c, at, strlen(at));
}

/* Whatever is put around its name; @words may be fewer than there are, when the line cannot be split. */
static const char *secret_command(const char *line, const struct token_line *words)
{
    static const char *const secret[] = {"password", "cr-response"};
    line += strspn(line, " \"'");
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        if (strncmp(line, secret[i], strlen(secret[i])) == 0 ||
            (words->count && strcmp(words->text[0], secret[i]) == 0)) {
            return secret[i];
        }
    }
    return NULL;
}

static void log_command(const char *line, const struct token_line *words)
{
    const char *secret = secret_command(line, words);
    if (secret) {
        log_write(LOG_SEV_DEBUG, 3, NULL, "MANAGEMENT: CMD '%s [...]'", secret);
    } else if (strcmp(line, "load-stats") != 0) {
        log_write(LOG_SEV_DEBUG, 3, NULL, "MANAGEMENT: CMD '%s'", line);
    }
}

/* Whether there is a command; if the line is none, the client is told why. */
static bool is_command(struct mgmt_connection *c, const char *line, const struct token_line *words,
                       enum token_error error)
{
    switch (error) {
    case TOKEN_OK:
    case TOKEN_TOO_MANY:
        return words->count > 0;
    case TOKEN_OPEN_QUOTE:
        connection_printf(c, "ERROR: Options error: No closing quotation (\") in TCP:0\r\n");
        return false;
    case TOKEN_OPEN_SINGLE_QUOTE:
        connection_printf(c, "ERROR: Options error: No closing single quotation (') in TCP:0\r\n");
        return false;
    case TOKEN_BAD_BACKSLASH:
        if (line[strlen(line) - 1] == '\\') {
            connection_printf(c, "ERROR: Options error: Residual parse state (2) in TCP:0\r\n");
            return false;
        }
        connection_printf(c, "ERROR: Options warning: Bad backslash ('\\') usage in TCP:0: remember that backslashes "
                             "are treated as shell-escapes and if you need to pass backslash characters as part of a "
                             "Windows filename, you should use double backslashes such as \""
                             "c:\\\\openvpn\\\\static.key\""
                             "\r\n");
        return false;
    case TOKEN_TOO_LONG:
        connection_printf(c, "ERROR: Options error: Parameter at TCP:0 is too long (256 chars max): %s\r\n",
                          words->text[words->count - 1]);
        return false;
    }
    return false;
}

static bool wrong_mode(const struct mgmt *m, const struct command *command)
{
    bool server = command_on_server(m);
    return (command->where == ON_SERVER && !server) || (command->where == ON_CLIENT && server);
}

static void dispatch(struct mgmt_connection *c, const struct command *command, const struct token_line *words)
{
    size_t given = words->count - 1;
    bool in_wrong_mode = wrong_mode(c->mgmt, command);
    /* password TYPE, with the password on further lines, came with version 6 */
    bool password_lines = c->version >= 6 && command->run == cmd_password;
    if (given < command->min_arguments - password_lines) {
        command_refuse_count(c, command->name, command->min_arguments - password_lines,
                             command->exact && !password_lines);
        return;
    }
    if (in_wrong_mode) {
        command_refuse_mode(c, command->wrong_mode_name ? command->wrong_mode_name : command->name);
        return;
    }
    command->run(c, words);
}

static void find_and_run(struct mgmt_connection *c, const struct token_line *words)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words->text[0], commands[i].name) == 0) {
            dispatch(c, &commands[i], words);
            return;
        }
    }
    if (c->version >= 6) {
        connection_printf(c, "ERROR: unknown command [%s], enter 'help' for more options\r\n", words->text[0]);
    } else {
        connection_printf(c, "ERROR: unknown command, enter 'help' for more options\r\n");
    }
}

void command_run(struct mgmt_connection *c, char *line)
{
    struct token_line words;
    enum token_error error = token_split(line, strlen(line), &words);
    log_command(line, &words);
    mgmt_log_flush(c->mgmt);
    if (is_command(c, line, &words, error)) {
        find_and_run(c, &words);
    }
    secret_wipe(&words, sizeof(words));
}
