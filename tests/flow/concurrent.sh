# SPDX-License-Identifier: Apache-2.0
#
# Many img processes on one store: the same image, different ones, shared layers, names that come
# and go. Nobody fails, nothing is fetched twice, everything is right afterwards.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain
for name in big shared-a shared-b gzip mixed whiteouts hardlinks replace opaque multi; do
	push_fixture $name
	[ $name != big ] || big=$DIGEST
done

# Starts them all at once and waits; each one's output in at.N, errors in at.N.err, statuses in $STATUSES.
at_once() { # SCRIPT...
	local pids=() n=0 script pid
	for script in "$@"; do
		n=$((n + 1))
		sh -c "$script" >at.$n 2>at.$n.err </dev/null &
		pids+=($!)
	done
	STATUSES=
	for pid in "${pids[@]}"; do
		local status=0
		wait "$pid" || status=$?
		STATUSES="$STATUSES $status"
	done
	: >"$OUT"
	cat at.*.err >"$ERR"
}

all_well() { # NAME
	judge "$1" "$(echo "$STATUSES" | grep -q '[1-9]' && echo "statuses$STATUSES")"
}

fetched() { # DIGEST
	registry_requests "\"GET /v2/[^ ]*/blobs/$1"
}

no_staging() { # NAME
	expect_status 1 "$1: staging is empty" sh -c "find '$IMG_STORE/staging' -type f | grep ."
}

pull="img pull -q $REGISTRY/fx"

# --- the same image --------------------------------------------------------------------------------

at_once "$pull/big" "$pull/big" "$pull/big" "$pull/big" "$pull/big" "$pull/big"
all_well "one image, six processes"
expect_out "$REGISTRY/fx/big@$big" "one image: each prints its digest" sh -c 'cat at.[1-6] | sort -u'
for digest in $(layer_digests big); do
	expect_status 0 "one image: ${digest:7:12} fetched once" test "$(fetched "$digest")" = 1
done
no_staging "one image"

# --- images that share a layer -------------------------------------------------------------------

rm -rf "$IMG_STORE"
start_proxy --slow 4000000
at_once "img pull -q $PROXY/fx/shared-a" "img pull -q $PROXY/fx/shared-b"
all_well "two images that share a layer"
shared=$(layer_digests shared-a | head -n 1)
expect_status 0 "the shared layer: fetched once" test "$(grep -c "^GET .*/blobs/$shared" "$PROXY_LOG")" = 1
stop_bg "$PROXY_PID"

# One of them dies while the other waits for it.
rm -rf "$IMG_STORE"
start_proxy --hold 1000000
start_bg first.log img pull -q "$PROXY/fx/shared-a"
first=$BG_PID
wait_for_line "$PROXY_LOG" '^holding ' "$PROXY_PID" 30 || not_ok "the proxy holds"
start_bg second.log img pull -q "$REGISTRY/fx/shared-b"
second=$BG_PID
kill -9 "$first"
wait "$first" 2>/dev/null
wait "$second"
judge "the other of two dies: the pull goes on" "$([ $? = 0 ] || tail -n 1 second.log)"
stop_bg "$PROXY_PID"
# What the dead one had of its own layer may be there to go on with; then nothing is.
check "the other of two dies: pulled again" img pull -q "$REGISTRY/fx/shared-a"
no_staging "the other of two dies"

# --- everything at once --------------------------------------------------------------------------

rm -rf "$IMG_STORE"
names="gzip mixed whiteouts hardlinks replace opaque shared-a shared-b multi"
scripts=()
for round in 1 2; do
	for name in $names; do
		scripts+=("$pull/$name")
	done
	scripts+=("for i in 1 2 3 4 5 6 7 8; do img images >/dev/null || exit 1; done")
	scripts+=("for i in 1 2 3 4 5 6 7 8; do img tag $REGISTRY/fx/gzip t/$round:\$i || [ \$? = 3 ] || exit 1; done")
	scripts+=("for i in 1 2 3 4 5 6 7 8; do img rmi t/$round:\$i || [ \$? = 3 ] || exit 1; done")
done
at_once "${scripts[@]}"
all_well "${#scripts[@]} processes"
no_staging "all at once"
for name in $names; do
	img images 2>/dev/null | grep -q "fx/$name" || not_ok "all at once: $name is listed"
done
if [ "$(id -u)" = 0 ]; then
	scripts=()
	for name in $names; do
		scripts+=("img unpack -q $REGISTRY/fx/$name $name")
	done
	at_once "${scripts[@]}"
	all_well "all unpack at once"
	for name in $names; do
		expected=$FIXTURES/expect/$name
		[ $name != multi ] || expected=$expected@linux-amd64
		expect_tree "all at once: the tree of $name" "$expected" "$name"
	done
fi
