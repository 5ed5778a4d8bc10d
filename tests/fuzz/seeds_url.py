# SPDX-License-Identifier: Apache-2.0
"""URLs and references to be resolved against them."""

BASES = ["http://a/b/c/d;p?q", "https://registry.example:5000/v2/", "http://[::1]:80/x"]
REFERENCES = ["g", "../../g", "/./g/..", "//other:1/x", "?y", "#f", "", ".", "..", "g?y/../x",
              "https://cdn.example/blob?sig=%2F", "http://127.1/", "//u@h/", "g:h"]
ALONE = ["http://h:0/", "http://user:pass@h/", "ftp://h/", "http://h\\@evil/", "http://0x7f.1/",
         "http://[fe80::1%25eth0]/", "HTTPS://H.EXAMPLE:443/A%20b", "http://h:65536/"]


def seeds():
    for i, base in enumerate(BASES):
        for k, reference in enumerate(REFERENCES):
            yield f"{i}-{k}", f"{base}\n{reference}".encode()
    for i, url in enumerate(ALONE):
        yield f"alone-{i}", url.encode()
    yield "bytes", b"http://\xc3\xa9/\x00\x7f"
