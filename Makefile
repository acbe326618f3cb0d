# tracetape.  `make run` and `make test` are all a newcomer needs.
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
TTFLAGS = -std=c11 $(WARN) -fno-strict-aliasing -fstack-protector-strong -pthread \
          $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2)
LIBS    = -levent_core -levent_extra -lmbedtls -lmbedx509 -lmbedcrypto -llmdb \
          -linih -lpcre2-8 -lz -lbrotlidec -lzstd

SRC     := $(wildcard proxy/*.c certs/*.c store/*.c tools/*.c)
OBJ     := $(SRC:%.c=$(B)/%.o)
LIBOBJ  := $(filter-out $(B)/tools/main.o,$(OBJ))
UNIT    := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNITBIN := $(UNIT:%=$(B)/unit/%)
FUZZ    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all
all: $(B)/tracetape

$(B)/tracetape: $(B)/tools/main.o $(B)/lib.a
	$(CC) $(TTFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/lib.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/unit/%: tests/unit/%.c $(B)/lib.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(TTFLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(B)/lib.a -lcmocka $(LIBS)

.PHONY: unit
unit: $(UNITBIN)
	@for t in $(UNITBIN); do $$t || exit 1; done

.PHONY: clean
clean:
	rm -rf build

-include $(OBJ:.o=.d) $(wildcard $(B)/unit/*.d)
