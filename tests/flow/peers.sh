# SPDX-License-Identifier: Apache-2.0
#
# The same images through others: umoci's unpack and GNU tar's against ours, entry by entry. Where they part,
# the line of the specification that they leave is named here; everything else must agree.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
make_fixtures
start_registry plain

ours() { # NAME; unpacks into ours/NAME
	push_fixture "$1"
	img pull -q "$REGISTRY/fx/$1" >/dev/null 2>&1 && img unpack -q "$REGISTRY/fx/$1" "ours/$1" 2>"$ERR"
}

# --- umoci ---------------------------------------------------------------------------------------

# Not compared, because umoci refuses what it must accept: zstd* mixed (layer.md: +zstd SHOULD be
# supported), mislabelled and gzip-members (RFC 1952 2.2: members follow each other), docker*
# (image-layout of OCI types only), sha512 (descriptor.md: sha512 MAY be supported), dialect (a global pax
# header is refused; POSIX pax 'g'), sparse (layer.md: SHOULD NOT be used, but read by all others),
# replace (containerd#4659: a file of a lower layer as parent), names of an index (umoci wants a platform of its own).
mkdir ours umoci
compare_umoci() { # NAME FLAG...
	local name=$1
	shift
	ours "$name" || not_ok "$name: ours"
	check "umoci unpacks $name" umoci unpack --image "$FIXTURES/$name:latest" "umoci/$name" || return
	expect_tree "as umoci: $name" "umoci/$name/rootfs" "ours/$name" "$@"
	chmod -R u+rwx "umoci/$name"
	rm -rf "umoci/$name" "ours/$name"
}

for name in gzip plain hardlinks devices modes opaque-root empty-tar zero-layers shared-a big; do
	compare_umoci $name --no-dirtime
done
# Folders' times: it leaves those of folders that only gain or lose children at now (layer.md,
# Applying: attributes are replaced by entries only).
for name in whiteouts opaque times names breakouts; do
	compare_umoci $name --no-dirtime
done
# It keeps user.overlay.*, which would speak to a kernel overlay, and does not know LIBARCHIVE.xattr.
compare_umoci xattrs --no-dirtime --ignore overlay --ignore libarchive

# --- GNU tar -------------------------------------------------------------------------------------

# One-layer images: the layer itself, untarred. Not: modes (tar's umask and order are its own with
# closed folders), dialect (it applies a global header), names (it warns of what it strips), deep (it
# opens by whole paths, and these are longer than a path may be).
layer_of() { # NAME; path of its only layer's blob
	local digest
	digest=$(layer_digests "$1")
	echo "$FIXTURES/$1/blobs/${digest/://}"
}

mkdir tar
for name in gzip gzip-members plain devices sparse; do
	ours $name || not_ok "$name: ours"
	mkdir tar/$name
	case $name in
	plain) cat "$(layer_of $name)" ;;
	*) gzip -dc "$(layer_of $name)" ;;
	esac >layer.tar
	check "tar unpacks $name" tar --numeric-owner --xattrs --xattrs-include='*' -xpf layer.tar -C tar/$name
	expect_tree "as tar: $name" tar/$name ours/$name --no-dirtime
	rm -rf tar/$name ours/$name
done
