# SPDX-License-Identifier: Apache-2.0
"""Layers as lines: a type, a name, '>' and a link's target; an empty line begins the next layer."""


def seeds():
    yield "plain", b"5etc/\n0etc/passwd\n2l>etc\n1h>etc/passwd\n3c\n6p"
    yield "through-link", b"5etc/\n2localetc>/etc\n0localetc/x\n\n0localetc/.wh.x\n0localetc/y"
    yield "whiteouts", b"5a/\n0a/b\n0c\n\n0.wh.a\n0a/d\n0.wh.c\n0.wh.none"
    yield "opaque", b"5d/\n0d/x\n5d/old/\n\n0d/n/deep/f\n0d/.wh..wh..opq\n\n0.wh..wh..opq\n0z"
    yield "opaque-link", b"5etc/\n0etc/a\n2d>/etc\n\n0d/.wh..wh..opq\n0d/b"
    yield "replaced-link", b"5etc/\n0etc/p\n2l>etc\n\n0l/.wh.p\n5l/\n0l/q"
    yield "types", b"0a\n\n5a/\n0a/b\n\n2a>b\n\n0a"
    yield "file-parent", b"0a\n\n0a/b\n0a/c"
    yield "hard-links", b"0a\n1b>a\n\n0a\n1c>b\n1c>c\n1d>../../c"
    yield "link-into-itself", b"5d/\n0d/f\n\n1d>d/f"
    yield "missing-target", b"1b>a"
    yield "loop", b"2a>b\n2b>a\n0a/x"
    yield "dots", b"0./a\n0/b\n0c//d\n0e/../f\n2..>/etc\n2>x\n5./"
    yield "escape", b"0a/../../b"
    yield "dangling", b"2l>/dne/../x/y\n0l/z"
    yield "aufs", b"5.wh..wh.plnk/\n0.wh..wh.plnk/1.2\n0.wh..wh.aufs\n0d/.wh..wh.x"
    yield "no-whiteouts", b"0.wh.\n\n0.wh..\n\n0.wh..."
    yield "deep", b"0" + b"d/" * 49
    yield "bytes", b"0\xff\xfe\n0a\x1b[1m\n2b>\xff"
