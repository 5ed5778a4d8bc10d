# SPDX-License-Identifier: Apache-2.0
#
# An ordinary user pulls and unpacks: what can be kept is kept, the rest is said, once a kind.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain

# A home of the user's own; our folder must let the user through.
chmod 711 "$IMG_TEST_DIR" "$(dirname "$IMG_TEST_DIR")"
mkdir user
chown $TEST_UID:$TEST_UID user
chmod 700 user
cd user || exit 1
HOME=$PWD/home IMG_STORE=$PWD/store
export HOME IMG_STORE
OUT=$IMG_TEST_DIR/.out ERR=$IMG_TEST_DIR/.err
as_user mkdir home

for name in gzip mixed whiteouts opaque replace hardlinks devices xattrs modes times names sparse \
	breakouts dialect deep; do
	(cd "$IMG_TEST_DIR" && push_fixture $name)
	check "$name: pull" as_user img pull -q "$REGISTRY/fx/$name"
	check "$name: unpack" as_user img unpack "$REGISTRY/fx/$name" "$name" || continue
	cp "$ERR" "$IMG_TEST_DIR/$name.said"
	expect_tree "$name: the tree" "$FIXTURES/expect/$name" "$name" --as-user
	expect_status 1 "$name: nothing unfinished" test -e "$name/.img-incomplete"
done
cd "$IMG_TEST_DIR" || exit 1

expect_match 'owner' "owners that could not be kept are said" cat gzip.said
expect_match 'device' "devices that could not be made are said" cat devices.said
expect_match 'xattr|attribute' "xattrs that could not be kept are said" cat xattrs.said
expect_status 0 "each kind is said once" test "$(grep -c 'owner' modes.said)" = 1
expect_status 1 "everything made is the user's" sh -c "find user ! -uid $TEST_UID | grep ."
expect_status 1 "no device was made" sh -c "find user -type b -o -type c | grep ."

# A store of somebody else's, which the user may read only.
mkdir other
img --store "$PWD/other" pull -q "$REGISTRY/fx/gzip" >/dev/null 2>&1
chmod -R go+rX other
expect_status 0 "another's store: images" as_user img --store "$PWD/other" images
expect_status 0 "another's store: inspect" as_user img --store "$PWD/other" inspect "$REGISTRY/fx/gzip"
expect_status 0 "another's store: unpack" as_user img --store "$PWD/other" unpack -q "$REGISTRY/fx/gzip" user/from-other
expect_err 4 'ermission denied' "another's store: pull" as_user img --store "$PWD/other" pull -q "$REGISTRY/fx/mixed"
