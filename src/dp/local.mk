noinst_LIBRARIES += src/dp/libdp.a
src_dp_libdp_a_SOURCES =
