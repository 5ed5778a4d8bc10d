#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images that bench/run measures with, once: OCI layouts in a cache folder.

    bench/images.py CACHE

`node` has many small files: debootstrap's minbase, Debian's or Node's own `nodejs`, and what
`npm install` brings for a broad set of packages, in four layers; the last is a second `npm install`
and an uninstall, so it holds whiteouts. `python` has few, large layers: minbase and five
piles of Debian packages, unpacked. Layers are GNU tar's and gzip -6's. Needs root, for the owners.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
GZIP_LEVEL = "-6"

# Few large files: interpreters, compilers and their libraries.
PILES = {
    "python": """python3.11 python3.11-minimal libpython3.11 libpython3.11-minimal
        libpython3.11-stdlib libpython3.11-dev python3-numpy python3-scipy python3-pandas
        python3-pandas-lib
        python3-sympy python3-matplotlib python3-django python3-twisted python3-pip
        python3-setuptools python3-wheel python3-lxml python3-pil python3-babel
        python-babel-localedata python3-sphinx python3-docutils python3-sqlalchemy""",
    "compiler": """gcc-12 g++-12 cpp-12 libgcc-12-dev libstdc++-12-dev libc6-dev linux-libc-dev
        binutils-x86-64-linux-gnu libbinutils libasan8 libtsan2 gfortran-12 libgfortran-12-dev
        perl-modules-5.36 libperl5.36 libicu-dev libboost1.74-dev""",
    "llvm": "llvm-14-dev libllvm14 libclang-cpp14 libclang-common-14-dev",
    "java": "openjdk-17-jre-headless openjdk-17-jdk-headless",
    "go": "golang-1.19-go golang-1.19-src",
}

NPM_FIRST = """typescript webpack webpack-cli eslint @babel/core @babel/preset-env jest react
    react-dom lodash express aws-sdk rxjs date-fns moment core-js prettier rollup vite next vue
    @angular/core @angular/common @angular/compiler @angular/compiler-cli @angular/cli
    @mui/material three d3 graphql react-icons""".split()
NPM_SECOND = """mocha chai sinon karma gulp grunt tslint nyc socket.io mongoose sequelize
    puppeteer-core storybook @types/node @fortawesome/fontawesome-free bootstrap highlight.js
    monaco-editor ramda immutable""".split()
# Taken away before the second install, and after it.
NPM_GONE = ["moment", "date-fns", "d3", "rollup", "prettier"], ["gulp", "grunt"]


def sh(*argv, log=None, **options):
    """Runs it; with a log, its end is shown when it fails."""
    if log is None:
        subprocess.run(argv, check=True, **options)
        return
    with open(log, "ab") as f:
        status = subprocess.run(argv, stdout=f, stderr=f, check=False, **options).returncode
    if status:
        with open(log, encoding="utf-8", errors="replace") as f:
            sys.stderr.writelines(f.readlines()[-15:])
        raise SystemExit(f"images: {' '.join(argv)[:200]}: exit status {status}")


def say(text):
    print(f"images: {text}", file=sys.stderr, flush=True)


# --- what goes into the layers --------------------------------------------------------------------

def debootstrap(work):
    """minbase, shared by both images."""
    root = os.path.join(work, "base")
    say("debootstrap minbase")
    sh("debootstrap", "--variant=minbase", SUITE, root, MIRROR,
       log=os.path.join(work, "debootstrap.log"))
    shutil.rmtree(os.path.join(root, "var/cache/apt/archives"))
    for name in os.listdir(os.path.join(root, "dev")):
        subprocess.run(["rm", "-rf", os.path.join(root, "dev", name)], check=True)
    return root


def packages(work, name, words):
    """Debian packages unpacked on one pile, on a merged /usr as the base has it."""
    root, debs = os.path.join(work, name), os.path.join(work, name + ".debs")
    os.makedirs(debs)
    say(f"packages of {name}")
    sh("apt-get", "-o", "APT::Sandbox::User=root", "download",
       *[f"{word}/{SUITE}" for word in words.split()],
       cwd=debs, log=os.path.join(work, name + ".log"))
    os.makedirs(os.path.join(root, "usr"))
    for deb in sorted(os.listdir(debs)):
        sh("dpkg-deb", "-x", os.path.join(debs, deb), root)
    for part in ("lib", "lib64", "bin", "sbin"):
        if os.path.isdir(os.path.join(root, part)):
            sh("cp", "-a", os.path.join(root, part), os.path.join(root, "usr"))
            shutil.rmtree(os.path.join(root, part))
    shutil.rmtree(debs)
    return root


def npm(root, verb, words):
    """npm on /app of a tree. A package that a mirror has not whole is left out, and said."""
    app = os.path.join(root, "app")
    os.makedirs(app, exist_ok=True)
    say(f"npm {verb} of {len(words)} packages")
    with open(os.path.join(os.path.dirname(root), "npm.log"), "ab") as log:
        for part in [words] + [[word] for word in words]:
            if not subprocess.run(["npm", verb, "--ignore-scripts", "--no-audit", "--no-fund",
                                   "--legacy-peer-deps", *part], cwd=app, stdout=log, stderr=log,
                                  check=False).returncode:
                if part is words:
                    break
            else:
                say(f"npm {verb} fails for {' '.join(part)}")
    sh("chown", "-R", "0:0", app)


def snapshot(root):
    found = {}
    for folder, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            key = (st.st_mode, st.st_size if not os.path.isdir(path) else 0,
                   st.st_mtime_ns if not os.path.isdir(path) else 0,
                   os.readlink(path) if os.path.islink(path) else None)
            found[os.path.relpath(path, root)] = key
    return found


