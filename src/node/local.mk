noinst_LIBRARIES += src/node/libnode.a
src_node_libnode_a_SOURCES =
