# SPDX-License-Identifier: Apache-2.0
#
# img at a terminal: bars, colours, questions without echo, Ctrl-C.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry htpasswd
export TERM=xterm XDG_RUNTIME_DIR=$IMG_TEST_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"

tty() { # ARG of cli_tty.py...
	$PYTHON "$IMG_ROOT/tests/flow/cli_tty.py" "$@"
}

shows() { # REGEX NAME
	judge "$2" "$(grep -qaE -e "$1" said || echo "nothing like '$1' was shown")"
}

shows_not() { # REGEX NAME
	judge "$2" "$(! grep -qaE -e "$1" said || echo "'$1' was shown")"
}

# --- login -----------------------------------------------------------------------------------------

check "login: asks" tty --say 'Username: ' "$REGISTRY_USER\\n" --say 'Password: ' "$REGISTRY_PASS\\n" \
	-- img login "$REGISTRY"
cp "$OUT" said
shows 'Login Succeeded!' "login: succeeds"
shows '^status 0' "login: status"
shows '^echo on' "login: the terminal echoes again"
shows_not "pass: w" "login: the password is not shown"
check "login: was kept" sh -c "img auth which '$REGISTRY' | grep -q 'User: *$REGISTRY_USER'"
check "logout" img logout "$REGISTRY"

check "login: Ctrl-C at the password" tty --say 'Username: ' "$REGISTRY_USER\\n" --say 'Password: ' '\x03' \
	-- img login "$REGISTRY"
cp "$OUT" said
shows '^status 130' "login: Ctrl-C: status"
shows '^echo on' "login: Ctrl-C: the terminal echoes again"
shows 'interrupted' "login: Ctrl-C: says so"

expect_err 2 'no terminal to ask' "login: nobody to ask" setsid -w img login "$REGISTRY"
expect_err 2 'needs --username' "login: a password for nobody" sh -c "echo x | img login --password-stdin '$REGISTRY'"

# --- bars and colours --------------------------------------------------------------------------------

printf '%s\n' "$REGISTRY_PASS" | img login -u "$REGISTRY_USER" --password-stdin "$REGISTRY" >login.log 2>&1
stop_registry
start_registry plain
push_fixture big

check "pull at a terminal" tty --cols 90 -- img pull "$REGISTRY/fx/big"
cp "$OUT" said
shows '^status 0' "bars: status"
shows '[0-9a-f]{12} .* done' "bars: a layer is done"
shows 'total [0-9]+/[0-9]+' "bars: the total"
shows "$(printf '\033')\\[K" "bars: lines are redrawn"
check "bars: no line is wider than the terminal" $PYTHON -c '
import re, sys
text = open("said", "rb").read().decode()
for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9]*[A-Z]", "", text)):
    assert len(line) < 90 or "@sha256:" in line, line'

check "a dumb terminal" tty -- env TERM=dumb img pull "$REGISTRY/fx/big"
cp "$OUT" said
shows_not "$(printf '\033')" "a dumb terminal: nothing but text"
tty -- img inspect --local none/none >said
shows "$(printf '\033')\\[1;31merror" "colour: of an error"
tty -- env NO_COLOR=1 img inspect --local none/none >said
shows_not "$(printf '\033')" "colour: NO_COLOR"
tty -- img --no-color inspect --local none/none >said
shows_not "$(printf '\033')" "colour: --no-color"

# --- Ctrl-C ------------------------------------------------------------------------------------------

rm -rf "$IMG_STORE"
start_proxy --slow 300000
check "Ctrl-C in a pull" tty --say '[0-9.]+ .B / .* downloading' '\x03' -- img pull "$PROXY/fx/big"
cp "$OUT" said
shows '^status 130' "Ctrl-C: status"
shows 'error.* interrupted' "Ctrl-C: says so"
expect_out '' "Ctrl-C: no name" img images -q
