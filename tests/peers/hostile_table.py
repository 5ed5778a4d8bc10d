# SPDX-License-Identifier: Apache-2.0
"""What the hostile registry does wrong: one function a scenario, with the exit status and the words that
the client must answer it with. A scenario starts from a good little image and spoils something.
"""
import base64
import itertools
import json
import lzma
import re
import threading
import time

from image_parts import (
    ARCHITECTURE, CONFIG, DOCKER_MANIFEST, INDEX, LAYER, LAYER_PLAIN, LAYER_ZSTD, MANIFEST, SCHEMA1,
    Image, Layer, digest_of, filler, gzipped, gzipped_zeros, make_index, make_tar, to_json,
    zstd_stored)

OK, FAILED, USAGE, NOT_FOUND, DENIED, DAMAGED = 0, 1, 2, 3, 4, 5

PULL = "pull -q --retry 1 {main}/hostile/{name}"
PULL_CREDS = "pull -q --retry 1 --creds user:hunter2 {main}/hostile/{name}"
PULL_TLS = "pull -q --retry 1 --tls-verify=true --cert-dir {certs} --creds user:hunter2 {tls}/hostile/{name}"
PULL_IDENTITY = "pull -q --retry 1 --authfile {certs}/private/identity.json {main}/hostile/{name}"
TAGS = "tags --retry 1 {main}/hostile/{name}"
# --creds user:hunter2
BASIC = "Basic " + base64.b64encode(b"user:hunter2").decode()

SCENARIOS = []
PASS_ON = object()


class Scenario:
    def __init__(self, name, status, regex, command, build):
        self.name, self.status, self.regex, self.command = name, status, regex, command
        self.build = build
        self.lock = threading.Lock()
        self.ready = False
        self.hooks = []
        self.documents = {}  # tag or digest: (content type, bytes)
        self.blobs = {}
        self.image = None
        self.counts = {}

    def count(self, what):
        """How often this was asked before."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            return self.counts[what] - 1

    def on(self, pattern):
        def keep(hook):
            self.hooks.append((re.compile(pattern), hook))
            return hook
        return keep

    @property
    def layer(self):
        return self.image.layers[0]

    def on_layer(self, hook):
        """Answers the GET of the image's first layer."""
        self.image = self.image or Image()
        self.hooks.append((re.compile("blobs/" + re.escape(self.layer.digest)), hook))
        return hook

    def prepare(self):
        with self.lock:
            if self.ready:
                return
            self.build(self)
            self.image = (self.image or Image()).seal()
            good = (MANIFEST, self.image.manifest_bytes)
            self.documents.setdefault(self.image.digest, good)
            self.documents.setdefault("latest", good)
            self.blobs = {**self.image.blobs(), **self.blobs}
            self.ready = True

    def answer(self, request, rest):
        self.prepare()
        for pattern, hook in self.hooks:
            if pattern.fullmatch(rest) and hook(request) is not PASS_ON:
                return
        kind, _, name = rest.partition("/")
        if kind == "manifests" and name in self.documents:
            media_type, data = self.documents[name]
            request.send(200, data, [("Content-Type", media_type),
                                     ("Docker-Content-Digest", digest_of(data))])
        elif kind == "blobs" and name in self.blobs:
            self.send_blob(request, self.blobs[name])
        elif rest == "tags/list":
            request.send_json(200, {"name": self.name, "tags": ["latest"]})
        else:
            request.error(404, "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN")

    @staticmethod
    def send_blob(request, data):
        start = request.range_start()
        kind = ("Content-Type", "application/octet-stream")
        if start is None or start >= len(data):
            request.send(200, data, [kind])
        else:
            request.send(206, data[start:], [
                kind, ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")])


def scenario(name, status=OK, regex=None, command=PULL):
    def keep(build):
        SCENARIOS.append(Scenario(name, status, regex, command, build))
        return build
    return keep


def one_document(s, data, media_type=MANIFEST):
    """The tag is this document."""
    s.documents["latest"] = (media_type, data)


def changed(image, **members):
    """The image's manifest with other members."""
    image.seal()
    value = json.loads(image.manifest_bytes)
    value.update(members)
    return to_json(value)


# --- nothing wrong, or nothing that matters ---------------------------------------------------------


@scenario("good")
def _(_s):
    pass


@scenario("good-index")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "platform": {
        "os": "plan9", "architecture": "mips"}}, s.image.descriptor()), INDEX)


@scenario("good-zstd")
def _(s):
    raw = make_tar({"a": filler(200000)})
    s.image = Image(Layer(raw, zstd_stored(raw), LAYER_ZSTD))


@scenario("good-mislabelled")
def _(s):
    # Plain, zstd and gzip under each other's names: bytes are sniffed, labels are not believed.
    plain, zstd, packed = (make_tar({n: filler(3000)}) for n in "abc")
    s.image = Image(Layer(plain, plain, LAYER), Layer(zstd, zstd_stored(zstd), LAYER),
                    Layer(packed, gzipped(packed), LAYER_PLAIN))


@scenario("good-gzip-members")
def _(s):
    raw = make_tar({"a": filler(5000)})
    s.image = Image(Layer(raw, gzipped(raw[:1000]) + gzipped(b"") + gzipped(raw[1000:]) + bytes(100)))


@scenario("no-digest-header")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.send(200, s.image.manifest_bytes, [("Content-Type", MANIFEST)])


@scenario("type-with-parameters")
def _(s):
    one_document(s, Image().seal().manifest_bytes, MANIFEST.upper() + "; charset=utf-8")


