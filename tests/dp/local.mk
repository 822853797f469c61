check_PROGRAMS += tests/dp/dp_tunnel tests/dp/stress
TESTS += tests/dp/stress
tests_dp_dp_tunnel_SOURCES = tests/dp/dp_tunnel.c
tests_dp_dp_tunnel_LDADD = $(LIB_DP) $(DP_LIBS)
tests_dp_stress_SOURCES = tests/dp/stress.c
tests_dp_stress_LDADD = $(LIB_DP) $(DP_LIBS)
