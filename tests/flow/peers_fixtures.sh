# SPDX-License-Identifier: Apache-2.0
#
# The fixtures and their tools: the same bytes on every run; the comparison sees what differs; the
# registry gives back what the pusher gave it.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

make="$PYTHON $IMG_ROOT/fixtures/make.py"
sums() { # DIR
	(cd "$1" && find . -type f ! -name version | LC_ALL=C sort | xargs sha256sum)
}

check "made" $make "$PWD/one"
check "made again, elsewhere" $make "$PWD/two"
sums one >one.sums
sums two >two.sums
expect_same one.sums two.sums "the same bytes on every run"
expect_status 0 "all of them" test "$(grep -c oci-layout one.sums)" -ge 35
rm -rf two

bad=0
for blob in one/*/blobs/*/*; do
	sum=$(basename "$(dirname "$blob")")sum
	[ "$($sum <"$blob" | cut -d ' ' -f 1)" = "${blob##*/}" ] || bad=$((bad + 1))
done
expect_status 0 "every blob is what it is called" test $bad = 0

# --- compressed streams are what their standards say ------------------------------------------------

for name in gzip gzip-members zstd zstd-frames; do
	for digest in $(FIXTURES=$PWD/one layer_digests $name); do
		check "$name: its tool reads it" "${name%-*}" -dc "one/$name/blobs/${digest/://}"
	done
done

# --- the comparison ------------------------------------------------------------------------------

compare="$PYTHON $IMG_ROOT/fixtures/listing.py compare"
same() { # makes DIR as it was
	rm -rf dir
	mkdir dir dir/sub
	echo a >dir/a
	ln dir/a dir/b
	ln -s a dir/link
	mkfifo dir/fifo
	touch -d @1000000000.5 dir/* dir/sub
	touch -h -d @1000000000.5 dir/link
	touch -d @1000000000 dir
}
same
$PYTHON "$IMG_ROOT/fixtures/listing.py" list dir >listing
check "no difference" $compare listing dir
differs() { # NAME WHAT COMMAND...
	local name=$1 what=$2
	shift 2
	same
	"$@"
	run $compare listing dir
	local why=
	[ "$STATUS" = 1 ] || why="status $STATUS"
	[ -n "$why" ] || grep -q "$what" "$OUT" || why="does not say $what"
	judge "a difference is seen: $name" "$why"
}
differs content sha256 sh -c 'echo b >dir/a; touch -d @1000000000.5 dir/a; touch -d @1000000000 dir'
differs mode mode chmod 600 dir/a
differs time mtime touch -d @1000000000.6 dir/sub
differs "time of a link" mtime touch -h -d @5 dir/link
differs target link sh -c 'ln -sfn b dir/link'
differs "a name more" 'is there' touch dir/c
differs "a name less" 'is missing' rm dir/fifo
differs "a link broken" same_as sh -c 'cp -p dir/a dir/c; mv dir/c dir/b'
differs kind kind sh -c 'rm dir/fifo; touch dir/fifo'
[ "$(id -u)" != 0 ] || differs owner uid chown 5 dir/a
[ "$(id -u)" != 0 ] || differs xattr xattrs $PYTHON -c 'import os; os.setxattr("dir/a", "trusted.x", b"1")'

# --- the pusher ----------------------------------------------------------------------------------

FIXTURES=$PWD/one
start_registry plain
push_fixture multi
expect_out "$DIGEST" "pushed byte for byte" sh -c \
	"curl -s -H 'Accept: application/vnd.oci.image.index.v1+json' http://$REGISTRY/v2/fx/multi/manifests/latest | sha256sum | sed 's/\([0-9a-f]*\).*/sha256:\1/'"
expect_match 'arm64' "skopeo takes it" skopeo inspect --raw --tls-verify=false "docker://$REGISTRY/fx/multi"
