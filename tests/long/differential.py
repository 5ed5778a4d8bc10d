#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random images: the mount against layers applied one after the other.

    differential.py COUNT SEED WORK    IMG in the environment; one "ok" or "not ok" line at the end

Each case is two to six random layers over few names, so that they collide: files, folders,
links of both kinds, devices, fifos, sparse files, xattrs; whiteouts, opaque folders, types that
change. The image is pulled, mounted, and its whole tree compared with three others: the oracle of
fixtures/ (all metadata), umoci's unpack, and GNU tar over a folder in which whiteouts were carried
out before (both without times of folders, which they leave as they happen to be). With --rw every
other time, through overlayfs.
"""
import argparse
import http.server
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "fixtures"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import layout  # noqa: E402
import listing  # noqa: E402
import oracle  # noqa: E402
from tarmaker import BLK, CHR, DIR, FIFO, LINK, REG, SYM, Entry  # noqa: E402

IMG = os.environ.get("IMG", os.path.join(ROOT, "build/bin/img"))
NAMES = [b"a", b"b", b"c", b"-", b"..x", b".d", b"\xff\xfe", b"n" * 60, b"Z z", b"e\nf"]


# --- random layers --------------------------------------------------------------------------------

class Dice(random.Random):
    def metadata(self, name, type_):
        return {"name": name, "type": type_, "mode": self.choice((0o644, 0o755, 0o4711, 0o1777, 0)),
                "uid": self.choice((0, 1000, 4294967294)), "gid": self.choice((0, 5, 70000)),
                "mtime_ns": self.choice((0, 1, 1_700_000_000 * 10**9 + 123456789, 2**33 * 10**9)),
                "xattrs": self.choice(({}, {}, {}, {"user.a": b"1"},
                                       {"user.b": b"x" * 300, "trusted.c": b"\0\1"},
                                       {"security.capability":
                                        bytes.fromhex("0100000200040000000000000000000000000000")}))
                }

    def entry(self, name, files):
        kind = self.choice((REG, REG, REG, DIR, DIR, SYM, LINK, CHR, BLK, FIFO))
        if kind == LINK and not files:
            kind = REG
        if kind == LINK:
            return Entry(name, LINK, link=self.choice(files))
        more = self.metadata(name, kind)
        if kind == SYM:
            more.update(link=self.choice((b"a", b"/c/b", b"../x" * 20, b"t" * 600)), xattrs={})
        if kind in (CHR, BLK):
            more["dev"] = self.choice(((1, 3), (259, 70000)))
            # A character device 0/0 is a whiteout to overlayfs, and an ordinary one to nobody.
        if kind in (CHR, BLK, FIFO):
            more["xattrs"] = {k: v for k, v in more["xattrs"].items() if k.startswith("trusted.")}
        if kind == REG and self.random() < 0.15:
            runs, at = [], 0
            for _ in range(self.randrange(1, 4)):
                at += 512 * self.randrange(0, 40)
                data = self.randbytes(512 * self.randrange(1, 5))
                runs.append((at, data))
                at += len(data)
            more.update(runs=runs, size=at + 512 * self.randrange(0, 3),
                        sparse_kind=self.choice(("1.0", "0.1")))
        elif kind == REG:
            more["data"] = self.randbytes(self.choice((0, 1, 511, 512, 513, 5000, 70000)))
        return Entry(**more)


def folders(tree):
    """Paths of folders and of files, as bytes."""
    dirs, files = [], []
    for path, node in tree.walk():
        (dirs if node.kind == "dir" else files).append((path, node))
    return [p for p, _ in dirs], [p for p, n in files if n.kind == "file"]


def under(folder, name):
    return folder + b"/" + name if folder else name


def random_layer(dice, tree):
    """Entries in an order that every extractor takes: parents first, links after their targets."""
    dirs, files = folders(tree)
    taken, entries, marks, gone = set(), [], [], set()
    if dice.random() < 0.5:
        entries.append(Entry(**dice.metadata(b"./", DIR)))
    for _ in range(dice.randrange(0, 4)):
        parent = dice.choice(dirs)
        children = [n for n in NAMES if under(parent, n) in dirs or under(parent, n) in files]
        if children and dice.random() < 0.7:
            name = dice.choice(children)
            marks.append(Entry(under(parent, b".wh." + name), mode=0))
            gone.add(under(parent, name))
        elif parent:
            marks.append(Entry(under(parent, b".wh..wh..opq"), mode=0))
            gone.update(under(parent, n) for n in NAMES)

    def is_gone(path):
        return any(path == g or path.startswith(g + b"/") for g in gone)
    # Where a name was hidden, only its own entry may bring it back.
    dirs = [d for d in dirs if not is_gone(d)]
    files = [f for f in files if not is_gone(f)]
    for _ in range(dice.randrange(1, 12)):
        parent = dice.choice(dirs)
        path = under(parent, dice.choice(NAMES))
        if path in taken or any(t.startswith(path + b"/") for t in taken):
            continue
        links = [f for f in files if f not in gone and f != path and not f.startswith(path + b"/")]
        entry = dice.entry(path, links)
        taken.add(path)
        if entry.type == LINK:
            taken.add(entry.link)
        # What was there and below is another thing now.
        if entry.type != DIR:
            dirs = [d for d in dirs if d != path and not d.startswith(path + b"/")]
            files = [f for f in files if not f.startswith(path + b"/")]
        elif path not in dirs:
            dirs.append(path)
        files = [f for f in files if f != path]
        if entry.type == REG:
            files.append(path)
        entries.append(entry)
    return marks + entries


def random_image(dice):
    tree, layers = oracle.Tree(), []
    tree.apply([Entry(**dice.metadata(b"./", DIR))])
    layers.append([Entry(b"./", DIR, mode=0o755)])
    for _ in range(dice.randrange(1, 6)):
        layers.append(random_layer(dice, tree))
        tree.apply(layers[-1])
    return layers


# --- the other ways -------------------------------------------------------------------------------

def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def apply_with_tar(root, tar):
    """Whiteouts, and what changes its type, by hand; the rest is GNU tar's."""
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as members:
        entries = [(os.fsencode(m.name), m) for m in members]
    for name, _ in entries:
        folder, last = os.path.split(name)
        where = os.path.join(os.fsencode(root), folder)
        if last == b".wh..wh..opq":
            for child in os.listdir(where) if os.path.isdir(where) else ():
                remove(os.path.join(where, child))
        elif last.startswith(b".wh."):
            remove(os.path.join(where, last[4:]))
    for name, member in entries:
        path = os.path.join(os.fsencode(root), name)
        if os.path.basename(name).startswith(b".wh."):
            continue
        if os.path.lexists(path) and (os.path.islink(path) or
                                      os.path.isdir(path) != member.isdir()):
            remove(path)
    subprocess.run(["tar", "-C", root, "-xpf", "-", "--numeric-owner", "--xattrs",
                    "--xattrs-include=*", "--exclude=.wh.*", "--warning=no-timestamp"], input=tar,
                   check=True)


