# cellpipe: Geneformer as Unix filters.
#
#   make demo       installs what is missing, builds, runs the demo
#   make check      installs what the tests need, builds, runs every test
#   make            builds the programs into build/bin
#   make install    into DESTDIR and PREFIX; make uninstall takes all of it away again
#   make lint       manual pages, option tables, includes, formatting, both compilers
#   make fuzz       FUZZ_SECONDS for each fuzz target
#   make bench      measures against what else there is; make bench-quick in two minutes
#   make format     brings the sources to .clang-format
#   make deps       only installs what the build needs
#   make dist       cellpipe-VERSION.tar.gz
#
# One program a file in filters/, the rest goes into one library, from which a program takes what it uses. A new .c
# file needs no edit here. All that is made lies under $(B); another set of flags can be built beside the first with
# another B (make B=build/debug CFLAGS=-g), and a changed flag rebuilds what it concerns.

VERSION    = 0.1.0
PREFIX     = /usr/local
DESTDIR    =
CC         = cc
CXX        = c++
CFLAGS     = -O2 -g
CPPFLAGS   =
LDFLAGS    =
PKG_CONFIG = pkg-config
B          = build

BINDIR = $(DESTDIR)$(PREFIX)/bin
SHARE  = $(DESTDIR)$(PREFIX)/share
LIB    = $(DESTDIR)$(PREFIX)/lib/cellpipe
MAN    = $(SHARE)/man/man
DOC    = $(SHARE)/doc/cellpipe
BASH   = $(SHARE)/bash-completion/completions
ZSH    = $(SHARE)/zsh/site-functions
FISH   = $(SHARE)/fish/vendor_completions.d

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:

# -- what there is ---------------------------------------------------------------------------------------------------

