check_PROGRAMS += tests/unit/node/test_node_loop
TESTS += tests/unit/node/test_node_loop
tests_unit_node_test_node_loop_SOURCES = \
	tests/unit/node/fake_session.c tests/unit/node/fake_session.h \
	tests/unit/node/test_loop.c \
	tests/unit/node/test_session_driver.c
tests_unit_node_test_node_loop_CFLAGS = $(CRITERION_FLAGS)
tests_unit_node_test_node_loop_LDADD = src/node/libnode.a $(LIB_BASE) $(UV_LIBS) $(CRITERION_LIBS)
