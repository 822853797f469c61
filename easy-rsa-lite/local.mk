EXTRA_DIST += easy-rsa-lite/completion.bash easy-rsa-lite/pki easy-rsa-lite/server-setup.sh
install-exec-local:
	$(MKDIR_P) $(DESTDIR)$(sbindir) $(DESTDIR)$(pkgdatadir)
	sed 's,^library=.*,library=$${PKI_LIBRARY:-$(pkgdatadir)},' $(top_srcdir)/easy-rsa-lite/pki >$(DESTDIR)$(sbindir)/vpnd-pki
	chmod 755 $(DESTDIR)$(sbindir)/vpnd-pki
	$(INSTALL_DATA) $(top_srcdir)/easy-rsa-lite/server-setup.sh $(DESTDIR)$(pkgdatadir)/server-setup.sh
	$(MKDIR_P) $(DESTDIR)$(bashcompletiondir)
	$(INSTALL_DATA) $(top_srcdir)/easy-rsa-lite/completion.bash $(DESTDIR)$(bashcompletiondir)/vpnd-pki
uninstall-local: $(UNINSTALL_NAME)
	rm -f $(DESTDIR)$(sbindir)/vpnd-pki $(DESTDIR)$(pkgdatadir)/server-setup.sh $(DESTDIR)$(bashcompletiondir)/vpnd-pki
