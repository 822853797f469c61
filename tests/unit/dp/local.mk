check_PROGRAMS += tests/unit/dp/test_dp
TESTS += tests/unit/dp/test_dp
tests_unit_dp_test_dp_SOURCES = \
	tests/unit/dp/test_dp.c \
	tests/unit/dp/inner.c tests/unit/dp/inner.h \
	tests/unit/dp/rig.c tests/unit/dp/rig.h \
	tests/unit/dp/test_event.c \
	tests/unit/dp/test_fake.c \
	tests/unit/dp/test_gro.c \
	tests/unit/dp/test_gso.c \
	tests/unit/dp/test_keyslot.c \
	tests/unit/dp/test_lane.c \
	tests/unit/dp/test_many.c \
	tests/unit/dp/test_moderate.c \
	tests/unit/dp/test_peers.c \
	tests/unit/dp/test_replay.c \
	tests/unit/dp/test_route.c \
	tests/unit/dp/test_switch.c \
	tests/unit/dp/test_table.c \
	tests/unit/dp/test_tunnel.c \
	tests/unit/wire/vectors.c tests/unit/wire/vectors.h
tests_unit_dp_test_dp_CFLAGS = $(CRITERION_FLAGS)
tests_unit_dp_test_dp_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_DIR='"$(abs_top_srcdir)/tests/vectors"'
tests_unit_dp_test_dp_LDADD = $(LIB_DP) $(DP_LIBS) $(JANSSON_LIBS) $(CRITERION_LIBS)
