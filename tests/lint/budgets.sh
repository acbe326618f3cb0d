#!/bin/sh
# budgets.sh - how long a function, a file and a line may be, how many parameters
# and how many booleans.  What is over, and why, stands in budgets.allowed:
# one line each, `WHERE LIMIT REASON`.
set -u

allowed=${LINT_ALLOWED:-$(dirname "$0")/budgets.allowed}
sources=$(ls proxy/*.[ch] certs/*.[ch] store/*.[ch] tools/*.[ch] tests/unit/*.[ch] \
    tests/fuzz/*.[ch] 2>/dev/null)
scripts=$(ls tests/*.sh tests/*/*.sh tests/e2e/*.mjs tests/e2e/*/*.mjs tools/completion.* \
    Makefile 2>/dev/null)

# shellcheck disable=SC2086 # lists of files
awk -v allowed="$allowed" '
BEGIN {
	while ((getline line < allowed) > 0) {
		if (line ~ /^#/ || line ~ /^[ \t]*$/)
			continue
		n = split(line, word, " ")
		if (n < 3) {
			print allowed ": needs WHERE LIMIT REASON: " line
			faults++
		}
		limit[word[1]] = word[2]
	}
}
function over(where, is, may, what) {
	if (where in limit) {
		seen[where] = 1
		may = limit[where]
	}
	if (is > may) {
		print where ": " is " " what ", " may " allowed"
		faults++
	}
}
# One exception for all the lines of a file: a table may be wide.
function over_at(where, n, is, may) {
	if (is <= may)
		return
	if (where in limit) {
		seen[where] = 1
		may = limit[where]
	}
	if (is > may) {
		print file ":" n ": " is " columns, " may " allowed"
		faults++
	}
}
# Columns of a line.  Tabs go to the next multiple of 8, in JavaScript of 4: its
# callbacks nest where C has functions.
function width(s,    i, col, c, tab) {
	tab = file ~ /js$/ ? 4 : 8
	if (index(s, "\t") == 0)
		return length(s)
	col = 0
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		col = c == "\t" ? col + tab - col % tab : col + 1
	}
	return col
}
function file_ends() {
	if (file ~ /^(proxy|certs|store|tools)\/.*\.c$/)
		over(file, lines, 500, "lines")
	else if (file ~ /\.h$/)
		over(file, lines, 150, "lines")
}
# Parameters of a prototype.  A pointer and the length behind it are one thing.
function parameters(s,    i, c, deep, n, text, was) {
	n = 0
	for (i = index(s, "(") + 1; i <= length(s) && deep >= 0; i++) {
		c = substr(s, i, 1)
		deep += (c == "(") - (c == ")")
		if (deep < 0 || (c == "," && !deep)) {
			if (!(text ~ /(size_t|socklen_t) (n|len|cap|[a-z_]*len)$/ && was ~ /\*/))
				n++
			was = text
			text = ""
		} else {
			text = text c
		}
	}
	return n
}
FNR == 1 {
	if (NR > 1)
		file_ends()
	file = FILENAME
	in_struct = in_body = 0
	proto = ""
}
{ lines = FNR }
# Some awks count bytes: what is not ASCII is not measured.
$0 !~ /[^\001-\176]/ { over_at(file ":columns", FNR, width($0), 100) }
file !~ /\.[ch]$/ { next }
/^[a-z_][A-Za-z0-9_]*\(/ {
	proto = ""
	name = substr($0, 1, index($0, "(") - 1)
	began = FNR
	prototype = 1
}
prototype { proto = proto $0 }
prototype && /^\{/ {
	over(file ":" name ":parameters", parameters(proto), 5, "parameters")
	prototype = 0
	in_body = 1
}
prototype && /;/ { prototype = 0 }
in_body && /^\}/ {
	over(file ":" name, FNR - began + 1, 60, "lines")
	in_body = 0
}
/^(static )?struct [a-z0-9_]+ \{/ {
	in_struct = 1
	bools = 0
	tag = $2 == "struct" ? $3 : $2
}
in_struct && /^\tbool [a-z]/ {
	declared = $0
	sub(/;.*/, "", declared)
	bools += split(declared, commas, ",")
}
in_struct && /^\}/ {
	if (file !~ /^tests\//)
		over(file ":struct-" tag, bools, 1, "booleans")
	in_struct = 0
}
END {
	if (NR)
		file_ends()
	for (where in limit)
		if (!(where in seen)) {
			print allowed ": " where " is not there any more"
			faults++
		}
	exit faults > 0
}' $sources $scripts </dev/null
