/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <string.h>

const char *err_str(int err)
{
    switch (err) {
    case 0:
        return "success";
    case ERR_TRUNCATED:
        return "truncated input";
    case ERR_FORMAT:
        return "malformed input";
    case ERR_AUTH:
        return "authentication failed";
    case ERR_REPLAY:
        return "replayed packet";
    case ERR_LIMIT:
        return "limit reached";
    case ERR_BAD_STATE:
        return "not allowed in this state";
    case ERR_UNSUPPORTED:
        return "not supported here";
    case ERR_CRYPTO:
        return "crypto library failure";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_CONFIG:
        return "configuration error";
    default:
        return strerror(err < 0 ? -err : err);
    }
}
