/* SPDX-License-Identifier: MIT */
#include "server/push.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define ITEM_MAX 900 /* "PUSH_REPLY," + item + ",push-continuation 2" within 1024 bytes, as 2.x counts */

static bool text_fits(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > ITEM_MAX) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (*p == ',' || (unsigned char)*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

static void append(struct push_list *list, char *text)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 16;
        list->items = mem_grow(list->items, list->cap, sizeof(*list->items));
    }
    list->items[list->count++] = (struct push_item){.text = text};
}

int push_list_add(struct push_list *list, const char *text)
{
    if (!text_fits(text)) {
        return ERR_FORMAT;
    }
    append(list, mem_strdup(text));
    return 0;
}

void push_list_addf(struct push_list *list, const char *format, ...)
{
    char text[ITEM_MAX + 1];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    append(list, mem_strdup(text));
}

/* "route NET [MASK]" or "route-ipv6 NET/BITS", nothing behind it. */
static bool parse_route(const char *text, struct ip_prefix *out)
{
    char word[4][64];
    int n = sscanf(text, "%63s %63s %63s %63s", word[0], word[1], word[2], word[3]);
    if (n == 2 && strcmp(word[0], "route-ipv6") == 0) {
        return prefix_parse(word[1], out) == 0 && out->addr.family == AF_INET6;
    }
    if ((n != 2 && n != 3) || strcmp(word[0], "route") != 0) {
        return false;
    }
    struct ip_addr net;
    struct ip_addr mask;
    if (ip_parse(word[1], &net) < 0 || ip_parse(n == 3 ? word[2] : "255.255.255.255", &mask) < 0) {
        return false;
    }
    int bits = mask.family == AF_INET ? ip4_mask_bits(ip4_to_u32(&mask)) : -1;
    if (net.family != AF_INET || bits < 0) {
        return false;
    }
    *out = prefix_make(&net, (unsigned)bits);
    return true;
}

void push_list_drop_route(struct push_list *list, const struct ip_prefix *net)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ip_prefix route;
        if (parse_route(list->items[i].text, &route) && route.bits == net->bits && ip_equal(&route.addr, &net->addr)) {
            list->items[i].removed = true;
        }
    }
}

const char *push_list_next(const struct push_list *list, size_t *index)
{
    while (*index < list->count) {
        const struct push_item *item = &list->items[(*index)++];
        if (!item->removed) {
            return item->text;
        }
    }
    return NULL;
}

void push_list_free(struct push_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].text);
    }
    free(list->items);
    *list = (struct push_list){0};
}
