check_PROGRAMS += tests/unit/auth/test_auth
TESTS += tests/unit/auth/test_auth
tests_unit_auth_test_auth_SOURCES = \
	tests/unit/auth/certs.c tests/unit/auth/certs.h \
	tests/unit/auth/handshake.c tests/unit/auth/handshake.h \
	tests/unit/auth/test_auth_token.c \
	tests/unit/auth/test_challenge.c \
	tests/unit/auth/test_tls_setup.c \
	tests/unit/auth/test_user_check.c \
	tests/unit/auth/test_verify.c \
	tests/unit/crypto/vectors.c tests/unit/crypto/vectors.h
tests_unit_auth_test_auth_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_auth_test_auth_CFLAGS = $(CRITERION_FLAGS) $(JANSSON_CFLAGS)
tests_unit_auth_test_auth_LDADD = $(LIB_AUTH) $(UV_LIBS) $(WIRE_LIBS) $(SYS_LIBS) $(PAM_LIBS) $(JANSSON_LIBS) \
	$(CRITERION_LIBS)
