# SPDX-License-Identifier: Apache-2.0
#
# Copies that are cut off: by the network, by Ctrl-C, by kill -9. No name is there too early, a layout
# stays one, and the next run moves what is missing, and only that.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain
push_fixture big
cut=4000000
size=0
for layer in $(layer_digests big); do
	size=$((size + $(stat -c %s "$FIXTURES/big/blobs/${layer/://}")))
done

bytes_sent() { # of blobs, in all answers of the proxy
	sed -n 's|^GET [^ ]*/blobs/.* sent=\([0-9]*\)$|\1|p' "$PROXY_LOG" |
		$PYTHON -c 'import sys; print(sum(map(int, sys.stdin)))'
}

wait_part() { # DIR
	local i
	for ((i = 0; i < 600; i++)); do
		find "$1/.img-staging" -name '*.part' -size +0 2>/dev/null | grep -q . && return
		sleep 0.05
	done
	return 1
}

# Runs with SIGINT as a terminal's child has it; background jobs of a script ignore it.
start_img() { # LOG ARG...
	local log=$1
	shift
	start_bg "$log" $PYTHON -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' img "$@"
}

whole() { # NAME DIR; a copy finishes what was begun there
	check "$1: again" img copy -q "$REGISTRY/fx/big" "oci:$2:x"
	check "$1: the name is there" img digest "oci:$2:x"
	check "$1: nothing is left" test ! -e "$2/.img-staging"
	check "$1: skopeo reads it" skopeo copy -q "oci:$2:x" "dir:$2.dir"
}

# --- the network ---------------------------------------------------------------------------------

start_proxy --cut $cut --times 1
check "cut once, it goes on" img copy -q "$PROXY/fx/big" oci:once:x
check "no byte was fetched twice" [ "$(bytes_sent)" -lt $((size + 100000)) ]
stop_bg "$PROXY_PID"

start_proxy --cut $cut --times 1000
# One at a time: what is under way of others when one fails is lost on the wire.
expect_status 1 "cut again and again" img copy -q -j 1 --retry 0 "$PROXY/fx/big" oci:cut:x
first=$(bytes_sent)
stop_bg "$PROXY_PID"
check "parts are kept" sh -c 'ls cut/.img-staging/*.part'
expect_status 3 "no name" img digest oci:cut:x
start_proxy --slow 100000000
check "the next run" img copy -q "$PROXY/fx/big" oci:cut:x
check "moves the rest only" [ "$((first + $(bytes_sent)))" -lt $((size + 200000)) ]
stop_bg "$PROXY_PID"
whole "cut" cut

# --- Ctrl-C, kill -9 ----------------------------------------------------------------------------

for signal in INT KILL; do
	start_proxy --hold $cut
	start_img log.$signal copy "$PROXY/fx/big" "oci:sig$signal:x"
	img_pid=$BG_PID
	check "$signal: it has begun" wait_part "sig$signal"
	kill -$signal "$img_pid"
	STATUS=0
	wait "$img_pid" 2>/dev/null || STATUS=$?
	check "$signal: it ends" [ $STATUS = $([ $signal = INT ] && echo 130 || echo 137) ]
	expect_status 3 "$signal: no name" img digest "oci:sig$signal:x"
	stop_bg "$PROXY_PID"
	whole "$signal" "sig$signal"
done

# --- to a registry ------------------------------------------------------------------------------

start_proxy --hold-upload $cut
start_img log.up copy "oci:$FIXTURES/big" "$PROXY/up/big:x"
img_pid=$BG_PID
check "an upload hangs" wait_for_line "$PROXY_LOG" '^holding ' "$PROXY_PID" 20
kill -KILL "$img_pid"
wait "$img_pid" 2>/dev/null
expect_status 3 "no tag" img digest "$REGISTRY/up/big:x"
stop_bg "$PROXY_PID"
check "again" img copy -q "oci:$FIXTURES/big" "$REGISTRY/up/big:x"
check "whole" img pull -q "$REGISTRY/up/big:x"

# --- the disk ------------------------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=4m tmpfs small 2>/dev/null; then
	track_mount "$PWD/small"
	expect_err 1 'needed|No space' "a disk that is too small" \
		img copy -q "$REGISTRY/fx/big" oci:small/l:x
	expect_status 3 "has no name" img digest oci:small/l:x
else
	skip "a disk that is too small" "no mounts"
fi
