# The manual's reference and the shells' completions are made from the table of options.
noinst_PROGRAMS += doc/reference
doc_reference_SOURCES = \
	doc/reference.c doc/reference.h \
	doc/reference_completion.c \
	doc/reference_manual.c
doc_reference_LDADD = $(LIB_CONFIG) $(SYS_LIBS) $(WIRE_LIBS)

doc/vpnd.8: doc/vpnd.8.in doc/option-notes.txt doc/reference$(EXEEXT)
	$(AM_V_GEN)doc/reference$(EXEEXT) manual $(srcdir)/doc/vpnd.8.in $(srcdir)/doc/option-notes.txt >$@.new && mv $@.new $@
doc/completion.bash doc/completion.zsh doc/completion.fish: doc/reference$(EXEEXT)
	$(AM_V_GEN)doc/reference$(EXEEXT) completion $(@:doc/completion.%=%) >$@.new && mv $@.new $@

GUIDES = \
	doc/quick-start.md \
	doc/remote-access.md \
	doc/bridged-lan.md \
	doc/site-to-site.md \
	doc/tcp443-and-proxies.md \
	doc/certificates.md \
	doc/moving-from-openvpn.md \
	doc/troubleshooting.md \
	doc/performance.md \
	doc/security.md \
	doc/wire-extensions.md \
	doc/architecture.md

nodist_man_MANS = doc/vpnd.8
dist_man_MANS += doc/vpnd-pki.1
dist_doc_DATA = $(GUIDES)
noinst_DATA += doc/completion.bash doc/completion.zsh doc/completion.fish
CLEANFILES += doc/vpnd.8 doc/completion.bash doc/completion.zsh doc/completion.fish
EXTRA_DIST += doc/vpnd.8.in doc/option-notes.txt

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
install-data-local: doc/completion.bash doc/completion.zsh doc/completion.fish
	$(MKDIR_P) $(DESTDIR)$(bashcompletiondir) $(DESTDIR)$(zshcompletiondir) $(DESTDIR)$(fishcompletiondir)
	$(INSTALL_DATA) doc/completion.bash $(DESTDIR)$(bashcompletiondir)/vpnd
	$(INSTALL_DATA) doc/completion.zsh $(DESTDIR)$(zshcompletiondir)/_vpnd
	$(INSTALL_DATA) doc/completion.fish $(DESTDIR)$(fishcompletiondir)/vpnd.fish
uninstall-hook:
	rm -f $(DESTDIR)$(bashcompletiondir)/vpnd $(DESTDIR)$(zshcompletiondir)/_vpnd \
		$(DESTDIR)$(fishcompletiondir)/vpnd.fish
