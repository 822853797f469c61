/* SPDX-License-Identifier: MIT */
#include "dp/user/moderate.h"

#include <time.h>

#define NS_PER_MS 1000000u
#define SINGLE_MIN 512u    /* a datagram of somebody's bulk transfer that came alone */
#define SINGLE_MAX 2048u
#define BUSY_PER_MS 25u    /* datagrams: about 300 Mbit/s in full packets */
#define FEW 12u            /* datagrams a receive: below, waiting is worth it */
#define ENOUGH 48u         /* and from here on no more */
#define OTHERS_PER_MS 1u   /* served to others: above, they would notice */
#define NAP_NS 80000

void moderate_datagram(struct moderate *m, uint32_t len, const union addr *source)
{
    if (len >= SINGLE_MIN && len <= SINGLE_MAX) {
        m->datagrams++;
        m->fresh = true;
        m->bulk = *source;
    } else if (!addr_equal(&m->bulk, source)) {
        m->others++;
    }
}

void moderate_note(struct moderate *m, uint64_t now_ns)
{
    uint64_t elapsed = now_ns - m->since_ns;
    m->receives++;
    if (elapsed < NS_PER_MS) {
        return;
    }
    bool busy = (uint64_t)m->datagrams * NS_PER_MS >= elapsed * BUSY_PER_MS;
    bool shared = (uint64_t)m->others * NS_PER_MS > elapsed * OTHERS_PER_MS;
    m->on = busy && !shared && m->datagrams < m->receives * (m->on ? ENOUGH : FEW);
    m->since_ns = now_ns;
    m->datagrams = 0;
    m->receives = 0;
    m->others = 0;
}

void moderate_received(struct moderate *m)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    moderate_note(m, (uint64_t)t.tv_sec * 1000 * NS_PER_MS + (uint64_t)t.tv_nsec);
}

bool moderate_naps(struct moderate *m)
{
    bool naps = m->on && m->fresh && !m->more;
    m->fresh = false;
    m->more = false;
    return naps;
}

void moderate_wait(struct moderate *m)
{
    if (moderate_naps(m)) {
        struct timespec nap = {.tv_nsec = NAP_NS};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    }
}
