check_PROGRAMS += tests/unit/node/test_node_loop tests/unit/node/test_node
TESTS += tests/unit/node/test_node_loop tests/unit/node/test_node
tests_unit_node_test_node_loop_SOURCES = \
	tests/unit/node/fake_session.c tests/unit/node/fake_session.h \
	tests/unit/node/test_loop.c \
	tests/unit/node/test_session_driver.c
tests_unit_node_test_node_loop_CFLAGS = $(CRITERION_FLAGS)
tests_unit_node_test_node_loop_LDADD = src/node/libnode.a $(LIB_BASE) $(UV_LIBS) $(CRITERION_LIBS)

tests_unit_node_test_node_SOURCES = \
	tests/unit/node/fake_config.c tests/unit/node/fake_config.h \
	tests/unit/node/test_data_keys.c \
	tests/unit/node/test_device.c \
	tests/unit/node/test_dns_helper.c \
	tests/unit/node/test_dns_settings.c \
	tests/unit/node/test_firewall.c \
	tests/unit/node/test_host_tools.c \
	tests/unit/node/test_journal.c \
	tests/unit/node/test_lifecycle.c \
	tests/unit/node/test_routes.c \
	tests/unit/node/test_settings.c
tests_unit_node_test_node_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_unit_node_test_node_CFLAGS = $(CRITERION_FLAGS)
tests_unit_node_test_node_LDADD = src/node/libnode.a src/hooks/libhooks.a src/dp/libdp.a src/session/libsession.a \
	src/config/libconfig.a src/wire/libwire.a src/sys/libsys.a src/crypto/libcrypto_layer.a src/base/libbase.a \
	$(ALL_LIBS) $(CRITERION_LIBS)
