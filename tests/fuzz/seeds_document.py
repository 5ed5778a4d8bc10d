# SPDX-License-Identifier: Apache-2.0
"""Manifests and indexes after a line with their Content-Type."""
import json

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
TYPES = {
    "oci-manifest": OCI + "manifest.v1+json",
    "oci-index": OCI + "index.v1+json",
    "docker-manifest": DOCKER + "distribution.manifest.v2+json",
    "docker-list": DOCKER + "distribution.manifest.list.v2+json",
}
CONFIG = {"mediaType": OCI + "config.v1+json", "digest": "sha256:" + "a" * 64, "size": 7}
LAYER = {"mediaType": OCI + "layer.v1.tar+gzip", "digest": "sha256:" + "b" * 64, "size": 8,
         "urls": ["https://example.com/x"], "annotations": {"k": "v"}}
ENTRY = {"mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + "c" * 64, "size": 9,
         "platform": {"os": "linux", "architecture": "amd64"}}
ATTESTATION = {"mediaType": OCI + "manifest.v1+json", "digest": "sha256:" + "d" * 64, "size": 2,
               "data": "e30=", "artifactType": "application/x",
               "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
               "platform": {"os": "unknown", "architecture": "unknown",
                            "os.version": "1", "os.features": ["a", "b"], "variant": "v8"}}


def document(name, **more):
    body = {"schemaVersion": 2, "mediaType": TYPES[name]}
    if name.endswith("manifest"):
        body.update(config=CONFIG, layers=[LAYER, LAYER])
    else:
        body.update(manifests=[ENTRY, ATTESTATION])
    body.update(more)
    return body


def seed(content_type, body):
    return content_type.encode() + b"\n" + json.dumps(body).encode()


def seeds():
    for name, media_type in TYPES.items():
        yield name, seed(media_type, document(name))
        yield name + "-untyped", seed("", document(name, mediaType=None))
    yield "parameters", seed(TYPES["oci-index"].upper() + "; charset=utf-8", document("oci-index"))
    yield "both", seed("", document("oci-index", layers=[], config=CONFIG))
    yield "disagree", seed(TYPES["oci-index"], document("oci-manifest"))
    yield "subject", seed("", document("oci-manifest", subject=ENTRY, artifactType="a/b",
                                       annotations={"x": "y"}))
    yield "nested", seed("", document("oci-index", manifests=[
        dict(ENTRY, mediaType=TYPES["oci-index"]), dict(ENTRY, platform={})]))
    yield "null-lists", seed("", document("oci-index", manifests=None))
    yield "digest-path", seed("", document("oci-manifest", config=dict(
        CONFIG, digest="sha256:../../x")))
    yield "digest-unknown", seed("", document("oci-manifest", config=dict(
        CONFIG, digest="blake3:Ab_-=")))
    yield "schema1", seed(DOCKER + "distribution.manifest.v1+prettyjws", {
        "schemaVersion": 1, "name": "x", "tag": "y", "fsLayers": [{"blobSum": "sha256:" + "a" * 64}],
        "history": [{"v1Compatibility": "{}"}], "signatures": []})
    yield "duplicate", b'\n{"schemaVersion":2,"schemaVersion":2,"manifests":[]}'
    yield "deep", b"\n" + b'{"a":' * 80
