#!/bin/sh
# shell.sh - every shell script parses, and pleases shellcheck where that is there.
set -u

faults=0
for f in .ci/run tests/*.sh tests/*/*.sh; do
	[ -e "$f" ] || continue
	case $(head -n 1 "$f") in
	'#!/bin/sh') sh -n "$f" || faults=1 ;;
	'#!/bin/bash' | '#!/usr/bin/env bash')
		! command -v bash >/dev/null || bash -n "$f" || faults=1
		;;
	*) echo "$f: starts with neither sh nor bash"; faults=1 ;;
	esac
	if command -v shellcheck >/dev/null; then
		shellcheck -f gcc "$f" || faults=1
	fi
done
[ $faults = 0 ]
