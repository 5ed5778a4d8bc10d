# SPDX-License-Identifier: Apache-2.0
"""Error bodies of registries, token servers and proxies."""
import json


def error(**fields):
    return json.dumps({"errors": [fields]}).encode()


def seeds():
    yield "unknown", error(code="MANIFEST_UNKNOWN", message="manifest unknown", detail={"Tag": "x"})
    yield "denied", error(code="DENIED", message="no", detail="https://h/b?sig=1 'https://h/?x'")
    yield "escapes", error(message="\u001b[31m\n\u009b?://x?")
    yield "types", b'{"errors":[1,null,{"code":[],"message":{}}]}'
    yield "message", b'{"message":"rate limited"}'
    yield "details", b'{"details":"incorrect username or password"}'
    yield "cut", b'{"errors":[{"code":"X'
    yield "plain", b"404 page not found\n"
    yield "html", b"<html>"
    yield "bytes", b" {\xff\x00"
