noinst_LIBRARIES += src/mgmt/libmgmt.a
src_mgmt_libmgmt_a_SOURCES =
