#!/bin/sh
# valgrind.sh - the unit tests, and the end-to-end tests that E2E_ONLY names, with
# valgrind watching memory.  What it finds fails the test.
set -u

cd "$(dirname "$0")/.." || exit 1
B=${B:-build}
command -v valgrind >/dev/null || {
	echo "valgrind is not installed" >&2
	exit 1
}
# A wrapper and not a variable: the tests start one program, by its path.
watch='valgrind -q --error-exitcode=99 --leak-check=full'
watch="$watch --suppressions=$PWD/tests/valgrind.supp"
watch="$watch --errors-for-leak-kinds=definite --num-callers=30"
failed=0

# Tests with an allocator of their own cannot have valgrind's.
own=$(grep -lE '__libc_malloc|unit/heap\.h' tests/unit/test_*.c |
    sed 's,.*/,,; s,\.c$,,' | tr '\n' ' ')
[ -z "$own" ] || echo "valgrind: not run, since they replace malloc: $own"
# Flips every bit of a store and opens it each time: an hour under valgrind.
slow=test_check_flips
echo "valgrind: not run, since it takes too long: $slow"

B=$B RUN_UNDER="$watch" UNIT_NOT="$own $slow" sh tests/run.sh unit || failed=1
[ -n "${E2E_ONLY-}" ] || exit $failed

mkdir -p "$B/valgrind"
reports=$(realpath "$B/valgrind")
rm -f "$reports"/*.log
{
	echo '#!/bin/sh'
	echo "exec $watch --log-file='$reports/%p.log' '$(realpath "$B/tracetape")' \"\$@\""
} >"$reports/tracetape"
chmod +x "$reports/tracetape"
TRACETAPE=$reports/tracetape B=$B sh tests/run.sh e2e || failed=1
for f in "$reports"/*.log; do
	[ -s "$f" ] || continue
	echo "not ok valgrind: $f"
	cat "$f"
	failed=1
done
exit $failed
