#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# `make demo`: makes a small real image with standard tools, serves it on loopback, and goes through what img
# does with it. Everything lives in a folder of its own, which is removed at the end, whatever happens.
set -eu
cd "$(dirname "$0")/.."

img=${IMG_BIN:-$PWD/build/bin/img}
work=$(mktemp -d "${TMPDIR:-/tmp}/img-demo.XXXXXX")
registry_pid=
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless

cleanup() {
	if [ -n "$registry_pid" ]; then
		kill "$registry_pid" 2>/dev/null || true
		wait "$registry_pid" 2>/dev/null || true
	fi
	# What is mounted goes before its folders do.
	[ "$(id -u)" != 0 ] || "$img" --store "$work/store" -q umount --all --remove --lazy >/dev/null 2>&1 || true
	chmod -R u+rwx "$work" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	printf '\n== %s\n' "$*"
}

show() { # CMD...; as the reader would type it, then what it prints
	printf '\n$ %s\n' "$*"
	"$@"
}

# The demo keeps its hands off the user's store and settings.
export IMG_STORE=$work/store HOME=$work/home
mkdir "$HOME"
PATH=$(dirname "$img"):$PATH
cd "$work"

say "Make an image of busybox with umoci: a layer of programs, one of settings,"
echo "   and one that takes a file of the first away."
mkdir -p programs/bin programs/tmp settings
chmod 1777 programs/tmp
cp "$(command -v busybox)" programs/bin/busybox
for applet in sh ls cat echo id wc uname; do
	ln -s busybox "programs/bin/$applet"
done
ln programs/bin/busybox programs/bin/again
echo "This file goes away in the third layer." >programs/secret
printf 'root:x:0:0:root:/:/bin/sh\n' >settings/passwd
printf 'Hello from inside the image.\n' >settings/motd
{
	umoci init --layout layout
	umoci new --image layout:box
	umoci insert $rootless --image layout:box --history.created_by "busybox and its names" programs /
	umoci insert $rootless --image layout:box --history.created_by "settings" settings /etc
	umoci insert $rootless --image layout:box --history.created_by "rm /secret" --whiteout /secret
	umoci config --image layout:box --config.cmd /bin/sh --config.env PATH=/bin \
		--config.label org.example.made-by=demo --author "make demo"
} >umoci.log 2>&1 || {
	cat umoci.log
	exit 1
}

say "Serve it: Debian's docker-registry on a free port of loopback."
cat >registry.yml <<-END
	version: 0.1
	storage:
	  filesystem:
	    rootdirectory: $work/registry
	http:
	  addr: 127.0.0.1:0
	  secret: demo
END
docker-registry serve registry.yml >registry.log 2>&1 &
registry_pid=$!
host=
for _ in $(seq 200); do
	host=$(sed -n 's/.*msg="listening on \([0-9.:]*\).*/\1/p' registry.log | head -n 1)
	[ -z "$host" ] || break
	kill -0 "$registry_pid" 2>/dev/null || break
	sleep 0.05
done
[ -n "$host" ] || {
	cat registry.log
	exit 1
}
skopeo copy -q --insecure-policy --dest-tls-verify=false --dest-no-creds oci:layout:box "docker://$host/demo/box:1"
echo "   It listens on $host and holds demo/box:1."

say "Pull it. Every byte is checked against its digest, and the layers are made ready in the same pass."
show img pull "$host/demo/box:1"
echo
echo "   Again: everything is there, so nothing is fetched."
show img pull "$host/demo/box:1"
show img images

say "What is it?"
show img inspect "$host/demo/box:1"

say "What hangs below its name?"
show img tree "$host/demo/box:1"

say "What did each layer do?"
show img layers "$host/demo/box:1"

say "The manifest, byte for byte: its SHA-256 is its digest."
printf '\n$ %s\n' "img inspect --raw $host/demo/box:1 | sha256sum"
img inspect --raw "$host/demo/box:1" | sha256sum
show img digest "$host/demo/box:1"

say "Unpack it: the three layers as one tree of plain files."
show img unpack "$host/demo/box:1" root
show ls -l root root/bin
if [ -e root/secret ]; then
	echo "demo: /secret should be gone" >&2
	exit 1
fi
echo
echo "   /secret is gone, as the third layer says."

if [ "$(id -u)" = 0 ]; then
	say "Run its shell, in a chroot."
	# shellcheck disable=SC2016 # for the shell in there
	show chroot root /bin/sh -c 'cat /etc/motd; echo "I am $(id -un), and I see: $(echo /*)"'
else
	say "Running its shell in a chroot needs root: left out."
fi

say "Look into it without unpacking: the merged tree, and which layer each name is from."
show img ls -l "$host/demo/box:1:/etc"
show img cat "$host/demo/box:1:/etc/motd"
show img find "$host/demo/box:1" -type f -size +1M

if [ "$(id -u)" = 0 ]; then
	mkdir mnt writable
	say "Mount it: a small metadata image over the layers as they are; nothing is unpacked."
	show img mount "$host/demo/box:1" mnt
	show ls mnt/etc
	say "A writable root on top of it, what changed there, and that as a new layer."
	show img mount --rw --id try "$host/demo/box:1" writable
	printf '\n$ %s\n' "echo 'Changed.' >writable/etc/motd; rm writable/etc/passwd"
	mountpoint -q writable || exit 1
	echo 'Changed.' >writable/etc/motd
	rm -f writable/etc/passwd
	show img changes try
	show img commit -m 'another greeting' try demo/changed:2
	printf '\n$ %s\n' "img diff --files $host/demo/box:1 demo/changed:2"
	img diff --files "$host/demo/box:1" demo/changed:2 || [ $? = 1 ]
	show img mounts
	show img umount --all --remove
else
	say "Mounting needs root, or a user namespace of your own: left out."
fi

say "Forget it, and free what nothing needs any more."
show img rmi "$host/demo/box:1"
show img gc
show img df

say "That was all. The registry is stopped, and $work is removed."
