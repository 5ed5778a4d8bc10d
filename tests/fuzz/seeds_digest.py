# SPDX-License-Identifier: Apache-2.0
"""Digests and base64, good and bad."""


def seeds():
    yield "sha256", b"sha256:" + b"0123456789abcdef" * 4
    yield "sha512", b"sha512:" + b"0123456789abcdef" * 8
    yield "upper", b"sha256:" + b"0123456789ABCDEF" * 4
    yield "short", b"sha256:" + b"a" * 63
    yield "long", b"sha256:" + b"a" * 65
    yield "unknown", b"multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"
    yield "path", b"sha256:../../../../etc/passwd"
    yield "colons", b"a:b:c"
    yield "nul", b"sha256:\x00" + b"a" * 63
    yield "base64", b"e30="
    yield "base64-2", b"Zg=="
