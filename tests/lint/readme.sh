#!/bin/sh
# readme.sh - the README's invariants each name a test that exists, and the paths,
# make targets and verbs that it speaks of are there.
set -u

[ -e README.md ] || exit 0
faults=0
fault() {
	echo "README.md: $1"
	faults=1
}

# The section whose heading says "invariant": each numbered item, with the lines
# that belong to it, joined to one line.
invariants() {
	awk '
	/^#/ { inside = tolower($0) ~ /invariant/; next }
	!inside { next }
	/^[0-9]+\. / { if (item) print item; item = $0; next }
	/^$/ { if (item) print item; item = ""; next }
	item { item = item " " $0 }
	END { if (item) print item }' README.md
}

list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
invariants >"$list"
[ -s "$list" ] || fault 'no numbered invariants under a heading that says so'
while IFS= read -r item; do
	tests=$(printf '%s\n' "$item" | grep -oE 'tests/[A-Za-z0-9_./-]*[A-Za-z0-9_]')
	[ -n "$tests" ] || fault "no test is named by: $item"
	for t in $tests; do
		[ -f "$t" ] || fault "$t does not exist, named by: $item"
	done
done <"$list"

# shellcheck disable=SC2016 # the backticks are Markdown's
grep -oE '`make [a-z][a-z-]*' README.md | sort -u | sed 's/^`make //' >"$list"
while read -r target; do
	grep -qE "^([a-z -]* )?$target( [a-z -]*)?:( |\$)" Makefile ||
	    fault "make $target is no target"
done <"$list"

# Paths in backticks that start with one of the folders.
# shellcheck disable=SC2016
grep -oE '`(proxy|certs|store|tools|tests|configs)/[A-Za-z0-9_./-]*`' README.md |
    tr -d '`' | sort -u >"$list"
while read -r path; do
	[ -e "$path" ] || fault "$path does not exist"
done <"$list"
[ $faults = 0 ]
