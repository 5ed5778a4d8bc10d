# SPDX-License-Identifier: Apache-2.0
#
# img copy: registries, layouts and the store, both ways; the same bytes as skopeo and umoci see.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain

raw_digest() { # skopeo's PLACE
	echo "sha256:$(skopeo inspect --raw --tls-verify=false "$1" | sha256sum | cut -d ' ' -f 1)"
}

blobs_are_right() { # DIR
	local f
	for f in "$1"/blobs/sha256/*; do
		[ "$(sha256sum <"$f" | cut -d ' ' -f 1)" = "${f##*/}" ] || return 1
	done
}

same_blobs() { # DIR DIR
	diff <(cd "$1/blobs" && find . -type f | sort) <(cd "$2/blobs" && find . -type f | sort)
}

# --- every kind of image: layout -> registry -> layout -> registry -------------------------------

for name in gzip zstd plain docker docker-list multi nested config; do
	L=$FIXTURES/$name
	D=$(sed -n 's/.*"digest": "\(sha[0-9]*:[0-9a-f]*\)".*/\1/p' "$L/index.json" | head -n 1)
	R=$REGISTRY/cp/$name
	expect_out "$R@$D" "$name: layout to registry" img copy -q --all-platforms "oci:$L" "$R:a"
	expect_out "oci:$name.oci:$D" "$name: registry to layout" \
		img copy -q --all-platforms "$R:a" "oci:$name.oci:b"
	check "$name: the blobs are what they are called" blobs_are_right "$name.oci"
	check "$name: the same blobs" same_blobs "$L" "$name.oci"
	check "$name: nothing of ours is left" test ! -e "$name.oci/.img-staging"
	expect_out "$REGISTRY/cp2/$name@$D" "$name: to another repository" \
		img copy -q --all-platforms "$R:a" "$REGISTRY/cp2/$name:c"
	expect_out "$D" "$name: by digest in a layout" img digest "oci:$name.oci:$D"
