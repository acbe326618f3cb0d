#!/bin/sh
# run.sh SECONDS [LEAF...] - fuzzes each target for so long, one after the other.
#
# tests/fuzz/corpus/LEAF is only read; what is new grows in build/fuzz/corpus/LEAF
# and what breaks lies in build/fuzz/found/.  A dictionary is tests/fuzz/LEAF.dict.
set -u

cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-300}
[ $# = 0 ] || shift
B=build/fuzz
make=${MAKE:-make}
cc=${FUZZ_CC:-clang}

mkdir -p $B
echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' >$B/probe.c
if ! $cc -fsanitize=fuzzer -o $B/probe $B/probe.c >$B/probe.log 2>&1; then
	echo "fuzz: $cc cannot link libFuzzer; on Debian: apt-get install clang llvm" >&2
	echo "and, if it is still missing, libclang-rt-*-dev of the same version." >&2
	exit 1
fi

leaves=
for t in tests/fuzz/fuzz_*.c; do
	[ -e "$t" ] || continue
	leaf=${t#tests/fuzz/fuzz_}
	leaves="$leaves ${leaf%.c}"
done
# FUZZ_ONLY of the Makefile is one word, however many leaves it names.
# shellcheck disable=SC2048
for leaf in $*; do
	case " $leaves " in
	*" $leaf "*) ;;
	*)
		echo "fuzz: there is no target $leaf; there are:$leaves" >&2
		exit 2
		;;
	esac
done
only=$*
targets=
for leaf in ${only:-$leaves}; do
	targets="$targets $B/fuzz/fuzz_$leaf"
done

# shellcheck disable=SC2086 # a list of files
$make --no-print-directory -j2 B=$B CC="$cc" SAN=address,undefined,fuzzer-no-link \
    OPT='-O1 -g' $targets || exit 1

failed=0
for leaf in ${only:-$leaves}; do
	mkdir -p "$B/corpus/$leaf" "$B/found" "tests/fuzz/corpus/$leaf"
	dict=
	[ ! -e "tests/fuzz/$leaf.dict" ] || dict=-dict=tests/fuzz/$leaf.dict
	echo "fuzz: $leaf, $seconds s"
	# shellcheck disable=SC2086
	if "$B/fuzz/fuzz_$leaf" -max_total_time="$seconds" -max_len=65536 -timeout=10 \
	    -rss_limit_mb=2048 -print_final_stats=1 $dict \
	    -artifact_prefix="$B/found/$leaf-" \
	    "$B/corpus/$leaf" "tests/fuzz/corpus/$leaf" >"$B/$leaf.log" 2>&1; then
		grep -E '^#[0-9]+.*(DONE|INITED)|number_of_executed_units|peak_rss' "$B/$leaf.log"
		echo "ok fuzz $leaf"
	else
		tail -n 60 "$B/$leaf.log"
		echo "not ok fuzz $leaf: see $B/found/$leaf-* and $B/$leaf.log"
		failed=1
	fi
done
exit $failed
