/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "hooks/plugin_message.h"

static char *list[] = {"first", "", "third one", NULL};

static struct buf make(void)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_CALL);
    cr_assert_eq(plugin_put_u32(&message, 7), 0);
    cr_assert_eq(plugin_put_u64(&message, 1ULL << 40), 0);
    cr_assert_eq(plugin_put_text(&message, "text"), 0);
    cr_assert_eq(plugin_put_text(&message, NULL), 0);
    cr_assert_eq(plugin_put_list(&message, list), 0);
    return message;
}

Test(plugin_message, fields_come_back)
{
    struct buf message = make();
    struct rd in = plugin_message_read(&message);
    cr_assert_eq(rd_u32(&in), 7);
    cr_assert_eq(rd_u64(&in), 1ULL << 40);
    char *text = plugin_get_text(&in);
    char *empty = plugin_get_text(&in);
    char **words = plugin_get_list(&in);
    cr_assert_str_eq(text, "text");
    cr_assert_str_eq(empty, "");
    cr_assert_not_null(words);
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(words[i], list[i]);
    }
    cr_assert_null(words[3]);
    cr_assert_eq(rd_left(&in), 0);
    free(text);
    free(empty);
    plugin_list_free(words);
    buf_free(&message, false);
}

/* Whatever is cut off is noticed, and nothing is read behind the end. */
Test(plugin_message, every_cut_is_refused)
{
    struct buf message = make();
    for (size_t len = 0; len < message.len; len++) {
        uint8_t *copy = malloc(len ? len : 1); /* its own block, for the sanitizer */
        memcpy(copy, message.data, len);
        struct buf cut = {.data = copy, .len = len, .cap = len, .max = len};
        struct rd in = plugin_message_read(&cut);
        (void)rd_u32(&in);
        (void)rd_u64(&in);
        char *text = plugin_get_text(&in);
        char *empty = plugin_get_text(&in);
        char **words = plugin_get_list(&in);
        cr_assert_null(words, "cut to %zu", len);
        free(text);
        free(empty);
        free(copy);
    }
    buf_free(&message, false);
}

Test(plugin_message, lying_lengths_are_refused)
{
    static const uint8_t long_text[] = {1, 0xff, 0xff, 0xff, 0xff, 'a'};
    static const uint8_t long_list[] = {1, 0x00, 0x10, 0x00, 0x00};
    static const uint8_t nul_inside[] = {1, 0, 0, 0, 3, 'a', 0, 'b'};
    struct rd in = rd_init(long_text + 1, sizeof(long_text) - 1);
    cr_assert_null(plugin_get_text(&in));
    in = rd_init(long_list + 1, sizeof(long_list) - 1);
    cr_assert_null(plugin_get_list(&in));
    in = rd_init(nul_inside + 1, sizeof(nul_inside) - 1);
    cr_assert_null(plugin_get_text(&in));
}

Test(plugin_message, size_is_bounded)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_RESULT);
    char *text = malloc(PLUGIN_MESSAGE_MAX + 1);
    memset(text, 'x', PLUGIN_MESSAGE_MAX);
    text[PLUGIN_MESSAGE_MAX] = '\0';
    cr_assert_eq(plugin_put_text(&message, text), ERR_LIMIT);
    free(text);
    buf_free(&message, false);
}

/* The largest message goes through an ordinary socket, descriptors with it. */
Test(plugin_message, socket_takes_the_largest)
{
    int pair[2];
    int pipes[2];
    int fds[PLUGIN_FDS_MAX];
    struct buf out = plugin_message_new(PLUGIN_MSG_HOST);
    struct buf in = BUF_INIT(PLUGIN_MESSAGE_MAX);
    static uint8_t filler[PLUGIN_MESSAGE_MAX - 1];
    cr_assert_eq(plugin_socketpair(pair), 0);
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(buf_append(&out, filler, sizeof(filler)), 0);
    cr_assert_eq(plugin_receive(pair[1], &in, fds, false), -EAGAIN);
    cr_assert_eq(plugin_send(pair[0], &out, pipes, 2, false), 0);
    cr_assert_eq(plugin_receive(pair[1], &in, fds, true), PLUGIN_MSG_HOST);
    cr_assert_eq(in.len, PLUGIN_MESSAGE_MAX);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    char c = 0;
    cr_assert_eq(read(pipes[0], &c, 1), 1);
    cr_assert_eq(c, 'x');
    close(pair[0]);
    cr_assert_eq(plugin_receive(pair[1], &in, fds, true), 0);
    buf_free(&out, false);
    buf_free(&in, false);
}
