noinst_LIBRARIES += src/hooks/libhooks.a
src_hooks_libhooks_a_SOURCES = \
	src/hooks/env.c src/hooks/env.h \
	src/hooks/event.c src/hooks/event.h \
	src/hooks/process.c src/hooks/process.h
