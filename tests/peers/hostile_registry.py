#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that lies in every field it can, for the tests.

    hostile_registry.py --list                 the table, one scenario a line, tabs between:
                                               name, exit status, regex of the error, words of the command
    hostile_registry.py --certs DIR --log FILE serves them all until it is killed

Each scenario is a repository hostile/NAME with the tag latest. It listens on three ports of
127.0.0.1 and says so: `main HOST:PORT` (plain HTTP, the registry), `other HOST:PORT` (plain HTTP,
another origin: no credentials may arrive there), `tls HOST:PORT` (the same registry over TLS, its
CA in DIR/ca.crt; DIR/private/identity.json has an identity token for it). In the words of the
command {main}, {tls}, {certs} and {name} stand for these. Each request is a line of JSON in FILE: port,
method, path, authorization, body.
"""
import argparse
import json
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile_table  # noqa: E402
import hostile_push  # noqa: E402,F401  (adds to the table)

HEAD_MAX = 65536
# Nothing is sent for longer or in greater number than this, whoever listens.
SECONDS_MAX = 30
BYTES_MAX = 8 << 30


class Request:
    """One request and the means to answer it, well or badly."""

    def __init__(self, handler, head):
        lines = head.decode("latin-1").split("\r\n")
        self.handler = handler
        self.port = handler.server.name
        self.server = handler.server
        self.method, target, self.version = (lines[0].split(" ") + ["", ""])[:3]
        self.target = target
        self.path, _, query = target.partition("?")
        self.query = urllib.parse.parse_qs(query)
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                self.headers[name.strip().lower()] = value.strip()
        self.keep = True
        self.body = b""

    def read_body(self):
        size = min(int(self.headers.get("content-length", "0")), 1 << 20)
        self.body = self.handler.rfile.read(size)

    @property
    def authorization(self):
        return self.headers.get("authorization", "")

    def range_start(self):
        text = self.headers.get("range", "")
        if not text.startswith("bytes=") or not text.endswith("-"):
            return None
        return int(text[len("bytes="):-1])

    def url(self, port, path):
        scheme = "https" if port == "tls" else "http"
        return f"{scheme}://{self.server.places[port]}{path}"

    # --- answers

    def raw(self, data):
        """These bytes and nothing else; the connection ends with the request."""
        self.keep = False
        self.handler.wfile.write(data)

    def head(self, status, headers):
        lines = [f"HTTP/1.1 {status} X"] + [f"{k}: {v}" for k, v in headers]
        self.handler.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def send(self, status=200, body=b"", headers=(), length=None):
        length = len(body) if length is None else length
        self.head(status, [*headers, ("Content-Length", length)])
        if self.method != "HEAD":
            self.handler.wfile.write(body)
        if length != len(body):
            self.keep = False

    def send_json(self, status, value, headers=()):
        self.send(status, json.dumps(value).encode(), [("Content-Type", "application/json"), *headers])

    def error(self, status, code, message="", headers=()):
        self.send_json(status, {"errors": [{"code": code, "message": message}]}, headers)

    def redirect(self, location, status=307):
        self.send(status, b"", [("Location", location)])

    def challenge(self, text, error=None):
        extra = f',error="{error}"' if error else ""
        self.error(401, "UNAUTHORIZED", "who is there?", [("WWW-Authenticate", text + extra)])

    def pour(self, chunk, pause=0.0, total=BYTES_MAX):
        """The same bytes again and again until the client goes, or the bounds are met."""
        self.keep = False
        end, sent = time.monotonic() + SECONDS_MAX, 0
        while sent < total and time.monotonic() < end:
            self.handler.wfile.write(chunk)
            sent += len(chunk)
            if pause:
                time.sleep(pause)

    def send_chunked(self, parts, headers=(), end=True):
        """A body without a length: `parts` may never end."""
        self.head(200, [*headers, ("Transfer-Encoding", "chunked")])
        stop = time.monotonic() + SECONDS_MAX
        for part in parts:
            self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if time.monotonic() > stop:
                break
        if end:
            self.handler.wfile.write(b"0\r\n\r\n")
        else:
            self.keep = False


class Handler(socketserver.StreamRequestHandler):
    timeout = SECONDS_MAX

    def read_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(HEAD_MAX)
            if not line or len(head) > HEAD_MAX:
                return None
            head += line
        return head[:-4]

    def handle(self):
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            keep = True
            while keep:
                head = self.read_head()
                if head is None:
                    return
                request = Request(self, head)
                request.read_body()
                self.server.note(request)
                self.server.answer(request)
                self.wfile.flush()
                keep = request.keep and request.headers.get("connection", "") != "close"
        except (OSError, ValueError):
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, name, scenarios, log, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.scenarios = scenarios
        self.log = log
        self.places = {}
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        # A client that went away or spoke no TLS.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def note(self, request):
        self.log.write(json.dumps({"port": self.name, "method": request.method,
                                   "path": request.target,
                                   "authorization": request.authorization,
                                   "body": request.body.decode("latin-1")}) + "\n")

    def answer(self, request):
        parts = request.path.split("/")
        name = parts[3] if request.path.startswith("/v2/hostile/") and len(parts) > 4 else None
        if request.path in ("/v2/", "/v2"):
            request.send_json(200, {})
        elif request.path.startswith("/at/") and len(parts) > 2:
            # Places that scenarios invent: /at/NAME/...
            self.dispatch(request, parts[2], "/".join(parts[3:]))
        elif name:
            self.dispatch(request, name, "/".join(parts[4:]))
        else:
            request.error(404, "NAME_UNKNOWN")

    def dispatch(self, request, name, rest):
        scenario = self.scenarios.get(name)
        if not scenario:
            request.error(404, "NAME_UNKNOWN")
            return
        scenario.answer(request, rest)


def make_certificates(folder):
    """A CA and a certificate of loopback, good for two days."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    # In a folder of its own: what is given to --cert-dir holds the CA and nothing else.
    os.makedirs(os.path.join(folder, "private"))
    with open(os.path.join(folder, "private", "names"), "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=hostile CA", "-keyout",
            "private/ca.key", "-out", "ca.crt")
    openssl("req", *key, "-subj", "/CN=hostile", "-keyout", "private/server.key", "-out",
            "private/server.csr")
    openssl("x509", "-req", "-days", "2", "-in", "private/server.csr", "-CA", "ca.crt", "-CAkey",
            "private/ca.key", "-set_serial", "1", "-out", "private/server.pem", "-extfile",
            "private/names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "private", "server.pem"),
                            os.path.join(folder, "private", "server.key"))
    return context


def serve(options):
    scenarios = {s.name: s for s in hostile_table.SCENARIOS}
    # Line buffered: who reads it later sees whole lines.
    log = open(options.log, "w", encoding="utf-8", buffering=1)
    servers = [Server("main", scenarios, log), Server("other", scenarios, log),
               Server("tls", scenarios, log, make_certificates(options.certs))]
    places = {s.name: f"127.0.0.1:{s.server_address[1]}" for s in servers}
    with open(os.path.join(options.certs, "private", "identity.json"), "w", encoding="ascii") as f:
        json.dump({"auths": {place: {"identitytoken": "hunter2"} for place in places.values()}}, f)
    for server in servers:
        server.places = places
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"{server.name} {places[server.name]}", flush=True)
    print("ready", flush=True)
    threading.Event().wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--certs")
    parser.add_argument("--log")
    options = parser.parse_args()
    if options.list:
        for s in hostile_table.SCENARIOS:
            print("\t".join([s.name, str(s.status), s.regex or "-", s.command]))
    elif options.certs and options.log:
        serve(options)
    else:
        parser.error("--list, or --certs and --log")


main()