class Options(argparse.Namespace):
    no_owner = no_time = no_dirtime = no_xattrs = as_user = False
    ignore = ()


def differences(expected, found, **flags):
    options = Options(**flags)
    return list(listing.differences({r["path"]: r for r in expected},
                                    {r["path"]: r for r in found}, options))


def without_folder_xattrs(records):
    """GNU tar gives none to a folder that is there already."""
    return [{k: v for k, v in r.items() if k != "xattrs" or r["kind"] != "dir"} for r in records]


# --- a registry of what lies in a folder ----------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = None

    def do_GET(self):  # pylint: disable=invalid-name
        parts = self.path.split("/")
        data, kind = b"{}", "application/json"
        if "manifests" in parts or "blobs" in parts:
            digest = parts[-1]
            if ":" not in digest:
                with open(self.folder + "/index.json", encoding="ascii") as f:
                    digest = json.load(f)["manifests"][0]["digest"]
            with open(f"{self.folder}/blobs/" + digest.replace(":", "/"), "rb") as f:
                data = f.read()
            kind = layout.TYPES["oci"]["manifest"] if "manifests" in parts \
                else "application/octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_GET

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


# --- cases ----------------------------------------------------------------------------------------

class Runner:
    def __init__(self, work):
        self.work = work
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def path(self, name):
        return os.path.join(self.work, name)

    def img(self, *words):
        return subprocess.run([IMG, "--store", self.path("store"), "-q", *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def case(self, seed):
        """Lines about what differs."""
        layers = random_image(Dice(seed))
        packed = [layout.Layer(entries, ("plain", "gzip")[seed % 2]) for entries in layers]
        shutil.rmtree(self.work)
        os.mkdir(self.work)
        out = layout.Layout(self.path("layout"))
        out.top(out.image(packed))
        out.finish()
        Handler.folder = self.path("layout")
        expected = [json.loads(line) for line in oracle.expected(layers).splitlines()]
        ref = f"{self.host}/r/{seed}"
        self.img("pull", ref)
        root = self.img("mount", *(["--rw"] if seed % 2 else []), ref)
        try:
            yield from differences(expected, listing.listing(root))
        finally:
            self.img("umount", "--all", "--remove")
        subprocess.run(["umoci", "unpack", "--image", self.path("layout") + ":latest",
                        self.path("umoci")], check=True, capture_output=True)
        yield from ("umoci: " + line for line in differences(
            listing.listing(self.path("umoci/rootfs")), expected, no_dirtime=True))
        os.mkdir(self.path("tar"))
        for layer in packed:
            apply_with_tar(self.path("tar"), layer.tar)
        yield from ("tar: " + line for line in differences(
            without_folder_xattrs(listing.listing(self.path("tar"))),
            without_folder_xattrs(expected), no_dirtime=True))


def main():
    count, first, work = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.umask(0)
    os.makedirs(work, exist_ok=True)
    runner, failed = Runner(work), 0
    for seed in range(first, first + count):
        lines = list(runner.case(seed))
        if lines:
            failed += 1
            print(f"# seed {seed}")
            for line in lines[:20]:
                print(f"#   {line}")
        if failed == 5:
            break
    shutil.rmtree(work)
    word = "not ok" if failed else "ok"
    print(f"{word} {count} random images: mount, oracle, umoci and tar agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
