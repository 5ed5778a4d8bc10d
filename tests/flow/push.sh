# SPDX-License-Identifier: Apache-2.0
#
# img push into Debian's docker-registry: bytes and digests as they were, nothing sent that is
# there, mounts, many names, platforms, referrers by tag, credentials; and roads that break.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain

# The digest of what a name means in the registry, as skopeo hashes it.
digest_of() { # REPOSITORY[:TAG]
	echo "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/$1" | sha256sum | cut -d ' ' -f 1)"
}

mark() { # from here on asked_since counts
	MARK=$(wc -l <"$REGISTRY_LOG")
}

asked_since() { # REGEX; how many requests since the mark
	tail -n +$((MARK + 1)) "$REGISTRY_LOG" | grep -E '^[0-9.]+ - ' | grep -cE -e "$1"
}

expect_asked() { # COUNT REGEX NAME
	local count
	count=$(asked_since "$2")
	[ "$count" = "$1" ] && ok "$3" || not_ok "$3" "$count times, not $1"
}

# --- from the store to another repository --------------------------------------------------------

push_fixture mixed
check "pull" img pull -q "$REGISTRY/fx/mixed"
check "tag" img tag "$REGISTRY/fx/mixed" "$REGISTRY/new/mixed:v1"
mark
expect_out "$REGISTRY/new/mixed@$DIGEST" "to another repository: prints the digest" \
	img push -q "$REGISTRY/new/mixed:v1"
expect_out "$DIGEST" "the same bytes" digest_of new/mixed:v1
expect_asked 4 'POST /v2/new/mixed/blobs/uploads/[?]mount=.*" 201' "all is mounted"
expect_asked 0 '(PUT|PATCH) /v2/new/mixed/blobs/' "no blob is sent"
mark
expect_out "$REGISTRY/new/mixed@$DIGEST" "again" img push -q "$REGISTRY/new/mixed:v1"
expect_asked 0 'POST ' "again: no upload is begun"
expect_out "$REGISTRY/other/mixed@$DIGEST" "SRC REF REF" \
	img push -q "$REGISTRY/fx/mixed" "$REGISTRY/other/mixed:a" "$REGISTRY/other/mixed:b"
expect_out "$DIGEST" "the second name means the same" digest_of other/mixed:b
img push -q --json "$REGISTRY/fx/mixed" "$REGISTRY/x/one:a" "$REGISTRY/x/two" "$REGISTRY/x/one:b" >objects
expect_out "$(printf '%s\n' "$REGISTRY/x/one:a" "$REGISTRY/x/one:b" "$REGISTRY/x/two:latest")" \
	"--json: an object a name" sh -c "grep -o '\"Reference\": *\"[^\"]*\"' objects | cut -d '\"' -f 4"

# --- into another registry -----------------------------------------------------------------------

FIRST=$REGISTRY
start_registry plain
for name in gzip zstd plain mixed mislabelled docker zero-layers empty-tar config-bare big; do
	REGISTRY_2=$REGISTRY REGISTRY=$FIRST
	push_fixture $name
	REGISTRY=$REGISTRY_2
	check "$name: pull" img pull -q "$FIRST/fx/$name"
	expect_out "$REGISTRY/to/$name@$DIGEST" "$name: push" \
		img push -q "$FIRST/fx/$name" "$REGISTRY/to/$name"
	expect_out "$DIGEST" "$name: the same bytes" digest_of to/$name
	check "$name: skopeo reads it" skopeo copy -q --insecure-policy --src-tls-verify=false \
		--preserve-digests "docker://$REGISTRY/to/$name" "dir:read-$name"
	rm -rf "read-$name"
done
for digest in $(layer_digests big); do
	expect_out "${digest#sha256:}" "big: its layer, byte by byte" sh -c \
		"curl -sL 'http://$REGISTRY/v2/to/big/blobs/$digest' | sha256sum | cut -d ' ' -f 1"
done

# --- from other places ---------------------------------------------------------------------------

expect_match "^$REGISTRY/lay/gzip@sha256:" "from a layout" img push -q "oci:$FIXTURES/gzip:latest" "$REGISTRY/lay/gzip"
expect_out "$(digest_of to/gzip)" "from a layout: the same bytes" digest_of lay/gzip
check "from a registry" img push -q "docker://$FIRST/fx/big" "$REGISTRY/reg/big"
expect_out "$(digest_of to/big)" "from a registry: the same bytes" digest_of reg/big
expect_match "^$REGISTRY/reg/mixed@" "a name that the store lacks" \
	img --store empty push -q "$FIRST/fx/mixed" "$REGISTRY/reg/mixed"

# --- platforms -----------------------------------------------------------------------------------

