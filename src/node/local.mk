noinst_LIBRARIES += src/node/libnode.a
src_node_libnode_a_SOURCES = \
	src/node/loop.c src/node/loop.h \
	src/node/session_driver.c src/node/session_driver.h
