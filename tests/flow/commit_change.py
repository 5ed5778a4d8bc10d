#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes a writable root in every way a container may: commit_change.py DIR"""
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys

root = os.fsencode(sys.argv[1])
# What follows removes whole folders: never of anything but a mount.
if root in (b"", b"/") or not os.path.isabs(root) or not os.path.ismount(root):
    sys.exit(f"{sys.argv[1]!r}: no mount")
noise = random.Random(5)


def at(name):
    return os.path.join(root, name if isinstance(name, bytes) else name.encode())


def put(name, data=b"new", mode=0o644):
    with open(at(name), "wb") as f:
        f.write(data)
    os.chmod(at(name), mode)


def old(kind):
    """What the image has of that kind, in order."""
    found = []
    for folder, dirs, files in os.walk(root):
        dirs.sort()
        for name in sorted(dirs + files):
            path = os.path.join(folder, name)
            if kind(os.lstat(path).st_mode):
                found.append(path)
    return found


def acl(*rows):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


files, folders = old(stat.S_ISREG), [d for d in old(stat.S_ISDIR)]
links = old(stat.S_ISLNK)
ANY = 0xffffffff

# What is there is overwritten, appended to, cut, given away, renamed, removed.
for n, path in enumerate(files):
    if n % 8 == 0:
        with open(path, "ab") as f:
            f.write(b"appended")
    elif n % 8 == 1:
        os.unlink(path)
    elif n % 8 == 2:
        os.chmod(path, 0o4750)
    elif n % 8 == 3:
        os.chown(path, 1234, 5678)
    elif n % 8 == 4:
        os.rename(path, path + b".renamed")
    elif n % 8 == 5:
        os.utime(path, ns=(1, 1234567890123456789))
    elif n % 8 == 6:
        os.truncate(path, 1)
for n, path in enumerate(links):
    os.unlink(path)
    if n % 2:
        os.mkdir(path)
        with open(os.path.join(path, b"inside"), "wb") as f:
            f.write(b"in place of a link")
for n, path in enumerate(reversed(folders)):
    if n % 5 == 0:
        shutil.rmtree(path)
    elif n % 5 == 1:  # recreated: opaque
        shutil.rmtree(path)
        os.mkdir(path, 0o711)
        with open(os.path.join(path, b"again"), "wb") as f:
            f.write(b"again")
    elif n % 5 == 2:  # a file in its place
        shutil.rmtree(path)
        with open(path, "wb") as f:
            f.write(b"was a folder")
    elif n % 5 == 3:
        os.chmod(path, 0o2775)

# And all kinds of new things.
os.makedirs(at("made/deep/er"))
put("made/f", b"x" * 70000)
put("made/empty", b"")
put("made/big", noise.randbytes(3 << 20))
put(b"made/line\nbreak \t\x1b[31m", b"1")
put(b"made/\xff\xfe invalid \xc3", b"2")
put(b"made/" + b"n" * 255, b"3")
put(b"made/deep/" + b"m" * 200, b"4")
os.symlink(b"t" * 300, at("made/long-target"))
os.symlink("f", at("made/link"))
os.link(at("made/f"), at("made/deep/hard"))
os.link(at("made/f"), at("zz-hard"))
os.link(at("made/link"), at("made/link-hard"), follow_symlinks=False)
os.mkfifo(at("made/fifo"), 0o600)
os.mknod(at("made/char"), 0o640 | stat.S_IFCHR, os.makedev(1, 3))
os.mknod(at("made/block"), 0o600 | stat.S_IFBLK, os.makedev(300, 70000))
with socket.socket(socket.AF_UNIX) as s:
    os.chdir(at("made"))
    s.bind("socket")
    os.unlink("socket")
    os.chdir("/")
for name, value in ((b"user.a", b"1"), (b"trusted.t", b"\0\n=x"),
                    (b"security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))):
    os.setxattr(at("made/f"), name, value)
rows = ((1, 6, ANY), (2, 4, 1000), (4, 4, ANY), (16, 4, ANY), (32, 0, ANY))
os.setxattr(at("made/big"), "system.posix_acl_access", acl(*rows))
os.setxattr(at("made/deep"), "system.posix_acl_default", acl(*rows))
with open(at("made/sparse"), "wb") as f:
    f.truncate(50 << 20)
    f.seek(10 << 20)
    f.write(noise.randbytes(10000))
    f.seek(30 << 20)
    f.write(b"end")
with open(at("made/holes"), "wb") as f:
    f.truncate(9 << 20)
with open(at("made/mostly-data"), "wb") as f:
    f.write(noise.randbytes(300000))
    f.truncate(400000)
put("made/suid", b"s", 0o6755)
os.utime(at("made/empty"), ns=(0, -1500000000))
os.utime(at("made/suid"), ns=(0, 999999999))
os.utime(at("made/link"), ns=(0, 5), follow_symlinks=False)
# Folder and file change places, and back again.
os.makedirs(at("swap/a"))
os.rmdir(at("swap/a"))
put("swap/a")
os.unlink(at("swap/a"))
os.mkdir(at("swap/a"))
put("gone")
os.unlink(at("gone"))
os.chmod(root, 0o751)
