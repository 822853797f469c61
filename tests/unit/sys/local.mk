check_PROGRAMS += tests/unit/sys/test_sys
TESTS += tests/unit/sys/test_sys
tests_unit_sys_test_sys_SOURCES = \
	tests/unit/sys/netns.h \
	tests/unit/sys/test_caps.c \
	tests/unit/sys/test_daemon.c \
	tests/unit/sys/test_rtnl.c \
	tests/unit/sys/test_sandbox.c \
	tests/unit/sys/test_sock.c \
	tests/unit/sys/test_tun.c
tests_unit_sys_test_sys_CFLAGS = $(CRITERION_FLAGS)
tests_unit_sys_test_sys_LDADD = $(LIB_SYS) $(SYS_LIBS) $(CRITERION_LIBS)
