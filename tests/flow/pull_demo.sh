# SPDX-License-Identifier: Apache-2.0
#
# `make demo` works, also twice, for an ordinary user, and when it is stopped; it leaves nothing behind
# (tests/run sees what is left running or in TMPDIR).
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

IMG_BIN=$(command -v img)
export IMG_BIN

expect_match 'Hello from inside|needs root' "demo" "$IMG_ROOT/tools/demo.sh"
expect_match 'Hello from inside|needs root' "demo: again" "$IMG_ROOT/tools/demo.sh"

start_bg stopped.log $PYTHON -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
os.execvp(sys.argv[1], sys.argv[1:])' "$IMG_ROOT/tools/demo.sh"
wait_for_line stopped.log '^== Pull it' "$BG_PID" 60 || not_ok "demo: it gets as far as the pull"
kill -INT -- "-$BG_PID"
wait "$BG_PID"
status=$?
expect_status 0 "demo: stopped by Ctrl-C" test $status = 130
expect_status 1 "demo: stopped, and nothing is left" sh -c "ls '$TMPDIR' | grep ."

if [ "$(id -u)" = 0 ]; then
	chmod 711 "$IMG_TEST_DIR" "$(dirname "$IMG_TEST_DIR")"
	mkdir user
	chown $TEST_UID:$TEST_UID user
	expect_match 'needs root' "demo: an ordinary user" as_user env TMPDIR="$PWD/user" "$IMG_ROOT/tools/demo.sh"
	expect_status 1 "demo: an ordinary user, and nothing is left" sh -c "ls user | grep ."
fi
