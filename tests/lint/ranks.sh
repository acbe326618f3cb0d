#!/bin/sh
# ranks.sh - who may include whom (the table in README), what a rank may not call,
# and that every .c starts with its own header.
set -u

# Modules by path without suffix, first match wins: what a pattern of shell says.
rank_of() {
	case $1 in
	store/join_span) echo leaf ;;
	store/writer* | store/reader* | store/join* | store/history | \
	    store/check* | certs/*) echo library ;;
	store/env | store/table | store/settle | store/parts | store/tail | \
	    store/directory | store/lockfile | store/resident) echo library ;;
	proxy/http1* | proxy/ws*) echo leaf ;;
	store/*) echo leaf ;;
	proxy/*) echo engine ;;
	tools/*) echo program ;;
	*) echo other ;;
	esac
}

# The decoding library that is a leaf's job, and no other leaf's.
decodes() {
	case "$1 $2" in
	"store/json"*" jsmn.h") return 0 ;;
	"store/decode"*" zlib.h" | "store/decode"*" brotli/decode.h") return 0 ;;
	"store/decode"*" zstd.h" | "store/decode"*" zstd_errors.h") return 0 ;;
	"store/squeeze"*" zstd.h" | "store/squeeze"*" zstd_errors.h") return 0 ;;
	"store/redact"*" pcre2.h") return 0 ;;
	"store/sha256 mbedtls/"*) return 0 ;;
	esac
	return 1
}

fault() {
	echo "$1: $2"
	faults=$((faults + 1))
}

# may_system RANK MODULE HEADER: a header in <>.
may_system() {
	case $3 in
	event2/*) [ "$1" = engine ] || [ "$1" = program ] ;;
	mbedtls/*)
		decodes "$2" "$3" || case "$1 $2" in
		engine* | program* | "library certs/"*) : ;;
		*) false ;;
		esac
		;;
	lmdb.h) case "$1 $2" in "library store/"*) : ;; *) false ;; esac ;;
	jsmn.h | zlib.h | brotli/* | zstd*.h | pcre2.h) decodes "$2" "$3" ;;
	ini.h) case $2 in proxy/config*) : ;; *) false ;; esac ;;
	syslog.h) false ;;
	fcntl.h | unistd.h | pthread.h | netdb.h | poll.h | dirent.h | signal.h | netinet/* | \
	    sys/socket.h | sys/file.h | sys/mman.h | sys/uio.h | sys/un.h)
		[ "$1" != leaf ] ;;
	esac
}

# may_own RANK MODULE PATH: a header of ours.
may_own() {
	case $3 in
	store/writer.h)
		# The recorder's thread: what it spools, tapes, presses and lost.
		case $2 in
		proxy/recorder | proxy/spool | proxy/tape | proxy/press | proxy/gaps) return 0 ;;
		store/writer*) return 0 ;;
		tools/parts) return 0 ;; # opens it, for the recorder to write
		esac
		return 1
		;;
	store/reader.h)
		case "$1 $2" in
		program* | "library store/reader"* | "library store/join"* | \
		    "library store/history"* | "library store/check"*) return 0 ;;
		esac
		return 1
		;;
	esac
	case "$1 $(rank_of "${3%.h}")" in
	"leaf leaf") : ;;
	"library leaf" | "library library") : ;;
	"engine leaf" | "engine engine") : ;;
	"engine library") case $3 in certs/*) : ;; *) false ;; esac ;;
	"program "*) : ;;
	*) false ;;
	esac
}

# Names that a rank may not call.  A leaf or a library neither prints nor exits.
noise='exit|_exit|printf|puts|perror|syslog|log_[a-z]+'
calls() {
	case $1 in
	leaf) echo "$noise|abort|fprintf|vfprintf|fopen|open|read|write|socket|connect|recv|send" ;;
	library) echo "$noise" ;;
	*) return 1 ;;
	esac
}

faults=0
work=$(mktemp) || exit 1
trap 'rm -f "$work"' EXIT
for f in proxy/*.[ch] certs/*.[ch] store/*.[ch] tools/*.[ch]; do
	[ -e "$f" ] || continue
	module=${f%.[ch]}
	rank=$(rank_of "$module")
	sed -n 's/^[ 	]*#[ 	]*include[ 	]*\([<"][^>"]*\)[>"].*/\1/p' "$f" >"$work"
	if [ "$f" = "$module.c" ] && [ -e "$module.h" ]; then
		[ "$(head -n 1 "$work")" = "\"$module.h" ] ||
		    fault "$f" "includes something before its own header, $module.h"
	fi
	while IFS= read -r line; do
		name=${line#?}
		case $line in
		'<'*) may_system "$rank" "$module" "$name" ||
		    fault "$f" "a $rank may not include <$name>" ;;
		*/*) may_own "$rank" "$module" "$name" ||
		    fault "$f" "a $rank may not include \"$name\"" ;;
		*) fault "$f" "\"$name\" is not named from the root" ;;
		esac
	done <"$work"
	if names=$(calls "$rank"); then
		# Comments and strings are cut; . and > in front: a member, not libc's.
		sed -e 's/"[^"]*"//g' -e 's,/\*.*\*/,,' -e 's,^[ 	]*\*.*,,' \
		    -e 's,/\*.*,,' "$f" |
		    grep -nE "(^|[^A-Za-z0-9_.>])($names)\(" >"$work"
		while IFS=: read -r n line; do
			fault "$f:$n" "a $rank may not call: $line"
		done <"$work"
	fi
done
[ $faults = 0 ]
