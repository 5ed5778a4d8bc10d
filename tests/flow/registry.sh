# SPDX-License-Identifier: Apache-2.0
#
# The registry's client beyond pulling: credentials shared with skopeo and kept by helpers and by
# namespace, lists of tags and repositories, digests; against docker-registry with passwords and tokens.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

export XDG_RUNTIME_DIR=$IMG_TEST_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
AUTH=$XDG_RUNTIME_DIR/containers/auth.json

make_fixtures

push() { # REPOSITORY:TAG
	skopeo copy -q --insecure-policy --preserve-digests --dest-tls-verify=false \
		--dest-creds="$REGISTRY_USER:$REGISTRY_PASS" "oci:$FIXTURES/gzip:latest" \
		"docker://$REGISTRY/$1" >push.log 2>&1 || {
		not_ok "skopeo pushes $1"
		sed 's/^/#   /' push.log
	}
}

login() { # HOST
	printf '%s\n' "$REGISTRY_PASS" | img login -u "$REGISTRY_USER" --password-stdin "$1"
}

# --- files that others write and read ------------------------------------------------------------

start_registry htpasswd
push a/one:v1
push a/one:v2
push b:latest

expect_err 4 '401' "tags: nobody" img tags "$REGISTRY/a/one"
check "skopeo logs in" skopeo login --tls-verify=false -u "$REGISTRY_USER" -p "$REGISTRY_PASS" "$REGISTRY"
expect_out "$(printf 'v1\nv2')" "tags: with what skopeo wrote" img tags "$REGISTRY/a/one"
expect_match "$AUTH" "auth which: what skopeo wrote" img auth which "$REGISTRY"
expect_out "Removed login credentials for $REGISTRY" "logout: what skopeo wrote" img logout "$REGISTRY"
expect_err 4 '401' "tags: logged out" img tags "$REGISTRY/a/one"

check "img logs in" login "$REGISTRY"
expect_match '"v2"' "skopeo lists with what img wrote" skopeo list-tags --tls-verify=false "docker://$REGISTRY/a/one"
expect_out "$(printf 'a/one\nb')" "catalog" img catalog "$REGISTRY"
expect_out "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$REGISTRY/b")" "digest" \
	img digest "$REGISTRY/b"
check "skopeo logs out" skopeo logout --tls-verify=false "$REGISTRY"
expect_err 4 '401' "tags: skopeo logged out" img tags "$REGISTRY/a/one"

# --- by namespace --------------------------------------------------------------------------------

check "login to a namespace" login "$REGISTRY/a"
expect_match '^v1$' "namespace: its repository" img tags "$REGISTRY/a/one"
expect_err 4 '401' "namespace: not another's" img tags "$REGISTRY/b"
expect_match "\"$REGISTRY/a\"" "namespace: key" cat "$AUTH"
expect_match '"v1"' "namespace: skopeo understands it" skopeo list-tags --tls-verify=false "docker://$REGISTRY/a/one"
expect_out "Removed login credentials for $REGISTRY/a" "logout of a namespace" img logout "$REGISTRY/a"

# --- helpers -------------------------------------------------------------------------------------

mkdir -p bin "$HOME/.docker"
cat >bin/docker-credential-test <<'END'
#!/bin/sh
case $1 in
get) cat "$HOME/kept" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
store) cat >"$HOME/kept" ;;
erase) rm -f "$HOME/kept" ;;
esac
END
chmod +x bin/docker-credential-test
export PATH=$PWD/bin:$PATH
printf '{"credHelpers":{"127.0.0.1:*":"test"}}' >"$HOME/.docker/config.json"
check "helper: login" login "$REGISTRY"
expect_match '"Secret": *"pass: ' "helper: has it" cat "$HOME/kept"
expect_status 1 "helper: the file has not" grep -q "$REGISTRY" "$AUTH"
expect_match '^v1$' "helper: is used" img tags "$REGISTRY/a/one"
expect_match 'docker-credential-test|test' "helper: auth which" img auth which "$REGISTRY"
expect_status 1 "helper: auth which shows no secret" grep -qF "$REGISTRY_PASS" "$OUT" "$ERR"
check "helper: logout" img logout "$REGISTRY"
expect_status 1 "helper: forgot it" test -e "$HOME/kept"
rm bin/docker-credential-test
expect_err 4 'docker-credential-test .*no such program' "helper: not installed" img tags "$REGISTRY/a/one"
printf '{"credHelpers":{"127.0.0.1:*":' >"$HOME/.docker/config.json"
expect_err 5 'config.json: it is not valid JSON' "damaged file" img tags "$REGISTRY/a/one"
rm -r "$HOME/.docker"
stop_registry

# --- tokens --------------------------------------------------------------------------------------

start_registry token
push a/one:v1
push public/two:v1
expect_out v1 "token: tags of what is public" img tags "$REGISTRY/public/two"
expect_err 4 '401' "token: tags of what is not" img tags "$REGISTRY/a/one"
expect_err 4 '401' "token: catalog for nobody" img catalog "$REGISTRY"
expect_out "$(printf 'a/one\npublic/two')" "token: catalog" img catalog --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY"
expect_match 'user=testuser scope=registry:catalog:\*' "token: scope of the catalog" cat "$TOKEN_LOG"
expect_err 4 'token server .*401' "token: a wrong password" img tags --creds "$REGISTRY_USER:wrong" "$REGISTRY/a/one"
expect_err 4 '401|token server' "token: login with a wrong one" img login -u nobody -p wrong "$REGISTRY"
check "token: login" login "$REGISTRY"
expect_out v1 "token: tags" img tags "$REGISTRY/a/one"
check "token: logout" img logout "$REGISTRY"
stop_registry
