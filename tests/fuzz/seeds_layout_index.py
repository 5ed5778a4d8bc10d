# SPDX-License-Identifier: Apache-2.0
"""index.json of layouts."""
import json

OCI = "application/vnd.oci.image."
NAME = "org.opencontainers.image.ref.name"
ENTRY = {"mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + "c" * 64, "size": 9}


def named(name, **more):
    return dict(ENTRY, annotations={NAME: name}, **more)


def index(*entries, **more):
    return json.dumps(dict({"schemaVersion": 2, "manifests": list(entries)}, **more)).encode()


def seeds():
    yield "empty", index()
    yield "umoci-init", b'{"schemaVersion":2,"manifests":null}'
    yield "one", index(named("latest"))
    yield "typed", index(named("a"), mediaType=OCI + "index.v1+json")
    yield "twice", index(named("a"), named("a", digest="sha256:" + "d" * 64), named("b"))
    yield "unnamed", index(ENTRY, dict(ENTRY, annotations={}))
    yield "containerd", index(dict(ENTRY, annotations={
        "io.containerd.image.name": "docker.io/library/x:1", NAME: "1"}))
    yield "platform", index(named("a", platform={"os": "linux", "architecture": "arm64"}))
    yield "unknown", index(named("a", x={"y": [1, 2.5, None, True]}), z=[{"q": -1}],
                           annotations={"k": "v"})
    yield "other-type", index(dict(ENTRY, mediaType="application/x"), named("n"))
    yield "sha512", index(named("s", digest="sha512:" + "e" * 128))
    yield "unknown-digest", index(named("u", digest="blake3:ab"))
    yield "manifest", json.dumps({"schemaVersion": 2, "config": ENTRY, "layers": []}).encode()
    yield "null-name", b'{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:' \
        + b"a" * 64 + b'","size":1,"annotations":{"' + NAME.encode() + b'":null}}]}'
    yield "duplicate-key", b'{"schemaVersion":2,"manifests":[],"manifests":[]}'
