noinst_LIBRARIES += src/sys/libsys.a
src_sys_libsys_a_CFLAGS = $(AM_CFLAGS) $(CAPNG_CFLAGS) $(NFTABLES_CFLAGS) $(SECCOMP_CFLAGS)
src_sys_libsys_a_SOURCES = \
	src/sys/caps.c src/sys/caps.h \
	src/sys/daemon.c src/sys/daemon.h \
	src/sys/nftables.c src/sys/nftables.h \
	src/sys/rtnl.c src/sys/rtnl.h src/sys/rtnl_message.h \
	src/sys/rtnl_addr.c \
	src/sys/rtnl_link.c \
	src/sys/rtnl_monitor.c \
	src/sys/rtnl_route.c \
	src/sys/sandbox.c src/sys/sandbox.h \
	src/sys/sock.c src/sys/sock.h \
	src/sys/sysctl.c src/sys/sysctl.h \
	src/sys/tun.c src/sys/tun.h
