/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_HOUSEKEEPING_H
#define VPND_SERVER_HOUSEKEEPING_H

/* What has to be looked at every few seconds: revocation lists and expiry dates, tokens to renew. Loop thread. */
struct housekeeping;
struct server;

/** housekeeping_new - start it; the first look is now. */
struct housekeeping *housekeeping_new(struct server *server);

/** housekeeping_free - NULL is fine. */
void housekeeping_free(struct housekeeping *housekeeping);

#endif