@scenario("type-generic")
def _(s):
    one_document(s, Image().seal().manifest_bytes, "application/json")


@scenario("head-404")
def _(s):
    @s.on("(manifests|blobs)/.*")
    def _(request):
        if request.method != "HEAD":
            return PASS_ON
        return request.send(404)


@scenario("head-405")
def _(s):
    @s.on("(manifests|blobs)/.*")
    def _(request):
        if request.method != "HEAD":
            return PASS_ON
        return request.send(405)


@scenario("slow-body")
def _(s):
    @s.on_layer
    def _(request):
        data = s.layer.blob
        request.head(200, [("Content-Length", len(data))])
        step = len(data) // 10 + 1
        for i in range(0, len(data), step):
            request.handler.wfile.write(data[i:i + step])
            time.sleep(0.1)


@scenario("early-hints")
def _(s):
    @s.on(".*")
    def _(request):
        request.handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 5)
        return PASS_ON


@scenario("http-1.0")
def _(s):
    @s.on("(manifests|blobs)/.*")
    def _(request):
        kind, name = request.path.split("/")[4:6]
        media_type, data = s.documents[name] if kind == "manifests" else (LAYER, s.blobs[name])
        body = b"" if request.method == "HEAD" else data
        request.raw(f"HTTP/1.0 200 OK\r\nContent-Type: {media_type}\r\n\r\n".encode() + body)


@scenario("warnings")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        data = s.image.manifest_bytes
        request.send(200, data, [("Content-Type", MANIFEST)] + [
            ("Warning", f'299 - "\x1b[31mred \x07 {i}"') for i in range(200)])


# --- the manifest lies ------------------------------------------------------------------------------


@scenario("manifest-not-of-its-digest", DAMAGED, "content is sha256",
          "pull -q --retry 1 {main}/hostile/{name}@sha256:" + "1" * 64)
def _(s):
    s.documents["sha256:" + "1" * 64] = (MANIFEST, Image().seal().manifest_bytes)


@scenario("manifest-digest-header-lies", DAMAGED, "the registry says sha256:2")
def _(s):
    @s.on("manifests/latest")
    def _(request):
        request.send(200, s.image.manifest_bytes, [
            ("Content-Type", MANIFEST), ("Docker-Content-Digest", "sha256:" + "2" * 64)])


@scenario("manifest-digest-header-is-a-path", DAMAGED, "Docker-Content-Digest")
def _(s):
    @s.on("manifests/latest")
    def _(request):
        request.send(200, s.image.manifest_bytes, [
            ("Content-Type", MANIFEST), ("Docker-Content-Digest", "sha256:../../../etc/passwd")])


@scenario("manifest-wrong-type", DAMAGED, "sent as .*v2.json")
def _(s):
    one_document(s, Image().seal().manifest_bytes, DOCKER_MANIFEST)


@scenario("manifest-index-by-type", DAMAGED, "sent as|by its members")
def _(s):
    one_document(s, Image().seal().manifest_bytes, INDEX)


@scenario("manifest-as-html", DAMAGED, "sent as 'text/html")
def _(s):
    one_document(s, Image().seal().manifest_bytes, "text/html; charset=utf-8")


@scenario("html-page", DAMAGED, "JSON")
def _(s):
    one_document(s, b"<html>Welcome to the hotel network</html>", "text/html")


@scenario("both-index-and-manifest", DAMAGED, "both an index")
def _(s):
    image = Image()
    one_document(s, changed(image, manifests=[image.seal().descriptor()]))


@scenario("schema-1", FAILED, "schema 1 is not supported")
def _(s):
    one_document(s, to_json({"schemaVersion": 1, "name": "x", "tag": "latest",
                             "architecture": "amd64", "fsLayers": [], "history": [],
                             "signatures": []}), SCHEMA1)


@scenario("schema-2-with-schema-1", DAMAGED, "schema 1")
def _(s):
    one_document(s, changed(Image(), fsLayers=[{"blobSum": "sha256:" + "3" * 64}]))


@scenario("schema-version-3", DAMAGED, "schemaVersion")
def _(s):
    one_document(s, changed(Image(), schemaVersion=3))


@scenario("artifact-type", FAILED, "neither an index nor")
def _(s):
    one_document(s, changed(Image(), mediaType="application/vnd.x+json"), "application/vnd.x+json")


for label, text, words in [
        ("json-duplicate-keys", b'{"schemaVersion":2,"schemaVersion":2}', "duplicate"),
        ("json-nan", b'{"schemaVersion":NaN}', "JSON at byte"),
        ("json-bom", b"\xef\xbb\xbf{}", "byte order mark"),
        ("json-nul", b'{"a":"\0"}', "NUL"),
        ("json-nul-escaped", b'{"schemaVersion":2,"mediaType":"a\\u0000b"}', "JSON at byte"),
        ("json-not-utf8", b'{"schemaVersion":2,"mediaType":"\xff\xfe"}', "JSON at byte"),
        ("json-surrogate", b'{"schemaVersion":2,"mediaType":"\\ud800"}', "JSON at byte"),
        ("json-deep", b"[" * 100000, "levels deep"),
        ("json-deep-objects", b'{"a":' * 100000, "levels deep"),
        ("json-many-values", b"[" + b"1," * 1500000 + b"1]", "values"),
        ("json-truncated", Image().seal().manifest_bytes[:-5], "JSON at byte"),
        ("json-two", Image().seal().manifest_bytes * 2, "JSON at byte"),
        ("json-array", b"[]", "object"),
        ("json-string", b'"hello"', "object"),
        ("json-huge-number", b'{"schemaVersion":' + b"9" * 100000 + b"}", "JSON at byte"),
        ("json-escapes", b'{"schemaVersion":2,"mediaType":"\\u001b[31m\\r\\n\\u202e"}', "mediaType"),
        ("empty-document", b"", "JSON at byte")]:
    def _build(s, text=text):
        one_document(s, text)
    scenario(label, DAMAGED, words)(_build)


