# SPDX-License-Identifier: Apache-2.0
#
# img against a registry that lies in every field it can (tests/peers/hostile_table.py): one clear error
# and the right status each, in bounded memory and time, with nothing left behind, no credentials
# where they do not belong, and no byte of the peer's that a terminal obeys.
. "$IMG_ROOT/tests/flow/lib.sh"

PEERS=$IMG_ROOT/tests/peers
PYTHON="/usr/bin/python3 -B"
# What one command may take, whatever the registry sends. Sanitizers take many times as much of both.
BOUNDS=(--seconds 30 --kilobytes 64000)
case ${IMG_VARIANT-plain} in
plain) ;;
*) BOUNDS=(--seconds 150) ;;
esac

mkdir certs
start_bg registry.log $PYTHON "$PEERS/hostile_registry.py" --certs "$PWD/certs" \
	--log "$PWD/requests.log"
if ! wait_for_line registry.log '^ready' "$BG_PID" 20; then
	not_ok "the hostile registry starts"
	tail -n 5 registry.log | sed 's/^/#   /'
	exit 1
fi

# shellcheck disable=SC2086
$PYTHON "$PEERS/hostile_run.py" --registry registry.log --certs "$PWD/certs" "${BOUNDS[@]}" \
	${HOSTILE-} || not_ok "the table is run"
[ -z "${HOSTILE-}" ] || exit 0

# Over all of them: what was sent where.
expect_status 1 "no credentials at another origin" \
	grep -E '"port": "other".*"authorization": "[^"]' requests.log
expect_status 1 "no identity token at another origin" \
	grep -E '"port": "other".*hunter2' requests.log
expect_match '"port": "other"' "the other origin was asked" cat requests.log
expect_status 1 "a password goes where it is asked for" \
	grep -E '"path": "/v2/hostile/(good|redirect-loop|token)[^"]*".*"authorization": "Basic' requests.log
expect_status 1 "the registry itself says nothing of errors of its own" grep -q Traceback registry.log
