# SPDX-License-Identifier: Apache-2.0
"""What the same bytes cost whatever the program: the floor under every pull.

Reading and hashing the compressed bytes, inflating them, hashing the raw bytes, writing both. Each
is timed alone, on one core, with the fastest at hand: OpenSSL's SHA-256 and ISA-L's inflate. With
both cores busy the sum halves; but one layer's DiffID is one sum over one stream, so no
pull of it is faster than the hash of its largest layer.
"""
import hashlib
import os
import subprocess
import time

CHUNK = 1 << 20


def hash_file(path):
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as f:
        while chunk := f.read(CHUNK):
            digest.update(chunk)


def write_copy(source, target):
    with open(source, "rb", buffering=0) as f, open(target, "wb", buffering=0) as out:
        while chunk := f.read(CHUNK):
            out.write(chunk)


def timed(function, *args):
    began = time.perf_counter()
    function(*args)
    return time.perf_counter() - began


def inflate(path):
    subprocess.run(["igzip", "-dc", path], stdout=subprocess.DEVNULL, check=True)


def measure(layers, work):
    """Seconds of each stage over all layers (files of gzip), and of the longest raw hash."""
    raw, copy = os.path.join(work, "limit.raw"), os.path.join(work, "limit.copy")
    out = {"hash_compressed": 0.0, "inflate": 0.0, "hash_raw": 0.0, "write": 0.0,
           "longest_raw_hash": 0.0}
    for path in layers:
        with open(raw, "wb") as f:
            subprocess.run(["igzip", "-dc", path], stdout=f, check=True)
        out["hash_compressed"] += timed(hash_file, path)
        out["inflate"] += timed(inflate, path)
        hashed = timed(hash_file, raw)
        out["hash_raw"] += hashed
        out["longest_raw_hash"] = max(out["longest_raw_hash"], hashed)
        for source in (path, raw):
            out["write"] += timed(write_copy, source, copy)
            os.unlink(copy)
        os.unlink(raw)
    total = out["hash_compressed"] + out["inflate"] + out["hash_raw"] + out["write"]
    out["both_cores"] = max(total / 2, out["longest_raw_hash"])
    return out
