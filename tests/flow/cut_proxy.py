#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands before a registry and makes the road to it bad, for the tests.

    cut_proxy.py --to HOST:PORT [--cut BYTES [--times N]] [--hold BYTES] [--slow BYTES_A_SECOND]
                 [--no-range] [--fail STATUS [--times N] [--retry-after S]]
                 [--cut-upload BYTES [--times N]] [--hold-upload BYTES]

--cut ends the connection after so many bytes of a blob, N times; --hold sends so many and then no
more, as long as the client stays, and says `holding PATH`; --no-range hides Range from the
registry; --fail answers blobs with a status, N times. Only blobs larger than BYTES are touched.
--cut-upload and --hold-upload do the same to blobs that are sent.
Says where it listens, then a line a request: method, path, range, status, body bytes sent.
"""
import argparse
import http.client
import http.server
import select
import threading
import time

CHUNK = 16384
HOP_HEADERS = {"connection", "transfer-encoding", "keep-alive"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, sent):
        print(f"{self.command} {self.path} range={self.headers.get('Range', '-')} status={status} "
              f"sent={sent}", flush=True)

    def take_turn(self):
        """Whether this is still one of the N to spoil."""
        with self.server.lock:
            self.server.times -= 1
            return self.server.times >= 0

    def wait_for_client(self):
        """Until the client has gone."""
        print(f"holding {self.path}", flush=True)
        while True:
            ready, _, _ = select.select([self.connection], [], [], 1)
            if ready and not self.connection.recv(CHUNK):
                return

    def copy(self, response, size):
        """Passes the body on; the count of bytes that went."""
        options, sent = self.server.options, 0
        blob = self.command == "GET" and "/blobs/" in self.path
        limit = options.cut if options.cut is not None else options.hold
        spoiled = blob and limit is not None and size > limit
        if spoiled and options.cut is not None:
            spoiled = self.take_turn()
        while True:
            want = min(CHUNK, limit - sent) if spoiled else CHUNK
            if want == 0:
                break
            data = response.read(want)
            if not data:
                return sent
            self.wfile.write(data)
            sent += len(data)
            if options.slow and blob:
                time.sleep(len(data) / options.slow)
        self.wfile.flush()
        self.close_connection = True
        if options.cut is None:
            self.wait_for_client()
        return sent

    def fail(self):
        options = self.server.options
        if not options.fail or "/blobs/" not in self.path or not self.take_turn():
            return False
        self.send_response(options.fail)
        if options.retry_after is not None:
            self.send_header("Retry-After", str(options.retry_after))
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.say(options.fail, 0)
        return True

    def do_GET(self):
        if self.fail():
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_HEADERS
                   and not (self.server.options.no_range and k.lower() == "range")}
        upstream = http.client.HTTPConnection(self.server.options.to, timeout=60)
        sent, status = 0, 502
        try:
            upstream.request(self.command, self.path, headers=headers)
            response = upstream.getresponse()
            status = response.status
            self.send_response(status)
            for key, value in response.getheaders():
                if key.lower() not in HOP_HEADERS:
                    self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                sent = self.copy(response, int(response.headers.get("Content-Length", "0")))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            upstream.close()
            self.say(status, sent)

    do_HEAD = do_GET

    def pass_body(self, upstream):
        """Passes on what the client sends; False when it was cut off."""
        options, left = self.server.options, int(self.headers.get("Content-Length", "0"))
        limit = options.cut_upload if options.cut_upload is not None else options.hold_upload
        spoiled = "/blobs/" in self.path and limit is not None and left > limit
        if spoiled and options.cut_upload is not None:
            spoiled = self.take_turn()
        left = limit if spoiled else left
        while left:
            data = self.rfile.read(min(CHUNK, left))
            if not data:
                raise ConnectionResetError
            upstream.send(data)
            left -= len(data)
        if spoiled and options.cut_upload is None:
            print(f"holding {self.path}", flush=True)
            while self.rfile.read1(CHUNK):
                pass
        return not spoiled

    def do_POST(self):
        upstream = http.client.HTTPConnection(self.server.options.to, timeout=60)
        status = 0
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers.items():
                if key.lower() not in HOP_HEADERS:
                    upstream.putheader(key, value)
            upstream.endheaders()
            if not self.pass_body(upstream):
                self.close_connection = True
                return
            response = upstream.getresponse()
            status, body = response.status, response.read()
            self.send_response(status)
            for key, value in response.getheaders():
                if key.lower() not in HOP_HEADERS:
                    self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            upstream.close()
            self.say(status, 0)

    do_PUT = do_PATCH = do_DELETE = do_POST


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True)
    for name in ("--cut", "--hold", "--slow", "--fail", "--retry-after", "--cut-upload",
                 "--hold-upload"):
        parser.add_argument(name, type=int)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--no-range", action="store_true")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.options = parser.parse_args()
    server.times, server.lock = server.options.times, threading.Lock()
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main()
