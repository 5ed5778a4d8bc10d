# SPDX-License-Identifier: Apache-2.0
#
# Images of several platforms, by name, by digest and by place: what the commands find, what they say is not there, what they pull
# because it is missing.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain
push_fixture multi
R=$REGISTRY/fx/multi
INDEX=$DIGEST
HOST_PLATFORM=linux/amd64

pick() { # PLATFORM; the digest of its manifest
	img digest --platform "$1" "$R" 2>/dev/null
}

# --- one platform of several ----------------------------------------------------------------------------

AMD64=$(pick $HOST_PLATFORM)
ARM64=$(pick linux/arm64)
expect_status 1 "digest --platform: two of them" test "$AMD64" = "$ARM64"
check "pull: one platform" img pull -q --platform $HOST_PLATFORM "$R"
expect_match " $HOST_PLATFORM  " "images: the platform that is there" img images
expect_match "\"Platforms\":\[\"$HOST_PLATFORM\"\]" "images --json: the same" img images --json
expect_match "manifest $(echo "$AMD64" | cut -c 1-19)  [0-9.]+ B  $HOST_PLATFORM\$" "tree: is there" img tree "$R"
expect_match "manifest $(echo "$ARM64" | cut -c 1-19)  [0-9.]+ B  linux/arm64/v8  \(not there\)\$" "tree: is not there" img tree "$R"
expect_match 'attestation sha256:[0-9a-f]{12} .* of sha256:[0-9a-f]{12}' "tree: attestations" img tree --remote "$R"
expect_match "$ARM64" "tree --no-trunc" img tree --no-trunc "$R"
check "tree --json" $PYTHON -c '
import json, subprocess, sys
def walk(node):
    yield node
    for child in node.get("Children", []) + node.get("Referrers", []):
        yield from walk(child)
nodes = list(walk(json.loads(subprocess.check_output(["img", "tree", "--json", sys.argv[1]]))))
kinds = [n["Kind"] for n in nodes]
assert kinds[:2] == ["image", "index"] and kinds.count("config") == 1, kinds
assert sum(n.get("Missing", False) for n in nodes) == kinds.count("manifest") + kinds.count("attestation") - 1' "$R"

expect_err 3 'hint: img pull --platform linux/arm64 ' "inspect --local: the other platform" img inspect --local --platform linux/arm64 "$R"
expect_match 'linux/arm64' "inspect --remote: the other platform" img inspect --remote --platform linux/arm64 "$R"
expect_err 3 'available: .*linux/riscv64' "inspect: a platform that nobody has" \
	img inspect --platform linux/s390x "$R"
expect_err 3 'linux/arm64|not' "unpack --local: the other platform" img unpack --local --platform linux/arm64 "$R" arm
expect_status 1 "unpack --local: makes no folder" test -e arm
check "unpack: the other platform is pulled" img unpack -q --platform linux/arm64 "$R" arm
expect_match 'linux/arm64' "unpack: and is in the store now" img images
check "unpack: the first one again" img unpack -q --local --platform $HOST_PLATFORM "$R" amd
check "pull --all-platforms" img pull -q --all-platforms "$R"
expect_match '"Platforms":\["windows\(10.0.20348.1\)/amd64","linux/arm/v7","linux/amd64","linux/arm64/v8","linux/riscv64"\]' \
	"images: all of them" img images --json
expect_status 1 "tree: all of it is there" sh -c "img tree '$R' | grep 'not there'"

# --- by digest, by place --------------------------------------------------------------------------------

expect_out "$INDEX" "by tag and digest: the digest decides" img digest --local "$R:latest@$INDEX"
expect_match "^Digest: +$ARM64" "by digest: a manifest of the index" img inspect --local "$REGISTRY/fx/multi@$ARM64"
expect_match '^From: +the store' "a bare name is the store's" img inspect "$R"
expect_match '^From: +its registry' "docker:// is the registry's" img inspect "docker://$R"
expect_match '^From: +the store' "store: is the store's" img inspect "store:$R"
expect_match '^From: +its registry' "--remote is the registry's" img inspect --remote "$R"
expect_err 2 'does not go with store:' "store: --remote" img inspect --remote "store:$R"
expect_err 2 'does not go with docker://' "docker:// --local" img inspect --local "docker://$R"
check "tag: an index and what is below it" img tag "$R" copy:1
check "tag: the copy is whole" img unpack -q --local --platform linux/riscv64 copy:1 copy
check "rmi: the first name" img rmi "$R"
check "rmi: the other still serves" img inspect --local copy:1
expect_status 3 "rmi: the first is gone" img inspect --local "$R"
check "unpack: what has no name any more is pulled" img unpack -q "docker://$R" again

