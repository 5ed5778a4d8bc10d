#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs fuzz targets that are built with libFuzzer, one after the other.
#
#   fuzz-run.sh BUILD_FOLDER SEEDS_FOLDER SECONDS NAME...
#
# What crashes a target stays in BUILD_FOLDER/crash/NAME-*: fix it, then keep the input as
# tests/fuzz/regress/NAME/WHAT, where every test run replays it.
set -u

build=$1
seeds=$2
seconds=$3
shift 3

status=0
mkdir -p "$build/crash" "$build/log"
for name in "$@"; do
	corpus=$build/corpus/$name
	regress=tests/fuzz/regress/$name
	mkdir -p "$corpus" "$seeds/$name"
	[ -d "$regress" ] || regress=
	# shellcheck disable=SC2086 # no folder is no word
	if "$build/test/fuzz/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$build/crash/$name-" \
		"$corpus" "$seeds/$name" $regress >"$build/log/$name.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/log/$name.log")
		echo "ok fuzz/$name: ${runs:-no} inputs in $seconds s"
	else
		echo "not ok fuzz/$name: see $build/log/$name.log and $build/crash/"
		tail -n 15 "$build/log/$name.log" | sed 's/^/# /'
		status=1
	fi
done
exit $status
