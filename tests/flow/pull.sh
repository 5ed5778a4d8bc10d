# SPDX-License-Identifier: Apache-2.0
#
# img pull from a plain registry: names, digests, platforms, packings; what is there already is not
# fetched; what is wrong says so with the right status.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain

# How often a blob of an image was fetched.
fetched() { # DIGEST
	registry_requests "\"GET /v2/[^ ]*/blobs/$1"
}

blobs_of() { # NAME; how many blobs of its layers were fetched
	local digest sum=0
	for digest in $(layer_digests "$1"); do
		sum=$((sum + $(fetched "$digest")))
	done
	echo "$sum"
}

in_store() { # DIGEST
	test -s "$IMG_STORE/blobs/${1/://}"
}

# --- one image, by every name it has -------------------------------------------------------------

push_fixture mixed
expect_out "$REGISTRY/fx/mixed@$DIGEST" "by tag: prints the digest" \
	img pull -q "$REGISTRY/fx/mixed:latest"
expect_status 0 "by tag: each layer fetched once" test "$(blobs_of mixed)" = 3
check "by tag: the manifest is in the store" in_store "$DIGEST"
expect_match "fx/mixed" "by tag: is listed" img images
img inspect --raw "$REGISTRY/fx/mixed" >raw 2>/dev/null
expect_out "${DIGEST#sha256:}" "the manifest kept is the registry's, byte by byte" \
	sh -c 'sha256sum <raw | cut -d " " -f 1'

before=$(wc -l <"$REGISTRY_LOG")
expect_out "$REGISTRY/fx/mixed@$DIGEST" "again: prints the same" img pull "$REGISTRY/fx/mixed"
expect_status 1 "again: fetches no blob" sh -c "tail -n +$((before + 1)) '$REGISTRY_LOG' | grep '\"GET /v2/fx/mixed/blobs/'"
expect_out "$REGISTRY/fx/mixed@$DIGEST" "by digest" img pull "$REGISTRY/fx/mixed@$DIGEST"
expect_out "$REGISTRY/fx/mixed@$DIGEST" "by tag and digest" \
	img pull "$REGISTRY/fx/mixed:other@$DIGEST"
expect_out "$REGISTRY/fx/mixed@$DIGEST" "with docker://" img pull "docker://$REGISTRY/fx/mixed:latest"
expect_status 0 "still each layer fetched once" test "$(blobs_of mixed)" = 3

# --- every packing and document ------------------------------------------------------------------

for name in gzip zstd plain gzip-members zstd-frames mislabelled docker zero-layers empty-tar \
	sha512 config config-bare dialect deep; do
	push_fixture $name
	expect_match "^$REGISTRY/fx/$name@sha256:" "$name is pulled" img pull -q "$REGISTRY/fx/$name"
done

# --- platforms -----------------------------------------------------------------------------------

for name in multi nested docker-list; do
	push_fixture $name
	expect_out "$REGISTRY/fx/$name@$DIGEST" "$name: for this machine" \
		img pull -q "$REGISTRY/fx/$name"
	for platform in linux/arm64 linux/arm/v7 linux/riscv64 linux/amd64; do
		check "$name: $platform" img pull -q --platform $platform "$REGISTRY/fx/$name"
		check "$name: $platform unpacks" img unpack -q --platform $platform \
			"$REGISTRY/fx/$name" "$name.$(echo $platform | tr / -)"
		[ "$platform" != linux/arm64 ] || platform=linux/arm64/v8
		expect_match "^$platform$" "$name: it is $platform" \
			cat "$name".*"$(echo ${platform%/v8} | tr / -)"/etc/arch
		rm -rf "$name".*
	done
	expect_err 3 'available: .*linux/arm/v7' "$name: what it has is listed when nothing fits" \
		img pull --platform linux/s390x "$REGISTRY/fx/$name"
done
rm -rf "$IMG_STORE"
expect_status 0 "all platforms" img pull -q --all-platforms "$REGISTRY/fx/multi"
for digest in $(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/fx/multi" |
	grep -o 'sha256:[0-9a-f]*' | sort -u); do
	in_store "$digest" || not_ok "all platforms: has $digest"
done
check "all platforms: the attestations too" true

# --- blobs only ----------------------------------------------------------------------------------

rm -rf "$IMG_STORE"
check "--no-unpack" img pull -q --no-unpack "$REGISTRY/fx/mixed"
expect_status 1 "--no-unpack: makes no layers" sh -c "ls '$IMG_STORE'/layers/*/*.tar 2>/dev/null | grep ."
fetches=$(blobs_of mixed)
check "--no-unpack, then unpack" img unpack -q "$REGISTRY/fx/mixed" mixed
expect_tree "--no-unpack, then unpack: the tree" "$FIXTURES/expect/mixed" mixed
expect_status 0 "--no-unpack, then unpack: nothing fetched again" test "$(blobs_of mixed)" = "$fetches"

# --- several images ------------------------------------------------------------------------------

rm -rf "$IMG_STORE"
push_fixture shared-a
push_fixture shared-b
shared=$(layer_digests shared-a | head -n 1)
check "two images" img pull -q "$REGISTRY/fx/shared-a" "$REGISTRY/fx/shared-b"
expect_status 0 "two images: two lines" test "$(wc -l <"$OUT")" = 2
expect_status 0 "two images: the layer they share fetched once" test "$(fetched "$shared")" = 1

expect_status 3 "one of two is missing: status" img pull -q "$REGISTRY/fx/none" "$REGISTRY/fx/shared-a"
expect_status 0 "one of two is missing: the other is there" test "$(wc -l <"$OUT")" = 1

# --- what goes wrong -----------------------------------------------------------------------------

no_digest=sha256:$(printf '0%.0s' $(seq 64))
expect_err 3 '^img: error: ' "no such tag" img pull "$REGISTRY/fx/mixed:none"
expect_err 3 '^img: error: ' "no such repository" img pull "$REGISTRY/fx/none"
expect_err 3 '^img: error: ' "no such digest" img pull "$REGISTRY/fx/mixed@$no_digest"
expect_err 2 '^img: error: ' "no reference" img pull "$REGISTRY/fx/UPPER"
expect_err 2 '^img: error: ' "no operand" img pull
expect_err 2 'latform' "platform and all platforms" img pull --platform linux/amd64 --all-platforms "$REGISTRY/fx/mixed"
expect_err 2 '^img: error: ' "no platform" img pull --platform 'linux/a b' "$REGISTRY/fx/mixed"

# A registry that holds something else under the digest: what its disk has, it serves.
damage() { # DIGEST
	local hex=${1#sha256:}
	local data=$REGISTRY_ROOT/docker/registry/v2/blobs/sha256/${hex:0:2}/$hex/data
	$PYTHON - "$data" <<-'END'
		import sys
		with open(sys.argv[1], "r+b") as f:
		    f.seek(30)
		    old = f.read(1)
		    f.seek(30)
		    f.write(bytes((old[0] ^ 1,)))
	END
}
push_fixture plain
rm -rf "$IMG_STORE"
damage "$(layer_digests plain)"
expect_err 5 '^img: error: ' "a damaged layer" img pull -q --retry 0 "$REGISTRY/fx/plain"
expect_status 3 "a damaged layer: no name is left" img inspect --local "$REGISTRY/fx/plain"
expect_status 1 "a damaged layer: no blob is left" in_store "$(layer_digests plain)"

stop_registry
expect_err 1 '^img: error: ' "nobody listens" img pull -q --retry 0 "$REGISTRY/fx/mixed"
