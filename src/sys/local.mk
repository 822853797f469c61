noinst_LIBRARIES += src/sys/libsys.a
src_sys_libsys_a_SOURCES =
