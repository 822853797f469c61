# Each target is a libFuzzer program with --enable-fuzz, else a test that runs seeds and some mutations.
FUZZ_TARGETS = \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_control_packet \
	tests/fuzz/fuzz_control_message \
	tests/fuzz/fuzz_key_method \
	tests/fuzz/fuzz_login \
	tests/fuzz/fuzz_management \
	tests/fuzz/fuzz_inner_packet \
	tests/fuzz/fuzz_offload \
	tests/fuzz/fuzz_payload \
	tests/fuzz/fuzz_proxy \
	tests/fuzz/fuzz_key_file \
	tests/fuzz/fuzz_peer \
	tests/fuzz/fuzz_plugin_message \
	tests/fuzz/fuzz_push \
	tests/fuzz/fuzz_record \
	tests/fuzz/fuzz_server \
	tests/fuzz/fuzz_session \
	tests/fuzz/fuzz_certificate
check_PROGRAMS += $(FUZZ_TARGETS)
FUZZ_COMMON = tests/fuzz/input.c tests/fuzz/fuzz.h
if ENABLE_FUZZ
FUZZ_MAIN =
FUZZ_LINK = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/driver.c
FUZZ_LINK =
TESTS += tests/fuzz/run.sh
endif
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/fuzz
EXTRA_DIST += tests/fuzz/run.sh tests/fuzz/coverage.sh tests/fuzz/seeds.py tests/fuzz/texts tests/fuzz/certificates tests/fuzz/driver.c
SH_LOG_COMPILER = $(SHELL)

fuzz-targets: $(FUZZ_TARGETS)
.PHONY: fuzz-targets

tests_fuzz_fuzz_control_packet_SOURCES = tests/fuzz/fuzz_control_packet.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_control_packet_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_control_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_control_packet_LDADD = $(LIB_WIRE) $(LIB_BASE) $(WIRE_LIBS)
tests_fuzz_fuzz_control_message_SOURCES = tests/fuzz/fuzz_control_message.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_control_message_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_control_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_control_message_LDADD = $(LIB_WIRE) $(LIB_BASE) $(WIRE_LIBS)
tests_fuzz_fuzz_key_method_SOURCES = tests/fuzz/fuzz_key_method.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_key_method_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_key_method_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_key_method_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
tests_fuzz_fuzz_inner_packet_SOURCES = tests/fuzz/fuzz_inner_packet.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_inner_packet_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_inner_packet_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_inner_packet_LDADD = $(LIB_WIRE) $(LIB_BASE) $(WIRE_LIBS)
tests_fuzz_fuzz_offload_SOURCES = tests/fuzz/fuzz_offload.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_offload_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_offload_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_offload_LDADD = $(LIB_DP) $(LIB_BASE) $(DP_LIBS)
tests_fuzz_fuzz_payload_SOURCES = tests/fuzz/fuzz_payload.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_payload_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_payload_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_payload_LDADD = $(LIB_WIRE) $(LIB_BASE) $(WIRE_LIBS)
tests_fuzz_fuzz_proxy_SOURCES = tests/fuzz/fuzz_proxy.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_proxy_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_proxy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_proxy_LDADD = $(LIB_ALL) $(ALL_LIBS)
tests_fuzz_fuzz_plugin_message_SOURCES = tests/fuzz/fuzz_plugin_message.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_plugin_message_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_plugin_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_plugin_message_LDADD = $(LIB_HOOKS) $(UV_LIBS) $(SYS_LIBS) $(WIRE_LIBS)
tests_fuzz_fuzz_key_file_SOURCES = tests/fuzz/fuzz_key_file.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_key_file_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_key_file_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_key_file_LDADD = $(LIB_CRYPTO) $(LIB_BASE) $(CRYPTO_LIBS)
tests_fuzz_fuzz_push_SOURCES = tests/fuzz/fuzz_push.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_push_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_push_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_push_LDADD = $(LIB_ALL) $(ALL_LIBS)
tests_fuzz_fuzz_certificate_SOURCES = tests/fuzz/fuzz_certificate.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_certificate_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_certificate_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_certificate_LDADD = $(LIB_AUTH) $(LIB_BASE) $(ALL_LIBS)
tests_fuzz_fuzz_login_SOURCES = tests/fuzz/fuzz_login.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_login_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_login_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_login_LDADD = $(LIB_AUTH) $(LIB_BASE) $(ALL_LIBS)
tests_fuzz_fuzz_management_SOURCES = tests/fuzz/fuzz_management.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_management_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_management_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_management_LDADD = $(LIB_ALL) $(ALL_LIBS)
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_record_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_record_LDADD = $(LIB_DP) $(LIB_BASE) $(DP_LIBS)
tests_fuzz_fuzz_server_SOURCES = tests/fuzz/fuzz_server.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_server_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_server_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_server_LDADD = $(LIB_ALL) $(ALL_LIBS)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_session_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_session_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_config_CPPFLAGS = $(FUZZ_CPPFLAGS)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_config_LDADD = $(LIB_CONFIG) $(LIB_BASE) $(WIRE_LIBS)
tests_fuzz_fuzz_peer_SOURCES = tests/fuzz/fuzz_peer.c tests/sim/sim_tls.c tests/sim/sim_tls.h $(FUZZ_COMMON) $(FUZZ_MAIN)
tests_fuzz_fuzz_peer_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_fuzz_fuzz_peer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_peer_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
