#!/bin/sh
# cover.sh [unit|corpus]... - which part of the lines and branches of each module
# the unit tests and the corpora reach; both, if none is named.
#
# With COVER_FUZZED=1 also what `make fuzz` has gathered in build/fuzz/corpus.
set -eu

cd "$(dirname "$0")/.."
B=build/cover
make=${MAKE:-make}
kinds=${*:-unit corpus}

# Branches of assertions that never fail would stand as not reached.
$make --no-print-directory -j2 B=$B CC=gcc OPT='-O0 -g --coverage -DNDEBUG -Wno-unused' \
    LDFLAGS=--coverage tests-built >$B.log 2>&1 || {
	cat $B.log
	exit 1
}
find $B -name '*.gcda' -exec rm {} +
for kind in $kinds; do
	case $kind in
	unit)
		for t in "$B"/unit/test_*; do
			[ ! -x "$t" ] || "$t" >"$t.log" 2>&1 ||
			    echo "cover: $t failed, see $t.log" >&2
		done
		;;
	corpus)
		for t in "$B"/corpus/fuzz_*; do
			[ -x "$t" ] || continue
			leaf=${t##*/fuzz_}
			more=
			[ -z "${COVER_FUZZED-}" ] || more=build/fuzz/corpus/$leaf
			# shellcheck disable=SC2086
			"$t" "tests/fuzz/corpus/$leaf" $more >"$t.log" 2>&1 ||
			    echo "cover: $t failed, see $t.log" >&2
		done
		;;
	*)
		echo "usage: cover.sh [unit|corpus]..." >&2
		exit 2
		;;
	esac
done

# gcov prints per source file its name, lines executed, branches executed and
# branches taken at least once.
for f in "$B"/proxy/*.gcno "$B"/certs/*.gcno "$B"/store/*.gcno "$B"/tools/*.gcno; do
	[ ! -e "$f" ] || gcov -b -n "$f" 2>/dev/null
done | awk '
/^File / {
	file = $2
	gsub(/\047/, "", file)
	mine = file ~ /^(proxy|certs|store|tools)\/.*\.c$/
}
mine && /^Lines executed/ { split($2, v, /[:%]/); line[file] = v[2]; lines[file] = $NF }
mine && /^Taken at least once/ { split($4, v, /[:%]/); branch[file] = v[2]; branches[file] = $NF }
END {
	for (f in line)
		printf "%s %s %d %s %d\n", f, line[f], lines[f], branch[f], branches[f]
}' | sort | awk '
BEGIN { printf "%-32s %8s %8s %9s %9s\n", "module", "lines", "of", "branches", "of" }
{
	printf "%-32s %7.1f%% %8d %8.1f%% %9d\n", $1, $2, $3, $4, $5
	l += $2 * $3; n += $3; b += $4 * $5; m += $5
}
END {
	if (n)
		printf "%-32s %7.1f%% %8d %8.1f%% %9d\n", "all of these",
		    l / n, n, m ? b / m : 100, m
}'
