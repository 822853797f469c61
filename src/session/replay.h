/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_REPLAY_H
#define VPND_SESSION_REPLAY_H

/* Replay ids of wrapped control packets (control channel spec, 3.2): counter and time, 32 bits each. */
#include <stdint.h>

#define SESSION_REPLAY_WINDOW_MAX 1024
#define REPLAY_V2_ANNOUNCE 0x0f000000u /* first counter of a v2 client that can answer a cookie, minus one */

/** The sender's half. @time is 0 until the first packet. */
struct replay_send {
    uint32_t counter; /* last one used */
    uint32_t time;
};

/** replay_send_next - ids of the next packet; after 2^32-1 packets the time moves on (it must have grown).
 *  Return: 0 or ERR_LIMIT. */
int replay_send_next(struct replay_send *s, uint64_t unix_s, uint32_t *counter, uint32_t *time);

/** The receiver's half: highest time and counter, and which of the last @size counters were seen. */
struct replay_window {
    unsigned size;          /* packets, 1..SESSION_REPLAY_WINDOW_MAX */
    unsigned seconds;       /* 0: no age limit */
    uint32_t time;
    uint32_t highest;
    uint32_t aged;          /* counters at or below are too old by age */
    uint32_t mark;          /* highest counter at @mark_ms; becomes @aged when that is long ago */
    uint64_t mark_ms;
    uint64_t seen[SESSION_REPLAY_WINDOW_MAX / 64];
};

/** replay_window_init - nothing received yet; @size is clamped to 1..SESSION_REPLAY_WINDOW_MAX. */
void replay_window_init(struct replay_window *w, unsigned size, unsigned seconds);

/** replay_window_check - accept an authenticated packet and remember it. Return: 0 or ERR_REPLAY. */
int replay_window_check(struct replay_window *w, uint64_t mono_ms, uint32_t counter, uint32_t time);

#endif
