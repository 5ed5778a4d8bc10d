# SPDX-License-Identifier: Apache-2.0
#
# img unpack and img export as root: every fixture, entry by entry, against the oracle's listing, which
# was made without reading a tar. What a target may be.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain

# --- every fixture -------------------------------------------------------------------------------

while read -r name platform; do
	stem=$name${platform:+@${platform//\//-}}
	push_fixture "$name"
	run img pull -q ${platform:+--platform "$platform"} "$REGISTRY/fx/$name"
	if [ "$STATUS" != 0 ]; then
		judge "$stem is pulled" "status $STATUS"
		continue
	fi
	if check "$stem unpacks" img unpack -q ${platform:+--platform "$platform"} \
		"$REGISTRY/fx/$name" "$stem"; then
		expect_tree "$stem: the tree" "$FIXTURES/expect/$stem" "$stem"
		expect_status 1 "$stem: nothing unfinished" test -e "$stem/.img-incomplete"
	fi
	rm -rf "$stem"
done < <($PYTHON -c '
import json, sys
for f in json.load(open(sys.argv[1])):
    for platform in f["platforms"]:
        print(f["name"], platform)' "$FIXTURES/fixtures.json")

# --- sparse files take no room -------------------------------------------------------------------

img unpack -q "$REGISTRY/fx/sparse" sparse 2>/dev/null
for kind in gnu 0.0 0.1 1.0; do
	expect_status 0 "sparse $kind: a hole is a hole" \
		test "$(stat -c %b "sparse/$kind-empty")" = 0
done
rm -rf sparse

# --- the target ----------------------------------------------------------------------------------

mkdir full empty
touch full/file
expect_err 1 'empty' "a target that holds something is refused" img unpack -q "$REGISTRY/fx/gzip" full
expect_out file "a refused target is left alone" ls -A full
check "an empty target is fine" img unpack -q "$REGISTRY/fx/gzip" empty
ln -s full link
expect_status 1 "a link to a folder that holds something" img unpack -q "$REGISTRY/fx/gzip" link
touch plainfile
expect_err 1 '^img: error: ' "a file is no target" img unpack -q "$REGISTRY/fx/gzip" plainfile
expect_err 3 '^img: error: ' "no such image" img unpack -q --local "$REGISTRY/fx/none" none
expect_status 1 "no such image: no target is made" test -e none
expect_err 2 '^img: error: ' "no target" img unpack -q "$REGISTRY/fx/gzip"

# An image that is not in the store yet.
rm -rf "$IMG_STORE"
check "what the store has not is pulled" img unpack -q "$REGISTRY/fx/gzip" fresh
expect_tree "what the store has not: the tree" "$FIXTURES/expect/gzip" fresh

# --- damage in the store -------------------------------------------------------------------------

check "pull again" img pull -q "$REGISTRY/fx/gzip"
for index in "$IMG_STORE"/layers/*/*.idx; do
	printf 'broken' | dd of="$index" bs=1 seek=100 conv=notrunc 2>/dev/null
done
check "a damaged index is made anew" img unpack -q "$REGISTRY/fx/gzip" anew
expect_tree "a damaged index: the tree" "$FIXTURES/expect/gzip" anew
rm -f "$IMG_STORE"/layers/*/*.idx
check "an absent index is made anew" img unpack -q "$REGISTRY/fx/gzip" anew2
expect_tree "an absent index: the tree" "$FIXTURES/expect/gzip" anew2
rm -f "$IMG_STORE"/layers/*/*
check "an absent layer is made anew from its blob" img unpack -q "$REGISTRY/fx/gzip" anew3
expect_tree "an absent layer: the tree" "$FIXTURES/expect/gzip" anew3
