# SPDX-License-Identifier: Apache-2.0
"""What the hostile registry does wrong when it is written to: a small registry that takes uploads, and
one hook a scenario that spoils something. The image comes from its repository hostile/push-source, so
blobs are asked to be mounted first.
"""
import itertools

from hostile_table import DAMAGED, DENIED, FAILED, NOT_FOUND, OK, SCENARIOS, Scenario, scenario
from image_parts import digest_of

PUSH = "push -q --retry 1 --creds user:hunter2 docker://{main}/hostile/push-source {main}/hostile/{name}"
# In the query of every place of an upload: not to be shown.
SIGNATURE = "hunter3"
OTHER_DIGEST = "sha256:" + "0" * 64


@scenario("push-source")
def _(_s):
    pass


class Target(Scenario):
    """Hooks are called with (request, what): begin, mount, send, end, ask, manifest, has."""

    def __init__(self, name, status, regex, hook, command=PUSH):
        super().__init__(name, status, regex, command, None)
        self.hook = hook
        self.uploads = {}
        self.numbers = itertools.count()

    def kind_of(self, request, rest):
        if rest.startswith("manifests/"):
            return "manifest" if request.method == "PUT" else "get"
        if request.method == "HEAD":
            return "has"
        if request.method == "POST":
            return "mount" if "mount" in request.query else "begin"
        return {"PATCH": "send", "PUT": "end", "GET": "ask", "DELETE": "cancel"}[request.method]

    def answer(self, request, rest):
        what = self.kind_of(request, rest)
        if self.hook(self, request, what):
            return
        if what in ("get", "manifest"):
            self.manifest(request, rest.partition("/")[2], what)
        elif what == "has":
            found = self.blobs.get(rest.partition("/")[2])
            if found is None:
                request.error(404, "BLOB_UNKNOWN")
            else:
                request.send(200, found)
        elif what in ("begin", "mount"):
            self.begin(request)
        else:
            self.upload(request, what)

    def manifest(self, request, name, what):
        if what == "manifest":
            self.documents[name] = (request.headers["content-type"], request.body)
            request.send(201, b"", [("Docker-Content-Digest", digest_of(request.body))])
        elif name in self.documents:
            kind, data = self.documents[name]
            request.send(200, data, [("Content-Type", kind),
                                     ("Docker-Content-Digest", digest_of(data))])
        else:
            request.error(404, "MANIFEST_UNKNOWN")

    def place(self, number):
        return f"/v2/hostile/{self.name}/blobs/uploads/{number}?sig={SIGNATURE}"

    def begin(self, request, location=None, headers=()):
        number = str(next(self.numbers))
        self.uploads[number] = b""
        request.send(202, b"", [("Location", location or self.place(number)), *headers])

    def upload(self, request, what):
        number = request.path.rpartition("/")[2]
        if number not in self.uploads:
            request.error(404, "BLOB_UPLOAD_UNKNOWN")
            return
        start = request.headers.get("content-range", "").partition("-")[0]
        if start and int(start) != len(self.uploads[number]):
            request.error(416, "RANGE_INVALID")
            return
        if what == "cancel":
            del self.uploads[number]
            request.send(204)
            return
        self.uploads[number] += request.body
        if what == "end":
            self.finish(request, self.uploads.pop(number))
        else:
            self.tell(request, number, len(self.uploads[number]), 204 if what == "ask" else 202)

    def tell(self, request, number, size, status):
        request.send(status, b"", [("Location", self.place(number)),
                                   ("Range", f"0-{max(size - 1, 0)}")])

    def finish(self, request, data):
        digest = request.query["digest"][0]
        if digest_of(data) != digest:
            request.error(400, "DIGEST_INVALID", "not that")
            return
        self.blobs[digest] = data
        request.send(201, b"", [("Docker-Content-Digest", digest)])


def target(name, status=OK, regex=None, command=PUSH):
    def keep(hook):
        SCENARIOS.append(Target("push-" + name, status, regex, hook, command))
        return hook
    return keep


def always(name, what, give, status=OK, regex=None):
    """Answers that kind of request like this each time."""
    def hook(s, request, kind):
        if kind in what.split():
            give(s, request)
            return True
        return False
    target(name, status, regex)(hook)


def once(name, what, give, status=OK, regex=None):
    def hook(s, request, kind):
        if kind == what and s.count(what) == 0:
            give(s, request)
            return True
        return False
    target(name, status, regex)(hook)


def cut(_s, request):
    request.keep = False


def located(location, *headers):
    return lambda s, r: s.begin(r, location, headers)


def says(status, *headers):
    return lambda _s, r: r.send(status, b"", headers)


# --- nothing wrong, or nothing that matters ---------------------------------------------------------

target("good")(lambda s, r, kind: False)
always("mount-refused", "mount", says(405))
always("mount-fails", "mount", says(500))
always("no-head", "has", says(405))
always("chunk-min-beyond-numbers", "begin mount",
       lambda s, r: s.begin(r, None, [("OCI-Chunk-Min-Length", "9" * 30)]))
always("chunk-min-negative", "begin mount",
       lambda s, r: s.begin(r, None, [("OCI-Chunk-Min-Length", "-1")]))
