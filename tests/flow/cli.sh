# SPDX-License-Identifier: Apache-2.0
#
# The command line itself: help, mistakes and their exit statuses, stdout and stderr, names in the store, what a command loads and
# what it costs.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make_fixtures
start_registry plain
push_fixture gzip
R=$REGISTRY/fx/gzip

# Well when stdout is empty besides.
silent_err() { # STATUS REGEX NAME CMD...
	local name=$3
	expect_err "$@" && judge "$name: nothing on stdout" "$([ ! -s "$OUT" ] || echo "it prints something")"
}

# --- help ----------------------------------------------------------------------------------------

expect_match '^  pull  ' "help: overview" img --help
expect_match '^  pull  ' "help: as a command" img help
expect_match '^Usage: img pull ' "help: after the command" img pull --help
cp "$OUT" said
check "help: before the command" img -h pull
expect_same "$OUT" said "help: before the command is the same"
check "help: of a command" img help pull
expect_same "$OUT" said "help: of a command is the same"
expect_match '^  auth which' "help: a family" img auth --help
expect_match '^Usage: img auth which' "help: two words" img help auth which
expect_match '^\.TH IMG 1' "help: the manual" img help --man
expect_match '^complete .* img$' "help: the completion" img help --completion bash
silent_err 2 'only bash' "help: another shell" img help --completion tcsh
silent_err 2 'did you mean img help pull' "help: of a mistyped command" img help pul
expect_match '^img [0-9]+\.[0-9]+\.[0-9]+$' "version: a flag" img --version
expect_match '^SQLite +3\.' "version: a command" img version
check "version --json" sh -c "img version --json | $PYTHON -m json.tool"

# --- mistakes: status 2, before anything is done ----------------------------------------------------

silent_err 2 '^img: error: no command$' "no command" img
silent_err 2 '^img: hint: img --help' "no command: a hint" img
silent_err 2 'did you mean img images' "a mistyped command" img imagse
silent_err 2 'did you mean --platform' "a mistyped option" img pull --platfrom x "$R"
silent_err 2 'needs REF' "no operand" img pull
silent_err 2 'got also "b"' "an operand too many" img digest a b
silent_err 2 'none of auto' "a wrong choice" img --progress loud images
silent_err 2 'exclude each other' "--local and --remote" img inspect --local --remote "$R"
silent_err 2 'exclude each other' "--platform and --all-platforms" img pull --platform linux/amd64 --all-platforms "$R"
silent_err 2 '.' "not a reference" img pull 'UPPER/x:y:z'
silent_err 2 'did you mean localhost:5000/REPO' "a host for a reference" img pull localhost:5000
silent_err 2 'not a registry' "no host" img login myhost
silent_err 1 'in archives' "a place of a later day" img inspect oci-archive:file
silent_err 2 'the store is not a registry' "pull store:" img pull store:x
silent_err 2 'no field .Nope' "inspect --format: a wrong field" img inspect --format '{{.Nope}}' "$R"
silent_err 2 'can.t have a digest' "tag: a name with a digest" \
	img tag "$R" "x@sha256:$(printf '0%.0s' $(seq 64))"
expect_status 1 "none of these made a store" test -e "$IMG_STORE"

# --- an empty store --------------------------------------------------------------------------------

expect_out 'REPOSITORY  TAG  DIGEST  PLATFORMS  CREATED  SIZE' "images: nothing yet" img images
expect_out '' "images -q: nothing yet" img images -q
expect_out '' "images --json: nothing yet" img images --json
silent_err 3 'img: hint: img pull ' "inspect --local: not there" img inspect --local "$R"
silent_err 3 'not in the store' "inspect store:" img inspect "store:$R"
silent_err 3 '.' "rmi: not there" img rmi "$R"
silent_err 3 '.' "tag: not there" img tag "$R" b
expect_status 3 "inspect: not in the registry" img inspect "$REGISTRY/fx/none"
silent_err 1 '.' "pull: nobody listens" img pull --retry 0 127.0.0.1:1/x

# --- names -------------------------------------------------------------------------------------------

