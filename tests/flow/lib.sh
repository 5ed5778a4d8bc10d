# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every flow test starts with: `. "$IMG_ROOT/tests/flow/lib.sh"`.
#
# A flow test is a bash script that uses the programs as a user would. tests/run gives it
# IMG_TEST_DIR (its own, empty, removed afterwards), TMPDIR (must be empty at the end), IMG_STORE (below
# IMG_TEST_DIR), HOME, and a PATH that begins with the programs under test. It prints one line a
# case: `ok NAME`, `not ok NAME: why`, `skip NAME: why`.
#
# Cases:        ok not_ok skip check expect_status expect_out expect_match expect_err expect_same
# Processes:    start_bg stop_bg
# Mounts:       track_mount
# Registries:   start_registry stop_registry registry_requests

set -u
: "${IMG_ROOT:?run this with tests/run}" "${IMG_TEST_DIR:?run this with tests/run}"
cd "$IMG_TEST_DIR" || exit 2

# What the last case ran wrote.
OUT=$IMG_TEST_DIR/.out
ERR=$IMG_TEST_DIR/.err

# --- cases ---------------------------------------------------------------------------------------

ok() { # NAME
	echo "ok $1"
}

not_ok() { # NAME WHY
	echo "not ok $1: ${2-failed}"
	return 1
}

skip() { # NAME WHY
	echo "skip $1: $2"
}

show_output() { # of the last command, as remarks under a failed case
	head -c 4000 "$OUT" | head -n 15 | sed 's/^/#   out: /'
	head -c 4000 "$ERR" | tail -n 15 | sed 's/^/#   err: /'
}

run() { # CMD...; leaves $OUT, $ERR, and the status in $STATUS
	STATUS=0
	"$@" >"$OUT" 2>"$ERR" </dev/null || STATUS=$?
}

judge() { # NAME WHY; an empty WHY means it is well
	if [ -z "$2" ]; then
		ok "$1"
	else
		echo "not ok $1: $2"
		show_output
		return 1
	fi
}

# Well when the command succeeds.
check() { # NAME CMD...
	local name=$1
	shift
	run "$@"
	judge "$name" "$([ "$STATUS" = 0 ] || echo "status $STATUS")"
}

# Well when it ends with this status.
expect_status() { # STATUS NAME CMD...
	local want=$1 name=$2
	shift 2
	run "$@"
	judge "$name" "$([ "$STATUS" = "$want" ] || echo "status $STATUS, not $want")"
}

# Well when it succeeds and prints exactly this (a last newline apart).
expect_out() { # TEXT NAME CMD...
	local want=$1 name=$2 why=
	shift 2
	run "$@"
	if [ "$STATUS" != 0 ]; then
		why="status $STATUS"
	elif [ "$(cat "$OUT")" != "$want" ]; then
		why="does not print '$want'"
	fi
	judge "$name" "$why"
}

# Well when it succeeds and a line of its output matches.
expect_match() { # REGEX NAME CMD...
	local want=$1 name=$2 why=
	shift 2
	run "$@"
	if [ "$STATUS" != 0 ]; then
		why="status $STATUS"
	elif ! grep -qE -e "$want" "$OUT"; then
		why="no line of it matches '$want'"
	fi
	judge "$name" "$why"
}

# Well when it ends with this status and a line of its errors matches.
expect_err() { # STATUS REGEX NAME CMD...
	local want=$1 match=$2 name=$3 why=
	shift 3
	run "$@"
	if [ "$STATUS" != "$want" ]; then
		why="status $STATUS, not $want"
	elif ! grep -qE -e "$match" "$ERR"; then
		why="no line of its errors matches '$match'"
	fi
	judge "$name" "$why"
}

# Well when two files hold the same.
expect_same() { # FILE FILE NAME
	if cmp -s "$1" "$2"; then
		ok "$3"
	else
		echo "not ok $3: $1 and $2 differ"
		diff -a "$1" "$2" | head -n 20 | cut -c 1-200 | sed 's/^/#   /'
		return 1
	fi
}

# For tests that need what not every machine has. Ends the script.
need_root() {
	[ "$(id -u)" = 0 ] && return
	skip "${0##*/}" "needs root"
	exit 0
}

