check_PROGRAMS += tests/unit/wire/test_wire
TESTS += tests/unit/wire/test_wire
tests_unit_wire_test_wire_SOURCES = \
	tests/unit/wire/test_cmd.c \
	tests/unit/wire/test_compress.c \
	tests/unit/wire/test_csum.c \
	tests/unit/wire/test_ctrl_pkt.c \
	tests/unit/wire/test_data_pkt.c \
	tests/unit/wire/test_ether.c \
	tests/unit/wire/test_fragment.c \
	tests/unit/wire/test_http_connect.c \
	tests/unit/wire/test_icmp.c \
	tests/unit/wire/test_ip.c \
	tests/unit/wire/test_ip_fragment.c \
	tests/unit/wire/test_keymethod.c \
	tests/unit/wire/test_mss.c \
	tests/unit/wire/test_mtu.c \
	tests/unit/wire/test_mtu_search.c \
	tests/unit/wire/test_nat.c \
	tests/unit/wire/test_occ.c \
	tests/unit/wire/test_opcode.c \
	tests/unit/wire/test_peer_info.c \
	tests/unit/wire/test_socks.c \
	tests/unit/wire/test_stream.c \
	tests/unit/wire/vectors.c tests/unit/wire/vectors.h
tests_unit_wire_test_wire_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_wire_test_wire_CFLAGS = $(CRITERION_FLAGS) $(JANSSON_CFLAGS)
tests_unit_wire_test_wire_LDADD = $(LIB_WIRE) $(WIRE_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
