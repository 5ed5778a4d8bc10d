# SPDX-License-Identifier: Apache-2.0
"""Tar blocks by hand, for seeds: also what no tar program writes."""

USTAR, GNU, V7, STAR = b"ustar\x0000", b"ustar  \x00", b"\x00" * 8, b"star"


def pad(data):
    return data + b"\0" * (-len(data) % 512)


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def header(name, kind=b"0", size=0, **more):
    """One block; more: link, mode, uid, gid, mtime (numbers or the field's bytes), magic, prefix, at={offset: bytes}."""
    block = bytearray(512)

    def put(at, width, value):
        data = value if isinstance(value, bytes) else octal(value, width)
        block[at:at + width] = data[:width].ljust(width, b"\0")

    put(0, 100, name)
    put(100, 8, more.get("mode", 0o644))
    put(108, 8, more.get("uid", 0))
    put(116, 8, more.get("gid", 0))
    put(124, 12, size)
    put(136, 12, more.get("mtime", 0))
    block[156:157] = kind
    put(157, 100, more.get("link", b""))
    magic = more.get("magic", USTAR)
    put(257, 8, USTAR if magic == STAR else magic)
    put(345, 155, more.get("prefix", b""))
    if magic == STAR:
        put(508, 4, b"tar\0")
    for at, data in more.get("at", {}).items():
        block[at:at + len(data)] = data
    put(148, 8, b"        ")
    put(148, 8, b"%06o\0 " % sum(block))
    return bytes(block)


def entry(name, data=b"", kind=b"0", **more):
    return header(name, kind, len(data), **more) + pad(data)


def record(key, value):
    size = len(key) + len(value) + 3
    while size != len(b"%d %s=%s\n" % (size, key, value)):
        size = len(b"%d %s=%s\n" % (size, key, value))
    return b"%d %s=%s\n" % (size, key, value)


def pax(records, kind=b"x"):
    return entry(b"PaxHeaders/x", b"".join(record(k, v) for k, v in records), kind)


def long_name(text, kind=b"L"):
    return entry(b"././@LongLink", text, kind, magic=GNU)


END = b"\0" * 1024
