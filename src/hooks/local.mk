noinst_LIBRARIES += src/hooks/libhooks.a
src_hooks_libhooks_a_SOURCES = \
	src/hooks/answer_files.c src/hooks/answer_files.h \
	src/hooks/base_env.c src/hooks/base_env.h \
	src/hooks/command.c src/hooks/command.h \
	src/hooks/env.c src/hooks/env.h \
	src/hooks/event.c src/hooks/event.h \
	src/hooks/exchange_file.c src/hooks/exchange_file.h \
	src/hooks/plugin_abi.h \
	src/hooks/plugin_host.c src/hooks/plugin_host.h \
	src/hooks/plugin_launch.c src/hooks/plugin_launch.h \
	src/hooks/plugin_link.c src/hooks/plugin_link.h \
	src/hooks/plugin_message.c src/hooks/plugin_message.h \
	src/hooks/plugin_module.c src/hooks/plugin_module.h \
	src/hooks/plugin_supervisor.c src/hooks/plugin_supervisor.h \
	src/hooks/plugins.c src/hooks/plugins.h \
	src/hooks/process.c src/hooks/process.h \
	src/hooks/scripts.c src/hooks/scripts.h
