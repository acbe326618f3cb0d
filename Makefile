# tracetape.  `make run` and `make test` are all a newcomer needs;
# `make help` lists the rest.
#
# B is the build directory: `make B=build/asan SAN=address,undefined` builds the
# same tree with sanitizers beside the release build.

B       ?= build
SAN     ?=
CC      ?= cc
OPT     ?= -O2 -g
WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wwrite-strings -Wvla -Wno-unused-parameter
CPPFLAGS += -I. -D_GNU_SOURCE
CFLAGS  ?= $(OPT)
SYSTEM  := $(shell uname -s)

# Distributions may have set another level of _FORTIFY_SOURCE; and it wants an
# optimizer, which OPT=-O0 has not.
FORTIFY = $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
ifneq ($(SAN),)
HARDEN  = -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
HARDEN  = $(FORTIFY) -fPIE -ffunction-sections -fdata-sections
# Apple's linker makes PIE by itself and knows none of the others.
ifeq ($(SYSTEM),Linux)
HARDENLD = -pie -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack
endif
endif
TTFLAGS = -std=c11 $(WARN) -fno-strict-aliasing -fstack-protector-strong -pthread \
          $(HARDEN)
LIBS    = -levent_core -levent_extra -lmbedtls -lmbedx509 -lmbedcrypto -llmdb \
          -linih -lpcre2-8 -lz -lbrotlidec -lzstd

# Where `make install` puts things.
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
SYSCONFDIR ?= $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
UNITDIR ?= $(PREFIX)/lib/systemd/system

# How long `make fuzz` gives each target, in seconds, and which it runs (all).
FUZZ_SECONDS ?= 300
FUZZ_ONLY ?=

