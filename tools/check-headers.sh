#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each header compiles alone, and may be included twice.
#
#   check-headers.sh COMPILER 'FLAGS' HEADER...
set -u

cc=$1
flags=$2
shift 2

status=0
for header in "$@"; do
	# shellcheck disable=SC2086 # flags are words
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		$cc $flags -fsyntax-only -x c - || {
		echo "$header: does not compile alone"
		status=1
	}
done
[ $status = 0 ] && echo "headers: $# compile alone"
exit $status
