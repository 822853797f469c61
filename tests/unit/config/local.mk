check_PROGRAMS += tests/unit/config/test_config
TESTS += tests/unit/config/test_config
tests_unit_config_test_config_SOURCES = \
	tests/unit/config/load.c tests/unit/config/load.h \
	tests/unit/config/test_config.c \
	tests/unit/config/test_errors.c \
	tests/unit/config/test_push.c \
	tests/unit/config/test_token.c
tests_unit_config_test_config_CFLAGS = $(CRITERION_FLAGS)
tests_unit_config_test_config_LDADD = $(LIB_CONFIG) $(SYS_LIBS) $(WIRE_LIBS) $(CRITERION_LIBS)