@scenario("manifest-too-big", DAMAGED, "4194304 bytes")
def _(s):
    one_document(s, changed(Image(), annotations={"x": "y" * (5 << 20)}))


@scenario("manifest-endless", DAMAGED, "4194304 bytes")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        if request.method == "HEAD":
            return request.send(405)
        return request.send_chunked(itertools.repeat(b" " * 65536), [("Content-Type", MANIFEST)])


@scenario("manifest-too-many-layers", DAMAGED, "layers: 10001 entries")
def _(s):
    image = Image().seal()
    one_document(s, changed(image, layers=[image.layers[0].descriptor()] * 10001))


@scenario("manifest-10000-layers", DAMAGED, "diff|layers")
def _(s):
    image = Image().seal()
    one_document(s, changed(image, layers=[image.layers[0].descriptor()] * 10000))


for label, member, words in [
        ("layer-digest-is-a-path", {"digest": "sha256:../../../../etc/passwd"}, "digest"),
        ("layer-digest-short", {"digest": "sha256:abcd"}, "digest"),
        ("layer-digest-upper-case", {"digest": "sha256:" + "A" * 64}, "digest"),
        ("layer-digest-empty", {"digest": ""}, "digest"),
        ("layer-digest-number", {"digest": 7}, "digest"),
        ("layer-size-negative", {"size": -1}, "size"),
        ("layer-size-string", {"size": "12"}, "size"),
        ("layer-size-missing", {"size": None}, "size"),
        ("layer-size-fraction", {"size": 1.5}, "size"),
        ("layer-size-beyond-64-bits", {"size": 1 << 70}, "JSON at byte"),
        ("layer-size-too-small", {"size": 10}, "bytes")]:
    def _build(s, member=member):
        image = Image()
        image.manifest["layers"][0].update(member)
        s.image = image
    scenario(label, DAMAGED, words)(_build)


@scenario("layer-size-a-little-large", DAMAGED, "promised")
def _(s):
    s.image = Image()
    s.image.manifest["layers"][0]["size"] += 1000


@scenario("layer-size-a-petabyte", FAILED, "needed, .* free")
def _(s):
    s.image = Image()
    s.image.manifest["layers"][0]["size"] = 1 << 50


@scenario("layer-digest-unknown", FAILED, "blake3")
def _(s):
    s.image = Image()
    s.image.manifest["layers"][0]["digest"] = "blake3:" + "a" * 64


@scenario("layer-encrypted", FAILED, "encrypted")
def _(s):
    s.image = Image()
    s.image.manifest["layers"][0]["mediaType"] = LAYER + "+encrypted"


# --- indexes ----------------------------------------------------------------------------------------


@scenario("index-lies-about-size", DAMAGED, "bytes, expected")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "size": 17}), INDEX)


@scenario("index-lies-about-digest", DAMAGED, "content is")
def _(s):
    s.image = Image().seal()
    digest = "sha256:" + "4" * 64
    s.documents[digest] = (MANIFEST, s.image.manifest_bytes)
    one_document(s, make_index({**s.image.descriptor(), "digest": digest}), INDEX)


@scenario("index-lies-about-type", DAMAGED, "sent as|expected")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "mediaType": INDEX}), INDEX)


@scenario("index-too-many-entries", DAMAGED, "manifests: 10001 entries")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index(*[s.image.descriptor()] * 10001), INDEX)


@scenario("index-no-match", NOT_FOUND, "no image for .*plan9/mips")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "platform": {
        "os": "plan9", "architecture": "mips"}}), INDEX)


@scenario("index-of-nothing", NOT_FOUND, "no image for")
def _(s):
    one_document(s, make_index(), INDEX)


@scenario("index-nested-deep", DAMAGED, "nested|deep")
def _(s):
    s.image = Image().seal()
    data, entry = None, s.image.descriptor()
    for _ in range(40):
        data = make_index(entry)
        s.documents[digest_of(data)] = (INDEX, data)
        entry = {"mediaType": INDEX, "digest": digest_of(data), "size": len(data)}
    one_document(s, data, INDEX)


@scenario("index-nested-wide", DAMAGED, "more than|nested|deep|too many",
          "pull -q --retry 1 --all-platforms {main}/hostile/{name}")
def _(s):
    # Few bytes, many walks: each level names the next one fifty times, under other sizes of nothing.
    s.image = Image().seal()
    entries = [s.image.descriptor()]
    for level in range(12):
        found = []
        for i in range(50):
            data = to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries,
                            "annotations": {"n": f"{level}.{i}"}})
            s.documents[digest_of(data)] = (INDEX, data)
            found.append({"mediaType": INDEX, "digest": digest_of(data), "size": len(data)})
        entries = found
    one_document(s, make_index(*entries), INDEX)


@scenario("index-entry-missing", NOT_FOUND, "not found")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "digest": "sha256:" + "5" * 64}), INDEX)


@scenario("index-entry-is-a-path", DAMAGED, "digest")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "digest": "sha256:../../x"}), INDEX)


