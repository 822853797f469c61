noinst_LIBRARIES += src/client/libclient.a
src_client_libclient_a_SOURCES = \
	src/client/client.h \
	src/client/pull.c src/client/pull.h \
	src/client/remotes.c src/client/remotes.h \
	src/client/restart.c src/client/restart.h