# For root tests that write below mounts, in a mount namespace of their own: all of "/" is read-only
# but the test's folders and the fixtures, so that a wrong name can't harm the machine. Ends the
# script when that can't be had.
seal_machine() {
	local dir
	for dir in "$IMG_TEST_DIR" "${TMPDIR:?}" "$IMG_ROOT/build"; do
		mount --bind "$dir" "$dir" || exit 1
	done
	mount -o remount,bind,ro / || exit 1
	cd "$IMG_TEST_DIR" || exit 1
	if touch /.sealed 2>/dev/null; then
		not_ok "the machine is sealed" "/ can be written to"
		exit 1
	fi
}

# --- processes and mounts, undone at the end ------------------------------------------------------

BACKGROUND=()
MOUNTED=()

start_bg() { # LOG CMD...; its pid in $BG_PID
	local log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null &
	BG_PID=$!
	BACKGROUND+=("$BG_PID")
}

stop_bg() { # PID
	local pid=$1 kept=() p
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	for p in "${BACKGROUND[@]}"; do
		[ "$p" = "$pid" ] || kept+=("$p")
	done
	BACKGROUND=("${kept[@]}")
}

track_mount() { # DIR; unmounted at the end if it still is mounted
	MOUNTED+=("$1")
}

cleanup() {
	local i
	for i in "${BACKGROUND[@]}"; do
		kill "$i" 2>/dev/null
	done
	for i in "${BACKGROUND[@]}"; do
		wait "$i" 2>/dev/null
	done
	for ((i = ${#MOUNTED[@]} - 1; i >= 0; i--)); do
		mountpoint -q "${MOUNTED[i]}" && umount "${MOUNTED[i]}"
	done
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Until a line of the file matches or the process is gone: polls, up to SECONDS.
wait_for_line() { # FILE REGEX PID SECONDS
	local until=$((SECONDS + $4))
	while ! grep -qE "$2" "$1" 2>/dev/null; do
		if ! kill -0 "$3" 2>/dev/null || [ $SECONDS -ge $until ]; then
			return 1
		fi
		sleep 0.02
	done
}

# --- registries -----------------------------------------------------------------------------------

# Debian's docker-registry on a free port of loopback. Each word adds something:
#   plain      nothing
#   tls        TLS, a certificate for 127.0.0.1 and localhost from a CA of its own ($REGISTRY_CA)
#   mtls       tls, and clients need a certificate of that CA ($REGISTRY_CLIENT_CERT, _KEY)
#   htpasswd   basic authentication of $REGISTRY_USER with $REGISTRY_PASS
#   token      bearer tokens of a server of ours ($TOKEN_URL, requests in $TOKEN_LOG): that user
#              may do anything, nobody may pull what is below public/
#   readonly   refuses to be written to
# and DIR=FOLDER keeps its storage there (to start it again, or another before it).
# Sets REGISTRY (host:port), REGISTRY_PID, REGISTRY_DIR, REGISTRY_LOG, REGISTRY_ROOT (storage).
start_registry() { # WORD...
	local word tls= mtls= auth= readonly=false storage=
	for word in "$@"; do
		case $word in
		plain) ;;
		tls) tls=1 ;;
		mtls) tls=1 mtls=1 ;;
		htpasswd | token) auth=$word ;;
		readonly) readonly=true ;;
		DIR=*) storage=${word#DIR=} ;;
		*)
			echo "start_registry: $word?" >&2
			exit 2
			;;
		esac
	done
	REGISTRY_USER=testuser
	REGISTRY_PASS='pass: wörd'
	REGISTRY_DIR=$(mktemp -d "$IMG_TEST_DIR/registry.XXXXXX") || exit 2
	REGISTRY_LOG=$REGISTRY_DIR/log
	REGISTRY_ROOT=${storage:-$REGISTRY_DIR/storage}
	mkdir -p "$REGISTRY_ROOT"
	[ -z "$tls" ] || make_certificates "$REGISTRY_DIR"
	[ "$auth" != token ] || start_token_server "$REGISTRY_DIR"
	registry_config "$tls" "$mtls" "$auth" "$readonly" >"$REGISTRY_DIR/config.yml"

	start_bg "$REGISTRY_LOG" docker-registry serve "$REGISTRY_DIR/config.yml"
	REGISTRY_PID=$BG_PID
	if ! wait_for_line "$REGISTRY_LOG" 'msg="listening on ' "$REGISTRY_PID" 20; then
		echo "not ok start_registry: docker-registry does not start"
		tail -n 5 "$REGISTRY_LOG" | sed 's/^/#   /'
		exit 1
	fi
	# The kernel chose the port; the registry says which.
	REGISTRY=$(sed -n 's/.*msg="listening on \([0-9.:]*\).*/\1/p' "$REGISTRY_LOG" | head -n 1)
}

