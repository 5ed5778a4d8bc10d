# SPDX-License-Identifier: Apache-2.0
#
# img pull where the registry asks who is there: private CAs, client certificates, passwords,
# tokens; from flags, credential files and login.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
# Else login would write below /run.
export XDG_RUNTIME_DIR=$IMG_TEST_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"

# As skopeo, with the registry's own means; our pusher speaks plain HTTP only.
push() { # NAME REPOSITORY SKOPEO-FLAG...
	local name=$1 repository=$2
	shift 2
	skopeo copy -q --insecure-policy --preserve-digests "$@" "oci:$FIXTURES/$name:latest" \
		"docker://$REGISTRY/$repository" >push.log 2>&1 || {
		not_ok "skopeo pushes $repository"
		sed 's/^/#   /' push.log
	}
}

clean_store() {
	rm -rf "$IMG_STORE"
}

# Nothing of a secret in what was said.
says_no_secret() { # NAME
	if grep -qF -e "$REGISTRY_PASS" "$OUT" "$ERR"; then
		not_ok "$1: the password is in what it says"
	else
		ok "$1: the password is not in what it says"
	fi
}

# --- TLS -----------------------------------------------------------------------------------------

start_registry tls
mkdir ca
cp "$REGISTRY_CA" ca/ca.crt
push gzip fx/gzip --dest-cert-dir=ca
expect_err 4 'certificate' "tls: an unknown CA" img pull -q "$REGISTRY/fx/gzip"
clean_store
check "tls: --cert-dir" img pull -q --cert-dir ca "$REGISTRY/fx/gzip"
clean_store
check "tls: --tls-verify=false" img pull -q --tls-verify=false "$REGISTRY/fx/gzip"
clean_store
folder=$HOME/.config/containers/certs.d/$REGISTRY
mkdir -p "$folder"
cp "$REGISTRY_CA" "$folder/ca.crt"
clean_store
check "tls: certs.d in the home" img pull -q "$REGISTRY/fx/gzip"
rm -r "$folder"
mkdir wrong
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=other CA' \
	-keyout wrong/ca.key -out wrong/ca.crt 2>/dev/null
rm wrong/ca.key
expect_err 4 'certificate' "tls: another CA" img pull -q --cert-dir wrong "$REGISTRY/fx/gzip"
port=${REGISTRY##*:}
expect_status 1 "tls: plain HTTP is answered with an error" img pull -q --plain-http "$REGISTRY/fx/gzip"
check "tls: by name" img pull -q --cert-dir ca "localhost:$port/fx/gzip"
stop_registry

start_registry mtls
mkdir mine
cp "$REGISTRY_CA" mine/ca.crt
cp "$REGISTRY_CLIENT_CERT" mine/client.cert
cp "$REGISTRY_CLIENT_KEY" mine/client.key
push gzip fx/gzip --dest-cert-dir=mine
clean_store
check "mutual tls: a client's certificate" img pull -q --cert-dir mine "$REGISTRY/fx/gzip"
clean_store
expect_status 4 "mutual tls: none" img pull -q --cert-dir ca "$REGISTRY/fx/gzip"
rm mine/client.key
clean_store
expect_err 2 'client.key' "mutual tls: a certificate without its key" img pull -q --cert-dir mine "$REGISTRY/fx/gzip"
stop_registry

# --- passwords -----------------------------------------------------------------------------------

start_registry htpasswd
push gzip fx/gzip --dest-tls-verify=false --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
clean_store
expect_status 4 "password: none" img pull -q "$REGISTRY/fx/gzip"
expect_status 4 "password: a wrong one" img pull -q --creds "$REGISTRY_USER:wrong" "$REGISTRY/fx/gzip"
check "password: --creds" img pull -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/fx/gzip"
run img pull --log-level debug --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/fx/gzip"
says_no_secret "password: at debug"

clean_store
mkdir auth
printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY" \
	"$(printf %s "$REGISTRY_USER:$REGISTRY_PASS" | base64 -w 0)" >auth/auth.json
check "password: --authfile" img pull -q --authfile auth/auth.json "$REGISTRY/fx/gzip"
clean_store
check "password: REGISTRY_AUTH_FILE" env REGISTRY_AUTH_FILE=auth/auth.json img pull -q "$REGISTRY/fx/gzip"
clean_store
mkdir -p "$HOME/.docker"
cp auth/auth.json "$HOME/.docker/config.json"
check "password: ~/.docker/config.json" img pull -q "$REGISTRY/fx/gzip"
expect_match 'config.json' "password: auth which says where from" img auth which "$REGISTRY"
says_no_secret "password: auth which"
rm -r "$HOME/.docker"

clean_store
expect_status 4 "login: a wrong password" sh -c "echo wrong | img login -u '$REGISTRY_USER' --password-stdin '$REGISTRY'"
check "login" sh -c "printf '%s\n' '$REGISTRY_PASS' | img login -u '$REGISTRY_USER' --password-stdin '$REGISTRY'"
check "login: pull" img pull -q "$REGISTRY/fx/gzip"
expect_status 1 "login: files are the user's alone" sh -c "find '$XDG_RUNTIME_DIR' '$HOME' -name '*.json' -perm /077 | grep ."
expect_match "$REGISTRY" "login: in the file that podman reads" cat "$XDG_RUNTIME_DIR/containers/auth.json"
check "logout" img logout "$REGISTRY"
clean_store
expect_status 4 "logout: pull" img pull -q "$REGISTRY/fx/gzip"
stop_registry

# --- tokens --------------------------------------------------------------------------------------

start_registry token
push gzip fx/gzip --dest-tls-verify=false --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
push gzip public/gzip --dest-tls-verify=false --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
push big fx/big --dest-tls-verify=false --dest-creds="$REGISTRY_USER:$REGISTRY_PASS"
clean_store
check "token: nobody pulls what is public" img pull -q "$REGISTRY/public/gzip"
clean_store
expect_status 4 "token: nobody pulls what is not" img pull -q "$REGISTRY/fx/gzip"
expect_status 4 "token: a wrong password" img pull -q --creds "$REGISTRY_USER:wrong" "$REGISTRY/fx/gzip"
check "token: --creds" img pull -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/fx/gzip"
tokens=$(grep -c 'scope=repository:fx/big:pull' "$TOKEN_LOG")
check "token: an image of several layers" img pull -q --creds "$REGISTRY_USER:$REGISTRY_PASS" "$REGISTRY/fx/big"
after=$(grep -c 'scope=repository:fx/big:pull' "$TOKEN_LOG")
expect_status 0 "token: one token for all of it" test $((after - tokens)) = 1
clean_store
check "token: login" sh -c "printf '%s\n' '$REGISTRY_PASS' | img login -u '$REGISTRY_USER' --password-stdin '$REGISTRY'"
check "token: login, then pull" img pull -q "$REGISTRY/fx/gzip"
refresh=$(sed -n 's/^refresh token //p' "$TOKEN_LOG")
mkdir -p identity
printf '{"auths":{"%s":{"auth":"%s","identitytoken":"%s"}}}' "$REGISTRY" \
	"$(printf '00000000-0000-0000-0000-000000000000:' | base64 -w 0)" "$refresh" >identity/auth.json
clean_store
check "token: an identity token" img pull -q --authfile identity/auth.json "$REGISTRY/fx/gzip"
expect_match 'grant=refresh_token' "token: its grant" cat "$TOKEN_LOG"
