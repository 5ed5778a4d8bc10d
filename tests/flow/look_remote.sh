# SPDX-License-Identifier: Apache-2.0
#
# Looking inside images that are not in the store: only the layers that the question needs are
# asked for, from the top; nothing is kept; what lies is refused before a byte of it is shown.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

export IMG_ROOT
FIXTURES=$IMG_TEST_DIR/images
$PYTHON "$IMG_ROOT/tests/flow/look_images.py" "$FIXTURES" || not_ok "images are made"
start_registry plain
for name in early loose early2 repacked diffid cut; do
	push_fixture $name
done
I=$REGISTRY/fx/early

asked() { # NAME; which layers of it were asked for since the last call, from 1
	local n=0 layer
	for layer in $(layer_digests "$1"); do
		n=$((n + 1))
		tail -n "+$((SINCE + 1))" "$REGISTRY_LOG" | grep -E '^[0-9.]+ - ' |
			grep -q "\"GET /v2/fx/$1/blobs/$layer" && printf '%s ' $n
	done
	echo
}

# The registry logs an answer after it was given: what was asked before this is in the log after it.
MARK=0
settle() {
	MARK=$((MARK + 1))
	img tags "$REGISTRY/mark/n$MARK" >/dev/null 2>&1
	wait_for_line "$REGISTRY_LOG" "^[0-9.]+ - .*GET /v2/mark/n$MARK/" "$REGISTRY_PID" 20
}

start_asking() {
	settle
	SINCE=$(wc -l <"$REGISTRY_LOG")
}

expect_asked() { # LAYERS NAME TITLE
	local got
	settle
	got=$(asked "$2")
	start_asking
	judge "$3" "$([ "$got" = "$1 " ] || [ "$got" = "$1" ] || echo "asked for layers $got, not $1")"
}

start_asking
expect_out three "cat: in the top layer" img cat "$I:/opt/top"
expect_asked "3" early "cat: in the top layer: only that was asked for"
expect_out hello "cat: in the middle" img cat "$I:/etc/motd2"
expect_asked "2 3" early "cat: in the middle: the bottom was not asked for"
expect_out two "cat: a link of the top to the middle" img cat "$I:/link"
expect_asked "1 2 3" early "cat: a link through a folder of the bottom"
expect_status 3 "cat: removed by the middle" img cat "$I:/etc/old"
expect_status 3 "cat: hidden by the top" img cat "$I:/gone/x"
start_asking
expect_match ' #3 /opt/top$' "ls of one file" img ls -l "$I:/opt/top"
expect_asked "3" early "ls of one file: only the top was asked for"
expect_out "same
top" "ls of a folder" img ls "$I:/opt"
expect_asked "1 2 3" early "ls of a folder: all were"
expect_out "three
three" "cat: twice from one image" img cat "$I:/opt/top" "$I:/opt/top"
expect_asked "3" early "cat: twice from one image: only the top was asked for"
expect_match 'etc/passwd' "ls --layer" img ls -l --layer 1 "$I:/etc/passwd"
expect_asked "1" early "ls --layer: that one only"
expect_out one "cat --layer" img cat --layer 1 "$I:/usr/bin/tool"
start_asking
expect_out three "loose: cat" img cat "$REGISTRY/fx/loose:/opt/top"
expect_asked "1 2 3" loose "loose: a layer that names no folders decides nothing alone"
expect_out "/etc/motd
/etc/motd2" "find" img find "$I" -links 2 -type f
expect_out "/etc" "find: names of users need contents" img find "$I" -maxdepth 1 -user root -name etc
start_asking
expect_status 0 "diff --config" img diff --config "$I" "$I"
expect_asked "" early "diff --config: no layer"
expect_status 0 "diff with itself" img diff "$I" "$I"
expect_asked "" early "diff with itself: no layer"
expect_status 1 "nothing was kept" test -e "$IMG_STORE"
expect_status 1 "no temporary file is left" sh -c "ls -A '$TMPDIR' | grep ."
expect_status 1 "TMPDIR that can't be written: no contents" env TMPDIR=/nonexistent sh -c "img cat '$I:/opt/top' 2>/dev/null && exit 0; exit 1"
check "TMPDIR that can't be written: names all the same" env TMPDIR=/nonexistent img ls -lR "$I"

# --- layouts --------------------------------------------------------------------------------------

expect_out three "a layout: cat" img cat "oci:$FIXTURES/early:/opt/top"
expect_out "/etc/motd" "a layout: find" img find "oci:$FIXTURES/early:latest" -name motd
expect_status 1 "a layout and a registry: diff" img diff "oci:$FIXTURES/early" "$REGISTRY/fx/early2"
expect_status 0 "a layout and a registry: the same" img diff "oci:$FIXTURES/early" "$I"

# --- what lies ------------------------------------------------------------------------------------

expect_err 5 'raw bytes hash to' "diffid: cat" img cat "$REGISTRY/fx/diffid:/opt/top"
expect_status 1 "diffid: nothing of it is shown" test -s "$OUT"
expect_status 5 "diffid: ls" img ls -R "$REGISTRY/fx/diffid"
expect_status 1 "diffid: nothing of it is shown either" test -s "$OUT"
expect_status 5 "diffid: find" img find "$REGISTRY/fx/diffid"
expect_status 2 "diffid: diff" img diff "$REGISTRY/fx/diffid" "$I"
expect_out three "cut: what is above is right" img cat "$REGISTRY/fx/cut:/opt/top"
expect_status 5 "cut: cat" img cat "$REGISTRY/fx/cut:/etc/motd"
expect_status 1 "cut: nothing of it is shown" test -s "$OUT"

# --- interrupted, cut off -------------------------------------------------------------------------

make_fixtures
push_fixture big
start_proxy --slow 500000
start_bg ls.log $PYTHON -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' img ls --progress plain -R "$PROXY/fx/big"
wait_for_line ls.log downloading "$BG_PID" 20 || not_ok "big: is being fetched"
kill -INT "$BG_PID"
STATUS=0
wait "$BG_PID" || STATUS=$?
judge "interrupted: 130" "$([ $STATUS = 130 ] || echo "status $STATUS")"
stop_registry
expect_status 1 "no registry" img ls --retry 0 "$I"
expect_status 3 "--local" img ls --local "$I"
expect_status 2 "diff: no registry" img diff --retry 0 "$I" "$I"
