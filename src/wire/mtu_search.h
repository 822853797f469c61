/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_MTU_SEARCH_H
#define VPND_WIRE_MTU_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The search for the largest packet that a path carries in both directions, where no router tells (RFC 8899 in small):
 * packets of the size in question, each with an answer that proves that it arrived. Pure decisions: the caller sends,
 * listens, and calls once a second. All sizes are those of the outer IP packet, bytes.
 */
#define MTU_SEARCH_TOP_MAX 9000u /* larger ones are not tried */

/** What is to be sent, and what was heard. */
enum mtu_search_sign {
    MTU_SEARCH_FORWARD = 1,  /* a packet of the size to the peer, which answers with a short one */
    MTU_SEARCH_BACKWARD = 2, /* a packet of the size from the peer */
    MTU_SEARCH_ALIVE = 4,    /* short ones there and back: it is not the line that is down */
};

enum mtu_search_state {
    MTU_SEARCH_IDLE,
    MTU_SEARCH_RUNNING,
    MTU_SEARCH_DONE, /* @passed is the result */
    MTU_SEARCH_DEAF, /* the peer does not answer: nothing can be said */
};

struct mtu_search {
    uint8_t state;    /* enum mtu_search_state */
    uint8_t tries;    /* of @size */
    uint8_t heard;    /* of @size: enum mtu_search_sign */
    uint8_t asked;    /* how often whether somebody is there, since @size is tried */
    uint8_t alive;    /* and how often there was an answer */
    uint8_t silent;   /* seconds without any answer */
    bool verified;    /* @top was lost twice */
    uint16_t size;    /* that is being tried */
    uint16_t top;     /* what the path is believed to carry in one piece */
    uint16_t beyond;  /* longer than @top, in fragments; 0 none */
    uint16_t known;   /* limit that held before; 0 none */
    uint16_t passed;  /* largest that got through; 0 none yet */
    uint16_t lost;    /* smallest that did not; 0 none yet */
};

/**
 * mtu_search_begin - start over
 * @top:    tried first: what the first part of the way takes in one piece
 * @beyond: tried once @top has passed: what is sent in fragments; not more than @top: no such packets
 * @known:  limit in force, tried before smaller ones; 0 none
 */
void mtu_search_begin(struct mtu_search *search, unsigned top, unsigned beyond, unsigned known);

/**
 * mtu_search_tick - a second has passed
 * @heard: signs since the last call
 * Return: signs to send now, for packets of search->size; 0 when there is nothing more to do.
 */
unsigned mtu_search_tick(struct mtu_search *search, unsigned heard);

/** mtu_search_limit - the limit that should hold now, where @current does; 0 none. While the search runs, one is given
 *  only where the present one is known to be too large. */
unsigned mtu_search_limit(const struct mtu_search *search, unsigned current);

#endif
