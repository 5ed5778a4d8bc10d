# SPDX-License-Identifier: Apache-2.0
#
# img unpack --bundle: config.json by the image-spec's conversion rules (conversion.md), beside umoci's, and
# run by a real runtime where the machine lets it.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain

ask() { # FILE EXPRESSION over d
	$PYTHON -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

expect_ask() { # VALUE NAME EXPRESSION; of bundle/config.json
	expect_out "$1" "$2" ask bundle/config.json "$3"
}

push_fixture config
img pull -q "$REGISTRY/fx/config" >/dev/null 2>&1 || not_ok "pull"
check "bundle" img unpack -q --bundle "$REGISTRY/fx/config" bundle
expect_tree "bundle: the root" "$FIXTURES/expect/config" bundle/rootfs
expect_ask "['/bin/tool', '--flag', 'one', 'two words', '']" "args are entrypoint and cmd" 'd["process"]["args"]'
expect_ask "/home/app" "cwd is the working folder" 'd["process"]["cwd"]'
expect_ask "1000" "user: uid from passwd" 'd["process"]["user"]["uid"]'
expect_ask "1001" "user: gid from group" 'd["process"]["user"]["gid"]'
expect_ask "True" "env: as it is, in order" '[e for e in d["process"]["env"] if e.split("=")[0] in ("PATH", "EMPTY", "A", "U")] == ["PATH=/opt/bin:/bin", "EMPTY=", "A=b=c", "U=ü"]'
expect_ask "1" "annotations: label" 'd["annotations"]["org.example.a"]'
expect_ask "label" "annotations: a label beats what is generated" 'd["annotations"]["org.opencontainers.image.author"]'
expect_ask "linux" "annotations: os" 'd["annotations"]["org.opencontainers.image.os"]'
expect_ask "amd64" "annotations: architecture" 'd["annotations"]["org.opencontainers.image.architecture"]'
expect_ask "SIGQUIT" "annotations: stop signal" 'd["annotations"]["org.opencontainers.image.stopSignal"]'
expect_ask "['53/udp', '80/tcp', '9']" "annotations: exposed ports" 'sorted(d["annotations"]["org.opencontainers.image.exposedPorts"].split(","))'
expect_ask "2024-02-29T12:34:56.789Z" "annotations: created" 'd["annotations"]["org.opencontainers.image.created"]'
expect_ask "Somebody <s@example.org>" "annotations: author, unless a label says it" 'd["annotations"].get("org.opencontainers.image.authors", "Somebody <s@example.org>")'
expect_ask "rootfs" "root" 'd["root"]["path"]'
expect_ask "True" "volumes are mounts, cleaned" '{"/data", "/var/lib"} <= {m["destination"] for m in d["mounts"]}'
expect_ask "True" "proc, sys and dev are there" '{"/proc", "/sys", "/dev"} <= {m["destination"] for m in d["mounts"]}'
expect_ask "True" "namespaces" '{"pid", "mount", "ipc", "uts"} <= {n["type"] for n in d["linux"]["namespaces"]}'
expect_ask "1" "oci version" 'd["ociVersion"].split(".")[0]'

# --- beside umoci's ------------------------------------------------------------------------------

push_fixture gzip
img pull -q "$REGISTRY/fx/gzip" >/dev/null 2>&1
check "bundle: a plain image" img unpack -q --bundle "$REGISTRY/fx/gzip" ours
umoci unpack --image "$FIXTURES/gzip:latest" theirs >/dev/null 2>&1
check "as umoci: process, root, mounts" $PYTHON -c '
import json, sys
ours, theirs = (json.load(open(p)) for p in sys.argv[1:])
for key in ("args", "cwd", "user", "noNewPrivileges"):
    assert ours["process"].get(key) == theirs["process"].get(key), (key, ours["process"].get(key), theirs["process"].get(key))
def names(env): return {e.split("=")[0] for e in env}
assert "PATH" in names(ours["process"]["env"]), ours["process"]["env"]
assert ours["root"]["path"] == theirs["root"]["path"]
assert not ours["root"].get("readonly")
lacking = {m["destination"] for m in theirs["mounts"]} - {m["destination"] for m in ours["mounts"]}
# Host files bound into a container are a choice of umoci that no specification asks for.
assert lacking <= {"/etc/resolv.conf", "/sys/fs/cgroup"}, lacking
' ours/config.json theirs/config.json

# --- what must not become root -------------------------------------------------------------------

# Makes an image like gzip with this config, in the registry.
with_config() { # REPO CONFIG-JSON
	$PYTHON - "$IMG_ROOT/fixtures" "$1.layout" "$2" <<-'END'
		import json, sys
		sys.path.insert(0, sys.argv[1])
		sys.dont_write_bytecode = True
		from images import base
		from layout import Layer, Layout
		layout = Layout(sys.argv[2])
		layout.top(layout.image([Layer(base())], config={"config": json.loads(sys.argv[3])}))
		layout.finish()
	END
	$PYTHON "$IMG_ROOT/fixtures/push.py" "$PWD/$1.layout" "$REGISTRY/fx/$1" >/dev/null &&
		img pull -q "$REGISTRY/fx/$1" >/dev/null 2>&1
}

refused() { # CMD...
	! "$@" && grep -q '^img: error: config.User: ' "$ERR"
}

n=0
for user in 4294967296 -1 0x0 nobody-there app:nobody-there 18446744073709551616 1e3; do
	n=$((n + 1))
	with_config "user$n" "{\"User\": \"$user\"}"
	check "user $user is refused" refused img unpack -q --bundle "$REGISTRY/fx/user$n" "user$n"
done
n=0
while read -r user uid gid more; do
	n=$((n + 1))
	with_config "good$n" "{\"User\": \"$user\"}"
	check "user $user" img unpack -q --bundle "$REGISTRY/fx/good$n" "good$n"
	expect_out "$uid $gid $more" "user $user: ids" ask "good$n/config.json" \
		'"%d %d %s" % (d["process"]["user"]["uid"], d["process"]["user"]["gid"], ",".join(map(str, d["process"]["user"].get("additionalGids", []))) or "-")'
done <<-'END'
	app 1000 1000 1001
	1000 1000 1000 1001
	app:0 1000 0 -
	77:88 77 88 -
	0:app 0 1000 -
	4242 4242 0 -
END
with_config bare '{"Cmd": null}'
check "no command at all" img unpack -q --bundle "$REGISTRY/fx/bare" bare
with_config workdir '{"Cmd": ["/bin/sh"], "WorkingDir": "../../new/dir"}'
check "a working folder that climbs" img unpack -q --bundle "$REGISTRY/fx/workdir" workdir
expect_out "/new/dir" "a working folder that climbs is in the root" ask workdir/config.json 'd["process"]["cwd"]'

# --- run -----------------------------------------------------------------------------------------

if ! command -v runc >/dev/null; then
	skip "runc runs the bundle" "no runc here"
	exit 0
fi
mkdir -p box/bin
cp "$(command -v busybox)" box/bin/busybox
$PYTHON - "$IMG_ROOT/fixtures" box.layout <<'END'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from images import base, d, f, sym
from layout import Layer, Layout
with open("box/bin/busybox", "rb") as g:
    entries = base() + [f("bin/busybox", g.read(), mode=0o755), sym("bin/sh", "busybox"), d("proc/"), d("dev/"), d("sys/")]
layout = Layout(sys.argv[2])
layout.top(layout.image([Layer(entries)], config={"config": {
    "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo hello from $(id -u):$(id -g) in $(pwd) with $WORD"],
    "User": "app", "WorkingDir": "/home/app", "Env": ["PATH=/bin", "WORD=word"]}}))
layout.finish()
END
$PYTHON "$IMG_ROOT/fixtures/push.py" "$PWD/box.layout" "$REGISTRY/fx/box" >/dev/null
img pull -q "$REGISTRY/fx/box" >/dev/null 2>&1
check "a bundle to run" img unpack -q --bundle "$REGISTRY/fx/box" run
# A terminal is the caller's to give.
$PYTHON - run/config.json <<'END'
import json, sys
with open(sys.argv[1]) as f:
    d = json.load(f)
d["process"]["terminal"] = False
with open(sys.argv[1], "w") as f:
    json.dump(d, f)
END
id=img-test-$$
run runc --root "$PWD/runc" run --bundle run "$id"
if [ "$STATUS" != 0 ] && grep -qiE 'cgroup|permission|not permitted' "$ERR"; then
	skip "runc runs the bundle" "$(head -n 1 "$ERR" | cut -c 1-150)"
else
	judge "runc runs the bundle" "$([ "$STATUS" = 0 ] || echo "status $STATUS")"
	cp "$OUT" said
	expect_out "hello from 1000:1000 in /home/app with word" "runc: who and where" cat said
fi
runc --root "$PWD/runc" delete -f "$id" >/dev/null 2>&1
exit 0