REGISTRY_2=$REGISTRY REGISTRY=$FIRST
push_fixture multi
REGISTRY=$REGISTRY_2
check "one platform: pull" img pull -q "$FIRST/fx/multi"
expect_match "^$REGISTRY/to/multi@sha256:" "one platform: push" img push "$FIRST/fx/multi" "$REGISTRY/to/multi"
cp "$ERR" said
check "one platform: says so" grep -q 'the one of this platform alone' said
expect_status 1 "one platform: without the index" test "$(digest_of to/multi)" = "$DIGEST"
expect_err 3 'img: error: ' "--all-platforms of what is not there" \
	img push -q --all-platforms "$FIRST/fx/multi" "$REGISTRY/to/multi:all"
expect_err 1 '' "--all-platforms: no tag" skopeo inspect --tls-verify=false "docker://$REGISTRY/to/multi:all"
check "all platforms: pull" img pull -q --all-platforms "$FIRST/fx/multi"
expect_out "$REGISTRY/to/multi@$DIGEST" "all platforms: push" img push -q "$FIRST/fx/multi" "$REGISTRY/to/multi"
expect_out "$DIGEST" "all platforms: the index as it was" digest_of to/multi
check "--platform" img push -q --platform linux/arm64 "$FIRST/fx/multi" "$REGISTRY/to/arm"
expect_match '"arm64"' "--platform: it is that" skopeo inspect --config --raw --tls-verify=false "docker://$REGISTRY/to/arm"

# --- what refers to it ---------------------------------------------------------------------------

make_signed() { # DIR COUNT; a layout of an image and what refers to it
	$PYTHON - "$1" "$2" <<-'END'
		import hashlib, json, os, sys
		folder, count = sys.argv[1], int(sys.argv[2])
		os.makedirs(f"{folder}/blobs/sha256")
		OCI = "application/vnd.oci."
		def blob(data, kind, **more):
		    data = data if isinstance(data, bytes) else json.dumps(data).encode()
		    hex = hashlib.sha256(data).hexdigest()
		    open(f"{folder}/blobs/sha256/{hex}", "wb").write(data)
		    return {"mediaType": OCI + kind, "digest": f"sha256:{hex}", "size": len(data), **more}
		config = blob({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}},
		              "image.config.v1+json")
		image = blob({"schemaVersion": 2, "mediaType": OCI + "image.manifest.v1+json", "config": config,
		              "layers": []}, "image.manifest.v1+json")
		entries = [dict(image, annotations={OCI[:0] + "org.opencontainers.image.ref.name": "app"})]
		for i in range(count):
		    layer = blob(f"signature {i}".encode(), "image.layer.v1.tar")
		    entries.append(blob({"schemaVersion": 2, "mediaType": OCI + "image.manifest.v1+json",
		        "artifactType": f"test/signature{i}", "config": blob(b"{}", "empty.v1+json"),
		        "layers": [layer], "subject": image, "annotations": {"n": str(i)}}, "image.manifest.v1+json"))
		json.dump({"schemaVersion": 2, "manifests": entries}, open(f"{folder}/index.json", "w"))
		json.dump({"imageLayoutVersion": "1.0.0"}, open(f"{folder}/oci-layout", "w"))
		print(image["digest"])
	END
}

referrers_of() { # REPOSITORY DIGEST; the types listed under the fallback tag
	skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/$1:${2/:/-}" |
		grep -o '"artifactType": *"[^"]*"' | cut -d '"' -f 4 | sort
}

signed=$(make_signed signed 1)
check "signed: push" img push -q oci:signed:app "$REGISTRY/sig/app"
expect_out test/signature0 "signed: the tag lists the signature" referrers_of sig/app "$signed"
make_signed signed3 3 >/dev/null
check "signed thrice: push" img push -q oci:signed3:app "$REGISTRY/sig/app"
expect_out "$(printf 'test/signature%s\n' 0 1 2)" "signed thrice: each is listed once" referrers_of sig/app "$signed"
check "--referrers=false" img push -q --referrers=false oci:signed:app "$REGISTRY/sig/alone"
expect_status 22 "--referrers=false: no signature" \
	curl -sfo /dev/null "http://$REGISTRY/v2/sig/alone/manifests/${signed/:/-}"

# --- plans ---------------------------------------------------------------------------------------

mark
expect_match "^send .* application/vnd" "--dry-run: says what" img push -q --dry-run "$FIRST/fx/mixed" "$REGISTRY/dry/mixed"
expect_asked 0 '"(POST|PUT|PATCH|DELETE) ' "--dry-run: changes nothing"

# --- what goes wrong -----------------------------------------------------------------------------

