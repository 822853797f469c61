sbin_PROGRAMS += src/vpnd
src_vpnd_SOURCES = src/main.c
src_vpnd_LDADD = $(LIB_ALL) $(ALL_LIBS)
