#!/bin/sh
# includes.sh - nothing points back: who may include whom.
#
#	filters -> everything;  cuda -> nn, base;  nn -> formats, cell, base;  formats -> cell, base;  cell, stat -> base;  base -> nothing of ours

set -u

failed=0

check() { # FOLDER ALLOWED-FOLDERS
	wrong=$(grep -EHn '^[ \t]*#[ \t]*include[ \t]*"' "$1"/*.[ch] "$1"/*.cu 2>/dev/null | awk -v allowed=" $2 " '
		{
			match($0, /"[^"]*"/)
			path = substr($0, RSTART + 1, RLENGTH - 2)
			folder = path
			sub(/\/.*/, "", folder)
			if (path ~ /\// && (path ~ /\.\./ || !index(allowed, " " folder " ")))
				print
		}')
	test -z "$wrong" && return
	echo "$wrong"
	echo "$1 may include only: $2"
	failed=1
}

check common/base 'base'
check common/cell 'cell base'
check common/stat 'stat base'
check formats 'formats cell base'
check common/nn 'nn formats cell base'
check common/cuda 'cuda nn base'
check filters 'base cell stat nn formats'
exit $failed
