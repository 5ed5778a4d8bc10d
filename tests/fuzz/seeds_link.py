# SPDX-License-Identifier: Apache-2.0
"""Link and Warning headers."""

HEADERS = [
    '</v2/_catalog?last=b&n=2>; rel="next"',
    '</p>; rel=prev, </n>; title="a, <b>; \\" rel=next"; REL="x next"',
    "<https://h/x?a=1,2;3>;rel=next;rel=prev",
    "<x", "<>", "<x>;rel=\"next", "<x>;;;,,,<y>;rel=next",
    '299 - "one", 299 - "two" "Sat, 01 Jan 2028 00:00:00 GMT"',
    '110 host:80 "stale, 299 - ", 299 - "a\\"b\\\\"',
    '299 - "unfinished\\',
]


def seeds():
    for i, header in enumerate(HEADERS):
        yield f"{i}", header.encode()
