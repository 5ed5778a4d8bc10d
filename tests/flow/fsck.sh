# SPDX-License-Identifier: Apache-2.0
#
# img fsck: every kind of damage is found, mended from what the store has, or from the registry, and
# what can't be mended is said and costs no more than it must.
#
# All in a mount namespace of its own, so that nothing can reach the machine.
[ -n "${IMG_TEST_UNSHARED-}" ] || [ "$(id -u)" != 0 ] ||
	exec env IMG_TEST_UNSHARED=1 unshare -m --propagation private bash "$0" "$@"
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"
[ "$(id -u)" != 0 ] || seal_machine

make_fixtures
start_registry plain
push_fixture shared-a
top=$DIGEST
push_fixture shared-b
mapfile -t blobs < <(layer_digests shared-a)
check "pull" img pull -q "$REGISTRY/fx/shared-a" "$REGISTRY/fx/shared-b"
# A tree, where this machine can mount one.
if [ "$(id -u)" = 0 ] && img mount "$REGISTRY/fx/shared-a" >mounted 2>/dev/null; then
	img umount "$(cat mounted)" >/dev/null 2>&1
fi
base=$PWD/base
rm -rf "$base"
mv "$IMG_STORE" "$base"

fresh() { # a copy of the store, whole
	rm -rf "$IMG_STORE"
	cp -a "$base" "$IMG_STORE"
}
blob() { echo "$IMG_STORE/blobs/${1/://}"; }
# The tar that only shared-a has, its index, the tree.
diffid=$(img --store "$base" inspect --config "$REGISTRY/fx/shared-a" | $PYTHON -c '
import json, sys; print(json.load(sys.stdin)["rootfs"]["diff_ids"][-1])')
config=$($PYTHON -c 'import json, sys; print(json.load(open(sys.argv[1]))["config"]["digest"])' \
	"$base/blobs/${top/://}")
tar_file() { echo "$IMG_STORE/layers/${diffid/://}.tar"; }
idx_file() { echo "$IMG_STORE/layers/${diffid/://}.idx"; }
tree_file() { find "$IMG_STORE/trees" -name '*.erofs' 2>/dev/null | head -n 1; }

flip() { # FILE: one bit in the middle
	chmod u+w "$1"
	$PYTHON - "$1" <<-'END'
		import os, sys
		with open(sys.argv[1], "r+b") as f:
		    f.seek(os.path.getsize(sys.argv[1]) // 2)
		    c = f.read(1)
		    f.seek(-1, 1)
		    f.write(bytes([c[0] ^ 4]))
	END
	chmod 444 "$1"
}
halve() { # FILE: half of it
	chmod u+w "$1" && truncate -s $(($(stat -c %s "$1") / 2)) "$1" && chmod 444 "$1"
}
sql() { # STATEMENT
	$PYTHON - "$IMG_STORE/records.db" "$1" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute(sys.argv[2])
		db.commit()
	END
}

said() { # NAME REGEX: of the last command's output
	judge "$1" "$(grep -qE -e "$2" "$OUT" || echo "does not say '$2'")"
}

expect_sound() { # NAME
	expect_match '^Sound: ' "$1" img fsck
	check "$1: unpack" img unpack -q --local "$REGISTRY/fx/shared-a" out
	expect_tree "$1: the tree" "$FIXTURES/expect/shared-a" out
	rm -rf out
}

fresh
expect_sound "whole"

# --- found, and mended ---------------------------------------------------------------------------

# NAME; REGEX of the finding; `here` when the store alone can mend it, `name` when nothing but a name is
# left, so that only the registry knows more; how to do the damage.
try() { # NAME REGEX here|there|name CMD...
	local name=$1 regex=$2 where=$3
	shift 3
	fresh
	"$@"
	expect_status 5 "$name" img fsck
	said "$name: says it" "$regex"
	expect_status 5 "$name: -q" img fsck -q
	check "$name: --repair" img fsck --repair
	said "$name: --repair says it" '^Repaired: '
	expect_sound "$name: repaired"

	fresh
	"$@"
	if [ "$where" = here ]; then
		stop_registry
		check "$name: --repair, no registry" img fsck --repair --retry 0
		restart_registry
		return
	fi
	stop_registry
	expect_status 5 "$name: --repair, no registry" img fsck --repair --retry 0
	if [ "$where" = there ]; then
		judge "$name: --repair, no registry: not lost for that" "$(grep '^lost: ' "$OUT")"
		restart_registry empty
		expect_status 5 "$name: --repair, the registry has it no more" img fsck --repair --retry 0
		stop_registry
	fi
	said "$name: lost" "^lost: $REGISTRY/fx/shared-a:latest\$"
	judge "$name: the other is not lost" "$(grep '^lost: .*shared-b' "$OUT")"
	expect_match '^Sound: ' "$name: sound again" img fsck
	check "$name: gc" img gc
	check "$name: the other unpacks" img unpack -q --local "$REGISTRY/fx/shared-b" out
	expect_tree "$name: the other is whole" "$FIXTURES/expect/shared-b" out
	rm -rf out
	restart_registry
}

# At the same port, so that the names in the store still say where it is.
restart_registry() { # [empty]
	sed "s/addr: .*/addr: $REGISTRY/${1:+;s,rootdirectory: .*,rootdirectory: $PWD/empty,}" \
		"$REGISTRY_DIR/config.yml" >"$REGISTRY_DIR/again.yml"
	start_bg "$REGISTRY_LOG.more" docker-registry serve "$REGISTRY_DIR/again.yml"
	REGISTRY_PID=$BG_PID
	wait_for_line "$REGISTRY_LOG.more" 'msg="listening on ' "$REGISTRY_PID" 20
}

last=${blobs[-1]}
flip_blob() { flip "$(blob "$last")"; }
cut_blob() { halve "$(blob "$last")"; }
no_blob() { rm -f "$(blob "$last")"; }
flip_manifest() { flip "$(blob "$top")"; }
no_manifest() { rm -f "$(blob "$top")"; }
flip_config() { flip "$(blob "$config")"; }
no_config() { rm -f "$(blob "$config")"; }
flip_tar() { flip "$(tar_file)"; }
cut_tar() { halve "$(tar_file)"; }
flip_idx() { flip "$(idx_file)"; }
cut_idx() { halve "$(idx_file)"; }
no_idx() { rm -f "$(idx_file)"; }
tar_and_idx() { flip "$(tar_file)" && rm -f "$(idx_file)"; }
wrong_size() { sql "update records set value = cast(replace(cast(value as text), '\"size\":', '\"size\":1') as blob) where key like '%shared-a/_m/%'"; }
no_record() { sql "delete from records where key like '%shared-a/_m/%'"; }
bad_record() { sql "update records set value = cast('x' as blob) where key like '%shared-a/_m/%'"; }
bad_tag() { sql "update records set value = cast('x' as blob) where key like '%shared-a/_t/%'"; }
bad_layout() { chmod u+w "$IMG_STORE/oci-layout" && echo x >"$IMG_STORE/oci-layout"; }

try "flipped blob" "^damaged blob $last: " there flip_blob
try "cut blob" "^damaged blob $last: " there cut_blob
try "missing blob" "^missing blob $last: " there no_blob
try "flipped manifest" "^damaged blob $top: " there flip_manifest
try "missing manifest" "^missing blob $top: " there no_manifest
try "flipped config" "^damaged blob $config: " there flip_config
try "missing config" "^missing blob $config: " there no_config
try "flipped tar" "^damaged layer $diffid: " here flip_tar
try "cut tar" "^damaged layer $diffid: " here cut_tar
try "flipped index" "^damaged index $diffid: " here flip_idx
try "cut index" "^damaged index $diffid: " here cut_idx
try "missing index" "^missing index $diffid: " here no_idx
try "tar and index" "^damaged layer $diffid: " here tar_and_idx
try "wrong size in a record" "^wrong manifest .*shared-a/_m/" here wrong_size
try "missing record" "^wrong tag .*shared-a/_t/latest" here no_record
try "unreadable tag" "^damaged tag .*shared-a/_t/latest" name bad_tag
try "unreadable record" "^damaged manifest .*shared-a/_m/" here bad_record
try "oci-layout" "^damaged file oci-layout: " here bad_layout
fresh
if [ -n "$(tree_file)" ]; then
	flip_tree() { flip "$(tree_file)"; }
	cut_tree() { halve "$(tree_file)"; }
	try "flipped tree" "^damaged tree sha256:" here flip_tree
	try "cut tree" "^damaged tree sha256:" here cut_tree
else
	skip "trees" "nothing can be mounted here"
fi

# --- what is harmless, and what is nobody's -------------------------------------------------------

fresh
chmod 644 "$(blob "$top")"
echo mine >"$IMG_STORE/notes.txt"
echo mine >"$IMG_STORE/blobs/sha256/notes"
check "harmless things" img fsck
said "harmless: a mode" "^mode blob $top: "
said "harmless: a file" '^strange file notes.txt: '
said "harmless: another file" '^strange file blobs/sha256/notes: '
check "harmless things: --repair" img fsck --repair
expect_out 444 "harmless: the mode is mended" stat -c %a "$(blob "$top")"
check "harmless: the files are left" test -f "$IMG_STORE/notes.txt" -a -f "$IMG_STORE/blobs/sha256/notes"

# A damaged blob that nobody needs.
fresh
loose=$(printf 'loose' | sha256sum)
loose=${loose%% *}
printf 'lOose' >"$IMG_STORE/blobs/sha256/$loose"
expect_status 5 "a loose damaged blob" img fsck
check "a loose damaged blob: --repair" img fsck --repair
check "a loose damaged blob: gone" test ! -e "$IMG_STORE/blobs/sha256/$loose"

# The collector stops for it, and goes on after.
fresh
no_manifest
expect_err 5 'fsck --repair' "gc frees nothing" img gc
check "gc: after the repair" sh -c 'img fsck -q --repair && img gc'

# --- where nothing can be written -----------------------------------------------------------------

if [ "$(id -u)" = 0 ]; then
	mkdir small
	mount -t tmpfs -o size=12m tmpfs small
	track_mount "$PWD/small"
	kept=$IMG_STORE
	IMG_STORE=$PWD/small/store
	cp -a "$base" "$IMG_STORE"
	flip "$(blob "${blobs[0]}")"
	flip_idx
	dd if=/dev/zero of=small/filler bs=4k >/dev/null 2>&1
	# Enough for the database.
	truncate -s -200k small/filler
	expect_status 5 "full disk: --repair" img fsck --repair
	judge "full disk: nothing is lost" "$(grep '^lost' "$OUT")"
	rm small/filler
	check "room again: --repair" img fsck --repair
	expect_sound "room again"
	flip_blob
	mount -o remount,ro small
	expect_status 5 "read-only: found" img fsck
	expect_err 1 'ead-only' "read-only: --repair" img fsck --repair
	umount small
	IMG_STORE=$kept
	fresh
	chmod 755 "$IMG_TEST_DIR"
	expect_status 4 "no permission" as_user env "IMG_STORE=$IMG_STORE" img fsck
fi

# --- JSON -----------------------------------------------------------------------------------------

fresh
flip_blob
expect_status 5 "--json" img fsck --json
cp "$OUT" found.json
expect_status 0 "--json: each line is an object" $PYTHON -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines[0]["Problem"] == "damaged" and lines[0]["Kind"] == "blob", lines[0]
assert lines[0]["Name"] == sys.argv[2] and lines[0]["State"] == "found", lines[0]
assert lines[-1]["Sound"] is False and lines[-1]["Damaged"] == 1, lines[-1]
' found.json "$last"

rm -rf "$IMG_STORE"
expect_status 3 "no store" img fsck
expect_status 3 "no store to repair" img fsck --repair
check "no store is made" test ! -e "$IMG_STORE"
