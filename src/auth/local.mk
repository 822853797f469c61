noinst_LIBRARIES += src/auth/libauth.a
src_auth_libauth_a_SOURCES = \
	src/auth/auth_token.h \
	src/auth/cert_hook.h \
	src/auth/challenge.h \
	src/auth/pam.h \
	src/auth/peer.h \
	src/auth/tls_setup.h \
	src/auth/user_check.h