expect_err 3 'not in the store' "not in the store" img push -q "$REGISTRY/no/thing"
expect_err 3 'not in the store' "no store" img --store nothing push -q "$REGISTRY/no/thing"
expect_err 2 "can't be told its digest" "to a digest" img push -q "$FIRST/fx/mixed" "$REGISTRY/a@$DIGEST"
expect_err 2 'store is not a registry' "to the store" img push -q "$FIRST/fx/mixed" store:a
expect_err 2 'xclude' "--platform and --all-platforms" img push --platform linux/amd64 --all-platforms "$REGISTRY/a"
expect_err 1 '^img: error: .*[Cc]onnection refused' "nobody listens" img push -q --retry 0 "$FIRST/fx/mixed" 127.0.0.1:1/a

# A blob that the store has damaged is never sent whole, and no tag is made.
layer=$(layer_digests big | head -n 1)
printf x | dd of="$IMG_STORE/blobs/${layer/://}" bs=1 seek=1000 conv=notrunc 2>/dev/null
expect_err 5 "${layer:0:19}.*" "a damaged blob" img push -q "$FIRST/fx/big" "$REGISTRY/bad/big"
expect_status 22 "a damaged blob: no tag" curl -sfo /dev/null "http://$REGISTRY/v2/bad/big/manifests/latest"
rm -rf "$IMG_STORE"

# --- roads that break ----------------------------------------------------------------------------

check "pull again" img pull -q "$FIRST/fx/big"
DIGEST=$(digest_of to/big)
start_proxy --cut-upload 100000 --times 2
expect_out "$PROXY/cut/big@$DIGEST" "a connection that breaks twice" img push "$FIRST/fx/big" "$PROXY/cut/big"
cp "$ERR" said
check "a connection that breaks twice: says so" grep -q 'trying again' said
expect_out "$DIGEST" "a connection that breaks twice: all is there" digest_of cut/big
stop_bg "$PROXY_PID"
start_proxy --cut-upload 100000 --times 1000
expect_err 1 '^img: error: ' "a connection that always breaks" img push -q --retry 1 "$FIRST/fx/big" "$PROXY/cut/never"
expect_status 22 "a connection that always breaks: no tag" curl -sfo /dev/null "http://$REGISTRY/v2/cut/never/manifests/latest"
stop_bg "$PROXY_PID"

# Killed under way: no tag, and a repeat finishes.
start_proxy --hold-upload 100000
img push -q "$FIRST/fx/big" "$PROXY/held/big" >/dev/null 2>killed.err &
pid=$!
wait_for_line "$PROXY_LOG" '^holding ' $pid 20
kill -KILL $pid
wait $pid 2>/dev/null
expect_status 22 "killed: no tag" curl -sfo /dev/null "http://$REGISTRY/v2/held/big/manifests/latest"
expect_out "$REGISTRY/held/big@$DIGEST" "killed: a repeat finishes" img push -q "$FIRST/fx/big" "$REGISTRY/held/big"
# SIGINT as a terminal's child has it; background jobs of a script ignore it.
start_bg interrupted.err $PYTHON -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' img push -q "$FIRST/fx/big" "$PROXY/held/two"
wait_for_line "$PROXY_LOG" '^holding .*/held/two/' "$BG_PID" 20
kill -INT "$BG_PID"
wait "$BG_PID" 2>/dev/null
expect_status 0 "interrupted: status 130" test $? = 130
stop_bg "$PROXY_PID"

# --- who may -------------------------------------------------------------------------------------

check "pull for the others" img pull -q "$FIRST/fx/mixed"
start_registry htpasswd
expect_err 4 '401' "passwords: nobody" img push -q "$FIRST/fx/mixed" "$REGISTRY/p/mixed"
expect_err 4 '401' "passwords: a wrong one" img push -q --creds "$REGISTRY_USER:no" "$FIRST/fx/mixed" "$REGISTRY/p/mixed"
check "passwords: the right one" img push -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$FIRST/fx/mixed" "$REGISTRY/p/mixed"
stop_registry
start_registry token
expect_err 4 '401|token' "tokens: nobody" img push -q "$FIRST/fx/mixed" "$REGISTRY/t/mixed"
check "tokens: who may" img push -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$FIRST/fx/mixed" "$REGISTRY/t/mixed"
check "tokens: pull it" img pull -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/t/mixed"
expect_match "^$REGISTRY/t/two@" "tokens: mounts" \
	img push -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/t/mixed" "$REGISTRY/t/two"
expect_status 0 "tokens: mounted" test "$(registry_requests 'POST /v2/t/two/blobs/uploads/[?]mount=.*" 201')" = 4
stop_registry
start_registry readonly
expect_err 1 '^img: error: .*405' "read-only" img push -q "$FIRST/fx/mixed" "$REGISTRY/r/mixed"
stop_registry
start_registry tls
mkdir certs
cp "$REGISTRY_CA" certs
check "TLS" img push -q --cert-dir certs --tls-verify=true "$FIRST/fx/mixed" "$REGISTRY/s/mixed"
stop_registry