stop_registry() {
	stop_bg "$REGISTRY_PID"
}

# How many requests the registry answered whose log line matches.
registry_requests() { # REGEX, such as '"GET /v2/a/blobs/'
	grep -E '^[0-9.]+ - ' "$REGISTRY_LOG" | grep -cE -e "$1"
}

registry_config() { # TLS MTLS AUTH READONLY
	cat <<-END
		version: 0.1
		log:
		  level: info
		storage:
		  filesystem:
		    rootdirectory: $REGISTRY_ROOT
		  delete:
		    enabled: true
		  maintenance:
		    readonly:
		      enabled: $4
		    uploadpurging:
		      enabled: false
		http:
		  addr: 127.0.0.1:0
		  secret: of-a-test
	END
	[ -z "$1" ] || cat <<-END
		  tls:
		    certificate: $REGISTRY_DIR/server.crt
		    key: $REGISTRY_DIR/server.key
	END
	[ -z "$2" ] || cat <<-END
		    clientcas: [$REGISTRY_DIR/ca.crt]
	END
	case $3 in
	htpasswd)
		make_htpasswd "$REGISTRY_USER" "$REGISTRY_PASS" >"$REGISTRY_DIR/htpasswd"
		cat <<-END
			auth:
			  htpasswd:
			    realm: test
			    path: $REGISTRY_DIR/htpasswd
		END
		;;
	token)
		cat <<-END
			auth:
			  token:
			    realm: $TOKEN_URL
			    service: test-registry
			    issuer: test-issuer
			    rootcertbundle: $REGISTRY_DIR/token.crt
		END
		;;
	esac
}

make_htpasswd() { # USER PASSWORD; bcrypt, the only kind the registry takes
	/usr/bin/python3 -W ignore - "$1" "$2" <<-'END'
		import crypt, sys
		salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)
		print(f"{sys.argv[1]}:{crypt.crypt(sys.argv[2], salt)}")
	END
}

# A CA, a server's certificate for loopback, a client's; all good for two days.
make_certificates() { # DIR
	local d=$1 who
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
			-subj '/CN=test CA' -keyout "$d/ca.key" -out "$d/ca.crt"
		for who in server client; do
			openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
				-subj "/CN=test $who" -keyout "$d/$who.key" -out "$d/$who.csr"
			openssl x509 -req -days 2 -in "$d/$who.csr" -CA "$d/ca.crt" \
				-CAkey "$d/ca.key" -CAcreateserial -out "$d/$who.crt" \
				-extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost")
		done
	} >"$d/openssl.log" 2>&1 || {
		echo "not ok make_certificates: openssl failed"
		tail -n 5 "$d/openssl.log" | sed 's/^/#   /'
		exit 1
	}
	REGISTRY_CA=$d/ca.crt
	REGISTRY_CLIENT_CERT=$d/client.crt
	REGISTRY_CLIENT_KEY=$d/client.key
}

start_token_server() { # DIR
	local d=$1
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test tokens' \
		-keyout "$d/token.key" -out "$d/token.crt" >"$d/openssl.log" 2>&1
	TOKEN_LOG=$d/token.log
	start_bg "$TOKEN_LOG" /usr/bin/python3 "$IMG_ROOT/tests/flow/token_server.py" \
		--key "$d/token.key" --cert "$d/token.crt" --user "$REGISTRY_USER" \
		--password "$REGISTRY_PASS"
	TOKEN_PID=$BG_PID
	if ! wait_for_line "$TOKEN_LOG" '^listening on ' "$TOKEN_PID" 20; then
		echo "not ok start_token_server: does not start"
		tail -n 5 "$TOKEN_LOG" | sed 's/^/#   /'
		exit 1
	fi
	TOKEN_URL=$(sed -n 's/^listening on //p' "$TOKEN_LOG" | head -n 1)
}
