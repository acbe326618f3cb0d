#!/bin/sh
# keys.sh - the table in proxy/config.c, the one in README.md and the commented
# keys of configs/tracetape.conf name the same configuration keys.
set -u

in_code() {
	sed -n '/^static const struct key keys\[\] = {/,/^};/p' proxy/config.c |
	    sed -n 's/^[^"]*{ *"\([a-z0-9_]*\.[a-z0-9_]*\)".*/\1/p'
}

# shellcheck disable=SC2016 # the backticks are Markdown's
in_readme() {
	sed -n 's/^| *`\([a-z0-9_]*\.[a-z0-9_]*\)` *|.*/\1/p' README.md
}

in_sample() {
	awk '
	/^\[[a-z0-9_]+\]/ { section = substr($0, 2, index($0, "]") - 2) }
	# Not `; host=address`, which is how a meaning may begin.
	/^;? ?[a-z0-9_]+ =( |$)/ {
		sub(/^; ?/, "")
		sub(/ *=.*/, "")
		print section "." $0
	}' configs/tracetape.conf
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
[ -e proxy/config.c ] || exit 0
in_code | sort >"$work/code"
if ! [ -s "$work/code" ]; then
	echo "proxy/config.c: no table of keys found"
	exit 1
fi
faults=0
uniq -d "$work/code" | sed 's,.*,proxy/config.c: & stands twice,' >"$work/twice"
if [ -s "$work/twice" ]; then
	cat "$work/twice"
	faults=1
fi
# A key may stand more than once where it is written about, not where it is read.
compare() {
	[ -e "$2" ] || return 0
	"$1" | sort -u >"$work/there"
	{
		comm -23 "$work/code" "$work/there" | sed "s,.*,$2: lacks & of proxy/config.c,"
		comm -13 "$work/code" "$work/there" | sed "s,.*,$2: & is no key of proxy/config.c,"
	} >"$work/diff"
	[ -s "$work/diff" ] || return 0
	cat "$work/diff"
	faults=1
}
compare in_readme README.md
compare in_sample configs/tracetape.conf
[ $faults = 0 ]
