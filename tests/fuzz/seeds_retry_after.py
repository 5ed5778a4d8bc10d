# SPDX-License-Identifier: Apache-2.0
"""Retry-After in its forms, RateLimit-Limit, Content-Range."""

TEXTS = ["0", "120", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT",
         "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "soon",
         "Tue, 29 Feb 9999 23:59:60 GMT", "100;w=21600", "bytes 0-4/5", "bytes 42-1233/*"]


def seeds():
    for i, text in enumerate(TEXTS):
        yield f"{i}", text.encode()
