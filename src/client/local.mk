noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_SOURCES = \
	src/client/client.c src/client/client.h \
	src/client/closing.c src/client/closing.h \
	src/client/connect.c src/client/connect.h \
	src/client/credentials.c src/client/credentials.h \
	src/client/dns_export.c src/client/dns_export.h \
	src/client/establish.c src/client/establish.h \
	src/client/handshake_report.c src/client/handshake_report.h \
	src/client/job.c src/client/job.h \
	src/client/link.c src/client/link.h \
	src/client/management.c src/client/management.h \
	src/client/messages.c src/client/messages.h \
	src/client/outfit.c src/client/outfit.h \
	src/client/prompt.c src/client/prompt.h \
	src/client/proxy.c src/client/proxy.h src/client/proxy_dialogue.h \
	src/client/proxy_http.c src/client/proxy_socks.c \
	src/client/proxy_login.c src/client/proxy_login.h \
	src/client/pull.c src/client/pull.h \
	src/client/remotes.c src/client/remotes.h \
	src/client/resolve.c src/client/resolve.h \
	src/client/restart.c src/client/restart.h \
	src/client/state.c src/client/state.h \
	src/client/statistics.c src/client/statistics.h \
	src/client/transport.c src/client/transport.h \
	src/client/tunnel.c src/client/tunnel.h
