noinst_LIBRARIES += src/mgmt/libmgmt.a
src_mgmt_libmgmt_a_SOURCES = \
	src/mgmt/client_auth.c \
	src/mgmt/commands.c src/mgmt/commands.h \
	src/mgmt/commands_client.c \
	src/mgmt/commands_process.c \
	src/mgmt/commands_secrets.c \
	src/mgmt/commands_server.c \
	src/mgmt/connection.c \
	src/mgmt/endpoint.c src/mgmt/endpoint.h \
	src/mgmt/history.c src/mgmt/history.h \
	src/mgmt/metrics.h src/mgmt/metrics_http.c src/mgmt/metrics_json.c src/mgmt/metrics_text.c \
	src/mgmt/mgmt.c src/mgmt/mgmt.h src/mgmt/mgmt_private.h \
	src/mgmt/query.c \
	src/mgmt/show_model.c src/mgmt/show_model.h \
	src/mgmt/show_status.c src/mgmt/show_status.h \
	src/mgmt/show_table.c src/mgmt/show_table.h \
	src/mgmt/status.c src/mgmt/status.h
