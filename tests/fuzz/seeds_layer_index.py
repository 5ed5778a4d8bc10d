# SPDX-License-Identifier: Apache-2.0
"""Layer indexes, made by a second writer of the format in layers/index.h."""
import struct

START, FACTOR, MASK = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, (1 << 64) - 1


def checksum(total, data):
    for (word,) in struct.iter_unpack("<Q", data):
        total = (total ^ word) * FACTOR & MASK
        total = (total << 29 | total >> 35) & MASK
    return total


class Index:
    def __init__(self):
        self.heap, self.entries = bytearray(b"\0"), b""

    def text(self, data):
        at = len(self.heap)
        self.heap += data + b"\0"
        return at if data else 0

    def extra(self, uid, gid, stored, runs=(), xattrs=()):
        listed = [(self.text(k), len(k), self.text(v), len(v)) for k, v in xattrs]
        self.heap += b"\0" * (-len(self.heap) % 8)
        at = len(self.heap)
        self.heap += struct.pack("<qqQII", uid, gid, stored, len(runs), len(xattrs))
        for run in runs:
            self.heap += struct.pack("<QQQ", *run)
        for x in listed:
            self.heap += struct.pack("<IIII", *x)
        return at

    def add(self, name, kind=b"0", link=b"", size=0, at=512, extra=0, sparse=0):
        self.entries += struct.pack("<IIQQqIIIIIHBB", self.text(name), self.text(link), size, at,
                                    1000, 5, 1, 0, 0, extra, 0o644, kind[0], sparse)

    def done(self, tar_bytes=10240, version=1):
        self.heap += b"\0"
        self.heap += b"\0" * (-len(self.heap) % 8)
        body = bytes(self.heap) + self.entries
        head = struct.pack("<8sIIQQQ", b"IMGLIDX", version, 56, tar_bytes, len(self.heap),
                           len(self.entries) // 56)
        return head + struct.pack("<Q", checksum(checksum(START, body), head)) + body


def seeds():
    yield "empty", Index().done()
    index = Index()
    index.add(b"etc/", b"5")
    index.add(b"etc/passwd", size=100, at=1024)
    index.add(b"l", b"2", b"etc", at=2048)
    index.add(b"h", b"1", b"etc/passwd", at=2560)
    index.add(b"c", b"3", size=1 << 32 | 3, at=3072)
    yield "plain", index.done()
    index = Index()
    index.add(b"s", size=40, sparse=1,
              extra=index.extra(1 << 32, -1, 8, [(10, 4, 0), (20, 4, 4)], [(b"user.a", b"1")]))
    index.add(b"x", b"5", extra=index.extra(0, 0, 0, (), [(b"user.a", b""), (b"b" * 30, b"2")]))
    yield "extras", index.done()
    index = Index()
    index.add(b"beyond", size=1 << 40)
    yield "beyond", index.done()
    yield "version", Index().done(version=2)
    yield "short", Index().done()[:40]
