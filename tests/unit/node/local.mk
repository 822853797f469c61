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

check_PROGRAMS += tests/unit/node/test_key_renewal
TESTS += tests/unit/node/test_key_renewal
tests_unit_node_test_key_renewal_SOURCES = \
	tests/sim/sim_tls.c tests/sim/sim_tls.h \
	tests/unit/dp/inner.c tests/unit/dp/inner.h \
	tests/unit/dp/rig.c tests/unit/dp/rig.h \
	tests/unit/node/test_key_renewal.c
tests_unit_node_test_key_renewal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/tests/sim -I$(top_srcdir)/tests/unit/dp
tests_unit_node_test_key_renewal_CFLAGS = $(CRITERION_FLAGS)
tests_unit_node_test_key_renewal_LDADD = src/node/libnode.a src/hooks/libhooks.a src/dp/libdp.a \
	src/session/libsession.a src/config/libconfig.a src/wire/libwire.a src/sys/libsys.a src/crypto/libcrypto_layer.a \
	src/base/libbase.a $(ALL_LIBS) $(CRITERION_LIBS)
