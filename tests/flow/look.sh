# SPDX-License-Identifier: Apache-2.0
#
# Looking inside images of the store: what ls, find and cat say is what is there when the image is
# unpacked, name by name, byte by byte, and test by test of find(1).
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain
COMPARE="$PYTHON $IMG_ROOT/tests/flow/look_compare.py"
export TZ=UTC

for name in gzip mixed whiteouts opaque replace hardlinks devices xattrs modes times names sparse \
	breakouts dialect empty-tar zero-layers; do
	push_fixture $name
	img pull -q "$REGISTRY/fx/$name" >/dev/null 2>&1 || not_ok "$name is pulled"
	img unpack -q "$REGISTRY/fx/$name" "$name" >/dev/null 2>"$ERR" || not_ok "$name is unpacked"
	img find --json "$REGISTRY/fx/$name" >"$name.json" 2>"$ERR" || not_ok "$name: find --json"
	check "$name: every name is as on a disk" $COMPARE names "$name.json" "$name"
	check "$name: every file has its bytes" $COMPARE bytes "$REGISTRY/fx/$name" "$name"
	img ls -R --json "$REGISTRY/fx/$name" 2>"$ERR" | sort >ls.json
	sort "$name.json" | grep -v '"Path":"/",' >find.json
	expect_same ls.json find.json "$name: ls and find say the same"
done
for name in mixed modes devices hardlinks; do
	check "$name: find agrees with find(1)" $COMPARE find "$REGISTRY/fx/$name" "$name"
done

# --- the forms of ls ------------------------------------------------------------------------------

I=$REGISTRY/fx/mixed
img ls -l "$I:/etc" 2>"$ERR" | tr -s ' ' | cut -d ' ' -f 1-7 >ls.txt
find mixed/etc -mindepth 1 -printf '%f %M %n %U %G %s %TY-%Tm-%Td %TH:%TM\n' | LC_ALL=C sort |
	cut -d ' ' -f 2- >disk.txt
expect_same ls.txt disk.txt "ls -l: the columns of ls"
expect_match ' #2 motd$' "ls -l: says which layer" img ls -l "$I:/etc"
img find "$I:/etc" -type f -ls 2>"$ERR" | tr -s ' ' | cut -d ' ' -f 4-10,12 | LC_ALL=C sort >ls.txt
find mixed/etc -type f -printf '%M %n %U %G %s %TY-%Tm-%Td %TH:%TM /etc/%P\n' | LC_ALL=C sort >disk.txt
expect_same ls.txt disk.txt "find -ls: the columns of find"
img ls -R "$I" 2>"$ERR" >ls.txt
(cd mixed && LC_ALL=C ls -AR --hide-control-chars . | sed 's|^\.:|/:|; s|^\./\(.*:\)$|/\1|') >disk.txt
expect_same ls.txt disk.txt "ls -R: as ls -AR"
expect_out "/etc/passwd" "ls of a file" img ls "$I:/etc/passwd"
expect_out "/etc" "ls -d" img ls -d "$I:/etc/"
expect_match '^drwx.* /etc$' "ls -ld" img ls -ld "$I:/etc"
expect_status 3 "ls: no such path" img ls "$I:/nope"
expect_status 3 "ls: a file is no folder" img ls "$I:/etc/passwd/x"
expect_status 3 "cat: no such path" img cat "$I:/nope"
expect_err 1 "'/etc': a directory" "cat: a folder" img cat "$I:/etc"
expect_err 1 ": a device" "cat: a device" img cat "$REGISTRY/fx/devices:/dev/null"
expect_err 1 ": a fifo" "cat: a fifo" img cat "$REGISTRY/fx/devices:/pipe"
expect_err 2 'which file' "cat: no path" img cat "$I"
expect_status 2 "ls: two operands" img ls "$I" /etc
expect_status 2 "cat: none" img cat
expect_status 3 "ls: no such image" img ls --local "$REGISTRY/fx/none:/etc"
expect_status 2 "ls: no reference" img ls "UPPER:/etc"
expect_err 2 '^img: error: -nmae: ' "find: a mistake is named" img find "$I" -nmae x
expect_err 2 '^img: error: -user nobody: ' "find: users are the image's" img find "$I" -user nobody
expect_out "/home/app
/home/app/again
/home/app/file" "find: a user of the image" img find "$I" -user app
expect_status 3 "find: no such path" img find "$I:/nope" -type f

# --- one layer ------------------------------------------------------------------------------------

expect_out "bin
etc" "ls --layer" img ls --layer 2 "$I"
expect_match '\.wh\.t .*removes t' "ls --layer -l: whiteouts are shown" img ls -l --layer 2 "$I:/bin"
expect_out "$(printf '#!/bin/sh\necho tool\n')" "cat --layer: as it was" img cat --layer 1 "$I:/bin/tool"
expect_out "$(printf '#!/bin/sh\necho two\n')" "cat: as it is" img cat "$I:/bin/tool"
expect_status 3 "cat --layer: not in that one" img cat --layer 3 "$I:/bin/tool"
expect_status 3 "ls --layer: no such layer" img ls --layer 9 "$I"

# --- names of any bytes, readers that go away -----------------------------------------------------

expect_status 1 "find: no control character reaches a terminal" \
	sh -c "img find '$REGISTRY/fx/names' | grep -P '[\\x00-\\x08\\x0b-\\x1f\\x7f]'"
expect_status 0 "ls | head: quiet" bash -c "set -o pipefail; img find '$REGISTRY/fx/names' 2>pipe.err | head -n 1 >/dev/null || true; ! test -s pipe.err"
big=$(img find "$REGISTRY/fx/sparse" -type f -size +200k -print -quit)
expect_status 0 "cat | head: quiet" bash -c "img cat '$REGISTRY/fx/sparse:$big' 2>pipe.err | head -c 1 >/dev/null; ! test -s pipe.err"
expect_err 1 'standard output' "cat: a full disk" sh -c "img cat '$I:/etc/passwd' >/dev/full"
expect_err 1 'standard output' "ls: a full disk" sh -c "img ls '$I' >/dev/full"
img cat "$I:/etc/passwd" >appended 2>"$ERR"
img cat "$I:/etc/group" >>appended 2>"$ERR"
cat mixed/etc/passwd mixed/etc/group >wanted
expect_same appended wanted "cat >>: what can't be sent is written"

# --- stores without layers, stores that can't be written -------------------------------------------

export IMG_STORE=$IMG_TEST_DIR/blobs-only
img pull -q --no-unpack "$I" >/dev/null 2>"$ERR" || not_ok "pull --no-unpack"
stop_registry
cp -a "$IMG_STORE" frozen
check "no layers yet: they are made" img ls "$I:/etc"
expect_status 0 "no layers yet: and kept" sh -c "find '$IMG_STORE/layers' -name '*.tar' | grep -q ."
chmod -R a+rX,a-w frozen
chmod a+x "$IMG_TEST_DIR"
if as_user test -x "$IMG_ROOT/build/bin/img" && as_user test -r frozen/records.db; then
	run as_user env IMG_STORE="$PWD/frozen" HOME=/nonexistent TMPDIR=/tmp "$(command -v img)" cat "$I:/etc/motd"
	cp "$OUT" said
	judge "no layers, store of another: read from its blobs" "$([ "$STATUS" = 0 ] || echo "status $STATUS")"
	expect_same said mixed/etc/motd "no layers, store of another: the bytes"
	expect_status 1 "no layers, store of another: nothing is left there" sh -c "find frozen/layers -name '*.tar' | grep ."
else
	skip "store of another" "the test's folder can't be read by others"
fi