once("end-is-busy", "end", says(503, ("Retry-After", "0")))
once("end-is-limited", "end", says(429, ("Retry-After", "0")))
once("end-is-cut", "end", cut)
once("forgets-once", "end", says(404))
once("begin-fails-once", "begin", says(502))
once("manifest-fails-once", "manifest", says(500))


@target("answer-is-lost")
def _(s, request, kind):
    if kind != "end" or s.count("end"):
        return False
    digest = request.query["digest"][0]
    s.blobs[digest] = request.body
    request.keep = False
    return True


@target("at-another-host")
def _(s, request, kind):
    if request.port == "main" and not request.authorization:
        request.challenge('Basic realm="x"')
        return True
    if kind in ("begin", "mount"):
        s.begin(request, request.url("other", f"/at/{s.name}/blobs/uploads/{len(s.uploads)}"))
        return True
    return False


@target("ends-elsewhere")
def _(s, request, kind):
    if kind == "end" and request.port == "main" and "/at/" not in request.path:
        request.redirect(request.url("other", "/at/" + s.name + request.target.partition(s.name)[2]))
        return True
    return False


@target("loses-a-blob")
def _(s, request, kind):
    if kind == "manifest" and s.count("manifest") == 0:
        s.blobs.popitem()
        request.error(404, "MANIFEST_BLOB_UNKNOWN")
        return True
    return False


# --- lies -------------------------------------------------------------------------------------------

always("mount-of-another", "mount", says(201, ("Docker-Content-Digest", OTHER_DIGEST)), DAMAGED,
       "has got " + OTHER_DIGEST)


@target("mount-of-nothing", FAILED, "MANIFEST_BLOB_UNKNOWN")
def _(_s, request, kind):
    if kind == "mount":
        request.send(201)
    elif kind == "manifest":
        request.error(400, "MANIFEST_BLOB_UNKNOWN")
    return kind in ("mount", "manifest")


always("nowhere", "begin mount", says(202), DAMAGED, "where to upload")
always("place-is-ftp", "begin mount", located("ftp://127.0.0.1/x"), DAMAGED, "place of the upload")
always("place-is-hostile", "begin mount", located("http://\x1b[31m/\x9b"), DAMAGED, "place of the upload")
always("place-has-a-user", "begin mount", located("http://u:hunter3@127.0.0.1/x"), DAMAGED,
       "place of the upload")
always("place-is-closed", "begin mount", located("http://127.0.0.1:1/x?sig=" + SIGNATURE), FAILED, "127.0.0.1:1")
always("place-is-endless", "begin mount", located("/" + "x" * 20000), DAMAGED, "place of the upload")
always("another-digest", "end", says(201, ("Docker-Content-Digest", OTHER_DIGEST)), DAMAGED,
       "has got " + OTHER_DIGEST)
always("no-end", "end", says(202), DAMAGED, "status 202, not 201")
always("an-end-of-200", "end", says(200), DAMAGED, "status 200, not 201")
always("manifest-of-another", "manifest", says(201, ("Docker-Content-Digest", OTHER_DIGEST)), DAMAGED,
       "has got " + OTHER_DIGEST)
always("manifest-416", "manifest", says(416), DAMAGED, "status 416")


@target("has-more", DAMAGED, "bytes of")
def _(s, request, kind):
    if kind == "ask":
        s.tell(request, "0", 1 << 40, 204)
    elif kind == "end":
        request.send(416)
    return kind in ("ask", "end")


@target("has-nonsense", FAILED, "does not take the blob")
def _(_s, request, kind):
    if kind == "ask":
        request.send(204, b"", [("Range", "\x1b[31m")])
    elif kind == "end":
        request.send(416)
    return kind in ("ask", "end")


# --- refusals and circles ---------------------------------------------------------------------------

always("forgets-always", "end", says(404), NOT_FOUND, "not found")
always("cut-always", "end", cut, FAILED, "127.0.0.1")
always("416-always", "end", says(416), FAILED, "does not take the blob")
always("413-always", "end", says(413), DAMAGED, "too large")
always("500-always", "end", says(500), FAILED, "internal server error")
always("busy-for-ever", "end", says(503, ("Retry-After", "86400")), FAILED, "86400 s")
always("forbidden", "end", says(403), DENIED, "forbidden")
always("read-only", "begin mount", says(405), FAILED, "method not allowed")
always("unauthorized", "begin mount", lambda s, r: r.challenge('Basic realm="x"'), DENIED, "unauthorized")
always("words", "end", lambda s, r: r.error(400, "\x1b[31m\n", "hunter\r\u202e\x9b"), FAILED, "bad request")
always("begin-in-circles", "begin mount", lambda s, r: r.redirect(r.target), DAMAGED, "circle")
always("too-large-a-manifest", "manifest", says(413), DAMAGED, "takes|too large")
always("manifest-invalid", "manifest", lambda s, r: r.error(400, "MANIFEST_INVALID", "no"), FAILED,
       "MANIFEST_INVALID")
always("answers-without-end", "begin mount", lambda s, r: r.pour(b"x" * 1000), DAMAGED, "not HTTP")
