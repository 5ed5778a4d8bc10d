# SPDX-License-Identifier: Apache-2.0
#
# img mount, umount and mounts as root: every fixture by every driver against the oracle's listing,
# writable roots, what is known after a crash, a reboot, or umount(8) behind our back.
#
# All in a mount namespace of its own, so that nothing can reach the machine.
[ -n "${IMG_TEST_UNSHARED-}" ] || [ "$(id -u)" != 0 ] ||
	exec env IMG_TEST_UNSHARED=1 unshare -m --propagation private bash "$0" "$@"
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
seal_machine
trap 'img umount --all --lazy >/dev/null 2>&1; cleanup' EXIT

LOOPS_BEFORE=$(grep -l -F "$IMG_TEST_DIR" /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l)

# What is mounted below the test's folder, and by loop devices of the store.
mounted() {
	grep -c -F " $IMG_TEST_DIR" /proc/self/mountinfo
}
loops() {
	grep -l -F "$IMG_TEST_DIR" /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l
}
MOUNTED_BEFORE=$(mounted)
# Nothing of ours is mounted, no loop device, no folder, no lock.
expect_nothing_left() { # NAME
	local why=
	[ "$(mounted)" = "$MOUNTED_BEFORE" ] || why="something is mounted"
	[ "$(loops)" = "$LOOPS_BEFORE" ] || why="a loop device is left"
	[ -z "$(ls -A "$IMG_STORE/mounts" 2>/dev/null)" ] || why="mounts/ holds $(ls -A "$IMG_STORE/mounts")"
	[ -z "$(ls -A "$IMG_STORE/roots" 2>/dev/null)" ] || why="roots/ holds $(ls -A "$IMG_STORE/roots")"
	[ -z "$(ls -A "$IMG_STORE/staging")" ] || why="staging is not empty"
	[ -z "$(img mounts -q)" ] || why="a record is left"
	[ -z "$why" ] && ok "$1" || not_ok "$1" "$why"
}
member() { # NAME, of the JSON in `said`
	$PYTHON -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' said "$1"
}
# Runs SQL on the store's records.
records() { # SQL...
	$PYTHON - "$IMG_STORE/records.db" "$@" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		for statement in sys.argv[2:]:
		    db.execute(statement)
		db.commit()
		db.close()
	END
}

make_fixtures
start_registry plain

# --- every fixture, by every driver --------------------------------------------------------------

