SAMPLE_CONFIGS = \
	sample-config/client-bridge.conf \
	sample-config/client-proxy.conf \
	sample-config/client.conf \
	sample-config/fingerprint-client.conf \
	sample-config/fingerprint-server.conf \
	sample-config/loopback-client.conf \
	sample-config/loopback-server.conf \
	sample-config/office-a.conf \
	sample-config/office-b.conf \
	sample-config/roadwarrior-userpass.conf \
	sample-config/server-bridge.conf \
	sample-config/server-dual.conf \
	sample-config/server-tcp443.conf \
	sample-config/server.conf
samplesdir = $(docdir)/sample-config
dist_samples_DATA = $(SAMPLE_CONFIGS)
