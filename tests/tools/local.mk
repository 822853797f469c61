check_PROGRAMS += tests/tools/handshakes
tests_tools_handshakes_SOURCES = \
	tests/tools/handshakes.c tests/tools/handshakes.h \
	tests/tools/handshakes_client.c tests/tools/handshakes_ping.c \
	tests/tools/handshakes_server.c
tests_tools_handshakes_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
