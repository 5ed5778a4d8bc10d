# SPDX-License-Identifier: Apache-2.0
#
# Looking at images, in the store and in the registry: inspect, tree, layers, digest, tags, catalog. What is
# on stdout is the product and nothing else.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain

sha_of() { # CMD...; the digest of what it prints
	"$@" 2>/dev/null | sha256sum | sed 's/^\([0-9a-f]*\) .*/sha256:\1/'
}

from_layout() { # NAME; the manifest of a fixture that is one image
	local digest
	digest=$(sed -n 's/.*"digest": "\([^"]*\)".*/\1/p' "$FIXTURES/$1/index.json" | head -n 1)
	cat "$FIXTURES/$1/blobs/${digest/://}"
}

is_json() { # FILE; one value, or one a line
	$PYTHON -c '
import json, sys
with open(sys.argv[1]) as f:
    text = f.read()
assert text
try:
    json.loads(text)
except json.JSONDecodeError:
    for line in text.splitlines():
        json.loads(line)' "$1"
}

for name in config multi mixed docker nested artifact shared-a; do
	push_fixture $name
	[ $name = artifact ] && $PYTHON "$IMG_ROOT/fixtures/push.py" "$FIXTURES/artifact:sbom" "$REGISTRY/fx/artifact:sbom" >/dev/null
	eval "digest_${name//-/_}=$DIGEST"
	img pull -q "$REGISTRY/fx/$name" >/dev/null 2>"$ERR" || {
		not_ok "pull $name"
		show_output
	}
done

# --- raw documents, local and remote -------------------------------------------------------------

for where in --local --remote; do
	for name in config multi mixed docker; do
		want=digest_$name
		expect_out "${!want}" "raw $where: $name has its digest" sha_of img inspect $where --raw "$REGISTRY/fx/$name"
	done
	config=$(from_layout config | $PYTHON -c 'import json, sys; print(json.load(sys.stdin)["config"]["digest"])')
	expect_out "$config" "config $where: has its digest" sha_of img inspect $where --config "$REGISTRY/fx/config"
done

# --- the summary ---------------------------------------------------------------------------------

check "inspect: config" img inspect "$REGISTRY/fx/config"
cp "$OUT" said
for what in "$digest_config" '/amd64' '/bin/tool' 'app:extra' '80/tcp' 'SIGQUIT' '/home/app' 'org.example.a' '/data'; do
	expect_status 0 "inspect: says $what" grep -qF -e "$what" said
done
expect_status 1 "inspect: no control character of the image reaches the terminal" \
	grep -qP '[\x00-\x08\x0b-\x1f\x7f]' said

run img inspect --json "$REGISTRY/fx/config"
cp "$OUT" inspect.json
judge "inspect --json" "$([ "$STATUS" = 0 ] || echo "status $STATUS")"
skopeo inspect --tls-verify=false "docker://$REGISTRY/fx/config" >skopeo.json 2>/dev/null
check "inspect --json: skopeo's keys with skopeo's values" $PYTHON -c '
import json, sys
ours, theirs = (json.load(open(p)) for p in sys.argv[1:])
for key in ("Digest", "Created", "DockerVersion", "Labels", "Architecture", "Os", "Layers", "LayersData", "Env", "Name"):
    if key == "Env" or key in theirs:
        assert key in ours, key
        assert ours[key] == theirs[key], (key, ours[key], theirs[key])
' inspect.json skopeo.json
expect_out "linux/amd64" "inspect --format" img inspect --format '{{.Os}}/{{.Architecture}}' "$REGISTRY/fx/config"
expect_match '^\["PATH' "inspect --format: json" img inspect --format '{{json .Env}}' "$REGISTRY/fx/config"
expect_status 3 "inspect: not there" img inspect --local "$REGISTRY/fx/none"
expect_status 3 "inspect: not there either" img inspect --remote "$REGISTRY/fx/none"

# --- tree ----------------------------------------------------------------------------------------

check "tree: multi" img tree "$REGISTRY/fx/multi"
cp "$OUT" said
for digest in $(from_layout multi | grep -o 'sha256:[0-9a-f]*' | sort -u); do
	grep -qF -e "${digest:7:12}" said || not_ok "tree: multi: lacks $digest"
done
expect_status 0 "tree: multi: says attestation" grep -qi attestation said
expect_status 0 "tree: multi: says the platforms" grep -q 'linux/arm64' said
check "tree: nested" img tree "$REGISTRY/fx/nested"
expect_match 'sbom|example' "tree: an artifact" img tree "$REGISTRY/fx/artifact:sbom"

# --- layers --------------------------------------------------------------------------------------

check "layers" img layers "$REGISTRY/fx/mixed"
expect_status 0 "layers: a row a layer" test "$(grep -c 'layer [0-9]' "$OUT")" = 3
run img layers --json "$REGISTRY/fx/mixed"
cp "$OUT" said
expect_status 0 "layers --json" is_json said
expect_match 'bin/tool' "layers --files" img layers --files 2 "$REGISTRY/fx/mixed"

# --- digest, tags, catalog, images ----------------------------------------------------------------

expect_out "$digest_multi" "digest" img digest "$REGISTRY/fx/multi"
expect_out "latest
sbom" "tags" img tags "$REGISTRY/fx/artifact"
expect_match '^fx/shared-a$' "catalog" img catalog "$REGISTRY"
expect_status 0 "catalog: all" test "$(img catalog "$REGISTRY" 2>/dev/null | wc -l)" = 7
for i in 1 2 3 4 5 6 7; do
	skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$FIXTURES/gzip:latest" "docker://$REGISTRY/fx/many:t$i" 2>"$ERR" ||
		not_ok "skopeo: $(cat "$ERR")"
done
expect_out "t1
t2
t3
t4
t5
t6
t7" "tags: many" sh -c "img tags '$REGISTRY/fx/many' | sort"
expect_status 3 "tags: no such repository" img tags "$REGISTRY/fx/none"
check "tag" img tag "$REGISTRY/fx/mixed" local/name:1
expect_match 'local/name' "tag: listed" img images
run img images --json
cp "$OUT" said
expect_status 0 "images --json" is_json said
check "rmi" img rmi local/name:1
expect_status 3 "rmi: again" img rmi local/name:1
stop_registry
expect_status 0 "what is local needs no registry" img inspect "$REGISTRY/fx/mixed"
