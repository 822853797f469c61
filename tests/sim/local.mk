check_PROGRAMS += tests/sim/sim tests/sim/attack
TESTS += tests/sim/sim tests/sim/attack
tests_sim_sim_SOURCES = \
	tests/sim/sim_main.c \
	tests/sim/sim_tls.c tests/sim/sim_tls.h \
	tests/sim/sim_world.c tests/sim/sim_world.h
tests_sim_sim_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_sim_sim_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
tests_sim_attack_SOURCES = \
	tests/sim/attack_main.c \
	tests/sim/sim_tls.c tests/sim/sim_tls.h \
	tests/sim/sim_world.c tests/sim/sim_world.h
tests_sim_attack_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/sim
tests_sim_attack_LDADD = $(LIB_SESSION) $(WIRE_LIBS)
