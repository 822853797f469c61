EXTRA_DIST += easy-rsa-lite/pki
install-exec-local:
	$(MKDIR_P) $(DESTDIR)$(sbindir)
	$(INSTALL_SCRIPT) $(top_srcdir)/easy-rsa-lite/pki $(DESTDIR)$(sbindir)/vpnd-pki
uninstall-local:
	rm -f $(DESTDIR)$(sbindir)/vpnd-pki