@scenario("data-lies")
def _(s):
    # Embedded content that does not hash right is passed over, and the truth fetched.
    s.image = Image().seal()
    fake = bytes(len(s.image.manifest_bytes))
    one_document(s, make_index({**s.image.descriptor(), "data": base64.b64encode(fake).decode()}),
                 INDEX)


@scenario("data-of-another-size", DAMAGED, "data")
def _(s):
    s.image = Image().seal()
    one_document(s, make_index({**s.image.descriptor(), "data": "AAAA"}), INDEX)


# --- the config lies --------------------------------------------------------------------------------


def broken_config(label, status, words, **members):
    def build(s):
        s.image = Image()
        s.image.config.update(members)
    scenario(label, status, words)(build)


broken_config("config-too-few-diff-ids", DAMAGED, "diff",
              rootfs={"type": "layers", "diff_ids": []})
broken_config("config-too-many-diff-ids", DAMAGED, "diff",
              rootfs={"type": "layers", "diff_ids": ["sha256:" + "6" * 64] * 3})
broken_config("config-wrong-diff-id", DAMAGED, "DiffID|diff_id|sha256:7",
              rootfs={"type": "layers", "diff_ids": ["sha256:" + "7" * 64]})
broken_config("config-diff-id-is-a-path", DAMAGED, "diff_ids",
              rootfs={"type": "layers", "diff_ids": ["sha256:../../../x"]})
broken_config("config-no-rootfs", DAMAGED, "rootfs", rootfs=None)
broken_config("config-other-rootfs", FAILED, "rootfs", rootfs={"type": "vm", "diff_ids": []})
broken_config("config-env-is-a-number", DAMAGED, "Env", config={"Env": 7})


@scenario("config-not-of-its-digest", DAMAGED, "config")
def _(s):
    s.image = Image().seal()
    digest = s.image.manifest["config"]["digest"]
    s.blobs[digest] = bytes(len(s.image.config_bytes))


@scenario("config-duplicate-keys", DAMAGED, "duplicate")
def _(s):
    s.image = Image()
    s.image.config_bytes = to_json(s.image.config)[:-1] + b',"os":"linux"}'


@scenario("config-too-big", DAMAGED, "config.*bytes")
def _(s):
    s.image = Image()
    s.image.config["author"] = "x" * (5 << 20)


@scenario("config-size-huge", DAMAGED, "config.*bytes")
def _(s):
    s.image = Image()
    s.image.manifest["config"] = {"mediaType": CONFIG, "digest": "sha256:" + "8" * 64,
                                  "size": 1 << 40}


@scenario("config-missing", NOT_FOUND, "not found")
def _(s):
    s.image = Image()
    s.image.manifest["config"] = {"mediaType": CONFIG, "digest": "sha256:" + "9" * 64, "size": 100}


# --- blobs lie --------------------------------------------------------------------------------------


@scenario("blob-missing", NOT_FOUND, "not found")
def _(s):
    @s.on_layer
    def _(request):
        request.error(404, "BLOB_UNKNOWN", "blob unknown to registry")


@scenario("blob-other-bytes", DAMAGED, "sha256")
def _(s):
    @s.on_layer
    def _(request):
        request.send(200, bytes(s.layer.size))


@scenario("blob-last-byte", DAMAGED, "sha256")
def _(s):
    @s.on_layer
    def _(request):
        request.send(200, s.layer.blob[:-1] + b"\xff")


@scenario("blob-short", DAMAGED, "promised")
def _(s):
    @s.on_layer
    def _(request):
        request.send(200, s.layer.blob[:-100])


@scenario("blob-short-chunked", DAMAGED, "bytes")
def _(s):
    @s.on_layer
    def _(request):
        request.send_chunked([s.layer.blob[:-100]])


@scenario("blob-empty", DAMAGED, "promised")
def _(s):
    @s.on_layer
    def _(request):
        request.send(200, b"")


@scenario("blob-long", DAMAGED, "promised")
def _(s):
    @s.on_layer
    def _(request):
        request.send(200, s.layer.blob + b"x")


@scenario("blob-long-chunked", DAMAGED, "bytes")
def _(s):
    @s.on_layer
    def _(request):
        request.send_chunked([s.layer.blob, b"x"])


@scenario("blob-endless", DAMAGED, "bytes")
def _(s):
    @s.on_layer
    def _(request):
        request.send_chunked(itertools.repeat(bytes(65536)))


@scenario("blob-endless-without-length", DAMAGED, "bytes")
def _(s):
    @s.on_layer
    def _(request):
        request.handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        request.pour(bytes(65536))


@scenario("blob-204", DAMAGED, "status 204|promised")
def _(s):
    @s.on_layer
    def _(request):
        request.keep = False
        request.head(204, [])


@scenario("blob-206-unasked", DAMAGED, "206|range")
def _(s):
    @s.on_layer
    def _(request):
        data = s.layer.blob
        request.send(206, data, [("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")])


@scenario("foreign-layer-elsewhere")
def _(s):
    s.image = Image()
    layer = s.layer

    @s.on("blobs/" + layer.digest)
    def _(request):
        request.error(404, "BLOB_UNKNOWN")

    @s.on("manifests/.*")
    def _(request):
        image = Image()
        image.manifest["layers"][0]["urls"] = ["ftp://x/y", request.url("other", "/at/foreign-layer-elsewhere/l")]
        request.send(200, image.seal().manifest_bytes, [("Content-Type", MANIFEST)])

    @s.on("l")
    def _(request):
        if request.port != "other" or request.authorization:
            return request.error(403, "DENIED")
        return request.send(200, layer.blob)