# overlayfs takes a device 0:0 of the image (in "devices") for a whiteout: that is how it writes
# them, and no option changes that. A layer of "dialect" does not end where a sector does.
while read -r name platform; do
	stem=$name${platform:+@${platform//\//-}}
	push_fixture "$name"
	if ! img pull -q ${platform:+--platform "$platform"} "$REGISTRY/fx/$name" >"$OUT" 2>"$ERR"; then
		judge "$stem is pulled" "status $?"
		continue
	fi
	image=("$REGISTRY/fx/$name")
	[ -z "$platform" ] || image=(--platform "$platform" "$REGISTRY/fx/$name")
	for driver in erofs loop unpacked; do
		if [ "$driver-$stem" = loop-dialect ]; then
			expect_err 1 'whole sectors' "$stem: no loop device for half a sector" \
				img mount -q --local --driver loop "${image[@]}"
			continue
		fi
		check "$stem: mount by $driver" img mount -q --local --driver $driver --id "m-$driver" "${image[@]}" ||
			continue
		expect_tree "$stem: the tree by $driver" "$FIXTURES/expect/$stem" "$(cat "$OUT")"
	done
	check "$stem: a writable root" img mount -q --local --rw --id rw "${image[@]}"
	[ "$stem" = devices ] || [ "$STATUS" != 0 ] ||
		expect_tree "$stem: its tree" "$FIXTURES/expect/$stem" "$(cat "$OUT")"
	check "$stem: umount" img umount -q --all --remove
	expect_nothing_left "$stem: nothing is left"
done < <($PYTHON -c '
import json, sys
for f in json.load(open(sys.argv[1])):
    for platform in f["platforms"]:
        print(f["name"], platform)' "$FIXTURES/fixtures.json")
expect_err 1 'fuse-overlay' "fuse has its place" img mount --local --driver fuse "$REGISTRY/fx/mixed"
expect_err 2 'no such driver|must be|auto' "another driver" img mount --driver none "$REGISTRY/fx/mixed"
expect_nothing_left "refusals leave nothing"

IMAGE=$REGISTRY/fx/mixed

# --- where, and how ------------------------------------------------------------------------------

mkdir here
touch here/file
ln -s here link
check "mount on a folder" img mount --local "$IMAGE" here
cp "$OUT" said
expect_out "$IMG_TEST_DIR/here" "it prints the absolute path" cat said
expect_status 1 "the folder is covered" test -e here/file
expect_err 1 'Read-only' "it can't be written to" touch here/new
expect_match ' ro,nosuid,nodev.* - erofs ' "nosuid and nodev" grep -F " $IMG_TEST_DIR/here " /proc/self/mountinfo
expect_match "^[0-9a-f]{12} +$IMAGE:latest +ro +erofs +active +$IMG_TEST_DIR/here$" "mounts shows it" img mounts
run img mounts --json
cp "$OUT" said
expect_out "$IMG_TEST_DIR/here" "mounts --json: the path" member Path
expect_status 0 "umount by a relative path" img umount -q ./here
expect_status 0 "the folder is back" test -e here/file
expect_err 3 'no mount' "umount again: nothing of that name is known" img umount here
check "a link to a folder" img mount -q --local "$IMAGE" link
cp "$OUT" said
expect_out "$IMG_TEST_DIR/here" "is the folder" cat said
check "umount by the link" img umount -q link
expect_err 3 'No such file' "a folder that is not there" img mount --local "$IMAGE" none
expect_err 1 'Not a directory' "a file is no place" img mount --local "$IMAGE" here/file
expect_err 3 'no mount' "umount of what is no mount" img umount here
expect_err 3 'no mount' "umount of what is nothing" img umount nothing
expect_err 2 '' "umount of nothing said" img umount
expect_err 2 '' "no image" img mount
expect_err 3 'not in the store' "no such image" img mount --local "$REGISTRY/fx/none"
expect_err 2 'not an id' "a bad id" img mount --local --id Bad/Id "$IMAGE"
expect_nothing_left "nothing is left of that"

odd=$(printf 'odd \303\051\n name')
mkdir "$odd"
check "a path of any bytes" img mount -q --local --id odd "$IMAGE" "$odd"
check "is unmounted by path" img umount -q "$odd"
expect_nothing_left "a path of any bytes: nothing is left"

# A store whose paths are longer than a parameter of the kernel may be.
long=$IMG_TEST_DIR/$(printf 'a%.0s' {1..120})/$(printf 'b%.0s' {1..120})
mkdir -p "$long"
check "a long path: pull" img --store "$long/store" pull -q "$IMAGE"
for driver in erofs loop unpacked; do
	check "a long path: $driver" img --store "$long/store" mount -q --driver $driver --local "$IMAGE" here
	expect_tree "a long path: the tree by $driver" "$FIXTURES/expect/mixed" here
	check "a long path: umount" img --store "$long/store" umount -q here
done
rm -rf "${long%/*}"

# --- one superblock ------------------------------------------------------------------------------

img mount -q --local --id one "$IMAGE" >one
img mount -q --local --id two "$IMAGE" >two
img mount -q --local --rw --id three "$IMAGE" >three
expect_out "$(stat -c %d "$(cat one)")" "two mounts are one file system" stat -c %d "$(cat two)"
expect_out 1 "one base" sh -c "grep -c -F mounts/.erofs- /proc/self/mountinfo"
check "the first goes" img umount -q one
expect_tree "the second is still whole" "$FIXTURES/expect/mixed" "$(cat two)"
check "the second goes" img umount -q two
expect_out 1 "the base stays for the root" sh -c "grep -c -F mounts/.erofs- /proc/self/mountinfo"
expect_tree "the root is still whole" "$FIXTURES/expect/mixed" "$(cat three)"
check "the root goes" img umount -q --remove three
expect_nothing_left "the base went with the last"

# What lies at the base's path is not trusted.
img mount -q --local --id one "$IMAGE" >one
base=$(echo "$IMG_STORE"/mounts/.erofs-*)
mount -t tmpfs none "$base"
touch "$base/foreign"
check "something foreign over the base" img mount -q --local --id two "$IMAGE"
expect_tree "is not taken for it" "$FIXTURES/expect/mixed" "$(cat "$OUT")"
img umount -q --all
umount "$base" 2>/dev/null
while umount "$base" 2>/dev/null; do :; done
img umount -q --all
expect_nothing_left "something foreign: nothing is left"

# --- writable roots ------------------------------------------------------------------------------

# What is written to below is named here, never taken from output: an empty name would mean "/".
root=$IMG_TEST_DIR/store/roots/work/merged
check "a root" img mount -q --local --rw --id work "$IMAGE"
cp "$OUT" said
expect_out "$root" "is in the store" cat said
# Nothing is removed or written unless it is that mount.
if ! mountpoint -q "$root"; then
	not_ok "a root is mounted" "$root is no mount"
	exit 1
fi
echo new >"$root/new"
rm -rf "$root/etc"
mkdir "$root/etc"
echo hello >"$root/etc/motd"
mv "$root/home" "$root/house"
chmod 700 "$root/bin"
$PYTHON "$IMG_ROOT/fixtures/listing.py" list "$root" >written
expect_out '' "no redirects, no metacopy" $PYTHON -c '
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for path in [folder] + [folder + "/" + n for n in names]:
        for key in os.listxattr(path, follow_symlinks=False):
            if key.endswith((".redirect", ".metacopy")):
                print(path, key)' "$IMG_STORE/roots/work/upper"
expect_err 1 'there is a' "its id is taken" img mount --local --rw --id work "$IMAGE"
expect_err 1 'there is a' "for mounts too" img mount --local --id work "$IMAGE"
expect_err 1 'mounted already at' "it is mounted once" img mount --root work
expect_err 1 'busy' "a busy root stays" sh -c "cd '$root' && img umount work"
expect_match '^work .* rw +erofs +active' "and is still there" img mounts
check "umount" img umount work
cp "$ERR" said
expect_match 'work unmounted' "it says so" cat said
expect_match '^work .* rw +erofs +unmounted +-$' "the root is at rest" img mounts
check "umount again is fine" img umount work
expect_status 32 "nothing is mounted" mountpoint -q "$root"
check "mount it again, elsewhere" img mount -q --root work here
expect_tree "all that was written is there" written here
check "umount by path" img umount -q here
check "by another driver" img mount -q --root work --driver unpacked
expect_tree "all is there by another driver" written "$root"
check "remove it" img umount -q --remove work
expect_err 3 '' "it is gone" img mount --root work
expect_nothing_left "a root: nothing is left"

check "lazy" img mount -q --local --rw --id work "$IMAGE"
sleep 1000 <"$root/etc/motd" &
sleeper=$!
BACKGROUND+=($sleeper)
expect_err 1 'lazy' "busy, with a hint" img umount work
check "umount --lazy" img umount -q --lazy --remove work
kill $sleeper
wait $sleeper 2>/dev/null
expect_nothing_left "lazy: nothing is left"

# --- volatile ------------------------------------------------------------------------------------

boot_ended() { # as if the system had gone down since
	records "update records set value = cast(replace(cast(value as text), '$(cat /proc/sys/kernel/random/boot_id)', '00000000-0000-4000-8000-000000000000') as blob)"
}

check "volatile" img mount -q --local --rw --volatile --id quick "$IMAGE"
root=$IMG_STORE/roots/quick/merged
expect_match 'rw,volatile' "mounts says so" img mounts
expect_match ' - overlay .*volatile' "and the kernel" grep -F "$root" /proc/self/mountinfo
echo new >"$root/new"
check "volatile: umount" img umount -q quick
check "volatile: in order, so again" img mount -q --root quick
expect_out new "volatile: what was written is there" cat "$root/new"
umount "$root"
check "volatile: umount(8), but the system ran on" img mount -q --root quick
expect_out new "volatile: it is still there" cat "$root/new"
umount "$root"
boot_ended
expect_match '^quick .*stale' "after a reboot it is stale" img mounts
expect_err 5 'volatile' "and not to be trusted" img mount --root quick
check "volatile: it can be removed" img umount -q --remove quick
expect_nothing_left "volatile: nothing is left"
expect_err 2 'rw' "volatile is for roots" img mount --local --volatile "$IMAGE"

# --- what is true --------------------------------------------------------------------------------

img mount -q --local --id gone "$IMAGE" >/dev/null
img mount -q --local --id other "$IMAGE" here >/dev/null
img mount -q --local --rw --id root "$IMAGE" >/dev/null
umount "$IMG_STORE/mounts/gone" here "$IMG_STORE/roots/root/merged"
expect_match '^gone .*stale' "umount(8): stale" img mounts
expect_match '^root .*stale' "umount(8): a root too" img mounts
check "umount of the stale" img umount -q gone
expect_err 3 '' "is done once" img umount gone
expect_match '^root .*unmounted' "umount swept up the others" img mounts
expect_status 1 "the stale are forgotten" sh -c "img mounts -q | grep other"
check "the root can be mounted again" img mount -q --root root
img umount -q --all --remove
expect_nothing_left "umount(8): nothing is left"

img mount -q --local --id old "$IMAGE" here >/dev/null
img mount -q --local --rw --id root "$IMAGE" >/dev/null
echo kept >"$IMG_STORE/roots/root/merged/kept"
boot_ended
umount here "$IMG_STORE/roots/root/merged" "$IMG_STORE"/mounts/.erofs-*
expect_match '^old .*stale' "a reboot: stale" img mounts
check "a reboot: the root again" img mount -q --root root
expect_out kept "a reboot: what was written is there" cat "$IMG_STORE/roots/root/merged/kept"
check "a reboot: umount" img umount -q --remove root
expect_nothing_left "a reboot: nothing is left"

img mount -q --local --id far "$IMAGE" here >/dev/null
expect_match '^far .*elsewhere' "seen from another namespace" unshare -m --propagation private img mounts
expect_err 1 'another mount namespace' "and not unmounted from there" \
	unshare -m --propagation private img umount far
check "a mount in a namespace that ends" unshare -m --propagation private \
	sh -c "img mount -q --local --id brief '$IMAGE' >/dev/null && img umount -q far; img mounts"
expect_match '^brief .*(stale|elsewhere)' "is known not to be there" img mounts
img umount -q --all
img umount -q brief 2>/dev/null
expect_nothing_left "namespaces: nothing is left"

img mount -q --local --id under "$IMAGE" here >/dev/null
mount -t tmpfs none here
expect_err 1 'over it' "what covers it is not ours to unmount" img umount under
umount here
check "uncovered it is" img umount -q under

# --- ids -----------------------------------------------------------------------------------------

check "mapped ids" img mount -q --local --uidmap 0:100000:65536 --id map "$IMAGE" here
expect_out 100000:100000 "are shown shifted" stat -c %u:%g here/etc
check "mapped ids: umount" img umount -q map
check "mapped ids in a root" img mount -q --local --rw --uidmap 0:100000:65536 --gidmap 0:200000:65536 --id map "$IMAGE" here
expect_out 100000:200000 "are shown shifted, /" stat -c %u:%g here
expect_out 100000:200000 "are shown shifted, /etc" stat -c %u:%g here/etc
check "they copy up" sh -c "echo x >>here/etc/motd || echo x >here/etc/copied"
img umount -q map
check "mapped ids again" img mount -q --root map here
expect_out 100000:200000 "are still shifted" stat -c %u:%g here/etc
img umount -q --remove map
expect_err 2 'map of ids' "a bad map" img mount --local --uidmap 0:1 "$IMAGE"
check "mapped ids, unpacked" img mount -q --local --driver unpacked --uidmap 0:100000:65536 --id map "$IMAGE" here
expect_out 100000:100000 "are shown shifted, unpacked" stat -c %u:%g here/etc
img umount -q map
expect_nothing_left "ids: nothing is left"

# --- damage --------------------------------------------------------------------------------------

trees=$IMG_STORE/trees/sha256
chain=$(img mount -q --local --json --id t "$IMAGE" >/dev/null && basename "$(echo "$IMG_STORE"/mounts/.erofs-*)")
tree=$trees/${chain#.erofs-}.erofs
img umount -q t
cp "$tree" good
chmod u+w "$tree"
printf broken | dd of="$tree" bs=1 seek=1300 conv=notrunc 2>/dev/null
check "a damaged tree" img mount -q --local "$IMAGE" here
expect_tree "is made anew" "$FIXTURES/expect/mixed" here
expect_same good "$tree" "the same bytes as before"
img umount -q here
truncate -s 100 "$tree"
check "a cut tree" img mount -q --local "$IMAGE" here
expect_tree "is made anew too" "$FIXTURES/expect/mixed" here
img umount -q here
for tar in $($PYTHON - "$FIXTURES/mixed" <<-'END'
	import json, sys
	def read(digest):
	    return json.load(open(f"{sys.argv[1]}/blobs/" + digest.replace(":", "/")))
	top = json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"]
	print(read(read(top)["config"]["digest"])["rootfs"]["diff_ids"][1].split(":")[1])
END
); do
	file=$IMG_STORE/layers/sha256/$tar.tar
	cp "$file" whole
	chmod u+w "$file"
	truncate -s -512 "$file"
	expect_err 5 'layer 2 of' "a cut layer is noticed" img mount --local "$IMAGE" here
	cp whole "$file"
	check "a whole one is fine" img mount -q --local "$IMAGE" here
	img umount -q here
done
expect_nothing_left "damage: nothing is left"

# --- killed --------------------------------------------------------------------------------------

for i in $(seq 1 25); do
	img mount -q --local --rw --id "k$i" "$IMAGE" >/dev/null 2>&1 &
	pid=$!
	$PYTHON -c "import time; time.sleep($i * 0.0005)"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
done
check "killed at any moment: the next works" img mount -q --local --id after "$IMAGE"
expect_tree "and is whole" "$FIXTURES/expect/mixed" "$(cat "$OUT")"
check "umount of all" img umount -q --all --remove
expect_nothing_left "killed: nothing is left"

# --- several at once -----------------------------------------------------------------------------

pids=()
for i in $(seq 1 12); do
	img mount -q --local --id "p$i" $([ $((i % 3)) != 0 ] || echo --rw) "$IMAGE" >/dev/null &
	pids+=($!)
done
bad=0
for pid in "${pids[@]}"; do
	wait "$pid" || bad=$((bad + 1))
done
expect_out 0 "twelve at once" echo $bad
expect_out 12 "all are there" sh -c "img mounts | grep -c active"
expect_out 1 "on one base" sh -c "grep -c -F mounts/.erofs- /proc/self/mountinfo"
check "all go" img umount -q --all --remove
expect_nothing_left "several at once: nothing is left"
