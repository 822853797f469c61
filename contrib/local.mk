EXTRA_DIST += \
	contrib/bridge.sh \
	contrib/demo.sh \
	contrib/install-packages.sh \
	contrib/portal.sh \
	contrib/systemd/vpnd-client@.service \
	contrib/systemd/vpnd-server@.service
