#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server for the tests: signs what docker-registry believes.

One user may do anything; without credentials, what is below public/ may be pulled. Answers GET
with basic credentials and POST with the OAuth2 grants `password` and `refresh_token`
(the refresh token is the user's, and a docker identity token at the same time). Says on stdout where
it listens, then one line a request: method, grant, user, scopes, status.
"""
import argparse
import base64
import http.server
import json
import secrets
import subprocess
import threading
import time
import urllib.parse

SECONDS = 300


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    def __init__(self, options):
        self.options = options
        self.refresh = secrets.token_urlsafe(24)
        with open(options.cert, encoding="ascii") as f:
            pem = f.read()
        self.chain = ["".join(line for line in pem.splitlines() if "CERTIFICATE" not in line)]

    def sign(self, text):
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.options.key],
                              input=text.encode(), stdout=subprocess.PIPE, check=True).stdout

    def token(self, user, service, access):
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": self.chain}
        claims = {"iss": self.options.issuer, "sub": user or "", "aud": service,
                  "exp": now + self.options.seconds, "nbf": now - 10, "iat": now,
                  "jti": secrets.token_urlsafe(12), "access": access}
        text = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{b64url(self.sign(text))}"

    def grant(self, user, scopes):
        """What of the wanted scopes this user gets."""
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            allowed = set(actions.split(","))
            if not user:
                allowed &= {"pull"} if name.startswith("public/") else set()
            if kind and allowed:
                access.append({"type": kind, "name": name, "actions": sorted(allowed)})
        return access

    def is_user(self, user, password):
        return user == self.options.user and password == self.options.password


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def basic(self):
        """(user, whether what was given is wrong)."""
        value = self.headers.get("Authorization", "")
        if not value:
            return None, False
        kind, _, code = value.partition(" ")
        try:
            user, _, password = base64.b64decode(code).decode().partition(":")
        except ValueError:
            return None, True
        good = kind.lower() == "basic" and self.server.issuer.is_user(user, password)
        return (user, False) if good else (None, True)

    def answer(self, status, body, said):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test tokens"')
        self.end_headers()
        self.wfile.write(data)
        print(f"{self.command} {said} status={status}", flush=True)

    def give(self, user, query, said, refresh):
        issuer = self.server.issuer
        scopes = [s for text in query.get("scope", []) for s in text.split()]
        token = issuer.token(user, query.get("service", [""])[0], issuer.grant(user, scopes))
        body = {"access_token": token, "expires_in": issuer.options.seconds,
                "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        if not issuer.options.access_token_only:
            body["token"] = token
        if refresh:
            body["refresh_token"] = issuer.refresh
        self.answer(200, body, f"{said} user={user or '-'} scope={','.join(scopes) or '-'}")

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        user, wrong = self.basic()
        if wrong:
            self.answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}, "grant=basic user=-")
        else:
            offline = query.get("offline_token", [""])[0] == "true"
            self.give(user, query, "grant=basic", user and offline)

    def do_POST(self):
        size = min(int(self.headers.get("Content-Length", "0")), 1 << 20)
        query = urllib.parse.parse_qs(self.rfile.read(size).decode())
        grant = query.get("grant_type", [""])[0]
        issuer, user = self.server.issuer, query.get("username", [""])[0]
        good = (grant == "password" and issuer.is_user(user, query.get("password", [""])[0])
                or grant == "refresh_token"
                and query.get("refresh_token", [""])[0] == issuer.refresh)
        if good:
            offline = query.get("access_type", [""])[0] == "offline"
            self.give(issuer.options.user, query, f"grant={grant}",
                      offline or grant == "refresh_token")
        else:
            self.answer(401, {"error": "invalid_grant"}, f"grant={grant} user=-")


def main():
    parser = argparse.ArgumentParser()
    for name in ("key", "cert", "user", "password"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--issuer", default="test-issuer")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--access-token-only", action="store_true")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.issuer = Issuer(parser.parse_args())
    print(f"refresh token {server.issuer.refresh}", flush=True)
    print(f"listening on http://127.0.0.1:{server.server_port}/token", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()


main()
