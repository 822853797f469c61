EXTRA_PROGRAMS += tests/bench/bench_stages tests/bench/bench_peers
tests_bench_bench_stages_SOURCES = tests/bench/stages.c
tests_bench_bench_stages_LDADD = $(LIB_DP) $(DP_LIBS)
tests_bench_bench_peers_SOURCES = tests/bench/peers.c
tests_bench_bench_peers_LDADD = $(LIB_DP) $(DP_LIBS)
EXTRA_DIST += tests/bench/compare.py
