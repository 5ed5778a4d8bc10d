# SPDX-License-Identifier: Apache-2.0
#
# Several img processes on one store, each killed at a random moment, over and over. Whatever was kept
# is right, the store stays usable at any time, and what the dead left is gone after a clean run.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

ROUNDS=${KILL_ROUNDS:-60}
make_fixtures
start_registry plain
names="big shared-a shared-b mixed whiteouts hardlinks multi zstd docker"
for name in $names; do
	push_fixture $name
done
start_proxy --slow 60000000

# Kills COMMAND after a random time below MS.
killed() { # MS COMMAND...
	local ms=$((RANDOM % $1 + 1))
	shift
	timeout -s KILL "$((ms / 1000)).$(printf %03d $((ms % 1000)))" "$@" >/dev/null 2>&1
}

verify() { # every kept file is what it is called
	$PYTHON -c '
import hashlib, os, sys
for folder, end in (("blobs", ""), ("layers", ".tar")):
    for alg in os.listdir(os.path.join(sys.argv[1], folder)):
        for name in os.listdir(os.path.join(sys.argv[1], folder, alg)):
            if name.endswith(end) and "." not in name.removesuffix(end):
                with open(os.path.join(sys.argv[1], folder, alg, name), "rb") as f:
                    assert hashlib.file_digest(f, alg).hexdigest() == name.removesuffix(end), name
' "$IMG_STORE"
}

bad=0
for round in $(seq "$ROUNDS"); do
	[ $((round % 10)) != 1 ] || rm -rf "$IMG_STORE"
	pids=()
	for name in $names; do
		killed 900 img pull -q "$PROXY/fx/$name" &
		pids+=($!)
	done
	killed 900 img rmi "$PROXY/fx/shared-a" &
	pids+=($!)
	wait "${pids[@]}"
	run img images
	[ "$STATUS" = 0 ] || {
		bad=$((bad + 1))
		not_ok "round $round: images: status $STATUS" || show_output
	}
	[ $((round % 10)) != 0 ] || check "round $round: what is kept is right" verify
done
expect_status 0 "$ROUNDS rounds: the store was always usable" test $bad = 0

for name in $names; do
	check "afterwards: $name" img pull -q "$PROXY/fx/$name"
done
check "afterwards: what is kept is right" verify
expect_status 1 "afterwards: staging is empty" sh -c "find '$IMG_STORE/staging' -type f | grep ."
if [ "$(id -u)" = 0 ]; then
	for name in $names; do
		expected=$FIXTURES/expect/$name
		[ -e "$expected" ] || expected=$expected@linux-amd64
		img unpack -q "$PROXY/fx/$name" "$name" || not_ok "afterwards: $name unpacks"
		expect_tree "afterwards: the tree of $name" "$expected" "$name"
	done
fi

# --- unpack --------------------------------------------------------------------------------------

whole=0 part=0
for round in $(seq "$ROUNDS"); do
	rm -rf target
	killed 400 img unpack -q "$PROXY/fx/big" target
	[ -d target ] || continue
	if [ -e target/.img-incomplete ] || [ -z "$(ls -A target)" ]; then
		part=$((part + 1))
		continue
	fi
	whole=$((whole + 1))
	$PYTHON "$IMG_ROOT/fixtures/listing.py" compare "$FIXTURES/expect/big" target >"$OUT" 2>&1 ||
		not_ok "unpack, round $round: no marker, and not whole: $(head -n 1 "$OUT")"
done
echo "# unpack: $whole whole, $part marked or empty"
expect_status 0 "unpack: marked or whole, never else" true
