check_PROGRAMS += tests/tools/handshakes
tests_tools_handshakes_SOURCES = \
	tests/tools/handshakes.c tests/tools/handshakes.h \
	tests/tools/handshakes_client.c tests/tools/handshakes_link.c tests/tools/handshakes_ping.c \
	tests/tools/handshakes_server.c
tests_tools_handshakes_LDADD = $(LIB_SESSION) $(WIRE_LIBS)

# Plugins for tests/interop/plugins.sh, one for each version of the interface.
PLUGIN_PROBES = tests/tools/probe_v1.so tests/tools/probe_v2.so tests/tools/probe_v3.so
check_DATA = $(PLUGIN_PROBES)
CLEANFILES += $(PLUGIN_PROBES)
EXTRA_DIST += tests/tools/plugin_probe.c
$(PLUGIN_PROBES): tests/tools/probe_v%.so: $(top_srcdir)/tests/tools/plugin_probe.c $(top_srcdir)/src/hooks/plugin_abi.h
	$(AM_V_GEN)$(MKDIR_P) tests/tools && $(CC) -std=gnu11 -D_GNU_SOURCE $(CPPFLAGS) $(CFLAGS) -Wall -Wextra -fPIC -shared \
	  -fvisibility=hidden -pthread -DPROBE_API=$* -I$(top_srcdir)/src -o $@ $(top_srcdir)/tests/tools/plugin_probe.c

check_PROGRAMS += tests/tools/resolve1_mock
tests_tools_resolve1_mock_SOURCES = tests/tools/resolve1_mock.c
tests_tools_resolve1_mock_LDADD = $(LIB_BASE) $(SYSTEMD_LIBS)

check_PROGRAMS += tests/tools/udp_delay
tests_tools_udp_delay_SOURCES = tests/tools/udp_delay.c

# What system tests run besides vpnd.
test-programs: tests/tools/handshakes tests/tools/resolve1_mock $(PLUGIN_PROBES)
.PHONY: test-programs
