# SPDX-License-Identifier: Apache-2.0
#
# The one Makefile, non-recursive. Sources are found by wildcard: a new file needs no line here.
#
#   make                    the programs, into build/bin
#   make demo               what it can do, shown on itself
#   make check              every gate and every test; ends with the count
#   make check-long         the slow tests too
#   make fuzz               each fuzz target for FUZZ_SECONDS
#   make bench              measurements
#   make install            DESTDIR= PREFIX=
#
# Variants, each in a folder of its own: CC=clang, SAN=1 (addresses, undefined behaviour),
# TSAN=1 (threads), HAVE_ISAL=0 (zlib in place of ISA-L). V=1 shows the commands.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
ifneq ($(filter default undefined,$(origin AR)),)
AR := ar
endif
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(JOBS)
endif
FUZZ_SECONDS ?= 30
SAN ?=
TSAN ?=
FUZZ ?=

is_clang := $(findstring clang,$(CC))
# Set here only when the caller chose it; else the machine decides, further down.
no_isal := $(if $(filter 0,$(HAVE_ISAL)),-noisal)
B ?= build$(if $(is_clang),$(if $(FUZZ),,-clang))$(if $(SAN),-san)$(if $(TSAN),-tsan)$(if \
	$(FUZZ),-fuzz)$(no_isal)
B := $(B)

# --- floors ---------------------------------------------------------------------------------------

# `folder=used,used` a word, lowest floor first, `used` closed over what they use in turn.
comma := ,
floor_words := $(shell awk -f tools/floors.awk tools/floors.txt)
floors := $(foreach w,$(floor_words),$(firstword $(subst =, ,$(w))))
$(foreach w,$(floor_words),$(eval uses_$(firstword $(subst =, ,$(w))) := $(subst $(comma), ,$(word 2,$(subst =, ,$(w))))))