# --- layers -----------------------------------------------------------------------------------------------

push_fixture whiteouts
W=$REGISTRY/fx/whiteouts
expect_match '^ *1 .* - .* - ' "layers: of the registry" img layers "$W"
expect_match 'img pull' "layers: of the registry: a hint" sh -c "img layers '$W' 2>&1"
expect_err 3 'not in the store' "layers --files: of the registry" img layers --files 1 "$W"
check "pull --no-unpack" img pull -q --no-unpack "$W"
expect_match '^ *1 .* - .* - ' "layers: of blobs alone" img layers "$W"
check "unpack: makes the layers" img unpack -q --local "$W" white
check "layers --json" $PYTHON -c '
import hashlib, json, subprocess, sys
rows = [json.loads(l) for l in subprocess.check_output(["img", "layers", "--json", sys.argv[1]]).splitlines()]
chain = None
for n, row in enumerate(rows, 1):
    assert row["Number"] == n and row["RawSize"] % 512 == 0 and row["Added"] is not None
    chain = "sha256:" + hashlib.sha256(f"{chain} {row['"'DiffID'"']}".encode()).hexdigest() if chain else row["DiffID"]
    assert row["ChainID"] == chain
assert sum(row["Removed"] for row in rows) > 0' "$W"
for n in $(seq "$(img layers --json "$W" | wc -l)"); do
	cat >script.py <<-'END'
		import json, subprocess, sys, tarfile, os
		image, n = sys.argv[1], int(sys.argv[2])
		rows = [json.loads(l) for l in subprocess.check_output(["img", "layers", "--json", image]).splitlines()]
		files = [json.loads(l) for l in subprocess.check_output(
		    ["img", "layers", "--files", str(n), "--json", image]).splitlines()]
		path = os.environ["IMG_STORE"] + "/layers/" + rows[n - 1]["DiffID"].replace(":", "/") + ".tar"
		with tarfile.open(path, "r:") as tar:
		    names = [m.name for m in tar]
		assert [f["Name"].rstrip("/") for f in files] == names, (files, names)
		for f in files:
		    last = f["Name"].rstrip("/").split("/")[-1]
		    assert (f["Type"] in ("whiteout", "opaque")) == last.startswith(".wh."), f
	END
	check "layers --files $n --json: as tar lists them" $PYTHON script.py "$W" "$n"
done
expect_match '\.wh\.[^ ]+  \(removes ' "layers --files: whiteouts are shown" \
	sh -c "for n in \$(seq $(img layers --json "$W" | wc -l)); do img layers --files \$n '$W'; done"
expect_err 3 'the image has' "layers --files: no such layer" img layers --files 99 "$W"

# --- what refers to an image ---------------------------------------------------------------------------------

push_fixture artifact
$PYTHON "$IMG_ROOT/fixtures/push.py" "$FIXTURES/artifact:sbom" "$REGISTRY/fx/artifact:sbom" >/dev/null
cat >script.py <<-'END'
	import hashlib, json, sys, urllib.request
	registry, subject = sys.argv[1:]
	kind = "application/vnd.oci.image.manifest.v1+json"
	url = f"http://{registry}/v2/fx/artifact/manifests/"
	ask = urllib.request.Request(url + "sbom", headers={"Accept": kind})
	sbom = urllib.request.urlopen(ask).read()
	index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
	    {"mediaType": kind, "size": len(sbom), "digest": "sha256:" + hashlib.sha256(sbom).hexdigest(),
	     "artifactType": "application/vnd.example.sbom+json"}]}
	urllib.request.urlopen(urllib.request.Request(
	    url + subject.replace(":", "-"), method="PUT", data=json.dumps(index).encode(),
	    headers={"Content-Type": index["mediaType"]}))
END
check "referrers: a fallback tag" $PYTHON script.py "$REGISTRY" "$DIGEST"
expect_match 'referrer sha256:[0-9a-f]{12} .* application/vnd.example.sbom' "tree: referrers" \
	img tree "$REGISTRY/fx/artifact"
