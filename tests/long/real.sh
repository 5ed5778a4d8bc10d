# SPDX-License-Identifier: Apache-2.0
#
# Real content, hundreds of megabytes and tens of thousands of files: the images of bench/ (debootstrap,
# Debian's packages, npm's), pulled from a real registry and unpacked, against umoci's unpack, entry by entry.
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
cache=${BENCH_CACHE:-$IMG_ROOT/build/bench}
check "the images are made" $PYTHON "$IMG_ROOT/bench/images.py" "$cache" || exit 0
start_registry plain

for name in node python; do
	skopeo copy -q --insecure-policy --dest-tls-verify=false "oci:$cache/$name:latest" \
		"docker://$REGISTRY/real/$name:latest" || not_ok "$name: skopeo pushes"
	check "$name: pull" img pull -q "$REGISTRY/real/$name"
	digest=$(sed -n 's/.*"digest": "\([^"]*\)".*/\1/p' "$cache/$name/index.json" | head -n 1)
	expect_out "$digest" "$name: digest" sh -c "img inspect --raw '$REGISTRY/real/$name' | sha256sum | sed 's/\([0-9a-f]*\).*/sha256:\1/'"
	check "$name: unpack" img unpack -q "$REGISTRY/real/$name" ours
	check "$name: umoci unpacks" umoci unpack --image "$cache/$name:latest" theirs
	# Times of folders that only gained or lost children are umoci's own.
	expect_tree "$name: the same tree" theirs/rootfs ours --no-dirtime
	check "$name: export" sh -c "img export '$REGISTRY/real/$name' | tar -tf - | wc -l >count"
	expect_status 0 "$name: export has every name" test "$(cat count)" = "$(find ours | wc -l)"
	rm -rf ours theirs
done
