# SPDX-License-Identifier: Apache-2.0
"""Small images in memory, made from nothing but the standard library."""
import gzip
import hashlib
import io
import json
import platform
import tarfile
import zlib

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_PLAIN = "application/vnd.oci.image.layer.v1.tar"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def make_tar(files):
    """{name: bytes} as ustar, the same bytes each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o644
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data, 6, mtime=0)


def gzipped_zeros(head, zeros, tail=b""):
    """gzip of head, so many zero bytes, tail, without holding the zeros at once; and its sha256."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    hash_ = hashlib.sha256(head)
    parts = [packer.compress(head)]
    block = bytes(1 << 20)
    for _ in range(zeros >> 20):
        parts.append(packer.compress(block))
        hash_.update(block)
    parts += [packer.compress(tail), packer.flush()]
    hash_.update(tail)
    return b"".join(parts), f"sha256:{hash_.hexdigest()}"


def zstd_stored(data, window_log=17):
    """A zstd frame of raw blocks: valid, not smaller. RFC 8878."""
    out = [b"\x28\xb5\x2f\xfd", b"\x00", bytes([(window_log - 10) << 3])]
    blocks = [data[i:i + 65536] for i in range(0, len(data), 65536)] or [b""]
    for i, block in enumerate(blocks):
        out.append((len(block) << 3 | (i == len(blocks) - 1)).to_bytes(3, "little") + block)
    return b"".join(out)


def filler(count, seed=7):
    """Bytes that do not compress, the same each time."""
    out, state = bytearray(), hashlib.sha256(str(seed).encode()).digest()
    while len(out) < count:
        out += state
        state = hashlib.sha256(state).digest()
    return bytes(out[:count])


class Layer:
    def __init__(self, raw, blob=None, media_type=LAYER, diff_id=None):
        self.raw = raw
        self.blob = gzipped(raw) if blob is None else blob
        self.media_type = media_type
        self.diff_id = diff_id or digest_of(raw)
        self.size = len(self.blob)
        self.digest = digest_of(self.blob)

    def descriptor(self):
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class Image:
    """Layers, config and manifest; `config` and `manifest` may be changed before they are sealed."""

    def __init__(self, *layers):
        self.layers = list(layers) or [Layer(make_tar({"etc/os": b"test\n", "data": filler(20000)}))]
        self.config = {
            "architecture": ARCHITECTURE, "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [x.diff_id for x in self.layers]}}
        self.manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": None,
                         "layers": [x.descriptor() for x in self.layers]}
        self.config_bytes = None
        self.manifest_bytes = None

    def seal(self):
        """Makes config and manifest bytes, unless they were set by hand."""
        if self.config_bytes is None:
            self.config_bytes = to_json(self.config)
        if self.manifest["config"] is None:
            self.manifest["config"] = {"mediaType": CONFIG, "digest": digest_of(self.config_bytes),
                                       "size": len(self.config_bytes)}
        if self.manifest_bytes is None:
            self.manifest_bytes = to_json(self.manifest)
        return self

    @property
    def digest(self):
        return digest_of(self.manifest_bytes)

    def descriptor(self):
        return {"mediaType": MANIFEST, "digest": self.digest, "size": len(self.manifest_bytes),
                "platform": {"os": "linux", "architecture": ARCHITECTURE}}

    def blobs(self):
        found = {x.digest: x.blob for x in self.layers}
        found[digest_of(self.config_bytes)] = self.config_bytes
        return found


def make_index(*descriptors):
    return to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(descriptors)})
