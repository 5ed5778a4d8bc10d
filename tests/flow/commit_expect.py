#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `img changes --json` must say, from listings of before and after.

    commit_expect.py BEFORE AFTER SAID      1 and a line for each difference

A: after only. D: before only, without what lies in a deleted folder. C: both, and something
differs; and folders in which something of that lies.
"""
import json
import sys


def load(path):
    with open(path, encoding="ascii") as f:
        return {r["path"]: r for r in map(json.loads, f)}


def parent(path):
    return path.rpartition("/")[0]


before, after = load(sys.argv[1]), load(sys.argv[2])
with open(sys.argv[3], encoding="utf-8", errors="surrogateescape") as f:
    said = {(r["Path"], r["Kind"]) for r in map(json.loads, f)}

want = {}
for path in before.keys() | after.keys():
    if path in (".", ""):
        continue
    if path not in before:
        want[path] = "A"
    elif path not in after:
        if parent(path) in ("", ".") or parent(path) in after:
            want[path] = "D"
    # Names of a group that is broken up are no changes of their own.
    elif {**before[path], "same_as": 0} != {**after[path], "same_as": 0}:
        want[path] = "C"
for path in list(want):
    while path := parent(path):
        if want.setdefault(path, "C") != "C":
            break

# JSON has no bytes beyond UTF-8: what is none is U+FFFD there.
def shown(path):
    return "/" + path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


want = {(shown(path), kind) for path, kind in want.items()}
said = {(path, kind) for path, kind in said if path != "/"}
for path, kind in sorted(want - said):
    print("not said:", kind, ascii(path))
for path, kind in sorted(said - want):
    print("wrong:", kind, ascii(path))
sys.exit(want != said)
