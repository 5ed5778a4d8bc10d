# SPDX-License-Identifier: Apache-2.0
"""Archives of every dialect, and wrong ones."""
from tarmake import END, GNU, STAR, V7, entry, header, long_name, pad, pax


def sparse_old(pairs, real, extension=b""):
    fields = b"".join(b"%011o\0%011o\0" % p for p in pairs)
    at = {386: fields, 483: b"%011o\0" % real}
    if extension:
        at[482] = b"\1"
    stored = sum(p[1] for p in pairs)
    return header(b"sparse", b"S", stored, magic=GNU, at=at) + extension + pad(b"d" * stored)


def good():
    yield "empty", END
    yield "ustar", entry(b"f", b"data", prefix=b"dir") + header(b"d/", b"5", mode=0o1777) + END
    yield "links", header(b"l", b"2", link=b"to") + header(b"h", b"1", link=b"f") + END
    yield "devices", header(b"c", b"3", at={329: b"0000001\0", 337: b"0000003\0"}) + \
        header(b"p", b"6") + END
    yield "v7", entry(b"f", b"x", b"\0", magic=V7) + header(b"d/", b"\0", 512, magic=V7) + END
    yield "star", entry(b"f", b"x", magic=STAR, prefix=b"p") + END
    yield "gnu-long", long_name(b"n" * 300 + b"\0") + long_name(b"l" * 300, b"K") + \
        header(b"n", b"2") + END
    yield "base256", entry(b"f", b"", uid=b"\x80\0\0\0\xff\xff\xff\xff",
                           mtime=b"\xff" * 12) + END
    yield "pax", pax([(b"path", b"a/b"), (b"uid", b"4294967296"), (b"mtime", b"-1.25"),
                      (b"SCHILY.xattr.user.a", b"\0\1"),
                      (b"LIBARCHIVE.xattr.user.b%20c", b"MTIz")]) + entry(b"f", b"x") + END
    yield "pax-size", pax([(b"size", b"3")]) + long_name(b"long") + header(b"f", size=1000) + \
        pad(b"abc") + END
    yield "global", pax([(b"path", b"a")]) + pax([(b"comment", b"c")], b"g") + entry(b"f") + END
    yield "junk-after", entry(b"f") + END + b"junk" * 300
    yield "no-end", entry(b"f", b"x")
    yield "one-zero", entry(b"f", b"x") + END[:512]
    yield "before-go-1.8", header(b"f", magic=GNU, prefix=b"dir/x") + END


def sparse():
    major = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
             (b"GNU.sparse.realsize", b"100"), (b"GNU.sparse.name", b"s")]
    yield "old", sparse_old([(0, 5), (10, 5), (100, 0)], 100) + END
    yield "old-extension", sparse_old([(0, 1), (2, 1), (4, 1), (6, 1)], 100,
                                      b"%011o\0%011o\0" % (99, 0) + b"\0" * 488) + END
    yield "0.0", pax([(b"GNU.sparse.numblocks", b"2"), (b"GNU.sparse.size", b"20"),
                      (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"2"),
                      (b"GNU.sparse.offset", b"5"), (b"GNU.sparse.numbytes", b"3")]) + \
        entry(b"f", b"abcde") + END
    yield "0.1", pax([(b"GNU.sparse.numblocks", b"2"), (b"GNU.sparse.size", b"20"),
                      (b"GNU.sparse.map", b"0,2,5,3")]) + entry(b"f", b"abcde") + END
    yield "1.0", pax(major) + entry(b"f", pad(b"2\n0\n2\n5\n3\n") + b"abcde") + END
    yield "1.0-long", pax(major) + entry(b"f", pad(b"1\n" + b"0" * 600 + b"\n5\n") + b"abcde") + END
    yield "8-eib", header(b"s", b"S", 0, magic=GNU,
                          at={483: b"\x80\0\0\0\x7f" + b"\xff" * 7}) + END
    yield "billion", pax(major) + entry(b"f", pad(b"1000000000\n")) + END
    yield "descending", sparse_old([(10, 5), (0, 5)], 100) + END


def bad():
    yield "checksum", b"x" + entry(b"f")[1:]
    yield "cut", entry(b"f", b"x" * 600)[:700]
    yield "half-header", entry(b"f")[:100]
    yield "zero-then-junk", END[:512] + b"j" * 512
    yield "negative", header(b"f", size=0, at={124: b"\xff" * 12})
    yield "octal", header(b"f", mode=b"0000008\0")
    yield "record", entry(b"x", b"9999999 path=x\n", b"x") + entry(b"f")
    yield "record-nul", entry(b"x", b"12 path=a\0b\n", b"x") + entry(b"f")
    yield "huge-name", header(b"n", b"L", 1 << 31, magic=GNU)
    yield "huge-file", header(b"n", b"0", at={124: b"\x80\0\0\0\x7f" + b"\xff" * 7})


def seeds():
    yield from good()
    for name, data in sparse():
        yield "sparse-" + name, data
    for name, data in bad():
        yield "bad-" + name, data
