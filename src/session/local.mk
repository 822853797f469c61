noinst_LIBRARIES += src/session/libsession.a
src_session_libsession_a_SOURCES = \
	src/session/event_queue.c src/session/event_queue.h \
	src/session/key_state.c src/session/key_state.h \
	src/session/keysource.c src/session/keysource.h \
	src/session/negotiate.c src/session/negotiate.h \
	src/session/cookie.c src/session/cookie.h \
	src/session/ratelimit.c src/session/ratelimit.h \
	src/session/reliable.c src/session/reliable.h \
	src/session/replay.c src/session/replay.h \
	src/session/session.c src/session/session.h \
	src/session/session_output.c src/session/session_private.h \
	src/session/tls.c src/session/tls.h \
	src/session/wrap.c src/session/wrap.h src/session/wrap_private.h \
	src/session/wrap_auth.c \
	src/session/wrap_crypt.c \
	src/session/wrap_crypt_v2.c
