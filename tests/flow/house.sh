# SPDX-License-Identifier: Apache-2.0
#
# The test registries themselves: what the other flow tests lean on does what they believe. Each kind
# of registry takes an image from skopeo and gives it back.
. "$IMG_ROOT/tests/flow/lib.sh"

# A one-layer image as an OCI layout, from nothing but tar and sha256sum.
make_layout() { # DIR
	local d=$1/blobs/sha256 layer config manifest
	mkdir -p "$d" content
	echo hello >content/hello
	tar --sort=name --owner=0 --group=0 --mtime=@0 -C content -cf layer.tar .
	layer=$(put "$d" layer.tar)
	printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$layer" >config.json
	config=$(put "$d" config.json)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%d}]}' \
		"$config" "$(stat -c %s config.json)" "$layer" "$(stat -c %s layer.tar)" >manifest.json
	manifest=$(put "$d" manifest.json)
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%d,"annotations":{"org.opencontainers.image.ref.name":"a"}}]}' \
		"$manifest" "$(stat -c %s manifest.json)" >"$1/index.json"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
}

put() { # DIR FILE; prints its digest
	local hex
	hex=$(sha256sum "$2" | cut -d ' ' -f 1)
	cp "$2" "$1/$hex"
	echo "$hex"
}

roundtrip() { # NAME SKOPEO-FLAG...
	local name=$1
	shift
	check "$name: skopeo pushes" skopeo copy --insecure-policy "$@" oci:layout:a \
		"docker://$REGISTRY/some/thing:a"
	expect_match '"Digest": "sha256:' "$name: skopeo inspects" skopeo inspect \
		"${@/#--dest-/--}" "docker://$REGISTRY/some/thing:a"
}

fails() { # CMD...; where the status depends on who notices first
	! "$@"
}

make_layout layout

start_registry plain
roundtrip plain --dest-tls-verify=false
expect_status 0 "plain: requests are counted" test "$(registry_requests '"PUT /v2/some/thing/manifests/a')" = 1
stop_registry
expect_status 7 "plain: stops" curl -s "http://$REGISTRY/v2/"

start_registry "DIR=$REGISTRY_ROOT" readonly
expect_status 0 "readonly: keeps what was there" skopeo inspect --tls-verify=false "docker://$REGISTRY/some/thing:a"
stop_registry

start_registry tls htpasswd
mkdir certs && cp "$REGISTRY_CA" certs/ca.crt
roundtrip "tls htpasswd" --dest-cert-dir=certs --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
expect_match '^401$' "htpasswd: refuses nobody" curl -s --cacert "$REGISTRY_CA" -o /dev/null -w '%{http_code}\n' "https://$REGISTRY/v2/"
expect_status 60 "tls: unknown to the machine" curl -s "https://$REGISTRY/v2/"
stop_registry

start_registry mtls
check "mtls: refuses without a certificate" fails curl -s --cacert "$REGISTRY_CA" "https://$REGISTRY/v2/"
expect_out '{}' "mtls: takes one of its CA" curl -s --cacert "$REGISTRY_CA" \
	--cert "$REGISTRY_CLIENT_CERT" --key "$REGISTRY_CLIENT_KEY" "https://$REGISTRY/v2/"
stop_registry

start_registry token
roundtrip token --dest-tls-verify=false --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
expect_match 'grant=.* user=testuser scope=repository:some/thing:pull' "token: its server says what was asked" cat "$TOKEN_LOG"
expect_err 1 'unauthorized|denied' "token: nobody may pull" skopeo inspect --no-creds --tls-verify=false "docker://$REGISTRY/some/thing:a"
