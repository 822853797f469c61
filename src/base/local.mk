noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/addr.c src/base/addr.h \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/hashmap.c src/base/hashmap.h \
	src/base/histogram.c src/base/histogram.h \
	src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/rand.c src/base/rand.h \
	src/base/secret.c src/base/secret.h \
	src/base/siphash.c src/base/siphash.h \
	src/base/span.h
