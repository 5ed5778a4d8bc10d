# SPDX-License-Identifier: Apache-2.0
#
# An ordinary user mounts: not at all outside of a user namespace, and inside one by unpacked layers
# and overlayfs with user.overlay.* attributes.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain
push_fixture mixed

chmod 711 "$IMG_TEST_DIR" "$(dirname "$IMG_TEST_DIR")"
mkdir user
chown $TEST_UID:$TEST_UID user
chmod 700 user
cd user || exit 1
HOME=$PWD/home IMG_STORE=$PWD/store
export HOME IMG_STORE
OUT=$IMG_TEST_DIR/.out ERR=$IMG_TEST_DIR/.err
as_user mkdir home here

IMAGE=$REGISTRY/fx/mixed
check "pull" as_user img pull -q "$IMAGE"
expect_err 4 'root alone' "no mounts for an ordinary user" as_user img mount --local "$IMAGE"
expect_err 4 'unshare -rm' "the hint says how" as_user img mount --local --rw "$IMAGE" here
expect_out '' "nothing is left of it" sh -c "ls -A store/mounts store/roots store/unpacked store/trees 2>/dev/null | grep -v : || true"
expect_match '^ID' "mounts works" as_user img mounts

if ! as_user unshare -rm true 2>/dev/null; then
	skip "in a user namespace" "the machine has them switched off"
	exit 0
fi
# One namespace for a whole story: it ends with its shell, and so do its mounts.
inside() { # SCRIPT
	as_user unshare -rm sh -euc "IMAGE='$IMAGE'; $1"
}

check "in a user namespace" inside 'img mount -q --local "$IMAGE" here; cat here/etc/motd 2>/dev/null || ls here; img mounts --json'
cp "$OUT" "$IMG_TEST_DIR/said"
expect_match '"Driver": ?"unpacked", ?"State": ?"active"' "auto ends at unpacked" cat "$IMG_TEST_DIR/said"
expect_match 'stale|elsewhere' "its mount is known to be gone" as_user img mounts
check "sweep" as_user unshare -rm img umount -q --all
expect_err 4 'driver erofs' "erofs can't" inside 'img mount -q --local --driver erofs "$IMAGE" here'
expect_err 1 'driver loop' "loop can't" inside 'img mount -q --local --driver loop "$IMAGE" here'
expect_match '^new$' "a writable root" inside '
	root=$(img mount -q --local --rw --id work "$IMAGE")
	echo new >"${root:?}/new"
	rm -r "${root:?}/etc"
	mkdir "${root:?}/etc"
	echo kept >"${root:?}/etc/kept"
	rm -r "${root:?}/opt"
	cat "${root:?}/new"'
expect_match '^kept$' "and again, in another namespace" inside '
	root=$(img mount -q --root work)
	cat "${root:?}/etc/kept"
	ls "${root:?}/etc"
	test ! -e "${root:?}/opt"
	ls "${root:?}"'
expect_out kept "what was opaque is" inside 'ls "$(img mount -q --root work)/etc"'
expect_match 'user.overlay.opaque' "by attributes of a user" $PYTHON -c '
import os, sys
print(os.listxattr(sys.argv[1]))' store/roots/work/upper/etc
expect_status 0 "it is removed" inside 'img umount -q --remove work'

# Another user namespace of the same user: neither sees the processes of the other.
start_bg "$IMG_TEST_DIR/live.log" as_user unshare -rm sh -euc "
	img mount -q --local --rw --id live '$IMAGE'
	echo kept >store/roots/live/merged/kept
	echo ready
	while [ ! -e done ]; do sleep 0.1; done
	cat store/roots/live/merged/kept"
live=$BG_PID
wait_for_line "$IMG_TEST_DIR/live.log" '^ready' "$live" 20
expect_match '"State": ?"elsewhere"' "live in another user namespace" inside 'img mounts --json'
expect_err 1 'another mount namespace' "it is not removed" inside 'img umount --remove live'
expect_err 1 'another mount namespace' "it is not mounted twice" inside 'img mount -q --root live'
check "--all leaves it alone" inside 'img umount -q --all --remove'
check "gc leaves it alone" inside 'img gc -q'
as_user touch done
wait "$live"
expect_match '^kept' "all that was written is there" cat "$IMG_TEST_DIR/live.log"
expect_status 0 "it is removed when it is over" inside 'img umount -q --remove live'
as_user rm -f done

check "nothing is known any more" inside 'img umount -q --all --remove; test -z "$(img mounts -q)"'
expect_out '' "nothing is left" sh -c "ls -A store/mounts store/roots | grep . | grep -v : || true"
expect_status 1 "everything is the user's" sh -c "find . ! -uid $TEST_UID | grep ."
