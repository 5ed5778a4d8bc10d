#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what img says of an image with its unpacked copy.

    look_compare.py names LISTING DIR     LISTING: the lines of img find --json
    look_compare.py bytes IMAGE DIR       img cat of every file
    look_compare.py find IMAGE DIR        img find and find(1), over a table of expressions
"""
import base64
import json
import os
import stat
import subprocess
import sys

TYPES = {"file": stat.S_IFREG, "directory": stat.S_IFDIR, "symlink": stat.S_IFLNK,
         "char": stat.S_IFCHR, "block": stat.S_IFBLK, "fifo": stat.S_IFIFO}
EXPRESSIONS = """
-type f
-type d -o -type l
! -type d -a -links +1
-name *.so -o -name *o*
-iname E*
-name ?
-size 0 ! -type d
-size 1 -type f
-size +1k -type f
-size -2 -type f
-size +3c ! -type d ! -type l
-perm 644
-perm -111
-perm /6000
-perm /u=s,g=s
-perm -u+x,g+r
-perm -4000 -o -perm 1777
-uid 0 ! -gid 0
-uid +999
-empty -type f
-maxdepth 1
-mindepth 2 -maxdepth 3
-name etc -prune -o -print
( -type l -o -type f ) -lname *
-mtime +30
-newermt 2001-01-01
-regextype posix-extended -regex .*/(etc|bin)/[a-g]+
-type c,b,p
""".strip().splitlines()


def bytes_of(record, key):
    if key + "Base64" in record:
        return base64.b64decode(record[key + "Base64"])
    return record[key].encode()


def walk(top):
    yield b"/"
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            yield b"/" + os.path.relpath(os.path.join(folder, name), top)


def differences(record, st, path):
    wants = [("type", TYPES[record["Type"]], stat.S_IFMT(st.st_mode)),
             ("mode", int(record["Mode"], 8), stat.S_IMODE(st.st_mode)),
             ("uid", record["Uid"], st.st_uid), ("gid", record["Gid"], st.st_gid)]
    if record["Layer"] is not None:
        wants.append(("time", record["ModSeconds"] * 10**9 + record["ModNanoseconds"],
                      st.st_mtime_ns))
    if record["Type"] == "file":
        wants.append(("size", record["Size"], st.st_size))
    if record["Type"] != "directory":
        wants.append(("links", record["Links"], st.st_nlink))
    if record["Type"] == "symlink":
        wants.append(("target", bytes_of(record, "Target"), os.readlink(path)))
    if record["Type"] in ("char", "block"):
        wants.append(("device", (record["Major"], record["Minor"]),
                      (os.major(st.st_rdev), os.minor(st.st_rdev))))
    return [f"{what}: img {a}, disk {b}" for what, a, b in wants if a != b]


def names(listing, top):
    with open(listing, encoding="utf-8") as f:
        records = {bytes_of(r, "Path"): r for r in map(json.loads, f)}
    bad = [f"{path}: only one has it" for path in set(records) ^ set(walk(top))]
    for path, record in records.items():
        # The folder that is unpacked into is the user's as far as no layer names the root.
        if path == b"/" and record["Layer"] is None:
            continue
        full = os.path.join(top, path.lstrip(b"/"))
        if os.path.lexists(full):
            bad += [f"{path}: {x}" for x in differences(record, os.lstat(full), full)]
    return bad


def files(top):
    return sorted(p for p in walk(top) if stat.S_ISREG(os.lstat(top + p).st_mode))


def contents(image, top):
    paths = files(top)
    bad = []
    for some in (paths[i:i + 50] for i in range(0, len(paths), 50)):
        got = subprocess.run([b"img", b"cat"] + [image.encode() + b":" + p for p in some],
                             stdout=subprocess.PIPE, check=False)
        want = b""
        for path in some:
            with open(top + path, "rb") as f:
                want += f.read()
        if got.returncode or got.stdout != want:
            bad.append(f"{some[0]}...: status {got.returncode}, {len(got.stdout)} bytes of "
                       f"{len(want)}")
    return bad


def found(argv, cut):
    out = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
    return sorted(b"/" + p[cut:].lstrip(b"/") for p in out.split(b"\0") if p)


def finds(image, top):
    bad = []
    for line in EXPRESSIONS:
        words = line.split()
        ours = words[2:] if words[0] == "-regextype" else words
        # Both match the whole path; neither's name for the top may matter.
        add = [] if "-print" in ours else ["-print0"]
        swap = ["-print0" if w == "-print" else w for w in words]
        mine = ["-print0" if w == "-print" else w for w in ours]
        group = (lambda w: ["("] + w + [")"]) if add else (lambda w: w)
        theirs = found([b"find", top] + group(swap) + add, len(top))
        got = found(["img", "find", image] + group(mine) + add, 0)
        # The top itself has another owner, mode and time where no layer names it.
        if [p for p in got if p != b"/"] != [p for p in theirs if p != b"/"]:
            bad.append(f"{line}: img {got}, find {theirs}")
    return bad


def main():
    what, a, b = sys.argv[1:]
    bad = {"names": names, "bytes": contents, "find": finds}[what](a, os.fsencode(b))
    for line in bad[:20]:
        print(line)
    return bool(bad)


sys.exit(main())
