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
watch="$watch --errors-for-leak-kinds=definite --num-callers=30"
failed=0

B=$B RUN_UNDER="$watch" sh tests/run.sh unit || failed=1
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
