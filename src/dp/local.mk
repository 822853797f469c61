noinst_LIBRARIES += src/dp/libdp.a
src_dp_libdp_a_SOURCES = \
	src/dp/backend.h \
	src/dp/dp.c src/dp/dp.h \
	src/dp/fake/fake.c src/dp/fake/fake.h \
	src/dp/user/gro.c src/dp/user/gro.h \
	src/dp/user/gso.c src/dp/user/gso.h \
	src/dp/user/vnet.h
