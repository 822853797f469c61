check_PROGRAMS += tests/unit/mgmt/test_mgmt
TESTS += tests/unit/mgmt/test_mgmt
tests_unit_mgmt_test_mgmt_SOURCES = \
	tests/unit/mgmt/test_metrics.c \
	tests/unit/mgmt/test_mgmt.c \
	tests/unit/mgmt/test_show.c \
	tests/unit/mgmt/test_status.c
tests_unit_mgmt_test_mgmt_CFLAGS = $(CRITERION_FLAGS)
tests_unit_mgmt_test_mgmt_LDADD = src/mgmt/libmgmt.a $(LIB_HOOKS) $(UV_LIBS) $(JANSSON_LIBS) $(MICROHTTPD_LIBS) $(SYS_LIBS) $(WIRE_LIBS) $(CRITERION_LIBS)
