check_PROGRAMS += tests/unit/server/test_server
TESTS += tests/unit/server/test_server
tests_unit_server_test_server_SOURCES = \
	tests/unit/server/test_addresses.c \
	tests/unit/server/test_admission.c \
	tests/unit/server/test_ccd.c \
	tests/unit/server/test_instances.c \
	tests/unit/server/test_persist.c \
	tests/unit/server/test_pool.c \
	tests/unit/server/test_port_share.c \
	tests/unit/server/test_port_share_rule.c \
	tests/unit/server/test_push.c \
	tests/unit/server/test_real_address.c \
	tests/unit/server/test_status_writer.c
tests_unit_server_test_server_CFLAGS = $(CRITERION_FLAGS)
tests_unit_server_test_server_LDADD = $(LIB_ALL) $(ALL_LIBS) $(CRITERION_LIBS)
