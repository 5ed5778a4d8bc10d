# SPDX-License-Identifier: Apache-2.0
#
# img commit and img changes on real writable roots: the new image is the root, name by name, for
# us, for umoci and for GNU tar; the same changes are the same bytes; what changes says is what a
# comparison of both trees says.
#
# All in a mount namespace of its own, so that nothing can reach the machine.
[ -n "${IMG_TEST_UNSHARED-}" ] || [ "$(id -u)" != 0 ] ||
	exec env IMG_TEST_UNSHARED=1 unshare -m --propagation private bash "$0" "$@"
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
trap 'img umount --all --lazy >/dev/null 2>&1; cleanup' EXIT

FLOW=$IMG_ROOT/tests/flow

member() { # FILE NAME
	$PYTHON -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}
# The store as an OCI layout for others, with this one image as `new`.
layout_of() { # DIR JSON-OF-COMMIT
	mkdir -p "$1"
	ln -sfn "$IMG_STORE/blobs" "$1/blobs"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
	$PYTHON - "$1" "$2" <<-'END'
		import json, os, sys
		digest = json.load(open(sys.argv[2]))["Digest"]
		path = f"{sys.argv[1]}/blobs/" + digest.replace(":", "/")
		kind = json.load(open(path))["mediaType"]
		json.dump({"schemaVersion": 2, "manifests": [{
		    "mediaType": kind, "digest": digest, "size": os.path.getsize(path),
		    "annotations": {"org.opencontainers.image.ref.name": "new"}}]},
		    open(sys.argv[1] + "/index.json", "w"))
	END
}
listing() { # DIR >FILE
	$PYTHON "$IMG_ROOT/fixtures/listing.py" list "$1"
}
tar_of() { # JSON-OF-COMMIT
	local id
	id=$(member "$1" DiffID)
	echo "$IMG_STORE/layers/${id/://}.tar"
}
blob_of() { # JSON-OF-COMMIT
	local id
	id=$(member "$1" LayerDigest)
	echo "$IMG_STORE/blobs/${id/://}"
}
# Commits, leaves what was said in a file.
commit() { # FILE NAME ARG...
	local file=$1 name=$2
	shift 2
	check "$name" img commit -q --json "$@"
	cp "$OUT" "$file"
}

# The writable root ID in $root, or the end: what is removed below is never below another folder.
# Its path is made here and not taken from output, as an empty one would mean "/".
root_of() { # ID
	root=$IMG_TEST_DIR/store/roots/$1/merged
	mountpoint -q "$root" && return
	not_ok "root $1 is mounted" "$root is no mount"
	exit 1
}

make_fixtures
start_registry plain

# --- the new image is the root -------------------------------------------------------------------

for name in mixed whiteouts hardlinks xattrs names times modes sparse docker; do
	push_fixture $name
	image=$REGISTRY/fx/$name
	check "$name: pull" img pull -q "$image"
	check "$name: a writable root" img mount -q --local --rw --id w "$image" || continue
	root_of w
	listing "$root" >before || not_ok "$name: listing"
	check "$name: is changed" $PYTHON "$FLOW/commit_change.py" "$root"
	listing "$root" >want || not_ok "$name: listing"
	commit said "$name: commit" w new/$name:1
	check "$name: the new image is mounted" img mount -q --local --id n new/$name:1
	expect_tree "$name: its tree is the root's" want "$(cat "$OUT")"
	expect_status 1 "$name: nothing of overlayfs in the layer" grep -aq 'overlay\.' "$(tar_of said)"
	expect_same <(sha256sum <"$(tar_of said)") <(member said DiffID | sed 's/sha256://; s/$/  -/') \
		"$name: the DiffID is the tar's"
	check "$name: gunzip reads the blob" gunzip -c "$(blob_of said)"
	expect_same "$OUT" "$(tar_of said)" "$name: it is the tar"
	check "$name: GNU tar reads the layer" tar -tf "$(tar_of said)"
	run img changes --json w
	cp "$OUT" changed
	check "$name: changes" $PYTHON "$FLOW/commit_expect.py" before want changed
	commit again "$name: commit with another number of threads" -j 5 w new/$name:2
	expect_same <(member said LayerDigest) <(member again LayerDigest) "$name: the same layer"
	case $name in
	# What umoci does not read: zstd, link targets beyond 4095 bytes, old GNU sparse files, docker.
	mixed | names | sparse | docker) ;;
	*)
		layout_of layout said
		check "$name: umoci unpacks it" umoci unpack --keep-dirlinks --image layout:new bundle
		# Its folders get new times.
		expect_tree "$name: to the same tree" want bundle/rootfs --no-dirtime
		check "$name: skopeo copies it" skopeo copy --insecure-policy oci:layout:new dir:copied
		;;
	esac
	check "$name: all is unmounted" img umount -q --all --remove
	rm -rf bundle layout copied
done

# --- one layer on another ------------------------------------------------------------------------