LIBRARY  := $(sort $(filter-out common/cuda/%,$(wildcard common/*/*.c formats/*.c)))
FILTERS  := $(sort $(patsubst filters/%.c,%,$(wildcard filters/*.c)))
UNITS    := $(sort $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)))
UNIT_AID := $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))
FUZZERS  := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_AID := $(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c))
PAGES    := $(sort $(wildcard man/*.[157]))

PROGRAMS    := $(FILTERS:%=$(B)/bin/%)
# The backend of NVIDIA's GPUs is an object of its own; it brings what it uses of common/base with it.
CUDA_C  := $(sort $(wildcard common/cuda/*.c)) common/base/err.c common/base/mem.c
CUDA_CU := $(sort $(wildcard common/cuda/*.cu))

COMPLETIONS := $(FILTERS:%=$(B)/completions/bash/%) $(FILTERS:%=$(B)/completions/zsh/_%) \
	$(FILTERS:%=$(B)/completions/fish/%.fish)

# -- flags -----------------------------------------------------------------------------------------------------------

# Package, and the plain flag for where pkg-config does not know it. A program is linked with those that it uses.
library = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null || echo $(3))
LIB_CFLAGS := $(call library,--cflags,hdf5,$(call library,--cflags,hdf5-serial)) $(call library,--cflags,liblzf) \
	$(call library,--cflags,cairo) $(call library,--cflags,lapacke) $(call library,--cflags,liblbfgs)

# MPI connects the processes of a training; make MPI=0 builds without it. Its package has many names.
MPI_PACKAGE := $(shell for p in mpi-c ompi-c ompi mpich; do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p && break; done)
MPI := $(if $(MPI_PACKAGE),1,0)
ifneq ($(MPI),0)
MPI_CFLAGS := -DCELLPIPE_MPI $(call library,--cflags,$(MPI_PACKAGE))
MPI_LIBS := $(call library,--libs,$(MPI_PACKAGE),-lmpi)
endif
LIBS := -Wl,--as-needed $(call library,--libs,hdf5,$(call library,--libs,hdf5-serial,-lhdf5)) \
	$(call library,--libs,dnnl,-ldnnl) $(call library,--libs,libdeflate,-ldeflate) \
	$(call library,--libs,blosc,-lblosc) $(call library,--libs,liblzf,-llzf) $(call library,--libs,liblz4,-llz4) \
	$(call library,--libs,libzstd,-lzstd) $(call library,--libs,libxxhash,-lxxhash) \
	$(call library,--libs,jansson,-ljansson) $(call library,--libs,csv,-lcsv) \
	$(call library,--libs,cairo,-lcairo) $(call library,--libs,lapacke,-llapacke) \
	$(call library,--libs,liblbfgs,-llbfgs) $(MPI_LIBS) -lm

# Made where there is nvcc; make CUDA=0 or CUDA=1 overrides. sm_86 and sm_89 run what is for sm_80; what comes after
# sm_100 compiles the PTX. The programs do not link with it: they look for it when they run.
NVCC     := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc) nvcc)
CUDA     := $(if $(shell $(NVCC) --version 2>/dev/null),1,0)
CUDA_INCLUDE = $(dir $(NVCC))../include
CUDA_FOR = -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 \
	-gencode arch=compute_100,code=[sm_100,compute_100]
NVCC_FLAGS = -std=c++14 -O2 -lineinfo $(CUDA_FOR) -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra -Icommon
ifneq ($(CUDA),0)
CUDA_OBJECT = $(B)/lib/cellpipe/cellpipe-cuda.so
endif

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wdate-time
C_FLAGS  = -std=c11 -pthread $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
CPP_FLAGS = -D_POSIX_C_SOURCE=200809L -DCELLPIPE_VERSION='"$(VERSION)"' -Icommon -I. $(LIB_CFLAGS) $(CPPFLAGS)
OWN_CFLAGS =
COMPILE  = $(CC) $(CPP_FLAGS) $(C_FLAGS) $(OWN_CFLAGS) -MMD -MP -c -o $@ $<
LINK     = $(CC) $(C_FLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# As many jobs as there are processors, unless the user's make was given a -j.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))

# -- building --------------------------------------------------------------------------------------------------------

all: $(PROGRAMS) $(CUDA_OBJECT)
units: $(UNITS:%=$(B)/unit/%) $(B)/emulated/cellpipe-cuda.so $(B)/emulated/other-version.so
fuzzers: $(FUZZERS:%=$(B)/fuzz/%)
completions: $(COMPLETIONS)

$(B)/bin/%: $(B)/filters/%.o $(B)/libcellpipe.a
	@mkdir -p $(@D)
	$(LINK) $(LIBS)

$(B)/unit/%: $(B)/tests/unit/%.o $(UNIT_AID:%.c=$(B)/%.o) $(B)/libcellpipe.a
	@mkdir -p $(@D)
	$(LINK) $(call library,--libs,cmocka,-lcmocka) $(LIBS)

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(FUZZ_AID:%.c=$(B)/%.o) $(B)/libcellpipe.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer $(LIBS)

$(B)/bench/%: $(B)/tests/bench/%.o $(B)/libcellpipe.a
	@mkdir -p $(@D)
	$(LINK) $(LIBS)

$(B)/parity/%: $(B)/tests/parity/%.o $(B)/libcellpipe.a
	@mkdir -p $(@D)
	$(LINK) $(LIBS)

$(B)/libcellpipe.a: $(LIBRARY:%.c=$(B)/%.o)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/common/base/ranks.o: private OWN_CFLAGS = $(MPI_CFLAGS)

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE)

$(B)/lib/cellpipe/cellpipe-cuda.so: $(CUDA_C:%=$(B)/cuda/%.o) $(CUDA_CU:%=$(B)/cuda/%.o)
	@mkdir -p $(@D)
	$(NVCC) -shared $(CUDA_FOR) -Xlinker --exclude-libs,ALL $(LDFLAGS:%=-Xlinker %) -o $@ $^ -lcublasLt

$(B)/cuda/%.c.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -fvisibility=hidden -isystem $(CUDA_INCLUDE)

$(B)/cuda/%.cu.o: %.cu $(B)/flags
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_FLAGS) -MMD -MP -c -o $@ $<

# The same with a device that is emulated on the processor, for the tests.
EMULATED = common/base/err.c common/base/mem.c $(sort $(wildcard common/cuda/*.c common/cuda/*.cu) \
	$(wildcard tests/emulation/*.c tests/emulation/*.cc))
EMULATED_CXX = $(CXX) -Itests/emulation $(filter-out $(LIB_CFLAGS),$(CPP_FLAGS)) -std=c++14 -pthread -Wall -Wextra \
	-Wno-unknown-pragmas -fno-exceptions -fno-rtti $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ -x c++ $<

$(B)/emulated/cellpipe-cuda.so: $(EMULATED:%=$(B)/emulated/%.o)
	@mkdir -p $(@D)
	$(LINK) -shared -lm

$(B)/emulated/other-version.so: $(B)/emulated/tests/emulation/stub/other_version.c.o
	@mkdir -p $(@D)
	$(LINK) -shared

$(B)/emulated/%.c.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -fvisibility=hidden -Itests/emulation

$(B)/emulated/%.cu.o: %.cu $(B)/flags
	@mkdir -p $(@D)
	$(EMULATED_CXX)

$(B)/emulated/%.cc.o: %.cc $(B)/flags
	@mkdir -p $(@D)
	$(EMULATED_CXX)

# Holds the flags, and is as old as they are.
$(B)/flags: export FLAGS = $(CC) $(CPP_FLAGS) $(C_FLAGS) $(LDFLAGS) $(LIBS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" >$@

complete = $< --print-options | awk -v shell=$(1) -f common/base/completions.awk >$@
$(B)/completions/bash/%: $(B)/bin/% common/base/completions.awk
	@mkdir -p $(@D)
	$(call complete,bash)
$(B)/completions/zsh/_%: $(B)/bin/% common/base/completions.awk
	@mkdir -p $(@D)
	$(call complete,zsh)
$(B)/completions/fish/%.fish: $(B)/bin/% common/base/completions.awk
	@mkdir -p $(@D)
	$(call complete,fish)

-include $(CUDA_C:%=$(B)/cuda/%.d) $(CUDA_CU:%=$(B)/cuda/%.d) $(EMULATED:%=$(B)/emulated/%.d)
-include $(patsubst %.c,$(B)/%.d,$(LIBRARY) $(wildcard filters/*.c tests/unit/*.c tests/fuzz/*.c tests/bench/*.c))

# -- installing ------------------------------------------------------------------------------------------------------

install: all completions
	install -d $(BINDIR) $(DOC) $(BASH) $(ZSH) $(FISH)
	install -m 755 $(PROGRAMS) $(BINDIR)
	$(if $(CUDA_OBJECT),install -D -m 644 $(CUDA_OBJECT) $(LIB)/cellpipe-cuda.so)
	install -m 644 LICENSE README.md $(DOC)
	install -m 644 $(FILTERS:%=$(B)/completions/bash/%) $(BASH)
	install -m 644 $(FILTERS:%=$(B)/completions/zsh/_%) $(ZSH)
	install -m 644 $(FILTERS:%=$(B)/completions/fish/%.fish) $(FISH)
	for p in $(PAGES); do install -D -m 644 $$p $(MAN)$${p##*.}/$${p##*/} || exit; done

uninstall:
	rm -f $(FILTERS:%=$(BINDIR)/%) $(FILTERS:%=$(BASH)/%) $(FILTERS:%=$(ZSH)/_%) $(FILTERS:%=$(FISH)/%.fish)
	for p in $(PAGES); do rm -f $(MAN)$${p##*.}/$${p##*/}; done
	rm -rf $(DOC) $(LIB)

dist:
	@mkdir -p $(B)
	git ls-files | LC_ALL=C sort | tar -c -f - -T - --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		--format=ustar --mtime=@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} \
		--transform='s,^,cellpipe-$(VERSION)/,' | gzip -9n >$(B)/cellpipe-$(VERSION).tar.gz
	@echo $(B)/cellpipe-$(VERSION).tar.gz

# -- running ---------------------------------------------------------------------------------------------------------

# What is installed here is found by a make of its own, started after it.

deps:
	sh tests/deps.sh build

demo:
	sh tests/deps.sh build
	$(MAKE) $(JOBS) all
	bash pipelines/demo/run.sh

check:
	sh tests/deps.sh test
	$(MAKE) $(JOBS) all units completions
	$(MAKE) $(JOBS) B=$(B)/asan CUDA=0 CFLAGS='$(SANITIZE)' all units
	B=$(B) sh tests/suite.sh unit cli interop asan valgrind

lint:
	sh tests/deps.sh lint
	$(MAKE) $(JOBS) all
	$(MAKE) $(JOBS) B=$(B)/gcc CUDA=0 CC=gcc CFLAGS='-O2 -Werror' all units
	$(MAKE) $(JOBS) B=$(B)/clang CUDA=0 CC=clang CXX=clang++ CFLAGS='-O2 -Werror' all units
	B=$(B) sh tests/suite.sh lint

bench bench-quick:
	$(MAKE) $(JOBS) all $(B)/bench/bench_peak $(B)/bench/bench_training
	B=$(B) PATH="$(CURDIR)/$(B)/bin:$$PATH" sh tests/bench/bench.sh $(if $(filter bench-quick,$@),--quick)

# The corpus of a target lies in tests/fuzz/corpus/NAME; what is found goes to $(B)/fuzz/corpus/NAME.
fuzz:
	sh tests/deps.sh lint
	$(MAKE) $(JOBS) B=$(B)/fuzz CUDA=0 CC=clang CFLAGS='$(SANITIZE) -fsanitize=fuzzer-no-link' fuzzers
	$(MAKE) $(JOBS) $(FUZZERS:%=run-%)

FUZZ_SECONDS = 60
run-fuzz_%:
	@mkdir -p $(B)/fuzz/corpus/$*
	$(B)/fuzz/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
		-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$* $(wildcard tests/fuzz/corpus/$*) \
		>$(B)/fuzz/$*.log 2>&1 || { tail -n 60 $(B)/fuzz/$*.log; exit 1; }
	@grep stat:: $(B)/fuzz/$*.log

# Versions of clang-format differ: 14 decides.
format:
	@$(or $(shell command -v clang-format-14),clang-format) -i $(LIBRARY) $(wildcard common/*/*.h common/cuda/*.c common/cuda/*.cu \
		formats/*.h filters/*.c tests/*/*.[ch] tests/*/*.cc)

clean:
	rm -rf $(B)

.PHONY: all units fuzzers completions install uninstall dist deps demo check lint bench bench-quick fuzz format clean FORCE
