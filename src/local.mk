sbin_PROGRAMS += src/vpnd
src_vpnd_SOURCES = \
	src/main.c \
	src/standalone.c src/standalone.h \
	src/standalone_net.c
src_vpnd_LDADD = $(LIB_ALL) $(ALL_LIBS)

# --enable-openvpn-name: callers that know only one name, such as NetworkManager, find us too.
if OPENVPN_NAME
install-exec-hook:
	cd "$(DESTDIR)$(sbindir)" && $(LN_S) -f vpnd openvpn
UNINSTALL_NAME = uninstall-openvpn-name
uninstall-openvpn-name:
	rm -f "$(DESTDIR)$(sbindir)/openvpn"
endif
