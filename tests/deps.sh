#!/bin/sh
# deps.sh - what tracetape needs to build (run) and to be tested (test).
#
#   deps.sh check   says what the build lacks; exit 1 if anything
#   deps.sh run     installs what the build lacks
#   deps.sh test    the same, and what the tests need
#
# A library counts as present when the compiler finds it, wherever it came from.
# When all is there nothing is printed and no package manager is started.
set -u

verb=${1:-run}
cc=${CC:-cc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# name; headers; libraries; Debian's package; Fedora's; Alpine's; Arch's; Homebrew's
libraries() {
	cat <<-'END'
	libevent;event2/event.h event2/dns.h;-levent_core -levent_extra;libevent-dev;libevent-devel;libevent-dev;libevent;libevent
	mbedTLS;mbedtls/ssl.h;-lmbedtls -lmbedx509 -lmbedcrypto;libmbedtls-dev;mbedtls-devel;mbedtls-dev;mbedtls;mbedtls@3
	LMDB;lmdb.h;-llmdb;liblmdb-dev;lmdb-devel;lmdb-dev;lmdb;lmdb
	jsmn;jsmn.h;;libjsmn-dev;jsmn-devel;jsmn;jsmn;jsmn
	inih;ini.h;-linih;libinih-dev;inih-devel;inih-dev;libinih;inih
	PCRE2;pcre2.h;-lpcre2-8;libpcre2-dev;pcre2-devel;pcre2-dev;pcre2;pcre2
	zlib;zlib.h;-lz;zlib1g-dev;zlib-devel;zlib-dev;zlib;zlib
	Brotli;brotli/decode.h;-lbrotlidec;libbrotli-dev;brotli-devel;brotli-dev;brotli;brotli
	Zstandard;zstd.h;-lzstd;libzstd-dev;libzstd-devel;zstd-dev;zstd;zstd
	END
	[ "$verb" = test ] || return 0
	cat <<-'END'
	cmocka;stdarg.h stddef.h stdint.h setjmp.h cmocka.h;-lcmocka;libcmocka-dev;libcmocka-devel;cmocka-dev;cmocka;cmocka
	END
}

# What is not a library: command; Debian's package; Fedora's; Alpine's; Arch's; Homebrew's
commands() {
	cat <<-'END'
	make;make;make;make;make;make
	ar;binutils;binutils;binutils;binutils;binutils
	END
	[ "$verb" = test ] || return 0
	cat <<-'END'
	node;nodejs;nodejs;nodejs;nodejs;node
	npm;npm;nodejs-npm;npm;npm;node
	openssl;openssl;openssl;openssl;openssl;openssl
	curl;curl;curl;curl;curl;curl
	certtool;gnutls-bin;gnutls-utils;gnutls-utils;gnutls;gnutls
	wget;wget;wget;wget;wget;wget
	git;git;git;git;git;git
	python3;python3;python3;python3;python;python3
	END
}

# Modules of the system's own Python: module; the packages as above.
modules() {
	[ "$verb" = test ] || return 0
	cat <<-'END'
	httpx;python3-httpx;python3-httpx;py3-httpx;python-httpx;
	cryptography;python3-cryptography;python3-cryptography;py3-cryptography;python-cryptography;cryptography
	END
}

# Packages go to the system's Python, whatever stands before it in PATH.
python=/usr/bin/python3
[ -x $python ] || python=python3
has_module() {
	$python -c "import $1" >/dev/null 2>&1
}

# Compiles and links a program that includes $1 and links $2; $3 more flags.
probe() {
	{
		for h in $1; do
			echo "#include <$h>"
		done
		echo 'int main(void) { return 0; }'
	} >"$work/probe.c"
	# shellcheck disable=SC2086 # lists of flags
	$cc ${CPPFLAGS-} -D_GNU_SOURCE -DPCRE2_CODE_UNIT_WIDTH=8 -DJSMN_HEADER \
	    -o "$work/probe" "$work/probe.c" ${LDFLAGS-} $2 ${3-} >"$work/said" 2>&1
}

# All at once, because one compiler run is quick and the usual answer is yes.
all_there() {
	commands >"$work/commands"
	while IFS=';' read -r command _; do
		command -v "$command" >/dev/null || return 1
	done <"$work/commands"
	modules >"$work/modules"
	while IFS=';' read -r module _; do
		has_module "$module" || return 1
	done <"$work/modules"
	libraries >"$work/libraries"
	# Read by cut, not by the shell: an empty field is a field.
	probe "$(cut -d';' -f2 "$work/libraries" | tr '\n' ' ')" \
	    "$(cut -d';' -f3 "$work/libraries" | tr '\n' ' ')" || return 1
	sanitizers
}

# The tests are built with sanitizers, whose runtime is a package of its own in
# some systems.
sanitizers() {
	[ "$verb" != test ] || probe '' '' -fsanitize=address,undefined
}

# Prints the packages that lack, by the names in column $1 of the tables counted
# from the first package column (1 Debian, 2 Fedora, 3 Alpine, 4 Arch, 5 Homebrew).
missing() {
	case $1 in
	1) set -- "$1" gcc libc6-dev ;;
	2) set -- "$1" gcc libasan libubsan ;;
	3) set -- "$1" build-base linux-headers ;;
	4) set -- "$1" base-devel ;;
	*) set -- "$1" ;;
	esac
	column=$1
	shift
	if ! probe '' '' || ! sanitizers; then
		echo "$@"
	fi
	commands | while IFS= read -r row; do
		command -v "${row%%;*}" >/dev/null ||
		    echo "$row" | cut -d';' -f$((column + 1))
	done
	modules | while IFS= read -r row; do
		has_module "${row%%;*}" || echo "$row" | cut -d';' -f$((column + 1))
	done
	libraries | while IFS= read -r row; do
		# Without a compiler nothing can be found; then all of it is asked for.
		probe "$(echo "$row" | cut -d';' -f2)" "$(echo "$row" | cut -d';' -f3)" ||
		    echo "$row" | cut -d';' -f$((column + 3))
	done
}

