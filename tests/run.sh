#!/bin/sh
# run.sh - runs tests of one kind, or all of them, and counts.
#
#   run.sh lint | unit | corpus | e2e | all
#
# B names the build directory whose programs are tested.  A kind that passes
# prints one line per program; one that fails, all that it said.  The last line
# is "N passed, N failed"; nothing that crashed, hung or did not start is passed.
set -u

cd "$(dirname "$0")/.." || exit 1
B=${B:-build}
make=${MAKE:-make}
passed=0
failed=0
skipped=0

# A program of tests that has not ended after so many seconds hangs.
unit_s=300
e2e_s=${E2E_SECONDS:-780}
e2e_one_s=${E2E_ONE_SECONDS:-180}
# Files of tests at once: they wait more than they work.  Those that judge memory
# want the disk for themselves (E2E_JOBS=1).
e2e_jobs=$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1))

log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
trap 'exit 1' INT TERM

# Sanitizers write what they find into files, since nobody reads the stderr of a
# proxy whose test passed.  LeakSanitizer runs when a program ends by itself.
reports=$log/reports
mkdir "$reports"
sanitizers="log_path=$reports/found:detect_stack_use_after_return=1"
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}$sanitizers"
UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1"
CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS UBSAN_OPTIONS CMOCKA_MESSAGE_OUTPUT

# count PASSED FAILED
count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# Runs a command for at most $1 seconds, with its output in $log/out; sets rc.
quietly() {
	limit=$1
	shift
	timeout -k 10 "$limit" "$@" >"$log/out" 2>&1 </dev/null
	rc=$?
	[ $rc != 124 ] || echo "run.sh: killed after $limit seconds" >>"$log/out"
}

# Adds what sanitizers reported to $log/out; true if that was anything.
sanitized() {
	found=1
	for f in "$reports"/found.*; do
		[ -e "$f" ] || continue
		found=0
		cat "$f" >>"$log/out"
		rm -f "$f"
	done
	return $found
}

# verdict NAME OK NOT_OK: one line if all is well, else the whole output too.
verdict() {
	if [ "$3" = 0 ]; then
		echo "ok $1 ($2)"
	else
		cat "$log/out"
		echo "not ok $1 ($2 passed, $3 failed)"
	fi
	count "$2" "$3"
}

