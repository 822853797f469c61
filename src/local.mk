sbin_PROGRAMS += src/vpnd
src_vpnd_SOURCES = \
	src/main.c \
	src/standalone.c src/standalone.h \
	src/standalone_net.c
src_vpnd_LDADD = $(LIB_ALL) $(ALL_LIBS)