expect_out "$REGISTRY/fx/gzip@$DIGEST" "pull prints one line" img pull "$R"
expect_out "$REGISTRY/fx/gzip@$DIGEST
$REGISTRY/fx/gzip@$DIGEST" "pull of two names" img pull -q "$R" "docker://$R"
expect_status 3 "pull: one of two fails" img pull -q "$REGISTRY/fx/none" "$R"
cp "$OUT" said
expect_status 0 "pull: the other is pulled all the same" grep -q "@$DIGEST" said
check "pull --json" sh -c "img pull -q --json '$R' | $PYTHON -m json.tool"
check "tag" img tag "$R" local/app:1
expect_out "" "tag says nothing" img tag local/app:1 local/app:2
expect_out "local/app:1
local/app:2" "images -q: what other commands take" sh -c "img images -q | grep local/"
expect_out "local/app:2" "images: one tag" img images -q local/app:2
expect_out "local/app:1
local/app:2" "images: one repository" img images -q local/app
expect_match "^local/app +1 +$(echo "${DIGEST#sha256:}" | cut -c 1-12) +linux/" "images: a row" img images local/app
expect_match "$DIGEST" "images --digests" img images --digests local/app
check "inspect by -q" sh -c "img inspect --local \"\$(img images -q local/app:2)\""
expect_out "Untagged: docker.io/local/app:2@$DIGEST" "rmi says what it removed" img rmi local/app:2
expect_status 3 "rmi: one of two is not there" img rmi local/none local/app:1
cp "$OUT" said
expect_status 0 "rmi: the other is gone all the same" grep -q 'Untagged: docker.io/local/app:1@' said
expect_out '' "rmi: gone" img images -q local/app
expect_out "$DIGEST" "digest --local" img digest --local "$R"
expect_out "$REGISTRY/fx/gzip@$DIGEST" "digest --full-ref" img digest --full-ref "$R"

# --- one stream for the product, one for talk ---------------------------------------------------------

rm -rf "$IMG_STORE"
check "pull --progress json" img pull --progress json "$R"
cp "$ERR" said
expect_status 0 "progress json: each line is an object" $PYTHON -c '
import json, sys
kinds = {json.loads(line)["event"] for line in open(sys.argv[1])}
assert {"begin", "bytes", "end"} <= kinds, kinds' said
rm -rf "$IMG_STORE"
run img pull --progress plain "$R"
cp "$ERR" said
expect_status 0 "progress plain: lines" grep -qE '^[0-9a-f]{12}: (downloading|done)' said
expect_status 1 "progress plain: nothing else" grep -qvE '^([0-9a-f]{12}: |img: note: )' said
expect_status 1 "progress plain: no escapes" grep -q "$(printf '\033')" said
rm -rf "$IMG_STORE"
run img pull --progress none "$R"
judge "progress none" "$([ ! -s "$ERR" ] || echo "stderr is not empty")"
rm -rf "$IMG_STORE"
run img pull -q "$R"
judge "quiet" "$([ ! -s "$ERR" ] || echo "stderr is not empty")"

# Its reader has gone before it starts.
unread() { # CMD...
	$PYTHON -c '
import os, sys
there, here = os.pipe()
os.dup2(here, 1)
os.close(there)
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
expect_status 1 "a reader that left" unread img help --man
judge "a reader that left: no words" "$([ ! -s "$ERR" ] || echo "stderr is not empty")"
expect_status 1 "a reader that left: export" unread img export -q "$R"
judge "a reader that left: export: no words" "$([ ! -s "$ERR" ] || echo "stderr is not empty")"
expect_err 1 'standard output: Bad file' "no stdout" sh -c "img images >&-"
check "no stdin, no stderr" sh -c "img inspect --local '$R' <&- 2>&-"
check "no stderr: the store is whole" img images
expect_err 1 'standard output: No space' "a full disk for stdout" bash -c 'img help >/dev/full'
silent_err 2 'a terminal' "export to a terminal" $PYTHON -c '
import os, pty, sys
master, slave = pty.openpty()
os.set_inheritable(master, True)
os.dup2(slave, 1)
os.execvp("img", ["img", "export", sys.argv[1]])' "$R"
expect_err 1 'not empty' "unpack into what is not empty" img unpack "$R" .
check "export to a file" img export -q -o out.tar "$R"
check "export to a pipe" sh -c "img export -q '$R' | cmp - out.tar"
expect_err 3 'none/out.tar' "export: no such folder" img export -o none/out.tar "$R"
expect_status 1 "export: nothing left behind" sh -c 'ls -A | grep -q "\.tmp$"'

# --- what a command loads, and what it costs -------------------------------------------------------------

loads() { # REGEX CMD...; does the dynamic loader open such a library?
	local regex=$1
	shift
	LD_DEBUG=files "$@" 2>&1 >/dev/null | grep -qE "calling init: .*/($regex)"
}

for args in --version "help" "images" "inspect $R" "inspect --json $R" "inspect --raw $R" "tree $R" "layers $R" "tag $R a:1" \
	"unpack --local $R loaded" "export --local $R -o loaded.tar" "digest --local $R"; do
	# shellcheck disable=SC2086
	expect_status 1 "no network library: img ${args%% *}" loads 'libcurl|libarchive' img $args
done
expect_status 0 "a network library: img digest" loads 'libcurl' img digest "$R"

# Milliseconds of processor time a run, the best of five series of ten: what a quiet machine would say.
cost() { # CMD...
	$PYTHON - "$@" <<-'END'
		import resource, subprocess, sys
		def spent():
		    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
		    return usage.ru_utime + usage.ru_stime
		best = 1e9
		for series in range(5):
		    before = spent()
		    for i in range(10):
		        subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
		    best = min(best, spent() - before)
		print(f"{best * 100:.2f}")
	END
}
for args in --version images "inspect $R"; do
	# shellcheck disable=SC2086
	echo "#   img ${args%% *}: $(cost img $args) ms of processor time"
done
