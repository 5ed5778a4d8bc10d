# SPDX-License-Identifier: Apache-2.0
#
# Pulls and unpacks that are cut off: by the network, by Ctrl-C, by kill -9 at any moment. What was
# fetched is used, what is half done is not taken for whole, and the next run cleans up.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain
push_fixture big
size=0
for layer in $(layer_digests big); do
	size=$((size + $(stat -c %s "$FIXTURES/big/blobs/${layer/://}")))
done
cut=4000000

# The proxy has sent it; now img must have taken some of it.
wait_part() {
	local i
	for ((i = 0; i < 600; i++)); do
		find "$IMG_STORE/staging" -name '*.part' -size +0 | grep -q . && return
		sleep 0.05
	done
	return 1
}

fresh_store() {
	rm -rf "$IMG_STORE"
}

# Runs with SIGINT as a terminal's child has it; background jobs of a script ignore it.
start_img() { # LOG ARG...
	local log=$1
	shift
	start_bg "$log" $PYTHON -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' img "$@"
}

wait_img() { # its status in $STATUS
	STATUS=0
	wait "$BG_PID" 2>/dev/null || STATUS=$?
}

bytes_sent() { # of blobs, in all answers of the proxy
	sed -n 's|^GET [^ ]*/blobs/.* sent=\([0-9]*\)$|\1|p' "$PROXY_LOG" | awk '{ n += $1 } END { print n }'
}

ranges() { # requests for blobs from somewhere in the middle
	grep -cE "^GET [^ ]*/blobs/[^ ]* range=bytes=[1-9]" "$PROXY_LOG"
}

staging() {
	find "$IMG_STORE/staging" -type f 2>/dev/null
}

whole() { # NAME; the image is there and right
	check "$1: a pull" img pull -q "$REGISTRY/fx/big"
	expect_status 1 "$1: staging is empty" sh -c "find '$IMG_STORE/staging' -type f | grep ."
	if [ "$(id -u)" = 0 ]; then
		check "$1: unpack" img unpack -q "$REGISTRY/fx/big" whole
		expect_tree "$1: the tree" "$FIXTURES/expect/big" whole
		rm -rf whole
	fi
}

# --- connections that break ----------------------------------------------------------------------

start_proxy --cut $cut --times 1
check "cut once: the pull goes on" img pull -q "$PROXY/fx/big"
expect_status 0 "cut once: with a range" test "$(ranges)" -ge 1
expect_status 0 "cut once: nothing twice" test "$(bytes_sent)" -le $((size + 65536))
stop_bg "$PROXY_PID"

fresh_store
start_proxy --cut $cut --times 1 --no-range
check "cut, and no ranges: from the start" img pull -q "$PROXY/fx/big"
stop_bg "$PROXY_PID"

fresh_store
start_proxy --cut 1000000 --times 1000
expect_status 1 "cut again and again, no retry: fails" img pull -q --retry 0 "$PROXY/fx/big"
expect_status 3 "cut again and again: no name" img inspect --local "$PROXY/fx/big"
stop_bg "$PROXY_PID"

fresh_store
start_proxy --cut $cut --times 1
# One at a time: what is under way of others when one fails is lost on the wire.
expect_status 1 "a later process: the first is cut" img pull -q -j 1 --retry 0 "$PROXY/fx/big"
expect_status 0 "a later process: no range yet" test "$(ranges)" = 0
check "a later process: the second succeeds" img pull -q --retry 0 "$PROXY/fx/big"
expect_status 0 "a later process: with a range" test "$(ranges)" -ge 1
expect_status 0 "a later process: nothing twice" test "$(bytes_sent)" -le $((size + 65536))
whole "a later process"
stop_bg "$PROXY_PID"

fresh_store
start_proxy --fail 503 --times 2 --retry-after 0
check "503 twice: tried again" img pull -q "$PROXY/fx/big"
stop_bg "$PROXY_PID"
fresh_store
start_proxy --fail 503 --times 100 --retry-after 0
expect_err 1 '503' "503 for good: fails" img pull -q --retry 2 "$PROXY/fx/big"
stop_bg "$PROXY_PID"

# --- Ctrl-C --------------------------------------------------------------------------------------

