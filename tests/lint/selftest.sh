#!/bin/sh
# selftest.sh - each lint finds the fault that it is there for: a lint that is
# broken says nothing, as one that is content does.
set -u

lint=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
faults=0

# A small tree with which every lint is content.
tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/proxy" "$work/tree/certs" "$work/tree/store" "$work/tree/tools" \
	    "$work/tree/tests/unit" "$work/tree/tests/e2e" "$work/tree/configs"
	cd "$work/tree" || exit 1
	: >allowed
	printf 'test: all\n' >Makefile
	printf '#include <stddef.h>\n' >store/bytes.h
	printf '#include "store/bytes.h"\n\nint\nbytes_n(int a)\n{\n\treturn a;\n}\n' >store/bytes.c
	printf 'static const struct key keys[] = {\n\t{ "a.b", 1 },\n};\n' >proxy/config.c
	printf '[a]\n; b = 1\n' >configs/tracetape.conf
	printf '#!/bin/sh\necho\n' >tests/one.sh
	: >tests/unit/test_bytes.c
	: >tests/e2e/a.test.mjs
	cat >README.md <<-'END'
	| `a.b` | a key |
	## Invariants
	1. True, `tests/unit/test_bytes.c`.

	## Work
	`make test`
	END
}

# finds LINT WORDS: LINT fails in the tree as it is now, with WORDS in what it says.
finds() {
	if LINT_ALLOWED=allowed sh "$lint/$1.sh" >"$work/said" 2>&1 ||
	    ! grep -qF -e "$2" "$work/said"; then
		echo "$1 does not say: $2"
		sed 's/^/  it says: /' "$work/said"
		faults=1
	fi
	tree
}

tree
for l in ranks budgets words keys readme shell; do
	LINT_ALLOWED=allowed sh "$lint/$l.sh" >"$work/said" 2>&1 || {
		echo "$l finds a fault where there is none:"
		cat "$work/said"
		faults=1
	}
done

echo '#include <event2/event.h>' >>store/bytes.c
finds ranks 'a leaf may not include <event2/event.h>'
echo '#include "proxy/loop.h"' >>store/bytes.c
finds ranks 'a leaf may not include "proxy/loop.h"'
echo '#include "store/writer.h"' >tools/dump.c
finds ranks 'a program may not include "store/writer.h"'
echo '#include "store/reader.h"' >proxy/conn.c
finds ranks 'a engine may not include "store/reader.h"'
printf '#include <stdio.h>\n#include "store/bytes.h"\n' >store/bytes.c
finds ranks 'before its own header'
echo '	exit(1);' >>store/bytes.c
finds ranks 'a leaf may not call'

{ printf 'int\nf(void)\n{\n' && yes '	g();' | head -n 58 && echo '}'; } >store/f.c
finds budgets 'store/f.c:f: 61 lines, 60 allowed'
yes '/* */' | head -n 501 >store/f.c
finds budgets 'store/f.c: 501 lines, 500 allowed'
yes '/* */' | head -n 151 >store/f.h
finds budgets 'store/f.h: 151 lines, 150 allowed'
awk 'BEGIN { printf "\t"; for (i = 0; i < 93; i++) printf "x"; print "" }' >store/f.c
finds budgets 'store/f.c:1: 101 columns, 100 allowed'
printf 'int\nf(int a, int (*b)(int, int), int c,\n    int d, int e, int f)\n{\n}\n' >store/f.c
finds budgets 'store/f.c:f:parameters: 6 parameters, 5 allowed'
printf 'int\nf(int a, int b, int c, int d, const void *p, size_t n)\n{\n}\n' >store/f.c
LINT_ALLOWED=allowed sh "$lint/budgets.sh" || faults=1
tree
printf 'struct f {\n\tbool a;\n\tbool b;\n};\n' >store/f.h
finds budgets 'store/f.h:struct-f: 2 booleans, 1 allowed'
echo 'store/gone.c 600 it was long' >allowed
finds budgets 'store/gone.c is not there any more'

: >store/util_time.c
finds words 'a noun is missing'
echo "/* TO""DO */" >store/f.c
finds words 'an open end'
echo "test.on""ly('a')" >tests/e2e/b.test.mjs
finds words 'skipped or narrowed'
echo ' "resolved": "x"' >tests/e2e/package-lock.json
finds words 'download addresses'

printf '[a]\n; c = 1\n' >configs/tracetape.conf
finds keys 'configs/tracetape.conf: lacks a.b of proxy/config.c'
printf '[a]\n; b = 1\n; c = 1\n' >configs/tracetape.conf
finds keys 'configs/tracetape.conf: a.c is no key'
sed -i.old 's/a\.b/a.x/' README.md
finds keys 'README.md: lacks a.b'

rm tests/unit/test_bytes.c
finds readme 'tests/unit/test_bytes.c does not exist'
sed -i.old 's/, .tests.*/, by nature./' README.md
finds readme 'no test is named by'
echo "\`make tea\`" >>README.md
finds readme 'make tea is no target'

printf '#!/bin/sh\nif\n' >tests/one.sh
finds shell 'tests/one.sh'

[ $faults = 0 ]
