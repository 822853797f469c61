noinst_LIBRARIES += src/mgmt/libmgmt.a
src_mgmt_libmgmt_a_SOURCES = \
	src/mgmt/status.c src/mgmt/status.h
