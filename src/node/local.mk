noinst_LIBRARIES += src/node/libnode.a
src_node_libnode_a_SOURCES = \
	src/node/data_keys.c src/node/data_keys.h \
	src/node/device.c src/node/device.h \
	src/node/device_conflict.c src/node/device_conflict.h \
	src/node/dns.c src/node/dns.h src/node/dns_way.h \
	src/node/dns_file.c \
	src/node/dns_helper.c src/node/dns_helper.h \
	src/node/dns_resolvconf.c \
	src/node/dns_resolved.c \
	src/node/dns_settings.c src/node/dns_settings.h \
	src/node/firewall.c src/node/firewall.h \
	src/node/forwarding.c src/node/forwarding.h \
	src/node/host_tools.c src/node/host_tools.h \
	src/node/journal.c src/node/journal.h \
	src/node/lifecycle.c src/node/lifecycle.h \
	src/node/loop.c src/node/loop.h \
	src/node/occ_answer.c src/node/occ_answer.h \
	src/node/routes.c src/node/routes.h src/node/routes_plan.h \
	src/node/routes_lookup.c \
	src/node/routes_plan.c \
	src/node/session_driver.c src/node/session_driver.h \
	src/node/settings.c src/node/settings.h \
	src/node/settings_keys.c src/node/settings_keys.h \
	src/node/traffic_report.c src/node/traffic_report.h
