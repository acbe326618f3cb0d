#!/bin/sh
# man.sh - the man page and the completions know every verb of tools/main.c, no
# other, and every option of the verbs' help; where mandoc is there, the page pleases it.
set -u

[ -e tools/main.c ] || exit 0
faults=0
fault() {
	echo "$1"
	faults=1
}

# The table of verbs: lines such as `{ "dump", cmd_dump, ... }`.
verbs=$(sed -n 's/^[^"]*{ *"\([a-z][a-z-]*\)", *cmd_.*/\1/p' tools/main.c | sort -u)
[ -n "$verbs" ] || fault 'tools/main.c: no table of verbs found'
in_page=$(sed -n 's/^\.Ss tracetape \([a-z-]*\).*/\1/p' tools/tracetape.1 | sort -u)
for v in $verbs; do
	printf '%s\n' "$in_page" | grep -qx "$v" || fault "tools/tracetape.1: lacks $v"
	for c in tools/completion.*; do
		grep -qwe "$v" "$c" || fault "$c: lacks $v"
	done
done
for v in $in_page; do
	printf '%s\n' "$verbs" | grep -qx "$v" || fault "tools/tracetape.1: there is no verb $v"
done
# The long options of the verbs' own help.
options=$(grep -h '^"' tools/*.c | grep -oE -e '--[a-z][a-z-]+' | sort -u)
for o in $options; do
	case $o in --help | --version) continue ;; esac
	grep -qE "Fl Fl ${o#--}( |\$)" tools/tracetape.1 || fault "tools/tracetape.1: lacks $o"
	for c in tools/completion.*; do
		grep -qE -e "(--|-l )${o#--}([^a-z-]|\$)" "$c" || fault "$c: lacks $o"
	done
done
if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning tools/tracetape.1 || faults=1
fi
[ $faults = 0 ]