@scenario("foreign-layer-at-the-registry", OK, None, PULL_CREDS)
def _(s):
    # Whatever a descriptor names gets nobody's credentials, be it the registry itself.
    s.image = Image()
    layer = s.layer

    @s.on("(manifests|blobs)/.*")
    def _(request):
        if request.authorization != BASIC:
            return request.challenge('Basic realm="x"')
        if request.path.endswith(layer.digest):
            return request.error(404, "BLOB_UNKNOWN")
        if "/manifests/" not in request.path:
            return PASS_ON
        image = Image()
        image.manifest["layers"][0]["urls"] = [request.url("main", "/at/foreign-layer-at-the-registry/l")]
        return request.send(200, image.seal().manifest_bytes, [("Content-Type", MANIFEST)])

    @s.on("l")
    def _(request):
        return request.error(403, "DENIED") if request.authorization else request.send(200, layer.blob)


@scenario("foreign-layer-nowhere", DAMAGED, "ftp|http")
def _(s):
    s.image = Image()
    s.image.manifest["layers"][0].update(
        {"digest": "sha256:" + "0" * 64, "urls": ["file:///etc/passwd", "ftp://x/y"]})


# --- layers lie -------------------------------------------------------------------------------------


def broken_layer(label, words, make, status=DAMAGED):
    def build(s):
        s.image = Image(make())
    scenario(label, status, words)(build)


RAW = make_tar({"a": filler(100000)})
broken_layer("gzip-truncated", "gzip|truncated|compressed", lambda: Layer(RAW, gzipped(RAW)[:-2000]))
broken_layer("gzip-cut-in-its-trailer", "gzip|truncated|compressed", lambda: Layer(RAW, gzipped(RAW)[:-3]))
broken_layer("gzip-wrong-crc", "gzip|checksum|compressed", lambda: Layer(
    RAW, gzipped(RAW)[:-8] + bytes(4) + gzipped(RAW)[-4:]))
broken_layer("gzip-with-rubbish-behind", "gzip|garbage|compressed",
             lambda: Layer(RAW, gzipped(RAW) + b"rubbish"))
broken_layer("zstd-truncated", "zstd|truncated", lambda: Layer(RAW, zstd_stored(RAW)[:-2000], LAYER_ZSTD))
broken_layer("zstd-window-bomb", "zstd|window", lambda: Layer(RAW, zstd_stored(RAW, 31), LAYER_ZSTD))
broken_layer("xz", "xz", lambda: Layer(RAW, lzma.compress(RAW)), FAILED)
broken_layer("not-a-tar", "tar", lambda: Layer(filler(20000)))
broken_layer("tar-truncated", "tar", lambda: Layer(RAW[:50000]))
broken_layer("tar-wrong-checksum", "tar", lambda: Layer(bytes(100) + RAW[100:]))
broken_layer("empty-layer", None, lambda: Layer(b"", b""), OK)


@scenario("gzip-bomb", DAMAGED, "sha256")
def _(s):
    # A thousand times its size, behind the end of the archive; and not what its DiffID says.
    blob, _ = gzipped_zeros(make_tar({"a": b"x"}), 512 << 20)
    s.image = Image(Layer(b"", blob, diff_id="sha256:" + "a" * 64))


@scenario("gzip-bomb-of-headers", DAMAGED, "tar|entries|names|sha256|more than")
def _(s):
    # Half a million entries in a few kilobytes.
    entry = make_tar({"a": b""})[:512]
    blob = gzipped(entry * 500000)
    s.image = Image(Layer(b"", blob, diff_id="sha256:" + "b" * 64))


@scenario("tar-huge-name", DAMAGED, "tar|name|more than|limit")
def _(s):
    # A GNU long name of 64 MiB.
    head = bytearray(make_tar({"././@LongLink": b""})[:512])
    size = 64 << 20
    head[124:136] = b"%011o\0" % size
    head[156:157] = b"L"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    blob, diff_id = gzipped_zeros(bytes(head), size, make_tar({"a": b"x"}))
    s.image = Image(Layer(b"", blob, diff_id=diff_id))


# --- HTTP lies --------------------------------------------------------------------------------------


def raw_answer(label, status, words, data, command=PULL):
    def build(s):
        @s.on("manifests/.*")
        def _(request):
            request.raw(data)
    scenario(label, status, words, command)(build)


