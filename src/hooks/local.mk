noinst_LIBRARIES += src/hooks/libhooks.a
src_hooks_libhooks_a_SOURCES = \
	src/hooks/base_env.c src/hooks/base_env.h \
	src/hooks/command.c src/hooks/command.h \
	src/hooks/env.c src/hooks/env.h \
	src/hooks/event.c src/hooks/event.h \
	src/hooks/exchange_file.c src/hooks/exchange_file.h \
	src/hooks/process.c src/hooks/process.h \
	src/hooks/scripts.c src/hooks/scripts.h
