check_PROGRAMS += tests/unit/client/test_client
TESTS += tests/unit/client/test_client
tests_unit_client_test_client_SOURCES = \
	tests/unit/client/test_dns_export.c \
	tests/unit/client/test_credentials.c \
	tests/unit/client/test_mtu_test.c \
	tests/unit/client/test_proxy.c \
	tests/unit/client/test_pull.c \
	tests/unit/client/test_remotes.c \
	tests/unit/client/test_restart.c
tests_unit_client_test_client_CFLAGS = $(CRITERION_FLAGS)
tests_unit_client_test_client_LDADD = $(LIB_ALL) $(ALL_LIBS) $(CRITERION_LIBS)