folders := $(foreach f,$(floors),$(if $(wildcard $(f)/*.c),$(f)))

# --- flags ----------------------------------------------------------------------------------------

ifeq ($(origin HAVE_ISAL),undefined)
HAVE_ISAL := $(shell $(PKG_CONFIG) --exists libisal 2>/dev/null && echo 1 || echo 0)
endif

# Of OpenSSL only SHA-2 is used: 40 KB of its archive, where the whole library would take more of the
# start of each command than everything else together. Where there is no archive it is linked.
static_sha2 := $(if $(filter /%,$(shell $(CC) -print-file-name=libcrypto.a)),1,0)

warnings := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wwrite-strings \
	-Wundef -Wpointer-arith -Wformat=2 -Wno-format-nonliteral -Werror
opt := -O2 -D_FORTIFY_SOURCE=2
ifneq ($(SAN),)
opt := -O1 -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
ifneq ($(TSAN),)
opt := -O1 -fsanitize=thread -fno-omit-frame-pointer
endif
ifneq ($(FUZZ),)
opt := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=all
endif
# gcc's flow analysis sees ghosts in instrumented code.
ifneq ($(SAN)$(TSAN),)
ifeq ($(is_clang),)
opt += -Wno-maybe-uninitialized -Wno-format-truncation -Wno-stringop-truncation
endif
endif

std := -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DIMG_HAVE_ISAL=$(HAVE_ISAL) \
	-DIMG_STATIC_SHA2=$(static_sha2) -iquote .
CFLAGS ?=
LDFLAGS ?=
all_cflags := $(std) -include base/banned.h $(opt) -g -fstack-protector-strong -fPIE -pthread \
	-ffunction-sections -fdata-sections $(warnings) $(CFLAGS)
all_ldflags := $(filter -fsanitize=%,$(opt)) -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed \
	-Wl,--gc-sections $(LDFLAGS)
ifneq ($(is_clang),)
compile_only := -Wno-unused-command-line-argument
endif

# libcurl and libarchive are not here on purpose: they are loaded when first needed.
libs := -ljansson -lsqlite3 $(if $(filter 1,$(static_sha2)),-l:libcrypto.a,-lcrypto) -lzstd \
	$(if $(filter 1,$(HAVE_ISAL)),-lisal) -lz

# --- programs -------------------------------------------------------------------------------------

cli_main := $(wildcard cli/main.c)
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
archive = $(B)/lib/libimg-$(1).a
folder_sources = $(filter-out cli/main.c,$(wildcard $(1)/*.c))
archives := $(foreach f,$(folders),$(call archive,$(f)))
programs := $(if $(cli_main),$(B)/bin/img)
# The program knows its commands and options best.
texts := $(if $(cli_main),$(B)/man/img.1 $(B)/completion/img)
sources := $(foreach f,$(folders),$(wildcard $(f)/*.c))
headers := $(foreach f,$(floors),$(wildcard $(f)/*.h))

.PHONY: all libs
all: $(if $(programs),$(programs) $(texts),libs)
libs: $(archives)

link = $(CC) $(all_ldflags) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	-Wl,--end-group $(1) $(libs)
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))
quiet = $(if $(V),,@$(if $(silent),,echo "  $(1)	$@";))

$(B)/bin/img: $(call obj,$(cli_main)) $(archives) $(B)/flags
	@mkdir -p $(@D)
	$(call quiet,LD)$(call link,)

$(B)/man/img.1 $(B)/completion/img: $(B)/bin/img
	@mkdir -p $(@D)
	$(call quiet,TEXT)$< help $(if $(filter %.1,$@),--man,--completion bash) > $@

define folder_rules
$(call archive,$(1)): $(call obj,$(call folder_sources,$(1)))
endef
$(foreach f,$(folders),$(eval $(call folder_rules,$(f))))

$(archives):
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,AR)$(AR) rcsD $@ $(filter %.o,$^)

compile = $(CC) $(all_cflags) $(compile_only) $(1) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.c $(B)/flags | $(B)/.packages
	@mkdir -p $(@D)
	$(call quiet,CC)$(call compile,)

# Test functions are found by name, they have no prototypes.
$(B)/obj/tests/%.o: tests/%.c $(B)/flags | $(B)/.packages
	@mkdir -p $(@D)
	$(call quiet,CC)$(call compile,-Wno-missing-prototypes)

# Changes only when the flags do; everything compiled depends on it.
flags_text := $(CC) $(all_cflags) / $(all_ldflags) / $(libs)
$(B)/flags: .force
	@mkdir -p $(@D)
	@printf '%s\n' '$(flags_text)' | cmp -s - $@ || printf '%s\n' '$(flags_text)' > $@

.PHONY: .force
.force:

# Says plainly what a fresh machine lacks, once.
$(B)/.packages: tools/packages.txt
	@mkdir -p $(@D)
	@tools/install-packages.sh --check build
	@touch $@

# --- tests ----------------------------------------------------------------------------------------

unit_folders := $(foreach f,$(folders),$(if $(wildcard tests/unit/$(f)/test_*.c),$(f)))
unit_tests := $(foreach f,$(unit_folders),$(B)/test/unit/$(f))
support_sources := $(wildcard tests/support/*.c)
support := $(if $(support_sources),$(B)/lib/libimg-test.a)
fault_sources := $(wildcard tests/fault/test_*.c)
fault_tests := $(if $(fault_sources),$(B)/test/fault)
# Makers of images, tars, stores and homes that they share with the unit tests.
fault_borrowed := $(addprefix tests/unit/,pull/maker.c layers/tarmaker.c store/support.c net/home.c \
	overlay/mountmaker.c)
fuzz_names := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_tests := $(foreach n,$(fuzz_names),$(B)/test/fuzz/$(n))

.PHONY: tests unit
tests: $(unit_tests) $(fault_tests) $(fuzz_tests)
unit: $(unit_tests)

$(B)/lib/libimg-test.a: $(call obj,$(support_sources))
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,AR)$(AR) rcsD $@ $(filter %.o,$^)

# Makers that the tests of one floor borrow from those of another.
borrowed_overlay := tests/unit/layers/tarmaker.c

# One binary a floor, linked with that floor and the ones it may use.
define unit_rules
$(B)/test/gen/$(1).c: $(wildcard tests/unit/$(1)/*.c) tools/gen-unit-main.py
	@mkdir -p $$(@D)
	@$(PYTHON) tools/gen-unit-main.py $$@ $(wildcard tests/unit/$(1)/test_*.c)

$(B)/test/unit/$(1): $(call obj,$(wildcard tests/unit/$(1)/*.c) $(borrowed_$(1))) $(B)/test/gen/$(1).o \
		$(call obj,tests/unit/runner.c) $(support) \
		$(call archive,$(1)) $(foreach f,$(filter $(folders),$(uses_$(1))),$(call archive,$(f)))
	@mkdir -p $$(@D)
	$$(call quiet,LD)$$(call link,-lcunit)
endef
$(foreach f,$(unit_folders),$(eval $(call unit_rules,$(f))))

$(B)/test/gen/%.o: $(B)/test/gen/%.c $(B)/flags | $(B)/.packages
	@mkdir -p $(@D)
	$(call quiet,CC)$(call compile,-Wno-missing-prototypes)

$(B)/test/gen/fault.c: $(fault_sources) tools/gen-unit-main.py
	@mkdir -p $(@D)
	@$(PYTHON) tools/gen-unit-main.py $@ $(fault_sources)

$(B)/test/fault: $(call obj,$(wildcard tests/fault/*.c) $(fault_borrowed)) $(B)/test/gen/fault.o \
		$(call obj,tests/unit/runner.c) $(support) $(archives)
	@mkdir -p $(@D)
	$(call quiet,LD)$(call link,-lcunit)

# A fuzz target linked with a main that replays files; under FUZZ=1 with libFuzzer itself.
$(fuzz_tests): $(B)/test/fuzz/%: $(B)/obj/tests/fuzz/fuzz_%.o \
		$(if $(FUZZ),,$(call obj,tests/fuzz/replay_main.c)) $(support) $(archives)
	@mkdir -p $(@D)
	$(call quiet,LD)$(call link,$(if $(FUZZ),-fsanitize=fuzzer))

# The inputs that fuzzing starts from, the same for every variant.
seeds_folder := build/fuzz/seeds
.PHONY: seeds
seeds: build/fuzz/.seeds
build/fuzz/.seeds: $(wildcard tests/fuzz/seeds*.py)
	@mkdir -p $(seeds_folder)
	@$(PYTHON) tests/fuzz/seeds.py $(seeds_folder) >build/fuzz/seeds.log
	@touch $@

# --- gates ----------------------------------------------------------------------------------------

CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14 clang-format) clang-format)
CLANG_TIDY ?= $(firstword $(shell command -v clang-tidy-14 clang-tidy) clang-tidy)
own_c := $(sort $(sources) $(cli_main) $(headers) $(wildcard tests/*/*.[ch] tests/unit/*/*.[ch]) \
	$(wildcard bench/*.[ch] fixtures/*.[ch]))
tidy_stamps := $(patsubst %.c,$(B)/tidy/%.ok,$(sources) $(cli_main))

.PHONY: gates format format-check tidy floors headers sizes symbols banned words
gates: format-check words banned floors headers sizes symbols tidy

format:
	@$(CLANG_FORMAT) -i $(own_c)

format-check:
	@$(CLANG_FORMAT) --dry-run -Werror $(own_c)
	@echo "format: $(words $(own_c)) files as clang-format has them"

tidy: $(tidy_stamps)
	@echo "tidy: $(words $(tidy_stamps)) files without a finding"

# Anew when the file, a header it includes (its object knows) or the checks change.
$(B)/tidy/%.ok: %.c $(B)/obj/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call quiet,TIDY)$(CLANG_TIDY) --quiet --warnings-as-errors='*' $< -- \
		$(std) -include base/banned.h 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

floors:
	@$(PYTHON) tools/check-floors.py

headers:
	@tools/check-headers.sh $(CC) '$(std) -include base/banned.h $(warnings)' $(headers)

sizes:
	@$(PYTHON) tools/check-sizes.py

symbols: $(archives)
	@$(PYTHON) tools/check-symbols.py $(B)

banned:
	@tools/check-banned $(CC)

words:
	@tools/check-words

# --- what users call ------------------------------------------------------------------------------

.PHONY: demo check check-long bench fuzz install clean

# They install what they need first; make then starts anew, because it looks at what is installed.
demo:
	@tools/install-packages.sh test
	@$(MAKE) --no-print-directory all
	@tools/demo.sh

check:
	@tools/install-packages.sh test
	@tests/run --check

check-long:
	@tools/install-packages.sh long
	@tests/run --check --long

bench:
	@tools/install-packages.sh bench
	@$(MAKE) --no-print-directory all
	@bench/run
	@bench/mount

ifneq ($(FUZZ),)
fuzz: $(fuzz_tests) seeds
	@tools/fuzz-run.sh $(B) $(seeds_folder) $(FUZZ_SECONDS) $(fuzz_names)
else
fuzz:
	@$(MAKE) --no-print-directory CC=clang FUZZ=1 fuzz
endif

share := $(DESTDIR)$(PREFIX)/share

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(share)/man/man1 $(share)/bash-completion/completions
	install -m 0755 $(programs) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(filter %.1,$(texts)) $(share)/man/man1
	install -m 0644 $(filter-out %.1,$(texts)) $(share)/bash-completion/completions

clean:
	rm -rf build build-*

.SECONDARY:
-include $(shell find $(B)/obj $(B)/test/gen -name '*.d' 2>/dev/null)