fresh_store
start_proxy --hold $cut
start_img int.log pull "$PROXY/fx/big"
wait_for_line "$PROXY_LOG" '^holding ' "$PROXY_PID" 30 || not_ok "Ctrl-C: the proxy holds"
wait_part || not_ok "Ctrl-C: some of it is in staging"
kill -INT "$BG_PID"
wait_img
cp int.log "$ERR"
judge "Ctrl-C: status" "$([ "$STATUS" = 130 ] || echo "$STATUS, not 130")"
expect_status 1 "Ctrl-C: says nothing of a crash" grep -qiE 'abort|segmentation|assert' int.log
stop_bg "$PROXY_PID"
start_proxy
check "Ctrl-C: the next pull" img pull -q "$PROXY/fx/big"
expect_status 0 "Ctrl-C: goes on with a range" test "$(ranges)" -ge 1
whole "Ctrl-C"
stop_bg "$PROXY_PID"

# --- kill -9 -------------------------------------------------------------------------------------

fresh_store
start_proxy --hold $cut
start_img kill.log pull "$PROXY/fx/big"
wait_for_line "$PROXY_LOG" '^holding ' "$PROXY_PID" 30 || not_ok "kill -9: the proxy holds"
wait_part || not_ok "kill -9: some of it is in staging"
kill -9 "$BG_PID"
wait_img
expect_status 3 "kill -9: no name" img inspect --local "$PROXY/fx/big"
stop_bg "$PROXY_PID"
start_proxy
check "kill -9: the next pull" img pull -q "$PROXY/fx/big"
expect_status 0 "kill -9: goes on with a range" test "$(ranges)" -ge 1
whole "kill -9"
stop_bg "$PROXY_PID"

# At moments spread over the time that a pull takes, in one store.
fresh_store
start_proxy --slow 40000000
began=$(date +%s%N)
img pull -q "$PROXY/fx/big" >/dev/null 2>&1
took=$((($(date +%s%N) - began) / 1000000))
for i in $(seq 1 12); do
	[ $((i % 4)) != 1 ] || fresh_store
	ms=$((took * (RANDOM % 1000 + 1) / 1000))
	timeout -s KILL "$((ms / 1000)).$(printf %03d $((ms % 1000)))" img pull -q "$PROXY/fx/big" >/dev/null 2>&1
	echo "$ms ms: $?" >>killed
	img images >"$OUT" 2>"$ERR" || not_ok "killed after $ms ms: images"
done
whole "killed at 12 moments"
check "killed at 12 moments: every kept blob is what it is called" $PYTHON -c '
import hashlib, os, sys
for folder, kind in (("blobs/sha256", ""), ("layers/sha256", ".tar")):
    for name in os.listdir(os.path.join(sys.argv[1], folder)):
        if name.endswith(kind) and (kind or "." not in name):
            with open(os.path.join(sys.argv[1], folder, name), "rb") as f:
                assert hashlib.sha256(f.read()).hexdigest() == name.removesuffix(kind), name
' "$IMG_STORE"
stop_bg "$PROXY_PID"

# --- unpack --------------------------------------------------------------------------------------

# Waits for the marker, then signals; an unpack that was too fast is tried again.
interrupt_unpack() { # SIGNAL; status in $STATUS
	local try
	for try in $(seq 1 30); do
		rm -rf target
		start_img unpack.log unpack "$REGISTRY/fx/big" target
		$PYTHON -c '
import os, signal, sys, time
marker, pid, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
until = time.monotonic() + 20
while time.monotonic() < until:
    if os.path.exists(marker):
        time.sleep(0.002)
        os.kill(pid, getattr(signal, name))
        break
    if not os.path.exists(f"/proc/{pid}"):
        break
' target/.img-incomplete "$BG_PID" "SIG$1"
		wait_img
		[ "$STATUS" = 0 ] || return 0
	done
	return 1
}

if interrupt_unpack INT; then
	judge "unpack, Ctrl-C: status" "$([ "$STATUS" = 130 ] || echo "$STATUS, not 130")"
	expect_status 0 "unpack, Ctrl-C: the folder says that it is not whole" test -e target/.img-incomplete
	expect_match 'target is not complete' "unpack, Ctrl-C: says so" cat unpack.log
else
	skip "unpack, Ctrl-C" "unpack is done before a signal comes"
fi
if interrupt_unpack KILL; then
	expect_status 0 "unpack, kill -9: the folder says that it is not whole" test -e target/.img-incomplete
else
	skip "unpack, kill -9" "unpack is done before a signal comes"
fi
expect_status 1 "unpack: an unfinished folder is no target" img unpack -q "$REGISTRY/fx/big" target
