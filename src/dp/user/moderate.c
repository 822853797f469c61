/* SPDX-License-Identifier: MIT */
#include "dp/user/moderate.h"

#include <time.h>

#define NS_PER_MS 1000000u
#define BUSY_PER_MS 25u    /* datagrams: about 300 Mbit/s in full packets */
#define FEW 12u            /* datagrams a receive: below, waiting is worth it */
#define ENOUGH 48u         /* and from here on no more */
#define NAP_NS 80000

void moderate_note(struct moderate *m, uint64_t now_ns, unsigned datagrams)
{
    uint64_t elapsed = now_ns - m->since_ns;
    m->datagrams += datagrams;
    m->receives++;
    if (elapsed < NS_PER_MS) {
        return;
    }
    bool busy = (uint64_t)m->datagrams * NS_PER_MS >= elapsed * BUSY_PER_MS;
    m->on = busy && m->datagrams < m->receives * (m->on ? ENOUGH : FEW);
    m->since_ns = now_ns;
    m->datagrams = 0;
    m->receives = 0;
}

void moderate_received(struct moderate *m, unsigned datagrams)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    moderate_note(m, (uint64_t)t.tv_sec * 1000 * NS_PER_MS + (uint64_t)t.tv_nsec, datagrams);
}

void moderate_wait(const struct moderate *m)
{
    if (m->on) {
        struct timespec nap = {.tv_nsec = NAP_NS};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    }
}
