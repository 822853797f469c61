/* SPDX-License-Identifier: MIT */
#ifndef VPND_BASE_ERR_H
#define VPND_BASE_ERR_H

/**
 * The single error space: functions that can fail return 0 (or a count) on success and a negative number on
 * failure, which is either -errno or one of these.
 */
enum err {
    ERR_TRUNCATED = -10001,   /* input ended early */
    ERR_FORMAT = -10002,      /* input is malformed */
    ERR_AUTH = -10003,        /* authentication (HMAC, tag, password) failed */
    ERR_REPLAY = -10004,      /* packet id seen before or too old */
    ERR_LIMIT = -10005,       /* a configured or protocol limit was reached */
    ERR_BAD_STATE = -10006,       /* not allowed in the current state */
    ERR_UNSUPPORTED = -10007, /* valid, but this build or back end cannot do it */
    ERR_CRYPTO = -10008,      /* the crypto library failed */
    ERR_NOT_FOUND = -10009,   /* no such object */
    ERR_CONFIG = -10010,      /* the configuration is wrong (already reported to the user) */
};

/**
 * err_str - text for a negative return value
 * @err: -errno or an enum err
 *
 * Return: a static or thread-local string, never NULL.
 */
const char *err_str(int err);

#endif
