check_PROGRAMS += tests/dp/dp_tunnel
tests_dp_dp_tunnel_SOURCES = tests/dp/dp_tunnel.c
tests_dp_dp_tunnel_LDADD = $(LIB_DP) $(DP_LIBS)
