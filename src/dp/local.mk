noinst_LIBRARIES += src/dp/libdp.a
src_dp_libdp_a_SOURCES = \
	src/dp/backend.h \
	src/dp/dp.c src/dp/dp.h \
	src/dp/fake/fake.c src/dp/fake/fake.h \
	src/dp/user/announce.c src/dp/user/announce.h \
	src/dp/user/event.c src/dp/user/event.h \
	src/dp/user/floating.c src/dp/user/floating.h \
	src/dp/user/forward.c src/dp/user/forward.h \
	src/dp/user/forward_tap.c \
	src/dp/user/gro.c src/dp/user/gro.h \
	src/dp/user/gso.c src/dp/user/gso.h \
	src/dp/user/lane.c src/dp/user/lane.h \
	src/dp/user/keepalive.c src/dp/user/keepalive.h \
	src/dp/user/keyslot.c src/dp/user/keyslot.h \
	src/dp/user/keyslot_aead.c \
	src/dp/user/keyslot_cbc.c \
	src/dp/user/keyslot_epoch.c \
	src/dp/user/keyslot_format.h \
	src/dp/user/moderate.c src/dp/user/moderate.h \
	src/dp/user/mtu_learn.c src/dp/user/mtu_learn.h \
	src/dp/user/mtu_probe.c src/dp/user/mtu_probe.h \
	src/dp/user/packet.h \
	src/dp/user/path.c src/dp/user/path.h \
	src/dp/user/peer.c src/dp/user/peer.h \
	src/dp/user/rcu.c src/dp/user/rcu.h \
	src/dp/user/replay.c src/dp/user/replay.h \
	src/dp/user/route.c src/dp/user/route.h \
	src/dp/user/rx.c src/dp/user/rx.h \
	src/dp/user/table.c src/dp/user/table.h \
	src/dp/user/tcp_io.c src/dp/user/tcp_io.h \
	src/dp/user/tun_io.c src/dp/user/tun_io.h \
	src/dp/user/tx.c src/dp/user/tx.h \
	src/dp/user/tx_send.c \
	src/dp/user/udp_io.c src/dp/user/udp_io.h \
	src/dp/user/user.c src/dp/user/user.h \
	src/dp/user/vnet.h \
	src/dp/user/worker.c src/dp/user/worker.h
