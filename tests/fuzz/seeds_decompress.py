# SPDX-License-Identifier: Apache-2.0
"""gzip and zstd streams; the first byte is the size of the chunks less one."""
import struct
import zlib


def gzip(data, level=6, flags=0, fields=b""):
    body = zlib.compressobj(level, zlib.DEFLATED, -15)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\x03" + fields
    return (head + body.compress(data) + body.flush() +
            struct.pack("<II", zlib.crc32(data), len(data) & 0xffffffff))


def zstd(data, window_log=17, descriptor=0, fields=b""):
    """A frame of one raw block: there is no zstd in Python's library."""
    return (b"\x28\xb5\x2f\xfd" + bytes([descriptor, (window_log - 10) << 3]) + fields +
            struct.pack("<I", len(data) << 3 | 1)[:3] + data)


def skippable(data, kind=0):
    return struct.pack("<II", 0x184D2A50 + kind, len(data)) + data


def zstd_rle(byte, count):
    return b"\x28\xb5\x2f\xfd\x00\x38" + struct.pack("<I", count << 3 | 2 | 1)[:3] + byte


def streams():
    text = b"".join(b"%d bottles of beer on the wall, " % (i % 90) for i in range(300))
    yield "plain", text[:50]
    yield "gzip", gzip(text)
    yield "gzip-stored", gzip(text[:200], 0)
    yield "gzip-fixed", gzip(b"abc")
    yield "gzip-empty", gzip(b"")
    yield "gzip-fields", gzip(b"x", 6, 0x1c, b"\x05\x00extraname\0comment\0")
    yield "gzip-members", gzip(b"one") + gzip(b"") + gzip(text, 1)
    yield "gzip-padded", gzip(b"x") + b"\0" * 100
    yield "gzip-garbage", gzip(b"x") + b"garbage"
    yield "gzip-bad-crc", gzip(b"x")[:-8] + b"\0" * 8
    yield "gzip-cut", gzip(text)[:-20]
    yield "zstd", zstd(text[:300])
    yield "zstd-frames", skippable(b"skip") + zstd(b"one") + zstd(b"two") + skippable(b"", 15)
    yield "zstd-rle", zstd_rle(b"x", 100000)
    yield "zstd-window", zstd(b"x", 31)
    yield "zstd-dictionary", zstd(b"x", 21, 1, b"\x05")
    yield "zstd-cut", zstd(text[:300])[:-5]
    yield "bzip2", b"BZh91AY&SY"
    yield "xz", b"\xfd7zXZ\0\0\x04"


def seeds():
    for name, data in streams():
        yield name, b"\xff" + data
        yield name + "-bytes", b"\0" + data
