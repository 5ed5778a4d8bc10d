# SPDX-License-Identifier: Apache-2.0
"""WWW-Authenticate lines: of the RFC, of registries, broken ones."""

LINES = [
    b'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    b'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    b'scope="repository:samalba/my-app:pull,push"',
    b'Bearer realm="x",error="insufficient_scope",scope="repository:a:pull repository:b:push,pull"',
    b"Bearer realm=https://r/t,service=s,scope=repository:host:5000/a:pull,push",
    b"Negotiate YWJj==, NTLM\nBasic realm=\"\xc3\xa9\"",
    b"BEARER Service = \"s\" , REALM\t=\t\"r\"",
    b", ,Basic ,, realm=\"x\", ,",
    b'Basic realm="x\\', b'Basic realm="', b"realm=x", b"=", b'"', b",,,,", b"a b c d=e f",
    b"S a=b," * 40, b"Bearer a=b" + b",p=x" * 40, b"Bearer scope=\"" + b"r:a:b " * 300 + b'"',
]


def seeds():
    for i, line in enumerate(LINES):
        yield f"{i:02}", line
