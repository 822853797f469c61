noinst_LIBRARIES += src/hooks/libhooks.a
src_hooks_libhooks_a_SOURCES =
