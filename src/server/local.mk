noinst_LIBRARIES += src/server/libserver.a
src_server_libserver_a_SOURCES = \
	src/server/ccd.c src/server/ccd.h \
	src/server/instances.c src/server/instances.h \
	src/server/persist.c src/server/persist.h \
	src/server/pool.c src/server/pool.h \
	src/server/port_share_rule.c src/server/port_share_rule.h \
	src/server/push.c src/server/push.h \
	src/server/server.h
