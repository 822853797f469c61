check_PROGRAMS += tests/unit/base/test_base
TESTS += tests/unit/base/test_base
tests_unit_base_test_base_SOURCES = \
	tests/unit/base/test_addr.c \
	tests/unit/base/test_base64.c \
	tests/unit/base/test_buf.c \
	tests/unit/base/test_hashmap.c \
	tests/unit/base/test_histogram.c \
	tests/unit/base/test_log.c \
	tests/unit/base/test_rand.c \
	tests/unit/base/test_secret.c \
	tests/unit/base/test_siphash.c \
	tests/unit/base/test_span.c
tests_unit_base_test_base_CFLAGS = $(CRITERION_FLAGS)
tests_unit_base_test_base_LDADD = $(LIB_BASE) $(CRITERION_LIBS)