packages() {
	missing "$1" | tr ' ' '\n' | sort -u | tr '\n' ' '
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "deps: not root and no sudo; as root run: $*" >&2
		return 1
	fi
}

install_debian() {
	list=$(packages 1)
	echo "deps: installing $list"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null || return 1
	# shellcheck disable=SC2086 # a list of packages
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
	    --no-install-recommends $list ca-certificates </dev/null
}

# Systems on which we have not run: say what to do, do nothing.
advise() {
	cat >&2 <<-END
	deps: $1 is not a system that this script installs on.  It lacks:
	  $(packages "$2")
	Install them (names may differ between versions), for instance:
	  $3 $(packages "$2")
	and run make again.  Libraries that you build yourself are found through
	CPPFLAGS and LDFLAGS.
	END
	exit 1
}

if all_there; then
	exit 0
fi

if [ "$verb" = check ]; then
	echo "tracetape: the compiler ($cc) does not find everything that it needs." >&2
	if command -v apt-get >/dev/null; then
		echo "Missing: $(packages 1)" >&2
	fi
	echo "run: make deps" >&2
	exit 1
fi

if command -v apt-get >/dev/null; then
	install_debian || exit 1
elif command -v dnf >/dev/null; then
	advise Fedora 2 'dnf install'
elif command -v apk >/dev/null; then
	advise Alpine 3 'apk add'
elif command -v pacman >/dev/null; then
	advise 'Arch Linux' 4 'pacman -S'
elif [ "$(uname -s)" = Darwin ]; then
	advise macOS 5 'brew install'
else
	advise "$(uname -s)" 1 '(your package manager)'
fi

if ! all_there; then
	echo "deps: after the installation this is still not found: $(packages 1)" >&2
	sed 's/^/deps: /' "$work/said" >&2
	exit 1
fi
