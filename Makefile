# tlsrpt-milter. GNU make; "make help" lists the targets.

VERSION     = 0.1.0

prefix        = /usr/local
exec_prefix   = $(prefix)
bindir        = $(exec_prefix)/bin
sbindir       = $(exec_prefix)/sbin
sysconfdir    = /etc
localstatedir = /var
runstatedir   = /run
mandir        = $(prefix)/share/man
docdir        = $(prefix)/share/doc/tlsrpt-milter
unitdir       = $(prefix)/lib/systemd/system
sysusersdir   = $(prefix)/lib/sysusers.d
tmpfilesdir   = $(prefix)/lib/tmpfiles.d
INSTALL       = install
PKG_CONFIG    = pkg-config
CLANG         = clang

# Where objects and programs go; sanitizers and coverage have their own.
B = build

WARNINGS  = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
WERROR    =
OPTIMIZE  = -O2 -g
HARDENING = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LINK_HARDENING = -pie -Wl,-z,relro,-z,now
SANITIZE  =
CFLAGS    = $(OPTIMIZE) $(HARDENING)
LDFLAGS   = $(LINK_HARDENING)

# Each part of the library and of the command has a folder; names of headers are
# unique.
INCLUDES = $(patsubst %/,-I%,$(sort $(wildcard common/*/ cli/*/))) -Icli

ALL_CPPFLAGS = -D_XOPEN_SOURCE=700 -DVERSION='"$(VERSION)"' \
	-DSYSCONFDIR='"$(sysconfdir)"' -DLOCALSTATEDIR='"$(localstatedir)"' \
	-DRUNSTATEDIR='"$(runstatedir)"' $(INCLUDES) -I$(B) $(CPPFLAGS)
ALL_CFLAGS   = -std=c17 -pthread $(WARNINGS) $(WERROR) $(CFLAGS) $(SANITIZE)
# A program is linked with the libraries that it uses, not with all.
ALL_LDFLAGS  = -pthread -Wl,--as-needed $(LDFLAGS) $(SANITIZE)

PACKAGES    = zlib libcjson libssl libcrypto libcurl libidn2 opendkim libpsl \
	sqlite3
# Looked up when something is linked, so that "make deps" can come first.
# libunbound's own file asks for libevent's headers, which nobody needs.
LIBS        = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lunbound -lm
MILTER_LIBS = -lmilter
COLLECTOR_LIBS = -lmicrohttpd
CHECK_LIBS  = $(shell $(PKG_CONFIG) --libs check)

