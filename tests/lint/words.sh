#!/bin/sh
# words.sh - names and marks that do not come in: a file called util, an open end
# without its condition, a test that is skipped, a download address in a lock.
set -u

faults=0
# Reads faults from stdin and prints them, each with $1 after it.
each() {
	while IFS= read -r line; do
		echo "$line: $1"
	done
}

# Runs the command; what it prints are faults.
none() {
	why=$1
	shift
	found=$("$@")
	if [ -n "$found" ]; then
		printf '%s\n' "$found" | each "$why"
		faults=1
	fi
}

files() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files -co --exclude-standard
	else
		find . -type f ! -path './build/*' ! -path '*/node_modules/*' | sed 's,^\./,,'
	fi
}

list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
files | while IFS= read -r f; do
	[ -f "$f" ] && printf '%s\n' "$f"
done >"$list"

named() {
	grep -E '(^|/)(utils?|common|misc|helpers?)([._-][^/]*)?(/|$)' "$list"
}

# marks PATTERN GREP-OF-NAMES
marks() {
	grep -E "$2" "$list" | grep -v '^tests/lint/' | tr '\n' '\0' |
	    xargs -0 -r grep -HnE -e "$1" --
}

code='\.([ch]|mjs|js|sh|service|1)$|(^|/)Makefile$'
none 'a noun is missing' named
none 'an open end: do it, or open an issue' marks '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' "$code"
none 'a test that is skipped or narrowed' marks \
    '\b(it|test|describe)\.(skip|only|todo)\b|(skip|only|todo): *true' '^tests/.*\.mjs$'
none 'a test in the product' marks '^#[ 	]*if.*\bTEST' '^(proxy|certs|store|tools)/'
none 'a lock file with download addresses' marks '"resolved"' 'package-lock\.json$'
none 'white space at the end of the line' marks '[ 	]+$' "$code"
[ $faults = 0 ]
