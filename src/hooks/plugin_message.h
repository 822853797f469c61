/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_MESSAGE_H
#define VPND_HOOKS_PLUGIN_MESSAGE_H

/*
 * What the daemon and the processes of its plugins say to each other: one message a packet of a SOCK_SEQPACKET pair,
 * first byte the kind, then fields: numbers in network order, texts and lists with their lengths in front. A plugin's
 * process may have gone mad, so everything is bounded and read with checks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/** Kinds, with their fields. */
enum plugin_message {
    /* daemon -> supervisor */
    PLUGIN_MSG_LOAD = 1, /* text path, list argv, list envp, text user, text group, text chroot */
    PLUGIN_MSG_BEGIN,    /* nothing: that was all, start them */
    PLUGIN_MSG_STREAMS,  /* two descriptors: stdout, stderr from now on (to hosts too) */
    PLUGIN_MSG_SETTLE,   /* nothing: start-up is over, give privileges up (to hosts too) */
    PLUGIN_MSG_KILL,     /* u32 index */
    /* supervisor -> daemon */
    PLUGIN_MSG_HOST,     /* u32 index; one descriptor: the socket of a fresh process */
    PLUGIN_MSG_ENDED,    /* u32 index, u32 wait status */
    /* daemon -> plugin's process; each gets a PLUGIN_MSG_RESULT */
    PLUGIN_MSG_CALL,     /* u32 id, u32 type, u64 client (0: none), u32 depth, text PEM, list argv, list envp */
    PLUGIN_MSG_FORGET,   /* u32 id, u64 client */
    PLUGIN_MSG_CLOSE,    /* u32 id, u32 failed: abort instead of close */
    /* plugin's process -> daemon */
    PLUGIN_MSG_OPENED,   /* u32 mask of types, text error ("": it is open) */
    PLUGIN_MSG_RESULT,   /* u32 id, u32 status, list name, value, name, value ... */
    PLUGIN_MSG_LOG,      /* u32 enum plugin_log_flag, text */
};

#define PLUGIN_MESSAGE_MAX (160 * 1024) /* bytes of one message; fits the default socket buffer */
#define PLUGIN_LIST_MAX 4096            /* items */
#define PLUGIN_FDS_MAX 2

/** plugin_message_new - an empty message of @kind; free with buf_free(,true). */
struct buf plugin_message_new(enum plugin_message kind);

/* Fields; each returns 0 or ERR_LIMIT. */
int plugin_put_u32(struct buf *message, uint32_t value);
int plugin_put_u64(struct buf *message, uint64_t value);
/** plugin_put_text - NULL is "". */
int plugin_put_text(struct buf *message, const char *text);
/** plugin_put_list - NULL-terminated; NULL is an empty list. */
int plugin_put_list(struct buf *message, char *const *list);

/** plugin_get_text - next field as a string; free with free(). NULL when it is malformed or has a NUL byte inside. */
char *plugin_get_text(struct rd *in);

/** plugin_get_list - next field as a NULL-terminated array; free with plugin_list_free(). NULL when malformed. */
char **plugin_get_list(struct rd *in);

/** plugin_list_free - wipe and release; NULL is fine. */
void plugin_list_free(char **list);

/** plugin_socketpair - a pair for messages, both ends close-on-exec. Return: 0 or -errno. */
int plugin_socketpair(int pair[2]);

/** plugin_send - one message with @nfds descriptors; @wait: block until it fits. Return: 0 or -errno. */
int plugin_send(int fd, const struct buf *message, const int *fds, size_t nfds, bool wait);

/**
 * plugin_receive - one message
 * @message: made with BUF_INIT(PLUGIN_MESSAGE_MAX); replaced
 * @fds:     receives up to PLUGIN_FDS_MAX descriptors (close-on-exec), unused ones are -1
 * Return: its kind, 0 at the end of the stream, or -errno (-EAGAIN when there is none and not @wait).
 */
int plugin_receive(int fd, struct buf *message, int fds[PLUGIN_FDS_MAX], bool wait);

/** plugin_take_streams - descriptors of a PLUGIN_MSG_STREAMS become stdout and stderr. */
void plugin_take_streams(const int fds[PLUGIN_FDS_MAX]);

/** plugin_message_read - reader behind the kind. */
struct rd plugin_message_read(const struct buf *message);

#endif
