noinst_LIBRARIES += src/auth/libauth.a
src_auth_libauth_a_SOURCES = \
	src/auth/auth_token.c src/auth/auth_token.h \
	src/auth/cert.c src/auth/cert.h \
	src/auth/cert_hook.c src/auth/cert_hook.h \
	src/auth/challenge.c src/auth/challenge.h \
	src/auth/crl.c src/auth/crl.h \
	src/auth/external_key.c src/auth/external_key.h \
	src/auth/pam.c src/auth/pam.h \
	src/auth/pam_helper.c src/auth/pam_helper.h \
	src/auth/peer.c src/auth/peer.h \
	src/auth/peer_record.h \
	src/auth/tls_check.c src/auth/tls_check.h \
	src/auth/tls_files.c src/auth/tls_files.h \
	src/auth/tls_names.c src/auth/tls_names.h \
	src/auth/tls_setup.c src/auth/tls_setup.h \
	src/auth/user_check.c src/auth/user_check.h \
	src/auth/user_record.h \
	src/auth/user_state.c src/auth/user_state.h \
	src/auth/verify.c src/auth/verify.h
