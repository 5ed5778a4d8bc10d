# SPDX-License-Identifier: Apache-2.0
#
# Real images mounted: the images of bench/ (debootstrap, compilers, tens of thousands of npm's files) and images of
# 100 and 600 layers, against podman's mount and umoci's unpack, entry by entry with all metadata.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
cache=${BENCH_CACHE:-$IMG_ROOT/build/bench}
check "the images are made" $PYTHON "$IMG_ROOT/bench/images.py" "$cache" || exit 0
start_registry plain

podman_() {
	podman --root "$PWD/podman" --runroot "$PWD/podman.run" --storage-driver overlay \
		--storage-opt overlay.mountopt=nodev "$@"
}

end_podman() {
	podman_ image umount --all --force >/dev/null 2>&1
	umount -R -q "$PWD/podman/overlay"
	rm -rf podman podman.run
}

push() { # LAYOUT REF
	skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$1:latest" "docker://$2" ||
		not_ok "$2: skopeo pushes"
}

# Mounts, read-only and writable, and compares with DIR.
expect_mounts() { # NAME REF DIR FLAG...
	local name=$1 ref=$2 dir=$3
	shift 3
	check "$name: mount" img mount -q "$ref"
	ours=$(cat "$OUT")
	expect_tree "$name: the mount is the image" "$dir" "$ours" "$@"
	expect_status 0 "$name: diff -r" diff -r --no-dereference "$dir" "$ours"
	check "$name: mount --rw" img mount -q --rw "$ref"
	expect_tree "$name: the writable root too" "$dir" "$(cat "$OUT")" "$@"
	check "$name: umount" img umount --all --remove
}

had_lock=$(ls /dev/shm/libpod_lock 2>/dev/null)
for name in node python; do
	ref=$REGISTRY/real/$name:latest
	push "$cache/$name" "$ref"
	check "$name: pull" img pull -q "$ref"
	check "$name: umoci unpacks" umoci unpack --image "$cache/$name:latest" theirs
	# Times of folders that only gained or lost children are umoci's own.
	expect_mounts "$name, umoci" "$ref" theirs/rootfs --no-dirtime
	rm -rf theirs
	check "$name: podman pulls" podman_ pull -q --tls-verify=false "$ref"
	check "$name: podman mounts" podman_ image mount "$ref"
	# podman gives the root itself 0555.
	expect_mounts "$name, podman" "$ref" "$(cat "$OUT")" --no-dirtime --ignore ''
	end_podman
	check "$name: gc" sh -c "img rmi '$ref' && img gc -q"
done
[ -n "$had_lock" ] || rm -f /dev/shm/libpod_lock

for layers in 100 600; do
	ref=$REGISTRY/real/layers$layers:latest
	$PYTHON "$IMG_ROOT/tests/long/layers.py" $layers "$PWD/layout$layers" || not_ok "$layers layers: made"
	push "$PWD/layout$layers" "$ref"
	check "$layers layers: pull" img pull -q "$ref"
	check "$layers layers: umoci unpacks" umoci unpack --image "$PWD/layout$layers:latest" theirs
	expect_mounts "$layers layers" "$ref" theirs/rootfs --no-dirtime
	rm -rf theirs
done
