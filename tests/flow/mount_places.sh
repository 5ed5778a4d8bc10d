# SPDX-License-Identifier: Apache-2.0
#
# Stores on other file systems: what can't back a file mount (tmpfs, overlayfs) goes by loop devices
# or unpacked, ext4, xfs and btrfs by the files themselves. Hundreds of layers.
[ -n "${IMG_TEST_UNSHARED-}" ] || [ "$(id -u)" != 0 ] ||
	exec env IMG_TEST_UNSHARED=1 unshare -m --propagation private bash "$0" "$@"
. "$IMG_ROOT/tests/flow/lib.sh"
. "$IMG_ROOT/fixtures/lib.sh"

need_root
seal_machine
trap 'img umount --all --lazy >/dev/null 2>&1; cleanup' EXIT
LOOPS_BEFORE=$(grep -l -F "$IMG_TEST_DIR" /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l)

make_fixtures
start_registry plain
push_fixture mixed
push_fixture sparse
mkdir here

# A store in PLACE: each driver that can does, the first that can is DRIVER, roots when ROOTS.
try_place() { # NAME PLACE DRIVER ROOTS
	local name=$1 driver what
	export IMG_STORE=$2/store
	check "$name: pull" img pull -q "$REGISTRY/fx/mixed"
	img pull -q "$REGISTRY/fx/sparse" >/dev/null
	check "$name: mount" img mount -q --id auto --local "$REGISTRY/fx/mixed" here
	expect_tree "$name: the tree" "$FIXTURES/expect/mixed" here
	expect_match "^auto .* $3 +active" "$name: by $3" img mounts
	img umount -q --all
	for what in mixed sparse; do
		for driver in erofs loop unpacked; do
			run img mount -q --driver $driver --local "$REGISTRY/fx/$what" here
			if [ "$STATUS" = 0 ]; then
				expect_tree "$name: $what by $driver" "$FIXTURES/expect/$what" here
				img umount -q here
			else
				judge "$name: $driver can't" \
					"$([ $driver != "$3" ] && [ $driver != unpacked ] || echo "status $STATUS")"
			fi
		done
	done
	if [ "$4" = roots ]; then
		check "$name: a root" img mount -q --local --rw --id work "$REGISTRY/fx/mixed" here
		expect_tree "$name: its tree" "$FIXTURES/expect/mixed" here
		check "$name: is written" sh -c 'echo new >here/new && rm -r here/etc && mkdir here/etc'
		img umount -q here
		img mount -q --root work here
		expect_out new "$name: and kept" cat here/new
		expect_out '' "$name: and opaque" ls here/etc
	else
		expect_err 1 'overlay|upper' "$name: no roots" img mount --local --rw --id work "$REGISTRY/fx/mixed"
	fi
	img umount -q --all --remove
	expect_out '' "$name: nothing is left" sh -c "ls -A $IMG_STORE/mounts $IMG_STORE/roots | grep . | grep -v : || true"
	expect_out "$LOOPS_BEFORE" "$name: no loop device is left" \
		sh -c "grep -l -F '$IMG_TEST_DIR' /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l"
}

mkdir tmpfs
mount -t tmpfs -o size=256m none tmpfs && track_mount "$PWD/tmpfs"
# trusted.* is all that a root needs of the file system.
try_place tmpfs "$PWD/tmpfs" loop roots

mkdir lower upper work merged
if mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged 2>/dev/null; then
	track_mount "$PWD/merged"
	try_place overlayfs "$PWD/merged" loop -
else
	skip "a store on overlayfs" "no overlay mounts here"
fi

# The images of file systems are sparse files; 300 MB is the least that xfs takes.
for fs in ext4 xfs btrfs; do
	if ! command -v mkfs.$fs >/dev/null; then
		skip "a store on $fs" "no mkfs.$fs"
		continue
	fi
	truncate -s 320M $fs.image
	mkfs.$fs -q $fs.image >/dev/null 2>&1
	mkdir $fs
	if ! mount -o loop $fs.image $fs 2>/dev/null; then
		skip "a store on $fs" "the kernel does not know it"
		continue
	fi
	before=$LOOPS_BEFORE
	LOOPS_BEFORE=$((LOOPS_BEFORE + 1))
	try_place $fs "$PWD/$fs" erofs roots
	LOOPS_BEFORE=$before
	umount $fs
	rm $fs.image
done
export IMG_STORE=$IMG_TEST_DIR/store

# --- hundreds of layers --------------------------------------------------------------------------

# A layout of one small file a layer, each in a folder that all share.
$PYTHON - many 600 <<-'END'
	import gzip, hashlib, io, json, os, sys, tarfile
	out, count = sys.argv[1], int(sys.argv[2])
	os.makedirs(out + "/blobs/sha256")
	def put(data, media):
	    digest = hashlib.sha256(data).hexdigest()
	    open(f"{out}/blobs/sha256/{digest}", "wb").write(data)
	    return {"mediaType": media, "digest": "sha256:" + digest, "size": len(data)}
	layers, diffids = [], []
	for i in range(count):
	    raw = io.BytesIO()
	    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
	        for name, text in ((f"d/{i:03}", f"{i}\n"), ("same", f"{i}\n")):
	            info = tarfile.TarInfo(name)
	            info.size, info.mtime = len(text), 1700000000
	            tar.addfile(info, io.BytesIO(text.encode()))
	    diffids.append("sha256:" + hashlib.sha256(raw.getvalue()).hexdigest())
	    layers.append(put(gzip.compress(raw.getvalue(), mtime=0),
	                      "application/vnd.oci.image.layer.v1.tar+gzip"))
	config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
	    "rootfs": {"type": "layers", "diff_ids": diffids}}).encode(),
	    "application/vnd.oci.image.config.v1+json")
	manifest = put(json.dumps({"schemaVersion": 2,
	    "mediaType": "application/vnd.oci.image.manifest.v1+json",
	    "config": config, "layers": layers}).encode(), "application/vnd.oci.image.manifest.v1+json")
	json.dump({"schemaVersion": 2, "manifests": [dict(manifest,
	    annotations={"org.opencontainers.image.ref.name": "latest"})]}, open(out + "/index.json", "w"))
	json.dump({"imageLayoutVersion": "1.0.0"}, open(out + "/oci-layout", "w"))
END
DIGEST=$($PYTHON "$IMG_ROOT/fixtures/push.py" many "$REGISTRY/fx/many")
check "600 layers: pull" img pull -q "$REGISTRY/fx/many"
for how in "--driver erofs" "--driver loop" "--rw --id many"; do
	# shellcheck disable=SC2086
	check "600 layers: mount $how" img mount -q --local $how "$REGISTRY/fx/many" here || continue
	expect_out 600 "600 layers: $how: all are there" sh -c "cat here/d/* | sort -n | uniq | wc -l"
	expect_out 599 "600 layers: $how: the last wins" cat here/same
	check "600 layers: $how: umount" img umount -q --remove here
done
expect_out "$LOOPS_BEFORE" "600 layers: no loop device is left" \
	sh -c "grep -l -F '$IMG_TEST_DIR' /sys/block/loop*/loop/backing_file 2>/dev/null | wc -l"
