# SPDX-License-Identifier: Apache-2.0
"""Layers that make images of every kind, and hostile ones."""
from tarmake import END, GNU, entry, header, long_name, pad, pax


def sparse(name, pairs, real):
    at = {386: b"".join(b"%011o\0%011o\0" % p for p in pairs), 483: b"%011o\0" % real}
    stored = sum(p[1] for p in pairs)
    return header(name, b"S", stored, magic=GNU, at=at) + pad(b"d" * stored)


ACL = bytes.fromhex("02000000" "01000700ffffffff" "04000500ffffffff" "20000100ffffffff")


def seeds():
    yield "empty", END
    yield "few", header(b"d/", b"5") + entry(b"d/f", b"text") + header(b"l", b"2", link=b"d/f") + \
        header(b"h", b"1", link=b"d/f") + END
    yield "implied", entry(b"a/b/c/d", b"x") + END
    yield "devices", header(b"c", b"3", at={329: b"0000001\0", 337: b"0000003\0"}) + \
        header(b"b", b"4", at={329: b"7777777\0", 337: b"0000003\0"}) + header(b"p", b"6") + END
    yield "sizes", b"".join(entry(b"f%d" % n, b"x" * n) for n in (0, 1, 511, 512, 513, 4096, 4097)) + END
    yield "names", b"".join(header(n) for n in (b"!", b"-", b".a", b"..a", b".-", b"\xff", b"...")) + END
    yield "long", long_name(b"n" * 255 + b"\0") + header(b"n") + long_name(b"l" * 513 + b"\0", b"K") + \
        header(b"l", b"2") + END
    yield "too-long", long_name(b"n" * 256 + b"\0") + header(b"n") + END
    yield "many", b"".join(header(b"d/%05d" % (n * 7919 % 99991)) for n in range(120)) + END
    yield "xattrs", pax([(b"SCHILY.xattr.user.a", b"v" * 300), (b"SCHILY.xattr.trusted.b", b""),
                         (b"SCHILY.xattr.security.capability", b"\1\0\0\2" + b"\0" * 16)]) + \
        entry(b"f", b"x") + END
    yield "acl", pax([(b"SCHILY.xattr.system.posix_acl_access", ACL),
                      (b"SCHILY.xattr.system.posix_acl_default", ACL)]) + header(b"d/", b"5") + END
    yield "sparse", sparse(b"s", [(0, 512), (8192, 512)], 65536) + END
    yield "sparse-odd", sparse(b"s", [(1, 3), (700, 600), (9000, 1)], 9001) + entry(b"f", b"y") + END
    yield "sparse-huge", sparse(b"s", [(1 << 30, 512)], (1 << 33) - 1) + END
    yield "whiteouts", header(b"d/", b"5") + entry(b"d/f", b"1") + entry(b".wh.d", b"") + END
    yield "owners", entry(b"f", b"", uid=b"\x80\0\0\0\xff\xff\xff\xff", mtime=b"\xff" * 12) + END
    yield "cut", entry(b"f", b"x" * 600)[:-300]
