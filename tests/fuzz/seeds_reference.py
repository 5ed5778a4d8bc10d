# SPDX-License-Identifier: Apache-2.0
"""References: one of each form, and the ones that are not."""

D = "@sha256:" + "f" * 64
TEXTS = """
debian
debian:12
test.com:5000
localhost:8080
test:5000/repo:tag{D}
[2001:db8::1]:5000/repo:tag{D}
[::1]
docker.io/library/debian
index.docker.io/foo
registry-1.docker.io/library/foo
xn--n3h.com/myimage:xn--n3h.com
registry.io/foo/project--id.module--name.ver---sion--name
dock__er/docker
dock_.er
Uppercase/x
docker/Docker
a_b.c/d
192.168.1.1:750050/foo
busybox{D}:tag
repo@sha512:{F128}
repo@md5:{F32}
{F64}
sha256:{F64}
https://github.com/docker/docker
oci:dir:name
oci-archive:f.tar
docker-archive:f.tar:a/b:c
docker://quay.io/a/b
store:debian
"""


def seeds():
    text = TEXTS.format(D=D, F32="f" * 32, F64="f" * 64, F128="f" * 128)
    for n, line in enumerate(text.split()):
        yield f"{n:02}", line.encode()
    yield "long-path", b"example.com/" + b"a/" * 127 + b"a"
    yield "long-name", b"a" * 5000
    yield "not-ascii", "föö".encode()
    yield "newline", b"foo\n"
