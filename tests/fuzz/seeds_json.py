# SPDX-License-Identifier: Apache-2.0
"""Documents as registries serve them, and each kind of syntax once."""


def seeds():
    yield "empty", b""
    yield "scalars", b'[0,-1,1.5e-3,true,false,null,"x",9223372036854775807]'
    yield "escapes", b'{"a\\u00e4\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t":"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"}'
    yield "controls", b'["\\u007f\\u009b\\u0001\xc2\x9b"]'
    yield "thing", b'{"name":"n","size":5,"on":true,"words":["a","b"],"rest":{"x":[]}}'
    yield "wrong", b'{"name":5,"size":-1,"words":[1]}'
    yield "deep", b"[" * 64 + b"]" * 64
    yield "deeper", b"[" * 65 + b"]" * 65
    yield "duplicate", b'{"a":1,"a":2}'
    yield "bom", b"\xef\xbb\xbf{}"
    yield "nul", b'{"a":"\\u0000"}\x00'
    yield "surrogate", b'["\\ud800"]'
    yield "manifest", (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":'
        b'"application/vnd.oci.image.config.v1+json","digest":"sha256:' + b"a" * 64 + b'","size":7023},"layers":['
        b'{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:' + b"b" * 64 +
        b'","size":32654,"annotations":{"k":"v"}}]}')
