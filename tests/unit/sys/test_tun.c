/* SPDX-License-Identifier: MIT */
#include "sys/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "netns.h"

Test(tun, first_free_number)
{
    TUN_OR_SKIP();
    struct tun_options options = {.name = "tun"};
    struct tun_device a;
    struct tun_device b;
    cr_assert_eq(tun_open(&options, &a), 0);
    cr_assert_eq(tun_open(&options, &b), 0);
    cr_assert_str_eq(a.name, "tun0");
    cr_assert_str_eq(b.name, "tun1");
    cr_assert_gt(a.ifindex, 0);
    cr_assert(fcntl(a.fds[0], F_GETFD) & FD_CLOEXEC);
    cr_assert(fcntl(a.fds[0], F_GETFL) & O_NONBLOCK);
    tun_close(&a);
    tun_close(&b);
    cr_assert_eq(if_nametoindex("tun0"), 0);
}

Test(tun, queues_and_virtio_header)
{
    TUN_OR_SKIP();
    struct tun_options options = {.name = "office", .tap = true, .queues = 3, .vnet_header = true};
    struct tun_device device;
    cr_assert_eq(tun_open(&options, &device), 0);
    cr_assert_str_eq(device.name, "office");
    cr_assert_eq(device.queues, 3);
    cr_assert(device.vnet_header);
    tun_close(&device);
}

Test(tun, busy_device)
{
    TUN_OR_SKIP();
    struct tun_options options = {.name = "tun5"};
    struct tun_device a;
    struct tun_device b;
    cr_assert_eq(tun_open(&options, &a), 0);
    cr_assert_eq(tun_open(&options, &b), -EBUSY);
    cr_assert_neq(tun_open_hint(-EBUSY)[0], '\0');
    tun_close(&a);
}

Test(tun, persistent_single_queue_device_falls_back)
{
    TUN_OR_SKIP();
    struct tun_options options = {.name = "tun7"};
    char name[IFNAMSIZ];
    cr_assert_eq(tun_persist(&options, true, 1000, TUN_ID_NONE, name), 0);
    cr_assert_str_eq(name, "tun7");
    options.queues = 4;
    options.vnet_header = true;
    struct tun_device device;
    cr_assert_eq(tun_open(&options, &device), 0);
    cr_assert_eq(device.queues, 1);
    cr_assert(device.vnet_header);
    tun_close(&device);
    cr_assert_neq(if_nametoindex("tun7"), 0);
    options.queues = 0;
    cr_assert_eq(tun_persist(&options, false, TUN_ID_NONE, TUN_ID_NONE, name), 0);
    cr_assert_eq(if_nametoindex("tun7"), 0);
}

Test(tun, tap_named_device_as_tun_is_refused)
{
    TUN_OR_SKIP();
    struct tun_options options = {.name = "mixed", .tap = true};
    char name[IFNAMSIZ];
    cr_assert_eq(tun_persist(&options, true, TUN_ID_NONE, TUN_ID_NONE, name), 0);
    options.tap = false;
    struct tun_device device;
    cr_assert_eq(tun_open(&options, &device), -EINVAL);
}

Test(tun, bad_names)
{
    struct tun_device device;
    const char *bad[] = {"", "a/b", "tun%d", "a-name-that-is-too-long"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tun_options options = {.name = bad[i]};
        cr_assert_eq(tun_open(&options, &device), -EINVAL, "%s", bad[i]);
    }
    struct tun_options options = {.name = "tun", .node = "/nonexistent/tun"};
    cr_assert_eq(tun_open(&options, &device), -ENOENT);
}

Test(tun, type_from_name)
{
    cr_assert_eq(tun_type_from_name("tun3"), 0);
    cr_assert_eq(tun_type_from_name("tap-office"), 1);
    cr_assert_eq(tun_type_from_name("office"), -1);
}
