if HAVE_CRITERION
CRITERION_FLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS) -Wno-missing-prototypes -Wno-write-strings
include tests/unit/base/local.mk
include tests/unit/crypto/local.mk
include tests/unit/sys/local.mk
include tests/unit/wire/local.mk
include tests/unit/session/local.mk
include tests/unit/dp/local.mk
include tests/unit/config/local.mk
include tests/unit/hooks/local.mk
include tests/unit/auth/local.mk
include tests/unit/mgmt/local.mk
include tests/unit/node/local.mk
include tests/unit/client/local.mk
include tests/unit/server/local.mk
endif
include tests/sim/local.mk
include tests/dp/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/tools/local.mk
include tests/lint/local.mk

EXTRA_DIST += tests/run.sh tests/vectors tests/netns/generators
# The scripts of system tests, tools and benchmarks come and go: every one that is there is distributed.
dist-hook:
	cd $(srcdir) && for file in `find tests contrib doc easy-rsa-lite -name '*.sh' -o -name '*.py' -o -name '*.json' -o -name '*.md'`; do \
		$(MKDIR_P) "$(abs_builddir)/$(distdir)/`dirname $$file`" && cp -p "$$file" "$(abs_builddir)/$(distdir)/$$file" || exit 1; \
	done
