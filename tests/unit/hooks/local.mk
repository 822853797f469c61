check_PROGRAMS += tests/unit/hooks/test_hooks
TESTS += tests/unit/hooks/test_hooks
tests_unit_hooks_test_hooks_SOURCES = \
	tests/unit/hooks/test_env.c \
	tests/unit/hooks/test_event.c \
	tests/unit/hooks/test_plugin_message.c \
	tests/unit/hooks/test_plugins.c \
	tests/unit/hooks/test_process.c \
	tests/unit/hooks/test_scripts.c
tests_unit_hooks_test_hooks_CFLAGS = $(CRITERION_FLAGS)
tests_unit_hooks_test_hooks_LDADD = $(LIB_HOOKS) $(UV_LIBS) $(SYS_LIBS) $(WIRE_LIBS) $(CRITERION_LIBS)
