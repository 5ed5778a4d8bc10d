#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OCI layout of an image of COUNT layers, each adding, changing and removing something.

    layers.py COUNT LAYOUT
"""
import os
import random
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "fixtures"))
sys.dont_write_bytecode = True

import layout  # noqa: E402 pylint: disable=wrong-import-position
from tarmaker import DIR, SYM, Entry  # noqa: E402 pylint: disable=wrong-import-position


def entries(number, dice):
    yield Entry("./", DIR)
    yield Entry(f"d{number % 20}/", DIR, mode=0o750, uid=number)
    yield Entry(f"d{number % 20}/own{number}", data=dice.randbytes(dice.randrange(3000)),
                gid=number)
    yield Entry("counter", data=b"%d" % number, mtime_ns=number * 10**9 + number)
    if number >= 20:
        yield Entry(f"d{number % 20}/.wh.own{number - 20}", mode=0)
    yield Entry(f"link{number % 7}", SYM, link=f"d{number % 20}/own{number}")


def main():
    count, dice = int(sys.argv[1]), random.Random(1)
    out = layout.Layout(sys.argv[2])
    out.top(out.image([layout.Layer(list(entries(n, dice)), ("gzip", "plain")[n % 2])
                       for n in range(count)]))
    out.finish()


main()