def difference(root, before, work, name):
    """A layer's folder: what came or changed since, and a whiteout for what went."""
    after, out = snapshot(root), os.path.join(work, name)
    os.makedirs(out)
    changed = sorted(p for p in after if before.get(p) != after[p])
    listing = os.path.join(work, name + ".list")
    with open(listing, "w", encoding="utf-8") as f:
        f.writelines(p + "\0" for p in changed)
    with subprocess.Popen(["tar", "-C", root, "--null", "--no-recursion", "-T", listing, "-cf",
                           "-"], stdout=subprocess.PIPE) as pack:
        sh("tar", "-C", out, "-xpf", "-", stdin=pack.stdout)
    gone = set(before) - set(after)
    for path in sorted(p for p in gone if os.path.dirname(p) not in gone):
        parent = os.path.join(out, os.path.dirname(path))
        os.makedirs(parent, exist_ok=True)
        with open(os.path.join(parent, ".wh." + os.path.basename(path)), "w", encoding="ascii"):
            pass
    return out


# --- layouts --------------------------------------------------------------------------------------

class Hashed:
    """Counts and hashes what passes to a file."""

    def __init__(self, path=None):
        self.hash, self.size = hashlib.sha256(), 0
        self.file = open(path, "wb") if path else None  # pylint: disable=consider-using-with

    def copy(self, source, also=None):
        while chunk := source.read(1 << 20):
            self.hash.update(chunk)
            self.size += len(chunk)
            for sink in (self.file, also):
                if sink:
                    sink.write(chunk)
        if also:
            also.close()
        if self.file:
            self.file.close()

    @property
    def digest(self):
        return "sha256:" + self.hash.hexdigest()


def pack(root, layout):
    """One layer of a folder: its descriptor and DiffID."""
    part = os.path.join(layout, "part")
    raw = Hashed()
    with open(part, "wb") as out, \
            subprocess.Popen(["tar", "--format=posix", "--sort=name", "--numeric-owner",
                              "--pax-option=delete=atime,delete=ctime,delete=mtime",
                              "-C", root, "-cf", "-", "."], stdout=subprocess.PIPE) as tar, \
            subprocess.Popen(["gzip", GZIP_LEVEL, "-n"], stdin=subprocess.PIPE, stdout=out) as gz:
        raw.copy(tar.stdout, gz.stdin)
    if tar.returncode or gz.returncode:
        raise RuntimeError(f"tar or gzip failed on {root}")
    packed = Hashed()
    with open(part, "rb") as f:
        packed.copy(f)
    os.rename(part, os.path.join(layout, "blobs/sha256", packed.digest[7:]))
    say(f"layer of {os.path.basename(root)}: {raw.size >> 20} MiB, {packed.size >> 20} MiB gzip")
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": packed.digest,
            "size": packed.size}, raw.digest


def put(layout, media_type, document):
    data = json.dumps(document, indent=1).encode()
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
        f.write(data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def write_layout(layout, roots, config):
    """The layout of an image with these folders as its layers."""
    os.makedirs(os.path.join(layout, "blobs/sha256"))
    layers, diff_ids = zip(*[pack(root, layout) for root in roots])
    document = {"architecture": "amd64", "os": "linux", "created": "2025-01-01T00:00:00Z",
                "config": config, "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
                "history": [{"created": "2025-01-01T00:00:00Z",
                             "created_by": f"bench/images.py {os.path.basename(r)}"}
                            for r in roots]}
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": manifest_type,
                "config": put(layout, "application/vnd.oci.image.config.v1+json", document),
                "layers": list(layers)}
    top = put(layout, manifest_type, manifest)
    top["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    with open(os.path.join(layout, "index.json"), "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [top]}, f)
    with open(os.path.join(layout, "oci-layout"), "w", encoding="ascii") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')


def make_node(work, base, layout):
    runtime = packages(work, "nodejs", "nodejs libicu72 libuv1 libssl3 libnghttp2-14")
    tree = os.path.join(work, "app1")
    npm(tree, "install", NPM_FIRST)
    first = os.path.join(work, "app")
    sh("cp", "-a", tree, first)
    before = snapshot(tree)
    npm(tree, "uninstall", NPM_GONE[0])
    npm(tree, "install", NPM_SECOND)
    npm(tree, "uninstall", NPM_GONE[1])
    second = difference(tree, before, work, "app-update")
    write_layout(layout, [base, runtime, first, second],
                 {"Env": ["PATH=/usr/bin:/bin", "NODE_ENV=production"], "Cmd": ["node"],
                  "WorkingDir": "/app"})


def make_python(work, base, layout):
    roots = [base] + [packages(work, name, words) for name, words in PILES.items()]
    write_layout(layout, roots, {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["python3.11"]})


def make(cache):
    """Makes what the cache lacks; returns {name: layout}."""
    cache = os.path.abspath(cache)
    os.makedirs(cache, exist_ok=True)
    layouts = {name: os.path.join(cache, name) for name in ("node", "python")}
    lacking = [n for n, path in layouts.items() if not os.path.exists(path)]
    if not lacking:
        return layouts
    if os.getuid() != 0:
        raise SystemExit("images: root is needed to make the images")
    with tempfile.TemporaryDirectory(prefix="making.", dir=cache) as work:
        base = debootstrap(work)
        for name in lacking:
            part = os.path.join(work, name + ".layout")
            (make_node if name == "node" else make_python)(work, base, part)
            # What is there is complete.
            os.rename(part, layouts[name])
    return layouts


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1].strip())
    print(make(sys.argv[1]))
