noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_SOURCES = \
	src/config/config.h \
	src/config/config_fields.h \
	src/config/config_types.h \
	src/config/options_client.def \
	src/config/options_connection.def \
	src/config/options_process.def \
	src/config/options_server.def \
	src/config/options_tls.def \
	src/config/options_transport.def \
	src/config/options_tunnel.def \
	src/config/options_vpnd.def \
	src/config/token.c src/config/token.h