done
# Its digest is none that the registry would give it by tag.
check "sha512: layout to layout" img copy -q "oci:$FIXTURES/sha512" oci:sha512.oci:x
check "sha512: the same blobs" same_blobs "$FIXTURES/sha512" sha512.oci
check "nothing was uploaded twice within the registry" \
	[ "$(registry_requests '"PUT /v2/cp2/multi/blobs/')" = 0 ]

# --- what is there is not moved ------------------------------------------------------------------

before=$(registry_requests '"(POST|PATCH|PUT) /v2/cp/multi/blobs/')
check "once more" img copy -q --all-platforms oci:multi.oci:b "$REGISTRY/cp/multi:again"
check "no blob was sent" [ "$(registry_requests '"(POST|PATCH|PUT) /v2/cp/multi/blobs/')" = "$before" ]
expect_match ': 0 blobs of 0 B and 0 documents to move' "dry run: nothing to move" \
	img copy --dry-run --all-platforms oci:multi.oci:b "$REGISTRY/cp/multi:dry"
check "dry run to a new layout" img copy --dry-run --json --all-platforms oci:multi.oci:b oci:new.oci
check "which is not made" test ! -e new.oci
expect_status 3 "and wrote no tag" img digest "$REGISTRY/cp/multi:dry"

# --- platforms -----------------------------------------------------------------------------------

check "one platform" img copy -q --platform linux/arm64 "$REGISTRY/cp/multi:a" oci:one.oci:x
expect_match '"architecture": *"arm64"' "it is that one" img inspect --config oci:one.oci:x
expect_status 3 "a platform that is not there" \
	img copy --platform linux/mips "$REGISTRY/cp/multi:a" oci:one.oci:y
expect_err 0 'all-platforms copies all' "one image of an index, and it says so" \
	img copy "$REGISTRY/cp/multi:a" oci:one.oci:z
check "sparse" img copy -q --sparse --platform linux/arm64 "$REGISTRY/cp/multi:a" oci:sparse.oci:x
check "the index is the same" [ "$(raw_digest oci:sparse.oci:x)" = "$(raw_digest oci:multi.oci:b)" ]
expect_err 3 '--sparse' "a sparse index is not whole" \
	img copy --all-platforms oci:sparse.oci:x oci:whole.oci:x
check "but sparse again" img copy -q --sparse oci:sparse.oci:x oci:sparse2.oci:x
check "the same blobs" same_blobs sparse.oci sparse2.oci

# --- the store -----------------------------------------------------------------------------------

D=$(img digest "$REGISTRY/cp/multi:a")
expect_out "store:localhost/app@$D" "registry to store" \
	img copy -q --all-platforms "$REGISTRY/cp/multi:a" store:localhost/app:1
check "store to layout" img copy -q --all-platforms store:localhost/app:1 oci:store.oci:1
check "the same blobs" same_blobs multi.oci store.oci
check "the store's copy unpacks" img unpack store:localhost/app:1 root1
check "the store is sound" img fsck
check "nothing to collect" img gc --dry-run

# --- skopeo and umoci ----------------------------------------------------------------------------

check "skopeo reads our layout" skopeo copy -q --all --preserve-digests --dest-tls-verify=false \
	oci:multi.oci:b "docker://$REGISTRY/sk/multi:1"
check "the same digest" [ "$(raw_digest "docker://$REGISTRY/sk/multi:1")" = "$D" ]
check "skopeo writes into our layout" skopeo copy -q --src-tls-verify=false \
	"docker://$REGISTRY/cp/gzip:a" oci:multi.oci:theirs
check "we read what it wrote" img copy -q oci:multi.oci:theirs "$REGISTRY/cp/theirs:1"
check "ours is still there" img copy -q --all-platforms oci:multi.oci:b "$REGISTRY/cp/multi:b"
check "skopeo makes a layout" skopeo copy -q --all --src-tls-verify=false \
	"docker://$REGISTRY/cp/docker-list:a" oci:sk.oci:1
check "we read it" img copy -q --all-platforms oci:sk.oci:1 "$REGISTRY/cp/from-skopeo:1"
check "the same digest" \
	[ "$(raw_digest oci:sk.oci:1)" = "$(raw_digest "docker://$REGISTRY/cp/from-skopeo:1")" ]

expect_out b "umoci reads our layout" umoci list --layout gzip.oci
need_umoci_root=$([ "$(id -u)" = 0 ] || echo --rootless)
check "umoci unpacks it" umoci unpack $need_umoci_root --image gzip.oci:b bundle
check "so do we" img unpack oci:gzip.oci:b root2
check "the same files" diff <(cd bundle/rootfs && find . | sort) <(cd root2 && find . | sort)
check "umoci tags in it" umoci tag --image gzip.oci:b c
check "we write beside it" img copy -q "$REGISTRY/cp/plain:a" oci:gzip.oci:d
expect_out "$(printf 'b\nc\nd')" "umoci sees all three" umoci list --layout gzip.oci
check "umoci makes a layout" umoci init --layout um.oci
check "and an empty image" umoci new --image um.oci:e
check "we read it" img copy -q --platform local oci:um.oci:e "$REGISTRY/cp/umoci:1"
check "umoci collects garbage" umoci gc --layout gzip.oci
check "and takes nothing of ours" img copy -q oci:gzip.oci:d "$REGISTRY/cp/after-gc:1"

# --- side by side --------------------------------------------------------------------------------

pids=()
for name in gzip zstd plain docker multi nested config; do
	img copy -q --all-platforms "$REGISTRY/cp/$name:a" "oci:side.oci:$name" >"side.$name" 2>&1 &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
judge "seven at once into one layout" "$([ $failed = 0 ] || grep -h error side.[a-z]*)"
expect_out "$(printf '%s\n' config docker gzip multi nested plain zstd)" "all names are there" \
	$PYTHON -c 'import json
print("\n".join(sorted(m["annotations"]["org.opencontainers.image.ref.name"]
    for m in json.load(open("side.oci/index.json"))["manifests"])))'
check "the blobs are what they are called" blobs_are_right side.oci
check "nothing of ours is left" test ! -e side.oci/.img-staging

# --- every command that reads an image ------------------------------------------------------------

check "inspect" img inspect oci:gzip.oci:b
expect_match '"From": *"layout"' "inspect says where it is" img inspect --json oci:gzip.oci:b
check "tree" img tree oci:multi.oci:b
check "layers" img layers oci:gzip.oci:b
check "ls" img ls oci:gzip.oci:b:/etc
check "cat" img cat oci:gzip.oci:b:/etc/passwd
check "export" img export oci:gzip.oci:b -o export.tar
check "diff with itself in the registry" img diff oci:gzip.oci:b "$REGISTRY/cp/gzip:a"
expect_status 1 "diff with another" img diff oci:gzip.oci:b oci:config.oci:b
expect_status 1 "the only image needs no name" test "$(img digest oci:zstd.oci)" = ""
check "nothing of it got a name in the store" [ "$(img images --json | grep -c oci:)" = 0 ]

# --- referrers -----------------------------------------------------------------------------------

push_fixture gzip ref/app:1
$PYTHON - "$FIXTURES/gzip" "$DIGEST" >refs.log 2>&1 <<'END'
import hashlib, json, os, sys
layout, digest = sys.argv[1:]
os.makedirs("ref.oci/blobs/sha256")
for root in (layout,):
    for name in os.listdir(root + "/blobs/sha256"):
        os.link(f"{root}/blobs/sha256/{name}", f"ref.oci/blobs/sha256/{name}") \
            if os.stat(root).st_dev == os.stat(".").st_dev else \
            open(f"ref.oci/blobs/sha256/{name}", "wb").write(
                open(f"{root}/blobs/sha256/{name}", "rb").read())
def put(data):
    name = hashlib.sha256(data).hexdigest()
    open("ref.oci/blobs/sha256/" + name, "wb").write(data)
    return {"digest": "sha256:" + name, "size": len(data)}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = dict(put(b"{}"), mediaType="application/vnd.oci.empty.v1+json")
def artifact(text, **more):
    layer = dict(put(text), mediaType="text/plain")
    return dict(put(json.dumps(dict({"schemaVersion": 2, "mediaType": MANIFEST, "config": EMPTY,
        "artifactType": "application/x-sbom", "layers": [layer]}, **more)).encode()),
        mediaType=MANIFEST)
image = json.load(open(layout + "/index.json"))["manifests"][0]
subject = {k: image[k] for k in ("mediaType", "digest", "size")}
sbom = artifact(b"an sbom", subject=subject)
of_sbom = artifact(b"a signature of the sbom", subject=sbom)
cosign = artifact(b"a payload")
tag = digest.replace(":", "-") + ".sig"
def named(d, name):
    return dict(d, annotations={"org.opencontainers.image.ref.name": name})
json.dump({"schemaVersion": 2, "x-mine": [1, 2.5, None], "manifests": [named(subject, "1"), sbom,
    of_sbom, named(cosign, tag)]}, open("ref.oci/index.json", "w"))
json.dump({"imageLayoutVersion": "1.0.0"}, open("ref.oci/oci-layout", "w"))
END
check "a layout with referrers" test -s ref.oci/index.json
TAG=${DIGEST/:/-}
expect_match '"Referrers": ?3' "copied with the three that refer to it" \
	img copy -q --json oci:ref.oci:1 "$REGISTRY/ref/app:2"
check "cosign's tag came along" img digest "$REGISTRY/ref/app:$TAG.sig"
expect_match sbom "the registry lists the referrer" img tree --remote --no-trunc "$REGISTRY/ref/app:2"
check "and back" img copy -q "$REGISTRY/ref/app:2" oci:ref2.oci:1
check "the same blobs, but for the registry's lists" $PYTHON - <<'END'
import os
ours, theirs = (set(os.listdir(d + "/blobs/sha256")) for d in ("ref2.oci", "ref.oci"))
assert theirs <= ours, theirs - ours
END
expect_match "$TAG.sig" "the layout has the tag" cat ref2.oci/index.json
check "without them" img copy -q --referrers=false "$REGISTRY/ref/app:2" oci:ref3.oci:1
check "only the image" [ "$(find ref3.oci/blobs -type f | wc -l)" = "$(find "$FIXTURES/gzip/blobs" -type f | wc -l)" ]
check "to the store" img copy -q oci:ref.oci:1 store:localhost/ref:1
check "and out of it" img copy -q store:localhost/ref:1 oci:ref4.oci:1
check "with all of it" same_blobs ref.oci ref4.oci
check "written into" img copy -q "$REGISTRY/cp/plain:a" oci:ref.oci:new
expect_match '"x-mine": ?\[1, ?2.5, ?null\]' "what we don't know stays" cat ref.oci/index.json

# --- refusals ------------------------------------------------------------------------------------

mkdir other && touch other/file
expect_status 2 "a folder with other things" img copy -q "$REGISTRY/cp/plain:a" oci:other:x
check "is left alone" [ "$(ls -A other)" = file ]
expect_status 2 "several images and no name" img copy -q oci:gzip.oci "$REGISTRY/cp/x:1"
expect_status 3 "a name that is not there" img copy -q oci:gzip.oci:none "$REGISTRY/cp/x:1"
expect_status 2 "a digest as the target" img copy -q oci:gzip.oci:b "$REGISTRY/cp/x@$D"
expect_status 2 "whole and one platform" \
	img copy --all-platforms --platform linux/arm64 oci:gzip.oci:b "$REGISTRY/cp/x:1"
cp -r gzip.oci rotten.oci
chmod -R u+w rotten.oci
big=$(layer_digests gzip | head -n 1)
big=${big#sha256:}
printf x | dd of="rotten.oci/blobs/sha256/$big" conv=notrunc status=none
expect_status 5 "a rotten blob" img copy -q oci:rotten.oci:b "$REGISTRY/rot/x:1"
expect_status 3 "leaves no tag" img digest "$REGISTRY/rot/x:1"
rm "rotten.oci/blobs/sha256/$big"
expect_status 3 "a missing blob" img copy -q oci:rotten.oci:b "$REGISTRY/rot/x:1"
ln -s /etc/passwd "rotten.oci/blobs/sha256/$big"
expect_status 1 "a link in its place" img copy -q oci:rotten.oci:b oci:from-rotten.oci:1
