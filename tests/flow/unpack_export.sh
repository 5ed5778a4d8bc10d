# SPDX-License-Identifier: Apache-2.0
#
# img export: the flattened tar, read by GNU tar, gives the same tree as the oracle says. The known
# defects of flattening exporters (whiteout before its file, links to what an upper layer replaced, order)
# are what the fixtures whiteouts, hardlinks and replace hold.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain

untar() { # TAR DIR
	mkdir "$2" && tar --numeric-owner --xattrs --xattrs-include='*' --acls -xpf "$1" -C "$2"
}

for name in gzip mixed whiteouts opaque opaque-root replace hardlinks devices xattrs modes times names \
	sparse breakouts dialect empty-tar zero-layers; do
	push_fixture $name
	img pull -q "$REGISTRY/fx/$name" >/dev/null 2>&1 || not_ok "$name is pulled"
	if check "$name: export" img export -q -o "$name.tar" "$REGISTRY/fx/$name" &&
		check "$name: tar reads it without a word" untar "$name.tar" "$name"; then
		expect_status 1 "$name: tar has nothing to say" test -s "$ERR"
		# GNU tar takes ACLs only from keys of its own, not from those that images have.
		[ $name != xattrs ] || flags="--ignore acl --ignore acldir"
		# shellcheck disable=SC2086 # words
		expect_tree "$name: the tree" "$FIXTURES/expect/$name" "$name" ${flags-}
		flags=
	fi
	chmod -R u+rwx "$name" 2>/dev/null
	rm -rf "$name"
done

expect_status 0 "xattrs: ACLs are in the tar" grep -qa SCHILY.xattr.system.posix_acl_default xattrs.tar
check "export to stdout" sh -c "img export '$REGISTRY/fx/mixed' >stdout.tar"
expect_same stdout.tar mixed.tar "export: the same bytes each time"
expect_status 1 "export: parents come first" sh -c "tar -tf names.tar | $PYTHON -c '
import sys
seen = {\"\"}
for line in sys.stdin:
    name = line.rstrip(\"\\n\").rstrip(\"/\").removeprefix(\"./\")
    parent = name.rpartition(\"/\")[0]
    if parent not in seen: print(name)
    seen.add(name)' | grep ."
expect_status 3 "export: no such image" img export --local -o none.tar "$REGISTRY/fx/none"
expect_status 1 "export: no such image leaves no file" test -e none.tar
