# SPDX-License-Identifier: Apache-2.0
#
# img diff: what differs, and the status that says so.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

export IMG_ROOT
FIXTURES=$IMG_TEST_DIR/images
$PYTHON "$IMG_ROOT/tests/flow/look_images.py" "$FIXTURES" || not_ok "images are made"
start_registry plain
for name in early early2 repacked; do
	push_fixture $name
done
FIXTURES=$IMG_ROOT/build/fixtures
make_fixtures
for name in gzip zstd config mixed; do
	push_fixture $name
done
R=$REGISTRY/fx

expect_diff() { # TEXT TITLE ARG...
	local want=$1 title=$2
	shift 2
	run img diff -q "$@"
	judge "$title" "$([ "$STATUS" = 1 ] && [ "$(cat "$OUT")" = "$want" ] || echo "status $STATUS, or other lines")"
}

expect_status 0 "with itself" img diff "$R/early" "$R/early"
expect_status 1 "with itself: nothing to say" test -s "$OUT"
expect_status 0 "other packing, same files" img diff --files "$R/gzip" "$R/zstd"
expect_status 0 "other packing, same config" img diff --config "$R/gzip" "$R/zstd"
expect_diff "C /opt/top  (size 6 -> 5)" "one file" --files "$R/early" "$R/early2"
requests=$(registry_requests '"GET /v2/fx/early2/blobs/')
expect_status 0 "one file: only the layer that is not shared is asked for" test "$requests" = 2
expect_status 0 "layers make no difference to files" img diff --files "$R/early" "$R/repacked"
run img diff -q "$R/early" "$R/repacked"
judge "but to layers" "$([ "$STATUS" = 1 ] || echo "status $STATUS")"
cp "$OUT" said
expect_status 0 "0 in common" grep -qx '= 0 in common' said
expect_status 0 "3 gone, 1 come" test "$(grep -c '^[-+] [0-9] sha256:' said)" = 4
expect_status 1 "no files" grep -q '^files:' said
run img diff -q "$R/early" "$R/early2"
cp "$OUT" said
expect_status 0 "2 in common" grep -qx '= 2 in common' said
expect_status 0 "sections" test "$(grep -c ':$' said)" = 2
run img diff -q "$R/config" "$R/gzip"
cp "$OUT" said
for line in '- Config.Env TWO=1' '- Config.Labels.org.example.a 1' '- Config.User app:extra' '+ Config.Cmd /bin/sh'; do
	expect_status 0 "config: $line" grep -qxF -e "$line" said
done
run img diff --json "$R/early" "$R/early2"
cp "$OUT" said
expect_status 0 "--json" $PYTHON -c '
import json
lines = [json.loads(x) for x in open("said")]
files = [x for x in lines if x["Section"] == "files"]
assert [(x["Change"], x["Path"], x["What"]) for x in files] == [("C", "/opt/top", ["size"])], files
assert files[0]["A"]["Size"] == 6 and files[0]["B"]["Layer"] == 3
assert {"Section": "layers", "Common": 2} in lines'

# --- one in the store, one in the registry; both in the store ---------------------------------------

img pull -q "$R/early" >/dev/null 2>"$ERR" || not_ok "pull"
before=$(registry_requests '"GET /v2/fx/early[^2].*/blobs/')
expect_diff "C /opt/top  (size 6 -> 5)" "store and registry" --files "$R/early" "$R/early2"
expect_diff "C /opt/top  (size 5 -> 6)" "registry and store" --files "$R/early2" "$R/early"
expect_status 0 "what the store has is not asked for" \
	test "$(registry_requests '"GET /v2/fx/early[^2].*/blobs/')" = "$before"
img pull -q --no-unpack "$R/early2" >/dev/null 2>"$ERR" || not_ok "pull --no-unpack"
expect_diff "C /opt/top  (size 6 -> 5)" "store and store, without layers yet" --files "$R/early" "$R/early2"

# --- trouble --------------------------------------------------------------------------------------

expect_status 2 "no such image" img diff "$R/early" "$R/none"
expect_status 2 "no such image, first" img diff --local "$R/none" "$R/early"
expect_status 2 "one operand" img diff "$R/early"
expect_status 2 "no such flag" img diff --bogus "$R/early" "$R/early"
expect_status 2 "a path" img diff "$R/early:/etc" "$R/early"
expect_status 2 "a full disk" sh -c "img diff -q '$R/early' '$R/early2' >/dev/full"