lint() {
	for l in tests/lint/*.sh; do
		name=lint/$(basename "$l" .sh)
		quietly 60 sh "$l"
		if [ $rc = 0 ]; then
			verdict "$name" 1 0
		else
			verdict "$name" 0 1
		fi
	done
}

# Reads TAP of cmocka: sets ok and bad.  Tests that were announced and gave no
# answer failed: the program died before them.
cmocka_count() {
	set -- "$(awk '
	/^1\.\.[0-9]+/ { plan += substr($0, 4) }
	/^ok [0-9]+/ { ok++ }
	/^not ok [0-9]+ # SKIP/ { skip++; next }
	/^not ok [0-9]+/ { bad++ }
	END {
		silent = plan - ok - bad - skip
		if (silent > 0)
			bad += silent
		print ok + 0, bad + 0, skip + 0
	}' "$log/out")"
	ok=${1%% *}
	skip=${1##* }
	bad=${1#* }
	bad=${bad% *}
	skipped=$((skipped + skip))
}

unit() {
	for t in tests/unit/test_*.c; do
		[ -e "$t" ] || continue
		name=$(basename "$t" .c)
		case " ${UNIT_NOT-} " in *" $name "*) continue ;; esac
		# shellcheck disable=SC2086 # RUN_UNDER is a command and its flags
		quietly $unit_s ${RUN_UNDER-} "$B/unit/$name"
		cmocka_count
		# A failure that no test owns: a group's set-up, a leak at exit.
		[ $rc = 0 ] || [ "$bad" != 0 ] || bad=1
		[ $((ok + bad + skip)) != 0 ] || bad=1
		! sanitized || [ "$bad" != 0 ] || bad=1
		verdict "$B/$name" "$ok" "$bad"
	done
}

corpus() {
	for t in tests/fuzz/fuzz_*.c; do
		[ -e "$t" ] || continue
		name=$(basename "$t" .c)
		leaf=${name#fuzz_}
		# shellcheck disable=SC2086
		quietly $unit_s ${RUN_UNDER-} "$B/corpus/$name" "tests/fuzz/corpus/$leaf"
		if sanitized || [ $rc != 0 ]; then
			verdict "$B/$name" 0 1
		else
			verdict "$B/$name, $(tail -n 1 "$log/out")" 1 0
		fi
	done
}

# Node from npm's package `node`, which is newer than Debian's, if it is there.
node_program() {
	n=$PWD/tests/e2e/node_modules/node/bin/node
	if "$n" --version >/dev/null 2>&1; then
		echo "$n"
	else
		command -v node
	fi
}

# npm leaves an optional package out, without a word, when its engine asks for a
# newer Node than the one npm runs on; Debian's may be too old.  So the lock's own
# Node is fetched first, by itself, and npm runs on that.
npm_ci() {
	major=$(node -p 'process.versions.node.split(".")[0]') || return 1
	if [ "$major" -lt 22 ]; then
		version=$(node -p 'require("./tests/e2e/package-lock.json")
		    .packages["node_modules/node"].version') || return 1
		mkdir -p "$log/node"
		echo '{"private": true, "allowScripts": {"node": true}}' >"$log/node/package.json"
		(cd "$log/node" && npm install --no-save --no-audit --no-fund "node@$version") ||
		    return 1
	fi
	(cd tests/e2e && PATH=$log/node/node_modules/node/bin:$PATH npm ci --no-audit --no-fund)
}

# npm ci, unless it was done for this very lock file.
e2e_install() {
	stamp=tests/e2e/node_modules/.installed-lock
	cmp -s tests/e2e/package-lock.json $stamp && return 0
	echo "npm ci in tests/e2e"
	npm_ci >"$log/out" 2>&1 </dev/null || {
		cat "$log/out"
		return 1
	}
	cp tests/e2e/package-lock.json $stamp
}

# Sum of the lines "# name N" in node's TAP.
tap_sum() {
	awk -v name="$1" '$1 == "#" && $2 == name && $3 ~ /^[0-9]+$/ { n += $3 }
	END { print n + 0 }' "$log/tap"
}

e2e() {
	ls tests/e2e/*.test.mjs >/dev/null 2>&1 || return 0
	if ! e2e_install; then
		echo "not ok e2e: npm ci"
		count 0 1
		return
	fi
	: >"$log/tap"
	# shellcheck disable=SC2086 # E2E_ONLY is a list of files
	(
		cd tests/e2e || exit 1
		TRACETAPE=${TRACETAPE:-$(cd ../.. && realpath "$B/tracetape")}
		export TRACETAPE
		# They wait longer for it then, and do not judge its memory.
		! grep -qa __asan_init "$TRACETAPE" || export TRACETAPE_SANITIZED=1
		exec timeout -k 10 $e2e_s "$(cd ../.. && node_program)" --test \
		    --test-timeout=${e2e_one_s}000 --test-concurrency=${E2E_JOBS:-$e2e_jobs} \
		    --test-reporter=spec --test-reporter-destination=stdout \
		    --test-reporter=tap --test-reporter-destination="$log/tap" \
		    ${E2E_ONLY:-*.test.mjs} </dev/null
	)
	rc=$?
	ok=$(tap_sum pass)
	bad=$(($(tap_sum fail) + $(tap_sum cancelled)))
	skipped=$((skipped + $(tap_sum skipped) + $(tap_sum todo)))
	# Killed, or failed outside of a test, or no test at all.
	[ $rc = 0 ] || [ $bad != 0 ] || bad=1
	[ $((ok + bad)) != 0 ] || bad=1
	: >"$log/out"
	if sanitized; then
		cat "$log/out"
		bad=$((bad + 1))
	fi
	if [ $bad = 0 ]; then
		echo "ok $B/e2e ($ok)"
	else
		echo "not ok $B/e2e ($ok passed, $bad failed)"
	fi
	count "$ok" "$bad"
}

# Builds quietly; a build that fails is a failed test.
build() {
	if ! $make --no-print-directory -j2 "$@" >"$log/out" 2>&1; then
		cat "$log/out"
		echo "not ok build $*"
		count 0 1
		return 1
	fi
	# Warnings only; the commands are of no interest when they worked.
	grep -A 5 'warning:' "$log/out"
	echo "ok build $*"
}

all() {
	lint
	B=build/asan
	if build B=$B SAN=address,undefined all tests-built; then
		unit
		corpus
		e2e
	fi
	B=build
	if build B=$B all; then
		e2e
		E2E_ONLY='heavy/*.test.mjs' E2E_JOBS=1
		e2e_one_s=${E2E_ONE_SECONDS:-400}
		e2e
	fi
}

case ${1-} in
lint | unit | corpus | e2e | all)
	"$1"
	;;
*)
	echo "usage: run.sh lint|unit|corpus|e2e|all" >&2
	exit 2
	;;
esac

[ $skipped = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
