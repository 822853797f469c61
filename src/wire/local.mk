noinst_LIBRARIES += src/wire/libwire.a
src_wire_libwire_a_SOURCES = \
	src/wire/cmd.c src/wire/cmd.h \
	src/wire/compress.h \
	src/wire/csum.c src/wire/csum.h \
	src/wire/ctrl_pkt.c src/wire/ctrl_pkt.h \
	src/wire/data_pkt.c src/wire/data_pkt.h \
	src/wire/ether.c src/wire/ether.h \
	src/wire/fragment.h \
	src/wire/http_connect.h \
	src/wire/icmp.h \
	src/wire/ip.c src/wire/ip.h \
	src/wire/keymethod.c src/wire/keymethod.h \
	src/wire/mss.c src/wire/mss.h \
	src/wire/mtu.c src/wire/mtu.h \
	src/wire/nat.h \
	src/wire/occ.c src/wire/occ.h \
	src/wire/opcode.c src/wire/opcode.h \
	src/wire/peer_info.c src/wire/peer_info.h \
	src/wire/socks.h \
	src/wire/stream.c src/wire/stream.h
