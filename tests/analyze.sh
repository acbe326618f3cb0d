#!/bin/sh
# analyze.sh FILE.c... - what the static analyzers that are installed think.
#
# Not a part of `make test`: what they say changes with their version.
set -u

cd "$(dirname "$0")/.." || exit 1
flags='-std=c11 -I. -D_GNU_SOURCE'
failed=0
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT

# Checks that are wrong about us: the annex K functions are not in glibc; lists that
# make tables cannot have parentheses;
# assignments in conditions are how this tree reads.
tidy='clang-analyzer-*,bugprone-*,cert-*,-bugprone-easily-swappable-parameters'
tidy="$tidy,-bugprone-assignment-in-if-condition,-bugprone-reserved-identifier"
tidy="$tidy,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
tidy="$tidy,-cert-dcl37-c,-cert-dcl51-cpp,-cert-err33-c,-cert-err34-c"
tidy="$tidy,-bugprone-macro-parentheses,-bugprone-branch-clone"
tidy="$tidy,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result"

# report NAME: prints what was said, if anything.
report() {
	if [ -s "$said" ]; then
		cat "$said"
		echo "not ok $1"
		failed=1
	else
		echo "ok $1"
	fi
}

# shellcheck disable=SC2086 # lists of flags
if command -v clang-tidy >/dev/null; then
	clang-tidy --quiet --checks="-*,$tidy" "$@" -- $flags 2>/dev/null >"$said"
	report clang-tidy
fi
# shellcheck disable=SC2086
if command -v cppcheck >/dev/null; then
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	    --std=c11 -I. -D_GNU_SOURCE "$@" 2>"$said"
	report cppcheck
fi
: >"$said"
if cc=$(command -v gcc) && $cc -fanalyzer -x c -c -o /dev/null /dev/null 2>/dev/null; then
	for f in "$@"; do
		# shellcheck disable=SC2086
		$cc $flags -O1 -fanalyzer -c -o /dev/null "$f" 2>>"$said"
	done
	report 'gcc -fanalyzer'
fi
exit $failed
