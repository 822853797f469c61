EXTRA_DIST += \
	contrib/bridge.sh \
	contrib/demo.sh \
	contrib/install-packages.sh \
	contrib/portal.sh
systemdunitdir = $(prefix)/lib/systemd/system
dist_systemdunit_DATA = \
	contrib/systemd/vpnd-client@.service \
	contrib/systemd/vpnd-server@.service