IMAGE=$REGISTRY/fx/mixed
check "a root" img mount -q --local --rw --id w "$IMAGE"
root_of w
mkdir "$root/one"
echo 1 >"$root/one/file"
commit one "commit one" w new/layers:1
check "a root of that" img mount -q --local --rw --id w2 new/layers:1
root_of w2
rm -r "${root:?}/one"
mkdir "$root/one"
echo 2 >"$root/one/other"
expect_out "C /one
D /one/file
A /one/other" "changes of an opaque folder" img changes w2
commit two "commit two" --compression zstd w2 new/layers:2
expect_match '/\.wh\.\.wh\.\.opq$' "the folder is opaque in the layer" tar -tf "$(tar_of two)"
check "zstd reads the blob" zstd -dc "$(blob_of two)"
expect_same "$OUT" "$(tar_of two)" "it is the tar"
commit same "the same, zstd, more threads" --compression zstd -j 7 w2 new/layers:3
expect_same <(member two LayerDigest) <(member same LayerDigest) "the same blob"
commit none "the same, not compressed" --compression none w2 new/layers:4
expect_same <(member none LayerDigest) <(member two DiffID) "the blob is the tar"
expect_out other "the image has what it should" img ls -q new/layers:2:/one
check "all is unmounted" img umount -q --all

# --- a root that is not mounted, and one with maps -----------------------------------------------

commit off "commit of a root that is not mounted" w2 new/off:1
expect_same <(member off DiffID) <(member two DiffID) "the same layer"
check "a root in a user namespace" img mount -q --local --rw --id m --uidmap 0:100000:65536 "$IMAGE"
root_of m
touch "$root/mapped"
chown 100007:100008 "$root/mapped"
expect_out "A /mapped" "its changes" img changes m
check "commit" img commit -q m new/mapped:1
expect_match ' +7(:|/| +)8 .*mapped' "ids are those inside" img ls -l new/mapped:1:/mapped
chown 5:5 "$root/mapped"
expect_err 1 '/mapped: uid 5 is not in the map' "nobody's file" img commit -q m new/mapped:2
check "it goes" img umount -q --remove m

# --- the documents -------------------------------------------------------------------------------

commit said "commit with words" -m "a message" -a "An Author" -c 'CMD ["x"]' -c 'ENV A=b "C=d e"' w2 new/words
check "its config" img inspect --config new/words
cp "$OUT" config
expect_out '["x"]' "the command" jq -c .config.Cmd config
expect_match 'C=d e' "the environment" jq -c .config.Env config
expect_out '"a message" "An Author"' "the history" jq -r '.history[-1] | "\(.comment|@json) \(.author|@json)"' config
expect_match '^new/words|/new/words@sha256:[0-9a-f]{64}$' "it prints the name" img commit -q w2 new/words
SOURCE_DATE_EPOCH=1000000000 commit epoch "SOURCE_DATE_EPOCH" w2 new/epoch
check "its config" img inspect --config new/epoch
cp "$OUT" config
expect_out 2001-09-09T01:46:40Z "is the date" jq -r .created config
expect_status 1 "no time is later" grep -q '20[1-9][0-9]-' <(tar --utc -tvf "$(tar_of epoch)")
SOURCE_DATE_EPOCH=12x expect_err 2 'SOURCE_DATE_EPOCH' "a bad one" img commit -q w2 new/epoch
# The same whenever it is made.
SOURCE_DATE_EPOCH=1000000000 commit epoch2 "again" w2 new/epoch
expect_same <(member epoch Digest) <(member epoch2 Digest) "the same image, with its config"

# --- several at once, and the collector ----------------------------------------------------------

export SOURCE_DATE_EPOCH=1000000000
pids=()
for i in 1 2 3 4; do
	img commit -q --json w2 new/many:$i >many.$i 2>many.err.$i &
	pids+=($!)
	img gc >gc.$i 2>gc.err.$i &
	pids+=($!)
done
why=
for pid in "${pids[@]}"; do
	wait "$pid" || why="one ends with status $?: $(cat many.err.? gc.err.? | head -n 3)"
done
judge "four commits and four collections at once" "$why"
for i in 1 2 3 4; do
	expect_same <(member many.1 Digest) <(member many.$i Digest) "the same image: $i"
	expect_out other "it is whole: $i" img ls -q new/many:$i:/one
done
unset SOURCE_DATE_EPOCH

# --- refusals ------------------------------------------------------------------------------------

expect_err 3 'none' "no such root" img commit -q none new/x
expect_err 3 'none' "no such root" img changes none
expect_err 2 'digest' "a digest for a name" img commit -q w2 "new/x@sha256:$(printf '%064d' 0)"
expect_err 2 'RUN' "an instruction that builds" img commit -q -c 'RUN x' w2 new/x
expect_err 2 'level' "a level there is not" img commit -q --compression-level 10 w2 new/x
expect_err 3 'not in the store' "none of them left a name" img inspect --local new/x
check "mount the root again" img mount -q --root w2
root_of w2
touch "$root/.wh.name"
expect_err 1 '/\.wh\.name: .*layer' "a name that layers have for whiteouts" img commit -q w2 new/x
check "all is unmounted" img umount -q --all --remove
expect_out "" "staging is empty" ls -A "$IMG_STORE/staging"
