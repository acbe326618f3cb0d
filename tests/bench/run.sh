#!/bin/sh
# run.sh - the figures of tests/bench: installs what they need, then measures.
#
# TRACETAPE names the program (build/tracetape); README.md the other settings.
set -u

cd "$(dirname "$0")/../.." || exit 1

# command; Debian's package
commands() {
	cat <<-'END'
	nginx;nginx-light
	wrk;wrk
	openssl;openssl
	node;nodejs
	END
}

missing() {
	commands | while IFS=';' read -r command package; do
		command -v "$command" >/dev/null || echo "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "bench: not root and no sudo; as root run: $*" >&2
		return 1
	fi
}

# The package starts nginx as a service where there are services; that one is
# not ours, and would only hold port 80.
install() {
	echo "bench: installing $*"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null &&
	    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
	    --no-install-recommends "$@" </dev/null
}

# Debian keeps nginx where only root's PATH looks.
PATH=$PATH:/usr/sbin:/sbin
export PATH

lacking=$(missing | tr '\n' ' ')
if [ -n "$lacking" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "bench: this machine lacks $lacking(Debian's names)" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # a list of packages
	install $lacking || exit 1
fi
exec node tests/bench/main.mjs