COMMON := $(sort $(wildcard common/*/*.c))
MILTER := $(sort $(wildcard milter/*.c))
COLLECTOR := $(sort $(wildcard collector/*.c))
CLI    := $(sort $(wildcard cli/*.c cli/*/*.c))
UNIT   := $(sort $(wildcard tests/unit/*.c))
FUZZ   := $(sort $(wildcard tests/fuzz/fuzz-*.c))
BENCH  := $(sort $(wildcard tests/bench/*.c))
SOURCES = $(COMMON) $(MILTER) $(COLLECTOR) $(CLI) $(UNIT) $(FUZZ) $(BENCH)
HEADERS = $(wildcard common/*/*.h milter/*.h collector/*.h cli/*.h cli/*/*.h tests/unit/*.h tests/fuzz/*.h tests/bench/*.h)
MANUALS = milter/tlsrpt-milter.8 milter/tlsrpt-milter.conf.5 \
	collector/tlsrpt-collector.8 cli/tlsrpt.1

objects = $(patsubst %.c,$(B)/%.o,$(1))

.PHONY: all help deps check demo bench fuzz asan tsan coverage lint format \
	install uninstall dist clean
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(B)/tlsrpt-milter $(B)/tlsrpt-collector $(B)/tlsrpt

help:
	@echo 'make            build/tlsrpt-milter, build/tlsrpt-collector, build/tlsrpt'
	@echo 'make demo       see it work with a private Postfix (as root)'
	@echo 'make check      build and run every test (as root)'
	@echo 'make bench      ratios against floors measured in the same run'
	@echo 'make fuzz       each fuzz target for FUZZ_SECONDS=60'
	@echo 'make asan tsan coverage lint'
	@echo 'make install    honours DESTDIR, prefix, sysconfdir, localstatedir'

# Programs.

$(B)/libcommon.a: $(call objects,$(COMMON))
	rm -f $@
	$(AR) rcs $@ $^

$(B)/tlsrpt-milter: $(call objects,$(MILTER)) $(B)/libcommon.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(LIBS)

$(B)/tlsrpt-collector: $(call objects,$(COLLECTOR)) $(B)/libcommon.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(COLLECTOR_LIBS) $(LIBS)

$(B)/tlsrpt: $(call objects,$(CLI)) $(B)/libcommon.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The style sheet, as strings of C, a line each.
$(B)/cli/html/htmltable.o: $(B)/html.css.h
$(B)/html.css.h: cli/html/html.css
	@mkdir -p $(@D)
	sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n",/' $< > $@

# What was built with other flags is built again.
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' > $@
FORCE:

-include $(patsubst %.c,$(B)/%.d,$(SOURCES))

# Tests.

deps:
	@sh tests/install-deps.sh build test

# The linker lets tests/unit/inject.c make calls fail.
INJECT_FLAGS = -Wl,@tests/unit/inject.flags

$(B)/unit-tests: $(call objects,$(UNIT)) $(B)/libcommon.a tests/unit/inject.flags
	$(CC) $(ALL_LDFLAGS) $(INJECT_FLAGS) -o $@ $(filter %.o %.a,$^) \
	    $(CHECK_LIBS) $(LIBS)

demo: deps
	@$(MAKE) --no-print-directory all
	@python3 tests/demo/demo.py

check: deps
	@$(MAKE) --no-print-directory all $(B)/unit-tests
	@sh tests/check.sh

# Sanitizers have a build of their own.
asan:
	$(MAKE) B=build/asan CC=$(CLANG) OPTIMIZE='-O1 -g -fno-omit-frame-pointer' \
	    HARDENING= LINK_HARDENING= \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' \
	    all build/asan/unit-tests
	@B=build/asan sh tests/check.sh

# What makes its threads meet; the rest adds nothing but time.
TSAN_TESTS = test_treatment test_session test_collector test_logdaemon test_process \
	test_unverified test_slowdns test_alert test_tracker test_collectorload

tsan:
	$(MAKE) B=build/tsan CC=$(CLANG) OPTIMIZE='-O1 -g -fno-omit-frame-pointer' \
	    HARDENING= LINK_HARDENING= SANITIZE='-fsanitize=thread' all
	@BUILD=build/tsan \
	    TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp atexit_sleep_ms=0" \
	    timeout 600 python3 tests/integration/run.py -j 3 $(TSAN_TESTS)

coverage:
	$(MAKE) B=build/coverage OPTIMIZE='-O0 -g' HARDENING= LINK_HARDENING= \
	    SANITIZE='--coverage' build/coverage/unit-tests
	build/coverage/unit-tests -j 4
	gcovr --root . --filter 'common/' --fail-under-line 90 \
	    --sort-percentage build/coverage

# Fuzz targets: each parser alone, with seeds and a dictionary.

FUZZ_SECONDS = 60
FUZZ_FLAGS   = -g -O1 -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ))

FUZZ_CC      = $(CLANG) -std=c17 -pthread $(ALL_CPPFLAGS) $(WARNINGS) $(FUZZ_FLAGS)
FUZZ_COMMON  = $(patsubst %.c,$(B)/fuzz/%.o,$(COMMON))

$(B)/fuzz/common/%.o: common/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -c -o $@ $<

$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_COMMON)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $^ $(LIBS)

fuzz: $(FUZZ_TARGETS)
	sh tests/fuzz/run.sh $(FUZZ_SECONDS)

# Benchmarks.

$(B)/bench/%: $(B)/tests/bench/%.o $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(LIBS)

bench: deps
	@$(MAKE) --no-print-directory all \
	    $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH))
	@python3 tests/bench/bench.py

# What CI asks of the source.

lint:
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)
	@cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
	    --enable=warning,performance,portability $(INCLUDES) \
	    --suppress=unknownMacro -D_XOPEN_SOURCE=700 $(COMMON) $(MILTER) \
	    $(COLLECTOR) $(CLI)
	@mandoc -Tlint -W warning $(MANUALS)
	@shellcheck -s sh .ci/run .ci/installed tests/*.sh tests/*/*.sh

format:
	clang-format -i $(SOURCES) $(HEADERS)

# Installation.

SUBSTITUTE = sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@bindir@|$(bindir)|g' \
	-e 's|@sysconfdir@|$(sysconfdir)|g' \
	-e 's|@localstatedir@|$(localstatedir)|g' \
	-e 's|@runstatedir@|$(runstatedir)|g'

$(B)/init/%: init/%.in $(B)/flags
	@mkdir -p $(@D)
	$(SUBSTITUTE) $< > $@

INIT = $(patsubst init/%.in,$(B)/init/%,$(wildcard init/*.in))

install: all $(INIT)
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) \
	    $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man5 \
	    $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(unitdir) \
	    $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) \
	    $(DESTDIR)$(sysconfdir) $(DESTDIR)$(docdir)/init \
	    $(DESTDIR)$(docdir)/conf
	$(INSTALL) -m 755 $(B)/tlsrpt-milter $(DESTDIR)$(sbindir)
	$(INSTALL) -m 755 $(B)/tlsrpt-collector $(DESTDIR)$(sbindir)
	$(INSTALL) -m 755 $(B)/tlsrpt $(DESTDIR)$(bindir)
	$(INSTALL) -m 644 cli/tlsrpt.1 $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 644 milter/tlsrpt-milter.conf.5 $(DESTDIR)$(mandir)/man5
	$(INSTALL) -m 644 milter/tlsrpt-milter.8 collector/tlsrpt-collector.8 \
	    $(DESTDIR)$(mandir)/man8
	$(INSTALL) -m 644 $(B)/init/tlsrpt-milter.service \
	    $(B)/init/tlsrpt-collector.service \
	    $(B)/init/tlsrpt-collector.socket $(B)/init/tlsrpt-prune.service \
	    init/tlsrpt-prune.timer \
	    $(DESTDIR)$(unitdir)
	$(INSTALL) -m 644 init/tlsrpt-milter.sysusers \
	    $(DESTDIR)$(sysusersdir)/tlsrpt-milter.conf
	$(INSTALL) -m 644 $(B)/init/tlsrpt-milter.tmpfiles \
	    $(DESTDIR)$(tmpfilesdir)/tlsrpt-milter.conf
	$(INSTALL) -m 644 $(B)/init/tlsrpt-milter.openrc \
	    $(B)/init/tlsrpt-milter.sysv $(B)/init/tlsrpt-collector.openrc \
	    $(B)/init/tlsrpt-collector.sysv init/alerts.conf \
	    $(DESTDIR)$(docdir)/init
	$(INSTALL) -m 644 conf/* $(DESTDIR)$(docdir)/conf
	$(INSTALL) -m 644 README.md LICENSE CHANGELOG.md SECURITY.md \
	    $(DESTDIR)$(docdir)
	test -e $(DESTDIR)$(sysconfdir)/tlsrpt-milter.conf || \
	    $(INSTALL) -m 644 conf/tlsrpt-milter.conf $(DESTDIR)$(sysconfdir)

# The configuration and what has been archived stay.
uninstall:
	rm -f $(DESTDIR)$(sbindir)/tlsrpt-milter \
	    $(DESTDIR)$(sbindir)/tlsrpt-collector $(DESTDIR)$(bindir)/tlsrpt \
	    $(DESTDIR)$(mandir)/man1/tlsrpt.1 \
	    $(DESTDIR)$(mandir)/man5/tlsrpt-milter.conf.5 \
	    $(DESTDIR)$(mandir)/man8/tlsrpt-milter.8 \
	    $(DESTDIR)$(mandir)/man8/tlsrpt-collector.8 \
	    $(DESTDIR)$(unitdir)/tlsrpt-milter.service \
	    $(DESTDIR)$(unitdir)/tlsrpt-collector.service \
	    $(DESTDIR)$(unitdir)/tlsrpt-collector.socket \
	    $(DESTDIR)$(unitdir)/tlsrpt-prune.service \
	    $(DESTDIR)$(unitdir)/tlsrpt-prune.timer \
	    $(DESTDIR)$(sysusersdir)/tlsrpt-milter.conf \
	    $(DESTDIR)$(tmpfilesdir)/tlsrpt-milter.conf
	rm -rf $(DESTDIR)$(docdir)

dist:
	@mkdir -p dist
	git archive --prefix=tlsrpt-milter-$(VERSION)/ \
	    -o dist/tlsrpt-milter-$(VERSION).tar.gz HEAD

clean:
	rm -rf build dist
