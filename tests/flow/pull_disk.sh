# SPDX-License-Identifier: Apache-2.0
#
# Full and read-only disks are ordinary errors: said in one line, nothing half done is left, and the
# store works on once there is room.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain
push_fixture big
push_fixture gzip

mkdir small
if ! mount -t tmpfs -o size=12m tmpfs small 2>/dev/null; then
	skip pull_disk "no tmpfs may be mounted here"
	exit 0
fi
track_mount "$PWD/small"

export IMG_STORE=$PWD/small/store
check "a small image fits" img pull -q "$REGISTRY/fx/gzip"
expect_err 1 'o space left|MB free' "a full store" img pull -q "$REGISTRY/fx/big"
expect_status 0 "a full store: one error" test "$(grep -c '^img: error: ' "$ERR")" = 1
check "a full store: what was there is there" img inspect "$REGISTRY/fx/gzip"
expect_status 3 "a full store: the name is not" img inspect --local "$REGISTRY/fx/big"
check "a full store: unpack elsewhere" img unpack -q "$REGISTRY/fx/gzip" gzip
mount -o remount,size=200m small
check "room again: the pull" img pull -q "$REGISTRY/fx/big"
expect_status 1 "room again: staging is empty" sh -c "find small/store/staging -type f | grep ."

mkdir target
mount -t tmpfs -o size=3m tmpfs target
track_mount "$PWD/target"
expect_err 1 'o space left' "a full target" img unpack -q "$REGISTRY/fx/big" target/root
expect_status 0 "a full target: says that it is not whole" test -e target/root/.img-incomplete
rm -rf target/root
expect_err 1 'o space left' "a full disk for a tar" img export -q -o target/big.tar "$REGISTRY/fx/big"
expect_status 1 "a full disk for a tar: no half of it" test -e target/big.tar
expect_err 1 'o space left' "a full stdout" sh -c "img export -q '$REGISTRY/fx/big' >target/stdout"

mount -o remount,ro small
check "read-only: images" img images
check "read-only: inspect" img inspect "$REGISTRY/fx/big"
check "read-only: layers" img layers "$REGISTRY/fx/big"
check "read-only: unpack" img unpack -q "$REGISTRY/fx/gzip" ro
expect_tree "read-only: the tree" "$FIXTURES/expect/gzip" ro
push_fixture mixed
expect_err 1 'ead-only' "read-only: pull" img pull -q "$REGISTRY/fx/mixed"
expect_err 1 'ead-only' "read-only: rmi" img rmi "$REGISTRY/fx/gzip"