SRC     := $(wildcard proxy/*.c certs/*.c store/*.c tools/*.c)
OBJ     := $(SRC:%.c=$(B)/%.o)
LIBOBJ  := $(filter-out $(B)/tools/main.o,$(OBJ))
UNIT    := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNITBIN := $(UNIT:%=$(B)/unit/%)
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZBIN := $(FUZZ:%=$(B)/fuzz/%)
CORPUSBIN := $(FUZZ:%=$(B)/corpus/%)
# V=1 shows the commands.
Q       = $(if $(V),,@echo '  $(@:$(CURDIR)/%=%)';)
SUBMAKE = $(MAKE) --no-print-directory -j2

.PHONY: all
all: $(B)/tracetape

$(B)/tracetape: $(B)/tools/main.o $(B)/lib.a
	$(Q)$(CC) $(TTFLAGS) $(CFLAGS) $(HARDENLD) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/lib.a: $(LIBOBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/%.o: %.c $(B)/flags | $(B)/deps
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/unit/%: tests/unit/%.c $(B)/lib.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(B)/lib.a -lcmocka $(LIBS)

# A fuzz target with a main that only replays files: needs no fuzzer, so every
# compiler can run the corpora.
$(B)/corpus/%: tests/fuzz/%.c tests/fuzz/replay.c $(B)/lib.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -Wno-missing-prototypes -o $@ \
	    $< tests/fuzz/replay.c $(B)/lib.a $(LIBS)

$(B)/fuzz/%: tests/fuzz/%.c $(B)/lib.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer \
	    -o $@ $< $(B)/lib.a $(LIBS)

# Holds the flags of the last build: who changes them builds anew.
$(B)/flags: always
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS)' >$@

# Made once per build directory, when the compiler finds every library.
$(B)/deps: tests/deps.sh
	@mkdir -p $(@D)
	@CC='$(CC)' sh tests/deps.sh check
	@touch $@

.PHONY: always
always:

.PHONY: deps test-deps
deps:
	@CC='$(CC)' sh tests/deps.sh run

test-deps:
	@CC='$(CC)' sh tests/deps.sh test

# Records on 127.0.0.1:8787 until interrupted.  The recipe becomes the proxy, so
# that signals and the exit status are the proxy's own.
.PHONY: run
run: deps
	@$(SUBMAKE) all
	@out=$$(mktemp -d); mkfifo $$out/said || exit 1; \
	( exec <$$out/said; rm -r $$out; trap '' INT TERM; \
	  while IFS= read -r line; do \
	      echo "$$line"; \
	      case $$line in "listening http://"*) \
	          echo "export OPENAI_BASE_URL=$${line#listening }/v1"; \
	          echo "eval \"\$$($(abspath $(B))/tracetape env)\"" \
	              "   # instead: sees traces too" ;; \
	      esac; \
	  done ) & \
	exec $(B)/tracetape proxy --listen 127.0.0.1:8787 \
	    --store "$${XDG_DATA_HOME:-$$HOME/.local/share}/tracetape" >$$out/said

.PHONY: unit corpus fuzz-corpus lint
unit: $(UNITBIN)
	@B='$(B)' sh tests/run.sh unit

corpus fuzz-corpus: $(CORPUSBIN)
	@B='$(B)' sh tests/run.sh corpus

lint:
	@sh tests/run.sh lint

# Lints; units and corpora under the sanitizers; the end-to-end tests
# against the sanitized program and against the one that is shipped.
.PHONY: test
test: test-deps
	@MAKE='$(MAKE)' CC='$(CC)' sh tests/run.sh all

.PHONY: e2e
e2e: all
	@B='$(B)' sh tests/run.sh e2e

.PHONY: tests-built
tests-built: $(UNITBIN) $(CORPUSBIN)

.PHONY: help
help:
	@sed -n 's/^#: //p' Makefile

#: make                the program, build/tracetape
#: make run            install what is missing, build, record on 127.0.0.1:8787
#: make test           install what is missing, run every test
#: make unit|corpus|e2e|lint   one kind of tests; e2e takes E2E_ONLY=a.test.mjs
#: make heavy          the end-to-end tests that take gigabytes or minutes
#: make fuzz           each fuzz target FUZZ_SECONDS=300; FUZZ_ONLY=http1 only that
#: make cover          lines and branches that units and corpora reach; COVER=corpus
#: make valgrind       units and E2E_ONLY under valgrind
#: make analyze        clang-tidy, cppcheck, gcc -fanalyzer: those that are there
#: make bench          the figures of tests/bench
#: make install        PREFIX, DESTDIR; make uninstall
#: make static         build/static/tracetape, which needs no shared library
#: make B=build/tsan SAN=thread unit e2e   the same under another sanitizer
#: make deps|test-deps   only install what is missing

.PHONY: fuzz fuzz-built
fuzz-built: $(FUZZBIN)

fuzz:
	@MAKE='$(MAKE)' sh tests/fuzz/run.sh $(FUZZ_SECONDS) '$(FUZZ_ONLY)'

.PHONY: cover
cover:
	@MAKE='$(MAKE)' sh tests/cover.sh $(COVER)

# Mbed TLS and the JSON scanner run some 30 times slower under valgrind: units,
# and the end-to-end tests that E2E_ONLY names.
.PHONY: valgrind
valgrind: all tests-built
	@B='$(B)' E2E_ONLY='$(E2E_ONLY)' sh tests/valgrind.sh

.PHONY: analyze
analyze:
	@sh tests/analyze.sh $(SRC)

.PHONY: bench
bench: all
	@TRACETAPE='$(CURDIR)/$(B)/tracetape' sh tests/bench/run.sh

# One file without shared libraries, as small as it gets without giving up the
# random load address.
.PHONY: static
static:
	@$(SUBMAKE) B=build/static LDFLAGS='$(LDFLAGS) -static-pie -Wl,-z,pack-relative-relocs' \
	    LIBS='$(LIBS) -lbrotlicommon -lm' all
	@cp build/static/tracetape build/static/tracetape.stripped
	@strip build/static/tracetape.stripped
	@ls -l build/static/tracetape build/static/tracetape.stripped

INSTALL ?= install
.PHONY: install uninstall
install: all
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man1' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	    '$(DESTDIR)$(PREFIX)/share/zsh/site-functions' \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d' \
	    '$(DESTDIR)$(SYSCONFDIR)' '$(DESTDIR)$(UNITDIR)'
	$(INSTALL) -m 755 $(B)/tracetape '$(DESTDIR)$(BINDIR)/tracetape'
	$(INSTALL) -m 644 tools/tracetape.1 '$(DESTDIR)$(MANDIR)/man1/tracetape.1'
	$(INSTALL) -m 644 tools/completion.bash \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tracetape'
	$(INSTALL) -m 644 tools/completion.zsh \
	    '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tracetape'
	$(INSTALL) -m 644 tools/completion.fish \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/tracetape.fish'
	sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' \
	    configs/tracetape.service >'$(DESTDIR)$(UNITDIR)/tracetape.service'
	chmod 644 '$(DESTDIR)$(UNITDIR)/tracetape.service'
	@# A configuration that somebody may have edited is never written over.
	test -e '$(DESTDIR)$(SYSCONFDIR)/tracetape.conf' || $(INSTALL) -m 644 \
	    configs/tracetape.conf '$(DESTDIR)$(SYSCONFDIR)/tracetape.conf'

# Leaves the configuration and every store.
uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/tracetape' '$(DESTDIR)$(MANDIR)/man1/tracetape.1' \
	    '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tracetape' \
	    '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tracetape' \
	    '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/tracetape.fish' \
	    '$(DESTDIR)$(UNITDIR)/tracetape.service'

# What takes gigabytes or minutes; `make test` has most of it, too.
.PHONY: heavy
heavy: all
	@B='$(B)' E2E_ONLY='heavy/*.test.mjs' E2E_JOBS=1 E2E_EVERY=1 E2E_SECONDS=3600 \
	    E2E_ONE_SECONDS=1800 sh tests/run.sh e2e

.PHONY: clean
clean:
	rm -rf build

-include $(OBJ:.o=.d) $(wildcard $(B)/unit/*.d)
