EXTRA_DIST += \
	contrib/bridge.sh \
	contrib/demo.sh \
	contrib/grafana/vpnd.json \
	contrib/install-packages.sh \
	contrib/portal.sh
systemdunitdir = $(prefix)/lib/systemd/system
UNITS = contrib/systemd/vpnd-client@.service contrib/systemd/vpnd-server@.service
systemdunit_DATA = $(UNITS)
CLEANFILES += $(UNITS)
EXTRA_DIST += contrib/systemd/vpnd-client@.service.in contrib/systemd/vpnd-server@.service.in
$(UNITS): %.service: $(top_srcdir)/%.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) contrib/systemd && sed 's|@sbindir[@]|$(sbindir)|g' $(top_srcdir)/$@.in >$@