raw_answer("http-garbage", DAMAGED, "HTTP", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
raw_answer("http-nothing", FAILED, "Empty reply|closed|reset", b"")
raw_answer("http-0.9", DAMAGED, "HTTP", Image().seal().manifest_bytes)
raw_answer("http-bad-status", DAMAGED, "HTTP|status", b"HTTP/1.1 9999999 OK\r\n\r\n")
raw_answer("http-status-000", DAMAGED, "HTTP|status", b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n")
raw_answer("http-status-only", FAILED, "ends in its headers", b"HTTP/1.1 200 OK\r\nContent-Le")
raw_answer("http-nul-in-header", DAMAGED, "HTTP|header|null",
           b"HTTP/1.1 200 OK\r\nContent-Type: a\0b\r\nContent-Length: 2\r\n\r\n{}")
raw_answer("http-negative-length", DAMAGED, "HTTP|length|Content-Length|JSON|sent as",
           b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")
raw_answer("http-two-lengths", DAMAGED, "HTTP|length|JSON|neither|object|sent|document",
           b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}xxx")
raw_answer("http-length-too-long", FAILED, "cut|closed|connection",
           b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}")
raw_answer("http-bad-chunks", FAILED, "chunk",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
raw_answer("http-huge-chunk", FAILED, "chunk|cut|closed|connection|HTTP",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{}")
raw_answer("http-encoded", DAMAGED, "JSON",
           b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n" + bytes(25))


@scenario("headers-gigabyte", DAMAGED, "header")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Big: ")
        request.pour(b"a" * 65536, total=1 << 30)


@scenario("headers-many", DAMAGED, "header")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        request.pour(b"X-Many: a\r\n" * 1000, total=1 << 30)


@scenario("early-hints-endless", DAMAGED, "header|103|HTTP|hints")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.pour(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, total=1 << 30)


@scenario("error-body-huge", NOT_FOUND, "not found")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.head(404, [("Content-Length", 1 << 40), ("Content-Type", "application/json")])
        request.pour(b" " * 65536, total=1 << 30)


@scenario("error-text-hostile", DENIED, r"x1b|\\x1b")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.error(403, "DENIED", "\x1b[2J\x1b]0;owned\x07 img: error: all is well\r\nimg: hint: rm -rf /")


# --- connections break ------------------------------------------------------------------------------


def cut_layer(s):
    """The image has a layer of a megabyte, the first answer ends in its middle."""
    s.image = Image(Layer(make_tar({"a": filler(1 << 20)})))

    def cut(request):
        data = s.layer.blob
        request.keep = False
        request.head(200, [("Content-Length", len(data)), ("ETag", '"one"')])
        request.handler.wfile.write(data[:600000])
    return cut


@scenario("cut-then-range")
def _(s):
    cut = cut_layer(s)

    @s.on_layer
    def _(request):
        return PASS_ON if s.count("layer") else cut(request)


@scenario("cut-then-range-ignored")
def _(s):
    cut = cut_layer(s)

    @s.on_layer
    def _(request):
        if not s.count("layer"):
            return cut(request)
        return request.send(200, s.layer.blob)


@scenario("cut-then-416")
def _(s):
    cut = cut_layer(s)

    @s.on_layer
    def _(request):
        if not s.count("layer"):
            return cut(request)
        if request.range_start() is not None:
            return request.send(416, b"", [("Content-Range", f"bytes */{s.layer.size}")])
        return PASS_ON


def wrong_range(label, words, make):
    def build(s):
        cut = cut_layer(s)

        @s.on_layer
        def _(request):
            if not s.count("layer"):
                return cut(request)
            start, data = request.range_start() or 0, s.layer.blob
            headers, body = make(start, data)
            return request.send(206, body, headers)
    scenario(label, DAMAGED, words)(build)


wrong_range("cut-then-other-range", "range", lambda start, data: (
    [("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")], data))
wrong_range("cut-then-no-content-range", "Content-Range", lambda start, data: ([], data[start:]))
wrong_range("cut-then-hostile-content-range", "Content-Range", lambda start, data: (
    [("Content-Range", "bytes \x1b[31m-/")], data[start:]))
wrong_range("cut-then-other-size", "bytes", lambda start, data: (
    [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data) + 5}")], data[start:]))
wrong_range("cut-then-other-bytes", "sha256", lambda start, data: (
    [("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")], bytes(len(data) - start)))


@scenario("cut-always", FAILED, "cut|closed|connection|bytes")
def _(s):
    @s.on_layer
    def _(request):
        request.keep = False
        request.head(200, [("Content-Length", s.layer.size)])
        request.handler.wfile.write(s.layer.blob[:10])


@scenario("busy-then-fine")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        if s.count("busy"):
            return PASS_ON
        return request.error(429, "TOOMANYREQUESTS", "slow down", [("Retry-After", "1")])


@scenario("busy-for-an-hour", FAILED, "too many|429")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.error(429, "TOOMANYREQUESTS", "slow down", [("Retry-After", "3600")])


@scenario("busy-retry-after-hostile", FAILED, "too many|429")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.error(429, "X", "", [("Retry-After", "-9223372036854775808")])


@scenario("unavailable-then-fine")
def _(s):
    @s.on("(manifests|blobs)/.*")
    def _(request):
        return request.error(503, "UNAVAILABLE") if s.count(request.path) == 0 else PASS_ON


@scenario("broken-for-ever", FAILED, "500")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.error(500, "UNKNOWN", "panic")


@scenario("teapot", FAILED, "418")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.send(418)


# --- redirects --------------------------------------------------------------------------------------


def redirect_to(label, status, words, make, command=PULL_CREDS):
    """Manifests go to make(request)."""
    def build(s):
        @s.on("manifests/.*")
        def _(request):
            request.redirect(make(request))
    scenario(label, status, words, command)(build)


redirect_to("redirect-loop", DAMAGED, "circle", lambda r: r.target)
redirect_to("redirect-to-nothing", DAMAGED, "Location|redirect", lambda r: "")
redirect_to("redirect-file", DAMAGED, "redirect", lambda r: "file:///etc/passwd")
redirect_to("redirect-gopher", DAMAGED, "redirect", lambda r: "gopher://127.0.0.1:6379/_x")
redirect_to("redirect-with-user", DAMAGED, "redirect", lambda r: "http://root:toor@127.0.0.1/")
redirect_to("redirect-hostile", DAMAGED, "redirect", lambda r: "http://127.0.0.1\x1b[31m/")
redirect_to("redirect-backslash", DAMAGED, "redirect", lambda r: "http://127.0.0.1\\@evil.example/")
redirect_to("redirect-bad-port", DAMAGED, "redirect", lambda r: "http://127.0.0.1:99999/")
redirect_to("redirect-long", DAMAGED, "redirect|header", lambda r: "/" + "a" * 100000)


@scenario("redirect-without-location", DAMAGED, "Location")
def _(s):
    @s.on("manifests/.*")
    def _(request):
        request.send(307)


@scenario("redirect-chain", DAMAGED, "more than 10 redirects")
def _(s):
    @s.on("(manifests/.*|hop)")
    def _(request):
        request.redirect(f"/at/redirect-chain/hop?{s.count('hop')}")


@scenario("redirect-to-other", OK, None, PULL_CREDS)
def _(s):
    @s.on("(manifests|blobs)/.*")
    def _(request):
        if request.port == "main" and request.authorization != BASIC:
            return request.challenge('Basic realm="x"')
        if request.port == "main":
            return request.redirect(request.url("other", request.path))
        return PASS_ON


@scenario("redirect-other-asks", DENIED, "401", PULL_CREDS)
def _(s):
    # Whom we were sent to asks for a password: it is not ours to give.
    @s.on("manifests/.*")
    def _(request):
        if request.port == "main":
            return request.redirect(request.url("other", request.path))
        return request.challenge('Basic realm="x"')


@scenario("redirect-down-to-http", DENIED, "https to http", PULL_TLS)
def _(s):
    @s.on("manifests/.*")
    def _(request):
        return request.redirect(request.url("other", request.path)) if request.port == "tls" else PASS_ON


@scenario("redirect-to-other-tls", OK, None, PULL_TLS)
def _(s):
    # The same name, another port: over TLS first, then as another origin.
    @s.on("blobs/.*")
    def _(request):
        return request.redirect(f"/at/redirect-to-other-tls/moved?{request.path}")

    @s.on("moved")
    def _(request):
        s.send_blob(request, s.blobs[request.target.rpartition("/")[2]])


# --- challenges -------------------------------------------------------------------------------------


@scenario("auth-loop-anonymous", DENIED, "401")
def _(s):
    @s.on(".*")
    def _(request):
        request.challenge('Basic realm="x"')


@scenario("auth-loop", DENIED, "401.*credentials of --creds", PULL_CREDS)
def _(s):
    @s.on(".*")
    def _(request):
        request.challenge('Basic realm="x"')


@scenario("auth-without-challenge", DENIED, "401", PULL_CREDS)
def _(s):
    @s.on(".*")
    def _(request):
        request.error(401, "UNAUTHORIZED")


@scenario("auth-unknown-kind", DENIED, "negotiate", PULL_CREDS)
def _(s):
    @s.on(".*")
    def _(request):
        request.challenge("Negotiate")


@scenario("auth-huge-challenge", DENIED, "401", PULL_CREDS)
def _(s):
    @s.on(".*")
    def _(request):
        request.challenge("Bearer " + ",".join(f"p{i}=x" for i in range(9000)))


@scenario("forbidden", DENIED, "403", PULL_CREDS)
def _(s):
    @s.on(".*")
    def _(request):
        request.error(403, "DENIED")


def token_scenario(label, status, words, give, command=PULL_CREDS, accept=("Bearer good",),
                   realm=None, error=None):
    """Everything wants a token of `accept`; give(request) answers at the realm."""
    def build(s):
        @s.on("(manifests|blobs|tags)/.*")
        def _(request):
            if request.authorization in accept:
                return PASS_ON
            place = realm(request) if realm else request.url(request.port, f"/at/{label}/token")
            n = s.count("challenge")
            return request.challenge(
                f'Bearer realm="{place}",service="svc",scope="repository:hostile/{label}:pull'
                + (f",extra{n}" if error else "") + '"', error)

        @s.on("token")
        def _(request):
            return give(request)
    scenario(label, status, words, command)(build)


def give_token(request, token="good"):
    request.send_json(200, {"token": token})


token_scenario("token-good", OK, None, give_token)
token_scenario("token-good-tls", OK, None, give_token, PULL_TLS)
token_scenario("token-anonymous", OK, None, lambda r: give_token(r) if not r.authorization
               else r.error(400, "X"), PULL)
token_scenario("token-loop", DENIED, "401", lambda r: give_token(r, "bad"))
token_scenario("token-scope-loop", DENIED, "401", lambda r: give_token(r, "bad"),
               error="insufficient_scope")
token_scenario("token-refused", DENIED, "token server .*incorrect",
               lambda r: r.send_json(401, {"details": "incorrect username or password"}))
token_scenario("token-not-json", DAMAGED, "token server .*JSON", lambda r: r.send(200, b"<html>hunter2"))
token_scenario("token-missing", DAMAGED, "no token", lambda r: r.send_json(200, {"expires_in": 5}))
token_scenario("token-number", DAMAGED, "no token", lambda r: r.send_json(200, {"token": 7}))
token_scenario("token-header-injection", DAMAGED, "no token",
               lambda r: give_token(r, "good\r\nX-Evil: yes"))
token_scenario("token-huge", DAMAGED, "token server .*65536 bytes",
               lambda r: give_token(r, "x" * 200000))
token_scenario("token-endless", DAMAGED, "token server .*65536 bytes",
               lambda r: r.send_chunked(itertools.repeat(b" " * 65536)))
token_scenario("token-broken", FAILED, "500", lambda r: r.error(500, "UNKNOWN"))
token_scenario("token-cut", FAILED, "token server", lambda r: r.raw(b""))
token_scenario("token-asks-for-a-token", DENIED, "401",
               lambda r: r.challenge(f'Bearer realm="{r.url("main", r.path)}"'))
token_scenario("token-redirect-loop", DAMAGED, "circle", lambda r: r.redirect(r.target))
token_scenario("token-redirect-to-other", OK, None, lambda r: give_token(r) if r.port == "other"
               else r.redirect(r.url("other", r.path)))
token_scenario("identity-good", OK, None, lambda r: give_token(r) if b"refresh_token=hunter2" in r.body
               else r.error(400, "X"), PULL_IDENTITY)
token_scenario("identity-without-oauth", OK, None, lambda r: r.error(404, "X") if r.method == "POST"
               else give_token(r), PULL_IDENTITY)
token_scenario("identity-redirected-to-other", DENIED, "redirect", lambda r: give_token(r)
               if r.port == "other" else r.redirect(r.url("other", r.path)), PULL_IDENTITY)
token_scenario("identity-redirected", OK, None, lambda r: give_token(r) if "moved" in r.query
               else r.redirect(r.path + "?moved=1"), PULL_IDENTITY)
token_scenario("identity-refused", DENIED, "token server .*expired",
               lambda r: r.send_json(401, {"error": "invalid_grant", "error_description": "expired"}),
               PULL_IDENTITY)
token_scenario("realm-file", DAMAGED, "realm", give_token, realm=lambda r: "file:///etc/passwd")
token_scenario("realm-empty", DAMAGED, "realm", give_token, realm=lambda r: "")
token_scenario("realm-relative", DAMAGED, "realm", give_token, realm=lambda r: "/token")
token_scenario("realm-with-user", DAMAGED, "realm", give_token,
               realm=lambda r: "http://u:p@127.0.0.1/token")
token_scenario("realm-hostile", DAMAGED, "realm", give_token,
               realm=lambda r: "http://127.0.0.1/\x1b[31m")
token_scenario("realm-of-nobody", FAILED, "connect|refused", give_token,
               realm=lambda r: "http://127.0.0.1:1/token")


# --- listings ---------------------------------------------------------------------------------------


def listing(label, status, words, answer):
    def build(s):
        @s.on("tags/list")
        def _(request):
            return answer(s, request)
    scenario(label, status, words, TAGS)(build)


def page(request, tags, following=None):
    link = [("Link", f'<{following}>; rel="next"')] if following else []
    request.send_json(200, {"name": "x", "tags": tags}, link)


listing("tags-null", OK, None, lambda s, r: page(r, None))
listing("tags-pages", OK, None, lambda s, r: page(
    r, [f"t{s.count('page')}"], None if "last" in r.query else f"{r.path}?n=1&last=t0"))
listing("tags-absolute-link", OK, None, lambda s, r: page(
    r, ["a"], None if "last" in r.query else "https://127.0.0.1:1" + r.path + "?last=a"))
listing("tags-endless", DAMAGED, "pages", lambda s, r: page(
    r, [f"t{s.count('page')}"], f"{r.path}?last={s.count('link')}"))
listing("tags-circle", DAMAGED, "circle", lambda s, r: page(r, ["a"], r.target))
listing("tags-at-another-host", DAMAGED, "another host",
        lambda s, r: page(r, ["a"], "http://localhost:1/v2/x/tags/list"))
listing("tags-link-hostile", DAMAGED, "URL|Link", lambda s, r: page(r, ["a"], "file:///etc/passwd"))
listing("tags-name-hostile", DAMAGED, "not a valid name", lambda s, r: page(r, ["\x1b[31m"]))
listing("tags-name-is-a-path", DAMAGED, "not a valid name", lambda s, r: page(r, ["../../x"]))
listing("tags-number", DAMAGED, "expected strings", lambda s, r: page(r, [7]))
listing("tags-object", DAMAGED, "not a list", lambda s, r: page(r, {"a": 1}))
listing("tags-not-json", DAMAGED, "JSON", lambda s, r: r.send(200, b"<html>"))
listing("tags-too-big", DAMAGED, "4194304 bytes", lambda s, r: page(r, ["t" * 100] * 100000))
listing("tags-missing", NOT_FOUND, "not found", lambda s, r: r.error(404, "NAME_UNKNOWN"))
listing("tags-too-many-in-a-page", DAMAGED, "values",
        lambda s, r: page(r, ["t"] * 600000))

# --- graphs lie -------------------------------------------------------------------------------------

TREE = "tree --retry 1 {main}/hostile/{name}"


@scenario("tree-too-wide", DAMAGED, "more than 20000 nodes", TREE)
def _(s):
    s.image = Image().seal()
    # Each manifest names ten thousand blobs, which cost nobody anything but who draws them.
    children = []
    for i in range(60):
        layers = [{"mediaType": "a/b", "digest": f"sha256:{k:064x}", "size": i} for k in range(10000)]
        data = changed(s.image, layers=layers)
        s.documents[digest_of(data)] = (MANIFEST, data)
        children.append({**s.image.descriptor(), "digest": digest_of(data), "size": len(data)})
    one_document(s, make_index(*children), INDEX)


@scenario("tree-of-escapes", OK, None, TREE)
def _(s):
    s.image = Image().seal()
    # An attestation says in an annotation what it is about.
    one_document(s, make_index({**s.image.descriptor(), "platform": {
        "os": "unknown", "architecture": "unknown"}, "annotations": {
            "vnd.docker.reference.type": "x", "vnd.docker.reference.digest": "\x1b[2J:\x9b31m"}}), INDEX)


assert len({s.name for s in SCENARIOS}) == len(SCENARIOS), "two scenarios of one name"
assert ARCHITECTURE
