# SPDX-License-Identifier: Apache-2.0
#
# img gc and df: what is freed and what is said, and collectors at work among pulls, tags and
# removals. IMG_GC_ROUNDS makes it longer.
#
# All in a mount namespace of its own, so that nothing can reach the machine.
[ -n "${IMG_TEST_UNSHARED-}" ] || [ "$(id -u)" != 0 ] ||
	exec env IMG_TEST_UNSHARED=1 unshare -m --propagation private bash "$0" "$@"
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"
[ "$(id -u)" != 0 ] || seal_machine

rounds=${IMG_GC_ROUNDS:-12}
make_fixtures
start_registry plain
for name in shared-a shared-b gzip mixed multi; do
	push_fixture $name
done

said() { # NAME REGEX: of the last command's output
	judge "$1" "$(grep -qE -e "$2" "$OUT" || echo "does not say '$2'")"
}
count_files() { # FOLDER
	find "$IMG_STORE/$1" -type f 2>/dev/null | wc -l
}

# --- alone -----------------------------------------------------------------------------------------

expect_out "Freed: 0 B" "no store: nothing to free" img gc
expect_match "^Blobs +0 " "no store: df" img df
check "no store is made" test ! -e "$IMG_STORE"
check "pull" img pull -q "$REGISTRY/fx/shared-a" "$REGISTRY/fx/shared-b"
expect_out "Freed: 0 B" "all of it is needed" img gc
check "rmi" img rmi "$REGISTRY/fx/shared-a"
before=$(count_files .)
expect_match '^Would free: .* \([0-9]+ blobs, 1 layer' "--dry-run" img gc --dry-run
check "--dry-run frees nothing" test "$(count_files .)" = "$before"
expect_match '^blob +sha256:[0-9a-f]{64}  ' "-v: a line for each" img gc --dry-run -v
expect_match '^Layers +3 .* [0-9.]+ [kM]?B$' "df: layers" img df
expect_match "^$REGISTRY/fx/shared-b:latest +[0-9.]+ MB" "df -v: a row for each image" img df -v
check "df --json" sh -c 'img df --json -v >df.json && img gc --dry-run --json >would.json'
check "df --json: what gc would free" $PYTHON -c '
import json
df, gc = json.load(open("df.json")), json.load(open("would.json"))
kinds = {k["Kind"]: k for k in df["Kinds"]}
assert kinds["Blobs"]["ReclaimableCount"] == gc["Blobs"], (df, gc)
assert kinds["Layers"]["ReclaimableCount"] == gc["Layers"], (df, gc)
assert kinds["Blobs"]["Size"] > kinds["Blobs"]["Reclaimable"] > 0, df
[image] = df["Images"]
assert image["Size"] >= image["Own"] > 0 and image["Shared"] == 0, image'
check "--json" sh -c 'img gc --json >gc.json'
check "--json: one object" $PYTHON -c '
import json
r = json.load(open("gc.json"))
assert r["Layers"] == 1 and r["Blobs"] == 3 and not r["DryRun"], r
assert r["TotalBytes"] == r["BlobBytes"] + r["LayerBytes"] + r["TreeBytes"] + r["PartBytes"], r'
check "the other unpacks" img unpack -q --local "$REGISTRY/fx/shared-b" b
expect_tree "the other is whole" "$FIXTURES/expect/shared-b" b
check "rmi the other" img rmi "$REGISTRY/fx/shared-b"
expect_out "" "-q" img gc -q
check "nothing is left: blobs" test "$(count_files blobs)" = 0
check "nothing is left: layers" test "$(count_files layers)" = 0
check "nothing is left: staging" test "$(count_files staging)" = 0

# --- among others ----------------------------------------------------------------------------------

# Each of these ends by itself after so many rounds; the last round leaves its names.
puller() { # NAME
	local i
	for ((i = 1; i <= rounds; i++)); do
		img pull -q "$REGISTRY/fx/$1" >/dev/null || echo "pull $1: status $?"
		[ "$i" = "$rounds" ] || img rmi "$REGISTRY/fx/$1" >/dev/null || echo "rmi $1: status $?"
	done
}
tagger() { # NAME: names come and go while the image itself may; only a name that is gone may fail
	local i status
	for ((i = 1; i <= rounds; i++)); do
		status=0
		img tag "$REGISTRY/fx/$1" "local/$1:t$i" >/dev/null 2>tag.err || status=$?
		[ "$status" = 0 ] || [ "$status" = 3 ] || { echo "tag: status $status"; cat tag.err; }
		[ "$status" != 0 ] || [ "$i" = "$rounds" ] || img rmi "local/$1:t$i" >/dev/null ||
			echo "rmi tag: status $?"
	done
}
mounter() { # NAME: a root of what may be there or not; it holds its image as long as it is there
	local i status root
	for ((i = 1; i <= rounds; i++)); do
		status=0
		root=$(img mount --rw --local "$REGISTRY/fx/$1" 2>mount.err) || status=$?
		[ "$status" = 0 ] || [ "$status" = 3 ] || { echo "mount: status $status"; cat mount.err; }
		[ "$status" = 0 ] || continue
		ls "$root" >/dev/null || echo "ls: status $?"
		img umount --remove "$root" >/dev/null 2>mount.err || { echo "umount: status $?"; cat mount.err; }
	done
}
collector() {
	local i
	for ((i = 1; i <= rounds * 2; i++)); do
		img gc -q || echo "gc: status $?"
	done
}

pids=()
for name in shared-a shared-b mixed multi; do
	puller $name >puller.$name 2>&1 &
	pids+=($!)
done
tagger shared-a >tagger.log 2>&1 &
pids+=($!)
if [ "$(id -u)" = 0 ] && img mount "$REGISTRY/fx/mixed" >mounted 2>/dev/null; then
	img umount "$(cat mounted)" >/dev/null 2>&1
	mounter mixed >mounter.log 2>&1 &
	pids+=($!)
else
	skip "mounts among collectors" "nothing can be mounted here"
fi
for i in 1 2; do
	collector >collector.$i 2>&1 &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid"
done
cat puller.* *.log collector.* >"$ERR"
: >"$OUT"
judge "nobody fails" "$(head -n 1 "$ERR")"
for name in shared-a shared-b mixed multi; do
	check "after all: $name unpacks" img unpack -q --local "$REGISTRY/fx/$name" "after-$name"
done
for name in shared-a shared-b mixed; do
	expect_tree "after all: $name is whole" "$FIXTURES/expect/$name" "after-$name"
done
check "after all: gc" img gc
expect_match '^Sound: ' "after all: fsck" img fsck
for name in shared-a shared-b mixed multi; do
	run img rmi "$REGISTRY/fx/$name"
done
img images -q | grep . | xargs -r img rmi >/dev/null
check "after all: gc of everything" img gc
check "after all: nothing is left" test "$(count_files blobs)" = 0 -a "$(count_files layers)" = 0 \
	-a "$(count_files staging)" = 0
