check_PROGRAMS += tests/unit/session/test_session
TESTS += tests/unit/session/test_session
tests_unit_session_test_session_SOURCES = \
	tests/sim/sim_tls.c tests/sim/sim_tls.h \
	tests/unit/crypto/vectors.c tests/unit/crypto/vectors.h \
	tests/unit/session/test_captures.c \
	tests/unit/session/test_cookie.c \
	tests/unit/session/test_negotiate.c \
	tests/unit/session/test_reliable.c \
	tests/unit/session/test_replay.c \
	tests/unit/session/test_session.c \
	tests/unit/session/test_wrap.c
tests_unit_session_test_session_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_session_test_session_CFLAGS = $(CRITERION_FLAGS) $(JANSSON_CFLAGS)
tests_unit_session_test_session_LDADD = $(LIB_SESSION) $(WIRE_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
